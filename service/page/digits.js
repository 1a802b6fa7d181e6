// The digits of a reading, each of which can be tapped and set right.
import { h } from "./dom.js";
import { isReading, typed } from "./decimal.js";

/**
 * An editor for `text`. Digits in which the likely `candidates` differ are marked as doubtful.
 * Gives `{element, value()}`; value is null while what was typed is no reading. `changed` is called with each change.
 */
export function digitsEditor(text, candidates = [], changed = () => {}) {
  let value = text;
  let open = -1;
  const row = h("div", { class: "digits", role: "group", label: "digits.label" });
  const pad = h("div", { class: "pad", role: "group", label: "digits.pad", hidden: true });
  const input = h("input", { class: "typed", inputmode: "decimal", autocomplete: "off", maxlength: 14, label: "digits.whole", onchange: take, oninput: take });
  const wrong = h("p", { class: "hint wrong", t: "digits.wrong", hidden: true, role: "alert" });
  const whole = h("button", { type: "button", class: "quiet", t: "digits.type", onclick: () => typing(true) });
  const element = h("div", { class: "editor" }, row, pad, input, wrong, whole);
  const likely = candidates.filter((c) => (c.probability ?? c.chance) > 0.02 && c.text.length === text.length);
  const doubtful = (place) => likely.some((candidate) => candidate.text[place] !== text[place]);

  function draw() {
    const places = [...value].map((char, place) => (char === "." ? point(char) : digit(char, place)));
    row.replaceChildren(...places);
    pad.hidden = open < 0;
    if (open >= 0) pad.replaceChildren(...[..."1234567890"].map(choice));
  }

  function point(char) {
    return h("span", { class: "point", "aria-hidden": "true" }, char);
  }

  function digit(char, place) {
    const number = value.slice(0, place + 1).replace(".", "").length;
    const told = ["digits.one", { number, of: value.replace(".", "").length, digit: char }];
    const doubt = doubtful(place) && char === text[place] ? " doubtful" : "";
    const fixed = char === text[place] ? "" : " fixed";
    return h("button", {
      type: "button",
      class: `digit${doubt}${fixed}`,
      label: told,
      "aria-expanded": String(open === place),
      "data-place": place,
      onclick: () => toggle(place),
      onkeydown: (event) => key(event, place),
    }, char);
  }

  function choice(char) {
    const same = value[open] === char;
    return h("button", { type: "button", class: same ? "same" : "", onclick: () => set(open, char), onkeydown: padKey }, char);
  }

  function toggle(place) {
    open = open === place ? -1 : place;
    draw();
    focus(place);
  }

  function set(place, char, next = place) {
    value = value.slice(0, place) + char + value.slice(place + 1);
    open = -1;
    draw();
    focus(next);
    changed();
  }

  function focus(place) {
    row.querySelector(`[data-place="${place}"]`)?.focus();
  }

  function neighbour(place, step) {
    const next = place + step;
    return value[next] === "." ? next + step : next;
  }

  function key(event, place) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^\d$/.test(event.key)) {
      const next = neighbour(place, 1);
      set(place, event.key, next < value.length ? next : place);
    } else if (event.key === "ArrowLeft") focus(neighbour(place, -1));
    else if (event.key === "ArrowRight") focus(neighbour(place, 1));
    else if (event.key === "Escape" && open >= 0) toggle(place);
    else return;
    event.preventDefault();
    event.stopPropagation(); // a digit typed here is no shortcut of the review
  }

  function padKey(event) {
    if (event.key === "Escape") toggle(open);
    else if (/^\d$/.test(event.key)) set(open, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  function typing(focused) {
    open = -1;
    input.value = value;
    row.hidden = pad.hidden = whole.hidden = true;
    input.hidden = false;
    if (focused) input.focus();
  }

  function take() {
    value = typed(input.value);
    wrong.hidden = value === "" || isReading(value);
    input.setAttribute("aria-invalid", String(!wrong.hidden));
    changed();
  }

  input.hidden = true;
  draw();
  if (!text) typing(false);
  return {
    element,
    value: () => (isReading(value) ? value : null),
    first: () => (input.hidden ? focus(0) : input.focus()),
    set: (other) => {
      value = other;
      open = -1;
      if (input.hidden) draw();
      else take((input.value = other));
    },
  };
}
