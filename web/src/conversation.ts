// What has been said, from the events of the server. Shows nothing and asks for nothing.

import type { Item, ServerEvent, Stages } from "./events";

/**
 * partial: still being said by the user. waiting: typed, and not with the server yet. speaking: being said by the assistant.
 * interrupted: the assistant was, after the words that were heard.
 */
export type Condition = "partial" | "waiting" | "speaking" | "done" | "interrupted" | "failed";

/** What the camera showed once, and an answer tells of. */
export interface View {
  /** ISO 8601. */
  seenAt: string;
  /** "the camera". */
  source: string;
  /** What is in it. */
  text: string;
  /** A data URI. */
  picture: string;
}

export interface Message {
  id: string;
  role: "user" | "assistant";
  /** Of the assistant's words those that were heard. */
  text: string;
  /** What the assistant has written beyond them. */
  unheard: string;
  condition: Condition;
  stages?: Stages;
  view?: View;
}

const ENDED: Condition[] = ["done", "interrupted", "failed"];

/** Whose turn it is. */
export type Floor = "listening" | "hearing" | "thinking" | "speaking";

export class Conversation {
  readonly messages: Message[] = [];
  floor: Floor = "listening";
  /** The assistant has been asked and is not done. */
  answering = false;
  /** The assistant has been asked, and the server has not said yet that it answers. */
  private asking = false;

  /** changed: told which message is another now; null: only the floor is. */
  constructor(private readonly changed: (message: Message | null) => void) {}

  find(id: string): Message | undefined {
    return this.messages.findLast((message) => message.id === id);
  }

  /** The user writes this. */
  write(id: string, text: string): void {
    this.put({ id, role: "user", text, unheard: "", condition: "waiting" });
  }

  /** The assistant is asked for an answer. */
  ask(): void {
    this.asking = true;
    this.turnTo("thinking");
  }

  /** It was not to be had: what is being said now is answered, and what was written with it. */
  refused(): void {
    this.asking = false;
  }

  get busy(): boolean {
    return this.asking || this.answering;
  }

  /** What a browser may keep of it: no pictures. */
  get words(): Message[] {
    return this.messages.map(({ view: _, ...words }) => words);
  }

  /** What was said before the page was loaded. */
  restore(messages: Message[]): void {
    for (const message of messages) this.put(message);
  }

  clear(): void {
    this.messages.length = 0;
  }

  /** The call is over: nothing that was going on in it goes on. */
  ended(): void {
    this.floor = "listening";
    this.asking = this.answering = false;
    this.forgetPartial("");
    for (const message of this.messages) if (message.condition === "speaking") this.update(message, { condition: "interrupted" });
    this.changed(null);
  }

  hear(event: ServerEvent): void {
    switch (event.type) {
      case "input_audio_buffer.speech_started":
        this.forgetPartial(event.item_id);
        return this.turnTo("hearing");
      case "input_audio_buffer.speech_stopped":
        return this.turnTo("thinking");
      case "assistant.transcript.partial":
        return this.partial(event.item_id, event.text);
      case "conversation.item.input_audio_transcription.delta":
        return this.partial(event.item_id, (this.find(event.item_id)?.text ?? "") + event.delta);
      case "conversation.item.input_audio_transcription.completed":
        return this.put({ id: event.item_id, role: "user", text: event.transcript, unheard: "", condition: "done" });
      case "conversation.item.added":
      case "conversation.item.done":
        return this.item(event.item);
      case "response.created":
        this.asking = false;
        this.answering = true;
        return this.turnTo("thinking");
      case "assistant.reply.text":
        return this.written(event.item_id, event.delta);
      case "response.output_audio_transcript.delta":
        return this.heard(event.item_id, event.delta);
      case "assistant.view.shown":
        return this.seen(event.item_id, { seenAt: event.seen_at, source: event.source, text: event.text, picture: event.image_url });
      case "assistant.views.forgotten":
        return this.unseen();
      case "assistant.held":
        return this.turnTo("hearing");
      case "assistant.resumed":
      case "output_audio_buffer.started":
        return this.turnTo("speaking");
      case "conversation.item.truncated":
        return this.settle(event.item_id, "interrupted");
      case "response.done":
        return this.answered(event.response.status, event.response.output);
      case "assistant.metrics":
        return this.measured(event.stages);
      default:
    }
  }

  private partial(id: string, text: string): void {
    if (this.find(id)?.condition === "done") return;
    this.put({ id, role: "user", text, unheard: "", condition: "partial" });
  }

  private item(item: Item): void {
    const text = item.content.map((part) => part.transcript ?? part.text ?? "").join(" ");
    const known = this.find(item.id);
    if (known && ENDED.includes(known.condition)) return; // the server only repeats what it was told
    if (item.role === "user" || item.status === "completed") {
      this.put({ id: item.id, role: item.role, text: text || (known?.text ?? ""), unheard: "", condition: "done" });
    } else if (item.status === "in_progress") {
      this.put({ id: item.id, role: "assistant", text: "", unheard: known?.unheard ?? "", condition: "speaking" });
    } else {
      this.settle(item.id, "interrupted");
    }
  }

  private written(id: string, delta: string): void {
    const known = this.find(id);
    if (known) this.update(known, { unheard: known.unheard + delta });
    else this.put({ id, role: "assistant", text: "", unheard: delta, condition: "speaking" });
  }

  private heard(id: string, delta: string): void {
    const known = this.find(id);
    if (!known) return;
    const unheard = known.unheard.startsWith(delta) ? known.unheard.slice(delta.length) : known.unheard;
    this.update(known, { text: known.text + delta, unheard });
  }

  private seen(id: string, view: View): void {
    const known = this.find(id);
    if (known) this.update(known, { view });
  }

  /** What was kept is deleted: none of it stays on the page. */
  private unseen(): void {
    for (const message of this.messages) {
      if (!message.view) continue;
      delete message.view;
      this.changed(message);
    }
  }

  private answered(status: string, output: Item[]): void {
    this.answering = false;
    if (status !== "completed") for (const item of output) this.settle(item.id, status === "failed" ? "failed" : "interrupted");
    this.turnTo("listening");
  }

  private measured(stages: Stages): void {
    const answer = this.messages.findLast((message) => message.role === "assistant");
    if (answer) this.update(answer, { stages });
  }

  private settle(id: string, condition: Condition): void {
    const known = this.find(id);
    if (known) this.update(known, { condition });
  }

  /** Words of an utterance that became no turn: a cough, or the beginning of another one. */
  private forgetPartial(except: string): void {
    for (const message of [...this.messages]) {
      if (message.condition !== "partial" || message.id === except) continue;
      this.messages.splice(this.messages.indexOf(message), 1);
      this.changed({ ...message, text: "" });
    }
  }

  private put(message: Message): void {
    const known = this.find(message.id);
    if (known) {
      this.update(known, message);
      return;
    }
    this.messages.push(message);
    this.changed(message);
  }

  private update(message: Message, news: Partial<Message>): void {
    Object.assign(message, news);
    this.changed(message);
  }

  private turnTo(floor: Floor): void {
    this.floor = floor;
    this.changed(null);
  }
}
