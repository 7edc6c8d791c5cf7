// Camera, screen and pictures, for a server that looks at them; without one nothing of this is to be seen.

import { byId } from "./dom";
import { pictureTrouble } from "./words";

export interface Looker {
  /** What is shown is another now: the call is begun anew with it. */
  showing(track: MediaStreamTrack | null): void;
  /** A picture to talk about, as a data URI. */
  picture(uri: string, name: string): void;
  trouble(text: string): void;
}

const LARGEST_PICTURE = 8 << 20; // bytes

export class Sight {
  private readonly panel = byId("sight", HTMLElement);
  private readonly preview = byId("preview", HTMLVideoElement);
  private readonly camera = byId("camera", HTMLButtonElement);
  private readonly screen = byId("screen", HTMLButtonElement);
  private stream: MediaStream | null = null;
  private able = false;

  constructor(private readonly looker: Looker) {
    const { mediaDevices } = navigator;
    this.camera.addEventListener("click", () => {
      void this.toggle(this.camera, () => mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 10 } }));
    });
    this.screen.addEventListener("click", () => {
      void this.toggle(this.screen, () => mediaDevices.getDisplayMedia({ video: { frameRate: 5 } }));
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
    this.stream = null;
    this.preview.srcObject = null;
    this.preview.hidden = true;
    for (const button of [this.camera, this.screen]) button.setAttribute("aria-pressed", "false");
  }

  private async toggle(button: HTMLButtonElement, ask: () => Promise<MediaStream>): Promise<void> {
    const on = button.getAttribute("aria-pressed") !== "true";
    this.end();
    if (on) {
      try {
        this.stream = await ask();
      } catch (error) {
        this.looker.trouble(pictureTrouble(error));
        return;
      }
      this.track?.addEventListener("ended", () => {
        this.end();
        this.looker.showing(null);
      });
      this.preview.srcObject = this.stream;
      this.preview.hidden = false;
      button.setAttribute("aria-pressed", "true");
    }
    this.looker.showing(this.track);
  }

  private dropped(event: DragEvent): void {
    const file = event.dataTransfer?.files[0];
    if (!this.able || !file) return;
    event.preventDefault();
    if (!file.type.startsWith("image/") || file.size > LARGEST_PICTURE) {
      this.looker.trouble("That is no picture, or one of more than 8 MB.");
      return;
    }
    const reader = new FileReader();
    reader.addEventListener("load", () => this.looker.picture(String(reader.result), file.name));
    reader.readAsDataURL(file);
  }
}
