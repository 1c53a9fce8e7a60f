// The list of tasks: search, state, order, pages; asked for anew when something has changed.
import { $, STATES, ago, amount, badge, h, memory, number, renew, shown, taskAddress } from "./dom.js";
import { get, throttled } from "./live.js";

const asked = { q: "", states: [], order: "changed", size: 25, page: 1 };
let found = null, now = Date.now(), onFilter = () => {};
const rows = new Map(); // by id

export const chosenStates = () => asked.states;

function address() {
  const query = new URLSearchParams({ order: asked.order, size: asked.size, page: asked.page });
  if (asked.q) query.set("q", asked.q);
  for (const state of asked.states) query.append("state", state);
  return `/api/tasks?${query}`;
}

function cells(task) {
  return [
    h("td", { class: "id" }, h("a", { href: taskAddress(task.id), "data-route": true, class: "mono" }, shown(task.id)),
      task.name !== task.id && task.name ? h("span", { class: "quiet" }, " ", shown(task.name)) : null,
      task.labels.length ? h("span", { class: "labels" }, task.labels.slice(0, 6).map((label) => h("span", { class: "label" }, shown(label)))) : null),
    h("td", { class: "state" }, badge(task.state), task.held ? h("span", { class: "quiet" }, " held") : null),
    h("td", { class: "wide" }, shown(task.hostname || task.agent_id)),
    h("td", { class: "wide num" }, task.attempt || ""),
    h("td", { class: "wide num" }, task.cpus ? amount(task.cpus) : ""),
    h("td", { class: "wide num" }, task.mem ? memory(task.mem) : ""),
    h("td", { class: "num changed" }, ago(task.changed_ms, now)),
    h("td", { class: "wide message" }, shown(task.message)),
  ];
}

function draw() {
  const body = $("tasks").tBodies[0];
  const focused = document.activeElement?.closest?.("#tasks tr")?.dataset.place;
  const focusedId = [...rows].find(([, row]) => row.element.dataset.place === focused && focused !== undefined)?.[0];
  const old = new Map(rows);
  rows.clear();
  const elements = found.tasks.map((task, place) => {
    let row = old.get(task.id);
    const mark = `${task.revision} ${task.created_ms} ${task.labels.length} ${task.cpus}`;
    if (!row || row.mark !== mark) {
      const element = h("tr", { class: row && row.task.revision !== task.revision ? "fresh" : null }, cells(task));
      row = { element, mark, task };
    }
    row.element.dataset.place = place;
    rows.set(task.id, row);
    return row.element;
  });
  renew(body, elements);
  if (focusedId !== undefined) rows.get(focusedId)?.element.querySelector("a").focus();
  passTime(now);
  const first = (found.page - 1) * found.size;
  $("tasks-count").textContent = found.total ? `${number(first + 1)} to ${number(first + found.tasks.length)} of ${number(found.total)}` : "";
  $("page-now").textContent = `page ${number(found.page)} of ${number(found.pages)}`;
  $("page-first").disabled = $("page-back").disabled = found.page <= 1;
  $("page-on").disabled = $("page-last").disabled = found.page >= found.pages;
  $("tasks-empty").hidden = found.total > 0;
  $("tasks-empty").textContent = asked.q || asked.states.length ? "No task is like that." : "No tasks yet.";
}

export function passTime(ms) {
  now = ms;
  for (const { element, task } of rows.values()) element.querySelector(".changed").textContent = ago(task.changed_ms, now);
}

async function load() {
  try {
    found = await get(address());
  } catch (error) {
    $("tasks-count").textContent = error.message;
    return;
  }
  if (found.page > found.pages) { asked.page = found.pages; refresh(); return; }
  draw();
}

// Not more than once a second, however much happens.
const refresh = throttled(load, 1000);
const atOnce = throttled(load, 50);

export function changed() {
  if ($("follow").checked && !document.hidden) refresh();
}
export const reload = () => refresh();

export function filterStates(states) {
  asked.states = states;
  asked.page = 1;
  $("state").value = states.length === 1 ? states[0] : "";
  $("state").options[0].textContent = states.length > 1 ? states.join(", ") : "all";
  onFilter();
  atOnce();
}

function turn(page) {
  asked.page = Math.max(1, page);
  atOnce();
}

export function setUp(filtered) {
  onFilter = filtered;
  $("state").append(h("option", { value: "" }, "all"), ...STATES.map((state) => h("option", { value: state }, state)));
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("search").addEventListener("input", () => { asked.q = $("search").value.trim(); turn(1); });
  $("state").addEventListener("change", () => filterStates($("state").value ? [$("state").value] : []));
  $("order").addEventListener("change", () => { asked.order = $("order").value; turn(1); });
  $("size").addEventListener("change", () => { asked.size = Number($("size").value); turn(1); });
  $("follow").addEventListener("change", changed);
  $("page-first").addEventListener("click", () => turn(1));
  $("page-back").addEventListener("click", () => turn(asked.page - 1));
  $("page-on").addEventListener("click", () => turn(asked.page + 1));
  $("page-last").addEventListener("click", () => turn(found?.pages ?? 1));
  document.addEventListener("visibilitychange", changed);
}
