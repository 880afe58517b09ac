// What the browser tests share: Chromium without network of its own, the ear for errors, and the
// conversation with the test that started this script.
//
// The test writes one line of JSON on standard input: what to use. A line on standard output that
// begins with "ask " is a wish (kill a process, start it again); a line comes back when it is done,
// empty unless something was asked for. Other lines are told to whoever watches.

import assert from "node:assert/strict";
import fs from "node:fs";
import readline from "node:readline";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

/** Longest wait for anything on a page. */
const PATIENCE_MS = 60000;

/** A script that hangs ends so late. */
const LIFE_MS = 480000;

export const WIDTHS = [320, 768, 1440];

setTimeout(() => {
  console.log("the script took too long");
  process.exit(1);
}, LIFE_MS).unref();

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

export const given = JSON.parse((await lines.next()).value);

export async function ask(wish) {
  console.log(`ask ${wish}`);
  return (await lines.next()).value;
}

/** What each page shows when a story fails: whoever reads the failure was not there. */
async function tell(browser, error) {
  console.log(`failed: ${error.stack ?? error}`);
  for (const page of browser.browser().contexts().flatMap((it) => it.pages())) {
    const shown = await page.evaluate(() => document.body.innerText.slice(0, 3000)).catch(String);
    console.log(`failed on ${page.url()}, which shows:\n${shown}`);
  }
}

/** Runs `story` in a new Chromium and leaves nothing behind. */
export async function inChromium(story) {
  const profile = fs.mkdtempSync(`${given.scratch}/chromium-`);
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: given.chromium,
    headless: true,
    locale: "it-IT",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    await story(browser);
  } catch (error) {
    await tell(browser, error);
    throw error;
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
  lines.return?.();
  process.stdin.destroy();
}

/** A page whose complaints are kept, also those about our content policy. */
export async function newPage(browser) {
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
}

/** Fails when the page has complained of anything that `expected` does not match. */
export function quiet(page, expected = /^$/) {
  const complaints = page.complaints.filter((text) => !expected.test(text));
  assert.deepEqual(complaints, [], "what the browser complained of");
}

export async function signIn(page, { username, password }) {
  await page.goto(`${given.base}/login`);
  await page.fill("#username", username);
  await page.fill("#password", password);
  await Promise.all([page.waitForURL((url) => url.pathname !== "/login"), page.click("main button[type=submit]")]);
}

export async function text(page, selector) {
  return (await page.locator(selector).first().innerText()).replace(/\s+/g, " ").trim();
}

const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** As axe has it, but single shapes are judged as well: our marks are such. */
const CONTRAST = {
  ignoreUnicode: false,
  ignoreLength: true,
  ignorePseudo: false,
  boldValue: 700,
  boldTextPt: 14,
  largeTextPt: 18,
  contrastRatio: { normal: { expected: 4.5, minThreshold: 0, maxThreshold: 0 }, large: { expected: 3, minThreshold: 0, maxThreshold: 0 } },
  pseudoSizeThreshold: 0.25,
  shadowOutlineEmMax: 0.1,
  textStrokeEmMin: 0.03,
};

/** No barrier that axe finds, and no contrast that it could not judge. */
export async function accessible(page, name) {
  // Injected so because the content policy forbids script elements.
  await page.evaluate(axeSource);
  const { violations, incomplete } = await page.evaluate((contrast) => {
    globalThis.axe.configure({ checks: [{ id: "color-contrast", options: contrast }] });
    return globalThis.axe.run(document);
  }, CONTRAST);
  const unclear = incomplete.filter((rule) => rule.id === "color-contrast");
  const found = [...violations, ...unclear].map(({ id, nodes }) => {
    const why = nodes.map((it) => `${it.target} (${it.any.map((check) => check.message).join(", ")})`);
    return `${id}: ${why.join("; ")}`;
  });
  assert.deepEqual(found, [], `barriers on ${name}`);
}

/** Nothing is cut at any width; a picture of each is left for people to judge. */
export async function fitting(page, name) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    await page.evaluate(() => {
      document.activeElement?.blur();
      scrollTo(0, 0);
    });
    // Charts are drawn anew for the width.
    if ((await page.locator("canvas").count()) > 0) await page.waitForTimeout(600);
    await narrow(page, `${name} at ${width}`);
    await page.screenshot({ path: `${given.pictures}/${name}-${width}.png`, fullPage: true });
  }
}

/** How long a page may take to be laid out anew for another width: charts are drawn again. */
const LAID_OUT_MS = 10000;

/** Nothing goes beyond the side of the screen. */
async function narrow(page, name) {
  const fits = () => document.documentElement.scrollWidth <= innerWidth;
  await page.waitForFunction(fits, null, { timeout: LAID_OUT_MS }).catch(() => {});
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(beyond <= 0, `${name} is ${beyond} px too wide`);
}

/**
 * The same page for other eyes: at twice its size, in the colours that somebody has chosen for all
 * pages, and for whoever asked that nothing move.
 */
export async function otherwise(page, name) {
  // What a browser's zoom of two does to a screen of 1440.
  await page.setViewportSize({ width: 720, height: 450 });
  await narrow(page, `${name} at 200 %`);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ forcedColors: "active", colorScheme: "dark", reducedMotion: "reduce" });
  const seen = await page.evaluate((harmless) => {
    // What only comes in sight once, after a while, does not move.
    const isMoving = ({ playState, effect }) => {
      const changes = effect.getKeyframes().flatMap(Object.keys);
      return playState === "running" && (effect.getComputedTiming().iterations === Infinity || !changes.every((it) => harmless.includes(it)));
    };
    return {
      moving: document.getAnimations().filter(isMoving).length,
      // What can be pressed has an edge, or is underlined, when there is no colour to tell it by.
      flat: [...document.querySelectorAll("main button, main a.btn, main summary")]
        .filter((it) => it.checkVisibility())
        .filter((it) => {
          const { borderTopWidth, borderTopStyle, textDecorationLine, display } = getComputedStyle(it);
          const hasEdge = borderTopStyle !== "none" && parseFloat(borderTopWidth) > 0;
          return !hasEdge && textDecorationLine === "none" && display !== "list-item";
        })
        .map((it) => it.outerHTML.slice(0, 80)),
    };
  }, ["offset", "computedOffset", "easing", "composite", "opacity", "visibility"]);
  assert.deepEqual(seen, { moving: 0, flat: [] }, `${name} in forced colours, without motion`);
  await page.screenshot({ path: `${given.pictures}/${name}-forced.png`, fullPage: true });
  await page.emulateMedia({ forcedColors: "none", colorScheme: "light", reducedMotion: "no-preference" });
}

/** All of the page speaks this language, or says which part does not, and no word is missing. */
export async function speaks(page, name, language) {
  const shown = await page.evaluate(() => ({
    languages: [...document.querySelectorAll("html, main")].map((it) => it.lang),
    missing: document.body.innerText.match(/⟦.*?⟧/)?.[0] ?? null,
  }));
  assert.deepEqual(shown, { languages: [language, ""], missing: null }, `${name} in ${language}`);
}

/**
 * The same page for whoever reads English: that all of it is, and that it can be read at every
 * width. Pictures are left. The page is loaded anew, and at the end in Italian again.
 */
export async function inEnglish(page, name) {
  const browser = page.context();
  await browser.addCookies([{ name: "veglia_language", value: "en", url: given.base }]);
  await page.reload();
  await speaks(page, name, "en");
  await accessible(page, `${name} in English`);
  await fitting(page, `${name}-en`);
  await browser.clearCookies({ name: "veglia_language" });
  await page.reload();
}

/** Presses of Tab for each thing on a page: a date has several parts, and a live list may be drawn anew. */
const STEPS_EACH = 9;

/** Everything that can be used is reached with Tab alone, and is seen when it is. */
export async function reachable(page, name) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.evaluate(() => document.activeElement?.blur());
  let left = await unreached(page);
  for (let steps = STEPS_EACH * left.length; steps > 0 && left.length > 0; steps--) {
    await page.keyboard.press("Tab");
    const hidden = await page.evaluate(() => {
      const it = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(it);
      it.setAttribute("data-reached", "");
      const marked = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
      return it === document.body || marked ? null : it.outerHTML.slice(0, 80);
    });
    assert.equal(hidden, null, `focus is not seen on ${name}`);
    left = await unreached(page);
  }
  assert.deepEqual(left, [], `not reached by keyboard on ${name}`);
}

/** What can be used and has not had the focus. Of radio buttons of one name one has it for all. */
async function unreached(page) {
  return page.evaluate(() => {
    const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), textarea, select, summary")];
    const seen = all.filter((it) => it.checkVisibility() && !it.disabled);
    const isReached = (it) => it.hasAttribute("data-reached");
    const group = (it) => seen.filter((other) => other.type === "radio" && other.name === it.name && other.form === it.form);
    const left = seen.filter((it) => !(it.type === "radio" ? group(it).some(isReached) : isReached(it)));
    return left.map((it) => it.outerHTML.slice(0, 80));
  });
}
