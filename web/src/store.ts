// What the browser keeps. A browser that keeps nothing (private windows, blocked storage) is no reason to fail.

class Kept {
  constructor(
    private readonly area: () => Storage,
    private readonly name: string,
  ) {}

  get(): string {
    try {
      return this.area().getItem(this.name) ?? "";
    } catch {
      return "";
    }
  }

  set(value: string): void {
    try {
      if (value) this.area().setItem(this.name, value);
      else this.area().removeItem(this.name);
    } catch {
      // It is not kept then.
    }
  }
}

const local = (name: string) => new Kept(() => localStorage, `assistant.${name}`);
const session = (name: string) => new Kept(() => sessionStorage, `assistant.${name}`);

export const kept = {
  theme: local("theme"),
  microphone: local("microphone"),
  instructions: local("instructions"),
  /** Of the server's voices; empty: the one that suits the language. */
  voice: local("voice"),
  /** Of the server's language models; empty: its own. */
  model: local("model"),
  /** Spoken by the user, ISO 639-1; empty: it is found out. */
  language: local("language"),
  /** "off": the server remembers nothing of what is said here. */
  memory: local("memory"),
  /** Forgotten with the tab. */
  key: session("key"),
  conversation: session("conversation"),
};
