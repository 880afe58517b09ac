// A nurse at work in the list, on a keyboard: whom she looks at does not move away, one key takes
// charge, the ear says whether it hears, and a view is its address. The house behind it is the
// demonstration, in which somebody is always getting worse.

import assert from "node:assert/strict";
import { accessible, fitting, given, text } from "./harness.mjs";

const focusedPatient = () => document.activeElement?.closest("tr[data-patient]")?.dataset.patient ?? null;

const order = () => [...document.querySelectorAll("#ward tr[data-patient]")].map((row) => row.dataset.patient);

async function standStill(page) {
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const patient = await page.evaluate(focusedPatient);
  assert.ok(patient, "J goes into the list");
  const before = await page.evaluate(order);
  assert.equal(before.indexOf(patient), 1, "and on");
  await page.keyboard.press("k");
  assert.equal(before.indexOf(await page.evaluate(focusedPatient)), 0, "K goes back");
  await page.waitForSelector("#ward-pending:not([hidden])");
  assert.match(await text(page, "#ward-pending"), /^((\d+ ROSS[OI]|\d+ aggiornament[oi]|\d+ ROSS[OI] e \d+ aggiornament[oi])) – applica \(R\)$/);
  assert.deepEqual(await page.evaluate(order), before, "nobody moves while somebody is in the list");
  await page.screenshot({ path: `${given.pictures}/ward-held-1440.png` });
  await page.keyboard.press("r");
  await page.waitForFunction(() => document.getElementById("ward-pending").hidden);
  assert.equal(await page.evaluate(focusedPatient), before[0], "the focus stays with its patient");
  await page.evaluate(() => document.activeElement.blur());
}

async function takeCharge(page) {
  const row = page.locator("tr.is-waiting:has(.line-take:not([hidden]))").first();
  await row.waitFor();
  const patient = await row.getAttribute("data-patient");
  const theirs = page.locator(`tr[data-patient="${patient}"]`);
  const flag = await theirs.locator(".line-take input").inputValue();
  await theirs.locator(".line-name a").focus();
  await page.keyboard.press("a");
  await theirs.locator(".why-charge:not(:empty)").first().waitFor();
  assert.match(await theirs.locator(".why-charge:not(:empty)").first().innerText(), /In carico a .+ dalle \d\d:\d\d/);
  assert.notEqual(await theirs.locator(".line-take input").inputValue(), flag, "it waits for nobody any more");
  assert.match(await text(page, "#ward-summary"), /Preso in carico|nuov[oi] allarm/);
  assert.equal(new URL(page.url()).pathname, "/", "whoever works in the list stays there");
  // At once: in the demonstration half an hour of charge is half a minute.
  await page.goto(`${given.base}/?carico=me`);
  assert.ok((await page.evaluate(order)).includes(patient), "those of mine are a view");
  assert.equal(await text(page, ".ward-views [aria-current]"), "In carico a me");
  await page.goto(given.base);
  return patient;
}

async function hear(page) {
  assert.equal(await text(page, "#ward-sound"), "Audio spento");
  await page.click("#ward-sound");
  await page.waitForFunction(() => document.getElementById("ward-sound").textContent === "Audio attivo");
  await page.waitForSelector("#ward-sound[data-rang=red]");
  await page.reload();
  await page.waitForFunction(() => document.getElementById("ward-sound").textContent !== "Audio spento");
  const said = await text(page, "#ward-sound");
  assert.match(said, /^Audio (attivo|fermo: premere qui)$/, "what is wanted is kept, and whether it is heard is said");
  if (said !== "Audio attivo") await page.click("#ward-sound");
  await page.waitForFunction(() => document.getElementById("ward-sound").textContent === "Audio attivo");
  await page.click("#ward-sound");
  assert.equal(await text(page, "#ward-sound"), "Audio spento");
}

async function letLettersBeLetters(page) {
  await page.keyboard.press("?");
  await page.waitForSelector("#ward-help[open]");
  await accessible(page, "the keys");
  await page.screenshot({ path: `${given.pictures}/ward-keys-1440.png` });
  await page.uncheck("#ward-keys");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#ward-help:not([open])", { state: "hidden" });
  await page.reload();
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(focusedPatient), null, "keys that are off are off, also afterwards");
  await page.click("#ward-help-open");
  await page.check("#ward-keys");
  await page.keyboard.press("Escape");
}

async function look(page, taken) {
  await page.keyboard.press("/");
  await page.keyboard.type("zzzz");
  await page.keyboard.press("Enter");
  await page.waitForURL(/cerca=zzzz/);
  assert.equal((await page.evaluate(order)).length, 0);
  assert.match(await text(page, ".ward-part"), /^Vista parziale\./);
  await fitting(page, "ward-nobody");
  const code = taken.slice(10);
  await page.goto(`${given.base}/?cerca=${code}`);
  assert.deepEqual(await page.evaluate(order), [taken], "a number finds its patient");
  await page.goto(given.base);
  await page.click(".ward-choices summary");
  await page.selectOption("#ward-lane", "tecnici");
  await page.click(".ward-filter button");
  await page.waitForURL(/corsia=tecnici/);
  assert.equal(await page.locator("tbody[data-lane=clinical] tr").count(), 0);
  await page.waitForSelector("#ward-outside:not([hidden])");
  assert.match(await text(page, "#ward-outside"), /^Fuori da questa vista, non presi in carico: \d+ (ross|giall)/);
  await page.click(".ward-keep summary");
  await page.fill("#ward-keep-name", "Solo tecnici");
  await page.click(".ward-keep-list form:has(#ward-keep-name) button");
  await page.waitForURL(/corsia=tecnici/);
  await page.locator(".ward-views a", { hasText: "Solo tecnici" }).waitFor();
  await page.click(".ward-keep summary");
  await accessible(page, "the ward through a filter");
  await fitting(page, "ward-filter");
  await page.click("#ward-outside a");
  await page.waitForURL(/carico=nessuno/);
}

/** The same for other eyes. */
async function seeOtherwise(page) {
  await page.goto(given.base);
  await page.waitForSelector(".line-red");
  // What a browser's zoom of two does to a screen of 1440.
  await page.setViewportSize({ width: 720, height: 450 });
  await page.waitForTimeout(300);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  await page.locator("#lane-clinical").scrollIntoViewIfNeeded();
  await page.screenshot({ path: `${given.pictures}/ward-twice-720.png`, fullPage: true });
  assert.ok(beyond <= 0, `the ward at 200 % is ${beyond} px too wide`);
  for (const width of [320, 768]) {
    await page.setViewportSize({ width, height: 1100 });
    await page.evaluate(() => document.getElementById("lane-clinical").scrollIntoView());
    await page.screenshot({ path: `${given.pictures}/ward-list-${width}.png` });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ forcedColors: "active", colorScheme: "dark" });
  await page.screenshot({ path: `${given.pictures}/ward-forced-1440.png`, fullPage: true });
  await page.emulateMedia({ forcedColors: "none", colorScheme: "light", reducedMotion: "no-preference" });
  const pulse = () => {
    const { animationName, animationDuration } = getComputedStyle(document.querySelector(".line-red.is-waiting .chip"));
    return [animationName, parseFloat(animationDuration)];
  };
  await page.waitForSelector(".line-red.is-waiting .chip");
  const [name, seconds] = await page.evaluate(pulse);
  assert.equal(name, "waits");
  assert.ok(1 / seconds < 3, "less than three times a second");
  const others = await page.$$eval(".chip:not(.line-red.is-waiting .chip)", (all) => all.map((it) => getComputedStyle(it).animationName));
  assert.ok(others.every((it) => it === "none"), "only the gravest moves, and only while nobody has it");
  await page.emulateMedia({ reducedMotion: "reduce" });
  assert.equal((await page.evaluate(pulse))[0], "none");
}

export async function workInTheList(page) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.mouse.move(5, 5);
  await page.waitForSelector(".spark path[d^=M]");
  await standStill(page);
  await hear(page);
  const taken = await takeCharge(page);
  await letLettersBeLetters(page);
  await look(page, taken);
  await seeOtherwise(page);
  await page.goto(given.base);
}
