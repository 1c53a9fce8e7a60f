// The two charts: tasks that are not over, stacked by state; and how many ended in each interval.
import { $, clock, day, h, number, shortClock } from "./dom.js";
import { get } from "./live.js";

const SPANS = [["10m", "10 min"], ["3h", "3 h"], ["2d", "2 d"], ["30d", "30 d"]];
const ALIVE = [["running", "running"], ["starting", "starting"], ["killing", "killing"], ["out_of_sight", "out of sight"], ["waiting", "waiting"]];
const ENDED = [["finished", "finished"], ["failed", "failed"], ["killed", "killed"], ["other", "error, gone, lost"]];
const EVERY = 30000; // ms between looks at the longer spans

let span = SPANS[0][0], points = null, charts = null, timer = null, seconds = false;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
// Ticks at round times of the day, as many as there is room for.
const STEPS = [5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 432000].map((seconds) => seconds * 1000);
function roundTicks(scale) {
  const most = Math.max(2, Math.floor(scale.width / (span === "2d" ? 110 : 75)));
  const step = STEPS.find((candidate) => (scale.max - scale.min) / candidate <= most) ?? STEPS.at(-1);
  seconds = step < 60000;
  const shift = new Date(scale.min).getTimezoneOffset() * 60000;
  scale.ticks = [];
  for (let at = Math.ceil((scale.min - shift) / step) * step + shift; at <= scale.max; at += step) scale.ticks.push({ value: at });
}

const tick = (ms) => (seconds ? clock(ms) : span === "10m" || span === "3h" ? shortClock(ms) : span === "2d" ? `${day(ms)} ${shortClock(ms)}` : day(ms));

function interval(seconds) {
  return seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}

function datasets(kinds, look) {
  return kinds.map(([name, label]) => ({ label, name, data: [], borderColor: colour(name), backgroundColor: colour(name), ...look }));
}

function options(low) {
  const soft = colour("soft"), line = colour("line");
  return {
    animation: false, responsive: true, maintainAspectRatio: false, parsing: false, normalized: true,
    interaction: { mode: "index", axis: "x", intersect: false },
    plugins: {
      legend: { display: false },
      tooltip: { callbacks: {
        title: (items) => (items.length ? `${day(items[0].parsed.x)} ${clock(items[0].parsed.x)}` : ""),
        label: (item) => ` ${item.dataset.label}: ${number(item.parsed.y)}`,
      }, filter: (item) => item.parsed.y > 0 },
    },
    scales: {
      x: { type: "linear", offset: false, grid: { display: false }, border: { display: false },
        afterBuildTicks: roundTicks, ticks: { color: soft, maxRotation: 0, autoSkip: false, callback: tick, font: { size: 11 } } },
      y: { stacked: true, beginAtZero: true, suggestedMax: low ? 2 : 4, grid: { color: line, drawBorder: false },
        ticks: { color: soft, precision: 0, maxTicksLimit: low ? 4 : 6, font: { size: 11 } },
        afterFit: (scale) => { scale.width = 46; } },
    },
  };
}

function make() {
  charts?.forEach((chart) => chart.destroy());
  const area = { fill: true, borderWidth: 0, pointRadius: 0, pointHitRadius: 0, spanGaps: false, stack: "alive", stepped: "after" };
  const bars = { stack: "ended", grouped: false, barPercentage: 1, categoryPercentage: 0.86, borderWidth: 0, minBarLength: 2 };
  charts = [
    new Chart($("chart-alive"), { type: "line", data: { datasets: datasets(ALIVE, area) }, options: options(false) }),
    new Chart($("chart-ended"), { type: "bar", data: { datasets: datasets(ENDED, bars) }, options: options(true) }),
  ];
}

function draw() {
  if (!points) return;
  $("ended-title").textContent = `Ended, in each ${interval(points.width)}`;
  if (charts) {
    const times = points.alive.running.map((_, place) => (points.first + place * points.width) * 1000);
    let shownFrom = times[0];
    const put = (chart, values, kinds) => {
      kinds.forEach(([name], place) => {
        chart.data.datasets[place].data = values[name].map((y, index) => ({ x: times[index], y: kinds === ENDED && y === 0 ? null : y }));
      });
      Object.assign(chart.options.scales.x, { min: shownFrom, max: times[times.length - 1] });
      chart.update("none");
    };
    // A history that is shorter than the span has the width to itself.
    const known = Math.max(0, points.alive.running.findIndex((value) => value !== null) - 2);
    shownFrom = times[Math.min(known, times.length - 31)];
    put(charts[0], points.alive, ALIVE);
    put(charts[1], points.ended, ENDED);
  }
  const last = points.alive.running.length - 1;
  const words = ALIVE.map(([name, label]) => `${points.alive[name][last] ?? 0} ${label}`).join(", ");
  $("chart-alive").setAttribute("aria-label", `Tasks that are not over, by state, over time. Now: ${words}`);
  const total = (name) => points.ended[name].reduce((sum, count) => sum + count, 0);
  $("chart-ended").setAttribute("aria-label", `Tasks that ended. In all: ${ENDED.map(([name, label]) => `${total(name)} ${label}`).join(", ")}`);
  if ($("chart-table").open) drawTable();
}

function drawTable() {
  const kinds = [...ALIVE.map((kind) => ["alive", ...kind]), ...ENDED.map((kind) => ["ended", ...kind])];
  const rows = [];
  for (let place = points.alive.running.length - 1; place >= 0 && rows.length < 300; place--) {
    if (points.alive.running[place] === null) break;
    rows.push(h("tr", {}, h("th", { scope: "row" }, tick((points.first + place * points.width) * 1000)),
      kinds.map(([part, name]) => h("td", { class: "num" }, number(points[part][name][place])))));
  }
  $("chart-table").lastElementChild.replaceChildren(h("table", {}, h("caption", { class: "hidden" }, "Tasks over time"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), kinds.map(([, , label]) => h("th", { scope: "col", class: "num" }, label)))),
    h("tbody", {}, rows)));
}

export async function reload() {
  const asked = span;
  const found = await get(`/api/history?span=${asked}`);
  if (asked !== span) return;
  points = found;
  draw();
}

// A bucket of the shortest span has changed.
export function take(bucket) {
  if (!points || bucket.span !== points.span) return;
  advance(bucket.start);
  const place = (bucket.start - points.first) / points.width;
  const last = points.alive.running.length - 1;
  if (place < 0 || place > last) return;
  for (const [name, value] of Object.entries(bucket.alive)) for (let later = place; later <= last; later++) points.alive[name][later] = value;
  for (const [name, value] of Object.entries(bucket.ended)) points.ended[name][place] = value;
  draw();
}

// Time goes on where nothing happens: what is alive stays.
function advance(second) {
  const width = points.width, count = points.alive.running.length;
  while (points.first + (count - 1) * width + width <= second) {
    points.first += width;
    for (const values of Object.values(points.alive)) { values.push(values[values.length - 1]); values.shift(); }
    for (const values of Object.values(points.ended)) { values.push(0); values.shift(); }
  }
}

export function pass(nowMs) {
  if (!points || points.span !== SPANS[0][0]) return;
  const before = points.first;
  advance(Math.floor(nowMs / 1000));
  if (points.first !== before) draw();
}

export function setUp() {
  if (typeof Chart === "undefined") {
    $("charts").hidden = true;
    $("chart-note").hidden = false;
    $("chart-note").textContent = "The chart needs Chart.js on the dashboard's machine (Debian: apt install libjs-chart.js). The numbers are in the table.";
    $("chart-table").open = true;
  } else {
    Chart.defaults.font.family = getComputedStyle(document.documentElement).fontFamily;
    make();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { make(); draw(); });
  }
  for (const [place, kinds] of [["legend-alive", ALIVE], ["legend-ended", ENDED]]) {
    $(place).append(...kinds.map(([name, label]) => h("li", { class: `c-${name}` }, h("span", { class: "swatch" }), label)));
  }
  $("chart-table").addEventListener("toggle", () => points && draw());
  $("spans").append(...SPANS.map(([name, label]) => h("button", { type: "button", "aria-pressed": String(name === span), onclick: (event) => {
    span = name;
    for (const button of $("spans").children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
    clearInterval(timer);
    if (name !== SPANS[0][0]) timer = setInterval(() => reload().catch(() => {}), EVERY);
    reload().catch(() => {});
  } }, label)));
}
