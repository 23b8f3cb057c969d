// An article's score as elements; scoring/page.html makes the same ones for `escalation score --html`.

import { el, svg } from "./elements.js";
import { calming, course, paragraphs, pieces, printable, pushing, said, scoredBy, spoken, step, STEPS, whole } from "./wording.js";

const ARC = "M 12 100 A 88 88 0 0 1 188 100";
const INNER = "M 25 100 A 75 75 0 0 1 175 100";
const ABOUT = [0, 25, 45, 65, 88]; // points of the shades in the legend
const GAP = 0.7; // points left free between two bands of the gauge
const PARTS = [
  ["threat", "hostile words", (score) => score.threat],
  ["act", "hostile deeds", (score) => score.act],
  ["de-escalation", "talks, truces, withdrawals", (score) => score.de_escalation],
];

/**
 * The report of an article.
 * @param {object} score as the service answers
 * @param {string} title what the article is called
 * @param {string} prefix begins the ids of its sentences, so that two reports fit on one page
 * @param {boolean} alone for a page without a script: every sentence brings its own distribution
 */
export function report(score, title, prefix, alone = false) {
  const drivers = new Map(score.drivers.map((driver) => [driver.sentence, driver]));
  return el(
    "article",
    { class: `report step${step(score.escalation)}`, "aria-label": printable(title) },
    el("header", {}, el("h2", { tabindex: alone ? null : "-1" }, printable(title))),
    ...score.warnings.map((warning) => el("p", { class: "warning" }, el("b", {}, "Warning: "), warning)),
    el("section", { class: "box verdict", "aria-label": "Score" }, gauge(score), parts(score)),
    el("section", { class: "box course", "aria-label": "Course of the article" }, ...strip(score.sentences)),
    el("section", { class: "box reasons", "aria-label": "What drives the score" }, ...driving(score, prefix)),
    el("section", { class: "box reading", "aria-label": "Sentence by sentence" }, ...reading(score, drivers, prefix, alone)),
    el("footer", {}, `Language ${score.language}. Scored by ${scoredBy(score)}. A sentence that is a fragment or said twice is struck out and does not count.`),
  );
}

function gauge(score) {
  const [low, high] = score.interval;
  const edges = [0, ...STEPS, 100];
  const bands = edges.slice(1).map((end, band) => {
    const on = band === step(score.escalation) ? " on" : "";
    return arc(ARC, `band step${band}${on}`, edges[band], end - (end < 100 ? GAP : 0));
  });
  return el(
    "figure",
    { class: "gauge", role: "img", "aria-label": `Escalation ${whole(score.escalation)} of 100, ${score.level}; 90 % interval ${whole(low)} to ${whole(high)}` },
    svg(
      "svg",
      { viewBox: "0 0 200 118", "aria-hidden": "true" },
      ...bands,
      arc(INNER, "interval", low, high),
      svg("text", { x: "12", y: "112" }, "0"),
      svg("text", { x: "188", y: "112" }, "100"),
      svg("path", { class: "needle", d: "M 3 100 l -11 -6 v 12 z", transform: `rotate(${(1.8 * score.escalation).toFixed(1)} 100 100)` }),
    ),
    el("figcaption", {}, el("strong", {}, whole(score.escalation)), el("span", { class: "level" }, score.level), el("small", {}, `90 % interval ${whole(low)} – ${whole(high)}`)),
  );
}

function arc(path, kind, start, end) {
  return svg("path", { class: kind, d: path, pathLength: "100", "stroke-dasharray": `${(end - start).toFixed(2)} 200`, "stroke-dashoffset": (-start).toFixed(2) });
}

function parts(score) {
  return el(
    "dl",
    { class: "parts" },
    ...PARTS.flatMap(([name, hint, of]) => [
      el("dt", {}, name, el("small", {}, hint)),
      el("dd", { class: `bar${name === "de-escalation" ? " calm" : ""}` }, el("i", { vars: { points: of(score) } })),
      el("dd", { class: "points" }, whole(of(score))),
    ]),
  );
}

function strip(sentences) {
  const highest = sentences.reduce((best, sentence, index) => (sentence.escalation > sentences[best].escalation ? index : best), 0);
  const label = `Escalation along the article: highest in sentence ${highest + 1} of ${sentences.length}, ${whole(sentences[highest].escalation)} points`;
  return [
    el("h3", {}, "Where in the text"),
    el(
      "div",
      { class: "strip", role: "img", "aria-label": label },
      ...course(sentences).map((index) => {
        const sentence = sentences[index];
        return el("i", { class: tone(sentence), title: `Sentence ${index + 1}: ${said(sentence)}`, "data-sentence": index, vars: { points: calming(sentence) || sentence.escalation } });
      }),
    ),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, "first sentence"), el("span", {}, "▲ escalation ▼ de-escalation"), el("span", {}, "last")),
  ];
}

function driving(score, prefix) {
  if (!score.drivers.length) return [el("h3", {}, "What drives the score"), el("p", { class: "note" }, "No sentence reaches 20 points.")];
  return [
    el("h3", {}, "What drives the score"),
    el("p", { class: "note" }, "The sentences that weigh most, and how many points each would lose without the word."),
    el("ol", { class: "drivers" }, ...score.drivers.map((driver) => driverItem(driver, score.sentences[driver.sentence], prefix))),
  ];
}

function driverItem(driver, sentence, prefix) {
  const words = pushing(driver).map((word) => el("span", { class: "word" }, `${printable(word.word)} `, el("b", {}, `+${whole(word.contribution)}`)));
  return el(
    "li",
    { class: `step${step(driver.escalation)}` },
    el("span", { class: "weight" }, whole(driver.escalation), el("span", { class: "hidden" }, " points")),
    el(
      "div",
      {},
      el("a", { href: `#${prefix}${driver.sentence + 1}` }, printable(sentence.text)),
      el("div", { class: "words" }, ...(words.length ? words : [el("span", { class: "note" }, "no single word")])),
    ),
  );
}

function reading(score, drivers, prefix, alone) {
  const hint = alone ? "Hold the pointer on a sentence, or move to it with the tab key, for the probability of every label." : "Point at a sentence, or walk through them with the arrow keys, for the probability of every label.";
  const ranges = [0, ...STEPS].map((start, band) => `${start} – ${band < STEPS.length ? STEPS[band] - 1 : 100}`);
  return [
    el("h3", {}, "Sentence by sentence"),
    el("p", { class: "note" }, `Shaded by points; underlined words pushed a driving sentence. ${hint}`),
    el(
      "ul",
      { class: "legend", "aria-label": "Shades" },
      ...ranges.map((range, band) => el("li", {}, el("i", { class: `step${band}`, vars: { about: ABOUT[band] } }), range)),
      el("li", {}, el("i", { class: "calm", vars: { about: 60 } }), "▼ de-escalation"),
    ),
    el(
      "div",
      { class: "prose" },
      ...paragraphs(score.sentences).map((indices) => {
        const paragraph = el("p");
        for (const index of indices) paragraph.append(sentenceSpan(score.sentences[index], drivers.get(index), `${prefix}${index + 1}`, alone), " ");
        return paragraph;
      }),
    ),
  ];
}

function sentenceSpan(sentence, driver, id, alone) {
  const calm = calming(sentence);
  const points = calm || sentence.escalation;
  const text = pieces(sentence, driver).map(([piece, pushed]) => (pushed ? el("mark", {}, piece) : piece));
  const shown = calm || step(points) ? el("span", { class: "badge", "aria-hidden": "true" }, whole(points)) : null;
  const aloud = alone ? tip(sentence) : el("span", { class: "hidden" }, ` (${said(sentence)})`);
  const own = alone ? { tabindex: "0" } : { role: "button", tabindex: "-1" };
  return el(
    "span",
    { id, class: `sentence ${tone(sentence)}`, ...own, vars: { points } },
    ...text,
    el("span", { class: "beside" }, shown, aloud),
  );
}

function tip(sentence) {
  const shares = Object.entries(sentence.probabilities).map(([label, probability]) => `${spoken(label)} ${whole(100 * probability)} %`);
  return el("span", { class: "tip" }, el("b", {}, said(sentence)), `\n${shares.join("\n")}`);
}

function tone(sentence) {
  return `${calming(sentence) ? "calm" : `step${step(sentence.escalation)}`}${sentence.counted === false ? " uncounted" : ""}`;
}

/** The probability of every label of a sentence, as a list with bars. */
export function distribution(sentence) {
  return el(
    "dl",
    { class: "distribution" },
    ...Object.entries(sentence.probabilities).flatMap(([label, probability]) => [
      el("dt", {}, spoken(label)),
      el("dd", { class: `bar${label === "deescalation" ? " calm" : ""}` }, el("i", { vars: { points: 100 * probability } })),
      el("dd", { class: "share" }, `${whole(100 * probability)} %`),
    ]),
  );
}
