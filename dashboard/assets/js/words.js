// What scripts say, in the language of the page: a page brings its sentences with it, as the data of
// an empty template, with `%name%` where something is put in.

/** Those of the page's language, for numbers and dates that scripts write. */
const LOCALES = { it: "it-IT", en: "en-GB" };

export const locale = LOCALES[document.documentElement.lang] ?? LOCALES.it;

const ROME = { timeZone: "Europe/Rome" };

const HOUR = { ...ROME, hour: "2-digit", minute: "2-digit" };
const DAY = locale === LOCALES.it ? { ...ROME, day: "2-digit", month: "2-digit" } : { ...ROME, day: "numeric", month: "short" };

export const hourFormat = new Intl.DateTimeFormat(locale, HOUR);
export const dayFormat = new Intl.DateTimeFormat(locale, DAY);

/** A function that says the sentences of the template `id`, by their names as data attributes. */
export function wordsOf(id) {
  const words = document.getElementById(id)?.dataset ?? {};
  return (name, values = {}) => (words[name] ?? "").replace(/%(\w+)%/g, (_, part) => values[part] ?? "");
}
