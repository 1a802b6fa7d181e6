// The page is put together: tabs, language, key.
import { apiKey, call, setApiKey } from "./api.js";
import { byId, focusOn, shown } from "./dom.js";
import { currentLanguage, setLanguage, say, translate } from "./language.js";
import { stopFilming } from "./live.js";
import { offerMeters, setUpMeter, showMeter } from "./meter.js";
import { setUpReview, showReview } from "./review.js";
import { setUpSubmit } from "./submit.js";

const TABS = ["submit", "meter", "review"];

function route() {
  const [tab, rest = ""] = location.hash.slice(1).split("/");
  const now = TABS.includes(tab) ? tab : "submit";
  for (const name of TABS) {
    shown(byId(name), name === now);
    const link = document.querySelector(`nav a[href="#${name}"]`);
    if (name === now) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (now !== "submit") stopFilming();
  if (now === "meter") showMeter(named(rest));
  if (now === "review") showReview();
}

function named(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return ""; // not an address that this page made
  }
}

async function greet() {
  const note = byId("notice");
  try {
    const me = await call("/v1/me");
    shown(byId("tab-review"), me.scopes.includes("review") || me.scopes.includes("admin"));
    shown(note, Boolean(me.demo));
    if (me.demo) say(note, "demo");
    say(byId("key-open"), me.demo || !me.name ? "key.none" : () => me.name);
    byId("version").textContent = me.version ?? "";
    offerMeters();
    return true;
  } catch (problem) {
    shown(byId("tab-review"), false);
    shown(note, true);
    say(note, problem.status === 401 ? "key.needed" : () => problem.sentence ?? String(problem));
    say(byId("key-open"), "key.none");
    if (problem.status === 401) openKey();
    return false;
  }
}

function openKey() {
  byId("key").value = apiKey();
  byId("key-dialog").showModal();
}

async function saveKey(key) {
  setApiKey(key);
  byId("key-dialog").close();
  if (await greet()) route();
}

function setUpKey() {
  byId("key-open").addEventListener("click", openKey);
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    saveKey(byId("key").value.trim());
  });
  byId("key-forget").addEventListener("click", () => saveKey(""));
  byId("key-close").addEventListener("click", () => byId("key-dialog").close());
}

function setUpLanguage() {
  for (const button of document.querySelectorAll("[data-language]")) {
    const mark = () => button.setAttribute("aria-pressed", String(button.dataset.language === currentLanguage()));
    button.addEventListener("click", () => setLanguage(button.dataset.language));
    document.addEventListener("languagechange", mark);
    mark();
  }
}

translate(document);
setUpLanguage();
setUpKey();
setUpSubmit();
setUpMeter();
setUpReview();
window.addEventListener("hashchange", () => {
  route();
  focusOn(document.querySelector("main section:not([hidden]) h1"));
});
window.addEventListener("pagehide", stopFilming);
greet().then(route);
