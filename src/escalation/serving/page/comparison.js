// Two articles on one scale, and what their difference amounts to in a sentence.

import { el } from "./elements.js";
import { printable, step, whole } from "./wording.js";

/** Fill `place` with the comparison of two `{ name, title, score }`. */
export function compare(place, first, second) {
  place.replaceChildren(
    el("h2", {}, "Side by side"),
    el("p", {}, verdict(first, second)),
    el("div", { class: "scale", role: "presentation" }, ...[first, second].flatMap(row)),
  );
}

/** The difference in words, with what the intervals allow to say. */
export function verdict(first, second) {
  const [high, low] = first.score.escalation >= second.score.escalation ? [first, second] : [second, first];
  const points = Number(whole(high.score.escalation)) - Number(whole(low.score.escalation));
  if (!points) return `Both articles score ${whole(high.score.escalation)}.`;
  const apart = high.score.interval[0] > low.score.interval[1];
  const sure = apart ? "their 90 % intervals do not overlap" : "their 90 % intervals overlap, so the order is not sure";
  return `${high.name} scores ${points} ${points === 1 ? "point" : "points"} above ${low.name}; ${sure}.`;
}

function row({ name, title, score }) {
  const [low, high] = score.interval;
  const tone = `step${step(score.escalation)}`;
  const label = `${name}, ${printable(title)}: ${whole(score.escalation)}, ${score.level}, 90 % interval ${whole(low)} to ${whole(high)}`;
  return [
    el("b", { "aria-hidden": "true" }, name.replace("Article ", "")),
    el("div", { class: `line ${tone}`, role: "img", "aria-label": label }, el("i", { class: "range", vars: { low, high } }), el("i", { class: "point", vars: { points: score.escalation } })),
    el("span", { class: `value ${tone}`, "aria-hidden": "true" }, `${whole(score.escalation)} ${score.level}`),
  ];
}
