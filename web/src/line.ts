// Keeps a call up for as long as the user wants one: begins it, and begins it anew when it is lost.

import { Call, CallFailed, type Wishes } from "./call";
import type { ClientEvent, ServerEvent } from "./events";
import { LOST, waiting, type Problem } from "./words";

/** How it is with the connection. */
export type State =
  | { kind: "idle" }
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "waiting"; text: string }
  | { kind: "stopped"; problem: Problem };

export interface Watcher {
  changed(state: State): void;
  told(event: ServerEvent): void;
  /** A call is up: what was said before is told again. */
  opened(): void;
}

export class Line {
  private call: Call | null = null;
  private attempt: AbortController | null = null;
  private timer = 0;
  private now: State = { kind: "idle" };
  private tries = 0;

  constructor(
    private readonly wishes: () => Wishes,
    private readonly watcher: Watcher,
    private readonly loudspeaker: HTMLAudioElement,
  ) {
    window.addEventListener("online", () => this.sooner());
    window.addEventListener("pagehide", () => this.hangUp());
  }

  get state(): State {
    return this.now;
  }

  /** Whether the user wants a call, be it up or not. */
  get wanted(): boolean {
    return this.now.kind !== "idle" && this.now.kind !== "stopped";
  }

  /** Call, unless that is being done. */
  dial(): void {
    if (!this.wanted) void this.try();
  }

  /** The same call with other wishes. */
  renew(): void {
    if (!this.wanted) return;
    this.drop();
    void this.try();
  }

  hangUp(): void {
    this.drop();
    this.become({ kind: "idle" });
  }

  send(event: ClientEvent): void {
    this.call?.send(event);
  }

  /** What the server hears; before there is a call it is among the wishes. */
  async hearFrom(track: MediaStreamTrack | null): Promise<void> {
    await this.call?.hearFrom(track);
  }

  /** What the server sees; likewise. */
  async see(track: MediaStreamTrack | null): Promise<void> {
    await this.call?.see(track);
  }

  private drop(): void {
    window.clearInterval(this.timer);
    this.attempt?.abort();
    this.attempt = null;
    this.call?.hangUp();
    this.call = null;
  }

  private async try(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    this.become({ kind: "connecting" });
    const ears = { told: (event: ServerEvent) => this.watcher.told(event), lost: (problem: Problem) => this.lost(problem) };
    try {
      const call = await Call.begin(this.wishes(), ears, this.loudspeaker, attempt.signal);
      if (attempt.signal.aborted) return call.hangUp();
      this.call = call;
      this.tries = 0;
      await call.hearFrom(this.wishes().microphone); // it may have been opened meanwhile
      await call.see(this.wishes().picture);
      this.watcher.opened();
      this.become({ kind: "live" });
    } catch (error) {
      if (!attempt.signal.aborted) this.failed(error instanceof CallFailed ? error.problem : { text: String(error), retry: null });
    }
  }

  private lost(problem: Problem): void {
    this.call = null;
    this.failed(problem);
  }

  private failed(problem: Problem): void {
    if (problem.retry === null) {
      this.become({ kind: "stopped", problem });
      return;
    }
    this.tries += 1;
    let left = this.tries > 1 && problem === LOST ? 3 : problem.retry;
    const count = () => {
      if (left <= 0) {
        window.clearInterval(this.timer);
        void this.try();
        return;
      }
      this.become({ kind: "waiting", text: waiting(problem, left) });
      left -= 1;
    };
    window.clearInterval(this.timer);
    this.timer = window.setInterval(count, 1000);
    count();
  }

  private sooner(): void {
    if (this.now.kind !== "waiting") return;
    window.clearInterval(this.timer);
    void this.try();
  }

  private become(state: State): void {
    this.now = state;
    this.watcher.changed(state);
  }
}
