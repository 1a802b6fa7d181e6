// Filming a scrolling display: frames go to a visit at a bounded rate until all registers wanted are there.
import { call } from "./api.js";
import { focusOn, h, shown } from "./dom.js";
import { reason, registerName, t } from "./language.js";
import { boxes } from "./photo.js";
import { showReport } from "./result.js";

const EVERY = 350; // milliseconds between two frames at least; and never two under way at once
const LONGEST_SIDE = 1280;
const LONGEST_WAIT = 15_000;
const REGISTERS = ["1.8.1", "1.8.2", "1.8.3", "1.8.4", "1.8.0"];
let filming = null;

/** Ask what to wait for, then film. `again` starts over. */
export function startFilming(place, { meter, again }) {
  const boxesOf = REGISTERS.map((code) => h("input", { type: "checkbox", value: code }));
  const choices = boxesOf.map((box) => h("label", { class: "chip" }, box, h("span", { t: () => registerName(box.value) })));
  const heading = h("h2", { t: "live.title" });
  const trouble = h("p", { class: "trouble", role: "alert" });
  const go = h("button", { type: "button", class: "primary wide", t: "live.start", onclick: begin });
  place.replaceChildren(
    heading,
    h("fieldset", { class: "chips" }, h("legend", { t: "live.which" }), ...choices),
    h("p", { class: "hint", t: "live.hint" }),
    trouble,
    h("div", { class: "actions" }, go, h("button", { type: "button", class: "wide", t: "back", onclick: again })),
  );
  focusOn(heading);

  async function begin() {
    go.disabled = true;
    try {
      const want = boxesOf.filter((box) => box.checked).map((box) => box.value);
      const stream = await camera();
      let visit;
      try {
        visit = await call("/v1/visits", { method: "POST", json: { ...(meter ? { meter } : {}), ...(want.length ? { want } : {}) } });
      } catch (problem) {
        stream.getTracks().forEach((track) => track.stop());
        throw problem;
      }
      film(place, stream, visit, { meter, again });
    } catch (problem) {
      trouble.textContent = problem.sentence ?? String(problem);
      go.disabled = false;
    }
  }
}

/** Stop the camera, if it runs: on leaving, and when all is read. */
export function stopFilming() {
  filming?.stop();
  filming = null;
}

async function camera() {
  if (!navigator.mediaDevices?.getUserMedia) throw { sentence: t("live.no_camera_here") };
  const video = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 960 } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    throw { sentence: t(error.name === "NotAllowedError" ? "live.denied" : "live.no_camera") };
  }
}

function film(place, stream, visit, { meter, again }) {
  stopFilming();
  const video = h("video", { playsinline: true, muted: true, label: "live.video" });
  const frame = h("div", { class: "photo-frame live" }, video);
  const list = h("ol", { class: "captured" });
  const news = h("p", { class: "visually-hidden", "aria-live": "polite" });
  const status = h("p", { class: "progress", role: "status", t: "live.looking" });
  const advice = h("ul", { class: "notes" });
  const keep = h("button", { type: "button", class: "wide", t: "live.finish", onclick: finish, hidden: true });
  const leave = h("button", { type: "button", class: "wide", t: "live.stop", onclick: again });
  const canvas = document.createElement("canvas");
  const started = performance.now();
  const told = new Set();
  let state = visit;
  let over = false;
  const mine = { stop };
  filming = mine;

  video.srcObject = stream;
  video.muted = true;
  video.play().catch(() => {}); // a page put aside stops playing: it goes on when it is looked at again
  stream.getVideoTracks()[0].addEventListener("ended", () => !over && fail({ sentence: t("live.no_camera") }));
  place.replaceChildren(h("h2", { t: "live.title" }), frame, list, news, status, advice, h("div", { class: "actions" }, keep, leave));
  draw();
  loop();

  function stop() {
    over = true;
    stream.getTracks().forEach((track) => track.stop());
  }

  async function loop() {
    let failures = 0;
    while (!over) {
      const before = performance.now();
      let wait = EVERY;
      try {
        const photo = document.hidden ? null : await grab();
        if (photo && !over) {
          const form = new FormData();
          form.append("photo", photo.blob, "frame.jpg");
          form.append("at", photo.at.toFixed(3));
          state = await call(`/v1/visits/${visit.id}/frames`, { method: "POST", form, timeout: LONGEST_WAIT });
          failures = 0;
          if (!over) draw();
          if (state.done && !over) return void finish();
        }
      } catch (problem) {
        if (over) return;
        if (!problem.passing) return fail(problem);
        failures += 1;
        status.textContent = problem.sentence;
        wait = Math.min(LONGEST_WAIT, (problem.retryAfter ?? 2 ** Math.min(failures - 1, 3)) * 1000);
      }
      await new Promise((done) => setTimeout(done, Math.max(0, wait - (performance.now() - before))));
    }
  }

  /** The picture now, as JPEG, and when it was taken; null while the camera gives none. */
  async function grab() {
    if (!video.videoWidth) return null;
    const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    const at = (performance.now() - started) / 1000;
    canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    return blob && { blob, at };
  }

  function draw() {
    const got = new Map(state.captured.map((one) => [one.register, one]));
    const all = [...new Set([...(state.want ?? []), ...got.keys(), ...state.missing])];
    list.replaceChildren(...all.map((code) => item(code, got.get(code), state.missing.includes(code))));
    status.replaceChildren(h("span", { t: state.missing.length ? "live.waiting" : "live.looking" }));
    shown(keep, state.captured.length > 0);
    advice.replaceChildren(...(state.advice ?? []).map((one) => h("li", { t: () => reason("advice", one) })));
    frame.querySelector(".boxes")?.remove();
    if (state.last?.width) frame.append(boxes(state.last.width, state.last.height, state.last.readings ?? []));
    for (const one of state.captured) {
      if (one.status !== "accepted" || told.has(one.register)) continue;
      told.add(one.register);
      news.textContent = t("live.captured", { register: registerName(one.register), value: one.text });
    }
  }

  async function finish() {
    stop();
    status.replaceChildren(h("span", { t: "live.finishing" }));
    keep.disabled = true;
    try {
      const report = await call(`/v1/visits/${visit.id}/finish`, { method: "POST" });
      if (filming === mine) showReport(place, report, { meter, again });
    } catch (problem) {
      keep.disabled = false;
      shown(keep, true);
      status.textContent = problem.sentence;
    }
  }

  function fail(problem) {
    stop();
    status.textContent = problem.sentence;
  }
}

function item(code, got, missing) {
  const sure = got && !missing && got.status === "accepted";
  const value = got ? h("span", { class: "value" }, `${got.text}${got.unit ? ` ${got.unit}` : ""}`) : null;
  const state = h("span", { class: "visually-hidden", t: sure ? "live.state_read" : got ? "live.state_unsure" : "live.state_missing" });
  const sign = h("span", { class: "sign", "aria-hidden": "true" }, sure ? "✓" : got ? "?" : "…");
  return h("li", { class: sure ? "got" : got ? "unsure" : "missing" }, h("b", { t: () => registerName(code) }), sign, state, value);
}
