// The page: its one or two articles, the comparison, the colours, and what is said aloud.

import { compare, verdict } from "./comparison.js";
import { Panel } from "./panel.js";
import { model } from "./service.js";
import { whole } from "./wording.js";

const TITLE = document.title;

const articles = document.getElementById("articles");
const comparison = document.getElementById("comparison");
const more = document.getElementById("compare");
const status = document.getElementById("status");
const panels = [];
let known = null; // what the service says of its model

const page = {
  token: "",
  tell(line) {
    status.textContent = line;
  },
  define(codebook, label) {
    const labels = known?.codebooks?.find(({ name }) => name === codebook)?.labels ?? [];
    return labels.find(({ name }) => name === label)?.definition ?? "";
  },
  changed() {
    if (!known) learn(); // a token may have come since
    const scored = panels.filter((panel) => panel.score);
    document.body.classList.toggle("scored", scored.length > 0);
    comparison.hidden = scored.length < 2;
    document.title = scored.length ? `${scored.map(({ score }) => `${whole(score.escalation)} ${score.level}`).join(" / ")} – escalation` : TITLE;
    if (scored.length < 2) return;
    compare(comparison, ...scored);
    // after the second article's own line has been said
    setTimeout(() => page.tell(verdict(...scored)), 1500);
  },
  removed(panel) {
    panels.splice(panels.indexOf(panel), 1);
    panel.element.remove();
    arrange();
    page.changed();
    more.focus();
  },
};

function add() {
  const letter = panels.some((panel) => panel.letter === "a") ? "b" : "a";
  const panel = new Panel(letter, page);
  if (letter === "a") {
    panels.unshift(panel);
    articles.prepend(panel.element);
  } else {
    panels.push(panel);
    articles.append(panel.element);
  }
  arrange();
  return panel;
}

function arrange() {
  const two = panels.length === 2;
  articles.classList.toggle("two", two);
  more.hidden = two;
  for (const panel of panels) {
    panel.name = two ? `Article ${panel.letter.toUpperCase()}` : "Article";
    panel.find(".remove").hidden = !two;
  }
}

async function learn() {
  known = await model(page.token);
  if (known) document.getElementById("model").textContent = `Model ${known.uri}${known.version ? `, version ${known.version}` : ""}`;
}

function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("button[data-theme]")) button.setAttribute("aria-pressed", button.dataset.theme === theme);
  try {
    localStorage.setItem("theme", theme);
  } catch {
    // no storage: the choice lasts as long as the page
  }
}

document.querySelector(".theme").addEventListener("click", ({ target }) => target.dataset.theme !== undefined && chooseTheme(target.dataset.theme));
chooseTheme(document.documentElement.dataset.theme ?? "");
more.addEventListener("click", () => add().textarea.focus());
// a file that misses a panel must not replace the page
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
document.addEventListener("drop", (event) => panels[0].drop(event));

add();
learn();
