// Puts the parts together: which page is shown, how the connections are, the tiles.
import { $, OVER, duration, group, h, number, shown, when } from "./dom.js";
import { get, listen, throttled } from "./live.js";
import * as agents from "./agents.js";
import * as charts from "./charts.js";
import * as task from "./task.js";
import * as tasks from "./tasks.js";

const TILES = [
  ["waiting", "waiting", ["QUEUED"]], ["starting", "starting", ["LAUNCHING", "STAGING", "STARTING"]], ["running", "running", ["RUNNING"]],
  ["out_of_sight", "killing, unseen", ["KILLING", "UNREACHABLE", "UNKNOWN"]], ["finished", "finished", ["FINISHED"]],
  ["failed", "failed", ["FAILED"]], ["killed", "killed, other", ["KILLED", "ERROR", "GONE", "LOST"]],
];
let status = null, lost = true;

function pill(name, look, words) {
  const place = $(`pill-${name}`);
  place.className = `pill ${look}`;
  place.lastElementChild.replaceChildren(words);
}

const SUBSCRIPTION = { SUBSCRIBED: "good", CONNECTING: "warn", DISCONNECTED: "bad", REFUSED: "bad" };

function drawStatus() {
  pill("live", lost ? "bad" : status?.phase === "live" ? "good" : "warn",
    lost ? "the dashboard does not answer" : status?.phase === "reading" ? `reading, ${number(status.behind ?? 0)} events to go` : status?.phase === "live" ? "live" : "waiting");
  if (!status) return;
  const daemon = status.daemon;
  pill("daemon", status.away || lost ? "bad" : "good", !daemon ? "no zmesosd" : status.away ? `zmesosd silent for ${duration((status.silent_s ?? 0) * 1000)}` : `zmesosd up ${duration(status.now_ms - daemon.started_ms)}`);
  const away = status.away || !daemon;
  pill("master", away ? "" : SUBSCRIPTION[daemon.subscription] ?? "warn", away ? "master unknown" : `master ${daemon.master || "none"} ${daemon.subscription.toLowerCase()}`);
  const notice = lost ? "The dashboard's own service does not answer. What is shown is what was last known; the page goes on by itself."
    : !daemon ? `No zmesosd answers at ${status.dashboard?.control ?? "its endpoint"} yet. The page goes on by itself once one does.`
    : status.away ? "zmesosd does not answer. What is shown is what was last known; the page goes on by itself once it is back."
    : daemon.subscription !== "SUBSCRIBED" ? `zmesosd has no subscription at the master: ${daemon.message || daemon.subscription.toLowerCase()}` : "";
  $("notice").hidden = !notice;
  $("notice").className = `notice${lost || away ? " bad" : ""}`;
  if ($("notice").textContent !== notice) $("notice").replaceChildren(shown(notice));
  drawTiles();
  if (daemon) drawDaemon(daemon);
}

function drawTiles() {
  const counts = status.daemon && !status.away ? status.daemon.counts : status.counts;
  const chosen = tasks.chosenStates().join();
  TILES.forEach(([, , states], place) => {
    const tile = $("tiles").children[place].firstElementChild;
    const count = number(states.reduce((sum, state) => sum + (counts[state] ?? 0), 0));
    if (tile.firstElementChild.textContent !== count) tile.firstElementChild.textContent = count;
    tile.setAttribute("aria-pressed", String(states.join() === chosen));
  });
  const running = counts.RUNNING ?? 0;
  if (!location.pathname.startsWith("/tasks/")) document.title = `${number(running)} running · zmesos`;
}

function drawDaemon(daemon) {
  $("daemon-version").textContent = daemon.version;
  const attention = (count, words) => (count ? [["", h("span", { class: "attention" }, `${number(count)} ${words}`)]] : []);
  const facts = [
    ["Framework", shown(daemon.framework_id)], ["Roles", shown(daemon.roles.join(", "))],
    ["Started", h("span", {}, when(daemon.started_ms), `, run ${daemon.run}`)],
    ["Offers held", `${number(daemon.offers)}${daemon.leases ? `, ${number(daemon.leased_offers)} by ${number(daemon.leases)} leases` : ""}`],
    ...(daemon.operations ? [["Operations", `${number(daemon.operations)} not over`]] : []),
    ...(daemon.suppressed_roles.length ? [["Suppressed", shown(daemon.suppressed_roles.join(", "))]] : []),
    ...(status.left_out ? [["", h("span", { class: "attention" }, `${number(status.left_out)} older tasks are not kept here`)]] : []),
    ...attention(daemon.held, "held since a restore"), ...attention(daemon.strays, "strays that may live"),
    ...attention(daemon.unconfirmed, "updates wait for consumers"), ...attention(daemon.maintenance, "agents with maintenance"),
    ...(daemon.teardown ? [["", h("span", { class: "attention" }, "the framework is being torn down")]] : []),
  ];
  $("daemon").replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

// ---- pages -----------------------------------------------------------------------------------------

function shownTask() {
  const found = /^\/tasks\/([^/]+)$/.exec(location.pathname);
  try { return found ? decodeURIComponent(found[1]) : null; } catch { return null; }
}

function route(focus) {
  const id = shownTask();
  $("view-overview").hidden = id !== null;
  $("view-task").hidden = id === null;
  document.title = id === null ? "zmesos" : `${id} · zmesos`;
  task.show(id, status);
  if (id === null) { tasks.reload(); window.dispatchEvent(new Event("resize")); }
  if (focus) { scrollTo(0, 0); $("main").focus(); }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-route]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", link.getAttribute("href"));
  route(true);
});
addEventListener("popstate", () => route(true));
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || $("view-overview").hidden || event.target.closest("input, select, textarea")) return;
  event.preventDefault();
  $("search").focus();
});

// ---- what comes in ---------------------------------------------------------------------------------

const reloadAll = throttled(async () => {
  try {
    status = await get("/api/status");
    await charts.reload();
  } catch { setTimeout(reloadAll, 2000); return; } // a stream that goes on where it was does not tell again
  drawStatus();
  agents.reload();
  tasks.reload();
  task.passTime(status);
}, 200);

listen({
  reset: reloadAll,
  status: (news) => {
    if (!status) return; // what is on its way has all of it
    status = { ...status, ...news };
    drawStatus();
    charts.pass(status.now_ms);
    tasks.passTime(status.now_ms);
    task.passTime(status);
  },
  changes: (change) => { tasks.changed(); task.changed(change); },
  bucket: (bucket) => charts.take(bucket),
  agents: () => agents.reload(),
}, (now) => { lost = now; drawStatus(); });

$("tiles").append(...TILES.map(([look, name, states]) => h("li", {}, h("button", { type: "button", class: `tile c-${look}`, "aria-pressed": "false", onclick: () => {
  tasks.filterStates(tasks.chosenStates().join() === states.join() ? [] : states);
} }, h("span", { class: "count" }, "0"), h("span", { class: "name" }, h("span", { class: "swatch" }), name)))));
charts.setUp();
tasks.setUp(() => { if (status) drawTiles(); });
route(false);
