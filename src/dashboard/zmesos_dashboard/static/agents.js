// Agents, and how much of them our tasks use.
import { $, amount, h, memory, number, shown } from "./dom.js";
import { get, throttled } from "./live.js";

const MOST = 200; // rows

function use(used, known, words) {
  const part = known > 0 ? Math.min(1, used / known) : 0;
  const filled = h("span");
  filled.style.width = `${(part * 100).toFixed(1)}%`;
  return h("td", { class: "use" }, known ? h("div", { class: "bar", "aria-hidden": "true" }, filled) : null,
    h("span", { class: "quiet" }, known ? `${words(used)} of ${words(known)}` : words(used)));
}

function draw({ told, agents }) {
  const place = $("agents");
  if (!told) { place.replaceChildren(h("p", { class: "quiet" }, "This zmesosd is too old to tell of agents.")); return; }
  const sum = (kind, name) => agents.reduce((total, agent) => total + (agent[kind]?.[name] ?? 0), 0);
  $("agents-sum").textContent = agents.length ? `${number(agents.length)} known, ${amount(Math.round(sum("used", "cpus") * 10) / 10)} of ${amount(Math.round(sum("known", "cpus") * 10) / 10)} CPUs used` : "";
  if (!agents.length) { place.replaceChildren(h("p", { class: "quiet" }, "None is known yet: agents are known by their offers.")); return; }
  const part = (agent) => (agent.known?.cpus ? (agent.used?.cpus ?? 0) / agent.known.cpus : 0);
  const sorted = [...agents].sort((a, b) => part(b) - part(a) || b.tasks - a.tasks || (a.hostname < b.hostname ? -1 : 1));
  const left = sorted.length - MOST;
  place.replaceChildren(h("table", {}, h("caption", { class: "hidden" }, "Agents, the busiest first"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Agent"), h("th", { scope: "col", class: "num" }, "Tasks"), h("th", { scope: "col" }, "CPUs"), h("th", { scope: "col" }, "Memory"))),
    h("tbody", {}, sorted.slice(0, MOST).map((agent) => h("tr", {},
      h("td", { title: [agent.id, ...agent.attributes].join("\n") }, shown(agent.hostname || agent.id), agent.maintenance ? h("div", { class: "quiet" }, "maintenance") : null),
      h("td", { class: "num" }, number(agent.tasks)),
      use(agent.used?.cpus ?? 0, agent.known?.cpus ?? 0, amount), use(agent.used?.mem ?? 0, agent.known?.mem ?? 0, memory))))),
    left > 0 ? h("p", { class: "quiet" }, `and ${number(left)} more`) : "");
}

export const reload = throttled(async () => {
  try { draw(await get("/api/agents")); } catch { /* the pills say that the dashboard does not answer */ }
}, 1000);
