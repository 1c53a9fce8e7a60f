// One task: what it is, why it waits, its history and its attempts.
import { $, alike, amount, badge, duration, group, h, memory, renew, shown, when } from "./dom.js";
import { Refused, get, throttled } from "./live.js";

const EVERY = 5000; // ms; oftener while it waits, for the reasons change without an event
let id = null, found = null, status = null, said = "", loaded = 0, unanswered = false;

function facts(pairs) {
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== "" && value !== undefined)
    .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function whyPanel() {
  if (!found.why) return null;
  const { reasons, offers, alike } = found.why;
  const counted = offers ? `${offers} offers were looked at; ${alike} ${alike === 1 ? "task asks" : "tasks ask"} the same` : null;
  return h("section", { class: "panel why", "aria-labelledby": "why-title" },
    h("div", { class: "panel-head" }, h("h2", { id: "why-title" }, "Why it waits"), h("span", { class: "quiet" }, counted ?? "")),
    h("ul", {}, reasons.map((reason) => h("li", {}, h("span", { class: "kind" }, reason.kind), shown(reason.message),
      reason.until_ms ? h("span", {}, ", until ", when(reason.until_ms)) : null))));
}

function historyPanel() {
  const steps = found.steps;
  const items = steps.map((step, place) => {
    const next = steps[place + 1];
    const lasted = next ? duration(next.time_ms - step.time_ms) : "";
    return h("li", { class: `c-${group(step.state)}` }, h("span", { class: "name" }, step.state), when(step.time_ms),
      h("span", { class: "what" }, step.message ? h("span", {}, shown(step.message), lasted || step.attempt > 1 ? "; " : "") : null,
        [step.attempt > 1 && step.state !== "QUEUED" && `attempt ${step.attempt}`, lasted && `for ${lasted}`].filter(Boolean).join(", ")));
  });
  const left = found.steps_left_out;
  return h("section", { class: "panel", "aria-labelledby": "history-title" },
    h("div", { class: "panel-head" }, h("h2", { id: "history-title" }, "History"), h("span", { class: "quiet" }, left ? `the last ${steps.length} changes; ${left} before them` : "")),
    items.length ? h("ol", { class: "steps" }, items) : h("p", { class: "quiet" }, "Its changes are older than the journal that zmesosd keeps."));
}

function attemptsPanel() {
  const attempts = found.details?.attempts ?? [];
  if (!attempts.length) return null;
  const notes = (attempt) => [attempt.replaced && "given up", attempt.healthy === false && "not healthy", attempt.healthy === true && "healthy"].filter(Boolean).join(", ");
  return h("section", { class: "panel", "aria-labelledby": "attempts-title" },
    h("div", { class: "panel-head" }, h("h2", { id: "attempts-title" }, "Attempts")),
    h("div", { class: "scroll" }, h("table", {}, h("caption", { class: "hidden" }, "Attempts, the latest first"),
      h("thead", {}, h("tr", {}, ["No.", "State", "Agent", "Launched", "For", "Message"].map((name, place) =>
        h("th", { scope: "col", class: place === 0 || place === 4 ? "num" : null }, name)))),
      h("tbody", {}, [...attempts].reverse().map((attempt) => h("tr", {},
        h("td", { class: "num", title: attempt.mesos_task_id }, attempt.number),
        h("td", {}, badge(attempt.state), notes(attempt) ? h("div", { class: "quiet" }, notes(attempt)) : null),
        h("td", {}, shown(attempt.hostname || attempt.agent_id), attempt.ports.length ? h("div", { class: "quiet" }, `ports ${attempt.ports.join(", ")}`) : null),
        h("td", {}, attempt.launched_ms ? when(attempt.launched_ms) : ""),
        h("td", { class: "num" }, attempt.launched_ms ? duration(attempt.changed_ms - attempt.launched_ms) : ""),
        h("td", { class: "words" }, shown(attempt.message, { lines: true }), attempt.reason ? h("div", { class: "quiet" }, shown(attempt.reason)) : null)))))));
}

function asksPanel() {
  const asks = found.details?.asks, task = found.task;
  const amounts = asks ? Object.entries(asks.amounts).map(([name, value]) =>
    `${name} ${name === "mem" || name === "disk" ? memory(value) : amount(value)}`).join(", ") : "";
  const list = (values) => (values?.length ? h("ul", {}, values.map((value) => h("li", {}, shown(value)))) : null);
  return h("section", { class: "panel", "aria-labelledby": "asks-title" },
    h("div", { class: "panel-head" }, h("h2", { id: "asks-title" }, "What it asks for")),
    asks?.command ? h("pre", {}, shown(asks.command, { lines: true })) : null,
    h("p", {}, (asks?.labels ?? task?.labels ?? []).map((label) => h("span", { class: "label" }, shown(label)))), h("br"),
    facts([
      ["Name", task && task.name !== id ? shown(task.name) : null], ["Amounts", amounts], ["Role", task ? shown(task.role) : null],
      ["Submitter", task?.submitter ? shown(task.submitter) : null], ["Group", task?.group ? shown(task.group) : null],
      ["Image", asks?.image ? shown(asks.image) : null], ["User", asks?.user ? shown(asks.user) : null],
      ["Priority", asks?.priority || null], ["Attempts", asks && asks.max_attempts > 1 ? `at most ${asks.max_attempts}` : null],
      ["Constraints", list(asks?.constraints)], ["Consumer", asks?.consumer ? shown(asks.consumer) : null],
      ["Placer", asks?.placer ? shown(asks.placer) : null], ["Environment", list(asks?.environment)], ["Files", list(asks?.uris)],
      ["Created", task ? when(task.created_ms) : null],
    ]));
}

// These stay as long as the page: see renew().
const back = h("a", { class: "back", href: "/", "data-route": true }, "← All tasks");
const head = h("div", { class: "task-head" });
const button = h("button", { type: "button", id: "kill", class: "danger push", onclick: kill, onblur: unsure }, "Kill");

// Once to ask, and again to do it, unless something else was turned to between.
function unsure() {
  delete button.dataset.sure;
  button.textContent = "Kill";
}

async function kill() {
  if (!button.dataset.sure) {
    button.dataset.sure = "yes";
    button.textContent = "Kill it for good?";
    return;
  }
  button.disabled = true;
  try {
    await get(`/api${taskPath()}/kill`, { method: "POST", headers: { "X-Zmesos-Token": status.dashboard.token } });
    said = "The kill is on zmesosd's disk, and is repeated until the task is over.";
  } catch (error) {
    said = `It is not killed: ${error.message}`;
  }
  reload();
}

const taskPath = () => `/tasks/${encodeURIComponent(id)}`;

function draw() {
  const task = found.task, details = found.details;
  const state = task?.state ?? details?.attempts.at(-1)?.state ?? "UNKNOWN";
  const over = task?.over || details?.over; // the event may have come after the answer
  const message = details?.message ?? task?.message ?? "";
  const place = $("view-task");
  if (button.disabled || details?.kill_requested) unsure();
  button.disabled = Boolean(details?.kill_requested);
  const notes = [details?.kill_requested && !over && "it is being killed", details?.adopted && "was found running, and adopted", task?.held && "held since a restore",
    details?.retry_ms && !over && "waits before its next attempt", !details && (found.answered ? "zmesosd has forgotten it" : "zmesosd does not answer: this is what was last known")].filter(Boolean);
  renew(head, [
    alike(head, h("h1", { class: "mono" }, shown(id))), alike(head, badge(state)),
    notes.length && alike(head, h("span", { class: "quiet" }, notes.join("; "))), status?.dashboard.allow_kill && !over && button,
  ].filter(Boolean));
  renew(place, [
    back, head, said && alike(place, h("p", { class: "notice", role: "status" }, said)),
    message && alike(place, h("p", { class: "quiet task-message" }, shown(message, { lines: true }))),
    alike(place, h("div", { class: "columns" }, h("div", {}, whyPanel() ?? "", historyPanel(), attemptsPanel() ?? ""), h("div", { class: "side" }, asksPanel()))),
  ].filter(Boolean));
}

async function load() {
  const asked = id;
  if (asked === null) return;
  loaded = performance.now();
  try {
    const answer = await get(`/api${taskPath()}`);
    if (asked !== id) return;
    found = answer;
    unanswered = !found.answered;
    draw();
  } catch (error) {
    if (asked !== id) return;
    unanswered = !(error instanceof Refused && error.status === 404);
    if (found && unanswered) return; // the notice says who does not answer
    const words = error instanceof Refused && error.status === 404 ? "There is no such task, or zmesosd has forgotten it: it keeps those that are over for some time." : error.message;
    const place = $("view-task");
    renew(head, [alike(head, h("h1", { class: "mono" }, shown(asked)))]);
    renew(place, [back, head, alike(place, h("p", { class: "panel" }, words))]);
  }
}

export const reload = throttled(load, 500);

export function show(taskId, known) {
  if (taskId !== id) { id = taskId; found = null; said = ""; $("view-task").replaceChildren(); unsure(); button.disabled = false; }
  status = known;
  if (id !== null) reload();
}

// Events that name this task, or more tasks than are named. Why it waits changes without one.
export function changed(change) {
  if (id !== null && (change.count > change.tasks.length || change.tasks.some((task) => task.id === id))) reload();
}
export function passTime(known) {
  status = known;
  const stale = found?.task && found.details && found.task.over !== found.details.over;
  const patience = found?.why || unanswered || stale ? 1000 : EVERY;
  if (id !== null && !(found?.details?.over && found.task?.over !== false) && performance.now() - loaded >= patience) reload();
}
