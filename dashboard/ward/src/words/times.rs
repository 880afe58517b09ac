//! Moments and spans of time in sentences.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use veglia_view::WallMs;
use veglia_words::{Key, Words};

pub(crate) const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn local(at: WallMs) -> Option<Zoned> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let timestamp = Timestamp::from_millisecond(at.0).ok()?;
    Some(timestamp.to_zoned(zone))
}

/// The calendar day in Rome.
pub(crate) fn day(at: WallMs) -> Option<Date> {
    local(at).map(|at| at.date())
}

/// When a calendar day begins in Rome.
pub(crate) fn midnight(day: Date) -> Option<WallMs> {
    let zone = TimeZone::get("Europe/Rome").ok()?;
    let begins = day.to_zoned(zone).ok()?;
    Some(WallMs(begins.timestamp().as_millisecond()))
}

/// A moment of today by `today`, of another day by `before`, which names the day too.
fn moment(w: Words, (today, before): (Key, Key), at: WallMs, now: WallMs) -> String {
    let hour = w.language.hour(at);
    if day(at) == day(now) {
        return w.with(today, "hour", hour).to_string();
    }
    let said = w.with(before, "hour", hour);
    said.and("day", w.language.day_of_year(at)).to_string()
}

/// `alle 14:05`, `il 21/11 alle 14:05`.
pub(crate) fn at_time(w: Words, at: WallMs, now: WallMs) -> String {
    moment(w, (Key("time-at-hour"), Key("time-at-day")), at, now)
}

/// `dalle 12:40`, `dal 21/11 alle 12:40`.
pub(crate) fn since_time(w: Words, at: WallMs, now: WallMs) -> String {
    moment(w, (Key("time-since-hour"), Key("time-since-day")), at, now)
}

/// `fino alle 12:40`, `fino al 21/11 alle 12:40`.
pub(crate) fn until_time(w: Words, at: WallMs, now: WallMs) -> String {
    moment(w, (Key("time-until-hour"), Key("time-until-day")), at, now)
}

/// How long: `meno di 1 min`, `2 min`, `3 h`, `2 giorni`.
pub(crate) fn span(w: Words, ms: i64) -> String {
    match (ms / MINUTE_MS, ms / HOUR_MS, ms / DAY_MS) {
        (..1, ..) => w.say("span-instant").into_owned(),
        (minutes, ..1, _) => w.with("span-minutes", "n", minutes).to_string(),
        (_, hours, ..1) => w.with("span-hours", "n", hours).to_string(),
        (.., days) => w.with("span-days", "n", days).to_string(),
    }
}

/// How long ago: `adesso`, `2 min fa`. A time to come is a wrong clock at home, and is said.
pub(crate) fn age(w: Words, at: WallMs, now: WallMs) -> String {
    match now.since(at) {
        ms if ms <= -MINUTE_MS => w.say("age-future").into_owned(),
        ms if ms < MINUTE_MS => w.say("age-now").into_owned(),
        ms => w.with("age-ago", "span", span(w, ms)).to_string(),
    }
}

/// For how long something stands there, or somebody waits: `da 3 h`, `attende da 10 min`.
pub(crate) fn lasting(w: Words, waits: bool, ms: i64) -> String {
    let key = match waits {
        true => Key("lasting-waits"),
        false => Key("lasting-since"),
    };
    w.with(key, "span", span(w, ms.max(0))).to_string()
}
