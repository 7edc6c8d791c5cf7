// The server's events that the page looks at: those of the OpenAI Realtime API, and its own, which begin with "assistant.".

/** Stage → milliseconds; null for one that did not happen. */
export type Stages = Record<string, number | null>;

export interface Item {
  id: string;
  role: "user" | "assistant";
  status: "completed" | "incomplete" | "in_progress";
  content: { type: string; text?: string; transcript?: string }[];
}

export interface Session {
  model: string;
  instructions: string;
  audio: { input: { transcription: { model: string } | null }; output: { voice: string } };
  /** What this server can do beyond the API. */
  /** voices: name → language. models: the first is the server's own. */
  assistant?: { vision?: boolean; memory?: boolean; voices?: Record<string, string>; models?: string[] };
}

export interface Fault {
  code: string;
  message: string;
}

export type ServerEvent =
  | { type: "session.created" | "session.updated"; session: Session }
  | { type: "error"; error: Fault }
  | { type: "input_audio_buffer.speech_started" | "input_audio_buffer.speech_stopped"; item_id: string }
  | { type: "conversation.item.added" | "conversation.item.done"; item: Item }
  | { type: "conversation.item.truncated"; item_id: string; audio_end_ms: number }
  | { type: "conversation.item.input_audio_transcription.delta"; item_id: string; delta: string }
  | { type: "conversation.item.input_audio_transcription.completed"; item_id: string; transcript: string }
  | { type: "response.created"; response: { id: string } }
  | { type: "response.output_audio_transcript.delta"; item_id: string; delta: string }
  | { type: "response.done"; response: { id: string; status: string; output: Item[] } }
  | { type: "output_audio_buffer.started" | "output_audio_buffer.stopped" | "output_audio_buffer.cleared" }
  | { type: "assistant.heartbeat" | "assistant.held" | "assistant.resumed" }
  | { type: "assistant.goodbye"; message: string }
  | { type: "assistant.held" | "assistant.resumed" }
  | { type: "assistant.transcript.partial"; item_id: string; text: string }
  | { type: "assistant.reply.text"; item_id: string; delta: string }
  | { type: "assistant.view.shown"; item_id: string; seen_at: string; source: string; text: string; image_url: string }
  | { type: "assistant.views.forgotten" }
  | { type: "assistant.metrics"; item_id: string; stages: Stages };

/** What the page sends. */
export type ClientEvent = { type: string } & Record<string, unknown>;
