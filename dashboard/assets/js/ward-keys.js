// The ward on a keyboard: J and K go through the lines, single letters act on the one in focus.
// They can be switched off for this browser, in the box that `?` opens: whoever dictates or types
// with aids needs letters to be letters.

const KEPT_AS = "veglia.tasti";

const ward = document.getElementById("ward");
const help = document.getElementById("ward-help");
const isOn = document.getElementById("ward-keys");

try {
  isOn.checked = localStorage.getItem(KEPT_AS) !== "no";
} catch {
  // A browser that keeps nothing has them on.
}
isOn.addEventListener("change", () => {
  try {
    localStorage.setItem(KEPT_AS, isOn.checked ? "sì" : "no");
  } catch {
    // They are off until the page is loaded again.
  }
});

document.getElementById("ward-tools").hidden = false;
document.getElementById("ward-help-open").addEventListener("click", () => help.showModal());

function rowInFocus() {
  return document.activeElement?.closest("tr[data-patient]") ?? null;
}

function step(by) {
  const rows = [...ward.querySelectorAll("tr[data-patient]")];
  const here = rows.indexOf(rowInFocus());
  const next = here < 0 ? rows[0] : rows[Math.min(Math.max(here + by, 0), rows.length - 1)];
  const name = next?.querySelector(".line-name a");
  name?.focus();
  name?.scrollIntoView({ block: "nearest" });
}

/** The patient's page, at the part where one does this about the gravest flag; without flags, at
 *  the note. */
function open(part) {
  const row = rowInFocus();
  if (!row) return;
  const isFlagged = row.matches(".line-red, .line-amber, .line-technical");
  location.assign(`${row.querySelector(".line-name a").href}#${isFlagged ? part : "words-patient"}`);
}

function takeCharge() {
  const form = rowInFocus()?.querySelector(".line-take:not([hidden])");
  form?.requestSubmit(form.querySelector("button"));
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  a: takeCharge,
  e: () => open("escalate-1"),
  n: () => open("words-1"),
  t: () => open("call-1"),
  r: () => document.getElementById("ward-pending").click(),
  "/": () => document.getElementById("ward-search").focus(),
  "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (!isOn.checked || help.open || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});
