// One meter's history: a chart for each register, the photos behind the points, and all of it as a table.
import { call, picture, send } from "./api.js";
import { chart } from "./chart.js";
import { minus } from "./decimal.js";
import { byId, h } from "./dom.js";
import { moment, percent, reason, registerName, t } from "./language.js";
import { photoFigure } from "./photo.js";

const DAY = 86_400_000;
const PAGE = 200;
const MOST_PAGES = 5;
let asked = 0; // the answer to an earlier question must not overwrite a later one
let drawn = [];

export function setUpMeter() {
  byId("meter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId("meter-id").value.trim();
    if (!id) return;
    const address = `#meter/${encodeURIComponent(id)}`;
    if (location.hash === address) showMeter(id);
    else location.hash = address;
  });
  new ResizeObserver(() => drawn.forEach((draw) => draw())).observe(byId("history"));
}

/** The meters one may see, for the lists of both tabs that ask for one. */
export async function offerMeters() {
  try {
    const { items } = await call("/v1/meters");
    // Who sees everybody's meters may see two of one name; then the field takes OWNER/NAME.
    const twice = (id) => items.filter((one) => one.id === id).length > 1;
    const names = items.map(({ id, owner }) => (owner && twice(id) ? `${owner}/${id}` : id));
    byId("meters").replaceChildren(...names.map((name) => h("option", { value: name })));
    return names;
  } catch {
    return []; // a meter can still be named by hand
  }
}

/** What the field of a meter says: a name, or OWNER/NAME. */
export function meterOf(text) {
  const cut = text.lastIndexOf("/");
  return { name: text.slice(cut + 1), ...(cut > 0 ? { owner: text.slice(0, cut) } : {}) };
}

function readingsPath(text, query) {
  const { name, owner } = meterOf(text);
  return `/v1/meters/${encodeURIComponent(name)}/readings?${new URLSearchParams({ ...(owner ? { owner } : {}), ...query })}`;
}

export async function showMeter(id) {
  const question = ++asked;
  const place = byId("history");
  drawn = [];
  const known = await offerMeters();
  if (question !== asked) return;
  const chosen = id || byId("meter-id").value.trim() || (known.length === 1 ? known[0] : "");
  if (!chosen) {
    place.replaceChildren(h("p", { class: "empty", t: known.length ? "meter.choose" : "meter.none" }));
    return;
  }
  byId("meter-id").value = chosen;
  place.replaceChildren(h("p", { class: "progress", role: "status", t: "loading" }));
  try {
    const { items, more } = await readings(chosen);
    if (question !== asked) return;
    if (!items.length) {
      place.replaceChildren(h("p", { class: "empty", t: "meter.empty" }));
      return;
    }
    const registers = Map.groupBy ? Map.groupBy(items, (one) => one.register) : grouped(items);
    const csv = h("button", { type: "button", t: "meter.csv", onclick: () => saveTable(chosen).catch((p) => (trouble.textContent = p.sentence)) });
    const trouble = h("p", { class: "trouble", role: "alert" });
    place.replaceChildren(
      ...(more ? [h("p", { class: "hint", t: "meter.more" })] : []),
      ...[...registers].sort(([a], [b]) => a.localeCompare(b)).map(([code, list]) => registerCard(code, list)),
      h("div", { class: "actions" }, csv),
      trouble,
    );
    drawn.forEach((draw) => draw());
  } catch (problem) {
    if (question === asked) place.replaceChildren(h("p", { class: "trouble", role: "alert", t: () => problem.sentence ?? String(problem) }));
  }
}

function grouped(items) {
  const groups = new Map();
  items.forEach((one) => groups.set(one.register, [...(groups.get(one.register) ?? []), one]));
  return groups;
}

async function readings(id) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await call(readingsPath(id, { limit: PAGE, ...(cursor ? { cursor } : {}) }));
    items.push(...answer.items);
    cursor = answer.next;
    if (!cursor) break;
  }
  return { items: items.filter((one) => one.value !== null), more: Boolean(cursor) };
}

/** The readings of a register as points: exact use since the last one that counts, and a day's share of it. */
export function pointsOf(list) {
  const points = list.map((one) => ({ ...one, time: new Date(one.taken_at ?? one.received_at), number: Number(one.value) }));
  points.sort((a, b) => a.time - b.time);
  let last = null;
  for (const point of points) {
    point.counts = point.status === "accepted" || point.status === "confirmed" || point.status === "corrected";
    point.used = last && point.counts ? minus(point.value, last.value) : null;
    const days = last ? (point.time - last.time) / DAY : 0;
    const use = last && point.counts && days > 0 ? (point.number - last.number) / days : null;
    point.use = use !== null && use >= 0 ? use : null;
    if (point.counts) last = point;
  }
  return points;
}

function registerCard(code, list) {
  const points = pointsOf(list).filter((point) => point.status !== "rejected");
  const unit = list.find((one) => one.unit)?.unit ?? "";
  const place = h("div", { class: "chart-place" });
  const latest = points.filter((point) => point.counts).at(-1);
  drawn.push(() => {
    const width = Math.floor(place.clientWidth);
    if (width < 50 || place.drawnAt === width || !points.length) return;
    place.drawnAt = width;
    place.replaceChildren(chart(points, width, unit, openPoint));
  });
  return h(
    "section",
    { class: "card register" },
    h("div", { class: "card-head" }, h("h2", { t: () => registerName(code) }), h("p", { class: "latest" }, latest ? `${latest.value} ${unit}` : "")),
    latest?.used ? h("p", { class: "hint", t: ["meter.since", { used: latest.used, unit }] }) : null,
    place,
    h("p", { class: "hint key", t: "meter.key" }),
    h("details", {}, h("summary", { t: "meter.table" }), table(pointsOf(list), code, unit)),
  );
}

function table(points, code, unit) {
  const row = (point) => h(
    "tr", {},
    h("th", { scope: "row", t: () => moment(point.time) }),
    h("td", { class: "number" }, point.text || point.value),
    h("td", { class: "number" }, point.used ?? ""),
    h("td", { t: `status.${point.status}` }),
    h("td", {}, h("button", { type: "button", class: "quiet", t: "meter.open", onclick: () => openPoint(point) })),
  );
  const heads = ["meter.when", "meter.value", "meter.used", "meter.status", "meter.photo"];
  return h("div", { class: "table-place" }, h(
    "table", {},
    h("caption", { class: "visually-hidden", t: () => `${registerName(code)} ${unit}` }),
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col", t: head })))),
    h("tbody", {}, ...[...points].reverse().map(row)),
  ));
}

/** The photo behind a point, with what was read in it and what was decided. */
async function openPoint(point) {
  const dialog = byId("point");
  const place = h("div", {}, h("p", { class: "progress", role: "status", t: "loading" }));
  const close = h("button", { type: "button", class: "wide", t: "close", onclick: () => dialog.close() });
  const sure = point.confidence === null || point.confidence === undefined ? "" : ` · ${percent(point.confidence)}`;
  dialog.replaceChildren(
    h("h2", { id: "point-title", t: () => `${registerName(point.register)}: ${point.text || point.value} ${point.unit ?? ""}` }),
    h("p", { class: "hint", t: () => `${moment(point.time)} · ${t(`status.${point.status}`)}${sure}` }),
    place,
    ...(point.findings?.length ? [h("ul", { class: "why" }, ...point.findings.map((f) => h("li", { t: () => reason("finding", f) })))] : []),
    h("div", { class: "actions" }, close),
  );
  dialog.showModal();
  try {
    const reading = await call(`/v1/readings/${point.id}`);
    const decided = (reading.decisions ?? []).map((d) => h("li", { t: () => `${moment(new Date(d.at))} · ${d.who} · ${t(`status.${d.status}`)}${d.text ? ` · ${d.text}` : ""}` }));
    const blob = await picture(`/v1/readings/${point.id}/photo`).catch(() => null);
    place.replaceChildren(
      blob ? photoFigure(blob, [reading], "photo.alt") : h("p", { class: "no-picture", t: "photo.gone" }),
      ...(decided.length ? [h("h3", { t: "meter.decisions" }), h("ul", { class: "why" }, ...decided)] : []),
    );
  } catch (problem) {
    place.replaceChildren(h("p", { class: "trouble", t: () => problem.sentence ?? String(problem) }));
  }
}

async function saveTable(id) {
  const response = await send(readingsPath(id, {}), { headers: { Accept: "text/csv" } });
  const link = h("a", { href: URL.createObjectURL(await response.blob()), download: "readings.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
