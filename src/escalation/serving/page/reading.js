// Reading a report: walking through its sentences, and the panel that says what the model thinks of one.

import { el } from "./elements.js";
import { distribution } from "./report.js";
import { calming, said, spoken, step } from "./wording.js";

const LONG = 300; // sentences from which a browser should lay out only the paragraphs in view

/**
 * Make the sentences of a report answer pointer and keyboard.
 * @param {HTMLElement} article as `report` made it
 * @param {object[]} sentences of its score
 * @param {string} prefix of its ids
 * @param {(label: string) => string} define says what a label means, if that is known
 */
export function reading(article, sentences, prefix, define) {
  const prose = article.querySelector(".prose");
  prose.classList.toggle("long", sentences.length > LONG);
  const spans = [...prose.querySelectorAll(".sentence")];
  const inspector = el("div", { class: "inspector", id: `${prefix}inspector` }, el("p", { class: "note" }, "No sentence chosen."));
  prose.after(inspector);
  prose.setAttribute("role", "group");
  prose.setAttribute("aria-label", "The article; the arrow keys walk from sentence to sentence");
  let current = 0; // the one that the tab key reaches: one stop for all of them
  let shown = -1;

  const show = (index) => {
    if (index === shown) return;
    shown = index;
    const sentence = sentences[index];
    inspector.className = `inspector ${calming(sentence) ? "calm" : `step${step(sentence.escalation)}`}`;
    const meaning = define(sentence.label);
    inspector.replaceChildren(
      el("p", {}, `Sentence ${index + 1}: `, el("b", {}, said(sentence))),
      distribution(sentence),
      meaning ? el("p", { class: "meaning" }, el("b", {}, spoken(sentence.label)), `: ${meaning}`) : "",
    );
  };
  const stop = (index) => {
    spans[current].tabIndex = -1;
    spans[current].removeAttribute("aria-describedby");
    current = index;
    spans[current].tabIndex = 0;
    spans[current].setAttribute("aria-describedby", inspector.id);
    show(index);
  };
  const go = (index) => {
    stop(index);
    spans[index].focus({ preventScroll: true });
    spans[index].scrollIntoView({ block: "nearest" });
  };
  const at = (event) => spans.indexOf(event.target.closest(".sentence"));

  stop(firstToRead(sentences));
  prose.addEventListener("focusin", (event) => at(event) >= 0 && stop(at(event)));
  prose.addEventListener("pointerover", (event) => at(event) >= 0 && show(at(event)));
  prose.addEventListener("pointerleave", () => show(current));
  prose.addEventListener("click", (event) => at(event) >= 0 && stop(at(event)));
  prose.addEventListener("keydown", (event) => {
    const last = spans.length - 1;
    const goal = { ArrowRight: current + 1, ArrowDown: current + 1, ArrowLeft: current - 1, ArrowUp: current - 1, Home: 0, End: last }[event.key];
    if (goal === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    go(Math.max(0, Math.min(last, goal)));
  });
  article.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-sentence]");
    const link = event.target.closest(".drivers a");
    const goal = bar ? Number(bar.dataset.sentence) : link ? Number(link.hash.slice(prefix.length + 1)) - 1 : -1;
    if (goal < 0) return;
    event.preventDefault();
    go(goal);
    spans[goal].scrollIntoView({ block: "center" });
  });
}

/** The sentence that says most: the panel should not be empty, nor begin with a by-line. */
function firstToRead(sentences) {
  return sentences.reduce((best, sentence, index) => (sentence.escalation > sentences[best].escalation ? index : best), 0);
}
