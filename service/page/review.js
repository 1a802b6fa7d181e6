// The review queue: what the machine would not settle, one at a time, by keyboard or by touch.
import { call, picture } from "./api.js";
import { digitsEditor } from "./digits.js";
import { byId, focusOn, h } from "./dom.js";
import { moment, percent, reason, registerName } from "./language.js";
import { photoFigure } from "./photo.js";

const PAGE = 50;
const MOST_CANDIDATES = 9;
const LEAST = 0.005; // below it a candidate would be shown as 0 %
let queue = [];
let next = null;
let at = 0;
let current = null; // {item, editor, choices}: what the keys act on
let busy = false;

export function setUpReview() {
  document.addEventListener("keydown", (event) => {
    if (byId("review").hidden || !current || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (document.querySelector("dialog[open]") || !byId("review").contains(event.target) && event.target !== document.body) return;
    const inField = event.target.matches("input, textarea, select");
    const action = keyed(event, inField);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function keyed(event, inField) {
  if (event.key === "Enter") {
    // Enter on a button is that button; everywhere else it confirms.
    return event.target.matches("button, a, summary") && !event.target.matches(".digit") ? null : confirm;
  }
  if (inField) return null;
  if (/^[1-9]$/.test(event.key)) return () => choose(Number(event.key) - 1);
  // By place on the keyboard, so that they work with a Russian layout as well.
  return { KeyE: () => current.editor.first(), KeyR: reject, KeyN: skip }[event.code] ?? null;
}

export async function showReview() {
  const place = byId("queue");
  place.replaceChildren(h("p", { class: "progress", role: "status", t: "loading" }));
  current = null;
  try {
    const page = await call(`/v1/review?limit=${PAGE}`);
    queue = page.items;
    next = page.next;
    at = 0;
    draw();
  } catch (problem) {
    place.replaceChildren(h("p", { class: "trouble", role: "alert", t: () => problem.sentence ?? String(problem) }));
  }
}

function draw(said = null) {
  const place = byId("queue");
  const item = queue[at];
  current = null;
  if (!item) {
    const again = h("button", { type: "button", class: "wide", t: "review.again", onclick: showReview });
    const end = h("p", { class: "empty", t: queue.length || said ? "review.end" : "review.empty" });
    place.replaceChildren(...(said ? [h("p", { class: "hint", role: "status", t: said })] : []), end, again);
    return;
  }
  const candidates = (item.candidates ?? []).filter((c, n) => n === 0 || (c.chance ?? c.probability) >= LEAST).slice(0, MOST_CANDIDATES);
  const editor = digitsEditor(item.text || candidates[0]?.text || "", candidates, mark);
  const choices = candidates.map((candidate, n) => choice(candidate, n));
  const crop = h("div", { class: "crop" });
  const whole = h("details", { class: "whole" }, h("summary", { t: "review.whole" }));
  const heading = h("h2", { t: () => `${registerName(item.register)}${item.unit ? `, ${item.unit}` : ""}` });
  current = { item, editor, choices, candidates };
  const left = () => ["review.place", { number: at + 1, of: `${queue.length}${next ? "+" : ""}` }];
  place.replaceChildren(
    h("p", { class: "hint", role: "status", t: said ?? left() }),
    h("section", { class: "card review-card" },
      h("div", { class: "card-head" }, heading, h("p", { class: "hint" }, item.meter ? `${item.meter}${item.owner ? ` · ${item.owner}` : ""}` : "", h("span", { t: () => ` · ${moment(new Date(item.taken_at ?? item.received_at))}` }))),
      crop,
      h("div", { class: "choices", role: "group", label: "review.choices" }, ...choices),
      editor.element,
      (item.findings ?? []).length ? h("ul", { class: "why" }, ...item.findings.map((f) => h("li", { t: () => reason("finding", f) }))) : null,
      whole,
      h("p", { class: "trouble", role: "alert", id: "review-trouble" })),
    h("div", { class: "actions keys" },
      command("review.confirm", "Enter", confirm, "primary"),
      command("review.edit", "E", () => editor.first()),
      command("review.reject", "R", reject, "danger"),
      command("review.next", "N", skip)),
  );
  mark();
  focusOn(heading);
  load(item, crop, whole);
}

function command(t, key, onclick, kind = "") {
  return h("button", { type: "button", class: kind, onclick, "aria-keyshortcuts": key }, h("span", { t }), h("kbd", { "aria-hidden": "true" }, key === "Enter" ? "⏎" : key));
}

function choice({ text, chance, probability }, n) {
  const share = chance ?? probability;
  const meter = h("meter", { min: 0, max: 1, value: share, "aria-hidden": "true" });
  return h("button", { type: "button", class: "choice", "aria-pressed": "false", "aria-keyshortcuts": String(n + 1), onclick: () => choose(n) },
    h("kbd", { "aria-hidden": "true" }, String(n + 1)), h("span", { class: "value" }, text), meter, h("span", { class: "chance", t: () => percent(share) }));
}

function choose(n) {
  if (!current?.candidates[n]) return;
  current.editor.set(current.candidates[n].text);
  mark();
}

function mark() {
  current?.choices.forEach((button, n) => button.setAttribute("aria-pressed", String(current.candidates[n].text === current.editor.value())));
}

async function load(item, crop, whole) {
  const alive = () => current?.item === item;
  try {
    const blob = await picture(item.links?.crop ?? item.crop ?? `/v1/readings/${item.id}/crop`);
    if (alive()) crop.append(photoFigure(blob, [], "review.crop"));
  } catch {
    if (alive()) crop.append(h("p", { class: "no-picture", t: "photo.gone" }));
  }
  whole.addEventListener("toggle", async () => {
    if (!whole.open || whole.children.length > 1) return;
    const blob = await picture(`/v1/readings/${item.id}/photo`).catch(() => null);
    if (alive()) whole.append(blob ? photoFigure(blob, [item], "photo.alt") : h("p", { class: "no-picture", t: "photo.gone" }));
  });
}

function confirm() {
  const value = current.editor.value();
  if (value === null) return void current.editor.first();
  decide(value === current.item.text ? { action: "confirm" } : { action: "correct", value }, "review.confirmed");
}

function reject() {
  decide({ action: "reject", why: "rejected in review" }, "review.rejected");
}

async function decide(decision, said) {
  if (busy) return; // a second press of the key is not for the next reading
  busy = true;
  const { item } = current;
  try {
    await call(`/v1/readings/${item.id}`, { method: "PATCH", json: decision });
    queue.splice(at, 1);
    await more();
    draw([said, { value: decision.value ?? item.text }]);
  } catch (problem) {
    const trouble = byId("review-trouble");
    if (trouble) trouble.textContent = problem.sentence ?? String(problem);
  } finally {
    busy = false;
  }
}

async function skip() {
  if (busy) return;
  at += 1;
  await more();
  draw();
}

/** Before the queue runs out here, the next page of it is asked for. */
async function more() {
  if (at < queue.length || !next) return;
  const page = await call(`/v1/review?limit=${PAGE}&cursor=${encodeURIComponent(next)}`).catch(() => ({ items: [], next: null }));
  const seen = new Set(queue.map(({ id }) => id));
  queue.push(...page.items.filter(({ id }) => !seen.has(id)));
  next = page.next;
}
