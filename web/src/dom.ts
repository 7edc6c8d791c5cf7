// Elements of the page.

/** The element of that id, of the kind that is expected; its absence is a mistake of ours. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`#${id} is not there`);
  return found;
}

/** A new element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  fields: { className?: string; text?: string } = {},
  ...children: Node[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (fields.className) element.className = fields.className;
  if (fields.text !== undefined) element.textContent = fields.text;
  element.append(...children);
  return element;
}
