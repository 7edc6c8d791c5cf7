// What is typed: Enter sends, Shift+Enter begins a new line.

export class Composer {
  constructor(
    form: HTMLFormElement,
    private readonly field: HTMLTextAreaElement,
    private readonly send: (text: string) => void,
  ) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    field.addEventListener("input", () => this.grow());
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
  }

  private submit(): void {
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.grow();
    this.send(text);
  }

  private grow(): void {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
  }
}
