// Camera, screen and pictures, for a server that looks at them; without one nothing of this is to be seen.

import { byId, make } from "./dom";
import { pictureTrouble } from "./words";

/** What is shown: one thing at a time. */
export type Kind = "camera" | "screen" | "picture" | "nothing";

export interface Looker {
  /** What is shown is another now. */
  showing(): void;
  trouble(text: string): void;
}

const LARGEST_PICTURE = 20 << 20; // bytes
const LONG_SIDE = 1280; // pixels, of a picture that is sent
const LONGEST_OF_SCREEN = 1600; // what is larger is made smaller here: the server would do no other
const PAINT_MS = 200;

export class Sight {
  private readonly panel = byId("sight", HTMLElement);
  private readonly preview = byId("preview", HTMLVideoElement);
  private readonly buttons = { camera: byId("camera", HTMLButtonElement), screen: byId("screen", HTMLButtonElement) };
  private readonly away = byId("put-away", HTMLButtonElement);
  private stream: MediaStream | null = null;
  private now: Kind = "nothing";
  private painter = 0;
  private able = false;
  /** Of the last choice; what a browser gives for one before is not wanted any more. */
  private choice = 0;

  constructor(private readonly looker: Looker) {
    this.buttons.camera.addEventListener("click", () => void this.toggle("camera", camera));
    this.buttons.screen.addEventListener("click", () => void this.toggle("screen", screen));
    this.away.addEventListener("click", () => {
      this.putAway();
      this.buttons.camera.focus(); // the button is gone, and who uses the keyboard with it
    });
    document.addEventListener("dragover", (event) => {
      if (this.able) event.preventDefault();
    });
    document.addEventListener("drop", (event) => this.dropped(event));
  }

  /** Whether the server looks at pictures. */
  allow(able: boolean): void {
    this.able = able;
    this.panel.hidden = !able;
    this.buttons.screen.hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
    if (!able) this.end();
  }

  get kind(): Kind {
    return this.now;
  }

  get track(): MediaStreamTrack | null {
    return this.stream?.getVideoTracks()[0] ?? null;
  }

  end(): void {
    this.choice += 1;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    window.clearInterval(this.painter);
    this.become("nothing", null);
  }

  private putAway(): void {
    this.end();
    this.looker.showing();
  }

  /** What is shown stays until the browser has given something else. */
  private async toggle(kind: "camera" | "screen", ask: () => Promise<MediaStream>): Promise<void> {
    if (this.now === kind) {
      this.putAway();
      return;
    }
    this.choice += 1;
    const choice = this.choice;
    try {
      const stream = await ask();
      if (choice === this.choice) this.show(kind, stream);
      else for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      if (choice === this.choice) this.looker.trouble(pictureTrouble(kind, error));
    }
  }

  private show(kind: Kind, stream: MediaStream): void {
    this.end();
    this.become(kind, stream);
    const { track } = this;
    if (track) track.contentHint = kind === "camera" ? "motion" : "detail"; // sharp rather than smooth
    track?.addEventListener("ended", () => {
      if (this.track === track) this.putAway(); // by the browser's own button, or unplugged
    });
    this.looker.showing();
  }

  private become(kind: Kind, stream: MediaStream | null): void {
    this.now = kind;
    this.stream = stream;
    this.preview.srcObject = stream;
    this.preview.hidden = stream === null;
    this.away.hidden = kind !== "picture";
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", String(name === kind));
  }

  private dropped(event: DragEvent): void {
    const file = event.dataTransfer?.files[0];
    if (!this.able || !file) return;
    event.preventDefault();
    void this.still(file);
  }

  /** Shown as a camera shows what stands still: it is too large for a message of the data channel. */
  private async still(file: File): Promise<void> {
    let picture: ImageBitmap;
    try {
      if (file.size > LARGEST_PICTURE) throw new Error("too large");
      picture = await createImageBitmap(file);
    } catch {
      this.looker.trouble("That is no picture, or one of more than 20 MB.");
      return;
    }
    const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale))];
    const paint = () => canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    paint();
    this.show("picture", canvas.captureStream(1000 / PAINT_MS));
    this.painter = window.setInterval(paint, PAINT_MS); // a canvas that is not painted sends nothing
  }
}

function camera(): Promise<MediaStream> {
  return navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 10 } });
}

function screen(): Promise<MediaStream> {
  const side = { max: LONGEST_OF_SCREEN };
  return navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 5, width: side, height: side }, audio: false });
}
