//! The *Scheda 112*: one screen, read to the dispatcher and printed for the crew. Who, where,
//! floor, keys, therapy, allergies, oxygen at home, last values with their times, what was done.
//!
//! What nobody has written says "non registrato", which is not "none".

use askama::Template;
use veglia_diary::{ActKind, CallOutcome, Whom, Written, diary_of, open_flags};
use veglia_people::background::{self, Background, Other};
use veglia_people::staff;
use veglia_view::{Answer, AnswerCode, PatientId, Row, Scored, VitalKind, WallMs, What};
use veglia_words::{Key, Words};

use crate::desk::{Desk, IntakeError, Purpose, person_of};
use crate::words;

/// How far back what was done is told.
const DONE_MS: i64 = 24 * 3_600_000;

/// Lines of it: the newest.
const DONE_LINES: usize = 8;

/// Characters of a note: what is longer is in the diary.
const DONE_CHARS: usize = 300;

/// Lines of the diary looked through for them.
const LOOKED_THROUGH: u64 = 200;

/// The sheet, to be framed by a door.
#[derive(Template)]
#[template(path = "sheet_112.html")]
pub struct SheetPage {
    w: Words,
    patient: PatientId,
    name: String,
    code: String,
    phone: String,
    made: String,
    /// Where, and how to get in.
    place: Vec<(Key, String)>,
    /// What a doctor must know.
    health: Vec<(Key, String)>,
    /// When the clinical sheet was written, if it was.
    written: Option<String>,
    /// Why help is called.
    flags: Vec<(&'static str, Key, String)>,
    values: Vec<(Key, String)>,
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
        let (actor, w) = (desk.who.actor(), desk.w());
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
            let what = words::about(it.flag.about, w);
            let since = words::time(it.raised_at, desk.now, w);
            (
                words::severity_code(severity),
                words::severity(severity),
                w.with("sheet-flag", "what", what)
                    .and("since", since)
                    .to_string(),
            )
        });
        let row = desk.row(patient).await;
        Ok(Some(Self {
            w,
            patient,
            name: words::name(&person),
            code: person.details.codice_fiscale.as_str().to_owned(),
            phone: person.details.phone.as_str().to_owned(),
            made: w.language.moment(desk.now),
            place: place(&person.details.address, &says, w),
            health: health(&says, w),
            written: sheet.map(|it| w.language.moment(it.at)),
            flags: flags.collect(),
            values: row
                .as_deref()
                .map_or_else(Vec::new, |row| values(row, desk.now, w)),
            is_lost: row.is_none(),
            others: others(&says),
            done: done(desk, patient).await?,
        }))
    }

    /// What it is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.with("sheet-title", "name", &self.name).to_string()
    }
}

fn or_unknown(text: &str, w: Words) -> String {
    match text {
        "" => w.say("sheet-unknown").into_owned(),
        text => text.to_owned(),
    }
}

fn place(address: &str, says: &Background, w: Words) -> Vec<(Key, String)> {
    let keys = [says.keys.as_str(), &person(&says.key_holder)];
    let keys: Vec<&str> = keys.into_iter().filter(|it| !it.is_empty()).collect();
    vec![
        (Key("sheet-address"), address.to_owned()),
        (Key("sheet-floor"), or_unknown(&says.floor, w)),
        (Key("sheet-keys"), or_unknown(&keys.join("; "), w)),
    ]
}

fn health(says: &Background, w: Words) -> Vec<(Key, String)> {
    vec![
        (Key("sheet-conditions"), or_unknown(&says.conditions, w)),
        (Key("sheet-therapy"), or_unknown(&says.therapy, w)),
        (Key("sheet-allergies"), or_unknown(&says.allergies, w)),
        (Key("sheet-home-oxygen"), or_unknown(&says.home_oxygen, w)),
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
fn values(row: &Row, now: WallMs, w: Words) -> Vec<(Key, String)> {
    let vitals = VitalKind::ALL.into_iter().filter_map(|kind| {
        let latest = row.latest(kind)?;
        Some((words::vital(kind), words::latest(latest, now, w)))
    });
    let mut values: Vec<(Key, String)> = vitals.collect();
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
            AnswerCode::OnOxygen => Key("sheet-oxygen"),
            AnswerCode::Consciousness => Key("sheet-consciousness"),
            _ => continue,
        };
        let (_, said) = words::said(&crate::said::Said::Answer(answer), w);
        let at = words::at_time(point.evidence.at, now, w);
        let said = w.with("sheet-said-at", "answer", said).and("at", at);
        values.push((name, said.to_string()));
    }
    values
}

/// What people did of late, the newest first.
async fn done(desk: Desk<'_>, patient: PatientId) -> Result<Vec<String>, IntakeError> {
    let (record, actor, now, w) = (desk.record, desk.who.actor(), desk.now, desk.w());
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
        let what = did(act.kind, w)?;
        let said: String = act
            .words
            .replace('\n', " ")
            .chars()
            .take(DONE_CHARS)
            .collect();
        let when = words::time(act.at, now, w);
        let did = match said.as_str() {
            "" => w.with("did", "when", when),
            said => w.with("did-words", "when", when).and("words", said),
        };
        let who = words::signed(&act.by, &signed);
        Some(did.and("what", what).and("who", who).to_string())
    });
    Ok(told.take(DONE_LINES).collect())
}

fn did(kind: ActKind, w: Words) -> Option<String> {
    let key = match kind {
        ActKind::TakenCharge => Key("did-taken"),
        ActKind::Note => Key("did-note"),
        ActKind::Called(whom, outcome) => {
            let whom = match whom {
                Whom::Patient => Key("to-patient"),
                Whom::Contact => Key("to-contact"),
                Whom::KeyHolder => Key("to-key-holder"),
                Whom::FamilyDoctor => Key("to-family-doctor"),
                Whom::Emergency => Key("to-112"),
            };
            let outcome = match outcome {
                CallOutcome::Well => Key("outcome-well"),
                CallOutcome::Unwell => Key("outcome-unwell"),
                CallOutcome::NoAnswer => Key("outcome-no-answer"),
                CallOutcome::HelpSent => Key("outcome-help"),
            };
            let called = w.with("did-called", "whom", w.say(whom));
            return Some(called.and("outcome", w.say(outcome)).to_string());
        }
        ActKind::Escalated => Key("did-escalated"),
        ActKind::HandedOver(_) => Key("did-handed-over"),
        _ => return None,
    };
    Some(w.say(key).into_owned())
}
