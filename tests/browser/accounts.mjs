// Accounts: one-time codes from the square to the sign-in, sessions, breaking the glass, and what
// the administrator, the auditor and a doctor of elsewhere see.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { accessible, fitting, given, inChromium, inEnglish, newPage, quiet, reachable, signIn, text } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;

async function judged(page, name) {
  await accessible(page, name);
  await reachable(page, name);
  await fitting(page, name);
}

/** The code of a telephone that has this key, `ahead` codes from now. */
function code(key, ahead) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key].map((it) => letters.indexOf(it).toString(2).padStart(5, "0")).join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((it) => Number.parseInt(it, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", secret).update(step).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

async function leave(page) {
  await page.click(".bar-user button");
  await page.waitForURL((url) => url.pathname === "/login");
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await page.click(".bar-account");
  await page.waitForSelector(".sessions");
  assert.match(await text(page, ".sessions"), /Chrome su Linux questa/);

  await page.click("a[href='/account/codici']");
  await page.waitForSelector(".code-square svg");
  await page.fill("#codice", "000000");
  await page.click("main form button");
  await page.waitForSelector("#codice-fault");
  await judged(page, "codes-wrong");
  const key = await page.locator(".code-secret").textContent();
  await page.fill("#codice", code(key, 0));
  await page.click("main form button");
  await page.waitForSelector(".recovery-codes li");
  assert.equal(await page.locator(".recovery-codes li").count(), 8);
  await judged(page, "recovery-codes");

  await leave(page);
  await signIn(page, given.nurse);
  assert.equal(path(page), "/login/codice", "the password alone opens nothing");
  await judged(page, "login-code");
  await inEnglish(page, "login-code");
  await page.goto(`${given.base}/`);
  assert.equal(path(page), "/login");
  await signIn(page, given.nurse);
  await page.fill("#codice", code(key, 1));
  await page.click("main form button");
  await page.waitForSelector(".nav");
  assert.equal(path(page), "/");

  await page.goto(`${given.base}/pazienti/00000000000000ff`);
  assert.match(await text(page, "h1"), /Paziente non trovato/);
  await page.click("main a.btn");
  await judged(page, "glass-number");
  await page.goto(`${given.base}/accesso-urgente`);
  await leave(page);

  await signIn(page, given.hospital);
  assert.equal(path(page), "/medico");
  await judged(page, "hospital-inbox");
  await inEnglish(page, "hospital-inbox");
  await page.click(".nav a[href='/miei-pazienti']");
  assert.match(await text(page, ".own-list"), /Rossi Maria/);
  await page.click(".own-list a");
  await page.waitForURL(/pazienti/);
  assert.match(await text(page, "main"), /Rossi Maria/);
  await leave(page);

  await signIn(page, given.auditor);
  assert.equal(path(page), "/registro");
  assert.match(await text(page, ".register"), /Consultazione della scheda/);
  assert.ok(!(await page.content()).includes("Rossi"), "no name of a patient");
  await page.click("form[action='/registro/verifica'] button");
  await page.waitForSelector("[role=status]");
  assert.match(await text(page, "[role=status]"), /Il registro è intatto/);
  await judged(page, "register-verified");
  await leave(page);

  await signIn(page, given.admin);
  assert.equal(path(page), "/utenti");
  await page.click("main tbody tr:has-text('Ferri') a");
  await page.waitForURL(/utenti\/\d/);
  assert.equal((await page.goto(`${given.base}/pazienti/${given.patient}`)).status(), 403);
  await page.goto(given.base);
  assert.equal(path(page), "/utenti");
  // Chromium reports what is refused, and the curves that need ingest.
  quiet(page, /status of 401|status of 403|status of 404|status of 422|status of 503/);
});
