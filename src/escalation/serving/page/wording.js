// How the page puts a score: the same words, rounding and steps of colour as scoring/wording.py.

export const STEPS = [15, 40, 55, 75]; // points at which the colour changes
export const NOTABLE = 1; // points from which a word is worth naming
export const MOST_NAMED = 5; // words a driver
export const MOST_BARS = 160; // in the strip of an article
const PARAGRAPH = 2; // characters between two sentences from which a blank line stands between them
const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

/** Which of the five steps of colour a figure of 0 … 100 points has. */
export const step = (points) => STEPS.filter((least) => points >= least).length;

/** A label's name as words. */
export const spoken = (label) => label.replaceAll("_", " ").toLowerCase().replace("deescalation", "de-escalation");

/** The text with a space for every character that could turn the direction of writing. */
export const printable = (text) => text.replace(UNPRINTABLE, " ");

/** A figure as people read it: half to even, as Python rounds. */
export function whole(points) {
  const low = Math.floor(points);
  const rest = points - low;
  return String(rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low);
}

/** The words of a driver that pushed its score up notably, the strongest first. */
export const pushing = (driver) =>
  driver.words.filter((word) => word.contribution >= NOTABLE).sort((a, b) => b.contribution - a.contribution).slice(0, MOST_NAMED);

/** Points of de-escalation of a sentence that says above all that hostility goes down, else 0. */
export function calming(sentence) {
  const points = 100 * (sentence.probabilities.deescalation ?? 0);
  return sentence.label === "deescalation" && points > sentence.escalation ? points : 0;
}

/** Text of a sentence in pieces, each with the points by which it pushed the score (0 for most). Offsets count characters, not UTF-16 units. */
export function pieces(sentence, driver) {
  const text = printable(sentence.text);
  if (!driver) return [[text, 0]];
  const characters = Array.from(text);
  const found = [];
  let begin = 0;
  for (const word of pushing(driver).sort((a, b) => a.start - b.start)) {
    const [start, end] = [word.start - sentence.start, word.end - sentence.start];
    found.push([characters.slice(begin, start).join(""), 0], [characters.slice(start, end).join(""), word.contribution]);
    begin = end;
  }
  found.push([characters.slice(begin).join(""), 0]);
  return found.filter(([piece]) => piece);
}

/** Indices of the sentences of each paragraph. */
export function paragraphs(sentences) {
  const found = [];
  sentences.forEach((sentence, index) => {
    if (!index || sentence.start - sentences[index - 1].end >= PARAGRAPH) found.push([]);
    found.at(-1).push(index);
  });
  return found;
}

/** Indices of the sentences that stand for an article's course: all, or of a long one the highest of each stretch. */
export function course(sentences) {
  const bars = Math.min(sentences.length, MOST_BARS);
  return Array.from({ length: bars }, (_, bar) => {
    const [start, end] = [bar, bar + 1].map((edge) => Math.floor((edge * sentences.length) / bars));
    let best = start;
    for (let index = start; index < end; index += 1) if (sentences[index].escalation > sentences[best].escalation) best = index;
    return best;
  });
}

/** What is said of a sentence beside its text. */
export function said(sentence) {
  const counted = sentence.counted === false ? ", not counted" : "";
  return `${whole(sentence.escalation)} points, ${spoken(sentence.label)}${counted}`;
}

/** The model in a few words. */
export function scoredBy(score) {
  const { uri, version, codebook } = score.model;
  return `${uri || "model"}${version ? ` (version ${version})` : ""}, codebook ${codebook ?? "?"}`;
}
