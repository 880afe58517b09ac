// The hand-over of a kit: Enter in the first field, which a scanner types, goes to the second; and
// the page that waits for the first measure asks for itself until it is there.
//
// The answer is parsed by the browser as a document of its own, in which no script runs.

/** How often the first measure is asked for. */
const EVERY_MS = 2000;

const SILENCE_MS = 12000;

const label = document.querySelector("#label");
const patient = document.querySelector("#patient");
label?.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || patient.value !== "") return;
  event.preventDefault();
  patient.focus();
});

function ask() {
  const place = document.querySelector("#kit-first");
  if (!place || place.classList.contains("is-here")) return;
  const request = new XMLHttpRequest();
  request.open("GET", place.dataset.page);
  request.responseType = "document";
  request.timeout = SILENCE_MS;
  request.addEventListener("loadend", () => {
    const fresh = request.status === 200 ? request.response?.querySelector("#kit-first") : null;
    if (fresh && fresh.outerHTML !== place.outerHTML) {
      // The live region stays, so that what is new in it is read aloud.
      place.className = fresh.className;
      place.replaceChildren(...[...fresh.childNodes].map((it) => document.adoptNode(it)));
    }
    setTimeout(ask, EVERY_MS);
  });
  request.send();
}

setTimeout(ask, EVERY_MS);
