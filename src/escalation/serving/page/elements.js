// Elements without markup: whatever an article says becomes a text node, so nothing of it can run.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. In `attributes`, `vars` are CSS custom properties; null and false leave an attribute out. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, { vars = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  // through the object model: the policy forbids style attributes in markup, not this
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(`--${name}`, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}
