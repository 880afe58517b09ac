//! The ladder as data: who is called after how long, with the source of every number.
//!
//! A file is refused whole, with the line and the reason: a course that is missing or climbs
//! backwards would be found out at night.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Time;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use veglia_triage::{Calling, RuleName, Severity};
use veglia_wire::WallMs;

use super::State;
use super::hours::Hours;
use crate::alerts::pages::{Callee, PageWhy};

/// Longest time in a course, in minutes: a week. Nobody waits longer for anything here.
const MINUTES_MAX: u32 = 7 * 24 * 60;

/// The ladders that this program brings along; the first is the usual one.
const FILES: [&str; 2] = [
    include_str!("../../ladders/home-2020.toml"),
    include_str!("../../ladders/doctor-first-2020.toml"),
];

static SHIPPED: LazyLock<[Ladder; 2]> = LazyLock::new(|| {
    let hours = include_str!("../../ladders/hours-italy.toml");
    FILES.map(|text| {
        let ladder = Ladder::parse(text, hours);
        ladder.expect("a test reads every shipped ladder")
    })
});

/// Why a text is no ladder: the first fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the ladder: {reason}")]
pub struct LadderError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// Who is called, when, and for how long somebody keeps an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ladder {
    /// The file's name, by which a plan names it: `home-2020`.
    pub name: String,
    /// Who is called, in the words of the centre's staff.
    pub title: String,
    /// The file's name and version: `home-2020-1`.
    pub version: String,
    pub(super) seen_within_ms: i64,
    pub(super) digest_at: Time,
    pub(super) hours: Hours,
    red: Course,
    amber: Course,
    technical: Course,
    /// Courses of single rules, each for its severity.
    of_rules: Vec<(Severity, Vec<RuleName>, Course)>,
}

/// The ladder of one severity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// How long a person keeps it.
    pub charge_ms: i64,
    /// The same once its episode is over and it only waits to be closed.
    pub charge_over_ms: i64,
    /// Longest snooze.
    pub snooze_ms: i64,
    /// When the family doctor is told.
    pub family_doctor: Telling,
    /// Who is informed in the family doctor's stead outside the hours.
    pub outside_hours: Vec<Callee>,
    /// In order of time.
    pub rungs: Vec<Rung>,
    /// What happens above the last rung, again and again.
    pub again: Again,
}

impl Course {
    /// Whether a function is called by it at all.
    #[must_use]
    pub fn calls(&self, callee: Callee) -> bool {
        let by_rung = self.rungs.iter().any(|rung| rung.callee == callee);
        by_rung || self.again.callees.contains(&callee)
    }
}

/// When the family doctor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Telling {
    /// At once in hours, else at opening.
    AtOnce,
    /// Once a day.
    Digest,
    /// Not at all.
    Never,
}

/// One step up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    /// After the first.
    pub after_ms: i64,
    /// Who is called.
    pub callee: Callee,
    /// Why.
    pub why: PageWhy,
}

/// What happens above the last rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// How often.
    pub every_ms: i64,
    /// Who is called; never nobody.
    pub callees: Vec<Callee>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    id: String,
    title: String,
    version: u32,
    family_doctor: Spanned<DoctorText>,
    course: Vec<Spanned<CourseText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoctorText {
    seen_within_minutes: u32,
    digest_at: Time,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CourseText {
    severity: Severity,
    #[serde(default)]
    rules: Vec<RuleName>,
    charge_minutes: u32,
    charge_over_minutes: u32,
    snooze_minutes: u32,
    source: String,
    informed: Spanned<InformedText>,
    rung: Vec<Spanned<RungText>>,
    again: Spanned<AgainText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InformedText {
    family_doctor: Telling,
    outside_hours: Vec<Callee>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RungText {
    after_minutes: u32,
    callee: Callee,
    why: PageWhy,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AgainText {
    every_minutes: u32,
    callees: Vec<Callee>,
    source: String,
}

/// A text, for turning places into lines.
pub(super) struct Reader<'a>(pub(super) &'a str);

impl Reader<'_> {
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, LadderError> {
        toml::from_str(self.0)
            .map_err(|fault| self.fault(fault.span().unwrap_or_default(), fault.message()))
    }

    pub(super) fn fault(&self, span: Range<usize>, reason: impl Into<String>) -> LadderError {
        let before = self.0.as_bytes().get(..span.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        LadderError {
            line,
            reason: reason.into(),
        }
    }

    fn minutes(&self, span: Range<usize>, minutes: u32, least: u32) -> Result<i64, LadderError> {
        if (least..=MINUTES_MAX).contains(&minutes) {
            return Ok(i64::from(minutes) * 60_000);
        }
        let reason = format!("{minutes} minutes: {least} to {MINUTES_MAX} are possible here");
        Err(self.fault(span, reason))
    }
}

/// A part with the source of its numbers.
pub(super) fn sourced<'a, T>(
    reader: &Reader<'_>,
    part: &'a Spanned<T>,
    source: impl Fn(&T) -> &str,
) -> Result<&'a T, LadderError> {
    if source(part.get_ref()).trim().is_empty() {
        let reason = "the source is empty: say where the numbers come from";
        return Err(reader.fault(part.span(), reason));
    }
    Ok(part.get_ref())
}

impl Ladder {
    /// The usual ladder.
    #[must_use]
    pub fn shipped() -> &'static Self {
        let [usual, ..] = &*SHIPPED;
        usual
    }

    /// Every ladder that this program brings along, the usual one first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        SHIPPED.as_slice()
    }

    /// The ladder of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().iter().find(|ladder| ladder.name == name)
    }

    /// The ladder of a plan; the usual one when it names none, or one that is gone.
    #[must_use]
    pub fn of(calling: &Calling) -> &'static Self {
        let named = calling.ladder.as_ref();
        let named = named.and_then(|name| Self::named(name.as_str()));
        named.unwrap_or_else(Self::shipped)
    }

    /// Reads a ladder and the hours it goes by.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn parse(ladder: &str, hours: &str) -> Result<Self, LadderError> {
        let hours = Hours::parse(hours)?;
        let reader = Reader(ladder);
        let text: Text = reader.read()?;
        let doctor = sourced(&reader, &text.family_doctor, |it| &it.source)?;
        let of = |severity| course_of(&reader, &text.course, severity);
        Ok(Self {
            version: format!("{}-{}", text.id, text.version),
            name: text.id,
            title: text.title,
            seen_within_ms: reader.minutes(
                text.family_doctor.span(),
                doctor.seen_within_minutes,
                1,
            )?,
            digest_at: doctor.digest_at,
            hours,
            red: of(Severity::Red)?,
            amber: of(Severity::Amber)?,
            technical: of(Severity::Technical)?,
            of_rules: of_rules(&reader, &text.course)?,
        })
    }

    /// Whether family doctors can be reached at a moment.
    #[must_use]
    pub fn reaches_family_doctor(&self, at: WallMs) -> bool {
        self.hours.is_open(at)
    }

    /// The course of a severity.
    #[must_use]
    pub fn course(&self, severity: Severity) -> &Course {
        match severity {
            Severity::Red => &self.red,
            Severity::Amber => &self.amber,
            Severity::Technical => &self.technical,
        }
    }

    /// The course of an alert: of its rule, if the rule has one at this severity.
    #[must_use]
    pub fn course_of(&self, alert: &State) -> &Course {
        let own = alert.rule.as_ref().and_then(|rule| {
            let mut courses = self.of_rules.iter();
            courses.find(|(severity, rules, _)| *severity == alert.severity && rules.contains(rule))
        });
        own.map_or_else(|| self.course(alert.severity), |(_, _, course)| course)
    }
}

fn of_rules(
    reader: &Reader<'_>,
    courses: &[Spanned<CourseText>],
) -> Result<Vec<(Severity, Vec<RuleName>, Course)>, LadderError> {
    let mut read: Vec<(Severity, Vec<RuleName>, Course)> = Vec::new();
    for text in courses.iter().filter(|it| !it.get_ref().rules.is_empty()) {
        let CourseText {
            severity, rules, ..
        } = text.get_ref();
        let mut known = read.iter().filter(|(of, ..)| of == severity);
        if let Some(twice) = known.find_map(|(_, of, _)| of.iter().find(|it| rules.contains(it))) {
            let reason = format!("there is a course for {twice} already");
            return Err(reader.fault(text.span(), reason));
        }
        read.push((*severity, rules.clone(), course(reader, text)?));
    }
    Ok(read)
}

fn course_of(
    reader: &Reader<'_>,
    courses: &[Spanned<CourseText>],
    severity: Severity,
) -> Result<Course, LadderError> {
    let mut of = courses
        .iter()
        .filter(|it| it.get_ref().severity == severity && it.get_ref().rules.is_empty());
    let end = reader.0.len()..reader.0.len();
    let Some(text) = of.next() else {
        return Err(reader.fault(end, format!("there is no course for {severity}")));
    };
    if let Some(second) = of.next() {
        let reason = format!("there is a course for {severity} already");
        return Err(reader.fault(second.span(), reason));
    }
    course(reader, text)
}

fn course(reader: &Reader<'_>, text: &Spanned<CourseText>) -> Result<Course, LadderError> {
    let span = text.span();
    let course = sourced(reader, text, |it| &it.source)?;
    let informed = sourced(reader, &course.informed, |it| &it.source)?;
    let again = sourced(reader, &course.again, |it| &it.source)?;
    if again.callees.is_empty() {
        let reason = "somebody must be called again, or the alert is told for the last time";
        return Err(reader.fault(course.again.span(), reason));
    }
    let mut rungs: Vec<Rung> = Vec::new();
    for rung in &course.rung {
        let text = sourced(reader, rung, |it| &it.source)?;
        let after_ms = reader.minutes(rung.span(), text.after_minutes, 0)?;
        if rungs
            .last()
            .is_some_and(|before| after_ms < before.after_ms)
        {
            let reason = "a rung comes after the one before it";
            return Err(reader.fault(rung.span(), reason));
        }
        rungs.push(Rung {
            after_ms,
            callee: text.callee,
            why: text.why,
        });
    }
    if rungs.is_empty() {
        return Err(reader.fault(span, "a course has at least one rung"));
    }
    Ok(Course {
        charge_ms: reader.minutes(span.clone(), course.charge_minutes, 1)?,
        charge_over_ms: reader.minutes(span.clone(), course.charge_over_minutes, 1)?,
        snooze_ms: reader.minutes(span, course.snooze_minutes, 1)?,
        family_doctor: informed.family_doctor,
        outside_hours: informed.outside_hours.clone(),
        rungs,
        again: Again {
            every_ms: reader.minutes(course.again.span(), again.every_minutes, 1)?,
            callees: again.callees.clone(),
        },
    })
}
