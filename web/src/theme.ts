// Dark or light: as the system has it, until the user chooses.

import { kept } from "./store";

export type Theme = "" | "light" | "dark";

export function theme(): Theme {
  const chosen = kept.theme.get();
  return chosen === "light" || chosen === "dark" ? chosen : "";
}

export function dark(): boolean {
  return (theme() || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

export function choose(theme: Theme): void {
  kept.theme.set(theme);
  apply();
}

export function apply(): void {
  const chosen = theme();
  if (chosen) document.documentElement.dataset["theme"] = chosen;
  else delete document.documentElement.dataset["theme"];
}
