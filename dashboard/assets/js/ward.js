// The live ward: takes lines as they change, counts ages on by the clock of care, and says so when
// nothing comes any more. The page is complete without this file.
//
// Text is only ever set as text; new lines are copies of the page's own templates.

import { countAges, fillCell, live, setText, span } from "./live.js";

const ward = document.getElementById("ward");
const clock = document.getElementById("ward-clock");
const lost = document.getElementById("ward-lost");
const waiting = document.getElementById("ward-waiting");
const summary = document.getElementById("ward-summary");
const pending = document.getElementById("ward-pending");
const notices = document.getElementById("ward-notices");
const figures = document.getElementById("ward-figures");

/** Lines as last told, by patient; the order as last told; what waits to be applied. */
const lines = new Map();
let order = null;
const moved = new Set();

function rowOf(patient) {
  return ward.querySelector(`tr[data-patient="${CSS.escape(patient)}"]`);
}

function newRow(patient) {
  const row = document.getElementById("ward-line").content.firstElementChild.cloneNode(true);
  row.dataset.patient = patient;
  row.querySelector("a").href = `/pazienti/${patient}`;
  return row;
}

function fillReasons(list, reasons) {
  const blank = document.getElementById("ward-why").content.firstElementChild;
  const items = reasons.map((why) => {
    const item = blank.cloneNode(true);
    item.className = `why why-${why.kind}`;
    setText(item, ".why-text", why.text);
    setText(item, ".why-charge", why.charge ?? "");
    setText(item, ".why-next", why.next ?? "");
    return item;
  });
  list.replaceChildren(...items);
}

function fillScore(place, score) {
  place.replaceChildren();
  if (!score) return;
  place.append(document.getElementById("ward-score").content.cloneNode(true));
  setText(place, ".score-text", score.text);
  setText(place, ".score-ask", score.ask);
}

/** Everything of a line but its place. */
function fill(row, line) {
  row.className = `line line-${line.chip.kind}`;
  const chip = row.querySelector(".chip");
  chip.className = `chip chip-${line.chip.kind}`;
  setText(chip, ".chip-mark", line.chip.mark);
  setText(chip, ".chip-word", line.chip.word);
  row.querySelector(".chip-since").dataset.since = line.chip.since ?? "";
  setText(row, "a", line.name);
  fillReasons(row.querySelector(".line-why ul"), line.why);
  fillScore(row.querySelector(".score"), line.score);
  row.querySelectorAll(".value").forEach((cell, place) => fillCell(cell, line.values[place]));
  countOn(row, stream.careNow(), ward.classList.contains("is-lost"));
}

function countOn(part, now, isLost) {
  countAges(part, now, isLost);
  for (const since of part.querySelectorAll(".chip-since")) {
    const from = since.dataset.since;
    const text = from ? `da ${span(Math.max(0, now - Number(from)))}` : "";
    if (since.textContent !== text) since.textContent = text;
  }
}

/** Nobody's line may move from under a pointer or a keyboard. */
function isHeld() {
  const tables = [...ward.querySelectorAll(".ward-table")];
  return tables.some((table) => table.matches(":hover") || table.contains(document.activeElement));
}

function place() {
  if (order === null) return;
  const wanted = new Set(order.flatMap((lane) => lane.patients));
  for (const lane of order) {
    const body = ward.querySelector(`tbody[data-lane="${lane.lane}"]`);
    let next = body.firstElementChild;
    for (const patient of lane.patients) {
      const row = rowOf(patient) ?? newRow(patient);
      const line = lines.get(patient);
      if (line) fill(row, line);
      if (row === next) next = row.nextElementSibling;
      else body.insertBefore(row, next);
    }
    ward.querySelector(`[data-count="${lane.lane}"]`).textContent = lane.count;
    ward.querySelector(`[data-nobody="${lane.lane}"]`).hidden = lane.count > 0;
    const hidden = lane.count - lane.patients.length;
    const more = ward.querySelector(`[data-hidden="${lane.lane}"]`);
    more.hidden = hidden === 0;
    more.querySelector("span").textContent = hidden;
  }
  for (const row of ward.querySelectorAll("tr[data-patient]")) {
    if (!wanted.has(row.dataset.patient)) row.remove();
  }
  for (const patient of lines.keys()) {
    if (!wanted.has(patient)) lines.delete(patient);
  }
  moved.clear();
  pending.hidden = true;
}

/** Moves now, or says how many movements wait. */
function placeOrWait() {
  if (!isHeld()) {
    place();
    return;
  }
  const count = Math.max(1, moved.size);
  pending.textContent = count === 1 ? "1 aggiornamento – applica" : `${count} aggiornamenti – applica`;
  pending.hidden = false;
}

function shownIn(lane) {
  const rows = ward.querySelectorAll(`tbody[data-lane="${lane.lane}"] > tr`);
  return [...rows].map((row) => row.dataset.patient);
}

/** Who comes into a lane; whether anything at all stands elsewhere than on the page. */
function noteMoves() {
  moved.clear();
  let isSame = true;
  for (const lane of order) {
    const shown = shownIn(lane);
    isSame &&= shown.join() === lane.patients.join();
    lane.patients.filter((patient) => !shown.includes(patient)).forEach((it) => moved.add(it));
  }
  return !isSame;
}

function announce(line, before) {
  const isNew = line.lane === "clinical" && before !== undefined && before.lane !== "clinical";
  if (isNew) summary.textContent = `Nuovo allarme: ${line.chip.word}, ${line.name}`;
}

function onRow(line) {
  announce(line, lines.get(line.patient));
  lines.set(line.patient, line);
  const row = rowOf(line.patient);
  if (row) fill(row, line);
}

function onOrder(told) {
  order = told;
  if (noteMoves()) placeOrWait();
  else place();
}

/** What is amiss with the centre itself. */
function onNotices(told) {
  const blank = document.getElementById("ward-notice").content.firstElementChild;
  const items = told.map((notice) => {
    const item = blank.cloneNode(true);
    item.classList.toggle("is-over", notice.is_over);
    setText(item, "span", notice.text);
    return item;
  });
  notices.replaceChildren(...items);
}

function onFigures(sentence) {
  figures.textContent = sentence;
}

function onTick(tick) {
  clock.textContent = tick.clock;
  waiting.textContent = tick.waiting;
  waiting.hidden = tick.waiting === "";
}

function look(now, isLost) {
  countOn(ward, now, isLost);
  if (!pending.hidden && !isHeld() && document.activeElement !== pending) place();
}

pending.addEventListener("click", () => {
  place();
  ward.querySelector("tr[data-patient] a")?.focus();
});

const stream = live(ward, lost, {
  row: onRow,
  order: onOrder,
  notices: onNotices,
  figures: onFigures,
  tick: onTick,
  look,
});
