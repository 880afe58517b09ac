//! *Di chi è?*: what was measured with a device that a household shares, or that nobody has, and
//! the answer with one touch.
//!
//! A session is told with its values and their times, its age and whether it is bad; whoever is on
//! duty asks by telephone and touches a name: of two people who measured one after the other they
//! see two values. The answer attributes exactly the readings that were on the page, and leaves
//! what was said before of others amid them.
//! That a red is nobody's ends it: this takes a reason, as closing any other red does.
//! What waits long stands out; ingest lets go of it after two days, and the curves keep it.

use askama::Template;
use serde::Deserialize;
use veglia_diary::{AttributeRefused, AttributionId, Saying, answer_whose, dismiss_whose};
use veglia_people::staff::Staff;
use veglia_view::{Latest, OpenFlag, PatientId, Row, Severity, WallMs};
use veglia_wire::DeviceId;
use veglia_words::Words;

use crate::book::{Wearer, signed};
use crate::fleet::{Fleet, FleetError, Now};
use crate::{story, words};

/// After so long what waits stands out, in milliseconds of care time: half a shift.
const OLD_MS: i64 = 4 * 60 * 60_000;

/// Sessions shown at most: more are not answered in one go, and the gravest and oldest stand first.
const SHOWN_MAX: usize = 40;

/// An answer.
#[derive(Debug, Clone, Deserialize)]
pub struct AnswerForm {
    /// Which device.
    pub device: String,
    /// When the first reading on the page was measured, in milliseconds.
    pub from: i64,
    /// When the last was.
    pub until: i64,
    /// The patient; `nessuno` when they are none of the household's.
    pub patient: String,
    /// The newest word about the device that the page knew.
    #[serde(default)]
    pub seen: i64,
    /// Why a red is none of theirs; empty for every other answer.
    #[serde(default)]
    pub why: String,
}

/// What waits, to be framed by a door, or put on top of another page.
#[derive(Debug, Template)]
#[template(path = "waiting.html")]
pub struct WaitingPage {
    pub(crate) w: Words,
    sessions: Vec<SessionView>,
    hidden: usize,
    is_lost: bool,
    notice: Option<String>,
    /// On top of the ward only what somebody must answer now.
    is_brief: bool,
    /// How many sessions of devices that nobody had are left out there.
    left_out: usize,
}

#[derive(Debug)]
struct SessionView {
    /// Who stands in, as in addresses: their page has the alert.
    stand_in: String,
    device: String,
    gateway: String,
    /// `dalle 14:05 alle 14:07, 3 min fa`.
    when: String,
    values: String,
    /// Each with its time, when there is more than one.
    measured: Vec<Measured>,
    readings: u32,
    /// A red rests on it, which lasts or is over: it waits for somebody either way.
    is_red: bool,
    /// No red lasts.
    is_over: bool,
    is_old: bool,
    /// Who may have measured; empty when nobody has the device.
    members: Vec<Wearer>,
    /// Whether nobody had the device then.
    is_nobodys: bool,
    from: i64,
    until: i64,
    /// The number of the newest word about the device.
    seen: i64,
    /// Where it stands: red first, then what came first.
    rank: (bool, i64),
}

/// What was measured at one moment.
#[derive(Debug)]
struct Measured {
    /// `14:05:10`.
    at: String,
    values: String,
}

impl Fleet {
    /// What waits now; an ingest that does not answer is said on the page.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn waiting(&self, now: Now) -> Result<WaitingPage, FleetError> {
        let (rows, is_lost, at) = match self.view.waiting().await {
            Ok(waiting) => (waiting.rows, false, waiting.status.care_now),
            Err(error) => {
                tracing::warn!(error = %story(&error), "what waits is not known");
                (Vec::new(), true, now.care)
            }
        };
        let mut sessions = Vec::with_capacity(rows.len());
        for row in &rows {
            sessions.extend(self.session(row, at).await?);
        }
        sessions.sort_by_key(|session| session.rank);
        let hidden = sessions.len().saturating_sub(SHOWN_MAX);
        sessions.truncate(SHOWN_MAX);
        Ok(WaitingPage {
            w: self.w,
            sessions,
            hidden,
            is_lost,
            notice: None,
            is_brief: false,
            left_out: 0,
        })
    }

    /// Writes whose the readings are; or what waits, with the sentence that says why not.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn answer(
        &self,
        who: &Staff,
        form: &AnswerForm,
        now: Now,
    ) -> Result<Option<WaitingPage>, FleetError> {
        let device = DeviceId::new(&form.device).map_err(|_| FleetError::Form)?;
        let patient: Option<PatientId> = match form.patient.as_str() {
            "nessuno" => None,
            patient => Some(patient.parse().map_err(|_| FleetError::Form)?),
        };
        let saying = Saying {
            device: &device,
            // The last reading is among them.
            measured: WallMs(form.from)..WallMs(form.until).plus_ms(1),
            patient,
            seen: AttributionId(form.seen),
        };
        let (actor, why) = (who.actor(), form.why.trim());
        let said = match patient {
            None if !why.is_empty() => {
                dismiss_whose(&self.record, &actor, saying, why, now.care).await
            }
            None if self.may_be_red(&device, form).await => Err(AttributeRefused::Reason),
            _ => answer_whose(&self.record, &actor, saying, now.care).await,
        };
        let sentence = match said {
            Ok(_) => return Ok(None),
            Err(AttributeRefused::Reason) => self.w.say("whose-reasonless").into_owned(),
            Err(AttributeRefused::Said(said)) => {
                let whose = match said.patient {
                    Some(patient) => {
                        let named = self.book.named(&[patient], self.w).await?;
                        named
                            .into_iter()
                            .next()
                            .map_or_else(String::new, |it| it.name)
                    }
                    None => self.w.say("whose-nobody").into_owned(),
                };
                let by = signed(&self.book.signatures().await?, &said.by, self.w);
                let said = self.w.with("whose-said", "by", by).and("whose", whose);
                said.to_string()
            }
            Err(AttributeRefused::Stranger(_)) => self.w.say("whose-stranger").into_owned(),
            Err(AttributeRefused::Range) => return Err(FleetError::Form),
            Err(AttributeRefused::Read(fault)) => return Err(FleetError::Diary(fault)),
        };
        let page = self.waiting(now).await?;
        Ok(Some(WaitingPage {
            notice: Some(sentence),
            ..page
        }))
    }

    async fn session(&self, row: &Row, now: WallMs) -> Result<Option<SessionView>, FleetError> {
        let Some(waits) = &row.waits else {
            return Ok(None);
        };
        let then = self.had(&waits.device, waits.from).await?;
        let is_nobodys = then.is_empty();
        // Measured before it was given: whoever has it now may say that it was theirs.
        let members = if is_nobodys {
            self.had(&waits.device, now).await?
        } else {
            then
        };
        let (from, until) = (
            words::time_of(waits.from, now, self.w),
            words::time_of(waits.until, now, self.w),
        );
        let age_ms = now.since(waits.until).max(0);
        let span = if from == until {
            self.w.with("whose-at", "at", from)
        } else {
            let span = self.w.with("whose-from-until", "from", from);
            span.and("until", until)
        };
        let is_red = reds(row).next().is_some();
        let mut devices = row.devices.iter();
        let gateway = devices.find_map(|it| it.gateway.as_ref());
        Ok(Some(SessionView {
            stand_in: row.patient.to_string(),
            device: waits.device.to_string(),
            gateway: gateway.map_or_else(String::new, ToString::to_string),
            when: format!("{span}, {}", words::ago(age_ms, self.w)),
            values: words::readings(&row.latest, self.w),
            measured: measured(&row.measured, self.w),
            // It has begun with one.
            readings: waits.readings.max(1),
            is_red,
            is_over: reds(row).all(|red| red.over.is_some()),
            is_old: age_ms >= OLD_MS,
            members,
            is_nobodys,
            from: waits.from.0,
            until: waits.until.0,
            seen: self.book.newest_word(&waits.device).await?.0,
            rank: (!is_red, waits.since.0),
        }))
    }

    /// Whether a red rests on what is answered, or nobody can tell.
    async fn may_be_red(&self, device: &DeviceId, form: &AnswerForm) -> bool {
        let rows = match self.view.waiting().await {
            Ok(waiting) => waiting.rows,
            Err(error) => {
                tracing::warn!(error = %story(&error), "whether a red waits is not known");
                return true;
            }
        };
        let is_meant = |row: &Row| {
            let waits = row.waits.as_ref();
            waits.is_some_and(|it| {
                it.device == *device && it.from.0 <= form.until && form.from <= it.until.0
            })
        };
        rows.iter()
            .any(|row| is_meant(row) && reds(row).next().is_some())
    }

    async fn had(&self, device: &DeviceId, at: WallMs) -> Result<Vec<Wearer>, FleetError> {
        let mut worn = self.book.wearers(&[device].into(), at, self.w).await?;
        Ok(worn.remove(device).unwrap_or_default())
    }
}

/// The values of a session, one entry for a moment; a value that stays is said with its first. A
/// single one needs no list.
fn measured(all: &[Latest], w: Words) -> Vec<Measured> {
    let mut listed: Vec<Measured> = Vec::new();
    for of_one_moment in all.chunk_by(|one, next| one.at == next.at) {
        let Some(first) = of_one_moment.first() else {
            continue;
        };
        let values = words::readings(of_one_moment, w);
        if listed.last().is_none_or(|last| last.values != values) {
            let at = words::clock(first.at);
            listed.push(Measured { at, values });
        }
    }
    if listed.len() < 2 {
        listed.clear();
    }
    listed
}

/// The reds of a row, those that are over among them.
fn reds(row: &Row) -> impl Iterator<Item = &OpenFlag> {
    let flags = row.flags.iter();
    flags.filter(|flag| flag.flag.severity == Severity::Red)
}

impl WaitingPage {
    /// What stands on top of the ward: what a shared device measured, and what is red. The rest is
    /// a sentence that leads there.
    #[must_use]
    pub fn brief(mut self) -> Self {
        let all = self.sessions.len();
        self.sessions.retain(|it| it.is_red || !it.is_nobodys);
        self.left_out = all - self.sessions.len();
        Self {
            is_brief: true,
            ..self
        }
    }
}
