// Boxes and devices: what is said of them, who wears what, how a box is let in and shut out.

import assert from "node:assert/strict";
import { accessible, ask, fitting, given, inChromium, inEnglish, newPage, quiet, reachable, signIn, text } from "./harness.mjs";

const LIST = `${given.base}/dispositivi`;

async function judged(page, name) {
  await accessible(page, name);
  await reachable(page, name);
  await fitting(page, name);
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.admin);
  await page.click(".nav a[href='/dispositivi']");
  assert.equal(await text(page, "[aria-current=page]"), "Dispositivi e gateway");

  // The page becomes fresh by itself: nobody reloads it.
  await page.waitForSelector(".box .chip-calm");
  await page.waitForSelector(".loose-list li");
  const home = await text(page, ".box h3");
  assert.match(await text(page, ".box-facts"), /con password, solo su questa macchina/);
  assert.match(await text(page, ".box-devices"), /Assegnato a un paziente/);
  assert.ok(!(await page.content()).includes("Rossi"), "who manages boxes reads no name");
  assert.equal((await page.goto(`${given.base}/kit`)).status(), 403);
  await page.goto(LIST);
  await page.waitForSelector(".loose-list li");
  await judged(page, "fleet");
  await inEnglish(page, "fleet");

  // What it measured waits on top of the ward until somebody of the centre says whose it is. The
  // administrator reads no measure.
  const other = await browser.browser().newContext({ locale: "it-IT" });
  const nurse = await newPage(other);
  await signIn(nurse, given.nurse);
  await nurse.waitForSelector("#di-chi-e .whose-it, #di-chi-e .whose-rest");
  await nurse.goto(`${given.base}/di-chi-e`);
  await nurse.waitForSelector(".whose-it");
  assert.match(await text(nurse, "#di-chi-e"), /Nessuno ha questo dispositivo/);
  await judged(nurse, "whose-nobodys");
  await inEnglish(nurse, "whose-nobodys");
  assert.equal((await page.goto(`${given.base}/di-chi-e`)).status(), 403);
  await page.goto(LIST);

  await nurse.goto(LIST);
  await nurse.waitForSelector(".loose-list li");
  assert.match(await text(nurse, ".box-devices"), /Indossato da Rossi Maria/);
  await nurse.click(".loose-list .btn");
  await judged(nurse, "fleet-assign");
  await inEnglish(nurse, "fleet-assign");
  await nurse.selectOption("#patient", given.patient);
  await nurse.click("main button[type=submit]");
  await nurse.waitForURL(LIST);
  assert.equal(await nurse.locator(".loose-list li").count(), 0, "somebody wears it now");
  await nurse.goto(`${given.base}/di-chi-e`);
  await nurse.waitForSelector(".whose-it button");
  await judged(nurse, "whose-before");
  await nurse.locator(".whose-it button").first().click();
  await nurse.waitForSelector("#ward");
  await nurse.goto(LIST);
  await nurse.locator(".port-sheet a").first().click();
  await nurse.waitForSelector(".plain-table");
  await nurse.click("a[href*='/dispositivi/tesserino/']");
  await nurse.waitForSelector(".card-square svg");
  await nurse.goto(`${given.base}/kit`);
  await other.close();
  await page.goto(LIST);

  await page.click(".box button[value=ping]");
  await page.waitForSelector("[role=status]:not([hidden])");
  assert.match(await text(page, "[role=status]"), new RegExp(`${home} ha risposto`));
  await page.click(".box button[value=measure]");
  await page.waitForSelector("[role=status]:not([hidden])");
  console.log(`measure: ${await text(page, "[role=status]")}`);

  await page.fill("#cerca", "NONIN");
  await page.press("#cerca", "Enter");
  await page.waitForURL(/cerca=NONIN/);
  assert.equal(await page.locator(".box").count(), 1, "found by one of its devices");
  await page.fill("#cerca", "casa-500");
  await page.press("#cerca", "Enter");
  await page.waitForURL(/cerca=casa-500/);
  assert.match(await text(page, "#fleet-boxes"), /Nessun gateway trovato/);

  await page.goto(LIST);
  await ask("kill ingest");
  await page.waitForSelector("#fleet.is-lost");
  assert.match(await text(page, "#fleet-lost"), /Collegamento interrotto/);
  await page.waitForSelector(".box .chip-none");
  assert.equal(await page.locator(".chip-calm").count(), 0, "no data is never green");
  await judged(page, "fleet-lost");
  await ask("start ingest");
  await page.waitForSelector("#fleet:not(.is-lost) .chip-calm");

  await page.click("a[href='/dispositivi/nuovo']");
  await page.fill("#gateway", "casa-99");
  await page.click("main button[type=submit]");
  await page.waitForSelector(".label svg");
  await judged(page, "fleet-label");
  const code = await text(page, ".label-code");
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: `${given.pictures}/fleet-label-print.png` });
  await page.emulateMedia({ media: "screen" });
  await page.goto(LIST);
  assert.match(await text(page, ".codes"), /casa-99/);
  assert.ok(!(await page.content()).includes(code), "a code is shown once");

  await ask(`enrol ${code}`);
  await page.waitForSelector("#gw-casa-99");
  assert.match(await text(page, "#gw-casa-99"), /non ancora visto.*con certificato, fino al/);
  await page.waitForFunction(() => !document.querySelector(".codes"));

  await page.click("#gw-casa-99 a[href$=revoca]");
  await page.fill("#why", "persa in un trasloco");
  await page.click("main button[type=submit]");
  await page.waitForURL(/dispositivi#/);
  assert.match(await text(page, "#gw-casa-99"), /revocato il/);
  assert.match(await text(page, "#fleet-log li"), /Bo Carla ha revocato casa-99.*persa in un trasloco/);
  await judged(page, "fleet-revoked");

  await page.click(".bar-user button");
  await page.waitForURL((url) => url.pathname === "/login");
  await signIn(page, given.nurse);
  await page.goto(LIST);
  await page.waitForSelector(".box .chip-calm");
  assert.equal(await page.locator("a[href$=revoca], a[href='/dispositivi/nuovo']").count(), 0);
  const answer = await page.goto(`${LIST}/nuovo`);
  assert.equal(answer.status(), 403, "only an administrator lets boxes in");
  // Chromium reports refusals, and what was asked of a dead ingest.
  quiet(page, /status of 403|status of 503/);
});
