// The live ward: takes lines as they change, counts ages on by the clock of care, and says so when
// nothing comes any more. The page is complete without this file.
//
// Text is only ever set as text; new lines are copies of the page's own templates.

import { copyOf, countAges, countSince, fillCell, live, setText } from "./live.js";
import { sound } from "./ward-sound.js";
import { wordsOf } from "./words.js";

/** A pointer that lies still over the table, or a focus that nobody uses, holds the list no longer
 *  than this: it must not stand still all night. */
const POINTER_HOLDS_MS = 30000;
const FOCUS_HOLDS_MS = 120000;

/** Nothing is held longer than this: whoever moves over the list all the time would never see it. */
const HELD_AT_MOST_MS = 60000;

/** Reasons that a line shows, as `css/ward.css` has it. */
const REASONS_SHOWN = 3;

/** News of alarms are gathered for so long before they are read out. */
const GATHER_MS = 1500;

const ward = document.getElementById("ward");
const clock = document.getElementById("ward-clock");
const lost = document.getElementById("ward-lost");
const waiting = document.getElementById("ward-waiting");
const summary = document.getElementById("ward-summary");
const pending = document.getElementById("ward-pending");
const notices = document.getElementById("ward-notices");
const figures = document.getElementById("ward-figures");
const outside = document.getElementById("ward-outside");
const title = document.title;
const say = wordsOf("ward-words");

/** A sentence about so many: of one it has other words. */
const count = (one, many, n) => (n === 1 ? say(one) : say(many, { n }));

/** Lines as last told, by patient; the order as last told; what waits to be applied. */
const lines = new Map();
let order = null;
const moved = new Set();

/** Who stood red and waiting when the lines were last placed; since when a placing is held. */
let placedRed = new Set();
let heldSince = null;

/** Red alarms that nobody has, as last told; none before the first word. */
let reds = null;
let redCount = 0;

function rowOf(patient) {
  return ward.querySelector(`tr[data-patient="${CSS.escape(patient)}"]`);
}

function newRow(patient) {
  const row = copyOf("ward-line").firstElementChild;
  row.dataset.patient = patient;
  row.querySelector("a").href = `/pazienti/${patient}`;
  row.querySelector(".line-take").action = `/pazienti/${patient}/atti`;
  return row;
}

function fillReasons(list, reasons) {
  const items = reasons.map((why) => {
    const item = copyOf("ward-why").firstElementChild;
    item.className = `why why-${why.kind}`;
    setText(item, ".why-text", why.text);
    setText(item, ".why-charge", why.charge ?? "");
    setText(item, ".why-next", why.next ?? "");
    return item;
  });
  list.replaceChildren(...items);
}

function fillMore(place, reasons) {
  const more = Math.max(0, reasons - REASONS_SHOWN);
  const text = more === 0 ? "" : count("moreOne", "more", more);
  if (place.textContent !== text) place.textContent = text;
}

function fillScore(place, score) {
  place.replaceChildren();
  if (!score) return;
  place.append(copyOf("ward-score"));
  setText(place, ".score-text", score.text);
  setText(place, ".score-ask", score.ask);
}

function fillTake(form, line) {
  // A button does not go from under a finger that uses it.
  form.hidden = line.take === null;
  form.querySelector("input").value = line.take ?? "";
  setText(form, ".line-take-who", line.name);
}

/** Everything of a line but its place. */
function fill(row, line) {
  row.className = `line line-${line.chip.kind}`;
  row.classList.toggle("is-waiting", line.chip.waits);
  const chip = row.querySelector(".chip");
  chip.className = `chip chip-${line.chip.kind}`;
  setText(chip, ".chip-mark", line.chip.mark);
  setText(chip, ".chip-word", line.chip.word);
  row.querySelector(".chip-since").dataset.since = line.chip.since ?? "";
  setText(row, ".line-name a", line.name);
  setText(row, ".line-code", say("code", { code: line.code }));
  setText(row, ".line-place", line.place ?? "");
  setText(row, ".line-doctor", line.doctor ? `MMG ${line.doctor}` : "");
  fillReasons(row.querySelector(".line-why ul"), line.why);
  fillMore(row.querySelector(".why-more"), line.why.length);
  fillScore(row.querySelector(".score"), line.score);
  fillTake(row.querySelector(".line-take"), line);
  fillValues(row, line);
}

function fillValues(row, line) {
  row.querySelectorAll(".value").forEach((cell, place) => fillCell(cell, line.values[place]));
  countOn(row, stream.careNow(), ward.classList.contains("is-lost"));
}

function countOn(part, now, isLost) {
  countAges(part, now, isLost);
  for (const since of part.querySelectorAll(".chip-since")) countSince(since, now);
}

let pointed = -Infinity;
let typed = -Infinity;
for (const name of ["pointermove", "pointerdown", "wheel"]) {
  document.addEventListener(name, () => (pointed = performance.now()), { passive: true });
}
for (const name of ["keydown", "focusin"]) document.addEventListener(name, () => (typed = performance.now()));

/** Nobody's line may move from under a pointer or a keyboard. */
function isHeld() {
  const now = performance.now();
  if (heldSince !== null && now - heldSince > HELD_AT_MOST_MS) return false;
  const tables = [...ward.querySelectorAll(".ward-table")];
  const isUnder = tables.some((table) => table.matches(":hover")) && now - pointed < POINTER_HOLDS_MS;
  const isIn = tables.some((table) => table.contains(document.activeElement)) && now - typed < FOCUS_HOLDS_MS;
  return isUnder || isIn;
}

function place() {
  if (order === null) return;
  // A row that moves loses the focus; it is given back.
  const focused = document.activeElement?.closest("tr[data-patient]") ? document.activeElement : null;
  const wanted = new Set(order.lanes.flatMap((lane) => lane.patients));
  for (const lane of order.lanes) {
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
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
  moved.clear();
  heldSince = null;
  placedRed = waitingRed();
  pending.hidden = true;
}

/** Of all who are to stand in the list: the red whom nobody has. */
function waitingRed() {
  const told = order.lanes.flatMap((lane) => lane.patients);
  return new Set(
    told.filter((patient) => {
      const chip = lines.get(patient)?.chip;
      return chip?.kind === "red" && chip.waits;
    }),
  );
}

/** What waits to be applied: a new red is named before all else. */
function waitingWords() {
  const reds = [...waitingRed()].filter((patient) => !placedRed.has(patient));
  const others = [...moved].filter((patient) => !reds.includes(patient)).length;
  pending.classList.toggle("is-red", reds.length > 0);
  const told = { reds: count("red", "reds", reds.length), others: count("update", "updates", Math.max(1, others)) };
  if (reds.length === 0) return told.others;
  return others === 0 ? told.reds : say("both", told);
}

/** Moves now, or says how many movements wait. */
function placeOrWait() {
  if (!isHeld()) {
    place();
    return;
  }
  heldSince ??= performance.now();
  pending.textContent = say("apply", { news: waitingWords() });
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
  for (const lane of order.lanes) {
    const shown = shownIn(lane);
    isSame &&= shown.join() === lane.patients.join();
    lane.patients.filter((patient) => !shown.includes(patient)).forEach((it) => moved.add(it));
  }
  return !isSame;
}

/** New red alarms, gathered until they are read out. */
let news = new Map();
let newsTimer = 0;

function readOut() {
  const names = [...news.values()];
  news = new Map();
  if (names.length === 0) return;
  const told = say("alarmNames", { alarms: count("alarm", "alarms", names.length), names: names.join(", ") });
  summary.textContent = redCount > names.length ? `${told} ${say("alarmAll", { n: redCount })}` : told;
}

function onAlarms(told) {
  const known = reds;
  reds = new Map(told.reds.map(({ patient, name }) => [patient, name]));
  redCount = told.red;
  document.getElementById("ward-waiting-count").textContent = told.red + told.amber;
  document.title = redCount > 0 ? `(${redCount}) ${title}` : title;
  ear.look(redCount, ward.classList.contains("is-lost"));
  if (known === null) return;
  for (const [patient, name] of reds) if (!known.has(patient)) news.set(patient, name);
  clearTimeout(newsTimer);
  if (news.size > 0) newsTimer = setTimeout(readOut, GATHER_MS);
}

function onRow(line) {
  lines.set(line.patient, line);
  const row = rowOf(line.patient);
  if (row) fill(row, line);
}

function onOrder(told) {
  order = told;
  setText(outside, "span", told.outside);
  outside.hidden = told.outside === "";
  if (noteMoves()) placeOrWait();
  else place();
}

/** What is amiss with the centre itself. */
function onNotices(told) {
  const items = told.map((notice) => {
    const item = copyOf("ward-notice").firstElementChild;
    item.classList.toggle("is-over", notice.is_over);
    setText(item, "span", notice.text);
    setText(item, "a", notice.page);
    item.querySelector("a").href = notice.address;
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
  // The timers of a tab that nobody looks at are slow; ticks are not.
  ear.look(redCount, false);
}

const ear = sound(document.getElementById("ward-sound"));

function look(now, isLost) {
  countOn(ward, now, isLost);
  ear.look(redCount, isLost);
  if (!pending.hidden && !isHeld() && document.activeElement !== pending) place();
}

pending.addEventListener("click", () => {
  place();
  if (!document.activeElement?.closest("tr[data-patient]")) ward.querySelector("tr[data-patient] a")?.focus();
});

/** Taking charge leaves whoever works in the list where they are. Where it does not work out, the
 *  patient's page says why. */
ward.addEventListener("submit", async (event) => {
  const form = event.target.closest(".line-take");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const name = form.querySelector(".line-take-who").textContent;
  const body = new URLSearchParams({ flag: form.querySelector("input").value, act: "take-charge" });
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    if (answer.type === "opaqueredirect") {
      if (form.contains(document.activeElement)) form.closest("tr").querySelector(".line-name a").focus();
      form.hidden = true;
      summary.textContent = say("taken", { name });
      return;
    }
    summary.textContent = say("untaken", { name });
    location.assign(form.closest("tr").querySelector(".line-name a").href);
  } catch {
    summary.textContent = say("unsent", { name });
  } finally {
    button.removeAttribute("aria-disabled");
  }
});

const stream = live(ward, lost, {
  row: onRow,
  order: onOrder,
  alarms: onAlarms,
  notices: onNotices,
  figures: onFigures,
  tick: onTick,
  listensHidden: ear.isWanted,
  look,
});
