// One article's place on the page: what is pasted or dropped, and the report that comes back.

import { el } from "./elements.js";
import { saveHtml, saveJson } from "./download.js";
import { looksLikeHtml, readFile } from "./files.js";
import { reading } from "./reading.js";
import { report } from "./report.js";
import { score, ServiceError } from "./service.js";
import { whole } from "./wording.js";

const LONGEST_TITLE = 90; // characters

export class Panel {
  /**
   * @param {string} letter a or b
   * @param {{token: string, tell: (line: string) => void, define: (codebook: string, label: string) => string, changed: () => void, removed: (panel: Panel) => void}} page
   */
  constructor(letter, page) {
    this.letter = letter;
    this.page = page;
    this.score = null;
    this.file = null; // the file that the text came from, until it is replaced
    this.element = document.getElementById("panel").content.firstElementChild.cloneNode(true);
    this.composer = this.find(".composer");
    this.textarea = this.find("textarea");
    this.message = this.find(".message");
    this.tokenField = this.find(".token input");
    this.label("textarea", "form > label", "text");
    this.label(".token input", ".token label", "token");
    this.listen();
  }

  /** What it is called: only beside another does it need a letter. */
  set name(name) {
    this._name = name;
    this.find(".name").textContent = name;
    this.element.setAttribute("aria-label", name);
  }

  get name() {
    return this._name;
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  label(field, label, kind) {
    this.find(field).id = `${kind}-${this.letter}`;
    this.find(label).htmlFor = `${kind}-${this.letter}`;
  }

  listen() {
    this.find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.textarea.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.submit();
    });
    this.textarea.addEventListener("input", () => {
      if (!this.textarea.value.trim()) this.file = null;
      this.showKind();
    });
    this.element.addEventListener("paste", (event) => {
      const [file] = event.clipboardData.files;
      if (!file || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      this.take(file);
    });
    this.find(".file input").addEventListener("change", ({ target }) => {
      if (target.files.length) this.take(target.files[0]);
      target.value = "";
    });
    this.find(".clear").addEventListener("click", () => this.clear());
    this.find(".remove").addEventListener("click", () => this.page.removed(this));
    this.find(".examples").addEventListener("click", ({ target }) => target.dataset.example && this.example(target.dataset.example));
    this.element.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.element.classList.add("over");
    });
    this.element.addEventListener("dragleave", (event) => {
      if (!this.element.contains(event.relatedTarget)) this.element.classList.remove("over");
    });
    this.element.addEventListener("drop", (event) => this.drop(event));
  }

  async drop(event) {
    event.preventDefault();
    event.stopPropagation();
    this.element.classList.remove("over");
    const [file] = event.dataTransfer.files;
    const text = event.dataTransfer.getData("text/plain");
    if (file) await this.take(file);
    else if (text) await this.give(text, null);
  }

  /** Score a file. */
  async take(file) {
    try {
      const read = await readFile(file);
      await this.give(read.text, read);
    } catch (error) {
      this.complain(error.message);
    }
  }

  async example(name) {
    const answer = await fetch(`/page/examples/${name}.txt`).catch(() => null);
    if (!answer?.ok) return this.complain("The example could not be fetched. Is the service still running?");
    return this.give(await answer.text(), null);
  }

  async give(text, file) {
    this.textarea.value = text;
    this.file = file;
    this.showKind();
    await this.submit();
  }

  get html() {
    return Boolean(this.file?.html) || looksLikeHtml(this.textarea.value);
  }

  showKind() {
    this.find(".kind").hidden = !this.html;
  }

  complain(line) {
    this.message.textContent = line;
    this.composer.open = true;
  }

  clear() {
    this.running?.abort();
    this.textarea.value = "";
    this.file = null;
    this.showKind();
    this.message.textContent = "";
    this.find(".result").replaceChildren();
    this.score = null;
    this.page.changed();
    this.composer.open = true;
    this.textarea.focus();
  }

  async submit() {
    const content = this.textarea.value;
    this.message.textContent = "";
    if (!content.trim()) {
      this.complain("There is nothing to score yet: paste an article, drop a file, or try an example.");
      this.textarea.focus();
      return;
    }
    this.running?.abort(); // the newest text counts
    const running = new AbortController();
    this.running = running;
    this.busy(true);
    this.page.tell(`Scoring ${this.name.toLowerCase()} …`);
    if (this.tokenField.value) this.page.token = this.tokenField.value;
    try {
      const found = await score(this.html ? { html: content } : { text: content }, this.page.token, (line) => this.waiting(line), running.signal);
      if (this.running === running) this.show(found);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ServiceError)) {
        this.complain("The answer came, but this page could not show it. Reload the page and try again.");
        throw error;
      }
      this.find(".token").hidden = !error.token && !this.page.token;
      this.complain(error.message);
      if (error.token) this.tokenField.focus();
    } finally {
      if (this.running === running) this.busy(false);
    }
  }

  waiting(line) {
    this.message.textContent = line;
  }

  busy(busy) {
    this.element.classList.toggle("busy", busy);
    this.element.setAttribute("aria-busy", busy);
    this.find(".main").setAttribute("aria-disabled", busy);
    this.find(".main").firstChild.textContent = busy ? "Scoring … " : "Score ";
  }

  show(found) {
    this.score = found;
    this.message.textContent = "";
    this.title = this.file?.name ?? titleOf(found);
    const prefix = `${this.letter}-`;
    const article = report(found, this.title, prefix);
    article.querySelector("header").append(this.actions());
    this.find(".result").replaceChildren(article);
    reading(article, found.sentences, prefix, (label) => this.page.define(found.model.codebook, label));
    this.composer.open = false;
    this.page.changed();
    const [low, high] = found.interval;
    this.page.tell(`${this.name}: escalation ${whole(found.escalation)} of 100, ${found.level}, 90 % interval ${whole(low)} to ${whole(high)}.`);
    article.querySelector("h2").focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "start" });
  }

  actions() {
    const json = el("button", { type: "button", class: "quiet" }, "Download JSON");
    const html = el("button", { type: "button", class: "quiet" }, "Download page");
    json.addEventListener("click", () => saveJson(this.score, this.title));
    html.addEventListener("click", () => saveHtml(this.score, this.title).catch(() => this.complain("The page could not be made: is the service still running?")));
    return el("div", { class: "actions" }, json, html);
  }
}

/** The first sentence, cut between words when it is long. */
function titleOf(found) {
  const words = found.sentences[0].text.split(/\s+/);
  let title = words.shift().slice(0, LONGEST_TITLE);
  while (words.length && title.length + words[0].length < LONGEST_TITLE) title += ` ${words.shift()}`;
  return words.length ? `${title} …` : title;
}
