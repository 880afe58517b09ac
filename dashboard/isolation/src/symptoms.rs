//! The symptoms that days are counted from, as the person says them.

use askama::Template;
use jiff::civil::Date;
use serde::Deserialize;
use veglia_store::Database;
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::calendar::{after, day_of};
use crate::cases::{CaseId, Cases, Fact};
use crate::course::{Course, Onset};
use crate::home::{ACTOR, HomeError, own};
use crate::rules::Lasting;

/// How far back symptoms may have begun: with a swab of today they would be nobody's reason.
const BEFORE_SWAB_DAYS: i64 = 60;

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
            // Nothing is chosen for somebody who only presses the button.
            Onset::Unsaid => ("", String::new()),
            Onset::None => ("mai", String::new()),
            Onset::On(day) => ("giorno", day.to_string()),
            Onset::Undated => ("non-so", String::new()),
        };
        let (fine, fine_giorno) = match (course.onset, course.free_since) {
            (Onset::Unsaid | Onset::None, _) => ("", String::new()),
            (_, Some(day)) => ("giorno", day.to_string()),
            (_, None) => ("no", String::new()),
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
