// The microphone: asked for when it is first needed, given back when the call is over.

import { kept } from "./store";

export class Microphone {
  private stream: MediaStream | null = null;

  /** gone: it was taken away while it was in use. */
  constructor(private readonly gone: () => void) {}

  get track(): MediaStreamTrack | null {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  /** Whether what it hears is sent. */
  get open(): boolean {
    return this.track?.enabled ?? false;
  }

  /** Open it; asks for leave the first time. Throws what `getUserMedia` throws. */
  async begin(): Promise<void> {
    if (this.stream === null) {
      const stream = await ask(kept.microphone.get());
      stream.getAudioTracks()[0]?.addEventListener("ended", () => {
        if (this.stream === stream) {
          this.stream = null;
          this.gone();
        }
      });
      this.stream = stream;
    }
    this.listen(true);
  }

  /** Go on sending what is heard, or send silence. */
  listen(on: boolean): void {
    if (this.track) this.track.enabled = on;
  }

  /** Give it back. */
  end(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }

  get source(): MediaStream | null {
    return this.stream;
  }
}

/** Names are told by browsers only once the microphone was allowed. */
export async function microphones(): Promise<MediaDeviceInfo[]> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.filter((device) => device.kind === "audioinput" && device.deviceId !== "");
}

async function ask(device: string): Promise<MediaStream> {
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, channelCount: 1 };
  if (!device) return navigator.mediaDevices.getUserMedia({ audio: wanted });
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: { ...wanted, deviceId: { exact: device } } });
  } catch (error) {
    const missing = error instanceof Error && ["OverconstrainedError", "NotFoundError"].includes(error.name);
    if (!missing) throw error;
    return navigator.mediaDevices.getUserMedia({ audio: wanted }); // the chosen one is not plugged in today
  }
}
