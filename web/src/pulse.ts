// The heartbeat of a call: says when what arrives is heard, and notices that the other side is gone long before WebRTC does.

import type { ClientEvent } from "./events";

const BEAT_MS = 2000;
const SILENCE_MS = 6000;

export class Pulse {
  private timer = 0;
  private last = 0;
  private delay = 0;
  private sent = 0;
  /** Milliseconds, as far as they are known: half of the way there and back, and what a sound waits to be played. */
  network = 0;
  playout = 0;
  private emitted = 0;

  constructor(
    private readonly pc: RTCPeerConnection,
    private readonly send: (event: ClientEvent) => void,
    private readonly dead: () => void,
  ) {}

  start(): void {
    this.felt();
    this.timer = window.setInterval(() => void this.beat(), BEAT_MS);
    this.sent = performance.now();
    this.send({ type: "assistant.heartbeat" }); // before anything is asked: from then on the server sends all that the page shows
  }

  stop(): void {
    window.clearInterval(this.timer);
  }

  /** The server has answered. */
  felt(): void {
    this.last = performance.now();
    if (this.sent) this.network = (this.last - this.sent) / 2;
    this.sent = 0;
  }

  private async beat(): Promise<void> {
    if (performance.now() - this.last > SILENCE_MS) {
      this.dead();
      return;
    }
    const delay = await this.playoutDelay();
    this.playout = delay ?? this.playout;
    this.sent = performance.now();
    this.send({ type: "assistant.heartbeat", ...(delay === null ? {} : { playout_delay_ms: delay }) });
  }

  /** Milliseconds that a sound has waited in the jitter buffer since the last beat, on average; null where none came. */
  private async playoutDelay(): Promise<number | null> {
    let found: number | null = null;
    for (const report of (await this.pc.getStats()).values()) {
      if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
      const [delay, emitted] = [Number(report.jitterBufferDelay ?? 0), Number(report.jitterBufferEmittedCount ?? 0)];
      const [waited, count] = [delay - this.delay, emitted - this.emitted];
      [this.delay, this.emitted] = [delay, emitted];
      if (count > 0) found = Math.round((1000 * waited) / count);
    }
    return found;
  }
}
