// The key, where the server asks for one: traded for a cookie that scripts cannot read. The page does not keep it.

import { KEY_WRONG, UNREACHABLE, refused, type Problem } from "./words";

export class KeyForm {
  /** entered: the door is open. */
  constructor(
    private readonly form: HTMLFormElement,
    private readonly field: HTMLInputElement,
    private readonly trouble: HTMLElement,
    private readonly entered: () => void,
  ) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.enter();
    });
  }

  show(yes: boolean): void {
    if (yes && this.form.hidden) {
      this.form.hidden = false;
      this.field.focus();
    }
    if (!yes) this.form.hidden = true;
  }

  private async enter(): Promise<void> {
    const key = this.field.value.trim();
    if (!key) return;
    const problem = await trade(key);
    this.trouble.textContent = problem?.text ?? "";
    this.field.toggleAttribute("aria-invalid", problem !== null);
    if (problem) return this.field.select();
    this.field.value = "";
    this.show(false);
    this.entered();
  }
}

async function trade(key: string): Promise<Problem | null> {
  let response: Response;
  try {
    const headers = { "Content-Type": "application/json" };
    response = await fetch("/login", { method: "POST", headers, body: JSON.stringify({ key }) });
  } catch {
    return UNREACHABLE;
  }
  if (response.ok) return null;
  if (response.status === 401) return KEY_WRONG;
  const told = (await response.json().catch(() => null)) as { error?: { message?: string } } | null;
  return refused(response.status, told?.error?.message ?? "");
}

/** Whether the server lets us in as we are: asked when the page opens, so that nobody talks to a closed door. */
export async function welcome(): Promise<Response | null> {
  return fetch("/v1/models").catch(() => null);
}
