// What was read in a photo or a visit: shown over the picture, corrected by tapping, and sent.
import { call, picture } from "./api.js";
import { digitsEditor } from "./digits.js";
import { focusOn, h } from "./dom.js";
import { percent, reason, registerName } from "./language.js";
import { decode, photoFigure, strip } from "./photo.js";
import { showReceipt } from "./receipt.js";

/**
 * Show a report (the answer of POST /v1/readings, or of a finished visit) in `place`. `photo` is the file it was read
 * from; without it each reading's own photo is fetched. `again` starts over.
 */
export function showReport(place, report, { photo = null, meter = "", again }) {
  const ids = report.reading_ids ?? [];
  const cards = report.readings.map((reading, n) => card(reading, ids[n], report.readings.length > 1));
  const sendable = cards.some((one) => one.id);
  const heading = h("h2", { class: `verdict ${report.status}`, t: `verdict.${report.status}` });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const go = h("button", { type: "button", class: "primary wide", t: "result.send", onclick: confirm });
  const retake = h("button", { type: "button", class: "wide", t: "result.again", onclick: again });
  const picturePlace = h("div", { class: "picture" });
  place.replaceChildren(
    heading,
    notes(report),
    picturePlace,
    ...cards.map((one) => one.element),
    trouble,
    h("div", { class: "actions" }, ...(sendable ? [go] : []), retake),
  );
  focusOn(heading);
  pictures();

  async function pictures() {
    for (const group of photo ? [cards] : cards.map((one) => [one])) {
      try {
        const blob = photo ?? (group[0].id ? await picture(`/v1/readings/${group[0].id}/photo`) : null);
        if (!blob) continue;
        const readings = group.map((one) => one.reading);
        (photo ? picturePlace : group[0].place).append(photoFigure(blob, readings, "photo.alt"));
        const bitmap = await decode(blob);
        for (const one of group) one.picture(blob, bitmap);
      } catch {
        // Without its picture a reading can still be read, corrected and sent.
      }
    }
  }

  async function confirm() {
    const open = cards.filter((one) => one.id && one.included() && one.value() === null);
    if (open.length) {
      trouble.textContent = "";
      open[0].first();
      return;
    }
    go.disabled = true;
    trouble.textContent = "";
    const done = [];
    try {
      for (const one of cards) {
        const decision = one.id ? one.decision() : null;
        if (!decision) continue;
        const stored = await call(`/v1/readings/${one.id}`, { method: "PATCH", json: decision });
        if (decision.action !== "reject") done.push({ ...one, stored: { ...one.reading, ...stored } });
      }
    } catch (problem) {
      trouble.textContent = problem.sentence;
      go.disabled = false;
      return;
    }
    showReceipt(place, done, { meter, again });
  }
}

function notes(report) {
  const advice = (report.advice ?? []).map((one) => h("li", { t: () => reason("advice", one) }));
  if (report.duplicate) advice.unshift(h("li", { t: "result.duplicate" }));
  const told = new Set((report.advice ?? []).map((one) => one.code));
  const findings = (report.findings ?? []).filter((f) => !told.has(f.code)).map((f) => h("li", { t: () => reason("finding", f) }));
  const all = [...advice, ...findings];
  return h("ul", { class: "notes" }, ...all);
}

/** One reading: the display cut out, its digits, how sure the machine is, and why not. */
function card(reading, id, several) {
  const editor = digitsEditor(reading.text, reading.candidates, () => {
    include.checked = true;
  });
  const include = h("input", { type: "checkbox", checked: Boolean(reading.text) });
  const place = h("div", { class: "card-picture" });
  const sure = reading.text ? h("p", { class: `sure ${reading.status}`, t: () => sureness(reading) }) : h("p", { class: "sure refused", t: "result.unread" });
  const why = (reading.findings ?? []).map((f) => h("li", { t: () => reason("finding", f) }));
  const choose = several && id ? h("label", { class: "choose" }, include, h("span", { t: "result.include" })) : null;
  const element = h(
    "section",
    { class: "card reading" },
    h("div", { class: "card-head" }, h("h3", { t: () => `${registerName(reading.register)}${reading.unit ? `, ${reading.unit}` : ""}` }), choose),
    place,
    editor.element,
    sure,
    why.length ? h("ul", { class: "why" }, ...why) : null,
  );
  const one = { id, reading, element, place, value: editor.value, first: editor.first, blob: null, bitmap: null };
  return Object.assign(one, {
    included: () => !several || include.checked,
    decision: () => decision(reading, editor.value(), !several || include.checked),
    picture: (blob, bitmap) => {
      one.blob = blob;
      one.bitmap = bitmap;
      if (bitmap && reading.box) place.prepend(strip(bitmap, reading.box));
    },
  });
}

function sureness(reading) {
  return `${percent(reading.confidence)} · ${reason("status", { code: reading.status })}`;
}

/** What the person says of a reading; null: nothing. */
function decision(reading, value, included) {
  if (!included) return reading.text ? { action: "reject", why: "left out by the person who sent the photo" } : null;
  if (value === null) return null;
  return value === reading.text ? { action: "confirm" } : { action: "correct", value };
}
