// After sending: what was sent, to keep as a picture, and as the text that the utility takes.
import { call } from "./api.js";
import { focusOn, h } from "./dom.js";
import { moment, registerName, t } from "./language.js";
import { strip } from "./photo.js";

const ACROSS = 1080;

/** `sent` are the cards of `result.js` with what the service stored of each as `stored`. */
export function showReceipt(place, sent, { meter, again }) {
  const at = new Date();
  const heading = h("h2", { class: "verdict accepted", t: sent.length ? "receipt.done" : "receipt.nothing" });
  const values = h(
    "dl",
    { class: "sent card" },
    ...sent.flatMap(({ stored }) => [
      h("dt", { t: () => registerName(stored.register) }),
      h("dd", {}, h("strong", {}, stored.text), stored.unit ? ` ${stored.unit}` : ""),
    ]),
    h("dt", { t: "receipt.time" }), h("dd", { t: () => moment(at) }),
    ...(meter ? [h("dt", { t: "meter.label" }), h("dd", {}, meter)] : []),
    ...(sent.length ? [h("dt", { t: "receipt.number" }), h("dd", { class: "id" }, String(sent[0].id))] : []),
  );
  const save = h("button", { type: "button", class: "wide", t: "receipt.save", onclick: () => savePicture(sent, meter, at) });
  place.replaceChildren(
    heading,
    values,
    ...(sent.length ? [h("div", { class: "actions" }, save), submission(sent)] : []),
    h("div", { class: "actions" },
      meter && sent.length ? h("a", { class: "button wide", href: `#meter/${encodeURIComponent(meter)}`, t: "receipt.history" }) : null,
      h("button", { type: "button", class: "wide", t: "result.again", onclick: again })),
  );
  focusOn(heading);
}

function submission(sent) {
  const text = h("textarea", { rows: 3, readonly: true, label: "receipt.text" });
  const about = h("p", { class: "hint" });
  const said = h("p", { class: "hint", role: "status" });
  const select = h("select", { onchange: () => write(), label: "receipt.form" });
  const copy = h("button", { type: "button", t: "receipt.copy", onclick: copyText });
  const account = h("input", { maxlength: 64, autocomplete: "off", onchange: () => write(), label: "receipt.account", placeholder: "receipt.account" });
  const section = h("section", { class: "card" }, h("h3", { t: "receipt.utility" }), select, about, account, text, copy, said);
  let formats = [];
  call("/v1/submission-formats").then(
    (list) => {
      formats = Array.isArray(list) ? list : list.items;
      const option = ({ name }) => h("option", { value: name, t: `form.${name}` });
      select.append(...formats.map((form) => (t(`form.${form.name}`) === `form.${form.name}` ? h("option", { value: form.name }, form.name) : option(form))));
      return write();
    },
    (problem) => (said.textContent = problem.sentence),
  );

  async function write() {
    const form = formats.find(({ name }) => name === select.value);
    about.textContent = form?.about ?? "";
    said.textContent = "";
    text.value = "";
    copy.disabled = true;
    const takesAccount = (form?.fields ?? []).some((name) => name.startsWith("account"));
    account.hidden = !takesAccount;
    if (form?.fields?.includes("account") && !account.value.trim()) {
      said.textContent = t("receipt.account_needed");
      return;
    }
    try {
      // A utility takes one number of each register: of several displays without a name the first.
      const [first, ...others] = sent.filter((one, n) => n === sent.findIndex(({ stored }) => stored.register === one.stored.register));
      const query = new URLSearchParams([["format", select.value], ...others.map(({ id }) => ["also", id])]);
      if (takesAccount && account.value.trim()) query.set("account", account.value.trim());
      const answer = await call(`/v1/readings/${first.id}/submission?${query}`);
      if (form?.name !== select.value) return; // another was chosen meanwhile
      text.value = answer.text;
      copy.disabled = false;
    } catch (problem) {
      said.textContent = problem.sentence;
    }
  }

  async function copyText() {
    try {
      await navigator.clipboard.writeText(text.value);
    } catch {
      text.select(); // without TLS there is no clipboard; the selected text can be copied by hand
      said.textContent = t("receipt.select");
      return;
    }
    said.textContent = t("receipt.copied");
  }
  return section;
}

/** Save the confirmation as a PNG: each photo with its box, the value under it, meter and time. */
async function savePicture(sent, meter, at) {
  const canvas = drawReceipt(sent, meter, at);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const link = h("a", { href: URL.createObjectURL(blob), download: `reading-${at.toISOString().slice(0, 16).replace(/[:T]/g, "-")}.png` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function drawReceipt(sent, meter, at) {
  const pad = 48;
  const inner = ACROSS - 2 * pad;
  const photos = [...new Map(sent.filter((one) => one.bitmap).map((one) => [one.blob, one.bitmap])).entries()];
  const heightOf = (bitmap) => Math.round(Math.min(inner * 1.2, (bitmap.height / bitmap.width) * inner));
  const strips = sent.map((one) => (one.bitmap && one.reading.box ? strip(one.bitmap, one.reading.box, inner) : null));
  const stripHeight = (canvas) => (canvas ? Math.min(160, canvas.height) + 16 : 0);
  const canvas = h("canvas");
  canvas.width = ACROSS;
  canvas.height = pad * 2 + 150 + photos.reduce((sum, [, b]) => sum + heightOf(b) + 32, 0)
    + sent.reduce((sum, _, n) => sum + stripHeight(strips[n]) + 96, 0);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  let y = pad + 44;
  const line = (text, font, colour, step) => {
    pen.font = `${font} system-ui, sans-serif`;
    pen.fillStyle = colour;
    pen.fillText(text, pad, y, inner);
    y += step;
  };
  line(t("receipt.title"), "600 44px", "#14201d", 48);
  line([meter && `${t("meter.label")}: ${meter}`, moment(at)].filter(Boolean).join(" · "), "28px", "#4a5a56", 40);
  line(`${t("receipt.number")}: ${sent.map(({ id }) => id).join(", ")}`, "22px", "#4a5a56", 32);
  for (const [blob, bitmap] of photos) {
    const high = heightOf(bitmap);
    const scale = Math.min(inner / bitmap.width, high / bitmap.height);
    const left = pad + (inner - bitmap.width * scale) / 2;
    pen.drawImage(bitmap, left, y, bitmap.width * scale, bitmap.height * scale);
    pen.strokeStyle = "#0f7a66";
    pen.lineWidth = 5;
    for (const { reading } of sent.filter((one) => one.blob === blob && one.reading.box)) {
      pen.beginPath();
      reading.box.forEach(([px, py]) => pen.lineTo(left + px * scale, y + py * scale));
      pen.closePath();
      pen.stroke();
    }
    y += high + 32;
  }
  sent.forEach(({ stored }, n) => {
    const cut = strips[n];
    if (cut) {
      const high = Math.min(160, cut.height);
      pen.drawImage(cut, pad, y, cut.width * (high / cut.height), high);
      y += high + 16;
    }
    y += 52;
    line(`${registerName(stored.register)}:  ${stored.text} ${stored.unit ?? ""}`, "600 52px", "#14201d", 44);
  });
  return canvas;
}
