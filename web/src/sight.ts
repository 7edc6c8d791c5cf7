// Camera, screen and pictures, for a server that looks at them; without one nothing of this is to be seen.

import { byId, make } from "./dom";
import { pictureTrouble } from "./words";

export interface Looker {
  /** What is shown is another now: the call is begun anew with it. */
  showing(track: MediaStreamTrack | null): void;
  trouble(text: string): void;
}

const LARGEST_PICTURE = 20 << 20; // bytes
const LONG_SIDE = 768; // pixels, of what is sent
const PAINT_MS = 200;

export class Sight {
  private readonly panel = byId("sight", HTMLElement);
  private readonly preview = byId("preview", HTMLVideoElement);
  private readonly camera = byId("camera", HTMLButtonElement);
  private readonly screen = byId("screen", HTMLButtonElement);
  private readonly away = byId("put-away", HTMLButtonElement);
  private stream: MediaStream | null = null;
  private painter = 0;
  private able = false;

  constructor(private readonly looker: Looker) {
    const { mediaDevices } = navigator;
    this.camera.addEventListener("click", () => {
      void this.toggle(this.camera, () => mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 10 } }));
    });
    this.screen.addEventListener("click", () => {
      void this.toggle(this.screen, () => mediaDevices.getDisplayMedia({ video: { frameRate: 5 } }));
    });
    this.away.addEventListener("click", () => {
      this.end();
      this.looker.showing(null);
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
    this.screen.hidden = !("getDisplayMedia" in (navigator.mediaDevices ?? {}));
    if (!able) this.end();
  }

  get track(): MediaStreamTrack | null {
    return this.stream?.getVideoTracks()[0] ?? null;
  }

  end(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    window.clearInterval(this.painter);
    this.stream = null;
    this.preview.srcObject = null;
    this.preview.hidden = this.away.hidden = true;
    for (const button of [this.camera, this.screen]) button.setAttribute("aria-pressed", "false");
  }

  private async toggle(button: HTMLButtonElement, ask: () => Promise<MediaStream>): Promise<void> {
    const on = button.getAttribute("aria-pressed") !== "true";
    this.end();
    if (!on) {
      this.looker.showing(null);
      return;
    }
    try {
      this.show(await ask());
      button.setAttribute("aria-pressed", "true");
    } catch (error) {
      this.looker.trouble(pictureTrouble(error));
    }
  }

  private show(stream: MediaStream): void {
    this.stream = stream;
    this.track?.addEventListener("ended", () => {
      this.end();
      this.looker.showing(null);
    });
    this.preview.srcObject = stream;
    this.preview.hidden = false;
    this.looker.showing(this.track);
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
    this.end();
    const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    [canvas.width, canvas.height] = [Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale))];
    const paint = () => canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    paint();
    this.painter = window.setInterval(paint, PAINT_MS); // a canvas that is not painted sends nothing
    this.away.hidden = false;
    this.show(canvas.captureStream(1000 / PAINT_MS));
  }
}
