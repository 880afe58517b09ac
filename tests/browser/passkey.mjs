// A passkey from its making to its end: made after the password was given again, signed in with
// instead of password and code, withdrawn by the administrator. The authenticator is Chromium's own
// virtual one.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, reachable, signIn, text } from "./harness.mjs";

const path = (page) => new URL(page.url()).pathname;

async function judged(page, name) {
  await accessible(page, name);
  await reachable(page, name);
  await fitting(page, name);
}

async function leave(page) {
  await page.click(".bar-user button");
  await page.waitForURL((url) => url.pathname === "/login");
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  const protocol = await browser.newCDPSession(page);
  await protocol.send("WebAuthn.enable");
  const { authenticatorId } = await protocol.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });

  await signIn(page, given.doctor);
  await page.goto(`${given.base}/account`);
  await page.click("a[href='/account/passkey']");
  await page.waitForSelector("#password");
  await judged(page, "passkey-again");
  await page.fill("#password", given.doctor.password);
  await page.click("main form[action='/account/conferma'] button");
  await page.waitForSelector("form.passkey:not([hidden])");
  await judged(page, "passkey-new");
  await page.fill("#passkey-name", "Telefono di prova");
  await page.click("form.passkey button");
  await page.waitForURL((url) => url.pathname === "/account");
  const { credentials } = await protocol.send("WebAuthn.getCredentials", { authenticatorId });
  assert.equal(credentials.length, 1);
  assert.equal(credentials[0].isResidentCredential, true, "it is found without a user name");
  await judged(page, "account-with-passkey");
  await page.click("a[href='/account/passkey']");
  await page.waitForSelector(".sessions");
  assert.match(await text(page, ".sessions"), /Telefono di prova/);
  await judged(page, "passkeys");
  await leave(page);

  await page.waitForSelector("form.passkey:not([hidden])");
  await judged(page, "login-with-passkey");
  await page.click("form.passkey button");
  await page.waitForSelector(".nav");
  assert.equal(path(page), "/", "no password and no code");
  assert.match(await text(page, ".bar-user"), /Conti Luca/);
  await leave(page);

  await signIn(page, given.admin);
  await page.goto(`${given.base}/utenti`);
  await page.click("main tbody tr:has-text('Conti') a");
  await page.waitForURL(/utenti\/\d/);
  await judged(page, "user-with-passkey");
  await page.click("form[action$='/passkey/ritiro'] button[value='tutte']");
  await page.waitForSelector("form[action$='/passkey/ritiro']", { state: "detached" });
  await leave(page);

  await page.waitForSelector("form.passkey:not([hidden])");
  await page.click("form.passkey button");
  await page.waitForFunction(() => document.querySelector("form.passkey [role=alert]").textContent !== "");
  assert.match(await text(page, "form.passkey [role=alert]"), /Passkey non riconosciuta/);
  assert.equal(path(page), "/login");
  await judged(page, "login-passkey-refused");
  // Chromium reports what is refused.
  quiet(page, /status of 401/);
});
