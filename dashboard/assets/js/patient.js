// One patient's page: latest values that go on, and charts on one time axis with what happened
// beside them, fetched anew at every zoom.
//
// Zooming is dragging over a chart, or the buttons, which need no mouse. What happened is marked
// by shape and colour, told in words when the cursor is near, and listed under the charts.
//
// A reading that something speaks against is drawn as a hollow grey mark and never joined, and it
// hides no clean reading beside it: the centre sends the extremes of both. A gap in the clean data
// is a gap in the line. The table under each chart says the same in words.

import uPlot from "../vendor/uplot.js";
import { bell } from "./bell.js";
import { countAges, fillCell, live } from "./live.js";
import { dayFormat, hourFormat, locale, wordsOf } from "./words.js";

const HOUR_MS = 3600000;
const CHART_HEIGHT = 200;

/** Shortest and longest stretch that is shown. */
const SPAN_MIN_MS = 10000;
const SPAN_MAX_MS = 62 * 24 * HOUR_MS;

/** So near to the cursor a mark is told in words, in pixels. */
const NEAR_PX = 12;
const ZOOM_WAIT_MS = 150;
const FOLLOW_EVERY_MS = 15000;

const page = document.getElementById("patient");
const status = document.getElementById("chart-status");
const presets = [...page.querySelectorAll("[data-hours]")];
const sync = uPlot.sync("patient");

/** The type of axes and limits, as in the style sheet. */
const typeOf = (size) => `${size}px "Titillium Web", system-ui, sans-serif`;
const type = typeOf(15);

const colours = { red: "#a3122a", amber: "#7a4b00", line: "#0a4a8f", doubtful: "#5a6772", ink: "#17212b" };

/** Marks have no colour of a curve: the two that are graver have that of their limit. */
const markColours = { red: colours.red, amber: colours.amber };

/** Steps of the value axis: nobody reads half a percent or half a beat. */
const WHOLE = [1, 2, 5, 10, 20, 50, 100];
const TENTHS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/** What is shown: from, to, and whether it follows the present. */
let range = { from: 0, to: 0, follows: true, hours: 24 };

/** What happened in the range, the earliest first. */
let marks = [];

const charts = [...page.querySelectorAll(".chart")].map((section) => ({
  section,
  vital: section.dataset.vital,
  plot: null,
  limits: [],
  asked: 0,
}));

const zone = "Europe/Rome";
const say = wordsOf("chart-words");
const moment = (ms) => `${dayFormat.format(ms)} ${hourFormat.format(ms)}`;
const numberFormat = new Intl.NumberFormat(locale, { useGrouping: false, maximumFractionDigits: 3 });

function tickLabels(_plot, seconds) {
  const isLong = seconds.length > 1 && seconds[seconds.length - 1] - seconds[0] > 24 * 3600;
  return seconds.map((second) => {
    const at = new Date(second * 1000);
    const time = hourFormat.format(at);
    if (!isLong) return time;
    return time === "00:00" ? dayFormat.format(at) : `${dayFormat.format(at)} ${time}`;
  });
}

/** Clean values, doubtful values and gaps, as the chart library wants them: undefined joins, null breaks. */
function columns(points) {
  const at = [];
  const clean = [];
  const doubtful = [];
  for (const [ms, value, isDoubtful] of points) {
    at.push(ms / 1000);
    clean.push(value === null ? null : isDoubtful ? undefined : value);
    doubtful.push(isDoubtful ? value : null);
  }
  return [at, clean, doubtful];
}

function drawLimits(chart) {
  return (plot) => {
    const { ctx, bbox } = plot;
    ctx.save();
    for (const limit of chart.limits) {
      const y = plot.valToPos(limit.value, "y", true);
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = colours[limit.kind] ?? colours.line;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.setLineDash([8 * devicePixelRatio, 5 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.fillStyle = ctx.strokeStyle;
      ctx.strokeStyle = "#fff";
      ctx.setLineDash([]);
      ctx.lineWidth = 5 * devicePixelRatio;
      ctx.lineJoin = "round";
      ctx.font = typeOf(15 * devicePixelRatio);
      ctx.textAlign = "left";
      // Two limits on one side lie close together: the graver one is named beyond the other.
      const isBelow = (limit.kind === "red") === limit.label.includes("≤");
      ctx.textBaseline = isBelow ? "top" : "bottom";
      const place = [bbox.left + 4 * devicePixelRatio, y + (isBelow ? 3 : -2) * devicePixelRatio];
      ctx.strokeText(limit.label, ...place);
      ctx.fillText(limit.label, ...place);
    }
    ctx.restore();
  };
}

/** A thin line at each moment, under the curve. */
function drawMarkLines(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const mark of marks) {
    const x = plot.valToPos(mark.at / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = markColours[mark.kind] ?? colours.ink;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Its shape, over the curve: one where several would cover each other. */
function drawMarks(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = typeOf(14 * devicePixelRatio);
  ctx.textAlign = "center";
  ctx.textBaseline = "top";
  ctx.strokeStyle = "#fff";
  ctx.lineWidth = 4 * devicePixelRatio;
  let last = -Infinity;
  for (const mark of marks) {
    const x = plot.valToPos(mark.at / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const isGrave = mark.kind === "red";
    if (x - last < 10 * devicePixelRatio && !isGrave) continue;
    last = x;
    ctx.fillStyle = markColours[mark.kind] ?? colours.ink;
    ctx.strokeText(mark.mark, x, bbox.top + 2 * devicePixelRatio);
    ctx.fillText(mark.mark, x, bbox.top + 2 * devicePixelRatio);
  }
  ctx.restore();
}

/** Says what happened near the cursor. */
function tellNear(plot) {
  const place = page.querySelector(".marks-near");
  const { left } = plot.cursor;
  if (left === undefined || left < 0) {
    place.textContent = "";
    return;
  }
  const near = marks.filter((mark) => Math.abs(plot.valToPos(mark.at / 1000, "x") - left) <= NEAR_PX);
  place.textContent = near.map((mark) => `${mark.mark} ${mark.time} ${mark.text}`).slice(-3).join(" · ");
}

/** Room above and below; the limits stay in view when the values are near them. */
function yRange(chart) {
  return (_plot, low, high) => {
    if (low === null || high === null) return [0, 1];
    const near = chart.limits.map((limit) => limit.value).filter((it) => Math.abs(it - low) < 15);
    const from = Math.min(low, ...near);
    const to = Math.max(high, ...near);
    const room = Math.max((to - from) * 0.1, 0.5);
    return [from - room, to + room];
  };
}

function width(chart) {
  return Math.max(200, Math.floor(chart.section.clientWidth));
}

function makePlot(chart, told, data) {
  const options = {
    width: width(chart),
    height: CHART_HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { sync: { key: sync.key, scales: ["x", null] }, drag: { x: true, y: false, setScale: false } },
    scales: { x: { time: true, range: () => [range.from / 1000, range.to / 1000] }, y: { range: yRange(chart) } },
    axes: [
      { values: tickLabels, space: 90, font: type, stroke: colours.ink },
      { values: valueLabels, incrs: chart.vital === "temperature" ? TENTHS : WHOLE, size: 56, font: type, stroke: colours.ink },
    ],
    series: [
      { label: say("hour"), value: (_plot, second) => (second === null ? "–" : moment(second * 1000)) },
      { label: say("value"), stroke: colours.line, width: 1.5, points: { size: 7 }, value: number },
      { label: say("doubt"), stroke: colours.doubtful, paths: () => null, points: { show: true, size: 8, width: 2, fill: "#fff", stroke: colours.doubtful }, value: number },
    ],
    hooks: { drawAxes: [drawMarkLines], draw: [drawLimits(chart), drawMarks], setSelect: [zoom], setCursor: [tellNear] },
  };
  chart.plot = new uPlot(options, data, chart.section.querySelector(".chart-canvas"));
}

function valueLabels(plot, values) {
  return values.map((value) => number(plot, value));
}

function number(_plot, value) {
  return value === null || value === undefined ? "–" : numberFormat.format(value);
}

function fillTable(chart, rows) {
  const heads = [...chart.section.querySelectorAll("details thead th")];
  const body = chart.section.querySelector("details tbody");
  body.replaceChildren(
    ...rows.map((row) => {
      const line = document.createElement("tr");
      for (const text of [row.stretch, row.count, row.doubtful, row.lowest, row.highest]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        // On narrow screens the headings stand before each value.
        cell.dataset.label = heads[line.children.length].textContent;
        line.append(cell);
      }
      return line;
    }),
  );
}

async function load(chart) {
  const asked = ++chart.asked;
  const query = new URLSearchParams({
    vital: chart.vital,
    from: Math.floor(range.from),
    to: Math.ceil(range.to),
    px: Math.min(4000, Math.max(50, width(chart))),
  });
  const answer = await fetch(`${page.dataset.trend}?${query}`, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`the curve was not sent: ${answer.status}`);
  const told = await answer.json();
  // A later question has been asked meanwhile: its answer is the one to draw.
  if (asked !== chart.asked) return;
  chart.limits = told.limits;
  chart.section.querySelector("h3").textContent = told.title;
  chart.section.classList.toggle("is-empty", told.points.length === 0);
  const data = columns(told.points);
  if (chart.plot === null) makePlot(chart, told, data);
  else chart.plot.setData(data);
  const limits = told.limits.map((limit) => limit.label).join("; ");
  const said = [limits && say("limits", { limits }), told.points.length === 0 && say("empty"), told.missing];
  chart.section.querySelector(".chart-limits").textContent = said.filter(Boolean).join(" ");
  fillTable(chart, told.table);
}

let marksAsked = 0;

async function loadMarks() {
  const asked = ++marksAsked;
  const query = new URLSearchParams({ from: Math.floor(range.from), to: Math.ceil(range.to) });
  const answer = await fetch(`${page.dataset.marks}?${query}`, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`the marks were not sent: ${answer.status}`);
  const told = await answer.json();
  if (asked !== marksAsked) return;
  marks = told.marks;
  listMarks(told.is_cut);
  charts.forEach((chart) => chart.plot?.redraw(false));
}

/** The same as a list, the latest first. */
function listMarks(isCut) {
  const list = page.querySelector(".marks");
  const items = marks.toReversed().map((mark) => {
    const item = document.createElement("li");
    item.textContent = `${mark.mark} ${mark.time} ${mark.text}`;
    return item;
  });
  list.querySelector("ul").replaceChildren(...items);
  list.querySelector(".marks-count").textContent = isCut ? say("newest", { n: marks.length }) : String(marks.length);
  list.hidden = marks.length === 0;
  page.querySelector(".marks-legend").hidden = marks.length === 0;
}

function sayRange() {
  const told = { from: moment(range.from), to: moment(range.to) };
  document.getElementById("chart-range").textContent = say("range", told);
}

async function loadAll() {
  sayRange();
  const loaded = await Promise.allSettled([...charts.map(load), loadMarks()]);
  const failed = loaded.some((outcome) => outcome.status === "rejected");
  status.textContent = failed ? say("stale") : "";
}

function show(hours) {
  const to = stream.careNow() + 60000;
  range = { from: to - hours * HOUR_MS, to, follows: true, hours };
  presets.forEach((it) => it.setAttribute("aria-pressed", String(Number(it.dataset.hours) === hours)));
  loadAll();
}

/** Shows a stretch that somebody chose, and no longer follows the present. */
function choose(from, to) {
  const middle = (from + to) / 2;
  const half = Math.min(Math.max(to - from, SPAN_MIN_MS), SPAN_MAX_MS) / 2;
  range = { from: middle - half, to: middle + half, follows: false, hours: 0 };
  presets.forEach((it) => it.setAttribute("aria-pressed", "false"));
  loadAll();
}

let zoomTimer = 0;

function zoom(plot) {
  const { left, width: dragged } = plot.select;
  if (dragged < 5) return;
  const from = plot.posToVal(left, "x") * 1000;
  const to = plot.posToVal(left + dragged, "x") * 1000;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  clearTimeout(zoomTimer);
  zoomTimer = setTimeout(() => choose(from, to), ZOOM_WAIT_MS);
}

for (const button of page.querySelectorAll("[data-zoom]")) {
  button.addEventListener("click", () => {
    const middle = (range.from + range.to) / 2;
    const half = ((range.to - range.from) * Number(button.dataset.zoom)) / 2;
    choose(middle - half, middle + half);
  });
}

for (const button of page.querySelectorAll("[data-move]")) {
  button.addEventListener("click", () => {
    const by = ((range.to - range.from) * Number(button.dataset.move)) / 2;
    choose(range.from + by, range.to + by);
  });
}

presets.forEach((it) => it.addEventListener("click", () => show(Number(it.dataset.hours))));

let resizeTimer = 0;
addEventListener("resize", () => {
  clearTimeout(resizeTimer);
  resizeTimer = setTimeout(() => {
    charts.forEach((chart) => chart.plot?.setSize({ width: width(chart), height: CHART_HEIGHT }));
    loadAll();
  }, ZOOM_WAIT_MS);
});

setInterval(() => {
  if (range.follows && !document.hidden) show(range.hours);
}, FOLLOW_EVERY_MS);

/** The reasons as last told, to see that they have changed. */
let reasons = null;

function onRow(line) {
  if (line.patient !== page.dataset.patient) return;
  for (const value of line.values) {
    const cell = page.querySelector(`.tiles [data-vital="${CSS.escape(value.vital)}"]`);
    if (cell) fillCell(cell, value);
  }
  const flagged = line.chip.kind === "red" || line.chip.kind === "amber" || line.chip.kind === "technical";
  const told = flagged ? line.why : [];
  const isNews = reasons === null ? told.length !== Number(page.dataset.flags) : JSON.stringify(told) !== reasons;
  reasons = JSON.stringify(told);
  if (isNews) document.getElementById("live-news").hidden = false;
}

const tiles = page.querySelector(".tiles");
const rings = bell();
const stream = live(page, document.getElementById("live-lost"), {
  row: onRow,
  alarms: rings?.alarms,
  tick: rings?.tick,
  listensHidden: rings?.isWanted,
  look: (now, isLost) => {
    countAges(tiles, now, isLost);
    rings?.look(isLost);
  },
});

// The address says that something was written; a page that is loaded again does not.
if (location.hash === "#scritto") history.replaceState(null, "", location.pathname + location.search);

show(24);
