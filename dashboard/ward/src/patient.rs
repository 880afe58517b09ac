//! One patient's page: who it is, what is planned, how they are, why they are flagged, what was
//! done, and the curves.
//!
//! What the record holds is shown also while ingest does not answer; then the page says so.

use std::sync::Arc;

use askama::Template;
use veglia_diary::ladder::Ladder;
use veglia_diary::{
    Alert, Handover, Stood, diary_of, handovers_of_patient, open_flags, plan_of, standings_of,
};
use veglia_people::patients;
use veglia_store::{Actor, Database, TxError};
use veglia_view::{
    DeviceState, OpenFlag, OxygenScale, PatientId, Plan, Row, Severity, View, VitalKind, WallMs,
    Whereabouts,
};

use crate::acts::{ActForm, OUTCOMES, WHOM};
use crate::book::{self, BookError, Signatures};
use crate::care::{self, Care};
use crate::desk::is_in_force;
use crate::history::{Entry, entry, outcome_name, whom_name};
use crate::hub::Link;
use crate::line::{About, Value, cell, unnamed};
use crate::plan::apart;
use crate::reason::{self, Reason};
use crate::score::{self, Score};
use crate::{access, identity, page, words};

/// How far back the diary goes on the page, in milliseconds: as far as the longest curve.
const DIARY_MS: i64 = 14 * 86_400_000;

/// How far ahead: what a clock that runs ahead wrote is shown too.
const AHEAD_MS: i64 = 86_400_000;

/// Lines of the diary on the page; the older ones are left out and the page says so.
const DIARY_LINES: u64 = 200;

/// What is measured at home, and always has its tile and its curve.
const HOME: [VitalKind; 3] = [VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];

/// Why a page cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The register of people did not answer.
    #[error("the person was not read")]
    Person(#[source] patients::ReadError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// Names of staff were not read.
    #[error("who signed the diary was not read")]
    Names(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A patient's page, to be framed by a door. Complete without scripts; `js/patient.js` draws the
/// curves.
#[derive(Debug, Template)]
#[template(path = "patient.html")]
pub struct PatientPage {
    name: String,
    patient: String,
    /// Code, birth, telephone and address, each with what it is.
    about: Vec<(&'static str, String)>,
    now: WallMs,
    lost: Option<String>,
    notice: Option<String>,
    plan: Vec<String>,
    values: Vec<Value>,
    /// The scores, as far as they are known.
    scores: Vec<Score>,
    devices: Vec<String>,
    /// What was given to the patient and taken back, the newest first: device and sentence.
    handovers: Vec<(String, String)>,
    flags: Vec<FlagView>,
    /// To whom an alert may be given, without whoever reads.
    colleagues: Vec<(i64, String)>,
    diary: Vec<Entry>,
    diary_is_cut: bool,
    charts: Vec<(&'static str, &'static str)>,
    draft: ActForm,
}

#[derive(Debug)]
struct FlagView {
    id: String,
    telling: u32,
    colour: &'static str,
    reason: Reason,
    /// What follows when the charge ends, and where the family doctor stands.
    ladder: Vec<String>,
    /// What the centre says to the patient.
    to_say: Vec<&'static str>,
    charge: ChargeView,
    /// For how many minutes it may be snoozed.
    snoozes: Vec<i64>,
    evidence: Vec<EvidenceView>,
    rule: String,
}

/// Who has a flag, as seen by the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChargeView {
    Nobody,
    Reader,
    Other,
}

#[derive(Debug)]
struct EvidenceView {
    id: String,
    what: &'static str,
    value: String,
    time: String,
    /// From which record to which it is the median, and of how many.
    median: Option<(String, String, u32)>,
}

/// Where a page is made from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What ingest knows.
    pub view: &'a dyn View,
    /// The record.
    pub record: &'a Database,
    /// Who reads.
    pub actor: &'a Actor,
    /// How it last stood with ingest ([`crate::Hub::link`]).
    pub last: Link,
    /// The moment, by the reader's clock of care: for the access log, and for the page when
    /// ingest never answered.
    pub fallback_now: WallMs,
}

impl PatientPage {
    /// The page of a patient; `None` when nobody is known under this identifier. Writes in the
    /// access log that `actor` reads it.
    ///
    /// # Errors
    /// See [`PageError`].
    pub async fn load(sources: Sources<'_>, patient: PatientId) -> Result<Option<Self>, PageError> {
        let (record, actor) = (sources.record, sources.actor);
        let person = match book::person_of(patient) {
            Some(person) => patients::get(record, actor, person)
                .await
                .map_err(PageError::Person)?,
            None => None,
        };
        let (link, row) = ask(sources, patient).await;
        if person.is_none() && row.is_none() {
            return Ok(None);
        }
        let now = link.now().unwrap_or(sources.fallback_now);
        write_opening(sources, patient).await?;
        let plan = plan(record, actor, patient).await?;
        let open = open_flags(record, actor).await.map_err(PageError::Diary)?;
        let stretch = now.plus_ms(-DIARY_MS)..now.plus_ms(AHEAD_MS);
        let lines = diary_of(record, actor, patient, stretch, DIARY_LINES)
            .await
            .map_err(PageError::Diary)?;
        let stood = standings_of(record, actor, patient).await;
        let stood = stood.map_err(PageError::Diary)?;
        let signed = signatures(record, actor).await?;
        let given = handovers_of_patient(record, actor, patient).await;
        let given = given.map_err(PageError::Diary)?;
        let of_patient = open
            .into_iter()
            .filter(|flag| flag.flag.id.patient == patient);
        let mut row = row.map_or_else(|| Row::new(patient), Arc::unwrap_or_clone);
        let alerts = take_flags(&mut row, of_patient, &signed);
        let about = About {
            row: &row,
            name: None,
            plan: plan.as_ref().filter(|plan| is_in_force(plan, now)),
            alerts: &alerts,
        };
        let diary: Vec<Entry> = lines.iter().map(|line| entry(line, &signed, now)).collect();
        Ok(Some(Self {
            name: person
                .as_ref()
                .map_or_else(|| unnamed(&row), identity::full_name),
            patient: patient.to_string(),
            about: person
                .as_ref()
                .map(|it| identity::facts(it, now))
                .unwrap_or_default()
                .into_iter()
                .chain(away(&stood, now))
                .collect(),
            now,
            lost: page::lost(&link),
            notice: None,
            plan: plan
                .as_ref()
                .map(|plan| planned(plan, now))
                .unwrap_or_default(),
            values: values(&about),
            scores: score::scores(&row, now),
            devices: row.devices.iter().map(|it| device(it, now)).collect(),
            handovers: given.iter().map(|it| handover(it, &signed, now)).collect(),
            flags: flag_views(&about, &actor.to_string(), now),
            colleagues: colleagues(record, actor).await?,
            diary_is_cut: u64::try_from(diary.len()).is_ok_and(|count| count >= DIARY_LINES),
            diary,
            charts: HOME
                .map(|vital| (vital.name(), words::vital_name(vital)))
                .to_vec(),
            draft: ActForm::default(),
        }))
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

    /// What the page is called: the patient.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.name
    }

    /// Whom one telephones: as forms and as people say it.
    fn whom(&self) -> Vec<(&'static str, &'static str)> {
        let said = WHOM.iter().map(|(name, whom)| (*name, whom_name(*whom)));
        said.collect()
    }

    /// How a call ends: as forms and as people say it.
    fn outcomes(&self) -> Vec<(&'static str, &'static str)> {
        let said = OUTCOMES.iter().map(|(name, it)| (*name, outcome_name(*it)));
        said.collect()
    }

    /// What was typed about this flag and not written; `""` for a note on the patient, where also
    /// the words about a flag stand that somebody else has closed meanwhile.
    fn typed(&self, flag: &str) -> &str {
        let is_open = self.flags.iter().any(|it| it.id == self.draft.flag);
        let typed_about = if is_open { &self.draft.flag } else { "" };
        if typed_about == flag {
            &self.draft.words
        } else {
            ""
        }
    }
}

/// The tiles: what is measured at home, and whatever else was measured.
fn values(about: &About<'_>) -> Vec<Value> {
    let has = |vital: &VitalKind| HOME.contains(vital) || about.row.latest(*vital).is_some();
    let shown = VitalKind::ALL.into_iter().filter(has);
    shown.map(|vital| cell(about, vital)).collect()
}

fn flag_views(about: &About<'_>, reader: &str, now: WallMs) -> Vec<FlagView> {
    let flags = about.row.flags.iter();
    let view = |flag| flag_view(flag, about, reader, now);
    flags.map(view).collect()
}

/// To whom the reader may give an alert.
async fn colleagues(record: &Database, reader: &Actor) -> Result<Vec<(i64, String)>, PageError> {
    let staff = book::staff(record, reader).await;
    let mut staff = staff.map_err(|error| PageError::Names(Box::new(error)))?;
    staff.retain(|(id, _)| Actor::Staff(*id) != *reader);
    Ok(staff)
}

async fn write_opening(sources: Sources<'_>, patient: PatientId) -> Result<(), PageError> {
    let (record, actor) = (sources.record, sources.actor);
    access::opens_page(record, actor, patient, sources.fallback_now)
        .await
        .map_err(PageError::Access)
}

/// The plan of a patient, in force or not.
async fn plan(
    record: &Database,
    actor: &Actor,
    patient: PatientId,
) -> Result<Option<Plan>, PageError> {
    plan_of(record, actor, patient)
        .await
        .map_err(PageError::Diary)
}

/// The row and how it stands with ingest; a fault is said on the page and is no fault of it.
async fn ask(sources: Sources<'_>, patient: PatientId) -> (Link, Option<Arc<Row>>) {
    match sources.view.patient(patient).await {
        Ok(bedside) => (Link::Alive(bedside.status), bedside.row),
        Err(error) => {
            tracing::warn!(error = book::story(&error), "a patient's row was not read");
            let last = match sources.last {
                Link::Alive(status) | Link::Lost(status) => Link::Lost(status),
                Link::Never => Link::Never,
            };
            (last, None)
        }
    }
}

async fn signatures(record: &Database, actor: &Actor) -> Result<Signatures, PageError> {
    let read: Result<Signatures, BookError> = book::signatures(record, actor).await;
    read.map_err(|error| PageError::Names(Box::new(error)))
}

/// The flags as the record has them: acts refer to these, and they are there without ingest.
fn take_flags(
    row: &mut Row,
    open: impl Iterator<Item = veglia_diary::OpenFlag>,
    signed: &Signatures,
) -> Vec<Care> {
    row.flags.clear();
    let mut alerts: Vec<Care> = Vec::new();
    for flag in open {
        let is_new = |alert: &Alert| alerts.iter().all(|known| known.alert.id != alert.id);
        if let Some(alert) = flag.alert.filter(is_new) {
            alerts.push(signed.care(alert));
        }
        row.flag(OpenFlag {
            flag: flag.flag,
            raised_at: flag.raised_at,
            over: flag.ended,
        });
    }
    alerts
}

/// Where the patient is, unless at home: nothing is expected from there.
fn away(stood: &[Stood], now: WallMs) -> Option<(&'static str, String)> {
    let mut begun = stood.iter().filter(|it| it.standing.from <= now);
    let last = begun.next()?.standing;
    let is_away = last.whereabouts != Whereabouts::AtHome;
    let place = words::whereabouts(last.whereabouts);
    let since = words::since_time(last.from, now);
    is_away.then(|| ("Dove", format!("{place} {since}: nessuna misura è attesa")))
}

fn planned(plan: &Plan, now: WallMs) -> Vec<String> {
    let force = match plan.until {
        _ if plan.from > now => format!("Inizierà {}", words::at_time(plan.from, now)),
        Some(until) if until <= now => format!("Terminato {}", words::at_time(until, now)),
        Some(until) => format!("In vigore fino a {}", words::time(until, now)),
        None => format!("In vigore {}", words::since_time(plan.from, now)),
    };
    let rhythm = plan.parameters.iter().map(|parameter| {
        let name = words::vital_name(parameter.vital);
        let grace = parameter.grace_minutes;
        format!(
            "{name}: {}, tolleranza {grace} min",
            words::rhythm(parameter)
        )
    });
    let target = plan.spo2.map(|target| {
        format!(
            "Obiettivo personale di SpO₂: {}–{} %",
            target.low_percent, target.high_percent
        )
    });
    let scale = (plan.oxygen_scale == OxygenScale::Two)
        .then(|| "NEWS2 con la scala 2 per la SpO₂".to_owned());
    let version = format!("Versione {}", plan.version);
    std::iter::once(format!("{version}. {force}"))
        .chain(rhythm)
        .chain(target)
        .chain(scale)
        .chain(apart(plan))
        .collect()
}

fn device(state: &DeviceState, now: WallMs) -> String {
    use veglia_view::Battery;
    let mut said = vec![
        if state.up {
            "collegato"
        } else {
            "non collegato"
        }
        .to_owned(),
    ];
    // What a device said last says nothing of now once it is gone.
    for (sensor, contact) in state.contacts.iter().filter(|_| state.up) {
        let contact = words::contact(*contact);
        said.push(format!("{} {contact}", words::sensor(*sensor)));
    }
    match state.battery {
        Some(Battery::Percent(percent)) => said.push(format!("batteria {percent} %")),
        Some(Battery::Low) => said.push("batteria scarica".to_owned()),
        None => {}
    }
    match state.last_heard {
        Some(at) => said.push(format!(
            "ultimo segnale {} ({})",
            words::at_time(at, now),
            words::age(at, now)
        )),
        None => said.push("mai sentito".to_owned()),
    }
    format!("{}: {}", state.device, said.join(", "))
}

/// A device given to the patient, and the sentence that says when, by whom, and until when.
fn handover(given: &Handover, signed: &Signatures, now: WallMs) -> (String, String) {
    let assignment = &given.assignment;
    let from = words::time(assignment.from, now);
    let by = signed.name(&given.given_by);
    let shared = match assignment.holder.members().len() {
        0 | 1 => "",
        _ => ", condiviso con altri della casa",
    };
    let back = given.returned.as_ref().map(|returned| {
        let until = words::time(returned.until, now);
        format!("; ritirato {until} ({})", signed.name(&returned.by))
    });
    let back = back.unwrap_or_else(|| "; in corso".to_owned());
    let sentence = format!("consegnato {from} ({by}){shared}{back}");
    (assignment.device.to_string(), sentence)
}

/// The lengths of a snooze that a form offers, in minutes.
fn snoozes(severity: Severity) -> Vec<i64> {
    let longest = Ladder::shipped().course(severity).snooze_ms / words::MINUTE_MS;
    let offered = [5, 10, 15, 30, 60, 120, 240, 480, 1_440];
    offered.into_iter().filter(|it| *it <= longest).collect()
}

fn flag_view(flag: &OpenFlag, about: &About<'_>, reader: &str, now: WallMs) -> FlagView {
    let id = &flag.flag.id;
    let care = care::of(about.alerts, id);
    let hold = care.and_then(|care| care.alert.state.hold.as_ref());
    let ladder = [
        care.and_then(|care| care.afterwards(now)),
        care.and_then(|care| care.family_doctor(now)),
    ];
    let is_confirmed = flag.flag.standing.is_confirmed();
    FlagView {
        id: id.to_string(),
        telling: flag.flag.telling,
        colour: match reason::kind(flag.flag.severity) {
            "red" => "◆ ROSSO",
            "amber" => "▲ GIALLO",
            _ => "▬ TECNICO",
        },
        reason: Reason::new(flag, about, now),
        ladder: ladder.into_iter().flatten().collect(),
        to_say: care::to_say(flag.flag.severity, is_confirmed, now),
        charge: match hold {
            None => ChargeView::Nobody,
            Some(hold) if hold.by == reader => ChargeView::Reader,
            Some(_) => ChargeView::Other,
        },
        snoozes: snoozes(flag.flag.severity),
        evidence: flag
            .flag
            .evidence
            .iter()
            .map(|it| EvidenceView {
                id: it.id.to_string(),
                what: words::what(it),
                value: words::exact(it),
                time: words::full_time(it.at),
                median: it
                    .median()
                    .map(|of| (of.first.to_string(), of.last.to_string(), of.readings)),
            })
            .collect(),
        rule: format!("{} ({})", id.rule, id.rule_set),
    }
}
