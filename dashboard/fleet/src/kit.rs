//! Handing a kit over: the device is scanned, the patient chosen, and the first measure is seen
//! together by telephone. Four touches, three minutes.
//!
//! A scanner is a keyboard that types the label and Enter; without one the label is typed. It may
//! hold the device's whole id or its serial number alone. Another make may have the same serial
//! number, or a box that was not heard for months may tell of it: of what was recognised by a
//! number alone make, box and last sign are shown once, and a touch says that it is this one. The
//! page then waits and shows the first
//! value that this device measured since it was given; it ends with the *tesserino*.

use askama::Template;
use serde::Deserialize;
use veglia_diary::{Handover, handovers_of_device};
use veglia_people::staff::Staff;
use veglia_view::{ReadingsAsk, Row, VitalKind, WallMs};
use veglia_wire::DeviceId;
use veglia_words::Words;

use crate::access;
use crate::assign::AssignForm;
use crate::book::Wearer;
use crate::fleet::{Called, Fleet, FleetError, Now};
use crate::{story, words};

/// What is shown of a first measure, in this order.
const SHOWN: [VitalKind; 3] = [VitalKind::SpO2, VitalKind::Pulse, VitalKind::Temperature];

/// Readings looked through for the first of this device: another may have measured as well.
const LOOKED_THROUGH: usize = 50;

/// How long a page may be ahead of a box's clock, in milliseconds.
const AHEAD_MS: i64 = 10 * 60_000;

/// What is handed over to whom.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct KitForm {
    /// The label, as it was scanned or typed.
    #[serde(default)]
    pub label: String,
    /// The patient, as the list offers: name and number.
    #[serde(default)]
    pub patient: String,
    /// With whom they share it; empty for nobody.
    #[serde(default)]
    pub with: String,
    /// The device that was recognised by its serial number, once somebody has said that it is this
    /// one; empty before.
    #[serde(default)]
    pub recognised: String,
}

/// The form, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "kit.html")]
pub struct KitPage {
    pub(crate) w: Words,
    form: KitForm,
    patients: Vec<Wearer>,
    problem: Option<String>,
    /// Where the device's sheet is, when somebody else has it.
    sheet: Option<String>,
    /// What the serial number is of, to be told apart.
    recognised: Vec<Recognised>,
}

/// A device that has the serial number.
#[derive(Debug)]
struct Recognised {
    device: String,
    make: String,
    serial: String,
    /// `casa-12, ultimo segnale 2 min fa`.
    heard: String,
}

/// The page that waits for the first measure, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "kit_wait.html")]
pub struct KitWaitPage {
    pub(crate) w: Words,
    device: String,
    to: String,
    since: String,
    /// Which box hears the device.
    home: Option<String>,
    /// The first values, with their time; none while nothing came.
    first: Option<(String, String)>,
    is_lost: bool,
}

/// What became of a form.
#[derive(Debug)]
pub enum Handed {
    /// The device is theirs: the page that waits has it in its address.
    Over(String),
    /// The form again.
    Again(Box<KitPage>),
}

impl Fleet {
    /// The empty form.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn kit(&self, form: KitForm, now: Now) -> Result<KitPage, FleetError> {
        Ok(KitPage {
            w: self.w,
            form,
            patients: self.book.patients(now.care, self.w).await?,
            problem: None,
            sheet: None,
            recognised: Vec::new(),
        })
    }

    /// Hands a device over from now on, or says why not.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn hand_over_kit(
        &self,
        who: &Staff,
        form: KitForm,
        now: Now,
    ) -> Result<Handed, FleetError> {
        let page = self.kit(form, now).await?;
        let label = page.form.label.trim();
        let called = self.devices_called(label, now).await;
        let said = page.form.recognised.as_str();
        let is_meant = |it: &&Called| {
            let id = it.device.as_str();
            id == said || id.eq_ignore_ascii_case(label)
        };
        let device = match called.iter().find(is_meant) {
            Some(called) => Some(called.device.clone()),
            None if !called.is_empty() => {
                return Ok(Handed::Again(Box::new(page.recognising(&called))));
            }
            // A device that no box hears yet has its whole id on its label.
            None if label.contains(':') => DeviceId::new(label).ok(),
            None => None,
        };
        let Some(device) = device else {
            let problem = self.w.with("kit-unknown", "label", label).to_string();
            return Ok(Handed::Again(Box::new(page.refusing(problem, None))));
        };
        let chosen = AssignForm {
            patient: number(&page.form.patient),
            with1: number(&page.form.with),
            ..AssignForm::default()
        };
        match self
            .give(who, &device, &chosen, &page.patients, now)
            .await?
        {
            Ok(_) => Ok(Handed::Over(device.to_string())),
            Err(sentence) => {
                let sheet = Some(device.to_string());
                Ok(Handed::Again(Box::new(page.refusing(sentence, sheet))))
            }
        }
    }

    /// The page that waits for the first measure of a device that somebody has.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn kit_waits(
        &self,
        reader: &Staff,
        device: &str,
        now: Now,
    ) -> Result<KitWaitPage, FleetError> {
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let handovers = handovers_of_device(&self.record, &reader.actor(), &device).await;
        let handovers = handovers.map_err(FleetError::Diary)?;
        let open = handovers.into_iter().find(|it| it.returned.is_none());
        let given = open.ok_or(FleetError::Unknown)?;
        let members = given.assignment.holder.members();
        let mut is_theirs = false;
        for member in members {
            is_theirs |= self.may_name(reader, *member, now).await?;
        }
        if !is_theirs {
            return Err(FleetError::Unknown);
        }
        access::awaits_first(&self.record, reader, members, now.care).await?;
        let (first, is_lost) = match self.first(&device, &given, now).await {
            Ok(first) => (first, false),
            Err(FleetError::View(error)) => {
                tracing::warn!(error = %story(&error), "a first measure was not looked for");
                (None, true)
            }
            Err(error) => return Err(error),
        };
        Ok(KitWaitPage {
            w: self.w,
            to: self.book.called(&given.assignment.holder, self.w).await?,
            since: words::time(given.assignment.from, self.w),
            home: self.home_of(&device).await,
            first,
            is_lost,
            device: device.to_string(),
        })
    }

    /// The first values of a device since it was given, and when they were measured.
    async fn first(
        &self,
        device: &DeviceId,
        given: &Handover,
        now: Now,
    ) -> Result<Option<(String, String)>, FleetError> {
        let Some(patient) = given.assignment.holder.patient() else {
            return self.first_shared(device, given.assignment.from, now).await;
        };
        let mut found: Vec<(WallMs, String)> = Vec::new();
        for vital in SHOWN {
            let ask = ReadingsAsk {
                patient,
                vital,
                from: given.assignment.from,
                to: now.care.plus_ms(AHEAD_MS),
                limit: LOOKED_THROUGH,
            };
            let readings = self.view.readings(ask).await.map_err(FleetError::View)?;
            let mut readings = readings.readings.into_iter();
            if let Some(it) = readings.find(|it| it.device == *device) {
                found.push((it.at, words::reading(vital, it.steps, it.quality, self.w)));
            }
        }
        let Some(at) = found.iter().map(|(at, _)| *at).min() else {
            return Ok(None);
        };
        let values: Vec<String> = found.into_iter().map(|(_, value)| value).collect();
        let at = words::time_of(at, now.care, self.w);
        Ok(Some((values.join(", "), at)))
    }

    /// The same of a device that is shared: what it measures waits for its patient.
    async fn first_shared(
        &self,
        device: &DeviceId,
        since: WallMs,
        now: Now,
    ) -> Result<Option<(String, String)>, FleetError> {
        let waiting = self.view.waiting().await.map_err(FleetError::View)?;
        let of_device = waiting.rows.iter().filter_map(|row| {
            let waits = row.waits.as_ref()?;
            let is_meant = waits.device == *device && waits.until >= since;
            is_meant.then_some((waits.from, row.as_ref()))
        });
        let first = of_device.min_by_key(|(from, _)| *from);
        let w = self.w;
        let said = |(from, row): (WallMs, &Row)| {
            let values = words::readings(&row.latest, w);
            (values, words::time_of(from, now.care, w))
        };
        Ok(first.map(said))
    }
}

impl KitPage {
    /// The same, with what the number is of, for somebody to say which.
    fn recognising(self, called: &[Called]) -> Self {
        Self {
            recognised: called.iter().map(|it| recognised(it, self.w)).collect(),
            ..self
        }
    }

    fn refusing(self, problem: String, sheet: Option<String>) -> Self {
        Self {
            problem: Some(problem),
            sheet,
            ..self
        }
    }
}

fn recognised(called: &Called, w: Words) -> Recognised {
    let id = called.device.as_str();
    let (make, serial) = id.split_once(':').unwrap_or(("", id));
    let heard = match called.age_ms {
        Some(ms) => w
            .with("kit-last-sign", "gateway", &called.gateway)
            .and("ago", words::ago(ms, w)),
        None => w.with("kit-no-sign", "gateway", &called.gateway),
    };
    Recognised {
        make: make.to_owned(),
        serial: serial.to_owned(),
        heard: heard.to_string(),
        device: id.to_owned(),
    }
}

/// The number in `Rossi Maria (00000000000a11ce)`, or what was typed.
fn number(typed: &str) -> String {
    let typed = typed.trim();
    let inside = typed
        .rsplit_once('(')
        .and_then(|(_, it)| it.strip_suffix(')'));
    inside.unwrap_or(typed).to_owned()
}
