//! What is known of one patient at this moment, in the words that a screen needs.
//!
//! A row holds facts, never judgements about time: whether a value is stale is decided by whoever
//! shows it, against the care time of the moment of showing.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use veglia_triage::{Flag, FlagId, PatientId, Scored, Source, Why};
use veglia_wire::{Contact, DeviceId, GatewayId, Quality, Sensor, Site, VitalKind, WallMs};

/// Flags of one patient that a row holds at most; the gravest stay. A patient has a few at a time;
/// this bounds a fault of a rule.
pub const FLAGS_MAX: usize = 32;

/// Devices of one patient that a row holds at most: an oximeter, a thermometer, the two virtual
/// ones, and room for exchanges.
pub const DEVICES_MAX: usize = 16;

/// Values that a row holds of what waits to be told whose it is: as many as a person looks through.
pub const MEASURED_MAX: usize = 24;

/// The value of a vital sign with the latest measured time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// Which vital sign.
    pub vital: VitalKind,
    /// In the steps of `vital` ([`VitalKind::steps_per_unit`]).
    pub steps: i32,
    /// Where on the body; only temperatures say.
    pub site: Site,
    /// When it was measured.
    pub at: WallMs,
    /// What was said of it.
    pub quality: Quality,
    /// By which way it came.
    pub source: Source,
}

/// Why a value is not judged although its device says nothing against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unjudged {
    /// The device repeats it, holds it or ends at it: it is no measurement.
    NoMeasurement,
    /// No living person has such a value.
    Implausible,
    /// It is dated after it came.
    Ahead,
}

/// A flag that still needs somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFlag {
    /// The flag as last told by the rules.
    pub flag: Flag,
    /// When the rules raised it, by the clock of care.
    pub raised_at: WallMs,
    /// Why and when its episode ended, if it did: it then waits for a person to close it.
    pub over: Option<(Why, WallMs)>,
}

/// Charge of a device's battery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Battery {
    /// 0 to 100 %.
    Percent(u8),
    /// Low, said without a number.
    Low,
}

/// What is known of a device that a patient wears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Which.
    pub device: DeviceId,
    /// What each of its sensors last said of its hold on the body.
    pub contacts: Vec<(Sensor, Contact)>,
    /// Whether the gateway can talk to it.
    pub up: bool,
    /// Its battery, if it ever told.
    pub battery: Option<Battery>,
    /// Latest measured time of anything it sent.
    pub last_heard: Option<WallMs>,
    /// The gateway that brought what it sent last: the one in the patient's home.
    #[serde(default)]
    pub gateway: Option<GatewayId>,
    /// The vital signs that it has measured.
    #[serde(default)]
    pub measures: Vec<VitalKind>,
}

impl DeviceState {
    /// A device of which nothing is known yet.
    #[must_use]
    pub fn new(device: DeviceId) -> Self {
        Self {
            device,
            contacts: Vec::new(),
            up: false,
            battery: None,
            last_heard: None,
            gateway: None,
            measures: Vec::new(),
        }
    }

    /// What a sensor says now.
    pub fn touch(&mut self, sensor: Sensor, contact: Contact) {
        match self.contacts.iter_mut().find(|(known, _)| *known == sensor) {
            Some((_, known)) => *known = contact,
            None => self.contacts.push((sensor, contact)),
        }
    }
}

/// Readings of which nobody has said yet whose they are: one measuring session of a device that a
/// household shares, or that nobody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// The device.
    pub device: DeviceId,
    /// When the earliest reading was measured.
    pub from: WallMs,
    /// When the latest was.
    pub until: WallMs,
    /// How many there are.
    pub readings: u32,
    /// When the first came to the centre.
    pub since: WallMs,
}

/// Set in the numbers of those who stand in for somebody unknown, while it is not known who
/// measured. Whoever keeps people gives none of them away.
const STAND_IN_BIT: u64 = 1 << 63;

/// The patient who stands in for whoever measured; `number` tells one from another.
#[must_use]
pub const fn stand_in(number: u64) -> PatientId {
    PatientId::new(STAND_IN_BIT | number)
}

/// Whether a patient only stands in for somebody unknown ([`Row::waits`]).
#[must_use]
pub const fn is_stand_in(patient: PatientId) -> bool {
    patient.get() & STAND_IN_BIT != 0
}

/// Everything about one patient that a list of patients shows, names excepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose.
    pub patient: PatientId,
    /// The board's count when it was last changed.
    pub version: u64,
    /// The latest value of each vital sign, one each.
    pub latest: Vec<Latest>,
    /// The latest values that the rules do not judge although nothing is said against them.
    #[serde(default)]
    pub unjudged: Vec<(VitalKind, Unjudged)>,
    /// What the scores could be by the values known when the row was last changed. How old these
    /// may be is for whoever shows them: each is among the points, with its time.
    #[serde(default)]
    pub scores: Vec<Scored>,
    /// The flags that still need somebody.
    pub flags: Vec<OpenFlag>,
    /// Latest measured time of anything of this patient.
    pub last_heard: Option<WallMs>,
    /// The devices worn now.
    pub devices: Vec<DeviceState>,
    /// When the home's gateway was last heard.
    pub gateway_last_heard: Option<WallMs>,
    /// What waits to be told whose it is; only for a patient who stands in for somebody unknown,
    /// as long as it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits: Option<Waits>,
    /// The values of what waits, by time of measuring: whoever asks whose they are sees whether
    /// they are one person's. At most [`MEASURED_MAX`], spread over the session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measured: Vec<Latest>,
}

impl Row {
    /// A patient of whom nothing is known yet.
    #[must_use]
    pub fn new(patient: PatientId) -> Self {
        Self {
            patient,
            version: 0,
            latest: Vec::new(),
            unjudged: Vec::new(),
            scores: Vec::new(),
            flags: Vec::new(),
            last_heard: None,
            devices: Vec::new(),
            gateway_last_heard: None,
            waits: None,
            measured: Vec::new(),
        }
    }

    /// The latest value of a vital sign.
    #[must_use]
    pub fn latest(&self, vital: VitalKind) -> Option<&Latest> {
        self.latest.iter().find(|latest| latest.vital == vital)
    }

    /// Why the latest value of a vital sign is not judged, if it is not and its device does not
    /// say.
    #[must_use]
    pub fn unjudged(&self, vital: VitalKind) -> Option<Unjudged> {
        let mut unjudged = self.unjudged.iter();
        let (_, why) = unjudged.find(|(of, _)| *of == vital)?;
        Some(*why)
    }

    /// Takes a value in; one measured before the known one changes nothing, however late it came.
    pub fn measure(&mut self, value: Latest) {
        self.last_heard = self.last_heard.max(Some(value.at));
        match self
            .latest
            .iter_mut()
            .find(|known| known.vital == value.vital)
        {
            Some(known) if known.at <= value.at => *known = value,
            Some(_) => {}
            None => self.latest.push(value),
        }
    }

    /// Takes a flag in, or its new standing. Above [`FLAGS_MAX`] the least grave, and of equals
    /// the latest, is left out.
    pub fn flag(&mut self, flag: OpenFlag) {
        self.unflag(&flag.flag.id);
        self.flags.push(flag);
        self.flags
            .sort_by_key(|flag| (Reverse(flag.flag.severity), flag.raised_at));
        self.flags.truncate(FLAGS_MAX);
    }

    /// Drops a flag that needs nobody any more.
    pub fn unflag(&mut self, id: &FlagId) {
        self.flags.retain(|flag| flag.flag.id != *id);
    }

    /// The state of a worn device, made when it is new; `None` above [`DEVICES_MAX`].
    pub fn device(&mut self, device: &DeviceId) -> Option<&mut DeviceState> {
        let place = self.devices.iter().position(|it| it.device == *device);
        match place {
            Some(place) => self.devices.get_mut(place),
            None if self.devices.len() < DEVICES_MAX => {
                self.devices.push(DeviceState::new(device.clone()));
                self.devices.last_mut()
            }
            None => None,
        }
    }

    /// Drops a device that is worn no more.
    pub fn take_off(&mut self, device: &DeviceId) {
        self.devices.retain(|it| it.device != *device);
    }
}
