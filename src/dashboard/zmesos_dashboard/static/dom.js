// Elements, and texts that tasks wrote. Nothing here or elsewhere reads text as HTML: the Content-Security-Policy forbids it.

export const $ = (id) => document.getElementById(id);

// An element. Properties that begin with "on" are listeners; null and false are left out.
export function h(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// Makes these the children of a place. What is among them and there already is not taken out: the focus, a selection or a click
// that has begun on it would be lost.
export function renew(place, children) {
  const wanted = new Set(children);
  for (const old of [...place.childNodes]) if (!wanted.has(old)) old.remove();
  children.forEach((child, at) => {
    if (place.childNodes[at] !== child) place.insertBefore(child, place.childNodes[at] ?? null);
  });
}

// The child of a place that is like this one, where there is one; else this one.
export function alike(place, made) {
  return [...place.childNodes].find((old) => old.isEqualNode(made)) ?? made;
}

// What cannot be seen, and what turns the direction of writing: control, format and private characters, half surrogate pairs.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u;

// A text of a task, an agent or the master, as it is: a direction of its own, and characters that nobody sees by their numbers.
export function shown(text, { lines = false } = {}) {
  const made = document.createElement("bdi");
  let plain = "";
  const flush = () => { if (plain) { made.append(plain); plain = ""; } };
  for (const letter of String(text)) {
    if (!UNSEEN.test(letter) || (lines && (letter === "\n" || letter === "\t"))) { plain += letter; continue; }
    flush();
    const code = letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    made.append(h("span", { class: "control", title: "a character that is not seen" }, letter === "\n" ? "⏎" : `U+${code}`));
  }
  flush();
  return made;
}

export function taskAddress(id) {
  return `/tasks/${encodeURIComponent(id)}`;
}

// The groups that states are shown in: names of colours in style.css.
const GROUPS = {
  QUEUED: "waiting", LAUNCHING: "starting", STAGING: "starting", STARTING: "starting", RUNNING: "running", KILLING: "killing",
  UNREACHABLE: "out_of_sight", UNKNOWN: "out_of_sight", FINISHED: "finished", FAILED: "failed", KILLED: "killed",
  ERROR: "other", GONE: "other", LOST: "other",
};
export const STATES = Object.keys(GROUPS);
export const OVER = new Set(["FINISHED", "FAILED", "KILLED", "ERROR", "GONE", "LOST"]);
export const group = (state) => GROUPS[state] ?? "other";
export const badge = (state) => h("span", { class: `badge c-${group(state)}${OVER.has(state) ? " over" : ""}` }, state);

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const SHORT = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const NUMBER = new Intl.NumberFormat("en");

export const number = (value) => NUMBER.format(value);
export const clock = (ms) => CLOCK.format(ms);
export const shortClock = (ms) => SHORT.format(ms);
export const day = (ms) => DAY.format(ms);

// A time, with its day where that is not today.
export function when(ms) {
  const today = new Date().toDateString() === new Date(ms).toDateString();
  return h("time", { datetime: new Date(ms).toISOString(), title: new Date(ms).toISOString() }, today ? clock(ms) : `${day(ms)} ${clock(ms)}`);
}

export function duration(ms) {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function ago(ms, now) {
  const passed = Math.max(0, now - ms);
  return passed < 2000 ? "now" : duration(passed);
}

export const amount = (value) => (Number.isInteger(value) ? String(value) : String(Math.round(value * 1000) / 1000));

export function memory(mb) {
  if (mb < 1024) return `${Math.round(mb)} MB`;
  const gb = mb / 1024;
  return gb < 1024 ? `${gb < 10 ? Math.round(gb * 10) / 10 : Math.round(gb)} GB` : `${Math.round(gb / 102.4) / 10} TB`;
}
