// One patient's page as it is worked with: many reds on a bounded page, acts by keyboard alone, two
// people at once, a session that ends in the middle of a note, the sheet, the diary, who has seen.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, reachable, signIn, text, WIDTHS } from "./harness.mjs";

const address = `${given.base}/pazienti/${given.patient}`;

/** With a dozen reds, so long in pixels at most, by width. */
const LONGEST = { 320: 13000, 768: 8500, 1440: 5500 };

/** Moves the focus with Tab alone. */
async function tabTo(page, selector) {
  for (let step = 0; step < 200; step++) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`not reached by Tab: ${selector}`);
}

async function loads(page, done) {
  await Promise.all([page.waitForEvent("load"), done()]);
}

async function bounded(page) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await page.waitForTimeout(300);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    console.log(`measured: with a dozen reds the page is ${height} px long at ${width}`);
    assert.ok(height < LONGEST[width], `${height} px at ${width}`);
    await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
    const name = await page.locator(".patient-banner h1").boundingBox();
    assert.ok(name.y >= 0 && name.y < 200, `the name stays in sight at ${width}`);
    await page.evaluate(() => scrollTo(0, 0));
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  assert.equal(await page.locator(".flag[open]").count(), 1, "one alert is unfolded");
  const first = await page.locator(".flag").first().boundingBox();
  assert.ok(first.y < 500, "what needs somebody stands on top");
}

async function eachAct(page) {
  const acts = page.locator(".flag[open] .flag-act");
  for (let place = 0; place < (await acts.count()); place++) {
    await acts.nth(place).locator("summary").click();
    assert.equal(await page.locator(".flag[open] .flag-act[open]").count(), 1, "one act at a time");
    await accessible(page, `act ${place}`);
    if (place === 0) await fitting(page, "patient-call");
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  await page.keyboard.press("Enter");
}

async function byKeyboard(page) {
  await page.goto(address);
  await tabTo(page, ".flag[open] button[value=take-charge]");
  await loads(page, () => page.keyboard.press("Enter"));
  assert.equal(new URL(page.url()).hash, "", "the word that it is written is not in the address");
  assert.equal(await text(page, "#scritto"), "Scritto nel diario.");
  assert.match(await text(page, ".flag[open] .why-charge"), /In carico a Ferri Anna/);

  await tabTo(page, ".flag[open] .flag-act summary");
  await page.keyboard.press("Enter");
  assert.match(await text(page, ".flag[open] .script"), /Le manca il fiato.*Di che cosa ha bisogno/);
  await tabTo(page, ".flag[open] select[name=outcome]");
  await page.keyboard.type("risponde, sta");
  await tabTo(page, ".flag[open] .flag-act[open] textarea");
  await page.keyboard.type("Parla bene, ha paura.");
  await tabTo(page, ".flag[open] button[value=call]");
  await loads(page, () => page.keyboard.press("Enter"));
  assert.match(await text(page, ".timeline"), /Telefonata di Ferri Anna a paziente: risponde, sta bene «Parla bene, ha paura\.»/);

  await tabTo(page, ".flag[open] .flag-act:nth-of-type(2) summary");
  await page.keyboard.press("Enter");
  await tabTo(page, ".flag[open] button[value=ask-repeat]");
  await loads(page, () => page.keyboard.press("Enter"));
  assert.match(await text(page, ".timeline"), /Ferri Anna ha chiesto di ripetere la misura: SpO₂/);
}

async function stale(browser, page) {
  await page.goto(address);
  const flag = await page.locator(".flag[open] input[name=flag]").first().inputValue();
  const other = await browser.browser().newContext({ locale: "it-IT" });
  const colleague = await newPage(other);
  await signIn(colleague, given.doctor);
  await colleague.goto(address);
  await colleague.fill(".flag[open] textarea[name=words]", "Visto con il 112.");
  await loads(colleague, () => colleague.click(".flag[open] button[value=close]"));
  quiet(colleague);
  await other.close();

  await page.locator(".flag[open] .flag-act summary").first().click();
  await page.selectOption(".flag[open] select[name=outcome]", "unwell");
  await page.fill(".flag[open] .flag-act[open] textarea", "Tossisce, chiama la figlia.");
  await loads(page, () => page.click(".flag[open] button[value=call]"));
  assert.match(await text(page, "[role=alert]"), /Conti Luca ha già chiuso questa segnalazione/);
  assert.equal(await page.inputValue("#words-patient"), "Tossisce, chiama la figlia.", "no word is lost");
  assert.equal(await page.locator(`input[name=flag][value="${flag}"]`).count(), 0, "it is gone");
}

async function lostSession(browser, page) {
  const words = "Ore 3: sentita, respira meglio.\nRichiamo alle 4.";
  await page.goto(address);
  await page.fill(".flag[open] textarea[name=words]", words);
  await browser.clearCookies();
  await loads(page, () => page.click(".flag[open] button[value=note]"));
  assert.match(await text(page, "h1"), /Sessione scaduta/);
  assert.match(await text(page, "[role=alert]"), /Nulla è stato scritto/);
  assert.equal((await page.inputValue("textarea")).replaceAll("\r\n", "\n"), words, "what was typed is here");
  await accessible(page, "a lost session");
  await reachable(page, "a lost session");
  await fitting(page, "lost-session");
  // Sent without a session it comes back again.
  await loads(page, () => page.click("button[type=submit]"));
  assert.equal((await page.inputValue("textarea")).replaceAll("\r\n", "\n"), words);

  const [door] = await Promise.all([browser.waitForEvent("page"), page.click("a[target=_blank]")]);
  await door.fill("#username", given.nurse.username);
  await door.fill("#password", given.nurse.password);
  await Promise.all([door.waitForURL(address), door.click("main button[type=submit]")]);
  await door.close();
  await loads(page, () => page.click("button[type=submit]"));
  assert.match(await text(page, ".timeline"), /Nota di Ferri Anna sulla segnalazione «Ore 3: sentita, respira meglio\. Richiamo alle 4\.»/);
  const kept = await page.evaluate(() => localStorage.length + sessionStorage.length);
  assert.equal(kept, 0, "nothing is kept in the browser");
}

async function sheet(page) {
  await page.goto(`${address}/scheda`);
  await page.fill("#allergies", "penicillina");
  await page.fill("#therapy", "ramipril 5 mg\nmetformina 500 mg, due volte al giorno");
  await page.fill("#conditions", "BPCO, diabete");
  await page.fill("#home-oxygen", "2 L/min di notte");
  await page.fill("#floor", "3º piano, scala B, ascensore, citofono Rossi");
  await page.fill("#key-holder", "Sig.ra Bo, portinaia");
  await page.fill("#key-holder-phone", "boh");
  await page.fill("#isolated-since", "2026-01-01");
  await loads(page, () => page.click(".plan-form button[type=submit]"));
  assert.match(await text(page, ".is-faulty"), /Non è un numero da chiamare/);
  assert.equal(await page.inputValue("#allergies"), "penicillina");
  await accessible(page, "a faulty sheet");
  await fitting(page, "sheet-faulty");
  await page.fill("#key-holder-phone", "02 5550 0002");
  await page.fill("#other-1", "Luca, figlio");
  await page.fill("#other-1-phone", "333 1234567");
  await loads(page, () => page.click(".plan-form button[type=submit]"));
  assert.match(await text(page, ".panel .shared"), /Versione 1, scritta .* da Ferri Anna/);
  await accessible(page, "the sheet");
  await reachable(page, "the sheet");
  await fitting(page, "sheet");
}

async function rest(page) {
  await page.goto(address);
  assert.match(await text(page, ".patient-side"), /penicillina.*2 L\/min di notte/);
  assert.match(await text(page, ".patient-rest"), /Sig\.ra Bo, portinaia \+390255500002/);
  await accessible(page, "the patient");
  await reachable(page, "the patient");
  await fitting(page, "patient-reds");

  await page.goto(`${address}/diario`);
  assert.match(await text(page, ".timeline"), /Fonte: /);
  await loads(page, () => page.click('.kinds a[href$="tipo=note"]'));
  const kinds = await page.$$eval(".entry", (all) => all.map((it) => it.className));
  assert.deepEqual([...new Set(kinds)], ["entry entry-note"]);
  await page.locator(".correct summary").first().click();
  await page.locator(".correct[open] textarea").fill("Erano le 3 e mezza.");
  await accessible(page, "a correction");
  await loads(page, () => page.click(".correct[open] button"));
  assert.match(await text(page, ".timeline"), /Correzione di Ferri Anna .*«Erano le 3 e mezza\.»/);
  assert.match(await text(page, ".timeline"), /Corretta alle/);
  await accessible(page, "the diary");
  await reachable(page, "the diary");
  await fitting(page, "diary");

  await page.goto(`${address}/accessi`);
  assert.match(await text(page, "tbody"), /Centrale Medica infermiere Consultazione/);
  await accessible(page, "who has seen");
  await reachable(page, "who has seen");
  await fitting(page, "accesses");
}

/** Who follows the patient, and what is said of a hand-over without an end. */
async function entrust(page) {
  await page.goto(`${address}/affidamento`);
  await page.waitForSelector("#bar-sound:not([hidden])");
  await page.waitForSelector("#bar-alarms:not(.is-lost)");
  assert.match(await text(page, "#bar-alarms"), /Non presi in carico \d+/);
  await page.screenshot({ path: `${given.pictures}/bar-1440.png`, clip: { x: 0, y: 0, width: 1440, height: 300 } });
  await page.evaluate(() => document.getElementById("until-night").removeAttribute("required"));
  await page.fill("#why-night", "febbre alta <stasera>");
  await page.click("button[value=out-of-hours]");
  await page.waitForSelector("[role=alert].notice-bad");
  assert.equal(await page.inputValue("#why-night"), "febbre alta <stasera>", "what was typed is kept");
  await accessible(page, "who follows");
  await reachable(page, "who follows");
  await fitting(page, "entrust");
  await page.setViewportSize({ width: 320, height: 600 });
  await page.screenshot({ path: `${given.pictures}/bar-320.png` });
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.fill("#until-night", "2099-01-01T08:00");
  await page.click("button[value=out-of-hours]");
  await page.waitForURL(/affidamento$/);
  await page.locator(".holder", { hasText: "Continuità Assistenziale" }).waitFor();
  await page.goto(`${address}/diario`);
  assert.match(await text(page, "main"), /Passato alla Continuità Assistenziale fino al .+ Motivo: febbre alta <stasera>/);
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await page.goto(address);
  await page.waitForSelector(".flag");
  await bounded(page);
  await eachAct(page);
  await byKeyboard(page);
  await stale(browser, page);
  await lostSession(browser, page);
  await sheet(page);
  await rest(page);
  await entrust(page);
  // Chromium reports the acts that were refused, and curves asked for while nobody was signed in.
  quiet(page, /status of (401|409|422)|were not sent|was not sent/);
});
