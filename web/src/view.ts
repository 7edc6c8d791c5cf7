// A picture of what was seen before, under the answer that tells of it.

import type { View } from "./conversation";
import { make } from "./dom";

const FORMAT = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "short" });

/** For those who do not see it. */
export function described(view: View): string {
  return `What ${view.source} showed on ${FORMAT.format(new Date(view.seenAt))}${view.text ? `: ${view.text}` : ""}`;
}

/** loaded: called once it takes the room that it needs. */
export function figure(view: View, loaded: () => void): HTMLElement {
  const image = make("img");
  image.alt = described(view);
  image.addEventListener("load", loaded);
  image.src = view.picture;
  const time = make("time", { text: FORMAT.format(new Date(view.seenAt)) });
  time.dateTime = view.seenAt;
  const caption = make("figcaption", { text: "Seen on " }, time);
  return make("figure", {}, image, caption);
}
