// The whole house for a minute: the ward says who is worst, and why, and everybody can read it.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, reachable, signIn, text } from "./harness.mjs";
import { workInTheList } from "./ward.mjs";

const GRAVEST_FIRST = ["red", "amber", "technical", "still", "none", "calm"];

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await page.emulateMedia({ reducedMotion: "reduce" });
  await signIn(page, given.nurse);
  await page.waitForSelector(".chip-red");
  await page.waitForSelector(".chip-technical");
  await page.waitForTimeout(given.watchMs);
  const rows = await page.$$eval(".line[data-patient]", (all) =>
    all.map((row) => ({
      kind: row.className.match(/line-(\w+)/)[1],
      why: [...row.querySelectorAll(".why-text")].map((it) => it.textContent),
    })),
  );
  assert.equal(rows.length, given.people);
  // A couple shares an oximeter: whose its value is, the ward asks.
  await page.waitForSelector("#di-chi-e .whose-it");
  assert.equal(await page.locator("#di-chi-e .whose-answers button[value]").count() > 2, true);
  const alarms = rows.filter(({ kind }) => kind === "red" || kind === "amber");
  const places = alarms.map(({ kind }) => GRAVEST_FIRST.indexOf(kind));
  assert.deepEqual(places, places.toSorted(), "the gravest stand first");
  for (const { kind, why } of rows.filter(({ kind }) => kind !== "calm")) {
    assert.ok(why.length > 0, `${kind} says why`);
    assert.ok(why.every((it) => /(alle|dalle|ancora) ?/.test(it)), `with the hour: ${why}`);
  }
  rows.forEach(({ kind, why }) => console.log(`ward: ${kind} ${why.join(" | ")}`));
  await accessible(page, "ward");
  await reachable(page, "ward");
  await fitting(page, "ward");
  await workInTheList(page);

  await page.click(".nav a[href='/dispositivi']");
  await page.waitForSelector(".box .chip-calm");
  assert.equal(await page.locator(".box").count(), given.homes, "a box a home");
  assert.match(await text(page, ".box-facts"), /con password, solo su questa macchina/);
  (await page.locator(".box-state").allInnerTexts()).forEach((state) => console.log(`box: ${state}`));
  await accessible(page, "boxes");
  await fitting(page, "boxes");
  await page.goto(given.base);
  await page.waitForSelector(".line-red a");

  await page.locator(".line-red a").first().click();
  await page.waitForSelector(".chart canvas");
  assert.match(await text(page, ".flag h3"), /ROSSO/);
  await page.waitForTimeout(1500);
  await accessible(page, "patient");
  await reachable(page, "patient");
  await fitting(page, "patient");
  quiet(page);
});
