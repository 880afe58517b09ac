// Who is let in: nobody without a session, nobody with a wrong password.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, inEnglish, newPage, quiet, signIn, text } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await page.goto(`${given.base}/pazienti/0000000000000001`);
  assert.equal(path(page), "/login", "a page without session leads to the login");

  await page.fill("#username", given.nurse.username);
  await page.fill("#password", "sbagliata davvero");
  await page.click("main button[type=submit]");
  await page.waitForSelector("[role=alert]");
  assert.match(await text(page, "[role=alert]"), /Nome utente o password non corretti/);
  assert.equal(await page.inputValue("#username"), given.nurse.username, "the name need not be typed again");
  assert.equal(await page.inputValue("#password"), "");
  await fitting(page, "login-refused");

  await signIn(page, given.nurse);
  assert.equal(path(page), "/", "the ward is the first page");
  assert.match(await text(page, ".bar-user"), /Ferri Anna/);
  await fitting(page, "ward-empty");
  await accessible(page, "the empty ward");

  // Who is called, by what; a channel that is down is said here and on the ward, at once.
  await page.click(".nav a[href='/reperibilita']");
  assert.equal(await text(page, "[aria-current=page]"), "Reperibilità");
  assert.match(await text(page, ".reach-list"), /Operatore Ferri Anna/);
  await page.waitForSelector("#reach-push-on:not([hidden])");
  assert.match(await text(page, "#reach-push-state"), /non riceve gli avvisi/);
  await page.click("form[action='/reperibilita/prova'] button");
  await page.waitForSelector("[role=status]");
  await page.waitForFunction(() => document.querySelector("[role=alert]") !== null || (location.reload(), false), null, { polling: 1000 });
  assert.match(await text(page, "[role=alert]"), /SMS: gli avvisi non partono dalle/);
  await accessible(page, "a channel that is down");
  await fitting(page, "reach-down");
  await page.goto(given.base);
  await page.waitForFunction(() => /SMS: gli avvisi non partono dalle/.test(document.getElementById("ward-notices").innerText));
  await accessible(page, "the ward with a channel that is down");
  await fitting(page, "ward-down");

  // What a family doctor sees behind a link.
  const stranger = await newPage(browser);
  await stranger.goto(given.base + given.notice);
  await accessible(stranger, "a notice");
  await fitting(stranger, "notice");
  await inEnglish(stranger, "notice");
  await stranger.click("main button");
  await stranger.waitForSelector("[role=status]");
  await fitting(stranger, "notice-seen");
  quiet(stranger);
  await stranger.close();

  await page.click(".bar-user button");
  await page.waitForURL((url) => url.pathname === "/login");
  await page.goto(given.base);
  assert.equal(path(page), "/login", "the session is over");
  // The refused password is answered with 401, which Chromium reports.
  quiet(page, /status of 401|status of 403|status of 422/);
});
