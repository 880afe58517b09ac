//! FHIR R4 as far as the four documents speak it: the elements that they use, and no others.
//!
//! Own structs and no crate of all FHIR: the generated models hold some thousand types, of which
//! these documents need ten with a few fields each, and bring minutes of compiling for it. What is
//! made here is read by a library that others wrote (`tests/documents`).

use serde::Serialize;
use serde_json::Number;

pub(crate) const LOINC: &str = "http://loinc.org";
pub(crate) const UCUM: &str = "http://unitsofmeasure.org";
pub(crate) const CODICE_FISCALE: &str = "http://hl7.it/sid/codiceFiscale";
const DATA_ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// A document: the first entry is its Composition.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bundle {
    pub(crate) resource_type: &'static str,
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) language: &'static str,
    pub(crate) identifier: Identifier,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) timestamp: String,
    pub(crate) entry: Vec<Entry>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// `urn:uuid:` and the id of the resource: what references name.
    pub(crate) full_url: String,
    pub(crate) resource: Resource,
}

#[derive(Serialize)]
#[serde(tag = "resourceType")]
pub(crate) enum Resource {
    Composition(Box<Composition>),
    Patient(Box<Patient>),
    Practitioner(Box<Practitioner>),
    PractitionerRole(Box<PractitionerRole>),
    CarePlan(Box<CarePlan>),
    ActivityDefinition(Box<ActivityDefinition>),
    ObservationDefinition(Box<ObservationDefinition>),
    Observation(Box<Observation>),
    Device(Box<Device>),
    DeviceUseStatement(Box<DeviceUseStatement>),
}

#[derive(Serialize, Clone)]
pub(crate) struct Meta {
    pub(crate) profile: Vec<String>,
}

#[derive(Serialize, Clone)]
pub(crate) struct Narrative {
    pub(crate) status: &'static str,
    pub(crate) div: String,
}

impl Narrative {
    /// A whole `div`, as [`crate::narrative::Xhtml`] makes it.
    pub(crate) fn new(div: String) -> Self {
        let status = "generated";
        Self { status, div }
    }
}

#[derive(Serialize, Clone, Default)]
pub(crate) struct Identifier {
    pub(crate) system: String,
    pub(crate) value: String,
}

#[derive(Serialize, Clone, Default)]
pub(crate) struct Coding {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system: Option<String>,
    pub(crate) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display: Option<&'static str>,
}

#[derive(Serialize, Clone, Default)]
pub(crate) struct Concept {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) coding: Vec<Coding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

impl Concept {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            coding: Vec::new(),
            text: Some(text.into()),
        }
    }

    /// One code of a system.
    pub(crate) fn coded(system: &str, code: &str, display: Option<&'static str>) -> Self {
        let coding = Coding {
            system: Some(system.to_owned()),
            code: code.to_owned(),
            display,
        };
        Self {
            coding: vec![coding],
            text: None,
        }
    }

    pub(crate) fn loinc(code: &str, display: Option<&'static str>) -> Self {
        Self::coded(LOINC, code, display)
    }
}

#[derive(Serialize, Clone)]
pub(crate) struct Reference {
    pub(crate) reference: String,
}

#[derive(Serialize, Clone, Default)]
pub(crate) struct Period {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<String>,
}

#[derive(Serialize, Clone)]
pub(crate) struct Quantity {
    pub(crate) value: Number,
    pub(crate) unit: &'static str,
    pub(crate) system: &'static str,
    pub(crate) code: &'static str,
}

#[derive(Serialize, Clone, Default)]
pub(crate) struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) high: Option<Quantity>,
}

#[derive(Serialize, Clone)]
pub(crate) struct Note {
    pub(crate) text: String,
}

/// Why an element that must be there is empty.
#[derive(Serialize, Clone)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Absent {
    url: &'static str,
    value_code: &'static str,
}

impl Absent {
    /// Nobody wrote it down.
    pub(crate) fn unknown() -> Self {
        Self {
            url: DATA_ABSENT,
            value_code: "unknown",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Composition {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) language: &'static str,
    pub(crate) text: Narrative,
    pub(crate) identifier: Identifier,
    pub(crate) status: &'static str,
    #[serde(rename = "type")]
    pub(crate) kind: Concept,
    pub(crate) subject: Reference,
    pub(crate) date: String,
    pub(crate) author: Vec<Reference>,
    pub(crate) title: &'static str,
    pub(crate) confidentiality: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) attester: Vec<Attester>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) relates_to: Vec<Related>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) event: Vec<Event>,
    pub(crate) section: Vec<Section>,
}

#[derive(Serialize)]
pub(crate) struct Attester {
    pub(crate) mode: &'static str,
    pub(crate) time: String,
    pub(crate) party: Reference,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Related {
    pub(crate) code: &'static str,
    pub(crate) target_identifier: Identifier,
}

#[derive(Serialize)]
pub(crate) struct Event {
    pub(crate) period: Period,
}

#[derive(Serialize, Clone)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<Concept>,
    pub(crate) text: Narrative,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entry: Vec<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) section: Vec<Section>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Patient {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) identifier: Vec<Identifier>,
    pub(crate) name: Vec<HumanName>,
    pub(crate) telecom: Vec<Telecom>,
    pub(crate) address: Vec<Address>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) general_practitioner: Vec<Reference>,
}

#[derive(Serialize, Default)]
pub(crate) struct HumanName {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) given: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Telecom {
    pub(crate) system: &'static str,
    pub(crate) value: String,
}

#[derive(Serialize)]
pub(crate) struct Address {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) extension: Vec<Absent>,
    #[serde(rename = "use")]
    pub(crate) used: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Practitioner {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) identifier: Vec<Identifier>,
    pub(crate) name: Vec<HumanName>,
}

#[derive(Serialize)]
pub(crate) struct PractitionerRole {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) practitioner: Reference,
    pub(crate) code: Vec<Concept>,
}

#[derive(Serialize)]
pub(crate) struct CarePlan {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) identifier: Vec<Identifier>,
    pub(crate) status: &'static str,
    pub(crate) intent: &'static str,
    pub(crate) category: Vec<Concept>,
    pub(crate) subject: Reference,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) period: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<Reference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) activity: Vec<Activity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) note: Vec<Note>,
}

/// Something to be done, or what came of it.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Activity {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outcome_reference: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<Detail>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    pub(crate) instantiates_canonical: Vec<String>,
    pub(crate) code: Concept,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) performer: Vec<Reference>,
    pub(crate) description: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActivityDefinition {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) status: &'static str,
    pub(crate) description: String,
    pub(crate) code: Concept,
    pub(crate) timing_timing: Timing,
    pub(crate) observation_requirement: Vec<Reference>,
}

#[derive(Serialize)]
pub(crate) struct Timing {
    pub(crate) repeat: Repeat,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repeat {
    pub(crate) frequency: u32,
    pub(crate) period: u32,
    pub(crate) period_unit: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) time_of_day: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObservationDefinition {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) code: Concept,
    pub(crate) qualified_interval: Vec<Interval>,
}

#[derive(Serialize)]
pub(crate) struct Interval {
    pub(crate) category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) range: Option<Range>,
    pub(crate) condition: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Observation {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) category: Vec<Concept>,
    pub(crate) code: Concept,
    pub(crate) subject: Reference,
    pub(crate) effective_date_time: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) performer: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_quantity: Option<Quantity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) value_string: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) note: Vec<Note>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_site: Option<Concept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<Concept>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<Reference>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) identifier: Vec<Identifier>,
    pub(crate) udi_carrier: Vec<Udi>,
    pub(crate) status: &'static str,
    pub(crate) serial_number: String,
    pub(crate) device_name: Vec<DeviceName>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Concept>,
}

#[derive(Serialize)]
pub(crate) struct Udi {
    pub(crate) extension: Vec<Absent>,
}

#[derive(Serialize)]
pub(crate) struct DeviceName {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeviceUseStatement {
    pub(crate) id: String,
    pub(crate) meta: Meta,
    pub(crate) status: &'static str,
    pub(crate) subject: Reference,
    pub(crate) timing_period: Period,
    pub(crate) device: Reference,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) note: Vec<Note>,
}
