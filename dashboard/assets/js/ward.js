// The live ward: takes lines as they change, counts ages on by the clock of care, and says so when
// nothing comes any more. The page is complete without this file.
//
// Text is only ever set as text; new lines are copies of the page's own templates.

/** Without a tick for so long the data stand still. */
const SILENCE_MS = 5000;

/** How often ages are counted on. */
const AGE_EVERY_MS = 1000;

const ward = document.getElementById("ward");
const clock = document.getElementById("ward-clock");
const lost = document.getElementById("ward-lost");
const waiting = document.getElementById("ward-waiting");
const summary = document.getElementById("ward-summary");
const pending = document.getElementById("ward-pending");

/** The last tick: the clock of care then, its speed, and the browser's own clock. */
let heard = { now: Number(ward.dataset.now), clock: clock.textContent, speed: 1, at: 0 };

/** Lines as last told, by patient; the order as last told; what waits to be applied. */
const lines = new Map();
let order = null;
const moved = new Set();

const minute = 60000;
const hour = 60 * minute;
const day = 24 * hour;

function span(ms) {
  if (ms < minute) return "meno di 1 min";
  if (ms < hour) return `${Math.floor(ms / minute)} min`;
  if (ms < day) return `${Math.floor(ms / hour)} h`;
  const days = Math.floor(ms / day);
  return days === 1 ? "1 giorno" : `${days} giorni`;
}

function age(at, now) {
  const ms = now - at;
  if (ms <= -minute) return "orario futuro";
  return ms < minute ? "adesso" : `${span(ms)} fa`;
}

/** The clock of care now: it stands still with the data. */
function careNow() {
  if (heard.at === 0 || isLost()) return heard.now;
  return heard.now + (performance.now() - heard.at) * heard.speed;
}

function isLost() {
  return performance.now() - heard.at > SILENCE_MS;
}

function setText(parent, selector, text) {
  const element = parent.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
}

function rowOf(patient) {
  return ward.querySelector(`tr[data-patient="${CSS.escape(patient)}"]`);
}

function newRow(patient) {
  const row = document.getElementById("ward-line").content.firstElementChild.cloneNode(true);
  row.dataset.patient = patient;
  row.querySelector("a").href = `/pazienti/${patient}`;
  return row;
}

function fillCell(cell, value) {
  cell.dataset.at = value.at ?? "";
  cell.dataset.staleAt = value.stale_at ?? "";
  cell.classList.toggle("is-doubtful", value.doubtful);
  setText(cell, ".value-text", value.text);
  setText(cell, ".value-note", value.note);
  cell.querySelector(".value-age").title = value.full;
}

function fillReasons(list, reasons) {
  const blank = document.getElementById("ward-why").content.firstElementChild;
  const items = reasons.map((why) => {
    const item = blank.cloneNode(true);
    item.className = `why why-${why.kind}`;
    setText(item, ".why-text", why.text);
    setText(item, ".why-charge", why.charge ?? "");
    return item;
  });
  list.replaceChildren(...items);
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
  row.querySelectorAll(".value").forEach((cell, place) => fillCell(cell, line.values[place]));
  countAges(row);
}

function countAges(part) {
  const now = careNow();
  for (const cell of part.querySelectorAll(".value")) {
    const { at, staleAt } = cell.dataset;
    setText(cell, ".value-age", at ? age(Number(at), now) : "");
    cell.classList.toggle("is-stale", !staleAt || Number(staleAt) <= now);
  }
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

function onRow(event) {
  const line = JSON.parse(event.data);
  if (line === null) return;
  announce(line, lines.get(line.patient));
  lines.set(line.patient, line);
  const row = rowOf(line.patient);
  if (row) fill(row, line);
}

function onOrder(event) {
  const told = JSON.parse(event.data);
  if (told === null) return;
  order = told;
  if (noteMoves()) placeOrWait();
  else place();
}

function onTick(event) {
  const tick = JSON.parse(event.data);
  if (tick === null) return;
  heard = { now: tick.now, clock: tick.clock, speed: tick.speed, at: performance.now() };
  clock.textContent = tick.clock;
  waiting.textContent = tick.waiting;
  waiting.hidden = tick.waiting === "";
  ward.classList.remove("is-lost");
  lost.hidden = true;
}

function lookAround() {
  if (isLost() && !ward.classList.contains("is-lost")) {
    const at = heard.clock.slice(0, 5);
    lost.textContent = `Collegamento interrotto – dati fermi alle ${at}`;
    lost.hidden = false;
    ward.classList.add("is-lost");
  }
  countAges(ward);
  if (!pending.hidden && !isHeld() && document.activeElement !== pending) place();
}

let source = null;

function listen() {
  if (source !== null) return;
  source = new EventSource(ward.dataset.events);
  source.addEventListener("row", onRow);
  source.addEventListener("order", onOrder);
  source.addEventListener("tick", onTick);
  source.addEventListener("error", () => {
    // A refused stream is not tried again by the browser: the session may have ended.
    if (source.readyState === EventSource.CLOSED) {
      source = null;
      setTimeout(listen, 5000);
    }
  });
}

pending.addEventListener("click", () => {
  place();
  ward.querySelector("tr[data-patient] a")?.focus();
});

// A tab nobody looks at holds no connection; it is brought up to date when it is looked at again.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    source?.close();
    source = null;
  } else {
    listen();
  }
});

listen();
setInterval(lookAround, AGE_EVERY_MS);
