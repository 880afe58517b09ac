//! The page on which a patient's wish is carried out: to hide an event (*oscuramento*), or to show
//! one again with the code of the sheet.
//!
//! The page is the same whether anything is hidden or not, and lists what its reader reads anyway.
//! Whoever hides is given the sheet once, to hand to the patient; it is not kept.

use askama::Template;
use jiff::civil::Date;
use jiff::{Span, tz::TimeZone};
use serde::Deserialize;
use thiserror::Error;
use veglia_diary::{
    EntryId, HideRefused, Hideable, HidingCode, LINES_MAX, PERIOD_AFTER_MS, diary_of, hide, reveal,
};
use veglia_people::{TIME_ZONE, patients};
use veglia_store::{Access, TxError};
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::lines::Choice;
use crate::{Desk, PURPOSE, person_of};

/// Lines offered at once; a period reaches further back.
const CHOICES_MAX: usize = 200;

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HidingForm {
    /// `entry`, `alert`, `period` or `show`.
    act: String,
    /// Which entry or alert.
    name: String,
    /// First day of a period, as 2020-11-03.
    from: String,
    /// Last day of a period, that day in it.
    until: String,
    code: String,
}

/// What became of a form.
pub enum HidingOutcome {
    /// It is hidden: the sheet for the patient.
    Hidden(Box<SheetPage>),
    /// It is shown again: the page, which says so.
    Shown(Box<HidingPage>),
    /// Nothing was written: the page, which says why.
    Refused(Box<HidingPage>),
    /// Nobody is known under this number.
    Unknown,
}

/// Why a page was not made, or nothing was done.
#[derive(Debug, Error)]
pub enum PrivacyError {
    /// The access log or a table of this room.
    #[error("the record was not read or written")]
    Store(#[source] TxError),
    /// The register of people.
    #[error("the patient was not looked up")]
    People(#[source] patients::ReadError),
    /// The diary.
    #[error("the diary was not read or written")]
    Diary(#[source] veglia_diary::ReadError),
}

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "hiding.html")]
pub struct HidingPage {
    w: Words,
    patient: PatientId,
    name: String,
    /// What was done, or is wrong.
    notice: Option<(Key, bool)>,
    choices: Vec<Choice>,
    from: String,
    until: String,
    /// The last day that a period may have.
    last_day: String,
}

/// What is handed to the patient, to be framed by a door.
#[derive(Template)]
#[template(path = "sheet.html")]
pub struct SheetPage {
    w: Words,
    patient: PatientId,
    at: String,
    code: HidingCode,
}

impl SheetPage {
    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("sheet-title").into_owned()
    }
}

impl HidingPage {
    /// The page of a patient, read by whoever the access log then names; none when nobody is known
    /// under this number.
    ///
    /// # Errors
    /// See [`PrivacyError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, PrivacyError> {
        let Some(name) = name_of(desk, patient).await? else {
            return Ok(None);
        };
        looked(desk, patient).await?;
        let form = HidingForm::default();
        let page = Self::saying(desk, patient, name, None, &form).await?;
        Ok(Some(page))
    }

    async fn saying(
        desk: Desk<'_>,
        patient: PatientId,
        name: String,
        notice: Option<(Key, bool)>,
        form: &HidingForm,
    ) -> Result<Self, PrivacyError> {
        let (record, actor) = (desk.record, desk.who.actor());
        let all = WallMs(i64::MIN)..WallMs(i64::MAX);
        let lines = diary_of(record, &actor, patient, all, LINES_MAX).await;
        let lines = lines.map_err(PrivacyError::Diary)?;
        let w = desk.words();
        let choices = lines.iter().filter_map(|line| Choice::of(w, line));
        let last_day = WallMs(desk.now.0.saturating_sub(PERIOD_AFTER_MS));
        Ok(Self {
            w,
            patient,
            name,
            notice,
            choices: choices.take(CHOICES_MAX).collect(),
            from: form.from.clone(),
            until: form.until.clone(),
            last_day: day_before(last_day).map_or_else(String::new, |day| day.to_string()),
        })
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.w.with("hiding-title", "name", self.name.as_str());
        title.to_string()
    }
}

/// The name of a patient; none when nobody is known under this number.
async fn name_of(desk: Desk<'_>, patient: PatientId) -> Result<Option<String>, PrivacyError> {
    let Some(person) = person_of(patient) else {
        return Ok(None);
    };
    let on_file = patients::get(desk.record, &desk.who.actor(), person).await;
    let on_file = on_file.map_err(PrivacyError::People)?;
    Ok(on_file.map(|it| format!("{} {}", it.details.surname, it.details.name)))
}

/// That somebody opened a page of this room stands in the access log, and nothing more.
pub(crate) async fn looked(desk: Desk<'_>, patient: PatientId) -> Result<(), PrivacyError> {
    let subject = patient.to_string();
    let access = Access {
        at_ms: desk.now.0,
        purpose: PURPOSE,
        subject: &subject,
    };
    let logged = desk.record.log_access(&desk.who.actor(), access).await;
    logged.map_err(PrivacyError::Store)
}

/// Carries out what a form asks for. The log of accesses is written first: once something is
/// hidden, nothing is left to fail that would keep the sheet from whoever waits for it.
///
/// # Errors
/// See [`PrivacyError`]; nothing was hidden or shown then, or the same form hides it again and is
/// given a code that ends both.
pub async fn hiding(
    desk: Desk<'_>,
    patient: PatientId,
    form: &HidingForm,
) -> Result<HidingOutcome, PrivacyError> {
    let Some(name) = name_of(desk, patient).await? else {
        return Ok(HidingOutcome::Unknown);
    };
    looked(desk, patient).await?;
    let (record, actor) = (desk.record, desk.who.actor());
    if form.act == "show" {
        let shown = reveal(record, &actor, patient, &form.code, desk.now).await;
        let is_shown = shown.map_err(PrivacyError::Diary)?;
        let notice = match is_shown {
            true => (Key("hiding-shown"), true),
            false => (Key("hiding-no-such-code"), false),
        };
        let page = HidingPage::saying(desk, patient, name, Some(notice), form).await?;
        return Ok(match is_shown {
            true => HidingOutcome::Shown(Box::new(page)),
            false => HidingOutcome::Refused(Box::new(page)),
        });
    }
    let refused = match form.asked() {
        None => Key("hiding-form"),
        Some(what) => match hide(record, &actor, patient, &what, desk.now).await {
            Ok(code) => {
                return Ok(HidingOutcome::Hidden(Box::new(SheetPage {
                    w: desk.words(),
                    patient,
                    at: desk.language.moment(desk.now),
                    code,
                })));
            }
            Err(HideRefused::Unknown) => Key("hiding-unknown"),
            Err(HideRefused::Open) => Key("hiding-open"),
            Err(HideRefused::Recent) => Key("hiding-recent"),
            Err(HideRefused::Period) => Key("hiding-period-refused"),
            Err(HideRefused::Read(fault)) => return Err(PrivacyError::Diary(fault)),
        },
    };
    let page = HidingPage::saying(desk, patient, name, Some((refused, false)), form).await?;
    Ok(HidingOutcome::Refused(Box::new(page)))
}

impl HidingForm {
    /// What is to be hidden; none for a form that no page makes, or half a period.
    fn asked(&self) -> Option<Hideable> {
        match self.act.as_str() {
            "entry" => Some(Hideable::Entry(EntryId(self.name.parse().ok()?))),
            "alert" => Some(Hideable::Alert(self.name.parse().ok()?)),
            "period" => {
                let from: Date = self.from.trim().parse().ok()?;
                let until: Date = self.until.trim().parse().ok()?;
                let after = until.checked_add(Span::new().days(1)).ok()?;
                Some(Hideable::Period(begins(from)?..begins(after)?))
            }
            _ => None,
        }
    }
}

/// When a day begins in the patients' kitchens.
fn begins(day: Date) -> Option<WallMs> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let zoned = day.to_zoned(zone).ok()?;
    Some(WallMs(zoned.timestamp().as_millisecond()))
}

/// The last whole day before a moment.
fn day_before(at: WallMs) -> Option<Date> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    at.to_zoned(zone).date().yesterday().ok()
}
