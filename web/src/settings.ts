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
  const voice = kept.voice.get();
  const language = kept.language.get();
  const model = kept.model.get();
  if (!own && !silent && !voice && !language && !model) return null;
  return {
    type: "realtime",
    ...(model ? { model } : {}),
    assistant: { memory: !silent },
    ...(own ? { instructions: `${own}\n${SPOKEN}` } : {}),
    audio: { ...(voice ? { output: { voice } } : {}), ...(language ? { input: { transcription: { language } } } : {}) },
  };
}

/** What Whisper understands best. */
const LANGUAGES = "ar bg ca cs da de el en es fa fi fr he hi hr hu id it ja ko nl no pl pt ro ru sk sv ta th tr uk ur vi zh".split(" ");

const language = new Intl.DisplayNames(undefined, { type: "language", fallback: "code" });
const named = (code: string) => language.of(code) ?? code;
const byName = (one: Option, other: Option) => one.text.localeCompare(other.text);
type Option = HTMLOptionElement;

function fill(select: HTMLSelectElement, first: string, others: Option[], chosen: string): void {
  select.replaceChildren(new Option(first, ""), ...others.sort(byName));
  select.value = others.some((option) => option.value === chosen) ? chosen : "";
}

export interface Changed {
  microphone(): void;
  /** anew: it takes a new call. */
  manner(anew: boolean): void;
  theme(): void;
}

export class Settings {
  private readonly dialog = byId("settings", HTMLDialogElement);
  private readonly microphone = byId("microphone", HTMLSelectElement);
  private readonly manner = byId("instructions", HTMLTextAreaElement);
  private readonly memory = byId("memory", HTMLInputElement);
  private readonly language = byId("language", HTMLSelectElement);
  private readonly voice = byId("voice-choice", HTMLSelectElement);
  private readonly model = byId("model-choice", HTMLSelectElement);
  private voices: Record<string, string> = {};
  private models: string[] = [];
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
    const recognizer = session.audio.input.transcription?.model ?? "";
    byId("recognizer", HTMLElement).textContent = recognizer || "not named";
    byId("language-line", HTMLElement).hidden = recognizer.endsWith(".en"); // it knows no other
    this.voices = session.assistant?.voices ?? {};
    byId("voice-line", HTMLElement).hidden = !Object.keys(this.voices).length;
    this.models = session.assistant?.models ?? [];
    byId("model-line", HTMLElement).hidden = !this.models.length;
    byId("about", HTMLElement).hidden = false;
    byId("memory-line", HTMLElement).hidden = session.assistant?.memory === undefined;
    byId("seeing", HTMLElement).hidden = session.assistant?.vision !== true;
    if (!kept.instructions.get()) this.manner.placeholder = session.instructions;
  }

  private async open(): Promise<void> {
    this.manner.value = kept.instructions.get();
    this.memory.checked = kept.memory.get() !== "off";
    this.appearance.value = theme();
    fill(this.language, "Whatever I speak", LANGUAGES.map((code) => new Option(named(code), code)), kept.language.get());
    const voices = Object.entries(this.voices).map(([name, code]) => new Option(`${named(code)}: ${name}`, name));
    const [own, ...others] = this.models;
    fill(this.model, `The server's own: ${own}`, others.map((name) => new Option(name, name)), kept.model.get());
    fill(this.voice, "The one for the language", voices, kept.voice.get());
    await this.list();
    this.dialog.showModal();
  }

  private async list(): Promise<void> {
    const chosen = kept.microphone.get();
    const options = (await microphones()).map((device, at) => new Option(device.label || `Microphone ${at + 1}`, device.deviceId));
    this.microphone.replaceChildren(new Option("As the system has it", ""), ...options);
    this.microphone.value = options.some((option) => option.value === chosen) ? chosen : "";
  }

  /** What is not offered here stays as it was chosen elsewhere. */
  private offered(): { voice: string; language: string; model: string } {
    const hidden = (line: string) => byId(line, HTMLElement).hidden;
    return {
      voice: hidden("voice-line") ? kept.voice.get() : this.voice.value,
      language: hidden("language-line") ? kept.language.get() : this.language.value,
      model: hidden("model-line") ? kept.model.get() : this.model.value,
    };
  }

  private note(): void {
    const now = { instructions: this.manner.value.trim(), memory: this.memory.checked ? "" : "off", ...this.offered() };
    const changed = Object.entries(now).filter(([name, value]) => value !== kept[name as keyof typeof now].get());
    for (const [name, value] of changed) kept[name as keyof typeof now].set(value);
    if (!changed.length) return;
    // What is left to the server again only the server knows, and a model is for a whole call.
    this.changed.manner(changed.some(([name, value]) => !value || name === "model"));
  }
}
