// Keeps the list of boxes fresh: the page asks for itself every few seconds and takes over the parts
// that have changed. What somebody points at or has in focus is not moved under their hand.
//
// The answer is parsed by the browser as a document of its own, in which no script runs; no text is
// turned into markup here.

/** How often the page is asked for. */
const EVERY_MS = 5000;

/** Without an answer for so long, nobody knows how the boxes are. */
const SILENCE_MS = 12000;

const page = document.querySelector("#fleet");
const lost = document.querySelector("#fleet-lost");
let heardAt = performance.now();
let clock = document.querySelector("#fleet-clock").textContent;

function ask() {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", page.dataset.page);
    request.responseType = "document";
    request.timeout = SILENCE_MS;
    request.addEventListener("load", () => {
      const fresh = request.status === 200 ? request.response?.querySelector("#fleet") : null;
      if (fresh) resolve(fresh);
      else reject(new Error(`answered with ${request.status}`));
    });
    for (const end of ["error", "timeout", "abort"]) request.addEventListener(end, () => reject(new Error(end)));
    request.send();
  });
}

const isBusy = (part) => part.matches(":hover") || part.contains(document.activeElement);

/** The box of a list that has the same name. */
const twin = (list, box) => [...list.children].find((it) => it.id === box.id && it.id !== "");

function takeOver(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  if (!isBusy(old)) {
    old.replaceWith(document.adoptNode(fresh));
    return;
  }
  // In place: the order stays until nobody is in the list.
  for (const box of old.querySelectorAll(":scope > .box")) {
    const now = twin(fresh, box);
    if (now && !isBusy(box) && box.outerHTML !== now.outerHTML) box.replaceWith(document.adoptNode(now));
  }
}

function show(fresh) {
  for (const part of page.querySelectorAll("[data-part]")) {
    const now = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (now) takeOver(part, now);
  }
  clock = document.querySelector("#fleet-clock").textContent;
  const isLost = fresh.classList.contains("is-lost");
  page.classList.toggle("is-lost", isLost);
  const said = fresh.querySelector("#fleet-lost").textContent;
  if (lost.textContent !== said) lost.textContent = said;
  lost.hidden = !isLost;
}

function look() {
  if (performance.now() - heardAt <= SILENCE_MS || page.classList.contains("is-lost")) return;
  page.classList.add("is-lost");
  lost.textContent = `Collegamento interrotto – stato fermo alle ${clock}`;
  lost.hidden = false;
}

async function refresh() {
  // A tab nobody looks at asks nothing; it asks at once when it is looked at again.
  if (!document.hidden) {
    try {
      show(await ask());
      heardAt = performance.now();
    } catch {
      // Silence is said by look(), and the next question may be answered.
    }
  }
  setTimeout(refresh, EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  ask().then(show).then(() => (heardAt = performance.now()), look);
});

setInterval(look, 500);
setTimeout(refresh, EVERY_MS);
