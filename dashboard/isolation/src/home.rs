//! The page of a case: what to do today, the days of the isolation, when the recovery swab opens;
//! who has read the data; and the symptoms that days are counted from.
//!
//! Reading is written: the case is in the access log before a page of it is made, also when it is
//! the person who reads.

use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use thiserror::Error;
use veglia_people::{CalendarError, PersonId, patients, staff};
use veglia_store::{Access, Accessed, Actor, Database, TxError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::calendar::{after, day_of};
use crate::cases::{Case, CaseError, CaseId, Cases, Fact};
use crate::course::{Course, Isolation, Onset, Standing};
use crate::refusal::{Asker, Counter, Swab, ask};
use crate::rules::{Lasting, Quarantine, Rules};

/// Whoever has a case, at their own pages.
const ACTOR: Actor = Actor::System("citizen");

/// Why the person reads, in the access log.
const OWN: &str = "case.own";

/// One entry stands for what the person themselves read within this time.
const OWN_MS: i64 = 15 * 60 * 1_000;

/// Looks on the page.
const LOOKS: u64 = 200;

/// How far back symptoms may have begun: with a swab of today they would be nobody's reason.
const BEFORE_SWAB_DAYS: i64 = 60;

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
async fn own(
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
        Onset::None => {}
        Onset::On(day) => dates.push((Key("date-onset"), long(w, day))),
        Onset::Undated => {
            let undated = w.say("date-undated").into_owned();
            dates.push((Key("date-onset"), undated));
        }
    }
    let free = course.free_since.filter(|_| course.onset != Onset::None);
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

/// Who has read the data of a case.
#[derive(Template)]
#[template(path = "looks.html")]
pub struct LooksPage {
    w: Words,
    looks: Vec<Look>,
    is_cut: bool,
}

struct Look {
    number: i64,
    at: String,
    who: String,
    what: Key,
}

impl LooksPage {
    /// Of this case, and of the same person on file with the centre; none without such a case.
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
        let mut subjects = vec![(id.to_string(), Key("look-case"))];
        if let Some(code) = case.code.codice_fiscale() {
            let person = patients::number_of(record, &ACTOR, code).await;
            let person: Option<PersonId> = person.map_err(HomeError::Record)?;
            subjects.extend(person.map(|it| (it.to_string(), Key("look-patient"))));
        }
        let roles = staff::roles(record, &ACTOR).await;
        let roles = roles.map_err(HomeError::Record)?;
        let mut looks = Vec::new();
        let mut is_cut = false;
        for (subject, what) in subjects {
            let read = record.accesses_to(&ACTOR, &subject, None, LOOKS).await;
            let read = read.map_err(HomeError::Record)?;
            is_cut |= u64::try_from(read.len()).unwrap_or(LOOKS) >= LOOKS;
            looks.extend(read.into_iter().map(|it: Accessed| Look {
                number: it.number,
                at: language.moment(WallMs(it.at_ms)),
                // The unit and the role, and nobody's name.
                who: match roles.get(&it.actor) {
                    Some(role) => format!("{}, {}", role.unit_in(language), role.word_in(language)),
                    None if it.actor == ACTOR.to_string() => w.say("look-own").into_owned(),
                    None => w.say("look-program").into_owned(),
                },
                what,
            }));
        }
        looks.sort_by_key(|it| std::cmp::Reverse(it.number));
        Ok(Some(Self { w, looks, is_cut }))
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("looks-title").into_owned()
    }
}

/// What the person says of their symptoms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SymptomsForm {
    inizio: String,
    inizio_giorno: String,
    fine: String,
    fine_giorno: String,
}

impl SymptomsForm {
    fn of(course: &Course) -> Self {
        let (inizio, inizio_giorno) = match course.onset {
            Onset::None => ("mai", String::new()),
            Onset::On(day) => ("giorno", day.to_string()),
            Onset::Undated => ("non-so", String::new()),
        };
        let (fine, fine_giorno) = match course.free_since {
            Some(day) => ("giorno", day.to_string()),
            None => ("no", String::new()),
        };
        Self {
            inizio: inizio.to_owned(),
            inizio_giorno,
            fine: fine.to_owned(),
            fine_giorno,
        }
    }

    fn is_began(&self, value: &str) -> bool {
        self.inizio == value
    }

    fn is_over(&self, value: &str) -> bool {
        self.fine == value
    }
}

/// Where the person says it.
#[derive(Template)]
#[template(path = "symptoms.html")]
pub struct SymptomsPage {
    w: Words,
    form: SymptomsForm,
    not_counted: Vec<Key>,
    /// Days that may be said, as the browser's calendar writes them.
    first: String,
    today: String,
    began_fault: Option<Key>,
    over_fault: Option<Key>,
}

/// What became of a form.
pub enum Said {
    /// It is written.
    Done,
    /// It cannot be meant: the page again, with what was typed.
    Again(Box<SymptomsPage>),
}

/// The case with the days that may be said of it.
struct Asked {
    course: Course,
    first: Date,
    today: Date,
    not_counted: Vec<Key>,
}

async fn asked(
    cases: &Cases,
    record: &Database,
    id: CaseId,
    now: WallMs,
) -> Result<Option<Asked>, HomeError> {
    let case = own(cases, record, id, now).await?;
    let Some(course) = case.and_then(|case| case.course) else {
        return Ok(None);
    };
    let today = day_of(now).map_err(HomeError::Calendar)?;
    let not_counted = &cases.book().on(today).symptomatic.not_counted;
    Ok(Some(Asked {
        first: after(course.swab, -BEFORE_SWAB_DAYS).map_err(HomeError::Calendar)?,
        course,
        today,
        not_counted: not_counted.iter().map(|it| lasting(*it)).collect(),
    }))
}

fn lasting(it: Lasting) -> Key {
    match it {
        Lasting::Anosmia => Key("lasting-anosmia"),
        Lasting::Ageusia => Key("lasting-ageusia"),
        Lasting::Dysgeusia => Key("lasting-dysgeusia"),
    }
}

impl SymptomsPage {
    /// With what is known; none when there is no such case, or nothing to count from.
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
        let asked = asked(cases, record, id, now).await?;
        Ok(asked.map(|asked| {
            let form = SymptomsForm::of(&asked.course);
            Self::with(&asked, form, language)
        }))
    }

    fn with(asked: &Asked, form: SymptomsForm, language: Language) -> Self {
        Self {
            w: WORDS.speaking(language),
            form,
            not_counted: asked.not_counted.clone(),
            first: asked.first.to_string(),
            today: asked.today.to_string(),
            began_fault: None,
            over_fault: None,
        }
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("symptoms-title").into_owned()
    }
}

/// Writes what the person says; none when there is no such case.
///
/// # Errors
/// See [`HomeError`].
pub async fn say_symptoms(
    cases: &Cases,
    record: &Database,
    id: CaseId,
    form: SymptomsForm,
    language: Language,
    now: WallMs,
) -> Result<Option<Said>, HomeError> {
    let Some(asked) = asked(cases, record, id, now).await? else {
        return Ok(None);
    };
    let (onset, free) = (onset(&form, &asked), free(&form, &asked));
    let (Ok(onset), Ok(free)) = (onset, free) else {
        let mut page = SymptomsPage::with(&asked, form, language);
        (page.began_fault, page.over_fault) = (onset.err(), free.err());
        return Ok(Some(Said::Again(Box::new(page))));
    };
    for fact in [Fact::Onset(onset), Fact::FreeSince(free)] {
        let noted = cases.note(&ACTOR, id, fact, now).await;
        noted.map_err(HomeError::Case)?;
    }
    Ok(Some(Said::Done))
}

fn onset(form: &SymptomsForm, asked: &Asked) -> Result<Onset, Key> {
    match form.inizio.as_str() {
        "mai" => Ok(Onset::None),
        "non-so" => Ok(Onset::Undated),
        "giorno" => day(&form.inizio_giorno, asked.first, asked.today).map(Onset::On),
        _ => Err(Key("symptoms-choose")),
    }
}

fn free(form: &SymptomsForm, asked: &Asked) -> Result<Option<Date>, Key> {
    if form.inizio == "mai" {
        return Ok(None);
    }
    match form.fine.as_str() {
        "no" => Ok(None),
        "giorno" => {
            let began = form.inizio_giorno.parse().ok();
            let began = began.filter(|_| form.inizio == "giorno");
            let first = began.unwrap_or(asked.first);
            day(&form.fine_giorno, first, asked.today).map(Some)
        }
        _ => Err(Key("symptoms-choose")),
    }
}

fn day(typed: &str, first: Date, today: Date) -> Result<Date, Key> {
    let day: Date = typed.trim().parse().map_err(|_| Key("symptoms-no-day"))?;
    if (first..=today).contains(&day) {
        Ok(day)
    } else {
        Err(Key("symptoms-wrong-day"))
    }
}
