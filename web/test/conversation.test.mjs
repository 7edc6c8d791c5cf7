// The model of a conversation, fed with the server's events. `npm --prefix web test`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = join(dirname(fileURLToPath(import.meta.url)), "../src/conversation.ts");
const bundled = await build({ entryPoints: [source], bundle: true, format: "esm", write: false });
const { Conversation } = await import(`data:text/javascript,${encodeURIComponent(bundled.outputFiles[0].text)}`);

const answer = (status, transcript) => ({ id: "a", role: "assistant", status, content: transcript ? [{ type: "output_audio", transcript }] : [] });
const delta = (text) => ({ type: "response.output_audio_transcript.delta", item_id: "a", delta: text });

function told(...events) {
  const conversation = new Conversation(() => undefined);
  for (const event of events) conversation.hear(event);
  return conversation;
}

test("what is written goes over to what is heard, word by word", () => {
  const conversation = told(
    { type: "response.created", response: { id: "r" } },
    { type: "assistant.reply.text", item_id: "a", delta: "One two" },
    { type: "conversation.item.added", item: answer("in_progress") },
    { type: "assistant.reply.text", item_id: "a", delta: " three." },
    delta("One "),
    delta("two "),
  );
  assert.equal(conversation.messages[0].text, "One two ");
  assert.equal(conversation.messages[0].unheard, "three.");
});

test("after an interruption the words that were not heard stay apart", () => {
  const conversation = told(
    { type: "conversation.item.added", item: answer("in_progress") },
    { type: "assistant.reply.text", item_id: "a", delta: "One two three." },
    delta("One "),
    { type: "conversation.item.done", item: answer("incomplete", "One") },
    { type: "response.done", response: { id: "r", status: "cancelled", output: [answer("incomplete", "One")] } },
    { type: "conversation.item.truncated", item_id: "a", audio_end_ms: 300 },
  );
  const [message] = conversation.messages;
  assert.deepEqual([message.text, message.unheard, message.condition], ["One ", "two three.", "interrupted"]);
  assert.equal(conversation.answering, false);
});

test("words of the user change until the turn is taken", () => {
  const conversation = told(
    { type: "input_audio_buffer.speech_started", item_id: "u" },
    { type: "assistant.transcript.partial", item_id: "u", text: "What time" },
    { type: "assistant.transcript.partial", item_id: "u", text: "What time is it" },
  );
  assert.deepEqual(conversation.messages.map((message) => [message.text, message.condition]), [["What time is it", "partial"]]);
  conversation.hear({ type: "conversation.item.input_audio_transcription.completed", item_id: "u", transcript: "What time is it?" });
  assert.deepEqual(conversation.messages.map((message) => [message.text, message.condition]), [["What time is it?", "done"]]);
});

test("an utterance that became no turn leaves nothing", () => {
  const conversation = told(
    { type: "input_audio_buffer.speech_started", item_id: "u" },
    { type: "assistant.transcript.partial", item_id: "u", text: "Hm" },
    { type: "input_audio_buffer.speech_started", item_id: "v" },
  );
  assert.deepEqual(conversation.messages, []);
});

test("what a new call is told of an old one stays as it was", () => {
  const conversation = told();
  conversation.restore([{ id: "a", role: "assistant", text: "One", unheard: "two", condition: "interrupted" }]);
  conversation.hear({ type: "conversation.item.added", item: answer("completed", "One") });
  assert.equal(conversation.messages[0].condition, "interrupted");
});

test("who has asked is busy until the answer ends, or none is to be had", () => {
  const conversation = told();
  conversation.ask();
  assert.equal(conversation.busy, true);
  conversation.hear({ type: "response.created", response: { id: "r" } });
  conversation.ask(); // once more, after a cancel: the end of the first answer is not that of the second
  conversation.hear({ type: "response.done", response: { id: "r", status: "cancelled", output: [] } });
  assert.equal(conversation.busy, true);
  conversation.refused();
  assert.equal(conversation.busy, false);
});

const view = (item_id) => ({
  type: "assistant.view.shown",
  item_id,
  seen_at: "2026-05-07T14:32:00+00:00",
  source: "the camera",
  text: "A cup on the left.",
  image_url: "data:image/jpeg;base64,/9j/",
});

test("a picture of what was seen is shown with its answer, and is nothing that is kept", () => {
  const conversation = told({ type: "conversation.item.added", item: answer("in_progress") }, view("a"), view("of an answer that is not there"));
  conversation.hear(delta("I saw a cup."));
  conversation.hear({ type: "conversation.item.done", item: answer("completed", "I saw a cup.") });
  assert.equal(conversation.messages.length, 1);
  assert.deepEqual(conversation.messages[0].view, {
    seenAt: "2026-05-07T14:32:00+00:00",
    source: "the camera",
    text: "A cup on the left.",
    picture: "data:image/jpeg;base64,/9j/",
  });
  assert.deepEqual(conversation.words, [{ id: "a", role: "assistant", text: "I saw a cup.", unheard: "", condition: "done" }]);
});

test("once it is forgotten what was seen, no picture of it is left", () => {
  const changed = [];
  const conversation = new Conversation((message) => message && changed.push({ ...message }));
  for (const event of [{ type: "conversation.item.added", item: answer("in_progress") }, view("a")]) conversation.hear(event);
  conversation.hear({ type: "assistant.views.forgotten" });
  assert.equal(changed.at(-2).view.source, "the camera");
  assert.equal(changed.at(-1).view, undefined);
  assert.equal(changed.at(-1).id, "a");
  conversation.hear({ type: "assistant.views.forgotten" });
  assert.equal(changed.length, 3);
});
