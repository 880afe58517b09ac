// One reading of one second at 84 % in fourteen days: it is in the answer, in the table and drawn,
// though the disturbed readings around it are lower.

import assert from "node:assert/strict";
import { accessible, fitting, given, inChromium, newPage, quiet, signIn, text } from "./harness.mjs";

const SPO2 = '.chart[data-vital="spo2"]';

/** In the page: the lowest place where the curve's colour is drawn, in percent of SpO2. The values
 *  of the axis are not needed: the test knows that nothing else lies so low. */
function lowestDrawn(selector) {
  const canvas = document.querySelector(`${selector} canvas`);
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const rows = new Set();
  for (let at = 0; at < data.length; at += 4) {
    const isCurve = data[at] < 60 && data[at + 1] > 40 && data[at + 1] < 120 && data[at + 2] > 110 && data[at + 3] > 100;
    if (isCurve) rows.add(Math.floor(at / 4 / width));
  }
  const drawn = [...rows].sort((one, other) => one - other);
  return { top: drawn[0], bottom: drawn.at(-1), rows: drawn.length, height };
}

await inChromium(async (browser) => {
  const page = await newPage(browser);
  await signIn(page, given.nurse);
  await page.goto(`${given.base}/pazienti/${given.patient}`);
  await page.waitForSelector(`${SPO2} canvas`);

  for (const hours of [6, 24, 72, 336]) {
    const asked = page.waitForResponse((it) => it.url().includes("/andamento?vital=spo2"));
    await page.click(`[data-hours="${hours}"]`);
    const answer = await asked;
    const url = new URL(answer.url());
    const span = Number(url.searchParams.get("to")) - Number(url.searchParams.get("from"));
    assert.ok(Math.abs(span - hours * 3600000) < 10, `${hours} hours are asked for`);
    assert.equal(await page.getAttribute(`[data-hours="${hours}"]`, "aria-pressed"), "true");
    const { points } = await answer.json();
    const lowestOf = (sort) => Math.min(...points.map(([, value, doubtful]) => (doubtful === sort ? value : null) ?? Infinity));
    const lowest = lowestOf(false);
    console.log(`measured: ${hours} h are ${points.length} points, the lowest ${lowest} %`);
    assert.equal(lowest === 84, hours === 336, `the drop of ten days ago, in ${hours} hours`);
    if (hours === 336) {
      assert.equal(points.filter(([, value]) => value === 84).length, 1);
      assert.equal(lowestOf(true), 83, "the disturbed readings are there too, as such");
    }
  }

  await page.waitForFunction((selector) => {
    const cells = [...document.querySelectorAll(`${selector} tbody td`)];
    return cells.some((cell) => cell.textContent.startsWith("84\u00a0%"));
  }, SPO2);
  await page.waitForTimeout(300);
  const drawn = await page.evaluate(lowestDrawn, SPO2);
  // Without the drop the curve would fill its chart from 95 to 97; with it there is a thin line down.
  assert.ok(drawn.bottom - drawn.top > drawn.height / 2, `the drop is drawn: ${JSON.stringify(drawn)}`);
  await page.locator(`${SPO2} summary`).click();
  assert.match(await text(page, `${SPO2} details`), /84 % il/);
  await accessible(page, "patient with charts");
  await fitting(page, "patient-14-days");
  quiet(page);
});
