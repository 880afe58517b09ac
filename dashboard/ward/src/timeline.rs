//! The whole diary of a patient as a page: every line with where it comes from, by kind, page by
//! page; and for each day the readings worth keeping.
//!
//! A page ends at a moment, never in the middle of one: what was written in the same millisecond
//! stands together, so that the next page leaves nothing out. A wrong entry stays and is corrected
//! by another one beside it.
//!
//! **Readings worth keeping** are the lowest and the highest clean value of each day, with their
//! hours: of a million readings what a person looks for first. They come from ingest; when it does
//! not answer the page says so and shows the rest.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use veglia_diary::{Line, diary_of};
use veglia_view::{Bucket, Dot, PatientId, Trend, TrendAsk, VitalKind, WallMs};
use veglia_words::{Key, Words};

use crate::acts::ActForm;
use crate::history::{self, Entry, Kind};
use crate::line::nameless;
use crate::patient::{PageError, Sources};
use crate::{WORDS, access, book, identity, words};

/// Entries on a page: what a person reads without losing the thread.
const PAGE: usize = 50;

/// Lines read at once while entries of a kind are looked for.
const AT_ONCE: u64 = 200;

/// How often: a kind that is rarer than one in some thousands is found on a later page.
const ROUNDS: usize = 20;

/// How far back readings are looked at, in days: as far as the longest curve.
const DAYS: i64 = 14;

const HOUR_MS: i64 = 3_600_000;

/// How far ahead: what a clock that runs ahead wrote is shown too.
const AHEAD_MS: i64 = 86_400_000;

/// What is asked for in an address: a kind, and before when.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct DiaryQuery {
    /// The code of a kind; every kind when it is none.
    #[serde(default)]
    pub tipo: String,
    /// Only what was written before this moment, in milliseconds.
    pub prima: Option<i64>,
}

/// A patient's diary, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "diary.html")]
pub struct DiaryPage {
    w: Words,
    name: String,
    patient: String,
    notice: Option<String>,
    /// Code, name, and whether it is the chosen one.
    kinds: Vec<(&'static str, Key, bool)>,
    entries: Vec<Entry>,
    /// Whether the newest are not on this page.
    is_later: bool,
    /// Where older entries begin, if there are any.
    older: Option<WallMs>,
    /// Whether readings are not among them, because ingest does not answer.
    is_missing: bool,
    draft: ActForm,
}

impl DiaryPage {
    /// A page of the diary; none when nobody is known under this identifier. Writes in the access
    /// log that the actor reads it.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(
        sources: Sources<'_>,
        patient: PatientId,
        query: &DiaryQuery,
    ) -> Result<Option<Self>, PageError> {
        let (record, actor) = (sources.record, sources.actor);
        let person = identity::known(record, actor, patient).await?;
        let now = sources.last.now().unwrap_or(sources.fallback_now);
        let chosen = Kind::ALL.into_iter().find(|it| it.code() == query.tipo);
        let until = query.prima.map_or(now.plus_ms(AHEAD_MS), WallMs);
        access::opens_diary(record, actor, patient, sources.fallback_now)
            .await
            .map_err(PageError::Access)?;
        let found = find(sources, patient, chosen, until).await?;
        if person.is_none() && found.lines.is_empty() && query.prima.is_none() {
            return Ok(None);
        }
        let signed = book::signatures(record, actor).await;
        let signed = signed.map_err(|error| PageError::Names(Box::new(error)))?;
        let w = WORDS.speaking(sources.language);
        let mut entries = history::entries(w, &found.lines, &signed, now);
        let mut is_missing = false;
        if chosen.is_none_or(|kind| kind == Kind::Measure) {
            match kept(w, sources, patient, now).await {
                Ok(kept) => {
                    let from = found.older.unwrap_or(WallMs(i64::MIN));
                    let here = |entry: &Entry| from <= entry.at && entry.at < until;
                    entries.extend(kept.into_iter().filter(here));
                    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
                }
                Err(()) => is_missing = true,
            }
        }
        Ok(Some(Self {
            w,
            name: person
                .as_ref()
                .map_or_else(|| nameless(w, patient), identity::full_name),
            patient: patient.to_string(),
            notice: None,
            kinds: kinds(chosen),
            entries,
            is_later: query.prima.is_some(),
            older: found.older,
            is_missing,
            draft: ActForm::default(),
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("diary-title", "name", &self.name).to_string()
    }

    /// The same page with a sentence on top and what was typed still in its field.
    #[must_use]
    pub fn refusing(self, sentence: String, form: ActForm) -> Self {
        Self {
            notice: Some(sentence),
            draft: form,
            ..self
        }
    }

    /// What was typed to correct an entry, and not written.
    fn typed(&self, entry: i64) -> &str {
        if self.draft.entry == entry.to_string() {
            &self.draft.words
        } else {
            ""
        }
    }

    /// The kind in addresses of this list; empty for every kind.
    fn chosen(&self) -> &str {
        let chosen = self.kinds.iter().find(|it| it.2);
        chosen.map_or("", |it| it.0)
    }
}

fn kinds(chosen: Option<Kind>) -> Vec<(&'static str, Key, bool)> {
    let all = ("", Key("kind-all"), chosen.is_none());
    let kinds = Kind::ALL.into_iter();
    let kinds = kinds.map(|kind| (kind.code(), kind.name(), chosen == Some(kind)));
    std::iter::once(all).chain(kinds).collect()
}

/// Lines of a page, and where older ones begin.
struct Found {
    lines: Vec<Line>,
    older: Option<WallMs>,
}

async fn find(
    sources: Sources<'_>,
    patient: PatientId,
    chosen: Option<Kind>,
    until: WallMs,
) -> Result<Found, PageError> {
    let (record, actor) = (sources.record, sources.actor);
    let mut lines: Vec<Line> = Vec::new();
    let mut before = until;
    if chosen == Some(Kind::Measure) {
        return Ok(Found { lines, older: None });
    }
    for _ in 0..ROUNDS {
        let read = diary_of(record, actor, patient, WallMs(0)..before, AT_ONCE).await;
        let mut read = read.map_err(PageError::Diary)?;
        let is_cut = u64::try_from(read.len()).is_ok_and(|count| count >= AT_ONCE);
        if is_cut {
            // The last moment may go on beyond the cut.
            let last = read.last().map(|line| line.at);
            let whole = read.iter().take_while(|line| Some(line.at) != last).count();
            if whole > 0 {
                read.truncate(whole);
            }
        }
        before = read.last().map_or(before, |line| line.at);
        let is_wanted = |line: &Line| chosen.is_none_or(|kind| history::kind(line) == kind);
        lines.extend(read.into_iter().filter(is_wanted));
        if let Some(last) = lines.get(PAGE - 1).map(|line| line.at) {
            let kept = lines.iter().take_while(|line| line.at >= last).count();
            let is_more = is_cut || kept < lines.len();
            lines.truncate(kept);
            return Ok(Found {
                lines,
                older: is_more.then_some(last),
            });
        }
        if !is_cut {
            return Ok(Found { lines, older: None });
        }
    }
    Ok(Found {
        lines,
        older: Some(before),
    })
}

/// The lowest and the highest clean value of each of the last days, an entry a day and vital sign.
async fn kept(
    w: Words,
    sources: Sources<'_>,
    patient: PatientId,
    now: WallMs,
) -> Result<Vec<Entry>, ()> {
    let Some((from, to)) = days(now) else {
        return Ok(Vec::new());
    };
    // Whole hours, so that a day of twenty-three or twenty-five hours has its own.
    let hours = u32::try_from(to.since(from) / HOUR_MS).unwrap_or(1);
    let mut entries = Vec::new();
    for vital in VitalKind::ALL {
        let ask = TrendAsk {
            patient,
            vital,
            from,
            to,
            buckets: hours,
        };
        let trend = sources.view.trend(ask).await.map_err(|error| {
            tracing::warn!(
                error = book::story(&error),
                "readings of the diary were not read"
            );
        })?;
        entries.extend(extremes(w, vital, &trend, now));
    }
    Ok(entries)
}

/// From the first midnight to the last, in Rome.
fn days(now: WallMs) -> Option<(WallMs, WallMs)> {
    let today = words::day(now)?;
    let first = today.checked_sub(jiff::Span::new().days(DAYS - 1)).ok()?;
    Some((
        words::midnight(first)?,
        words::midnight(today.tomorrow().ok()?)?,
    ))
}

fn extremes(w: Words, vital: VitalKind, trend: &Trend, now: WallMs) -> Vec<Entry> {
    let mut days: BTreeMap<Date, Vec<&Bucket>> = BTreeMap::new();
    for bucket in &trend.buckets {
        if let Some(day) = words::day(bucket.from) {
            days.entry(day).or_default().push(bucket);
        }
    }
    let entry = |(day, buckets): (&Date, &Vec<&Bucket>)| {
        let clean = || buckets.iter().filter_map(|it| it.clean);
        let lowest: Dot = clean().map(|it| it.min).min_by_key(|dot| dot.steps)?;
        let highest: Dot = clean().map(|it| it.max).max_by_key(|dot| dot.steps)?;
        let at = clean().map(|it| it.last.at).max()?;
        let count: u64 = buckets.iter().map(|it| it.n).sum();
        let doubtful: u64 = buckets.iter().map(|it| it.flagged).sum();
        let said = |dot: Dot| {
            let value = words::value(w, vital, dot.steps);
            format!("{value} {}", words::at_time(w, dot.at, dot.at))
        };
        let of = if words::day(now) == Some(*day) {
            w.say("extremes-today").into_owned()
        } else {
            w.language.day_of_year(at)
        };
        let doubtful = match doubtful {
            0 => String::new(),
            some => format!(", {}", w.with("extremes-doubtful", "n", some)),
        };
        let text = w
            .with("extremes", "vital", words::vital_name(w, vital))
            .and("day", of)
            .and("lowest", said(lowest))
            .and("highest", said(highest));
        Some(Entry {
            at,
            time: w.language.exactly(at),
            kind: Kind::Measure.code(),
            text: text.to_string(),
            note: String::new(),
            from: format!("{}{doubtful}", w.with("extremes-from", "n", count)),
            correctable: None,
            corrected: String::new(),
        })
    };
    days.iter().filter_map(entry).collect()
}
