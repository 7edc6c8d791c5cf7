// The talk button: a press begins and ends a conversation by voice; while it, or the space bar, is held, the microphone is open
// for just as long.

const HOLD_MS = 350;

export interface Talker {
  /** Begin or end. */
  toggle(): void;
  /** Open the microphone for as long as it is held; false: it is open anyway. */
  hold(): boolean;
  release(): void;
}

export class TalkButton {
  private holding = false;
  private timer = 0;
  private swallow = false; // the click that ends a hold is none

  constructor(
    private readonly button: HTMLButtonElement,
    private readonly talker: Talker,
  ) {
    button.addEventListener("click", () => this.clicked());
    button.addEventListener("pointerdown", (event) => {
      if (event.button === 0) this.timer = window.setTimeout(() => this.begin(true), HOLD_MS);
    });
    for (const kind of ["pointerup", "pointercancel", "blur"]) window.addEventListener(kind, () => this.end());
    button.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
    window.addEventListener("keydown", (event) => this.pressed(event));
    window.addEventListener("keyup", (event) => this.released(event));
  }

  private clicked(): void {
    if (this.swallow) this.swallow = false;
    else this.talker.toggle();
  }

  private begin(byPointer: boolean): void {
    this.holding = this.talker.hold();
    this.swallow = byPointer && this.holding;
  }

  private end(): void {
    window.clearTimeout(this.timer);
    if (!this.holding) return;
    this.holding = false;
    this.talker.release();
    window.setTimeout(() => (this.swallow = false)); // where the pointer was let go elsewhere, no click follows
  }

  private pressed(event: KeyboardEvent): void {
    if (event.code !== "Space" || event.ctrlKey || event.altKey || event.metaKey || !this.ours(event.target)) return;
    event.preventDefault(); // neither a click nor scrolling
    if (!event.repeat) this.begin(false);
  }

  private released(event: KeyboardEvent): void {
    if (event.code !== "Space" || !this.ours(event.target)) return;
    event.preventDefault();
    this.end();
  }

  /** Space has a meaning of its own in fields, buttons and dialogs; on the talk button it means to talk. */
  private ours(target: EventTarget | null): boolean {
    if (target === this.button) return true;
    return target instanceof Element && !target.closest("input, textarea, select, button, summary, a, dialog");
  }
}
