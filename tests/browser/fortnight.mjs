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

/** The drop is in the table, and a thin line on the chart: without it the curve would fill its
 *  chart from 95 to 97. */
async function isDrawn(page, where) {
  await page.waitForFunction((selector) => {
    const cells = [...document.querySelectorAll(`${selector} tbody td`)];
    return cells.some((cell) => cell.textContent.startsWith("84\u00a0%"));
  }, SPO2);
  await page.waitForTimeout(300);
  const drawn = await page.evaluate(lowestDrawn, SPO2);
  assert.ok(drawn.bottom - drawn.top > drawn.height / 2, `the drop is drawn ${where}: ${JSON.stringify(drawn)}`);
}

/** What happened stands beside the curves as marks, and under them in words. */
async function marked(page) {
  const marks = page.locator(".marks");
  await marks.locator("summary").click();
  assert.match(await text(page, ".marks"), /◆ \d\d\/\d\d\/\d{4} .* ROSSO: SpO₂ 87 %/);
  await marks.locator("summary").click();
}

/** The answer about SpO2 that follows what is done. */
async function asked(page, done, fits = () => true) {
  let told;
  // A page that lives asks by itself too: only an answer that fits is the one to this.
  const answer = page.waitForResponse(async (it) => {
    if (!it.url().includes("/andamento?vital=spo2")) return false;
    told = await it.json();
    return fits(told);
  });
  await done();
  await answer;
  const { from, to, points } = told;
  return { from, to, points };
}

/** Dragging over the drop, then the buttons by keyboard: at every zoom it is fetched and drawn. */
async function zoomed(page) {
  let shown = await asked(page, () => page.click('[data-hours="336"]'));
  const drop = shown.points.find(([, value]) => value === 84)[0];
  await page.waitForTimeout(300);
  const over = await page.locator(`${SPO2} .u-over`).boundingBox();
  const at = over.x + (over.width * (drop - shown.from)) / (shown.to - shown.from);
  const middle = over.y + over.height / 2;
  shown = await asked(page, async () => {
    await page.mouse.move(at - 40, middle);
    await page.mouse.down();
    await page.mouse.move(at, middle, { steps: 4 });
    await page.mouse.move(at + 40, middle, { steps: 4 });
    await page.mouse.up();
  }, ({ from, to }) => to - from < 3 * 86400000);
  await isDrawn(page, "after dragging");
  await page.focus('[data-zoom="0.5"]');
  for (let press = 0; press < 6; press++) {
    shown = await asked(page, () => page.keyboard.press("Enter"));
    assert.equal(shown.points.filter(([, value, doubtful]) => value === 84 && !doubtful).length, 1, "one second");
  }
  await isDrawn(page, "in the nearest view");
  console.log(`measured: one second at 84 % is drawn from 14 days to ${Math.round((shown.to - shown.from) / 60000)} min`);
  await page.focus('[data-move="1"]');
  const moved = await asked(page, () => page.keyboard.press("Enter"));
  assert.ok(moved.from > shown.from, "it moves on");
  await asked(page, () => page.click('[data-move="-1"]'));
  // The other charts show the same stretch.
  const ranges = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map(({ name }) => new URL(name))
      .filter((url) => url.pathname.endsWith("/andamento"))
      .slice(-3)
      .map((url) => `${url.searchParams.get("from")}-${url.searchParams.get("to")}`),
  );
  assert.equal(new Set(ranges).size, 1, `one axis of time: ${ranges}`);
}

/** How long the centre takes for the page and for its curves of fourteen days, from request to the
 *  first byte, the browser's own clock. */
async function measured(page) {
  const times = { page: [], curve: [] };
  for (let round = 0; round < 12; round++) {
    await page.goto(`${given.base}/pazienti/${given.patient}`);
    await page.waitForSelector(`${SPO2} canvas`);
    const [told] = await page.evaluate(() => performance.getEntriesByType("navigation").map((it) => it.responseStart - it.requestStart));
    times.page.push(told);
    await asked(page, () => page.click('[data-hours="336"]'));
    await page.waitForTimeout(200);
    const curve = await page.evaluate(() => {
      const all = performance.getEntriesByType("resource").filter((it) => it.name.includes("/andamento?vital=spo2"));
      const last = all.at(-1);
      return last.responseStart - last.requestStart;
    });
    times.curve.push(curve);
  }
  for (const [name, all] of Object.entries(times)) {
    all.sort((one, other) => one - other);
    console.log(`measured: ${name} of a patient with 14 days at 1 Hz: ${all[6].toFixed(0)} ms (median), ${all.at(-1).toFixed(0)} ms at most`);
  }
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

  await isDrawn(page, "in 14 days");
  await marked(page);
  await page.locator(`${SPO2} summary`).click();
  assert.match(await text(page, `${SPO2} details`), /84 % il/);
  await accessible(page, "patient with charts");
  await fitting(page, "patient-14-days");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.waitForTimeout(600);
  await zoomed(page);
  await fitting(page, "patient-zoomed");
  await measured(page);
  // Chromium notices that this script reads the charts back.
  quiet(page, /willReadFrequently/);
});
