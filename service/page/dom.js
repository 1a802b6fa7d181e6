// Building elements. No markup is ever made from text, so what a server or a file says stays text.
import { say } from "./language.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. In `props`, `t` is what it says (see `say`), `label` and `placeholder` likewise, `onclick` and other
 * functions are listeners, `class` and the rest are attributes; null, undefined and false are left out.
 */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "t") say(element, value);
    else if (name === "label") say(element, value, "aria-label");
    else if (name === "placeholder") say(element, value, "placeholder");
    else if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Show or hide; hidden elements are out of reach of keyboard and screen reader too. */
export function shown(element, whether) {
  element.hidden = !whether;
}

/** Put the focus on a heading after a change of view, so that a screen reader says where one is. */
export function focusOn(element) {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest" });
}
