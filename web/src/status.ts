// How things are, in words: the connection, whose turn it is, and what to do where something is wrong.

import type { Floor } from "./conversation";
import { byId } from "./dom";
import type { State } from "./line";
import { QUIET } from "./words";

const FLOORS: Record<Floor, string> = {
  listening: "Listening",
  hearing: "Hearing you",
  thinking: "Thinking",
  speaking: "Speaking",
};

export class Status {
  private readonly line = byId("status", HTMLElement);
  private readonly alert = byId("notice", HTMLElement);
  private readonly talk = byId("talk", HTMLButtonElement);
  private readonly label = byId("talk-label", HTMLElement);
  private readonly hangUp = byId("hang-up", HTMLButtonElement);
  private readonly interrupt = byId("interrupt", HTMLButtonElement);

  show(state: State, floor: Floor, open: boolean): void {
    const wanted = state.kind === "connecting" || state.kind === "live" || state.kind === "waiting";
    document.body.dataset["state"] = state.kind;
    document.body.dataset["floor"] = state.kind === "live" ? floor : "";
    document.body.dataset["open"] = String(open && wanted);
    set(this.line, inWords(state, floor, open));
    set(this.label, wanted && open ? "Stop" : "Talk");
    this.talk.setAttribute("aria-pressed", String(wanted && open));
    this.hangUp.hidden = !wanted || open;
    this.interrupt.hidden = !(state.kind === "live" && floor === "speaking");
  }

  /** Something is wrong that is not the connection; "": nothing is. */
  notice(text: string): void {
    set(this.alert, text);
    this.alert.hidden = !text;
  }

  quiet(yes: boolean): void {
    if (yes && !this.alert.textContent) this.notice(QUIET);
    if (!yes && this.alert.textContent === QUIET) this.notice("");
  }
}

function inWords(state: State, floor: Floor, open: boolean): string {
  switch (state.kind) {
    case "idle":
      return "Ready";
    case "connecting":
      return "Connecting…";
    case "waiting":
      return state.text;
    case "stopped":
      return state.problem.text;
    case "live":
      return floor === "listening" && !open ? "Connected, microphone off" : FLOORS[floor];
  }
}

/** Only what is new: screen readers read it again otherwise. */
function set(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
