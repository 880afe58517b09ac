// The stream of the ward, for every page that lives from it: the clock of care, the silence that
// says that the data stand still, and cells of values whose ages count on.
//
// Text is only ever set as text.

import { dayFormat, hourFormat, wordsOf } from "./words.js";

/** Without a tick for so long the data stand still: ticks come every second, and with what is asked
 *  and looked at twice a second this is said within five. */
const SILENCE_MS = 3500;

/** How often ages are counted on, and silence is noticed. */
const LOOK_EVERY_MS = 500;

/** A refused stream is asked for again after so long. */
const AGAIN_AFTER_MS = 5000;

/** Of tabs that nobody looks at one listens, for all of this browser: it has few connections to one
 *  place, and a page that is opened needs one. */
const LISTENS_FOR_ALL = "veglia.ascolto";

const say = wordsOf("live-words");

const minute = 60000;
const hour = 60 * minute;
const day = 24 * hour;

function span(ms) {
  if (ms < minute) return say("instant");
  if (ms < hour) return say("minutes", { n: Math.floor(ms / minute) });
  if (ms < day) return say("hours", { n: Math.floor(ms / hour) });
  const n = Math.floor(ms / day);
  return n === 1 ? say("day") : say("days", { n });
}

/** The hour, with its day when that is another. */
function clockTime(at, now) {
  const told = { hour: hourFormat.format(at), day: dayFormat.format(at) };
  return told.day === dayFormat.format(now) ? say("atHour", told) : say("atDay", told);
}

function age(at, now) {
  const ms = now - at;
  if (ms <= -minute) return say("future");
  return ms < minute ? say("justNow") : say("ago", { span: span(ms) });
}

/** Counts on for how long something stands there, or somebody waits. */
export function countSince(element, now) {
  const from = element.dataset.since;
  const name = element.closest(".is-waiting") ? "waits" : "lasts";
  const text = from ? say(name, { span: span(Math.max(0, now - Number(from))) }) : "";
  if (element.textContent !== text) element.textContent = text;
}

export function setText(parent, selector, text) {
  const element = parent.querySelector(selector);
  if (element && element.textContent !== text) element.textContent = text;
}

/** A copy of one of the page's own templates. */
export function copyOf(template) {
  return document.getElementById(template).content.cloneNode(true);
}

/** How a value has moved, and its last day; pages without room for them have neither. */
function fillTrend(cell, { arrow, spark }) {
  const moved = cell.querySelector(".value-arrow");
  const drawn = cell.querySelector(".spark");
  if (!moved || !drawn) return;
  moved.replaceChildren();
  if (arrow) {
    moved.append(copyOf("ward-arrow"));
    setText(moved, ".arrow-mark", arrow.mark);
    setText(moved, ".arrow-text", arrow.text);
    setText(moved, ".arrow-said", arrow.said);
  }
  if (drawn.querySelector("path")?.getAttribute("d") === spark?.path) return;
  drawn.replaceChildren();
  if (!spark) return;
  drawn.append(copyOf("ward-spark"));
  drawn.querySelector("svg").setAttribute("aria-label", spark.said);
  const band = drawn.querySelector("rect");
  band.setAttribute("y", spark.band_y || "0");
  band.setAttribute("height", spark.band_height || "0");
  drawn.querySelector("path").setAttribute("d", spark.path);
}

/** One cell of a latest value. */
export function fillCell(cell, value) {
  fillTrend(cell, value);
  cell.dataset.at = value.at ?? "";
  cell.dataset.staleAt = value.stale_at ?? "";
  cell.classList.toggle("is-doubtful", value.doubtful);
  setText(cell, ".value-text", value.text);
  setText(cell, ".value-note", value.note);
  setText(cell, ".value-full", value.full);
  cell.querySelector(".value-age").title = value.full;
}

/** Counts the ages of all cells in `part` on. While the data stand still nobody knows how old they
 *  are: then the hour stands there. */
export function countAges(part, now, isLost) {
  for (const cell of part.querySelectorAll(".value")) {
    const { at, staleAt } = cell.dataset;
    const told = isLost ? clockTime : age;
    setText(cell, ".value-age", at ? told(Number(at), now) : "");
    cell.classList.toggle("is-stale", !staleAt || Number(staleAt) <= now);
  }
}

/**
 * Listens for as long as somebody looks at the page.
 *
 * `page` carries `data-events` and `data-now`, and is marked `is-lost` while the data stand still;
 * `lost` is where that is said. `on` has a function for each event that the page takes, and
 * `look`, called twice a second; a line of which some values moved is given whole, as any other.
 * While `on.listensHidden()` the page is fed though nobody looks at it: its sound is heard. A browser
 * slows the timers of such a tab to one a minute: what comes by the stream is looked at as it comes.
 */
export function live(page, lost, on) {
  /** The last tick: the clock of care then, its speed, and the browser's own clock. Until the first
   *  one, the page as it was made. */
  let heard = { now: Number(page.dataset.now), speed: 0, at: performance.now() };
  let source = null;
  let againTimer = 0;
  /** Whether it has ceased to listen by itself: then it knows nothing of what stands still, and says
   *  and rings nothing. Another tab does. */
  let isAtRest = false;
  /** Lines as last told, by patient. */
  const lines = new Map();

  const isLost = () => performance.now() - heard.at > SILENCE_MS;

  /** The clock of care now: it stands still with the data. */
  function careNow() {
    if (isLost()) return heard.now;
    return heard.now + (performance.now() - heard.at) * heard.speed;
  }

  function onTick(tick) {
    heard = { now: tick.now, speed: tick.speed, at: performance.now() };
    page.classList.remove("is-lost");
    lost.hidden = true;
    on.tick?.(tick);
  }

  /** A page that never heard a tick and was told no moment knows of none. */
  function stoodStill() {
    if (!Number.isFinite(heard.now)) return say("lostNever");
    return say("lost", { hour: hourFormat.format(heard.now) });
  }

  function lookAround() {
    if (isAtRest) return;
    if (isLost() && !page.classList.contains("is-lost")) {
      lost.textContent = page.dataset.lost ?? stoodStill();
      lost.hidden = false;
      page.classList.add("is-lost");
    }
    on.look(careNow(), page.classList.contains("is-lost"));
  }

  function onRow(line) {
    lines.set(line.patient, line);
    on.row(line);
  }

  function onCells({ patient, values }) {
    const line = lines.get(patient);
    if (!line) return;
    const news = new Map(values.map((value) => [value.vital, value]));
    // What is absent from the news, a drawing, is as it was.
    onRow({ ...line, values: line.values.map((value) => ({ ...value, ...news.get(value.vital) })) });
  }

  function take(name, told) {
    source.addEventListener(name, (event) => {
      const data = JSON.parse(event.data);
      if (data !== null) told(data);
    });
  }

  function listen() {
    clearTimeout(againTimer);
    if (isAtRest) {
      // As when the page was made: the first tick has as long as any other to come.
      heard = { now: heard.now, speed: 0, at: performance.now() };
      isAtRest = false;
    }
    if (source !== null) return;
    source = new EventSource(page.dataset.events);
    take("tick", onTick);
    take("resync", () => lines.clear());
    take("still", lookAround);
    if (on.row) {
      take("row", onRow);
      take("cells", onCells);
    }
    for (const name of ["order", "alarms", "notices", "figures", "wall"]) if (on[name]) take(name, on[name]);
    source.addEventListener("error", () => {
      lookAround();
      // A refused stream is not tried again by the browser: the session may have ended.
      if (source?.readyState === EventSource.CLOSED) {
        source = null;
        againTimer = setTimeout(listen, AGAIN_AFTER_MS);
      }
    });
  }

  function stop() {
    clearTimeout(againTimer);
    source?.close();
    source = null;
    isAtRest = true;
  }

  /** Ends that this tab listens for all, or waits to. */
  let isLookedAt = () => {};

  /** Listens for all tabs until this one is looked at, if no other does; else when that one ends. */
  async function listenForAll() {
    const looked = new AbortController();
    const shown = new Promise((resolve) => {
      isLookedAt = () => {
        looked.abort();
        resolve();
      };
    });
    const listening = () => {
      listen();
      return shown;
    };
    const tried = (lock) => (lock === null ? false : listening().then(() => true));
    if (await navigator.locks.request(LISTENS_FOR_ALL, { ifAvailable: true }, tried)) return;
    if (looked.signal.aborted) return;
    stop();
    await navigator.locks.request(LISTENS_FOR_ALL, { signal: looked.signal }, listening);
  }

  // A tab that nobody looks at nor hears holds no connection; it is brought up to date when it is
  // looked at again.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      isLookedAt();
      listen();
    } else if (!on.listensHidden?.()) {
      stop();
    } else if (navigator.locks) {
      // That the wait was given up is how it ends.
      listenForAll().catch(() => {});
    }
  });

  listen();
  setInterval(lookAround, LOOK_EVERY_MS);
  return { careNow };
}
