//! What happened to a doctor's patients since yesterday, or since a day that they choose: plain
//! text, to be copied into their own record.
//!
//! Values come from ingest; when it does not answer the text says so and has the rest. The page
//! also holds the hour at which the doctor wants to be told that the summary waits.

use std::collections::HashMap;
use std::fmt::Write;

use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use veglia_diary::{LINES_MAX, Line, Told, Written, diary_of, open_flags_of};
use veglia_people::{patients, staff};
use veglia_view::{PatientId, Severity, Standing, Trend, TrendAsk, VitalKind, WallMs};
use veglia_words::{Key, Words};

use crate::desk::{Desk, DoctorError, Own};
use crate::digest;
use crate::found::{LOOK_BACK_MS, told};
use crate::say;

/// Without a day: since yesterday at this hour.
const DAY_MS: i64 = 24 * 3_600_000;

/// How far back a day may be: as far as the longest curve.
const BACK_MS: i64 = 14 * DAY_MS;

const PURPOSE: &str = "patient.digest";

/// What an address of the summary says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct SummaryQuery {
    /// Since which day, `2020-11-20`; since yesterday at this hour when it is none.
    #[serde(default)]
    pub da: String,
    /// Whether the hour was just written.
    #[serde(default)]
    pub fatto: String,
}

/// The summary, to be framed by a door.
#[derive(Template)]
#[template(path = "summary.html")]
pub struct SummaryPage {
    w: Words,
    from: String,
    text: String,
    rows: usize,
    is_saved: bool,
    fault: Option<Key>,
    /// The hour of the digest, as a field has it; empty for none.
    hour: String,
}

impl SummaryPage {
    /// The summary as it is now.
    ///
    /// # Errors
    /// See [`DoctorError`].
    pub async fn load(desk: Desk<'_>, query: &SummaryQuery) -> Result<Self, DoctorError> {
        let day: Option<Date> = query.da.trim().parse().ok();
        let from = day.and_then(digest::midnight);
        let earliest = desk.now.plus_ms(-BACK_MS);
        let from = from.map_or(desk.now.plus_ms(-DAY_MS), |from| from.max(earliest));
        let from = from.min(desk.now);
        let text = text(desk, from).await?;
        let hour = digest::minute_of(desk.record, desk.who).await?;
        Ok(Self {
            w: desk.words(),
            from: digest::day(from).map_or_else(String::new, |day| day.to_string()),
            // Lines are longer than a telephone is wide.
            rows: (text.lines().count() + 4).clamp(8, 40),
            text,
            is_saved: query.fatto == "ora",
            fault: None,
            hour: hour.map_or_else(String::new, digest::clock),
        })
    }

    /// The same page with what was typed for an hour and is none.
    #[must_use]
    pub fn refusing(self, typed: String) -> Self {
        Self {
            fault: Some(Key("summary-hour-fault")),
            hour: typed,
            ..self
        }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("summary-title").into_owned()
    }
}

async fn text(desk: Desk<'_>, from: WallMs) -> Result<String, DoctorError> {
    let (words, now) = (desk.words(), desk.now);
    let own = desk.own().await?;
    desk.looks_at(PURPOSE, own.iter().map(|it| it.patient))
        .await?;
    let names = staff::signatures(desk.record, &desk.who.actor()).await;
    let names = names.map_err(DoctorError::People)?;
    let language = words.language;
    let head = words.with("summary-head", "from", language.moment(from));
    let mut text = head.and("now", language.moment(now)).to_string();
    text.push('\n');
    let mut quiet = Vec::new();
    let mut is_lost = false;
    for own in &own {
        let mut part = happened(desk, own.patient, from, &names).await?;
        if !is_lost {
            match values(desk, own.patient, from).await {
                Some(values) if values.is_empty() => {}
                Some(values) => part.insert(0, values.join("; ")),
                None => is_lost = true,
            }
        }
        if part.is_empty() {
            quiet.push(own.name.as_str());
            continue;
        }
        text.push_str(&headed(desk, own).await?);
        for line in part {
            text.push_str("- ");
            text.push_str(&line);
            text.push('\n');
        }
    }
    for (is_said, line) in [
        (is_lost, words.say("summary-lost").into_owned()),
        (
            !quiet.is_empty(),
            words
                .with("summary-quiet", "who", quiet.join("; "))
                .to_string(),
        ),
        (own.is_empty(), words.say("inbox-no-patients").into_owned()),
    ] {
        if is_said {
            text.push('\n');
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// Who it is, and for whom the reader stands in.
async fn headed(desk: Desk<'_>, own: &Own) -> Result<String, DoctorError> {
    let person = patients::get(desk.record, &desk.who.actor(), own.person).await;
    let person = person.map_err(DoctorError::Person)?;
    let mut line = format!("\n{}", own.name);
    if let Some(person) = person {
        line.push_str(", ");
        line.push_str(person.details.codice_fiscale.as_str());
    }
    if let Some(doctor) = &own.in_place_of {
        let said = desk.words().with("inbox-in-place", "who", doctor);
        // Writing into a text does not fail.
        write!(line, " ({said})").unwrap_or_default();
    }
    line.push('\n');
    Ok(line)
}

/// What was said and done of a patient, a line each, the oldest first.
pub(crate) async fn happened(
    desk: Desk<'_>,
    patient: PatientId,
    from: WallMs,
    names: &HashMap<String, String>,
) -> Result<Vec<String>, DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let stretch = from.plus_ms(-LOOK_BACK_MS)..desk.now.plus_ms(1);
    let lines = diary_of(record, &actor, patient, stretch, LINES_MAX).await;
    let lines = lines.map_err(DoctorError::Diary)?;
    let open = open_flags_of(record, &actor, patient).await;
    let open = open.map_err(DoctorError::Diary)?;
    let is_open = |it: &Told| open.iter().any(|open| open.flag.id == it.flag.id);
    let is_late = |it: &Told| it.ended.is_some_and(|(_, at)| at >= from) || it.raised_at >= from;
    let raised = told(&lines).into_values();
    let raised = raised.filter(|it| is_told(it) && (is_late(it) || is_open(it)));
    let raised = raised.map(|it| (it.raised_at, alert(desk, &it)));
    let mut said: Vec<(WallMs, String)> = raised.collect();
    let acts = lines.iter().filter(|line| line.at >= from);
    said.extend(acts.filter_map(|line: &Line| match &line.what {
        Written::Act(act) => Some((act.at, say::did(desk.words(), act, names, desk.now))),
        _ => None,
    }));
    said.sort_by_key(|(at, _)| *at);
    Ok(said.into_iter().map(|(_, line)| line).collect())
}

/// What a doctor is told of: what was confirmed and stands.
fn is_told(it: &Told) -> bool {
    let is_confirmed = matches!(it.flag.standing, Standing::Confirmed { .. });
    is_confirmed && it.stands() && it.flag.severity > Severity::Technical
}

/// An alert in a line: since when, how grave, why, and how it ended.
fn alert(desk: Desk<'_>, it: &Told) -> String {
    let (words, now) = (desk.words(), desk.now);
    let (_, _, severity) = say::severity(it.flag.severity);
    let time = words.language.hour_of(it.raised_at, now);
    let mut line = format!(
        "{time} {}: {}",
        words.say(severity),
        say::why(words, &it.flag, now)
    );
    if let Some((why, at)) = it.ended {
        let why = words.say(say::ended(why));
        let time = words.language.hour_of(at, now);
        let said = words.with("inbox-over", "why", why).and("time", time);
        line.push_str(". ");
        line.push_str(&said.to_string());
    }
    line
}

/// The lowest, highest and last clean value of each vital sign; none when ingest does not answer.
pub(crate) async fn values(
    desk: Desk<'_>,
    patient: PatientId,
    from: WallMs,
) -> Option<Vec<String>> {
    let mut said = Vec::new();
    for vital in VitalKind::ALL {
        let ask = TrendAsk {
            patient,
            vital,
            from,
            to: desk.now.plus_ms(1),
            buckets: 1,
        };
        match desk.view.trend(ask).await {
            Ok(trend) => said.extend(extremes(desk, vital, &trend)),
            Err(error) => {
                tracing::warn!(%error, "values of a summary were not read");
                return None;
            }
        }
    }
    Some(said)
}

fn extremes(desk: Desk<'_>, vital: VitalKind, trend: &Trend) -> Option<String> {
    let words = desk.words();
    let clean = || trend.buckets.iter().filter_map(|bucket| bucket.clean);
    let lowest = clean().map(|it| it.min.steps).min()?;
    let highest = clean().map(|it| it.max.steps).max()?;
    let last = clean().map(|it| it.last).max_by_key(|dot| dot.at)?;
    let range = format!(
        "{}–{}",
        say::number(words, vital, lowest),
        say::value(words, vital, highest)
    );
    let said = words
        .with("summary-values", "what", words.say(say::vital(vital)))
        .and("range", range)
        .and("last", say::value(words, vital, last.steps))
        .and("time", words.language.hour_of(last.at, desk.now));
    Some(said.to_string())
}
