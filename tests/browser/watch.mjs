// A reading is on the page soon after it was spoken; a dead ingest is said, and so is its return;
// staff act, and of two people at once one is told who was first.

import assert from "node:assert/strict";
import { accessible, ask, fitting, given, inChromium, newPage, quiet, signIn, text } from "./harness.mjs";

const READINGS = 40;

/** In the page: keeps when each reading was measured and when it was first seen. */
function keepReadings(patient) {
  const cell = document.querySelector(`tr[data-patient="${patient}"] .value`);
  globalThis.readings = [];
  const seen = () => globalThis.readings.push({ at: Number(cell.dataset.at), seen: Date.now() });
  new MutationObserver(seen).observe(cell, { attributes: true, attributeFilter: ["data-at"] });
}

async function watchReadings(page) {
  await page.waitForSelector(`tr[data-patient="${given.patient}"] .value[data-at]:not([data-at=""])`);
  await page.evaluate(keepReadings, given.patient);
  await page.waitForFunction((count) => globalThis.readings.length >= count, READINGS);
  const readings = await page.evaluate(() => globalThis.readings);
  assert.ok(readings.some(({ at, seen }) => seen - at < 2000), "a reading is seen within two seconds");
  console.log(`readings ${JSON.stringify(readings)}`);
}

/** An administrator makes a screen; whoever has its address sees it without an account. */
async function lightWall(browser) {
  const admins = await browser.browser().newContext({ locale: "it-IT" });
  const page = await newPage(admins);
  await signIn(page, given.admin);
  await page.goto(`${given.base}/schermi`);
  await page.fill("#screen-name", "Sala operativa");
  await page.click("main button[type=submit]");
  const address = await page.getAttribute(".screen-address a", "href");
  await accessible(page, "screens");
  await fitting(page, "screens");
  const rooms = await browser.browser().newContext({ locale: "it-IT", viewport: { width: 1920, height: 1080 } });
  const wall = await newPage(rooms);
  await wall.goto(`${given.base}${address}`);
  await wall.waitForSelector(".wall-line");
  assert.match(await text(wall, ".wall-last"), /^Ultimo dato \d\d:\d\d$/);
  await wall.waitForFunction(() => /^\d\d:\d\d:\d\d$/.test(document.getElementById("wall-clock").textContent));
  const shown = await wall.content();
  assert.ok(!/Rossi|Maria|Ferri/.test(shown), "a wall names nobody");
  assert.ok(shown.includes(given.patient.slice(10)), "it says the end of the number");
  await accessible(wall, "a wall");
  for (const [width, height] of [[320, 900], [768, 900], [1440, 900], [1920, 1080]]) {
    await wall.setViewportSize({ width, height });
    const beyond = await wall.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(beyond <= 0, `a wall is ${beyond} px too wide at ${width}`);
    await wall.screenshot({ path: `${given.pictures}/wall-${width}.png` });
  }
  return { admins, rooms, page, wall, address };
}

/** A screen that is not fed says so, also when its script stands still. */
async function watchWallDie({ wall }) {
  await wall.waitForSelector("#wall.is-lost");
  assert.match(await text(wall, "#wall-lost"), /^Collegamento interrotto – dati fermi alle \d\d:\d\d$/);
  await wall.waitForFunction(() => getComputedStyle(document.querySelector(".wall-dead")).opacity === "1");
  await accessible(wall, "a wall while the data stand still");
  await wall.screenshot({ path: `${given.pictures}/wall-lost-1920.png` });
}

/** Once ended, its address opens nothing. */
async function darkenWall({ admins, rooms, page, wall, address }) {
  await wall.waitForFunction(() => document.querySelector("#wall:not(.is-lost)") && getComputedStyle(document.querySelector(".wall-dead")).opacity === "0");
  await Promise.all([page.waitForEvent("load"), page.click(".reach-own form button")]);
  assert.match(await text(page, ".reach-own"), /spento/);
  const answer = await wall.goto(`${given.base}${address}`);
  assert.equal(answer.status(), 404);
  quiet(page);
  quiet(wall, /status of 404/);
  await admins.close();
  await rooms.close();
}

async function watchDeath(page, screen) {
  const isLost = () => document.querySelector("#ward.is-lost") !== null;
  await ask("kill ingest");
  const killed = Date.now();
  await page.waitForFunction(isLost);
  console.log(`measured: ${Date.now() - killed} ms from SIGKILL of ingest to the notice`);
  assert.match(await text(page, "#ward-lost"), /^Collegamento interrotto – dati fermi alle \d\d:\d\d$/);
  const style = await page.locator("#ward .value-text").first().evaluate((it) => getComputedStyle(it).color);
  assert.equal(style, "rgb(90, 103, 114)", "values are greyed");
  const moved = await page.$$eval("#ward .value-arrow", (all) => all.every((it) => getComputedStyle(it).display === "none"));
  assert.ok(moved, "nothing is said to rise or fall");
  await watchWallDie(screen);
  await accessible(page, "the ward while the data stand still");
  await fitting(page, "ward-lost");

  await page.goto(`${given.base}/pazienti/${given.patient}`);
  await page.waitForSelector("#patient.is-lost");
  assert.match(await text(page, "#live-lost"), /^Collegamento interrotto/);
  await page.waitForFunction(() => document.getElementById("chart-status").textContent !== "");
  await accessible(page, "patient while the data stand still");
  await fitting(page, "patient-lost");
  await page.goto(given.base);
  await page.waitForSelector("#ward.is-lost");

  await ask("start ingest");
  const started = Date.now();
  await page.waitForFunction(() => !document.querySelector("#ward.is-lost") && document.getElementById("ward-lost").hidden);
  console.log(`measured: ${Date.now() - started} ms from ingest's return to the page's`);
}

async function act(page, words, button) {
  if (words) await page.fill(".flag textarea", words);
  await Promise.all([page.waitForEvent("load"), page.click(`.flag button[value=${button}]`)]);
}

async function watchActs(browser, page) {
  await ask("silence homes");
  const address = `${given.base}/pazienti/${given.patient}`;
  await page.goto(address);
  await page.waitForSelector(".flag");
  assert.match(await text(page, ".patient-banner"), /Rossi Maria .*RSSMRA85M01H501Q/);
  assert.match(await text(page, ".tiles"), /SpO₂ \d+ % .*Polso \d+ \/min/);
  assert.match(await text(page, ".flag h3"), /^(◆ ROSSO|▲ GIALLO|▬ TECNICO) /);
  assert.match(await text(page, ".flag .plain-table"), /\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d (SpO₂ \d+,\d %|Polso \d+,\d \/min) [0-9a-f]{16}-\d+/);

  await act(page, null, "take-charge");
  assert.match(await text(page, ".flag .why-charge"), /In carico a Ferri Anna dalle \d\d:\d\d/);
  await act(page, "Chiamata: è a letto, respira bene.", "note");
  assert.match(await text(page, ".timeline"), /Nota di Ferri Anna sulla segnalazione «Chiamata: è a letto, respira bene\.»/);
  await accessible(page, "patient with flags");
  await page.$$eval(".flag-act", (all) => all.forEach((it) => { it.open = true; }));
  await accessible(page, "the acts of an alert");
  await fitting(page, "patient-acts");

  const other = await browser.browser().newContext({ locale: "it-IT" });
  const colleague = await newPage(other);
  await signIn(colleague, given.doctor);
  await colleague.goto(address);
  const flags = await colleague.locator(".flag").count();
  await act(colleague, "Vista: misura con dita fredde.", "close");
  assert.equal(await colleague.locator(".flag").count(), flags - 1, "it is closed");
  quiet(colleague);
  await other.close();

  await act(page, "Sta meglio.", "close");
  assert.match(await text(page, "[role=alert]"), /Conti Luca ha già chiuso questa segnalazione/);
  assert.equal(await page.inputValue("#words-patient"), "Sta meglio.", "what was typed is not lost");
  await fitting(page, "patient-refused");
  assert.match(await text(page, ".timeline"), /Conti Luca ha chiuso la segnalazione/);
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await watchReadings(page);
  const screen = await lightWall(browser);
  await watchDeath(page, screen);
  await darkenWall(screen);
  await watchActs(browser, page);
  // Chromium reports curves that nobody could draw while ingest was dead, and the act that came
  // second.
  quiet(page, /status of (503|409)|the curve was not sent/);
});
