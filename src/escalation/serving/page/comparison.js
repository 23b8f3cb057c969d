// Two articles on one scale, and what their difference amounts to in a sentence.

import { el } from "./elements.js";
import { printable, step, STEPS, whole } from "./wording.js";

const FIGURES = [
  ["escalation", "escalation"],
  ["threat", "threat"],
  ["act", "act"],
  ["de-escalation", "de_escalation"],
];

/** Fill `place` with the comparison of two `{ name, title, score }`. */
export function compare(place, first, second) {
  place.replaceChildren(el("h2", {}, "Side by side"), el("p", {}, verdict(first, second)), el("figure", {}, ...[first, second].flatMap(row)), table(first, second));
}

/** The difference in words, with what the intervals allow to say. */
export function verdict(first, second) {
  const [high, low] = first.score.escalation >= second.score.escalation ? [first, second] : [second, first];
  const points = Number(whole(high.score.escalation)) - Number(whole(low.score.escalation));
  if (!points) return `Both articles score ${whole(high.score.escalation)}.`;
  const apart = high.score.interval[0] > low.score.interval[1];
  const sure = apart ? "their 90 % intervals do not overlap" : "their 90 % intervals overlap, so the order is not sure";
  return `${high.name} scores ${points} ${points === 1 ? "point" : "points"} above ${low.name.toLowerCase().replace(/[ab]$/, (letter) => letter.toUpperCase())}; ${sure}.`;
}

function row({ name, title, score }) {
  const [low, high] = score.interval;
  const tone = `step${step(score.escalation)}`;
  const label = `${name}: ${whole(score.escalation)}, ${score.level}, 90 % interval ${whole(low)} to ${whole(high)}`;
  return [
    el("span", { class: "title" }, el("b", {}, `${name.slice(-1)} `), printable(title)),
    el(
      "div",
      { class: `line ${tone}`, role: "img", "aria-label": label },
      ...STEPS.map((points) => el("i", { class: "edge", vars: { points } })),
      el("i", { class: "range", vars: { low, high } }),
      el("i", { class: "point", vars: { points: score.escalation } }),
    ),
    el("span", { class: `value ${tone}`, "aria-hidden": "true" }, `${whole(score.escalation)} ${score.level}`),
  ];
}

function table(first, second) {
  const head = ["points", first.name.slice(-1), second.name.slice(-1), "difference"].map((name) => el("th", { scope: "col" }, name));
  const rows = FIGURES.map(([name, field]) => {
    const [one, other] = [first, second].map(({ score }) => Number(whole(score[field])));
    const difference = other - one;
    const signed = `${difference > 0 ? "+" : difference < 0 ? "−" : "±"}${Math.abs(difference)}`;
    return el("tr", {}, el("th", { scope: "row" }, name), ...[one, other, signed].map((figure) => el("td", {}, String(figure))));
  });
  return el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
}
