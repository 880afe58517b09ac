//! The page of a case: what to do today, the days of the isolation, when the recovery swab opens.
//!
//! Reading is written: the case is in the access log before a page of it is made, also when it is
//! the person who reads.

use askama::Template;
use jiff::civil::Date;
use thiserror::Error;
use veglia_people::CalendarError;
use veglia_store::{Access, Actor, Database, TxError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::calendar::day_of;
use crate::cases::{Case, CaseError, CaseId, Cases};
use crate::course::{Course, Isolation, Onset, Standing};
use crate::refusal::{Asker, Counter, Swab, ask};
use crate::rules::{Quarantine, Rules};

/// Whoever has a case, at their own pages.
pub(crate) const ACTOR: Actor = Actor::System("citizen");

/// Why the person reads, in the access log.
const OWN: &str = "case.own";

/// One entry stands for what the person themselves read within this time.
const OWN_MS: i64 = 15 * 60 * 1_000;

/// Months, January first.
const MONTHS: [Key; 12] = [
    Key("month-1"),
    Key("month-2"),
    Key("month-3"),
    Key("month-4"),
    Key("month-5"),
    Key("month-6"),
    Key("month-7"),
    Key("month-8"),
    Key("month-9"),
    Key("month-10"),
    Key("month-11"),
    Key("month-12"),
];

/// Why a page was not made.
#[derive(Debug, Error)]
pub enum HomeError {
    /// The case was not read.
    #[error("the case of a visit was not read")]
    Case(#[source] CaseError),
    /// The record did not answer.
    #[error("the record did not answer")]
    Record(#[source] TxError),
    /// A day that no calendar has.
    #[error("a day of a case cannot be told")]
    Calendar(#[source] CalendarError),
}

/// The page of a case.
#[derive(Template)]
#[template(path = "home.html")]
pub struct HomePage {
    w: Words,
    called: String,
    /// None when the laboratory has taken every positive back.
    isolation: Option<IsolationView>,
}

struct IsolationView {
    standing: String,
    tasks: Vec<Key>,
    opens: String,
    refused: Option<(Key, Key)>,
    slots: Option<String>,
    dates: Vec<(Key, String)>,
    contacts: String,
    quarantine: String,
    rules: String,
}

impl HomePage {
    /// The page of this case; none when there is no such case.
    ///
    /// # Errors
    /// See [`HomeError`].
    pub async fn load(
        cases: &Cases,
        record: &Database,
        id: CaseId,
        language: Language,
        now: WallMs,
    ) -> Result<Option<Self>, HomeError> {
        let Some(case) = own(cases, record, id, now).await? else {
            return Ok(None);
        };
        let w = WORDS.speaking(language);
        let today = day_of(now).map_err(HomeError::Calendar)?;
        let view = |course: &Course| IsolationView::new(w, course, cases.book().on(today), today);
        let isolation = case.course.as_ref().map(view).transpose();
        Ok(Some(Self {
            w,
            called: case.called,
            isolation: isolation.map_err(HomeError::Calendar)?,
        }))
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("home-title").into_owned()
    }
}

/// The case, once it is in the access log that its person reads it.
pub(crate) async fn own(
    cases: &Cases,
    record: &Database,
    id: CaseId,
    now: WallMs,
) -> Result<Option<Case>, HomeError> {
    let access = Access {
        at_ms: now.0,
        purpose: OWN,
        subject: &id.to_string(),
    };
    let logged = record.log_access_once(&ACTOR, access, OWN_MS).await;
    logged.map_err(HomeError::Record)?;
    cases.get(&ACTOR, id).await.map_err(HomeError::Case)
}

impl IsolationView {
    fn new(w: Words, course: &Course, rules: &Rules, today: Date) -> Result<Self, CalendarError> {
        let isolation = course.isolation(rules, today)?;
        let Isolation {
            standing, opens_on, ..
        } = isolation;
        let refused = ask(Swab::Recovery, Counter::Portal, Asker::Case(standing)).err();
        let opens = if today < opens_on {
            "home-opens"
        } else {
            "home-opened"
        };
        let slots = match standing {
            // A day would be wrong for whoever is ill and was not asked.
            Standing::Open { .. } if course.onset == Onset::Unsaid => {
                Some(w.say("home-say-symptoms").into_owned())
            }
            Standing::Open { from } => Some(w.with("home-slots", "day", long(w, from)).to_string()),
            _ => None,
        };
        let rule = w.with("home-rules", "id", &rules.id);
        Ok(Self {
            standing: standing_in_words(w, standing),
            tasks: tasks(standing),
            opens: w.with(opens, "day", long(w, opens_on)).to_string(),
            refused: refused.map(|it| (it.reason.sentence(), it.way.sentence())),
            slots,
            dates: dates(w, course, &isolation),
            contacts: w
                .with("home-contacts", "day", long(w, isolation.contacts_since))
                .to_string(),
            quarantine: quarantine(w, rules, today)?,
            rules: rule.and("version", rules.version).to_string(),
        })
    }
}

fn standing_in_words(w: Words, standing: Standing) -> String {
    match standing {
        Standing::Closed | Standing::Open { .. } | Standing::Symptoms => {
            w.say("standing-isolated").into_owned()
        }
        Standing::DoctorDecides => w.say("standing-doctor").into_owned(),
        Standing::Negative { on } => w.with("standing-negative", "day", long(w, on)).to_string(),
        Standing::Ended { on } => w.with("standing-ended", "day", long(w, on)).to_string(),
    }
}

fn tasks(standing: Standing) -> Vec<Key> {
    if matches!(standing, Standing::Ended { .. }) {
        return vec![Key("task-again")];
    }
    vec![
        Key("task-stay"),
        Key("task-room"),
        Key("task-measure"),
        Key("task-call"),
    ]
}

fn dates(w: Words, course: &Course, isolation: &Isolation) -> Vec<(Key, String)> {
    let mut dates = vec![(Key("date-swab"), long(w, isolation.since))];
    match course.onset {
        Onset::Unsaid | Onset::None => {}
        Onset::On(day) => dates.push((Key("date-onset"), long(w, day))),
        Onset::Undated => {
            let undated = w.say("date-undated").into_owned();
            dates.push((Key("date-onset"), undated));
        }
    }
    let free = course
        .free_since
        .filter(|_| matches!(course.onset, Onset::On(_) | Onset::Undated));
    dates.extend(free.map(|day| (Key("date-free"), long(w, day))));
    let again = course.again.iter();
    dates.extend(again.map(|day| (Key("date-again"), long(w, *day))));
    dates.push((Key("date-opens"), long(w, isolation.opens_on)));
    let end = isolation.long_positive_from;
    dates.extend(end.map(|day| (Key("date-end"), long(w, day))));
    dates
}

/// For those at home whose exposure ends today, because they keep apart from now on.
fn quarantine(w: Words, rules: &Rules, today: Date) -> Result<String, CalendarError> {
    let Quarantine::Counted { until, tested_from } = rules.quarantine(Some(today))? else {
        return Ok(w.say("home-quarantine-operator").into_owned());
    };
    Ok(w.with("home-quarantine", "until", long(w, until))
        .and("tested", long(w, tested_from))
        .to_string())
}

/// `30 ottobre 2020`, `30 October 2020`.
fn long(w: Words, day: Date) -> String {
    let month = usize::try_from(day.month() - 1).ok();
    let month = month.and_then(|it| MONTHS.get(it));
    let month = month.map_or_else(String::new, |it| w.say(it).into_owned());
    // As a text: a year is no amount.
    w.with("date-long", "day", day.day().to_string())
        .and("month", month)
        .and("year", day.year().to_string())
        .to_string()
}
