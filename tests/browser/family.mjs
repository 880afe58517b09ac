// The family doctor sees and answers: an alert with its reason, one press, a form that comes back
// with its words, the summary, the sheet of paper, a report, and a substitute; on a telephone too.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, inEnglish, newPage, quiet, reachable, signIn, text } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;

async function judged(page, name) {
  await accessible(page, name);
  await reachable(page, name);
  await fitting(page, name);
}

async function press(page, button) {
  await Promise.all([page.waitForEvent("load"), page.locator(button).first().click()]);
}

async function theAlertSaysWhy(page) {
  assert.equal(path(page), "/medico");
  assert.match(await text(page, ".doctor-alert"), /◆ ROSSO Rossi Maria nuova SpO₂: .*Nessuno l’ha ancora in carico/);
  await judged(page, "family-inbox");
  await inEnglish(page, "family-inbox");
}

async function onePressAnAnswer(page) {
  await page.setViewportSize({ width: 320, height: 640 });
  await press(page, "button[value=seen]");
  assert.equal(await text(page, "[role=status]"), "Scritto nel diario: visto.");
  assert.match(await text(page, ".doctor-done"), /Bianchi Ada: nota: «Visto dal medico di famiglia\.»/);
  await press(page, "button[value=back]");
  assert.match(await text(page, "[role=alert]"), /scriva nella nota/);
  await page.fill("#note-0", "Non riesco a passare: potete chiamare voi?");
  await press(page, "button[value=well]");
  assert.match(await text(page, ".doctor-alert"), /In carico a lei/);
  await judged(page, "family-answered");
}

async function whatWasTypedOutlivesTheSession(browser, page) {
  await page.fill("#note-0", "Passo alle 18.");
  const cookies = await browser.cookies();
  await browser.clearCookies();
  await press(page, "button[value=visited]");
  assert.match(await text(page, "main"), /Nulla è stato scritto/);
  assert.equal(await page.locator("main textarea").inputValue(), "Passo alle 18.");
  await judged(page, "family-lost");
  await browser.addCookies(cookies);
  await press(page, "main button[type=submit]");
  assert.equal(await text(page, "[role=status]"), "Scritto nel diario: visitato.");
}

async function theSummaryIsText(page) {
  await page.click(".nav a[href='/medico/riepilogo']");
  await page.waitForSelector("#testo");
  const said = await page.locator("#testo").inputValue();
  assert.match(said, /Rossi Maria, RSSMRA85M01H501Q\n[^]*ROSSO: SpO₂[^]*Visitato dal medico di famiglia\. Passo alle 18\./);
  await page.fill("#ora", "13:30");
  await press(page, "form[action='/medico/riepilogo/ora'] button");
  assert.equal(await text(page, "[role=status]"), "L’ora è scritta.");
  assert.equal(await page.inputValue("#ora"), "13:30");
  await judged(page, "family-summary");
}

async function onePatientIsASheet(page) {
  await page.goto(`${given.base}/pazienti/${given.patient}/sintesi`);
  assert.match(await text(page, ".doctor-paper"), /RSSMRA85M01H501Q.*ROSSO: SpO₂/);
  await judged(page, "family-sheet");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".bar").isVisible(), false, "paper has no menu");
  await fitting(page, "family-sheet-print");
  await page.emulateMedia({ media: "screen" });
}

async function somebodyIsReported(page) {
  await page.click(".nav a[href='/medico/segnala']");
  await page.waitForSelector("#codice");
  await judged(page, "family-report");
  await page.fill("#codice", "RSSMRA85M01H501Z");
  await press(page, "main form button");
  assert.match(await text(page, "#codice-fault"), /Il Codice Fiscale non è corretto/);
  await judged(page, "family-report-wrong");
  await page.fill("#codice", "CCCFBA85D03L219P");
  await page.fill("#telefono", "333 7654321");
  await page.fill("#inizio", new Date(Date.now() - 2 * 86400000).toISOString().slice(0, 10));
  await page.check("input[name=s-fever]");
  await press(page, "main form button");
  assert.match(await text(page, "[role=status]"), /Segnalazione scritta/);
  assert.match(await text(page, ".doctor-reports"), /CCCFBA85D03L219P/);
  await inEnglish(page, "family-report");
}

async function theCentreSeesIt(browser) {
  const other = await browser.browser().newContext({ locale: "it-IT" });
  const centre = await newPage(other);
  await signIn(centre, given.nurse);
  await centre.goto(`${given.base}/segnalazioni`);
  assert.match(await text(centre, ".doctor-reports"), /CCCFBA85D03L219P.*Febbre.*Segnalato da Bianchi Ada/);
  await judged(centre, "family-reports");
  await centre.goto(`${given.base}/pazienti/${given.patient}/diario`);
  assert.match(await text(centre, "main"), /Visto dal medico di famiglia/);
  quiet(centre);
  await other.close();
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.family);
  await theAlertSaysWhy(page);
  await onePressAnAnswer(page);
  await whatWasTypedOutlivesTheSession(browser, page);
  await theSummaryIsText(page);
  await onePatientIsASheet(page);
  await somebodyIsReported(page);
  await theCentreSeesIt(browser);
  // What is asked for again is answered so, and whoever is not signed in any more.
  quiet(page, /status of (409|422|401)/);
});
