// The service, and what its refusals mean in one friendly line.

const PATIENCE = 120_000; // milliseconds for an answer
const TRIES = 3; // at a service that is busy
const LONGEST_WAIT = 20; // seconds

/** What went wrong, in a line for the reader; `token`: the service wants one. */
export class ServiceError extends Error {
  constructor(message, token = false) {
    super(message);
    this.token = token;
  }
}

/**
 * Score one article.
 * @param {{text: string} | {html: string}} article
 * @param {string} token shown to the service, when it wants one
 * @param {(line: string) => void} tell is told of a wait
 * @param {AbortSignal} signal gives up
 */
export async function score(article, token, tell, signal) {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await ask("/v1/score", token, signal, { method: "POST", body: JSON.stringify(article) });
    if (answer.ok) return one(await read(answer));
    const wait = Number(answer.headers.get("Retry-After"));
    if (answer.status !== 503 || attempt === TRIES || !(wait > 0 && wait <= LONGEST_WAIT)) throw await refusal(answer);
    tell(`The service is busy. Trying again in ${wait} ${wait === 1 ? "second" : "seconds"} …`);
    await pause(wait, signal);
  }
}

/** What the service says of its model, or null when it does not. */
export async function model(token) {
  try {
    const answer = await ask("/v1/model", token, undefined, {});
    return answer.ok ? await read(answer) : null;
  } catch {
    return null;
  }
}

async function ask(path, token, signal, options) {
  const headers = { Accept: "application/json" };
  if (options.body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    return await fetch(path, { ...options, headers, signal: signal ? AbortSignal.any([signal, patience]) : patience, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (error.name === "TimeoutError") throw new ServiceError("The service has not answered for two minutes. Your text is kept: try again later, or score a shorter one.");
    throw new ServiceError("The service cannot be reached. Is it still running? Your text is kept: try again.");
  }
}

async function read(answer) {
  try {
    return await answer.json();
  } catch {
    throw new ServiceError("The service's answer broke off. Your text is kept: try again.");
  }
}

const one = (scores) => (Array.isArray(scores) ? scores[0] : scores);

async function refusal(answer) {
  const detail = await problem(answer);
  switch (answer.status) {
    case 401:
    case 403:
      return new ServiceError("This service asks for a token. Give it below and score again.", true);
    case 413:
      return new ServiceError(`The article is too long for this service. ${detail}`.trim());
    case 503:
      return new ServiceError(`The service is busy or not ready. Your text is kept: try again in a moment. ${detail}`.trim());
    case 504:
      return new ServiceError("Scoring took too long. Your text is kept: try again later, or score a shorter one.");
    default:
      return new ServiceError(detail ? `That could not be scored: ${detail}` : `The service answered ${answer.status}. Your text is kept: try again.`);
  }
}

/** The lines of a problem+json answer, or nothing. */
async function problem(answer) {
  try {
    const { detail, title, errors } = await answer.json();
    if (typeof detail === "string" && detail) return detail;
    const lines = (Array.isArray(detail) ? detail : (errors ?? [])).map((error) => error.detail ?? error.msg ?? error.message).filter(Boolean);
    return lines.join("; ") || title || "";
  } catch {
    return "";
  }
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
