//! The *Scheda 112*: one screen, read to the dispatcher and printed for the crew. Who, where,
//! floor, keys, therapy, allergies, oxygen at home, last values with their times, what was done.
//!
//! What nobody has written says "non registrato", which is not "none".

use askama::Template;
use veglia_diary::{ActKind, CallOutcome, Whom, Written, diary_of, open_flags};
use veglia_people::background::{self, Background, Other};
use veglia_people::staff;
use veglia_view::{Answer, AnswerCode, PatientId, Row, Scored, VitalKind, WallMs, What};

use crate::desk::{Desk, IntakeError, Purpose, person_of};
use crate::saved::about;
use crate::words;

/// How far back what was done is told.
const DONE_MS: i64 = 24 * 3_600_000;

/// Lines of it: the newest.
const DONE_LINES: usize = 8;

/// Characters of a note: what is longer is in the diary.
const DONE_CHARS: usize = 300;

/// Lines of the diary looked through for them.
const LOOKED_THROUGH: u64 = 200;

const UNKNOWN: &str = "non registrato";

/// The sheet, to be framed by a door.
#[derive(Template)]
#[template(path = "sheet_112.html")]
pub struct SheetPage {
    patient: PatientId,
    name: String,
    code: String,
    phone: String,
    made: String,
    /// Where, and how to get in.
    place: Vec<(&'static str, String)>,
    /// What a doctor must know.
    health: Vec<(&'static str, String)>,
    /// When the clinical sheet was written, if it was.
    written: Option<String>,
    /// Why help is called.
    flags: Vec<(&'static str, &'static str, String)>,
    values: Vec<(&'static str, String)>,
    is_lost: bool,
    others: Vec<(String, String)>,
    done: Vec<String>,
}

impl SheetPage {
    /// The sheet of a patient; `None` when nobody is registered under this number.
    ///
    /// # Errors
    /// See [`IntakeError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, IntakeError> {
        let Some(person) = desk.open(patient, Purpose::Sheet112).await? else {
            return Ok(None);
        };
        let actor = desk.who.actor();
        let sheet = match person_of(patient) {
            Some(person) => background::current(desk.record, &actor, person).await,
            None => Ok(None),
        };
        let sheet = sheet.map_err(IntakeError::Sheet)?;
        let says = sheet.as_ref().map(|it| it.says.clone());
        let says = says.unwrap_or_default();
        let open = open_flags(desk.record, &actor).await;
        let open = open.map_err(IntakeError::Diary)?.into_iter();
        let flags = open.filter(|it| it.flag.id.patient == patient).map(|it| {
            let severity = it.flag.severity;
            let since = words::time(it.raised_at, desk.now);
            (
                words::severity_code(severity),
                words::severity(severity),
                format!("{} dalle {since}", about(it.flag.about)),
            )
        });
        let row = desk.row(patient).await;
        Ok(Some(Self {
            patient,
            name: words::name(&person),
            code: person.details.codice_fiscale.as_str().to_owned(),
            phone: person.details.phone.as_str().to_owned(),
            made: words::full_time(desk.now),
            place: place(&person.details.address, &says),
            health: health(&says),
            written: sheet.map(|it| words::full_time(it.at)),
            flags: flags.collect(),
            values: row
                .as_deref()
                .map_or_else(Vec::new, |row| values(row, desk.now)),
            is_lost: row.is_none(),
            others: others(&says),
            done: done(desk, patient).await?,
        }))
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        format!("Scheda 112 di {}", self.name)
    }
}

fn or_unknown(text: &str) -> String {
    match text {
        "" => UNKNOWN.to_owned(),
        text => text.to_owned(),
    }
}

fn place(address: &str, says: &Background) -> Vec<(&'static str, String)> {
    let keys = [says.keys.as_str(), &person(&says.key_holder)];
    let keys: Vec<&str> = keys.into_iter().filter(|it| !it.is_empty()).collect();
    vec![
        ("Indirizzo", address.to_owned()),
        ("Piano, scala, campanello", or_unknown(&says.floor)),
        ("Chiavi", or_unknown(&keys.join("; "))),
    ]
}

fn health(says: &Background) -> Vec<(&'static str, String)> {
    vec![
        ("Malattie", or_unknown(&says.conditions)),
        ("Terapia", or_unknown(&says.therapy)),
        ("Allergie", or_unknown(&says.allergies)),
        ("Ossigeno a casa", or_unknown(&says.home_oxygen)),
    ]
}

fn person(other: &Other) -> String {
    let parts = [other.name.as_str(), other.phone.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join(", ")
}

fn others(says: &Background) -> Vec<(String, String)> {
    let others = says.others.iter();
    others
        .map(|it| (it.name.clone(), it.phone.clone()))
        .collect()
}

/// The last value of each vital sign, and what was answered of oxygen and consciousness.
fn values(row: &Row, now: WallMs) -> Vec<(&'static str, String)> {
    let vitals = VitalKind::ALL.into_iter().filter_map(|kind| {
        let latest = row.latest(kind)?;
        Some((words::vital(kind), words::latest(latest, now)))
    });
    let mut values: Vec<(&'static str, String)> = vitals.collect();
    let mut counted = row.scores.iter().filter_map(|it| match it {
        Scored::Counted(partial) => Some(partial),
        Scored::NotCounted(_) => None,
    });
    let points = counted.next().into_iter().flat_map(|it| &it.points);
    for point in points {
        let What::Answer { answer } = point.evidence.what else {
            continue;
        };
        let Answer { code, .. } = answer;
        let name = match code {
            AnswerCode::OnOxygen => "Con ossigeno",
            AnswerCode::Consciousness => "Coscienza",
            _ => continue,
        };
        let (_, said) = words::said(&crate::said::Said::Answer(answer));
        let at = words::at_time(point.evidence.at, now);
        values.push((name, format!("{said} {at}")));
    }
    values
}

/// What people did of late, the newest first.
async fn done(desk: Desk<'_>, patient: PatientId) -> Result<Vec<String>, IntakeError> {
    let (record, actor, now) = (desk.record, desk.who.actor(), desk.now);
    let range = now.plus_ms(-DONE_MS)..now.plus_ms(1);
    let lines = diary_of(record, &actor, patient, range, LOOKED_THROUGH).await;
    let lines = lines.map_err(IntakeError::Diary)?;
    let signed = staff::signatures(record, &actor).await;
    let signed = signed.map_err(IntakeError::Record)?;
    let acts = lines.into_iter().filter_map(|line| match line.what {
        Written::Act(act) => Some(act),
        _ => None,
    });
    let told = acts.filter_map(|act| {
        let what = did(act.kind)?;
        let who = words::signed(&act.by, &signed);
        let words = act.words.replace('\n', " ");
        let words = match words.as_str() {
            "" => String::new(),
            words => format!(": {}", words.chars().take(DONE_CHARS).collect::<String>()),
        };
        Some(format!(
            "{} {what} ({who}){words}",
            words::time(act.at, now)
        ))
    });
    Ok(told.take(DONE_LINES).collect())
}

fn did(kind: ActKind) -> Option<String> {
    Some(match kind {
        ActKind::TakenCharge => "preso in carico".to_owned(),
        ActKind::Note => "nota".to_owned(),
        ActKind::Called(whom, outcome) => {
            let whom = match whom {
                Whom::Patient => "al paziente",
                Whom::Contact => "alla persona di contatto",
                Whom::KeyHolder => "a chi ha le chiavi",
                Whom::FamilyDoctor => "al medico di famiglia",
                Whom::Emergency => "al 112",
            };
            let outcome = match outcome {
                CallOutcome::Well => "sta bene",
                CallOutcome::Unwell => "non sta bene",
                CallOutcome::NoAnswer => "non risponde",
                CallOutcome::HelpSent => "soccorso in arrivo",
            };
            format!("telefonata {whom}, {outcome}")
        }
        ActKind::Escalated => "chiesto il medico di guardia".to_owned(),
        ActKind::HandedOver(_) => "passato a un collega".to_owned(),
        _ => return None,
    })
}
