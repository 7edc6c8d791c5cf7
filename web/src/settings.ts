// The settings: which microphone, how to answer, dark or light, and what this server works with.

import { byId } from "./dom";
import type { Session } from "./events";
import { microphones } from "./microphone";
import { kept } from "./store";
import { choose, theme, type Theme } from "./theme";

/** Added to the user's own instructions: what suits paper does not suit the ear. */
const SPOKEN = "Your words are spoken aloud: answer in one or two short spoken sentences, in plain words, without lists or markdown.";

/** What the server is told about how to answer and what to remember; null: it knows itself. */
export function wanted(): object | null {
  const own = kept.instructions.get();
  const silent = kept.memory.get() === "off";
  if (!own && !silent) return null;
  return { type: "realtime", assistant: { memory: !silent }, ...(own ? { instructions: `${own}\n${SPOKEN}` } : {}) };
}

export interface Changed {
  microphone(): void;
  manner(): void;
  theme(): void;
}

export class Settings {
  private readonly dialog = byId("settings", HTMLDialogElement);
  private readonly microphone = byId("microphone", HTMLSelectElement);
  private readonly manner = byId("instructions", HTMLTextAreaElement);
  private readonly memory = byId("memory", HTMLInputElement);
  private readonly appearance = byId("appearance", HTMLSelectElement);

  constructor(private readonly changed: Changed) {
    byId("open-settings", HTMLButtonElement).addEventListener("click", () => void this.open());
    // Noted before the dialog is gone: its "close" event waits for the next frame, and what is said until then would go by the old choice.
    byId("close-settings", HTMLButtonElement).addEventListener("click", () => {
      this.note();
      this.dialog.close();
    });
    this.dialog.addEventListener("cancel", () => this.note());
    this.microphone.addEventListener("change", () => {
      kept.microphone.set(this.microphone.value);
      changed.microphone();
    });
    this.appearance.addEventListener("change", () => {
      choose(this.appearance.value as Theme);
      changed.theme();
    });
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.list());
  }

  /** What the server says about itself. */
  describe(session: Session): void {
    byId("model", HTMLElement).textContent = session.model || "not named";
    byId("voice", HTMLElement).textContent = session.audio.output.voice || "not named";
    byId("recognizer", HTMLElement).textContent = session.audio.input.transcription?.model || "not named";
    byId("about", HTMLElement).hidden = false;
    byId("memory-line", HTMLElement).hidden = session.assistant?.memory === undefined;
    byId("seeing", HTMLElement).hidden = session.assistant?.vision !== true;
    if (!kept.instructions.get()) this.manner.placeholder = session.instructions;
  }

  private async open(): Promise<void> {
    this.manner.value = kept.instructions.get();
    this.memory.checked = kept.memory.get() !== "off";
    this.appearance.value = theme();
    await this.list();
    this.dialog.showModal();
  }

  private async list(): Promise<void> {
    const chosen = kept.microphone.get();
    const options = (await microphones()).map((device, at) => new Option(device.label || `Microphone ${at + 1}`, device.deviceId));
    this.microphone.replaceChildren(new Option("As the system has it", ""), ...options);
    this.microphone.value = options.some((option) => option.value === chosen) ? chosen : "";
  }

  private note(): void {
    const manner = this.manner.value.trim();
    const memory = this.memory.checked ? "" : "off";
    if (manner === kept.instructions.get() && memory === kept.memory.get()) return;
    kept.instructions.set(manner);
    kept.memory.set(memory);
    this.changed.manner();
  }
}
