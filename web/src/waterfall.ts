// Where the time of one turn went, as bars on one scale.

import type { Stages } from "./events";
import { make } from "./dom";

/** One after the other; each begins where the one before ended. */
const STEPS: [string, string][] = [
  ["stt", "understanding your words"],
  ["end_of_sentence", "judging that you are done"],
  ["recall", "remembering"],
  ["llm_first_token", "first word of the answer"],
  ["llm_first_clause", "first clause"],
  ["tts_first_audio", "its sound"],
];
/** From the end of your words. */
const SINCE: [string, string][] = [
  ["committed", "your turn was taken"],
  ["first_audio", "the answer was sent"],
];
/** After that, as the page measures it. */
const WAY: [string, string][] = [
  ["network", "on the network"],
  ["playout", "waiting to be played"],
];

export function waterfall(stages: Stages, open: boolean): HTMLElement {
  const known = (name: string): number => stages[name] ?? 0;
  const steps = STEPS.filter(([name]) => known(name) >= 0.5);
  const since = SINCE.filter(([name]) => known(name) >= 0.5);
  const way = WAY.filter(([name]) => known("first_audio") > 0 && known(name) >= 0.5);
  const heard = way.reduce((sum, [name]) => sum + known(name), known("first_audio"));
  const whole = Math.max(1, steps.reduce((sum, [name]) => sum + known(name), 0), ...since.map(([name]) => known(name)), heard);
  const rows: HTMLElement[] = [];
  let begin = 0;
  for (const [name, label] of steps) {
    rows.push(row(label, begin, known(name), whole, "step"));
    begin += known(name);
  }
  for (const [name, label] of since) rows.push(row(label, 0, known(name), whole, "since"));
  begin = known("first_audio");
  for (const [name, label] of way) {
    rows.push(row(label, begin, known(name), whole, "step"));
    begin += known(name);
  }
  const list = make("dl", { className: "waterfall" }, ...rows);
  const title = heard > 0 ? `${seconds(heard)} from your last word to the first sound` : "Where the time went";
  const details = make("details", { className: "times" }, make("summary", { text: title }), list);
  details.open = open;
  return details;
}

function row(label: string, begin: number, length: number, whole: number, kind: string): HTMLElement {
  const bar = make("span", { className: `bar ${kind}` });
  bar.style.marginInlineStart = `${(100 * begin) / whole}%`;
  bar.style.width = `${Math.max(0.5, (100 * length) / whole)}%`;
  const track = make("span", { className: "track" }, bar);
  return make("div", {}, make("dt", { text: label }), make("dd", {}, track, make("span", { className: "time", text: `${Math.round(length)} ms` })));
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
