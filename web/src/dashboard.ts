// How the server is: the same numbers as /metrics, every two seconds.

import { byId, make } from "./dom";
import { histogram, named, quantile, samples, total, type Bucket, type Sample } from "./exposition";
import { KeyForm } from "./keyform";
import { apply } from "./theme";

const EVERY_MS = 2000;

const STAGES: Readonly<Record<string, string>> = {
  stt: "Speech to text",
  end_of_sentence: "End of sentence",
  recall: "Memory",
  llm_first_token: "First token",
  llm_first_clause: "First clause",
  tts_first_audio: "First sound of the voice",
  draft: "Answer ready",
  committed: "Turn taken",
  first_audio: "Answer heard",
};

interface Reading {
  readonly at: number;
  readonly cpu: number;
}

let last: Reading | null = null;
const state = byId("state", HTMLParagraphElement);
const form = new KeyForm(byId("key-form", HTMLFormElement), byId("key", HTMLInputElement), byId("key-trouble", HTMLParagraphElement), () => void look());

async function look(): Promise<void> {
  const response = await fetch("/metrics").catch(() => null);
  form.show(response?.status === 401);
  if (!response?.ok) {
    state.textContent = response === null ? "The server is not answering. Is `assistant serve` running?" : "The server wants a key.";
    document.body.dataset["state"] = "stopped";
    return;
  }
  draw(samples(await response.text()));
  state.textContent = "Up to date";
  document.body.dataset["state"] = "live";
}

function draw(all: readonly Sample[]): void {
  const conversations = named(all, "assistant_conversations");
  tiles("now", [
    ["Conversations", String(total(all, "assistant_conversations")), conversations.map((one) => `${one.value} ${one.labels["transport"]}`).join(", ")],
    ["Processor", cpu(all), `of ${total(all, "assistant_cpu_count")} processors`],
    ["Memory", `${(total(all, "assistant_resident_memory_bytes") / 1e9).toFixed(2)} GB`, `${total(all, "assistant_threads")} threads`],
    ["Event loop", late(histogram(all, "assistant_event_loop_lag_seconds")), "behind at most, 99 times of 100"],
  ]);
  const answers = named(all, "assistant_answers_total").filter((one) => one.value);
  const refused = named(all, "assistant_refused_total").filter((one) => one.value);
  tiles("since", [
    ["Conversations begun", String(total(all, "assistant_conversations_begun_total")), ""],
    ["Turns", String(total(all, "assistant_turns_total")), `${total(all, "assistant_drafts_retracted_total")} drafts thrown away`],
    ["Answers", String(total(all, "assistant_answers_total")), answers.map((one) => `${one.value} ${one.labels["end"]}`).join(", ")],
    ["Failures", String(total(all, "assistant_errors_total")), `${total(all, "assistant_stopgaps_total")} times late`],
    ["Turned away", String(total(all, "assistant_refused_total")), refused.map((one) => `${one.value} ${one.labels["reason"]}`).join(", ")],
  ]);
  stages(all);
  engines(all);
}

function cpu(all: readonly Sample[]): string {
  const reading = { at: performance.now() / 1000, cpu: total(all, "assistant_cpu_seconds_total") };
  const before = last;
  last = reading;
  if (!before) return "…";
  return `${Math.round((100 * (reading.cpu - before.cpu)) / (reading.at - before.at))} %`;
}

function late(lags: readonly Bucket[]): string {
  const found = quantile(lags, 0.99);
  return found === null ? "…" : ms(found);
}

function ms(seconds: number): string {
  return `${(1000 * seconds).toFixed(seconds < 0.0095 ? 1 : 0)} ms`;
}

function tiles(id: string, rows: readonly (readonly [string, string, string])[]): void {
  const tile = ([name, value, about]: readonly [string, string, string]): HTMLElement =>
    make("div", { className: "tile" }, make("dt", { text: name }), make("dd", { text: value }), make("dd", { className: "small", text: about }));
  byId(id, HTMLDListElement).replaceChildren(...rows.map(tile));
}

function stages(all: readonly Sample[]): void {
  const body = byId("stages", HTMLTableSectionElement);
  const rows = Object.entries(STAGES).flatMap(([stage, name]) => {
    const buckets = histogram(all.filter((sample) => sample.labels["stage"] === stage), "assistant_stage_seconds");
    const [half, most] = [quantile(buckets, 0.5), quantile(buckets, 0.95)];
    if (half === null || most === null) return [];
    const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
    const cells = [make("th", { text: name }), make("td", { text: String(count) }), make("td", { text: ms(half) }), make("td", { text: ms(most) })];
    cells[0]?.setAttribute("scope", "row");
    return [make("tr", {}, ...cells, make("td", { className: "shape" }, bars(buckets)))];
  });
  body.replaceChildren(...rows);
  byId("no-stages", HTMLParagraphElement).hidden = rows.length > 0;
  byId("stage-table", HTMLTableElement).hidden = rows.length === 0;
}

/** A small picture of the histogram; what it says in words stands beside it. */
function bars(buckets: readonly Bucket[]): HTMLElement {
  const highest = Math.max(...buckets.map((bucket) => bucket.count), 1);
  const bar = (bucket: Bucket): HTMLElement => {
    const one = make("span");
    one.style.setProperty("--share", String(bucket.count / highest));
    one.title = `up to ${Number.isFinite(bucket.upTo) ? ms(bucket.upTo) : "more"}: ${bucket.count}`;
    return one;
  };
  const picture = make("div", { className: "histogram" }, ...buckets.map(bar));
  picture.setAttribute("aria-hidden", "true");
  return picture;
}

function engines(all: readonly Sample[]): void {
  const queued = Object.fromEntries(named(all, "assistant_engine_queue").map((one) => [one.labels["engine"] ?? "", one.value]));
  const row = (kind: string, name: string): HTMLElement => {
    const about = named(all, `assistant_${kind}_info`)[0]?.labels ?? {};
    const head = make("th", { text: name });
    head.setAttribute("scope", "row");
    const rest = Object.entries(about).filter(([key]) => !["engine", "model"].includes(key));
    return make(
      "tr",
      {},
      head,
      make("td", { text: about["model"] ?? "" }),
      make("td", { text: [about["engine"], ...rest.map(([key, value]) => `${key} ${value}`)].join(", ") }),
      make("td", { text: String(queued[kind] ?? 0) }),
    );
  };
  byId("engines", HTMLTableSectionElement).replaceChildren(row("stt", "Speech to text"), row("llm", "Language model"), row("tts", "Voice"));
}

apply();
void look();
setInterval(() => {
  if (!document.hidden) void look();
}, EVERY_MS);
