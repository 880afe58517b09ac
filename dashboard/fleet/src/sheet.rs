//! The sheet of one device: who had it when, taking it back, and correcting what was wrong.
//!
//! Nothing is altered: a correction is one more row, with its reason and its author, and ingest
//! has the rules judge again. What was raised by readings that were not a patient's is withdrawn
//! there and stays in their diary.

use std::ops::Range;

use askama::Template;
use serde::Deserialize;
use veglia_diary::{
    AssignmentId, AttributeRefused, Attribution, AttributionId, EndRefused, Handover, Saying,
    attributions_of, correct_whose, end_assignment, handovers_of_device,
};
use veglia_people::staff::Staff;
use veglia_view::PatientId;
use veglia_wire::{DeviceId, WallMs};
use veglia_words::{Key, Words};

use crate::access;
use crate::assign::is_household;
use crate::book::{Wearer, signed, together};
use crate::fleet::{Fleet, FleetError, Now};
use crate::stretch::{self, TooWide};
use crate::words;

/// What is said of a correction that lacks something.
const UNCHOSEN: Key = Key("sheet-unchosen");

/// What is said of a correction that ends before it begins.
const BACKWARDS: Key = Key("sheet-backwards");

/// What is said of a device that is to come back later.
const IN_FUTURE: Key = Key("sheet-in-future");

/// A device taken back.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReturnForm {
    /// The number of the hand-over that the page showed: who has it since keeps it.
    pub assignment: i64,
    /// Since when it is back, as `2020-11-21T14:05` in Rome; empty for now.
    #[serde(default)]
    pub when: String,
}

/// Whose readings were, after all.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CorrectForm {
    /// From when, as `2020-11-21T14:05` in Rome.
    #[serde(default)]
    pub from: String,
    /// Until when, that minute in it; empty for now.
    #[serde(default)]
    pub until: String,
    /// The patient; `nessuno` for no patient's.
    #[serde(default)]
    pub patient: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// The newest word that the page knew.
    #[serde(default)]
    pub seen: i64,
}

/// The sheet, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "sheet.html")]
pub struct SheetPage {
    pub(crate) w: Words,
    device: String,
    /// Who has it now.
    wearers: Vec<Wearer>,
    /// The number of the hand-over that lasts; 0 for none.
    open: i64,
    history: Vec<HandoverView>,
    said: Vec<SaidView>,
    /// Who may be named in a correction.
    patients: Vec<Wearer>,
    draft: CorrectForm,
    /// The number of the newest word.
    newest: i64,
    now: String,
    problem: Option<String>,
}

#[derive(Debug)]
struct HandoverView {
    to: String,
    is_shared: bool,
    from: String,
    given: String,
    /// Until when, and who took it back when; none while it lasts.
    returned: Option<(String, String)>,
}

#[derive(Debug)]
struct SaidView {
    span: String,
    whose: String,
    by: String,
    why: String,
}

impl Fleet {
    /// The sheet of a device.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn sheet(
        &self,
        reader: &Staff,
        device: &str,
        now: Now,
    ) -> Result<SheetPage, FleetError> {
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let actor = reader.actor();
        let handovers = handovers_of_device(&self.record, &actor, &device).await;
        let handovers = handovers.map_err(FleetError::Diary)?;
        let said = attributions_of(&self.record, &actor, &device).await;
        let said = said.map_err(FleetError::Diary)?;
        let held = handovers.iter().map(|it| &it.assignment.holder);
        let named = held.flat_map(|holder| holder.members().iter().copied());
        let named = named.chain(said.iter().filter_map(|it| it.patient));
        access::opens_sheet(&self.record, reader, &named.collect(), now.care).await?;
        let names = self.book.signatures().await?;
        let mut history = Vec::with_capacity(handovers.len());
        for one in &handovers {
            let to = self.book.called(&one.assignment.holder, self.w).await?;
            history.push(handover(one, to, |by| signed(&names, by, self.w), self.w));
        }
        let mut words = Vec::with_capacity(said.len());
        for one in &said {
            words.push(self.said(one, &signed(&names, &one.by, self.w)).await?);
        }
        let mut worn = self
            .book
            .wearers(&[&device].into(), now.care, self.w)
            .await?;
        Ok(SheetPage {
            w: self.w,
            wearers: worn.remove(&device).unwrap_or_default(),
            open: open(&handovers).map_or(0, |it| it.assignment.id.0),
            history,
            newest: said.first().map_or(0, |it| it.id.0),
            said: words,
            patients: self.book.patients(now.care, self.w).await?,
            draft: CorrectForm::default(),
            now: words::field(now.care),
            problem: None,
            device: device.to_string(),
        })
    }

    /// Takes a device back from whoever has it; or the sheet, with the sentence that says why not.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn take_back(
        &self,
        who: &Staff,
        device: &str,
        form: &ReturnForm,
        now: Now,
    ) -> Result<Option<SheetPage>, FleetError> {
        let id = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let until = match form.when.trim() {
            "" => Some(now.care),
            when => words::moment_of(when).filter(|at| *at <= now.care),
        };
        let handovers = handovers_of_device(&self.record, &who.actor(), &id).await;
        let handovers = handovers.map_err(FleetError::Diary)?;
        let sentence = match (open(&handovers), until) {
            (None, _) => self.w.say("sheet-not-assigned").into_owned(),
            (Some(open), _) if open.assignment.id.0 != form.assignment => {
                let name = self.book.called(&open.assignment.holder, self.w).await?;
                let since = words::time(open.assignment.from, self.w);
                let overtaken = self.w.with("sheet-overtaken", "name", name);
                overtaken.and("since", since).to_string()
            }
            (_, None) => self.w.say(IN_FUTURE).into_owned(),
            (Some(open), Some(until)) => {
                let ended = self.end(who, open.assignment.id, until, now).await?;
                let Err(sentence) = ended else {
                    return Ok(None);
                };
                sentence
            }
        };
        let page = self.sheet(who, device, now).await?;
        Ok(Some(page.saying(sentence)))
    }

    async fn end(
        &self,
        who: &Staff,
        id: AssignmentId,
        until: WallMs,
        now: Now,
    ) -> Result<Result<(), String>, FleetError> {
        match end_assignment(&self.record, &who.actor(), id, until, now.care).await {
            Ok(()) => Ok(Ok(())),
            Err(EndRefused::TooEarly { from }) => Ok(Err(self
                .w
                .with("sheet-too-early", "from", words::time(from, self.w))
                .to_string())),
            Err(EndRefused::Ended { until, by }) => {
                let by = signed(&self.book.signatures().await?, &by, self.w);
                let until = words::time(until, self.w);
                let already = self.w.with("sheet-already", "by", by);
                Ok(Err(already.and("until", until).to_string()))
            }
            Err(EndRefused::Future) => Ok(Err(self.w.say(IN_FUTURE).into_owned())),
            Err(EndRefused::Unknown(_)) => Err(FleetError::Unknown),
            Err(EndRefused::Store(fault)) => Err(FleetError::Record(fault)),
        }
    }

    /// Corrects whose readings are; or the sheet, with the sentence that says why not.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn correct(
        &self,
        who: &Staff,
        device: &str,
        form: &CorrectForm,
        now: Now,
    ) -> Result<Option<SheetPage>, FleetError> {
        let id = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let page = self.sheet(who, device, now).await?;
        let is_chosen = |it: &&Wearer| it.patient == form.patient;
        let patient: Option<Option<PatientId>> = match form.patient.as_str() {
            "nessuno" => Some(None),
            _ => page
                .patients
                .iter()
                .find(is_chosen)
                .and_then(|it| it.patient.parse().ok())
                .map(Some),
        };
        let Some(patient) = patient else {
            return Ok(Some(page.refusing(self.w.say(UNCHOSEN).into_owned(), form)));
        };
        if let Some(patient) = patient
            && !self.may_name(who, patient, now).await?
        {
            return Ok(Some(page.refusing(self.w.say(UNCHOSEN).into_owned(), form)));
        }
        let measured = match self.measured(who, &id, form, now).await? {
            Ok(measured) => measured,
            Err(sentence) => return Ok(Some(page.refusing(sentence, form))),
        };
        let saying = Saying {
            device: &id,
            measured,
            patient,
            seen: AttributionId(form.seen),
        };
        let said = correct_whose(&self.record, &who.actor(), saying, &form.why, now.care).await;
        let sentence = match said {
            Ok(_) => return Ok(None),
            Err(AttributeRefused::Range) => self.w.say(BACKWARDS).into_owned(),
            Err(AttributeRefused::Reason) => self.w.say("sheet-reasonless").into_owned(),
            Err(AttributeRefused::Said(_)) => self.w.say("sheet-corrected").into_owned(),
            Err(AttributeRefused::Stranger(_)) => return Err(FleetError::Form),
            Err(AttributeRefused::Read(fault)) => return Err(FleetError::Diary(fault)),
        };
        Ok(Some(page.refusing(sentence, form)))
    }

    /// The time that a correction speaks of; or the sentence that says why it is not corrected in
    /// one go.
    async fn measured(
        &self,
        who: &Staff,
        device: &DeviceId,
        form: &CorrectForm,
        now: Now,
    ) -> Result<Result<Range<WallMs>, String>, FleetError> {
        let Some(from) = words::moment_of(&form.from) else {
            return Ok(Err(self.w.say(UNCHOSEN).into_owned()));
        };
        let until = match form.until.trim() {
            "" => now.care,
            until => match words::moment_of(until) {
                Some(until) if until <= now.care => until,
                Some(_) => return Ok(Err(self.w.say(BACKWARDS).into_owned())),
                None => return Ok(Err(self.w.say(UNCHOSEN).into_owned())),
            },
        };
        let actor = who.actor();
        let handovers = handovers_of_device(&self.record, &actor, device).await;
        let handovers = handovers.map_err(FleetError::Diary)?;
        let said = attributions_of(&self.record, &actor, device).await;
        let said = said.map_err(FleetError::Diary)?;
        let measured = stretch::of_minutes(from, until, &handovers, now.care);
        Ok(match stretch::check(&measured, &handovers, &said) {
            Ok(()) => Ok(measured),
            Err(TooWide::BeforeAll(Some(first))) => Err(self
                .w
                .with("sheet-before-all", "first", words::time(first, self.w))
                .to_string()),
            Err(TooWide::BeforeAll(None)) => Err(self.w.say("sheet-never-given").into_owned()),
            Err(TooWide::Shared) => Err(self.w.say("sheet-too-wide").into_owned()),
        })
    }

    async fn said(&self, said: &Attribution, by: &str) -> Result<SaidView, FleetError> {
        let whose = match said.patient {
            Some(patient) => together(&self.book.named(&[patient], self.w).await?, self.w),
            None => self.w.say("sheet-nobodys").into_owned(),
        };
        Ok(SaidView {
            span: format!(
                "{} – {}",
                words::time(said.from, self.w),
                words::time_of(said.until, said.from, self.w)
            ),
            whose,
            by: format!("{by}, {}", words::time(said.at, self.w)),
            why: said.why.clone(),
        })
    }
}

impl SheetPage {
    fn saying(self, sentence: String) -> Self {
        let said = self.w.with("sheet-nothing-written", "sentence", sentence);
        Self {
            problem: Some(said.to_string()),
            ..self
        }
    }

    fn refusing(self, sentence: String, form: &CorrectForm) -> Self {
        Self {
            draft: form.clone(),
            ..self.saying(sentence)
        }
    }
}

/// The hand-over that lasts.
fn open(handovers: &[Handover]) -> Option<&Handover> {
    handovers.iter().find(|it| it.returned.is_none())
}

fn handover(one: &Handover, to: String, signed: impl Fn(&str) -> String, w: Words) -> HandoverView {
    let written = |by: &str, at: WallMs| format!("{}, {}", signed(by), words::time(at, w));
    HandoverView {
        to,
        is_shared: is_household(&one.assignment.holder),
        from: words::time(one.assignment.from, w),
        given: written(&one.given_by, one.given_at),
        returned: one
            .returned
            .as_ref()
            .map(|it| (words::time(it.until, w), written(&it.by, it.at))),
    }
}
