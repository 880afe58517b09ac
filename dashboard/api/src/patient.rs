//! One patient: who it is, how they are, what they wear and need.

use serde::Serialize;
use utoipa::ToSchema;
use veglia_diary::Stood;
use veglia_people::background::{self, Background, Other};
use veglia_people::patients::Person;
use veglia_view::{self as view, Battery, Contact, DeviceState, Row, VitalKind, Whereabouts};

use crate::{Measured, Moment, Score, Signatures, Signed};

/// Who a patient is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Identity {
    /// First name or names.
    pub name: String,
    /// Family name or names.
    pub surname: String,
    /// The Italian tax code.
    pub codice_fiscale: String,
    /// The number to call.
    pub phone: String,
    /// Where they stay.
    pub address: String,
}

impl From<&Person> for Identity {
    fn from(person: &Person) -> Self {
        let details = &person.details;
        Self {
            name: details.name.clone(),
            surname: details.surname.clone(),
            codice_fiscale: details.codice_fiscale.as_str().to_owned(),
            phone: details.phone.as_str().to_owned(),
            address: details.address.clone(),
        }
    }
}

/// Somebody who may be called; either may be empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TelephoneOf {
    /// How they are called, and who they are to the patient.
    pub name: String,
    /// Their number.
    pub phone: String,
}

impl From<&Other> for TelephoneOf {
    fn from(other: &Other) -> Self {
        Self {
            name: other.name.clone(),
            phone: other.phone.clone(),
        }
    }
}

/// The clinical sheet, in the words of whoever wrote it; what it does not say is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Sheet {
    /// Which version, from 1.
    pub version: i64,
    /// Who wrote it.
    pub written_by: Signed,
    /// When.
    pub written_at: Moment,
    /// Other diseases.
    pub conditions: String,
    /// What they take.
    pub therapy: String,
    /// Allergies and intolerances.
    pub allergies: String,
    /// Oxygen at home.
    pub home_oxygen: String,
    /// Floor, stair, name on the bell.
    pub floor: String,
    /// Where keys are.
    pub keys: String,
    /// Who has keys.
    pub key_holder: TelephoneOf,
    /// Who is called when the patient does not answer, the first first.
    pub contacts: Vec<TelephoneOf>,
    /// The first day of isolation, as `2020-11-14`; `null` when they are not isolated.
    #[schema(required, format = Date)]
    pub isolated_since: Option<String>,
}

impl Sheet {
    fn new(sheet: &background::Sheet, signed: &Signatures) -> Self {
        let Background {
            conditions,
            therapy,
            allergies,
            home_oxygen,
            floor,
            keys,
            key_holder,
            others,
            isolated_since,
        } = &sheet.says;
        Self {
            version: sheet.version,
            written_by: signed.of(&sheet.by),
            written_at: sheet.at.into(),
            conditions: conditions.clone(),
            therapy: therapy.clone(),
            allergies: allergies.clone(),
            home_oxygen: home_oxygen.clone(),
            floor: floor.clone(),
            keys: keys.clone(),
            key_holder: key_holder.into(),
            contacts: others.iter().map(TelephoneOf::from).collect(),
            isolated_since: isolated_since.map(|day| day.to_string()),
        }
    }
}

/// One patient in short.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Patient {
    /// The patient's number, as in addresses.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    pub patient: String,
    /// The moment by the clock of care that the answer speaks of.
    pub now: Moment,
    /// Who it is; `null` for whoever nobody has registered and whose devices speak.
    #[schema(required)]
    pub identity: Option<Identity>,
    /// `at-home`, `in-hospital`, `suspended`, `discharged` or `deceased`.
    pub whereabouts: &'static str,
    /// The clinical sheet; `null` while nobody has written one.
    #[schema(required)]
    pub sheet: Option<Sheet>,
    /// The latest value of each vital sign.
    pub latest: Vec<Measured>,
    /// The scores that anything is known of.
    pub scores: Vec<Score>,
    /// When anything of this patient was last heard.
    #[schema(required)]
    pub last_heard_at: Option<Moment>,
}

impl Patient {
    /// What is known of somebody at a moment.
    #[must_use]
    pub fn new(
        row: &Row,
        now: view::WallMs,
        (person, sheet): (Option<&Person>, Option<&background::Sheet>),
        stood: &[Stood],
        signed: &Signatures,
    ) -> Self {
        // The newest stands first.
        let begun = stood.iter().find(|it| it.standing.from <= now);
        let whereabouts = begun.map_or(Whereabouts::AtHome, |it| it.standing.whereabouts);
        Self {
            patient: row.patient.to_string(),
            now: now.into(),
            identity: person.map(Identity::from),
            whereabouts: whereabouts.name(),
            sheet: sheet.map(|sheet| Sheet::new(sheet, signed)),
            latest: Measured::all(row),
            scores: Score::all(row, now),
            last_heard_at: row.last_heard.map(Moment),
        }
    }
}

/// A device that a patient wears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Device {
    /// Which.
    pub device: String,
    /// Whether the box at home can talk to it.
    pub is_connected: bool,
    /// Its charge; `null` when it never told.
    #[schema(required, minimum = 0, maximum = 100)]
    pub battery_percent: Option<u8>,
    /// Whether it says that its battery is low; `null` when it never told of it.
    #[schema(required)]
    pub is_battery_low: Option<bool>,
    /// When anything it sent was last measured.
    #[schema(required)]
    pub last_heard_at: Option<Moment>,
    /// The box that brought it.
    #[schema(required)]
    pub gateway: Option<String>,
    /// The vital signs that it has measured.
    pub measures: Vec<crate::Vital>,
    /// What its sensors last said of their hold: `on`, `off`, `searching`, `unmeasurable`.
    #[schema(value_type = Vec<String>)]
    pub contacts: Vec<Contact>,
}

impl From<&DeviceState> for Device {
    fn from(state: &DeviceState) -> Self {
        let (battery_percent, is_battery_low) = match state.battery {
            Some(Battery::Percent(percent)) => (Some(percent.min(100)), None),
            Some(Battery::Low) => (None, Some(true)),
            None => (None, None),
        };
        let measures = state.measures.iter().copied();
        Self {
            device: state.device.to_string(),
            is_connected: state.up,
            battery_percent,
            is_battery_low,
            last_heard_at: state.last_heard.map(Moment),
            gateway: state.gateway.as_ref().map(ToString::to_string),
            measures: measures.map(|kind: VitalKind| kind.into()).collect(),
            contacts: state.contacts.iter().map(|(_, contact)| *contact).collect(),
        }
    }
}

/// The devices that a patient wears now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Devices {
    /// At most 16.
    pub devices: Vec<Device>,
    /// When the box at home was last heard.
    #[schema(required)]
    pub gateway_last_heard_at: Option<Moment>,
}

impl From<&Row> for Devices {
    fn from(row: &Row) -> Self {
        Self {
            devices: row.devices.iter().map(Device::from).collect(),
            gateway_last_heard_at: row.gateway_last_heard.map(Moment),
        }
    }
}

/// What a patient said that they need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Need {
    /// When.
    pub at: Moment,
    /// Who wrote it down.
    pub written_by: Signed,
    /// `food`, `medicines`, `care`, `nurse`, `company`, `errands`, `animals`, `other`.
    pub kinds: Vec<String>,
    /// In the patient's words; may be empty.
    pub words: String,
    /// Where it is needed; may be empty.
    pub place: String,
    /// Whether the patient agrees that it is passed on and counted.
    pub has_consent: bool,
}

/// What a patient needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Needs {
    /// The newest first.
    pub needs: Vec<Need>,
}

impl Needs {
    /// As calls have them.
    #[must_use]
    pub fn new(needs: Vec<veglia_intake::Need>, signed: &Signatures) -> Self {
        let need = |it: veglia_intake::Need| Need {
            at: it.at.into(),
            written_by: signed.of(&it.by),
            kinds: it.kinds,
            words: it.words,
            place: it.place,
            has_consent: it.has_consent,
        };
        Self {
            needs: needs.into_iter().map(need).collect(),
        }
    }
}
