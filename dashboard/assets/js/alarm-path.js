// The sentence on top of the ward while the alarm path does not answer. It is asked for by itself:
// the ward's stream stands still when ingest does.
//
// Text is only ever set as text.

/** How often it is asked for. */
const ASK_EVERY_MS = 5000;

const place = document.getElementById("alarm-path");

async function ask() {
  try {
    const answer = await fetch(place.dataset.from, { cache: "no-store" });
    // Another answer than ours (the session is over, the server is away) says nothing of the path.
    if (!answer.ok || answer.redirected) return;
    const sentence = await answer.text();
    if (place.textContent !== sentence) place.textContent = sentence;
    place.hidden = sentence === "";
  } catch {
    // The ward itself says that nothing answers.
  }
}

if (place) setInterval(ask, ASK_EVERY_MS);
