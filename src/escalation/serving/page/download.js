// What a reader takes home: the score as JSON, or the report as a page that needs nothing else.

import { el } from "./elements.js";
import { report } from "./report.js";
import { printable, whole } from "./wording.js";

/** Save the score as the service gave it. */
export function saveJson(score, title) {
  save(`${JSON.stringify(score, null, 1)}\n`, "application/json", `${slug(title)}.json`);
}

/** Save the report as one HTML file, without a script. */
export async function saveHtml(score, title) {
  const style = await (await fetch("/page/report.css")).text();
  const page = document.implementation.createHTMLDocument(`${printable(title)} – escalation ${whole(score.escalation)}, ${score.level}`);
  page.documentElement.lang = "en";
  page.head.prepend(el("meta", { charset: "utf-8" }), el("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }), el("meta", { name: "color-scheme", content: "light dark" }));
  page.body.append(el("main", { class: "alone" }, report(score, title, "s", true)));
  // not as an element: the policy of this page would refuse it
  const html = page.documentElement.outerHTML.replace("</head>", () => `<style>${style}</style></head>`);
  save(`<!doctype html>\n${html}\n`, "text/html", `${slug(title)}.html`);
}

function slug(title) {
  return `escalation-${title.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 50).replace(/^-+|-+$/g, "") || "article"}`;
}

function save(content, type, name) {
  const address = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  const link = el("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // a browser may begin to read it later
}
