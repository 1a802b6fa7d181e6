// What the page says, in the person's language. Elements remember what they say, so that the language can change
// while a photo waits to be sent.
import { english } from "./words_en.js";
import { russian } from "./words_ru.js";

const WORDS = { en: english, ru: russian };
const KEPT = "language";
let language = kept() ?? navigator.languages.map((l) => l.slice(0, 2)).find((l) => l in WORDS) ?? "en";

function kept() {
  try {
    const code = localStorage.getItem(KEPT);
    return code in WORDS ? code : null;
  } catch {
    return null; // storage is switched off: the browser's language is used every time
  }
}

export function currentLanguage() {
  return language;
}

/** Whether there is a sentence under that key. */
export function known(key) {
  return key in english;
}

/** The sentence under `key` with `{name}` replaced by `args.name`. */
export function t(key, args = {}) {
  const sentence = WORDS[language][key] ?? english[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, name) => args[name] ?? "");
}

/**
 * Make an element's text (or an attribute) say something in whatever language is current.
 * `what` is a key, a `[key, args]` pair, or a function that gives the text.
 */
export function say(element, what, attribute = "text") {
  element.sayings = { ...element.sayings, [attribute]: what };
  element.dataset.says = "";
  repeat(element);
  return element;
}

function repeat(element) {
  for (const [attribute, what] of Object.entries(element.sayings)) {
    const text = typeof what === "function" ? what() : Array.isArray(what) ? t(...what) : t(what);
    if (attribute === "text") {
      if (element.textContent !== text) element.textContent = text;
    } else element.setAttribute(attribute, text);
  }
}

/** Change the language of all that is on the page, and keep the choice. */
export function setLanguage(code) {
  language = code;
  try {
    localStorage.setItem(KEPT, code);
  } catch {
    // the choice then lasts as long as the page
  }
  document.documentElement.lang = code;
  document.querySelectorAll("[data-says]").forEach(repeat);
  document.dispatchEvent(new CustomEvent("languagechange"));
}

/** Give what stands in the HTML with `data-t` (text) or `data-t-label` (aria-label) its words. */
export function translate(root) {
  document.documentElement.lang = language;
  root.querySelectorAll("[data-t]").forEach((element) => say(element, element.dataset.t));
  root.querySelectorAll("[data-t-label]").forEach((element) => say(element, element.dataset.tLabel, "aria-label"));
}

export function day(date) {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" }).format(date);
}

export function shortDay(date) {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short" }).format(date);
}

export function moment(date) {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** A chance from 0 to 1 as percent; never 100 for what is not certain. */
export function percent(chance) {
  const digits = chance > 0.99 && chance < 1 ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits, roundingMode: "floor" }).format(chance);
}

/** The name of a register (OBIS group C.D.E) on the import meter most people have: T1, T2, total. */
export function registerName(code) {
  const tariff = /^1\.8\.([1-9])$/.exec(code);
  if (tariff) return `T${tariff[1]}`;
  if (code === "1.8.0" || code === "total") return t(code === "total" ? "register.total" : "register.sum");
  return known(`register.${code}`) ? t(`register.${code}`) : code;
}

/** A finding's or an advice's sentence; what the server said where the page has no words for it. */
export function reason(kind, { code, message, text }) {
  return known(`${kind}.${code}`) ? t(`${kind}.${code}`) : (message ?? text ?? code);
}
