// Every page there is, in both languages, as whoever it is for: readable at every width and at
// twice the size, reached by keyboard, without barriers, and in whatever colours somebody has chosen
// for all pages. Which pages there are, the reviewed list of routes says: a page that is not here
// fails.

import assert from "node:assert/strict";
import { accessible, ask, fitting, given, inChromium, newPage, otherwise, quiet, reachable, signIn, speaks, text } from "./harness.mjs";

/** What scripts and programs ask for, plain text, and where a browser only passes through. */
const NO_PAGES = [
  "/licenze",
  "/eventi",
  "/allarmi",
  "/pazienti/{id}/eventi",
  "/pazienti/{id}/andamento",
  "/pazienti/{id}/segni",
  "/di-chi-e/breve",
  "/catena-allarmi",
  "/login/federato",
  "/login/federato/ritorno",
  "/avvisi.js",
  "/assets/{bundle}/{*name}",
  "/consegne/ricevuta",
  "/wall/{secret}/eventi",
  "/pazienti/{id}/copia/dati.json",
  "/pazienti/{id}/copia/misure.csv",
  "/cittadino/entra/{secret}",
  "/healthz",
  "/readyz",
];

/**
 * Seen on the way to something: a code that is asked for, here or by another script; a kit; and what
 * only a laboratory's computer sends, on the page of a result.
 */
const ELSEWHERE = ["/login/codice", "/kit/{device}", "/cittadino/codice", "/laboratorio/messaggi/{number}"];

/** Each page: its route, and who looks at it. */
const PAGES = [
  ["/login", "nobody"],
  ["/avvisi/{secret}", "nobody"],
  ["/wall/{secret}", "nobody"],
  ["/cittadino/entra", "nobody"],
  ["/cittadino/tamponi", "nobody"],
  ["/cittadino", "citizen"],
  ["/cittadino/sintomi", "citizen"],
  ["/cittadino/accessi", "citizen"],
  ["/", "nurse"],
  ["/pazienti/{id}", "nurse"],
  ["/pazienti/{id}/piano", "doctor"],
  ["/pazienti/{id}/diario", "nurse"],
  ["/pazienti/{id}/scheda", "nurse"],
  ["/pazienti/{id}/accessi", "nurse"],
  ["/pazienti/{id}/affidamento", "nurse"],
  ["/pazienti/{id}/consensi", "nurse"],
  ["/pazienti/{id}/oscuramento", "nurse"],
  ["/pazienti/{id}/copia", "doctor"],
  ["/pazienti/{id}/documenti", "doctor"],
  ["/pazienti/{id}/documenti/{kind}", "doctor"],
  ["/pazienti/{id}/telefonata", "nurse"],
  ["/pazienti/{id}/telefonata/{call}", "nurse"],
  ["/pazienti/{id}/bisogni", "nurse"],
  ["/pazienti/{id}/scheda-112", "nurse"],
  ["/pazienti/{id}/sintesi", "family"],
  ["/pazienti/nuovo", "nurse"],
  ["/telefonate", "nurse"],
  ["/segnalazioni", "nurse"],
  ["/casi", "nurse"],
  ["/laboratorio", "nurse"],
  ["/laboratorio/risultati/{number}", "nurse"],
  ["/passaggio-consegne", "nurse"],
  ["/passaggio-consegne/{number}", "doctor"],
  ["/notte", "nurse"],
  ["/notte/{number}", "night"],
  ["/notte/mattina", "night"],
  ["/dispositivi", "admin"],
  ["/dispositivi/nuovo", "admin"],
  ["/dispositivi/gateway/{id}/domande", "admin"],
  ["/dispositivi/gateway/{id}/revoca", "admin"],
  ["/dispositivi/assegna/{device}", "nurse"],
  ["/dispositivi/scheda/{device}", "nurse"],
  ["/dispositivi/tesserino/{device}", "nurse"],
  ["/di-chi-e", "nurse"],
  ["/kit", "nurse"],
  ["/reperibilita", "nurse"],
  ["/medico", "family"],
  ["/medico/riepilogo", "family"],
  ["/medico/segnala", "family"],
  ["/miei-pazienti", "hospital"],
  ["/accesso-urgente", "doctor"],
  ["/account", "nurse"],
  ["/account/codici", "nurse"],
  ["/account/passkey", "nurse"],
  ["/account/conferma", "nurse"],
  ["/account/identita", "nurse"],
  ["/account/token", "nurse"],
  ["/utenti", "admin"],
  ["/utenti/{account}", "admin"],
  ["/utenti/{account}/token", "admin"],
  ["/schermi", "admin"],
  ["/cancellazioni", "admin"],
  ["/registro", "auditor"],
];

/** The routes of the list and those here are the same. */
function noneIsForgotten() {
  const known = [...NO_PAGES, ...ELSEWHERE, ...PAGES.map(([route]) => route)];
  const isMissing = (all) => (route) => !all.includes(route) && !route.startsWith("/api/");
  assert.deepEqual(given.routes.filter(isMissing(known)), [], "pages that this script does not look at");
  assert.deepEqual(known.filter(isMissing(given.routes)), [], "pages that are no more");
}

/** One page for each who looks, each signed in. */
async function everybody(browser) {
  const all = {};
  for (const who of new Set(PAGES.map(([, who]) => who))) {
    const context = await browser.browser().newContext({ locale: "it-IT" });
    all[who] = await newPage(context);
    if (given[who]) await signIn(all[who], given[who]);
  }
  return all;
}

async function press(page, selector) {
  await Promise.all([page.waitForEvent("load"), page.locator(selector).first().click()]);
}

/** A laboratory's sheet: a positive, one of nobody, one without a telephone. */
const SHEET = (day) => `campione;codice_fiscale;telefono;prelievo;referto;esame;esito
A1;CCCFBA85D03L219P;3337654321;${day} 08:30;${day} 09:30;molecolare;positivo
A2;CCCFBA85D03L219X;3337654321;${day};;antigenico;boh
A3;RSSMRA85M01H501Q;;${day} 08:30;${day} 09:30;molecolare;positivo
`;

/** Results are uploaded; two of them wait for a person. */
async function resultsCame(nurse) {
  const yesterday = new Date(Date.now() - 86400000).toLocaleDateString("it-IT", { day: "2-digit", month: "2-digit", year: "numeric" });
  await nurse.goto(`${given.base}/laboratorio`);
  await nurse.fill("#laboratory", "SANPROVA");
  await nurse.fill("#text", SHEET(yesterday));
  await press(nurse, "button[value=preview]");
  await accessible(nurse, "a sheet before it is kept");
  await fitting(nurse, "laboratory-preview");
  await press(nurse, "button[value=keep]");
  await nurse.goto(`${given.base}/laboratorio`);
  const waiting = "a[href^='/laboratorio/risultati/']";
  const bothWait = (links) => document.querySelectorAll(links).length === 2 || (location.reload(), false);
  await nurse.waitForFunction(bothWait, waiting, { polling: 1000 });
  return nurse.locator(waiting).first().getAttribute("href");
}

/** Whoever tested positive comes in with a code by SMS. */
async function aCitizenComesIn(page) {
  await page.goto(`${given.base}/cittadino/entra`);
  await page.fill("#telefono", "333 7654321");
  await page.fill("#codice-fiscale", "CCCFBA85D03L219P");
  await press(page, "main button[type=submit]");
  assert.equal(new URL(page.url()).pathname, "/cittadino/codice");
  await accessible(page, "a citizen's code");
  await reachable(page, "a citizen's code");
  await fitting(page, "citizen-code");
  await page.fill("#codice", await ask("code"));
  await press(page, "main button[type=submit]");
  assert.equal(new URL(page.url()).pathname, "/cittadino");
}

const last = (page) => new URL(page.url()).pathname.split("/").at(-1);

/** What has to be there before it can be looked at; what each route is called by then. */
async function prepared({ nurse, admin, citizen }) {
  const result = await resultsCame(nurse);
  await aCitizenComesIn(citizen);
  await nurse.goto(`${given.base}/passaggio-consegne`);
  await nurse.fill("#words", "La stampante è guasta");
  await press(nurse, "main button[value=write]");
  const handover = last(nurse);
  await nurse.goto(`${given.base}/notte`);
  await nurse.fill("#words", "Guardia medica avvisata");
  await press(nurse, "main button[value=write]");
  const night = last(nurse);
  await nurse.goto(`${given.base}/pazienti/${given.patient}/telefonata`);
  await nurse.fill("#spo2", "97");
  await press(nurse, "main button[value=check]");
  await press(nurse, "main button[value=save]");
  const call = last(nurse);
  await admin.goto(`${given.base}/schermi`);
  await admin.fill("#screen-name", "Sala operativa");
  await press(admin, "main form button[type=submit]");
  const wall = await admin.getAttribute(".screen-address a", "href");
  await admin.goto(`${given.base}/utenti`);
  const account = await admin.getAttribute("main tbody tr:has-text('Ferri') a", "href");
  const device = encodeURIComponent(given.device);
  return (route) => {
    const named = {
      "/avvisi/{secret}": given.notice,
      "/wall/{secret}": wall,
      "/pazienti/{id}/telefonata/{call}": `/pazienti/${given.patient}/telefonata/${call}`,
      "/passaggio-consegne/{number}": `/passaggio-consegne/${handover}`,
      "/notte/{number}": `/notte/${night}`,
      "/laboratorio/risultati/{number}": result,
      "/utenti/{account}": account,
      "/utenti/{account}/token": `${account}/token`,
      "/pazienti/{id}/documenti/{kind}": `/pazienti/${given.patient}/documenti/piano`,
      "/account/conferma": "/account/conferma?verso=codici",
    };
    const home = route.startsWith("/dispositivi/gateway") ? given.gateway : given.patient;
    return named[route] ?? route.replace("{id}", home).replace("{device}", device);
  };
}

const nameOf = (route) => `page-${route.replaceAll(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "ward"}`;

async function looked(page, address, name) {
  for (const language of ["it", "en"]) {
    await page.context().addCookies([{ name: "veglia_language", value: language, url: given.base }]);
    const answer = await page.goto(`${given.base}${address}`);
    assert.equal(answer.status(), 200, `${name} is there`);
    await page.waitForSelector("main h1, #wall");
    const said = language === "it" ? name : `${name}-${language}`;
    await speaks(page, name, language);
    await accessible(page, said);
    await fitting(page, said);
    if (language === "it") {
      await reachable(page, name);
      await otherwise(page, name);
    }
  }
}

/** What is refused is a sentence, in both languages, and not the end of the way. */
async function refusals({ nurse: page }) {
  for (const [name, address, status] of [
    ["nowhere", "/nulla", 404],
    ["forbidden", "/utenti", 403],
    ["stranger", "/pazienti/00000000000000ff", 404],
  ]) {
    for (const language of ["it", "en"]) {
      await page.context().addCookies([{ name: "veglia_language", value: language, url: given.base }]);
      const answer = await page.goto(`${given.base}${address}`);
      assert.equal(answer.status(), status);
      await speaks(page, name, language);
      await accessible(page, `${name} in ${language}`);
      await fitting(page, `fault-${name}${language === "it" ? "" : "-en"}`);
    }
  }
}

/** A text that is too long is not written, and is still there on the page before. */
async function tooMuch({ nurse: page }) {
  await page.context().addCookies([{ name: "veglia_language", value: "it", url: given.base }]);
  await page.goto(`${given.base}/pazienti/${given.patient}/diario`);
  await page.goto(`${given.base}/accesso-urgente`);
  await page.fill("#codice_fiscale", "RSSMRA85M01H501Q");
  await page.evaluate(() => {
    const field = document.getElementById("motivo");
    field.removeAttribute("maxlength");
    field.value = "a".repeat(500_000);
  });
  await press(page, "main button[type=submit]");
  assert.match(await text(page, "main"), /Troppo in una volta Nulla è stato scritto: il testo inviato è troppo lungo/);
  await accessible(page, "too much");
  await fitting(page, "fault-large");
}

await inChromium(async (browser) => {
  noneIsForgotten();
  const all = await everybody(browser);
  const addressOf = await prepared(all);
  // All that is wrong is told at once: a run is long.
  const wrong = [];
  for (const [route, who] of PAGES) {
    const began = Date.now();
    try {
      await looked(all[who], addressOf(route), nameOf(route));
      console.log(`page: ${route} as ${who} in ${Date.now() - began} ms`);
    } catch (error) {
      wrong.push(`${route}: ${error.message}`);
      console.log(`page: ${route} as ${who}: ${error.message}`);
    }
  }
  assert.deepEqual(wrong, []);
  await refusals(all);
  await tooMuch(all);
  for (const page of Object.values(all)) quiet(page, /status of (403|404|413|503)/);
});
