// One call to the server over WebRTC: an offer out, an answer in, then sound by tracks and events by a data channel.

import type { ClientEvent, ServerEvent } from "./events";
import { Pulse } from "./pulse";
import * as words from "./words";
import type { Problem } from "./words";

/** Who is told what happens in a call. */
export interface Ears {
  told(event: ServerEvent): void;
  /** It was up, and is over without our doing. */
  lost(problem: Problem): void;
}

export interface Wishes {
  /** Of the session, as `session.update` takes them; null: as the server has it. */
  session: object | null;
  microphone: MediaStreamTrack | null;
  picture: MediaStreamTrack | null;
}

/** Why a call could not be begun. */
export class CallFailed extends Error {
  constructor(readonly problem: Problem) {
    super(problem.text);
  }
}

const CALLS = "/v1/realtime/calls";
const ICE_SERVERS = "/v1/realtime/ice_servers";
const GATHER_MS = 2000;
const ANSWER_MS = 10_000; // a network that swallows everything says nothing either
const CONNECT_MS = 10_000;

export class Call {
  private readonly pc = new RTCPeerConnection();
  private readonly channel = this.pc.createDataChannel("oai-events");
  private readonly voice = this.pc.addTransceiver("audio", { direction: "sendrecv" });
  /** Offered whether there is something to show or not: later on nothing can be added to a call. */
  private readonly sight = this.pc.addTransceiver("video", { direction: "sendonly" });
  private readonly pulse = new Pulse(this.pc, (event) => this.send(event), () => this.fail(words.LOST));
  private place = "";
  private goodbye = "";
  private up = false;
  private over = false;

  private constructor(
    private readonly ears: Ears,
    private readonly loudspeaker: HTMLAudioElement,
  ) {}

  /** A call that is up. Throws `CallFailed`. */
  static async begin(wishes: Wishes, ears: Ears, loudspeaker: HTMLAudioElement, given: AbortSignal): Promise<Call> {
    if (!("RTCPeerConnection" in window)) throw new CallFailed(words.NO_CALLS);
    const call = new Call(ears, loudspeaker);
    const giveUp = () => call.hangUp();
    given.addEventListener("abort", giveUp);
    try {
      await call.connect(wishes, given);
      return call;
    } catch (error) {
      call.hangUp();
      throw error;
    } finally {
      given.removeEventListener("abort", giveUp);
    }
  }

  send(event: ClientEvent): void {
    if (this.channel.readyState === "open") this.channel.send(JSON.stringify(event));
  }

  /** What the server hears from now on; null: silence. */
  async hearFrom(track: MediaStreamTrack | null): Promise<void> {
    await this.voice.sender.replaceTrack(track);
  }

  /** What the server sees from now on; null: nothing. */
  async see(track: MediaStreamTrack | null): Promise<void> {
    await this.sight.sender.replaceTrack(track);
  }

  /** End it. Safe to call twice. */
  hangUp(): void {
    if (!this.end()) return;
    // First told, then done: the server would not know the call any more. While the page is being closed it is told, too.
    const told = this.place ? fetch(`${this.place}/hangup`, { method: "POST", keepalive: true }) : Promise.resolve();
    void told.catch(() => undefined).finally(() => this.pc.close());
  }

  /** Nothing is heard of it from now on; false: that was so already. */
  private end(): boolean {
    if (this.over) return false;
    this.over = true;
    this.pulse.stop();
    this.loudspeaker.srcObject = null;
    return true;
  }

  private async connect(wishes: Wishes, given: AbortSignal): Promise<void> {
    this.pc.addEventListener("track", (event) => this.play(event.track));
    this.pc.addEventListener("connectionstatechange", () => {
      if (this.pc.connectionState === "failed") this.fail(words.LOST);
    });
    this.channel.addEventListener("message", (event) => this.received(String(event.data)));
    this.channel.addEventListener("close", () => this.closed());
    this.pc.setConfiguration(await this.ways(given));
    await this.voice.sender.replaceTrack(wishes.microphone);
    await this.see(wishes.picture);
    await this.pc.setLocalDescription(await this.pc.createOffer());
    await within(GATHER_MS, gathered(this.pc)).catch(() => undefined); // what was found by then has to do
    const answer = await this.ask(wishes.session, given);
    await this.pc.setRemoteDescription({ type: "answer", sdp: answer });
    await within(CONNECT_MS, opened(this.channel)).catch(() => {
      throw new CallFailed(words.NO_PATH);
    });
    this.up = true;
    this.pulse.start();
  }

  /** The server's answer to our offer. */
  private async ask(session: object | null, signal: AbortSignal): Promise<string> {
    const sdp = this.pc.localDescription?.sdp ?? "";
    const body = new FormData();
    body.set("sdp", sdp);
    if (session) body.set("session", JSON.stringify(session));
    const wanted: RequestInit = session ? { body } : { body: sdp, headers: { "Content-Type": "application/sdp" } };
    const response = await asked(CALLS, signal, { method: "POST", ...wanted });
    this.place = response.headers.get("Location") ?? "";
    return response.text();
  }

  /** Whom both ends ask for a way to each other: nobody, unless the server has them set. */
  private async ways(signal: AbortSignal): Promise<RTCConfiguration> {
    return (await asked(ICE_SERVERS, signal)).json() as Promise<RTCConfiguration>;
  }

  private play(track: MediaStreamTrack): void {
    this.loudspeaker.srcObject = new MediaStream([track]);
    this.loudspeaker.muted = false;
    // A press of a button has begun this, so that browsers let it sound.
    void this.loudspeaker.play().catch(() => undefined);
  }

  private received(text: string): void {
    if (this.over) return;
    const event = JSON.parse(text) as ServerEvent;
    if (event.type === "assistant.heartbeat") this.pulse.felt();
    else if (event.type === "assistant.goodbye") this.goodbye = event.message;
    else if (event.type === "assistant.metrics") {
      this.ears.told({ ...event, stages: { ...event.stages, network: this.pulse.network, playout: this.pulse.playout } });
    } else {
      this.fallSilent(event);
      this.ears.told(event);
    }
  }

  /**
   * An answer that stops is silent here at once: its sound on the way and in the jitter buffer is not played to its end. If it goes
   * on, the server says that part again.
   */
  private fallSilent(event: ServerEvent): void {
    if (event.type === "assistant.held" || event.type === "output_audio_buffer.cleared") this.loudspeaker.muted = true;
    if (event.type === "assistant.resumed" || event.type === "output_audio_buffer.started") this.loudspeaker.muted = false;
  }

  /** The server has ended it. */
  private closed(): void {
    this.place = "";
    this.fail(words.LOST);
  }

  private fail(problem: Problem): void {
    if (this.over || !this.up) return;
    this.hangUp();
    this.ears.lost(this.goodbye ? words.refused(503, this.goodbye) : problem);
  }
}

/** What the server answers, if it is no refusal. Throws `CallFailed`. */
async function asked(place: string, signal: AbortSignal, wanted: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(place, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]), ...wanted });
  } catch {
    throw new CallFailed(words.UNREACHABLE);
  }
  if (!response.ok) throw new CallFailed(await refusal(response));
  return response;
}

async function refusal(response: Response): Promise<Problem> {
  const told = (await response.json().catch(() => null)) as { error?: { message?: string; code?: string } } | null;
  if (response.status === 401) return words.KEY_WANTED;
  return words.refused(response.status, told?.error?.message ?? "");
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  return new Promise((done) => {
    const look = () => {
      if (pc.iceGatheringState === "complete") done();
    };
    pc.addEventListener("icegatheringstatechange", look);
    look();
  });
}

function opened(channel: RTCDataChannel): Promise<void> {
  return new Promise((done, failed) => {
    channel.addEventListener("open", () => done());
    channel.addEventListener("close", () => failed(new Error("closed")));
    if (channel.readyState === "open") done();
    if (channel.readyState === "closed") failed(new Error("closed"));
  });
}

function within(milliseconds: number, work: Promise<void>): Promise<void> {
  return Promise.race([work, new Promise<void>((_, late) => setTimeout(() => late(new Error("too late")), milliseconds))]);
}
