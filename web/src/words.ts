// Every sentence that says how things are, and what to do about it.

/** Why there is no connection, and whether it comes back by itself. */
export interface Problem {
  text: string;
  /** Seconds until the next attempt; null: only the user can change it. */
  retry: number | null;
  /** The server asks for a key. */
  key?: boolean;
}

export const UNREACHABLE: Problem = { text: "The server is not answering. Is `assistant serve` running?", retry: 3 };
export const LOST: Problem = { text: "The connection was lost.", retry: 1 };
export const NO_PATH: Problem = {
  text: "The server answers, but no sound gets through. A firewall may block UDP between this device and the server.",
  retry: 5,
};
export const NO_CALLS: Problem = { text: "The browser cannot hold calls: WebRTC is missing or switched off.", retry: null };
export const KEY_WANTED: Problem = { text: "This server asks for a key: `assistant keys add NAME` makes one.", retry: null, key: true };
export const KEY_WRONG: Problem = { text: "The server does not know that key.", retry: null, key: true };

/** From the server's own words. */
export function refused(status: number, message: string): Problem {
  return { text: message || `The server refused the call (HTTP ${status}).`, retry: status >= 500 ? 5 : null };
}

/** With the seconds that are left. */
export function waiting(problem: Problem, seconds: number): string {
  return problem.retry === null ? problem.text : `${problem.text} Retrying in ${seconds} s`;
}

const MICROPHONE: Record<string, string> = {
  NotAllowedError: "The browser may not use the microphone: click the icon beside the address and allow it. Until then you can type.",
  NotFoundError: "No microphone was found: plug one in or type.",
  NotReadableError: "The microphone cannot be opened: another program may be using it. Close that program or choose another microphone.",
};
const INSECURE =
  "Browsers give the microphone only to pages from this machine or over HTTPS. Open the page on the machine itself, put a TLS proxy before the server, or type.";
export const UNPLUGGED = "The microphone is gone: plug it in and press the button again, or type.";
export const QUIET = "Nothing comes from the microphone. Is it muted, or is another one meant? Settings has the choice.";

/** Why the microphone cannot be used. */
export function microphoneTrouble(error: unknown): string {
  if (!window.isSecureContext) return INSECURE;
  const name = error instanceof Error ? error.name : "";
  return MICROPHONE[name] ?? `The microphone cannot be used (${name || String(error)}). You can type.`;
}

const CAMERA: Record<string, string> = {
  NotAllowedError: "The browser may not use the camera: click the icon beside the address and allow it.",
  NotFoundError: "No camera was found: plug one in, or drop a picture.",
  NotReadableError: "The camera cannot be opened: another program may be using it.",
};
const SCREEN: Record<string, string> = {
  NotAllowedError: "The screen is not shown: nothing was chosen, or the browser may not record it.",
};

/** Why the camera or the screen cannot be seen. */
export function pictureTrouble(kind: "camera" | "screen", error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  const known = kind === "camera" ? CAMERA[name] : SCREEN[name];
  return known ?? `No picture of the ${kind} can be had (${name || String(error)}).`;
}
