// The live wall: takes all that it shows each time anything of it changes, and says by itself when
// nothing comes any more. That it is fed is shown by the clock, which moves with every tick; the
// style sheet covers the screen should even this script stand still.
//
// Text is only ever set as text.

import { copyOf, countSince, live, setText } from "./live.js";

const wall = document.getElementById("wall");
const lost = document.getElementById("wall-lost");
const clock = document.getElementById("wall-clock");
const list = document.getElementById("wall-lines");
const dead = wall.querySelector(".wall-dead");

/** Without data for so long, the screen is loaded again as soon as somebody answers: its address
 *  may have been ended, or the pages may be newer. */
const RELOAD_AFTER_MS = 60000;

let lostSince = null;

function valueOf(value, now) {
  const item = copyOf("wall-value").firstElementChild;
  item.dataset.staleAt = value.stale_at ?? "";
  item.classList.toggle("is-doubtful", value.doubtful);
  item.classList.toggle("is-stale", value.stale_at === null || value.stale_at <= now);
  setText(item, ".wall-label", value.label);
  setText(item, "strong", value.text);
  setText(item, "time", value.at);
  return item;
}

function lineOf(line, now) {
  const item = copyOf("wall-line").firstElementChild;
  item.className = `wall-line wall-${line.chip.kind}`;
  item.classList.toggle("is-waiting", line.chip.waits);
  setText(item, ".wall-mark", line.chip.mark);
  setText(item, ".wall-word", line.chip.word);
  item.querySelector(".wall-since").dataset.since = line.chip.since ?? "";
  setText(item, ".wall-code", `…${line.code}`);
  setText(item, ".wall-why-text", line.why);
  setText(item, ".wall-others", line.others > 0 ? `+${line.others}` : "");
  setText(item, ".wall-held", line.held ? wall.dataset.held : "");
  item.querySelector(".wall-values").replaceChildren(...line.values.map((value) => valueOf(value, now)));
  return item;
}

function onWall(told) {
  const now = stream.careNow();
  list.replaceChildren(...told.lines.map((line) => lineOf(line, now)));
  document.getElementById("wall-nobody").hidden = told.lines.length > 0;
  document.getElementById("wall-last").textContent = told.last;
  for (const name of ["clinical", "technical", "calm"]) {
    document.getElementById(`wall-${name}`).textContent = told[name];
  }
  const more = document.getElementById("wall-more");
  more.hidden = told.more === 0;
  setText(more, "strong", String(told.more));
  countOn(now);
}

function countOn(now) {
  for (const since of list.querySelectorAll(".wall-since")) countSince(since, now);
  for (const value of list.querySelectorAll(".wall-value[data-stale-at]")) {
    const { staleAt } = value.dataset;
    value.classList.toggle("is-stale", staleAt === "" || Number(staleAt) <= now);
  }
}

function onTick(tick) {
  clock.textContent = tick.clock;
  for (const cover of dead.getAnimations()) cover.currentTime = 0;
}

async function loadAgain() {
  try {
    await fetch(location.href, { cache: "no-store" });
    location.reload();
  } catch {
    // Nobody answers: what stands here says so, and a browser's own page would not come back.
  }
}

function look(now, isLost) {
  countOn(now);
  if (!isLost) lostSince = null;
  else lostSince ??= performance.now();
  if (lostSince === null || performance.now() - lostSince < RELOAD_AFTER_MS) return;
  lostSince = performance.now();
  loadAgain();
}

const stream = live(wall, lost, { wall: onWall, tick: onTick, listensHidden: () => true, look });
