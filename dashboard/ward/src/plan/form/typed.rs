//! How times, numbers and days are typed into the form, and how they are read.

use jiff::civil::Date;
use veglia_view::{Expected, VitalKind};
use veglia_words::Words;

/// When a vital sign is expected, as it is typed here.
pub(super) fn when_typed(w: Words, expected: &Expected) -> String {
    let every = w.say("typed-every");
    match expected {
        Expected::EveryMinutes(minutes) => format!("{every} {minutes}"),
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            times.join(", ")
        }
        Expected::Within(hours) => {
            let (from, until, minutes) = (hours.from, hours.until, hours.every_minutes);
            format!("{from}-{until} {every} {minutes}")
        }
    }
}

/// The same read, in either language; times may be short: `8, 14:30`.
pub(super) fn when_read(typed: &str) -> Option<Expected> {
    let typed = typed.to_lowercase();
    let minutes = |text: &str| {
        let text = text.trim();
        let text = text.strip_suffix("min").unwrap_or(text).trim();
        Some(format!("{}m", text.parse::<u32>().ok()?))
    };
    let every = ["ogni", "every"].into_iter();
    if let Some((hours, every)) = every.filter_map(|it| typed.split_once(it)).next() {
        let every = minutes(every)?;
        if hours.trim().is_empty() {
            return every.parse().ok();
        }
        let (from, until) = hours.split_once('-')?;
        let (from, until) = (time_read(from)?, time_read(until)?);
        return format!("{from}-{until}/{every}").parse().ok();
    }
    let times = typed.split([',', ';', ' ']).filter(|time| !time.is_empty());
    let times: Option<Vec<String>> = times.map(time_read).collect();
    times?.join(",").parse().ok()
}

/// `8`, `8:30` and `08.30` as `08:30`.
fn time_read(typed: &str) -> Option<String> {
    let typed = typed.trim().replace('.', ":");
    let (hour, minute) = typed.split_once(':').unwrap_or((&typed, "00"));
    let (hour, is_minute): (u8, bool) = (hour.parse().ok()?, minute.len() == 2);
    is_minute.then(|| format!("{hour:02}:{minute}"))
}

/// `38,5` in the steps of a vital sign; at most one decimal.
pub(super) fn steps_read(vital: VitalKind, typed: &str) -> Option<i32> {
    let typed = typed.replace(',', ".");
    let (whole, tenths) = typed.split_once('.').unwrap_or((&typed, "0"));
    let is_written = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_written(whole) || !is_written(tenths) || tenths.len() != 1 {
        return None;
    }
    let (whole, tenths): (i32, i32) = (whole.parse().ok()?, tenths.parse().ok()?);
    let per_unit = vital.steps_per_unit();
    whole
        .checked_mul(per_unit)?
        .checked_add(tenths * per_unit / 10)
}

/// `2020-11-03`, as browsers send it, or `3/11/2020`, as people write it.
pub(super) fn day_read(typed: &str) -> Option<Date> {
    let as_sent = typed.parse().ok();
    as_sent.or_else(|| {
        let mut parts = typed.split('/').map(str::trim);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let (day, month, year) = (day.parse().ok()?, month.parse().ok()?, year.parse().ok()?);
        Date::new(year, month, day).ok()
    })
}
