// What has been said, shown: one paragraph for each message, and below an answer where its time went. Whole sentences, not
// every word, are told to screen readers.

import type { Message, View } from "./conversation";
import { make } from "./dom";
import { described, figure } from "./view";
import { waterfall } from "./waterfall";

const WHO = { user: "You", assistant: "Assistant" };
const NOTES: Partial<Record<Message["condition"], string>> = {
  interrupted: "interrupted",
  failed: "failed",
  waiting: "not sent yet",
};

export class Captions {
  private readonly shown = new Map<string, HTMLElement>();
  private readonly read = new Set<string>();
  /** Each is made once: a new one with every word would flicker. */
  private readonly figures = new WeakMap<View, HTMLElement>();

  constructor(
    private readonly log: HTMLElement,
    private readonly reader: HTMLElement,
    private readonly empty: HTMLElement,
  ) {}

  show(message: Message): void {
    if (message.condition === "partial" && !message.text) return this.remove(message.id);
    const follow = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    let element = this.shown.get(message.id);
    if (!element) {
      element = make("article");
      this.shown.set(message.id, element);
      this.log.append(element);
      this.empty.hidden = true;
    }
    const open = element.querySelector("details")?.open ?? false;
    element.className = `message ${message.role} ${message.condition}`;
    const toTheEnd = () => {
      if (follow) this.log.scrollTop = this.log.scrollHeight;
    };
    element.replaceChildren(...this.parts(message, open, toTheEnd));
    this.tell(message);
    toTheEnd();
  }

  /** The server did what it was asked to on the way: restored messages are not read out again. */
  quietly(messages: Message[]): void {
    for (const message of messages) this.read.add(message.id);
    messages.forEach((message) => this.show(message));
    this.log.scrollTop = this.log.scrollHeight;
  }

  clear(): void {
    for (const id of [...this.shown.keys()]) this.remove(id);
    this.read.clear();
    this.reader.replaceChildren();
    this.empty.hidden = false;
  }

  private remove(id: string): void {
    this.shown.get(id)?.remove();
    this.shown.delete(id);
    this.empty.hidden = this.shown.size > 0;
  }

  private parts(message: Message, open: boolean, grown: () => void): HTMLElement[] {
    const words = make("p", { className: "words" });
    words.append(make("span", { className: "heard", text: message.text || (message.unheard ? "" : "…") }));
    if (message.unheard) {
      const over = message.condition === "interrupted" || message.condition === "failed";
      if (over) words.append(make("span", { className: "for-readers", text: " Not heard: " }));
      words.append(make("span", { className: over ? "unheard" : "coming", text: message.unheard }));
    }
    const note = NOTES[message.condition];
    const parts: HTMLElement[] = [make("h3", { text: WHO[message.role] }), words];
    if (note) parts.push(make("p", { className: "note", text: note }));
    if (message.view) parts.push(this.figure(message.view, grown));
    if (message.stages) parts.push(waterfall(message.stages, open));
    return parts;
  }

  private figure(view: View, loaded: () => void): HTMLElement {
    const known = this.figures.get(view) ?? figure(view, loaded);
    this.figures.set(view, known);
    return known;
  }

  private tell(message: Message): void {
    const over = message.condition === "done" || message.condition === "interrupted";
    if (!over || !message.text || this.read.has(message.id)) return;
    this.read.add(message.id);
    const cut = message.condition === "interrupted" ? " (interrupted)" : "";
    const seen = message.view ? ` With a picture. ${described(message.view)}` : "";
    this.reader.append(make("p", { text: `${WHO[message.role]}: ${message.text}${cut}${seen}` }));
    while (this.reader.childElementCount > 6) this.reader.firstElementChild?.remove();
  }
}
