// Keeps the live parts of a page fresh, draws its charts, and shows times in the reader's zone.
"use strict";

const drawn = new WeakMap();
let vega = null;

function bundle() {
  vega ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = "/static/vega-bundle.js";
    script.onload = () => done(window.vegaEmbed);
    script.onerror = failed;
    document.head.append(script);
  });
  return vega;
}

// A title as lines that fit; drawings do not break it themselves.
function inLines(text, most) {
  const lines = [""];
  for (const word of text.replaceAll(" %", "\u00a0%").split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= most) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines;
}

function zone() {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(new Date());
  return parts.find((part) => part.type === "timeZoneName").value;
}

// Axes of time in the reader's zone, like every other time on the page.
function inTheirZone(spec) {
  if (spec === null || typeof spec !== "object") return;
  if (spec.scale?.type === "utc") delete spec.scale;
  if (spec.type === "temporal" && spec.title === "UTC") spec.title = zone();
  for (const part of Object.values(spec)) inTheirZone(part);
}

async function draw(figure, first) {
  const source = figure.querySelector('script[type="application/json"]').textContent;
  const place = figure.querySelector(".drawing");
  try {
    const embed = await bundle();
    const spec = JSON.parse(source);
    delete spec.$schema; // the script brings its own version
    spec.width = Math.max(240, place.parentElement.clientWidth - 24);
    if (spec.title) spec.title.text = inLines(spec.title.text, Math.floor(spec.width / 7));
    inTheirZone(spec);
    spec.autosize = { type: "fit-x", contains: "padding" };
    // "ast" interprets expressions instead of compiling them, and styles stand in our file: the page's policy
    // forbids eval and inline styles.
    const tooltip = { disableDefaultStyle: true };
    const options = { mode: "vega-lite", ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip };
    await embed(place, spec, options);
    drawn.set(figure, source);
    if (first) figure.querySelector("figcaption details").open = false;
  } catch {
    place.replaceChildren();
    figure.querySelector("figcaption details").open = true; // the words stand for the picture
  }
}

function times(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.title = time.textContent;
    const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "short" };
    const day = { day: "numeric", month: "short", year: "numeric" };
    const today = at.toDateString() === new Date().toDateString();
    time.textContent = at.toLocaleString(undefined, today ? clock : { ...day, ...clock });
  }
}

// A figure and its unit stay on one line: no "51" at the end of one and "%" at the beginning of the next.
function together(root) {
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (text.parentElement.closest("script, textarea, select, pre, code")) continue;
    const joined = text.data
      .replace(/(\d) (?=(?:%|ms|s|min|h|days?|points)(?![\w]))/g, "$1\u00a0")
      .replace(/(\d)-(?=[\d.]+\u00a0%)/g, "$1\u2011")
      .replace(/\bn = (?=\d)/g, "n\u00a0=\u00a0");
    if (joined !== text.data) text.data = joined;
  }
}

function dress(root, old) {
  times(root);
  together(root);
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    const source = figure.querySelector("script").textContent;
    const before = old.find((known) => drawn.get(known) === source);
    if (before) figure.replaceWith(before);
    else draw(figure, old.length === 0);
  }
}

// A part of the page that the reader may have opened, by its name and that of the part around it.
function place(detail) {
  const around = detail.parentElement.closest("details[data-keep]");
  return `${around ? around.dataset.keep : ""} ${detail.dataset.keep}`;
}

// How to find the part that has the focus again, after everything around it was replaced.
function signOf(element) {
  if (element.matches("summary") && element.parentElement.dataset.keep) return place(element.parentElement);
  return element.href ?? "";
}

function refocus(part, sign) {
  const candidates = [...part.querySelectorAll("details[data-keep] > summary, a[href]")];
  candidates.find((element) => signOf(element) === sign)?.focus({ preventScroll: true });
}

async function refresh(part) {
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  if (document.hidden || active?.matches("input, textarea, select, button")) return; // somebody is writing
  try {
    const headers = part.dataset.etag ? { "If-None-Match": part.dataset.etag } : {};
    const answer = await fetch(part.dataset.fragment, { headers, cache: "no-store", redirect: "error" });
    part.classList.toggle("stale", !answer.ok && answer.status !== 304);
    if (!answer.ok) return;
    const old = [...part.querySelectorAll("figure[data-chart]")].filter((figure) => drawn.has(figure));
    const opened = [...part.querySelectorAll("details[data-keep][open]")];
    const pending = (detail) => detail.closest("figure") && !old.includes(detail.closest("figure"));
    const open = new Set(opened.filter((detail) => !pending(detail)).map(place)); // words of a chart yet to come are no choice
    const held = part.contains(document.activeElement) ? signOf(document.activeElement) : "";
    part.innerHTML = await answer.text(); // escaped by the server; scripts in it do not run
    part.dataset.etag = answer.headers.get("etag") ?? "";
    for (const detail of part.querySelectorAll("details[data-keep]")) detail.open = open.has(place(detail));
    dress(part, old);
    if (held) refocus(part, held);
  } catch {
    part.classList.add("stale");
  }
}

function follow(part) {
  const every = Number(part.dataset.every) * 1000;
  const again = async () => {
    await refresh(part);
    setTimeout(again, every);
  };
  if (every) setTimeout(again, "now" in part.dataset ? 0 : every);
}

function remember(field) {
  const key = `firstfive-${field.dataset.remember}`;
  field.value ||= localStorage.getItem(key) ?? "";
  field.addEventListener("change", () => localStorage.setItem(key, field.value));
}

dress(document, []);
document.querySelectorAll("[data-fragment]").forEach(follow);
document.querySelectorAll("[data-remember]").forEach(remember);
