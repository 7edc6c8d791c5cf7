// The page: what is pressed and said goes to the line, what comes back is shown.

import { Captions } from "./captions";
import { Composer } from "./composer";
import { Conversation, type Message } from "./conversation";
import { byId } from "./dom";
import type { ServerEvent } from "./events";
import { KeyForm, welcome } from "./keyform";
import { Level } from "./level";
import { Line, type State } from "./line";
import { Microphone } from "./microphone";
import { Settings, wanted } from "./settings";
import { type Kind, Sight } from "./sight";
import { Status } from "./status";
import { kept } from "./store";
import { TalkButton } from "./talk";
import * as theme from "./theme";
import { KEY_WANTED, UNPLUGGED, UNREACHABLE, microphoneTrouble } from "./words";

const MOST_RETOLD = 40; // messages that a new call is told of those before it
const PAUSE_MS = 150; // between what was shown and what is: by it the server tells late pictures of the one from early ones of the other

class Page {
  private readonly status = new Status();
  private readonly captions = new Captions(byId("log", HTMLElement), byId("reader", HTMLElement), byId("empty", HTMLElement));
  private readonly conversation = new Conversation((message) => this.said(message));
  private readonly microphone = new Microphone(() => this.unplugged());
  private readonly level = new Level(byId("level", HTMLElement), (yes) => this.status.quiet(yes));
  private readonly line: Line;
  private readonly keys: KeyForm;
  private readonly sight: Sight;
  private readonly settings: Settings;
  private retold = new Set<string>();
  private held = false;

  constructor() {
    const wishes = () => ({ session: wanted(), microphone: this.microphone.track, picture: this.sight.track });
    this.line = new Line(
      wishes,
      { changed: (state) => this.connected(state), told: (event) => this.told(event), opened: () => this.opened() },
      byId("loudspeaker", HTMLAudioElement),
    );
    const key = byId("key", HTMLInputElement);
    this.keys = new KeyForm(byId("key-form", HTMLFormElement), key, byId("key-trouble", HTMLElement), () => this.line.hangUp());
    this.settings = new Settings({
      microphone: () => void this.otherMicrophone(),
      manner: (anew) => this.otherManner(anew),
      theme: () => this.themed(),
    });
    this.sight = new Sight({
      showing: () => void this.showing(),
      trouble: (text) => this.status.notice(text),
    });
    new Composer(byId("composer", HTMLFormElement), byId("text", HTMLTextAreaElement), (text) => this.type(text));
    new TalkButton(byId("talk", HTMLButtonElement), {
      toggle: () => void this.toggle(),
      hold: () => this.hold(),
      release: () => this.release(),
    });
    this.buttons();
    this.restore();
    this.themed();
    void this.arrive();
  }

  private buttons(): void {
    byId("hang-up", HTMLButtonElement).addEventListener("click", () => this.hangUp());
    byId("interrupt", HTMLButtonElement).addEventListener("click", () => this.line.send({ type: "response.cancel" }));
    byId("anew", HTMLButtonElement).addEventListener("click", () => this.anew());
    byId("theme", HTMLButtonElement).addEventListener("click", () => {
      theme.choose(theme.dark() ? "light" : "dark");
      this.themed();
    });
    window.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.conversation.busy) this.line.send({ type: "response.cancel" });
    });
  }

  /** Whether somebody is there, and lets us in. */
  private async arrive(): Promise<void> {
    const response = await welcome();
    if (response?.status === 401) this.connected({ kind: "stopped", problem: KEY_WANTED });
    else if (response === null) this.connected({ kind: "stopped", problem: { ...UNREACHABLE, retry: null } });
    else this.show();
  }

  // Talking

  private async toggle(): Promise<void> {
    if (this.line.wanted && this.microphone.open) return this.hangUp();
    if (await this.openMicrophone()) this.line.dial();
  }

  private hold(): boolean {
    if (this.microphone.open) return false;
    this.held = true;
    void this.openMicrophone().then((open) => {
      if (open) this.line.dial();
      if (!this.held) this.listen(false); // let go while the browser was still asking
    });
    return true;
  }

  private release(): void {
    this.held = false;
    this.listen(false);
  }

  private async openMicrophone(): Promise<boolean> {
    try {
      await this.microphone.begin();
    } catch (error) {
      this.status.notice(microphoneTrouble(error));
      return false;
    }
    this.status.notice("");
    if (this.microphone.source) this.level.watch(this.microphone.source);
    await this.line.hearFrom(this.microphone.track);
    this.show();
    return true;
  }

  private listen(on: boolean): void {
    this.microphone.listen(on);
    this.show();
  }

  private async otherMicrophone(): Promise<void> {
    if (!this.microphone.track) return;
    this.microphone.end();
    await this.openMicrophone();
  }

  private otherManner(anew: boolean): void {
    const session = wanted();
    if (session && !anew) this.line.send({ type: "session.update", session });
    else this.line.renew();
  }

  private unplugged(): void {
    this.level.stop();
    void this.line.hearFrom(null);
    this.status.notice(UNPLUGGED);
    this.show();
  }

  private hangUp(): void {
    this.line.hangUp();
    this.microphone.end();
    this.level.stop();
    this.sight.end();
    this.show();
  }

  // Showing

  /** Nothing of what was shown before is taken for what is shown now, though its last pictures are still on their way. */
  private async showing(): Promise<void> {
    this.status.notice("");
    await this.line.see(null);
    this.tellShown("nothing");
    const { track, kind } = this.sight;
    if (track === null) return;
    this.tellShown(kind); // at once, so that who asks now is answered about it
    await new Promise((passed) => setTimeout(passed, PAUSE_MS));
    if (track === this.sight.track) await this.line.see(track);
  }

  private tellShown(kind: Kind): void {
    this.line.send({ type: "session.update", session: { type: "realtime", assistant: { shows: kind } } });
  }

  private opened(): void {
    if (this.sight.track) this.tellShown(this.sight.kind);
    this.retell();
  }

  // Typing

  private type(text: string): void {
    const id = `typed_${crypto.getRandomValues(new Uint32Array(2)).join("_")}`;
    this.conversation.write(id, text);
    this.status.notice("");
    if (this.line.state.kind === "live") this.retell();
    else this.line.dial();
  }

  /** Tell the server what it does not know: after a new beginning all that was said, and what was typed; the latter is answered. */
  private retell(): void {
    let asked = false;
    for (const message of this.conversation.messages.slice(-MOST_RETOLD)) {
      if (this.retold.has(message.id) || !message.text || message.condition === "partial") continue;
      this.retold.add(message.id);
      const waiting = message.condition === "waiting";
      if (waiting && this.conversation.busy) this.line.send({ type: "response.cancel" });
      asked ||= waiting;
      const content = [{ type: message.role === "user" ? "input_text" : "output_text", text: message.text }];
      const item = { type: "message", id: message.id, role: message.role, content };
      this.line.send({ type: "conversation.item.create", assistant: { retold: !waiting }, item });
    }
    if (!asked) return;
    this.line.send({ type: "response.create" });
    this.conversation.ask();
  }

  // What comes back

  private told(event: ServerEvent): void {
    if (event.type === "session.created" || event.type === "session.updated") {
      this.settings.describe(event.session);
      this.sight.allow(event.session.assistant?.vision === true);
    } else if (event.type === "error") {
      if (event.error.code === "conversation_already_has_active_response") this.conversation.refused();
      if (event.error.code !== "response_cancel_not_active") this.status.notice(event.error.message); // it had just ended
    } else {
      this.known(event);
      this.conversation.hear(event);
    }
  }

  /** What the server has said itself it need not be told. */
  private known(event: ServerEvent): void {
    if (event.type !== "conversation.item.added" || this.retold.has(event.item.id)) return;
    this.retold.add(event.item.id);
    this.status.notice("");
  }

  private said(message: Message | null): void {
    if (message) {
      this.captions.show(message);
      this.keep();
    }
    this.show();
  }

  private connected(state: State): void {
    if (state.kind !== "live") {
      this.retold = new Set();
      this.conversation.ended();
    }
    this.keys.show(state.kind === "stopped" && state.problem.key === true);
    this.show(state);
  }

  private show(state: State = this.line.state): void {
    this.status.show(state, this.conversation.floor, this.microphone.open);
  }

  // What is kept

  private keep(): void {
    kept.conversation.set(JSON.stringify(this.conversation.words));
    byId("anew", HTMLButtonElement).hidden = this.conversation.messages.length === 0;
  }

  private restore(): void {
    try {
      this.captions.quietly(JSON.parse(kept.conversation.get() || "[]") as Message[]);
      this.conversation.restore(JSON.parse(kept.conversation.get() || "[]") as Message[]);
    } catch {
      kept.conversation.set("");
    }
    this.conversation.ended();
  }

  private anew(): void {
    const again = this.line.wanted;
    this.conversation.clear();
    this.captions.clear();
    this.status.notice("");
    this.keep();
    if (again) this.line.renew();
  }

  private themed(): void {
    theme.apply();
    byId("theme", HTMLButtonElement).setAttribute("aria-pressed", String(theme.dark()));
  }
}

theme.apply();
new Page();
