// A nurse puts a patient on file: what is missing is said beside each field, nothing that was typed
// is lost, and what was agreed to is a page.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, signIn, text } from "./harness.mjs";

async function pressed(page, selector) {
  await page.focus(selector);
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
}

async function anEmptyFormSaysWhatIsMissing(page) {
  await page.click(".nav a[href='/pazienti/nuovo']");
  assert.equal(await text(page, "[aria-current=page]"), "Nuovo paziente");
  await pressed(page, "main form button[type=submit]");
  assert.match(await text(page, "[role=alert]"), /Nulla è stato scritto/);
  assert.match(await text(page, "#code-said"), /sedici caratteri/);
  await accessible(page, "the form with faults");
  await fitting(page, "enrol-faults");
}

async function nothingTypedIsLostAndSheIsOnFile(page) {
  const typed = { code: "CCCFBA85D03L219Q", surname: "Cocco", name: "Fabia", phone: "333 7654321", address: "Via di Prova 3, Milano" };
  for (const [field, value] of Object.entries(typed)) await page.fill(`#${field}`, value);
  for (const asked of ["information", "telemonitoring"]) await page.check(`#${asked}`);
  await page.selectOption("#how", "signed");
  await pressed(page, "main form button[type=submit]");
  assert.match(await text(page, "#code-said"), /Un carattere è sbagliato/);
  for (const [field, value] of Object.entries(typed)) assert.equal(await page.inputValue(`#${field}`), value);
  assert.ok(await page.isChecked("#information"));
  await page.fill("#code", "CCCFBA85D03L219P");
  await pressed(page, "main form button[type=submit]");
  assert.match(page.url(), /\/pazienti\/[0-9a-f]{16}$/);
  assert.match(await text(page, "main h1"), /Cocco Fabia/);
}

async function whatSheAgreedToIsWritten(page) {
  await pressed(page, "a[href$='/consensi']");
  const censimento = "section:has(#h-census)";
  assert.match(await text(page, censimento), /Non ancora chiesto/);
  await accessible(page, "consents");
  await fitting(page, "consents");
  await page.selectOption("#how-telemonitoring", "telephone");
  await pressed(page, "section:has(#h-telemonitoring) button[value=withdrawn]");
  assert.match(await text(page, "section:has(#h-telemonitoring)"), /chiudere il piano .*al telefono/);
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await anEmptyFormSaysWhatIsMissing(page);
  await nothingTypedIsLostAndSheIsOnFile(page);
  await whatSheAgreedToIsWritten(page);
  // Chromium reports what is refused.
  quiet(page, /status of 422/);
});
