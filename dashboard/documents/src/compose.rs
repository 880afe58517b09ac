//! From what was read to a document: pure, and the same bytes for the same facts.
//!
//! What every document has stands here (patient, author, Composition); what each kind says has a
//! file of its own. Ids are made of what they name, so that a patient or a device has the same one
//! in every document, and a version of a document always the same.

mod card;
mod last;
mod observed;
mod plan;
mod report;

use sha2::{Digest, Sha256};

use crate::facts::{Facts, Frame, Held};
use crate::fhir::{
    Absent, Address, Attester, Bundle, CODICE_FISCALE, Composition, Concept, Device, DeviceName,
    Entry, Event, HumanName, Identifier, Meta, Narrative, Patient, Period, Practitioner,
    PractitionerRole, Reference, Related, Resource, Section, Telecom, Udi,
};
use crate::narrative::Xhtml;
use crate::vitals::{IT, instant};
use veglia_view::{DeviceId, VitalKind};

/// Where the guide's profiles are: its canonical address.
const PROFILES: &str = "https://agenas.gov.it/fhir/StructureDefinition/";

const LANGUAGE: &str = "it-IT";

/// Names for numbers that only a centre knows: each drawn once, for this program. Two centres may
/// have the same number of staff; nobody joins documents by it.
const PATIENTS: &str = "urn:uuid:c9ac105f-428b-4fa4-9d19-c829b9035888";
const STAFF: &str = "urn:uuid:3f5be1fa-235d-4f76-9600-f7836b922409";
const DEVICES: &str = "urn:uuid:2e28a050-1be7-42fa-95b4-cdf049ce4bed";
const PLANS: &str = "urn:uuid:9ea42f31-fd41-432d-91dc-ef53df27c4aa";

/// The system of identifiers that are addresses themselves.
const URI: &str = "urn:ietf:rfc:3986";

/// What a kind says, beside what it adds to the paper.
struct Body {
    sections: Vec<Section>,
    period: Option<Period>,
}

/// A document as FHIR.
pub(crate) fn document(frame: &Frame, facts: &Facts) -> Bundle {
    let mut paper = Paper::new(frame);
    let body = match facts {
        Facts::Plan(facts) => plan::body(&mut paper, facts),
        Facts::Card(facts) => card::body(&mut paper, facts),
        Facts::Report(facts) => report::body(&mut paper, facts),
        Facts::Last(facts) => last::body(&mut paper, facts),
    };
    paper.bundle(body)
}

/// A document under way: its resources, each once.
struct Paper<'a> {
    frame: &'a Frame,
    /// Kind, patient and version: what the ids of this document's own resources begin with.
    name: String,
    entries: Vec<Entry>,
    patient: Reference,
    author: Reference,
}

fn meta(profiles: &[&str]) -> Meta {
    let profile = |name: &&str| match name.starts_with("http") {
        true => (*name).to_owned(),
        false => format!("{PROFILES}{name}"),
    };
    Meta {
        profile: profiles.iter().map(profile).collect(),
    }
}

/// A UUID of our own making (version 8): the beginning of a digest of what it names.
fn id_of(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_be_bytes());
        digest.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.finalize()) {
        *to = from;
    }
    let id = uuid::Builder::from_custom_bytes(bytes).into_uuid();
    id.to_string()
}

/// What a version of a document is called, in FHIR and in the one that takes its place.
fn document_id(frame: &Frame, version: Option<i64>) -> String {
    let version = version.map_or_else(|| "bozza".to_owned(), |version| version.to_string());
    let patient = frame.subject.number.to_string();
    id_of(&["document", frame.kind.code(), &patient, &version])
}

fn identifier(id: &str) -> Identifier {
    Identifier {
        system: URI.to_owned(),
        value: format!("urn:uuid:{id}"),
    }
}

fn known_as(system: &str, value: impl Into<String>) -> Identifier {
    Identifier {
        system: system.to_owned(),
        value: value.into(),
    }
}

impl<'a> Paper<'a> {
    fn new(frame: &'a Frame) -> Self {
        let nobody = Reference {
            reference: String::new(),
        };
        let mut paper = Self {
            frame,
            name: document_id(frame, frame.version),
            entries: Vec::new(),
            patient: nobody.clone(),
            author: nobody,
        };
        paper.patient = paper.add_patient();
        paper.author = paper.add_author();
        paper
    }

    /// The id of something that is only this document's.
    fn own_id(&self, parts: &[&str]) -> String {
        let mut all = vec![self.name.as_str()];
        all.extend(parts);
        id_of(&all)
    }

    /// Takes a resource in; what is in already is not taken twice.
    fn add(&mut self, id: &str, resource: Resource) -> Reference {
        let full_url = format!("urn:uuid:{id}");
        if !self.entries.iter().any(|it| it.full_url == full_url) {
            self.entries.push(Entry {
                full_url: full_url.clone(),
                resource,
            });
        }
        Reference {
            reference: full_url,
        }
    }

    fn add_patient(&mut self) -> Reference {
        let subject = &self.frame.subject;
        let number = subject.number.to_string();
        let id = id_of(&["patient", &number]);
        let code = subject.code.as_ref();
        let code = code.map(|code| known_as(CODICE_FISCALE, code.as_str()));
        let identifier = code.into_iter().chain([known_as(PATIENTS, number)]);
        let doctor = subject.doctor.as_deref().map(|doctor| {
            let id = id_of(&["doctor", doctor]);
            let practitioner = Practitioner {
                id: id.clone(),
                meta: meta(&["PractitionerTelemonitoraggio"]),
                identifier: Vec::new(),
                name: vec![named(doctor)],
            };
            self.add(&id, Resource::Practitioner(Box::new(practitioner)))
        });
        let patient = Patient {
            id: id.clone(),
            meta: meta(&["PatientTelemonitoraggio"]),
            identifier: identifier.collect(),
            name: vec![HumanName {
                text: None,
                family: Some(subject.surname.clone()),
                given: vec![subject.name.clone()],
            }],
            telecom: vec![Telecom {
                system: "phone",
                value: subject.phone.clone(),
            }],
            address: addresses(&subject.address),
            general_practitioner: doctor.into_iter().collect(),
        };
        self.add(&id, Resource::Patient(Box::new(patient)))
    }

    fn add_author(&mut self) -> Reference {
        let author = &self.frame.author;
        let id = id_of(&["staff", &author.number]);
        let practitioner = Practitioner {
            id: id.clone(),
            meta: meta(&["PractitionerTelemonitoraggio"]),
            identifier: vec![known_as(STAFF, author.number.as_str())],
            name: vec![named(&author.name)],
        };
        let practitioner = self.add(&id, Resource::Practitioner(Box::new(practitioner)));
        let id = id_of(&["role", &author.number, author.role.code()]);
        let at = format!("{}, {}", author.role.word(), author.role.unit());
        let role = PractitionerRole {
            id: id.clone(),
            meta: meta(&["PractitionerRoleTelemonitoraggio"]),
            practitioner,
            code: vec![Concept::text(at)],
        };
        self.add(&id, Resource::PractitionerRole(Box::new(role)))
    }

    fn add_device(&mut self, device: &DeviceId, measures: &[VitalKind]) -> Reference {
        let id = id_of(&["device", device.as_str()]);
        let (make, serial) = make_and_serial(device);
        let kind = device_kind(measures);
        let name = match kind {
            Some(kind) => format!("{kind} {make}"),
            None => make.to_owned(),
        };
        let resource = Device {
            id: id.clone(),
            meta: meta(&["DeviceTelemonitoraggio"]),
            identifier: vec![known_as(DEVICES, device.as_str())],
            udi_carrier: vec![Udi {
                extension: vec![Absent::unknown()],
            }],
            status: "active",
            serial_number: serial.to_owned(),
            device_name: vec![DeviceName {
                name: name.trim().to_owned(),
                kind: "user-friendly-name",
            }],
            kind: kind.map(Concept::text),
        };
        self.add(&id, Resource::Device(Box::new(resource)))
    }

    fn bundle(mut self, body: Body) -> Bundle {
        let frame = self.frame;
        let (bundle, composition) = frame.kind.profiles();
        let (code, display) = frame.kind.loinc();
        let now = instant(frame.now);
        let before = frame.version.filter(|_| frame.kind.replaces());
        let before = before.map(|version| version - 1).filter(|it| *it > 0);
        let related = before.map(|before| Related {
            code: "replaces",
            target_identifier: identifier(&document_id(frame, Some(before))),
        });
        let signed = frame.version.map(|_| Attester {
            mode: "legal",
            time: now.clone(),
            party: self.author.clone(),
        });
        let id = self.own_id(&["composition"]);
        let resource = Composition {
            id: id.clone(),
            meta: meta(&[composition]),
            language: LANGUAGE,
            text: Narrative::new(head(frame)),
            identifier: identifier(&self.name),
            status: if frame.version.is_some() {
                "final"
            } else {
                "preliminary"
            },
            kind: Concept::loinc(code, Some(display)),
            subject: self.patient.clone(),
            date: now.clone(),
            author: vec![self.author.clone()],
            title: frame.kind.title(),
            confidentiality: "N",
            attester: signed.into_iter().collect(),
            relates_to: related.into_iter().collect(),
            event: body.period.into_iter().map(event).collect(),
            section: body.sections,
        };
        self.entries.insert(
            0,
            Entry {
                full_url: format!("urn:uuid:{id}"),
                resource: Resource::Composition(Box::new(resource)),
            },
        );
        Bundle {
            resource_type: "Bundle",
            id: self.name.clone(),
            meta: meta(&[bundle]),
            language: LANGUAGE,
            identifier: identifier(&self.name),
            kind: "document",
            timestamp: now,
            entry: self.entries,
        }
    }
}

fn event(period: Period) -> Event {
    Event { period }
}

/// A name of which nobody knows which part is the family's.
fn named(name: &str) -> HumanName {
    HumanName {
        text: Some(name.to_owned()),
        ..HumanName::default()
    }
}

/// Where the patient stays, and where they reside: the guide wants the second, and nobody asked.
fn addresses(home: &str) -> Vec<Address> {
    vec![
        Address {
            extension: Vec::new(),
            used: "home",
            text: Some(home.to_owned()),
        },
        Address {
            extension: vec![Absent::unknown()],
            used: "billing",
            text: None,
        },
    ]
}

/// Who, by whom, and whether it counts: what stands above every document.
fn head(frame: &Frame) -> String {
    let subject = &frame.subject;
    let code = subject.code.as_deref();
    let code = code.unwrap_or("non registrato");
    let doctor = subject.doctor.as_deref().unwrap_or("non registrato");
    let (author, now) = (&frame.author, IT.moment(frame.now));
    let (role, unit) = (author.role.word(), author.role.unit());
    let head = Xhtml::new();
    let head = match frame.version {
        None => head.warning("BOZZA: documento non emesso, non valido."),
        Some(_) => head,
    };
    let state = match frame.version {
        None => format!(
            "Bozza preparata il {now} da {} ({role}, {unit}).",
            author.name
        ),
        Some(version) => format!(
            "Versione {version}, emessa il {now} da {} ({role}, {unit}). Chi ha emesso è attestato \
             dal sistema della Centrale: il documento non porta una firma digitale.",
            author.name
        ),
    };
    head.list(&[
        format!("Paziente: {}", subject.full_name()),
        format!("Codice Fiscale: {code}"),
        format!("Telefono: {}", subject.phone),
        format!("Domicilio: {}", subject.address),
        format!("Medico di famiglia: {doctor}"),
    ])
    .paragraph(&state)
    .end()
}

/// What stands before and after the colon of a device's id.
fn make_and_serial(device: &DeviceId) -> (&str, &str) {
    let id = device.as_str();
    id.split_once(':').unwrap_or(("dispositivo", id))
}

fn device_kind(measures: &[VitalKind]) -> Option<&'static str> {
    let has = |vital| measures.contains(&vital);
    if has(VitalKind::SpO2) || has(VitalKind::Pulse) {
        Some("Pulsossimetro")
    } else if has(VitalKind::Temperature) {
        Some("Termometro")
    } else if has(VitalKind::SystolicPressure) {
        Some("Sfigmomanometro")
    } else {
        None
    }
}

/// A device in a line of text.
fn device_line(held: &Held) -> String {
    let (make, serial) = make_and_serial(&held.device);
    let kind = device_kind(&held.measures).unwrap_or("Dispositivo");
    let shared = if held.is_shared {
        ", condiviso in famiglia"
    } else {
        ""
    };
    let from = IT.day(held.from);
    format!("{kind} {make}, numero di serie {serial}, dal {from}{shared}")
}

/// From a moment to another; an absent end is open.
fn period(from: veglia_view::WallMs, to: Option<veglia_view::WallMs>) -> Period {
    Period {
        start: Some(instant(from)),
        end: to.map(instant),
    }
}

/// A section of the guide: its LOINC code, its text, what it refers to.
fn section(title: &'static str, loinc: &str, text: String, entry: Vec<Reference>) -> Section {
    Section {
        title,
        code: Some(Concept::loinc(loinc, None)),
        text: Narrative::new(text),
        entry,
        section: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
