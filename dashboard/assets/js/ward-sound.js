// The ear of the ward: it rings for red alarms that nobody has, and otherwise while the data stand
// still. Whether it can be heard is always said on its button, because browsers stay silent until
// somebody has touched the page.
//
// Whether it is wanted is kept in this browser, and when any of its tabs rang: of two that hear the
// same one rings.

const KEPT_AS = "veglia.audio";
const RANG_AS = "veglia.suonato";

/** How often it rings for as long as somebody waits, and while the data stand still. */
const RING_EVERY_MS = 10000;
const LOST_EVERY_MS = 15000;

/** A ring: when each tone begins, how long it lasts, in seconds, and how high it is. */
const RED = [
  [0, 0.15, 880],
  [0.25, 0.15, 880],
  [0.5, 0.15, 880],
];
const LOST = [
  [0, 0.4, 330],
  [0.5, 0.7, 220],
];

function read() {
  try {
    return localStorage.getItem(KEPT_AS) === "sì";
  } catch {
    return false;
  }
}

function keep(isWanted) {
  try {
    localStorage.setItem(KEPT_AS, isWanted ? "sì" : "no");
  } catch {
    // A browser that keeps nothing asks anew for each page.
  }
}

/** Whether any tab rang less than `everyMs` ago; if not, this one does now. */
function rangLately(what, everyMs) {
  try {
    const now = Date.now();
    const since = now - Number(localStorage.getItem(`${RANG_AS}.${what}`));
    // A clock that was set back must not silence anybody.
    if (since >= 0 && since < everyMs) return true;
    localStorage.setItem(`${RANG_AS}.${what}`, String(now));
  } catch {
    // A browser that keeps nothing rings in every tab.
  }
  return false;
}

function ringAnew() {
  try {
    for (const what of ["red", "lost"]) localStorage.removeItem(`${RANG_AS}.${what}`);
  } catch {
    // Nothing was kept.
  }
}

/** `button` switches it and says how it is, in the words that it carries. */
export function sound(button) {
  let context = null;
  let isWanted = read();
  let rang = { red: 0, lost: 0 };

  const isHeard = () => isWanted && context?.state === "running";

  function say() {
    button.setAttribute("aria-pressed", String(isWanted));
    button.classList.toggle("is-mute", isWanted && !isHeard());
    const { off, on, mute } = button.dataset;
    const text = !isWanted ? off : isHeard() ? on : mute;
    if (button.textContent !== text) button.textContent = text;
  }

  async function wake() {
    if (!isWanted) return;
    try {
      if (context === null) {
        context = new AudioContext();
        context.addEventListener("statechange", say);
      }
      if (context.state !== "running") await context.resume();
    } catch {
      // The button says that nothing is heard.
    }
    say();
  }

  function play(tones) {
    const start = context.currentTime + 0.05;
    for (const [after, lasting, hertz] of tones) {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, start + after);
      volume.gain.linearRampToValueAtTime(0.4, start + after + 0.02);
      volume.gain.setValueAtTime(0.4, start + after + lasting - 0.02);
      volume.gain.linearRampToValueAtTime(0, start + after + lasting);
      tone.connect(volume).connect(context.destination);
      tone.start(start + after);
      tone.stop(start + after + lasting);
    }
  }

  function ring(what, tones, everyMs) {
    if (!isHeard() || performance.now() - rang[what] < everyMs) return;
    rang[what] = performance.now();
    // A little less, so that the same tab is never a moment too early for itself.
    if (rangLately(what, everyMs - 500)) return;
    play(tones);
    button.dataset.rang = what;
  }

  button.addEventListener("click", () => {
    // A press while it is wanted and not heard is the gesture that it waits for.
    const isMute = isWanted && !isHeard();
    if (!isMute) {
      isWanted = !isWanted;
      keep(isWanted);
    }
    rang = { red: 0, lost: 0 };
    ringAnew();
    if (isWanted) wake();
    else context?.suspend();
    say();
  });
  for (const touch of ["pointerdown", "keydown"]) {
    document.addEventListener(touch, (event) => {
      // The button's own press follows, and decides.
      if (isWanted && !isHeard() && !button.contains(event.target)) wake();
    });
  }
  // Before the first touch of a page browsers refuse, and complain.
  if (navigator.userActivation?.hasBeenActive) wake();
  say();
  return {
    /** Called twice a second, and with whatever the stream tells. */
    look(reds, isLost) {
      if (isLost) ring("lost", LOST, LOST_EVERY_MS);
      else if (reds > 0) ring("red", RED, RING_EVERY_MS);
      else rang.red = 0;
      say();
    },
    isWanted: () => isWanted,
  };
}
