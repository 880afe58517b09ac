// Keeps fresh, on top of the ward, what waits to be told whose it is: the part is asked for by
// itself every few seconds. What somebody points at or has in focus is not moved under their hand,
// or a touch would answer for another measure.
//
// The answer is parsed by the browser as a document of its own, in which no script runs.

/** How often it is asked for. */
const EVERY_MS = 3000;

/** Without an answer for so long the request is given up. */
const SILENCE_MS = 12000;

const isBusy = (part) => part.matches(":hover") || part.contains(document.activeElement);

function ask(from) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", from);
    request.responseType = "document";
    request.timeout = SILENCE_MS;
    request.addEventListener("load", () => {
      resolve(request.status === 200 ? request.response?.querySelector("#di-chi-e") : null);
    });
    // The ward itself says that nothing answers.
    for (const end of ["error", "timeout", "abort"]) request.addEventListener(end, () => resolve(null));
    request.send();
  });
}

async function refresh() {
  const part = document.querySelector("#di-chi-e");
  if (part && !document.hidden) {
    const fresh = await ask(part.dataset.from);
    if (fresh && !isBusy(part) && fresh.outerHTML !== part.outerHTML) {
      part.replaceWith(document.adoptNode(fresh));
    }
  }
  setTimeout(refresh, EVERY_MS);
}

setTimeout(refresh, EVERY_MS);
