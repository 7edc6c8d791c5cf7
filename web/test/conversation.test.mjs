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
