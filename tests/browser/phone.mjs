// A call by keyboard alone: from the list to the form, a wrong number that is asked and not
// corrected, what is read back, the flag by the same rules, and what is read to 112.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, reachable, signIn, text } from "./harness.mjs";

const patient = `${given.base}/pazienti/${given.patient}`;
const form = `${patient}/telefonata`;

/** Types into a field as somebody does who never leaves the keyboard, and sends the form. */
async function type(page, field, value) {
  await page.focus(`#${field}`);
  await page.keyboard.press("Control+A");
  await page.keyboard.type(value);
}

async function enter(page) {
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}

async function press(page, button) {
  await page.focus(`main button[value=${button}]`);
  await enter(page);
}

/** A first call: a value that has to be measured again puts the patient on the list. */
async function somebodyIsOnTheList(page) {
  await page.goto(form);
  assert.match(await text(page, ".score"), /NEWS2: nessun valore recente, li chieda tutti/);
  await type(page, "spo2", "91");
  await enter(page);
  assert.match(await text(page, ".read-back"), /SpO₂ 91 %/);
  await press(page, "save");
  await page.waitForFunction(() => /Salvato e valutato, per telefono/.test(document.body.innerText) || (location.reload(), false), null, { polling: 1000 });
  assert.match(await text(page, ".call-flags"), /◆ ROSSO SpO₂/);
}

async function theListSaysWhoIsNext(page) {
  await page.goto(patient);
  await page.click(".nav a[href='/telefonate']");
  assert.equal(await text(page, "[aria-current=page]"), "Telefonate");
  const line = `#p-${given.patient}`;
  assert.match(await text(page, line), /◆ ROSSO Rossi Maria dalle \d\d:\d\d SpO₂: da confermare/);
  assert.equal(await page.locator("a[href^='tel:']").count(), 0, "no number before it is claimed");
  await accessible(page, "the list of calls");
  await reachable(page, "the list of calls");
  await fitting(page, "phone-list");
  await press(page, "claim");
  assert.match(await text(page, `${line} a[href^='tel:']`), /^\+39/);
  await accessible(page, "a call that is claimed");
  await reachable(page, "a call that is claimed");
  await fitting(page, "phone-claimed");
}

async function aColleagueIsToldWhoHasIt(browser) {
  const other = await browser.browser().newContext({ locale: "it-IT" });
  const colleague = await newPage(other);
  await signIn(colleague, given.doctor);
  await colleague.goto(`${given.base}/telefonate`);
  assert.match(await text(colleague, `#p-${given.patient}`), /Sta chiamando Ferri Anna/);
  await accessible(colleague, "a call of somebody else");
  await fitting(colleague, "phone-other");
  quiet(colleague);
  await other.close();
}

async function aWrongNumberIsAskedAndNotCorrected(page) {
  await press(page, "answered");
  assert.equal(page.url(), form);
  await accessible(page, "the form of a call");
  await reachable(page, "the form of a call");
  await fitting(page, "phone-form");
  await type(page, "spo2", "88");
  await type(page, "temperature", "366");
  await type(page, "need_words", "La spesa");
  await page.focus("[name=breathless][value='']");
  await page.keyboard.press("ArrowLeft");
  await page.focus("#temperature");
  await enter(page);
  assert.match(await text(page, "[role=alert]"), /Nulla è stato salvato, nulla è stato corretto/);
  assert.match(await text(page, "#temperature-fault"), /Intendeva 36,6\? Lo chieda di nuovo/);
  assert.equal(await page.inputValue("#temperature"), "366", "it is not corrected");
  assert.equal(await page.inputValue("#spo2"), "88");
  assert.equal(await page.inputValue("#need_words"), "La spesa");
  assert.ok(await page.isChecked("[name=breathless][value='0']"));
  await accessible(page, "a wrong number");
  await fitting(page, "phone-asked");
}

/** A session that ends in the middle of a call takes nothing along. */
async function whatWasTypedOutlivesTheSession(browser, page) {
  await type(page, "temperature", "37.9");
  await browser.clearCookies();
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-why=signed-out]:not([hidden])");
  assert.equal(await page.inputValue("#temperature"), "37.9");
  await accessible(page, "a form whose session ended");
  await fitting(page, "phone-signed-out");
  const [door] = await Promise.all([browser.waitForEvent("page"), page.click("[data-why=signed-out] a")]);
  await signIn(door, given.nurse);
  await door.close();
  await page.focus("#temperature");
}

async function itIsReadBackAndJudged(page) {
  await enter(page);
  assert.match(await text(page, ".read-back"), /SpO₂ 88 % Temperatura 37,9 °C/);
  assert.match(await text(page, ".call"), /Le manca il fiato da fermo\? No/);
  await accessible(page, "what is read back");
  await reachable(page, "what is read back");
  await fitting(page, "phone-read-back");
  await press(page, "correct");
  assert.equal(await page.inputValue("#spo2"), "88", "corrections begin with what was typed");
  await type(page, "temperature", "38,1");
  await enter(page);
  await press(page, "save");
  await page.waitForFunction(() => /Salvato e valutato, per telefono/.test(document.body.innerText) || (location.reload(), false), null, { polling: 1000 });
  assert.match(await text(page, ".notice-bad"), /Al paziente: «Chiami il 112\.»/);
  await accessible(page, "a call that is saved");
  await reachable(page, "a call that is saved");
  await fitting(page, "phone-saved");

  await page.goto(patient);
  const said = await page.locator("main").innerText();
  assert.match(said, /ROSSO/);
  assert.match(said.replace(/\s+/g, " "), /SpO₂ 88 %.*per telefono/);
}

async function whatIsNeededAndReadTo112(page) {
  await page.goto(`${patient}/bisogni`);
  assert.match(await text(page, ".needs"), /«La spesa» Dove: via Larga 1, Milano\. Non acconsente: resta in Centrale\. Scritto da Ferri Anna/);
  await accessible(page, "needs");
  await fitting(page, "phone-needs");
  await page.goto(`${patient}/scheda-112`);
  assert.match(await text(page, ".sheet-112"), /via Larga 1, Milano .*Allergie non registrato .*SpO₂ 88 % alle \d\d:\d\d, per telefono|SpO₂ 88 % alle \d\d:\d\d, per telefono.*Allergie non registrato/);
  await accessible(page, "the sheet for 112");
  await reachable(page, "the sheet for 112");
  await fitting(page, "phone-112");
  await page.emulateMedia({ media: "print" });
  await fitting(page, "phone-112-print");
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await somebodyIsOnTheList(page);
  await theListSaysWhoIsNext(page);
  await aColleagueIsToldWhoHasIt(browser);
  await aWrongNumberIsAskedAndNotCorrected(page);
  await whatWasTypedOutlivesTheSession(browser, page);
  await itIsReadBackAndJudged(page);
  await whatIsNeededAndReadTo112(page);
  // The number that is asked again is answered so, and whoever is not signed in any more.
  quiet(page, /status of (422|401)/);
});
