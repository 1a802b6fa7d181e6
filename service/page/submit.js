// Submitting: a photo is taken or chosen, sent, and what was read in it is shown.
import { call, newKey } from "./api.js";
import { byId, h, shown } from "./dom.js";
import { startFilming, stopFilming } from "./live.js";
import { meterOf } from "./meter.js";
import { photoFigure } from "./photo.js";
import { showReport } from "./result.js";

const LARGEST = 40 * 1024 * 1024;
let pending = null; // {file, takenAt, keys}: the photo stays here until its answer has come

export function setUpSubmit() {
  for (const input of [byId("take"), byId("choose")]) {
    input.addEventListener("change", () => {
      if (input.files.length) take(input.files[0]);
      input.value = ""; // so that the same photo can be chosen again
    });
  }
  byId("film").addEventListener("click", () => {
    pending = null;
    shown(byId("start"), false);
    startFilming(byId("work"), { meter: meterName(), again: startOver });
  });
  const page = byId("submit");
  page.addEventListener("dragover", (event) => event.preventDefault());
  page.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

export function meterName() {
  return byId("meter-name").value.trim();
}

function startOver() {
  stopFilming();
  pending = null;
  byId("work").replaceChildren();
  shown(byId("start"), true);
  byId("choose").focus();
}

function take(file) {
  stopFilming();
  pending = { file, takenAt: new Date(file.lastModified || Date.now()), keys: new Map() };
  shown(byId("start"), false);
  const status = h("p", { class: "progress", role: "status", t: "submit.reading" });
  const trouble = h("div", { class: "trouble", role: "alert", hidden: true });
  byId("work").replaceChildren(photoFigure(file, [], "photo.sending"), status, trouble);
  if (file.size > LARGEST) failed({ sentence: null }, status, trouble, "problem.too_large");
  else upload(pending, status, trouble);
}

async function upload(photo, status, trouble) {
  const meter = meterName();
  shown(status, true);
  shown(trouble, false);
  // One key for one photo of one meter: sent again after a broken line, it is the same reading.
  if (!photo.keys.has(meter)) photo.keys.set(meter, newKey());
  const form = new FormData();
  form.append("photo", photo.file, photo.file.name || "photo.jpg");
  const { name, owner } = meterOf(meter);
  if (name) form.append("meter", name);
  if (owner) form.append("owner", owner);
  form.append("taken_at", photo.takenAt.toISOString());
  try {
    const headers = { "Idempotency-Key": photo.keys.get(meter) };
    const report = await call("/v1/readings", { method: "POST", form, headers });
    if (pending !== photo) return; // another photo was taken meanwhile
    showReport(byId("work"), report, { photo: photo.file, meter, again: startOver });
    pending = null;
  } catch (problem) {
    if (pending === photo) failed(problem, status, trouble);
  }
}

function failed(problem, status, trouble, key = null) {
  const photo = pending;
  shown(status, false);
  shown(trouble, true);
  trouble.replaceChildren(
    h("p", { t: key ?? (() => problem.sentence ?? String(problem)) }),
    h("div", { class: "actions" },
      key ? null : h("button", { type: "button", class: "primary wide", t: "submit.retry", onclick: () => upload(photo, status, trouble) }),
      h("button", { type: "button", class: "wide", t: "result.again", onclick: startOver })),
  );
}
