// Files that a reader gives: as text, or a line that says why not.

const LARGEST = 20_000_000; // bytes that a browser should hold as text; the service has a limit of its own
const HTML_NAMES = /\.x?html?$|\.xht$/i;
const HTML_START = /^\s*(?:<\?xml[^>]*>\s*|<!--[\s\S]*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i;

/** Whether a text is a whole HTML page: one that begins like one. */
export const looksLikeHtml = (text) => HTML_START.test(text);

/** Content of a text or HTML file: `{ text, html, name }`. Throws an Error whose message is for the reader. */
export async function readFile(file) {
  if (file.size > LARGEST) throw new Error(`${file.name} has more than ${LARGEST / 1e6} million bytes: split it.`);
  const text = decode(new Uint8Array(await file.arrayBuffer()));
  if (text === null) throw new Error(`${file.name} is neither text nor HTML. Save its text as .txt, and drop that.`);
  if (!text.trim()) throw new Error(`${file.name} is empty.`);
  return { text, html: HTML_NAMES.test(file.name) || file.type === "text/html" || looksLikeHtml(text), name: file.name };
}

/** Text of bytes in UTF-8 or UTF-16 with a mark, else Windows-1252; null when they are no text. */
function decode(bytes) {
  const mark = (bytes[0] << 8) | bytes[1];
  if (mark === 0xfeff) return new TextDecoder("utf-16be").decode(bytes);
  if (mark === 0xfffe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes.subarray(0, 4096).includes(0) || String.fromCharCode(...bytes.subarray(0, 5)) === "%PDF-") return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
