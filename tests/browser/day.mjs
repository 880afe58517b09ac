// A working day from its beginning to its end: a nurse signs in and watches, an alert comes while
// she watches, she takes charge of it by keyboard, sees the one bad second in the curve, telephones,
// and what is said raises a flag by the same rules; the family doctor sees and answers; the shift
// hands over, the next one acknowledges, and she signs out.

import assert from "node:assert/strict";
import { given, inChromium, newPage, quiet, signIn, text } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;
const patient = `/pazienti/${given.patient}`;
const row = `tr[data-patient="${given.patient}"]`;
const SPO2 = '.chart[data-vital="spo2"]';

/** Somebody at another computer. */
async function another(browser, who) {
  const context = await browser.browser().newContext({ locale: "it-IT" });
  const page = await newPage(context);
  await signIn(page, who);
  return page;
}

async function enter(page, selector) {
  await page.focus(selector);
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}

/** What somebody says on the telephone, to whoever sits at this page. */
async function said(page, values) {
  await page.goto(`${given.base}${patient}/telefonata`);
  for (const [field, value] of Object.entries(values)) {
    await page.focus(`#${field}`);
    await page.keyboard.type(value);
  }
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
  const readBack = await text(page, ".read-back");
  await enter(page, "main button[value=save]");
  return readBack;
}

/** A colleague telephones, and what is said is an alert: nobody loads the page again, it comes. */
async function anAlertArrives(browser, page) {
  assert.equal(path(page), "/");
  assert.equal(await page.locator(`${row}.is-waiting`).count(), 0, "nobody waits yet");
  await page.evaluate(() => {
    globalThis.isTheSame = true;
  });
  const colleague = await another(browser, given.doctor);
  await said(colleague, { spo2: "87" });
  await colleague.context().close();
  await page.waitForSelector(`${row}.is-waiting .line-take:not([hidden])`);
  assert.match(await text(page, `${row} .chip`), /ROSSO/i);
  await page.waitForFunction(() => document.getElementById("ward-summary").textContent.trim() !== "");
  assert.ok(await page.evaluate(() => globalThis.isTheSame), "the page was not loaded again");
}

async function chargeIsTakenByKeyboard(page) {
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.closest("tr").dataset.patient), given.patient);
  await page.keyboard.press("a");
  await page.waitForSelector(`${row} .why-charge:not(:empty)`);
  assert.match(await text(page, `${row} .why-charge:not(:empty)`), /In carico a Ferri Anna dalle \d\d:\d\d/);
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
  assert.equal(path(page), patient, "Enter opens whoever has the focus");
}

/** The answer about SpO2 that follows what is done. */
async function asked(page, done) {
  const answer = page.waitForResponse((it) => it.url().includes("/andamento?vital=spo2"));
  await done();
  return (await answer).json();
}

async function theBadSecondIsSeen(page) {
  await page.waitForSelector(`${SPO2} canvas`);
  let shown = await asked(page, () => page.click('[data-hours="24"]'));
  const isTheDrop = ([, value, doubtful]) => value === 84 && !doubtful;
  const drop = shown.points.find(isTheDrop);
  assert.ok(drop, "one second at 84 % in a day");
  // Nearer and nearer, where it is.
  for (let press = 0; press < 3; press++) {
    await page.waitForTimeout(300);
    const over = await page.locator(`${SPO2} .u-over`).boundingBox();
    const at = over.x + (over.width * (drop[0] - shown.from)) / (shown.to - shown.from);
    const middle = over.y + over.height / 2;
    shown = await asked(page, async () => {
      await page.mouse.move(at - over.width / 8, middle);
      await page.mouse.down();
      await page.mouse.move(at, middle, { steps: 4 });
      await page.mouse.move(at + over.width / 8, middle, { steps: 4 });
      await page.mouse.up();
    });
    assert.equal(shown.points.filter(isTheDrop).length, 1, `it is there at zoom ${press + 1}`);
  }
  await page.screenshot({ path: `${given.pictures}/day-drop-1440.png` });
}

async function whatIsSaidOnTheTelephoneIsJudged(page) {
  assert.match(await said(page, { spo2: "88", temperature: "38,2" }), /SpO₂ 88 % Temperatura 38,2 °C/);
  await page.waitForFunction(() => /Salvato e valutato, per telefono/.test(document.body.innerText) || (location.reload(), false), null, { polling: 1000 });
  assert.match(await text(page, ".call-flags"), /◆ ROSSO SpO₂/);
  await page.goto(`${given.base}${patient}`);
  // The page is fresh by itself within a second.
  await page.waitForFunction(() => /88\s%.*per telefono/s.test(document.querySelector(".tiles").innerText));
}

async function theFamilyDoctorAnswers(browser, page) {
  const doctor = await another(browser, given.family);
  assert.equal(path(doctor), "/medico");
  assert.match(await text(doctor, ".doctor-alert"), /◆ ROSSO Rossi Maria/);
  await doctor.fill("#note-0", "Passo alle 18.");
  await enter(doctor, "button[value=visited]");
  assert.equal(await text(doctor, "[role=status]"), "Scritto nel diario: visitato.");
  quiet(doctor);
  await doctor.context().close();
  await page.goto(`${given.base}${patient}`);
  assert.match(await text(page, ".timeline"), /Bianchi Ada.*Visitato dal medico di famiglia\. Passo alle 18\./);
}

async function theShiftHandsOver(browser, page) {
  await page.goto(`${given.base}/passaggio-consegne`);
  await page.fill(`#words-${given.patient}`, "Il medico è passato: risentirla alle 20");
  await page.check(`[name=offer-${given.patient}]`);
  await enter(page, "main button[value=write]");
  const next = await another(browser, given.doctor);
  await next.waitForFunction(() => /scritte da Ferri Anna/.test(document.getElementById("ward-notices").innerText));
  await next.goto(`${given.base}${path(page)}`);
  assert.match(await text(next, ".handover-list"), /Il medico è passato: risentirla alle 20/);
  await next.check(`[name=take-${given.patient}]`);
  await enter(next, "main button[value=acknowledge]");
  assert.match(await text(next, ".handover-list"), /Adesso in carico a: Conti Luca/);
  quiet(next);
  await next.context().close();
}

async function sheSignsOut(page) {
  await page.goto(given.base);
  await page.waitForSelector(`${row} .why-charge:not(:empty)`);
  assert.match(await text(page, `${row} .line-why`), /In carico a Conti Luca/);
  await enter(page, ".bar-user button");
  assert.equal(path(page), "/login");
  await page.goto(`${given.base}${patient}`);
  assert.equal(path(page), "/login", "the day is over");
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await page.setViewportSize({ width: 1440, height: 900 });
  await signIn(page, given.nurse);
  await anAlertArrives(browser, page);
  await chargeIsTakenByKeyboard(page);
  await theBadSecondIsSeen(page);
  await whatIsSaidOnTheTelephoneIsJudged(page);
  await theFamilyDoctorAnswers(browser, page);
  await theShiftHandsOver(browser, page);
  await sheSignsOut(page);
  quiet(page);
});
