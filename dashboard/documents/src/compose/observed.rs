//! Readings as Observations, and in words.
//!
//! Each is one reading that was made, with its own moment; none is made up of others. How it was
//! taken is said: by which device, typed by the patient, or told on the telephone.

use crate::compose::{Paper, meta};
use crate::facts::{AlertTold, Alerts, Chosen, Measured, Shown};
use crate::fhir::{Concept, Note, Observation, Reference, Resource};
use crate::vitals::{self, IT};
use veglia_view::{DeviceId, VitalKind, WallMs};

/// The category of FHIR's vital signs.
const CATEGORIES: &str = "http://terminology.hl7.org/CodeSystem/observation-category";

/// How a reading came.
enum Way<'a> {
    Device(&'a DeviceId),
    ByHand,
    ByPhone,
    Unknown,
}

/// Ingest names the devices that stand for a person's own words so.
fn way(shown: &Shown) -> Way<'_> {
    match &shown.device {
        None => Way::Unknown,
        Some(device) if device.as_str().starts_with("hand:") => Way::ByHand,
        Some(device) if device.as_str().starts_with("phone:") => Way::ByPhone,
        Some(device) => Way::Device(device),
    }
}

fn way_in_words(shown: &Shown) -> String {
    match way(shown) {
        Way::Device(device) => format!("dispositivo {device}"),
        Way::ByHand => "inserita a mano dal paziente".to_owned(),
        Way::ByPhone => "detta al telefono".to_owned(),
        Way::Unknown => "dispositivo non noto".to_owned(),
    }
}

/// The readings that are shown of a vital sign.
pub(super) fn add(paper: &mut Paper<'_>, measured: &Measured, profile: &str) -> Vec<Reference> {
    let vital = measured.vital;
    let shown = measured.shown.iter();
    shown.map(|it| add_one(paper, vital, it, profile)).collect()
}

fn add_one(paper: &mut Paper<'_>, vital: VitalKind, shown: &Shown, profile: &str) -> Reference {
    let (at, steps) = (shown.at.0.to_string(), shown.steps.to_string());
    let device = shown.device.as_ref().map_or("", DeviceId::as_str);
    let id = paper.own_id(&["reading", vital.name(), &at, &steps, device]);
    let (by, performer, said) = match way(shown) {
        Way::Device(device) => (Some(paper.add_device(device, &[vital])), None, None),
        Way::ByHand => (None, Some(paper.patient.clone()), Some("Inserita a mano.")),
        Way::ByPhone => (
            None,
            Some(paper.patient.clone()),
            Some("Detta al telefono."),
        ),
        Way::Unknown => (None, None, None),
    };
    let why: Vec<&str> = shown.why.iter().map(|it| chosen(*it)).collect();
    let why = (!why.is_empty()).then(|| format!("Scelta fra più misure: {}.", why.join(", ")));
    let notes = said.map(str::to_owned).into_iter().chain(why);
    let (code, own_profile) = vitals::measured(vital, shown.site);
    let observation = Observation {
        id: id.clone(),
        meta: meta(&[profile, own_profile]),
        status: "final",
        category: vec![Concept::coded(
            CATEGORIES,
            "vital-signs",
            Some("Vital Signs"),
        )],
        code,
        subject: paper.patient.clone(),
        effective_date_time: vitals::instant(shown.at),
        performer: performer.into_iter().collect(),
        value_quantity: Some(vitals::quantity(vital, shown.steps)),
        value_string: None,
        note: notes.map(|text| Note { text }).collect(),
        body_site: vitals::site(shown.site).map(Concept::text),
        method: Some(Concept::text(way_in_words(shown))),
        device: by,
    };
    paper.add(&id, Resource::Observation(Box::new(observation)))
}

/// What a doctor wrote, as the guide wants it: an observation whose value is a text.
pub(super) fn add_text(
    paper: &mut Paper<'_>,
    (loinc, display): (&str, &'static str),
    text: &str,
) -> Reference {
    let id = paper.own_id(&["text", loinc]);
    let observation = Observation {
        id: id.clone(),
        meta: meta(&["ObservationTelemedicina"]),
        status: if paper.frame.version.is_some() {
            "final"
        } else {
            "preliminary"
        },
        category: Vec::new(),
        code: Concept::loinc(loinc, Some(display)),
        subject: paper.patient.clone(),
        effective_date_time: vitals::instant(paper.frame.now),
        performer: vec![paper.author.clone()],
        value_quantity: None,
        value_string: Some(text.to_owned()),
        note: Vec::new(),
        body_site: None,
        method: None,
        device: None,
    };
    paper.add(&id, Resource::Observation(Box::new(observation)))
}

fn chosen(why: Chosen) -> &'static str {
    match why {
        Chosen::Lowest => "la più bassa",
        Chosen::Highest => "la più alta",
        Chosen::Last => "l’ultima",
        Chosen::Alert => "su cui si fonda una segnalazione",
    }
}

/// A row for each reading.
pub(super) fn rows(measured: &Measured) -> Vec<[String; 4]> {
    let row = |shown: &Shown| {
        let why: Vec<&str> = shown.why.iter().map(|it| chosen(*it)).collect();
        let at = match vitals::site(shown.site) {
            Some(site) => format!("{} ({site})", way_in_words(shown)),
            None => way_in_words(shown),
        };
        [
            IT.exactly(shown.at),
            vitals::value(measured.vital, shown.steps),
            at,
            why.join(", "),
        ]
    };
    measured.shown.iter().map(row).collect()
}

/// How much there was of each vital sign, and how much of it stands here: a line each.
pub(super) fn counts(all: &[Measured]) -> Vec<String> {
    let line = |it: &Measured| {
        let (name, clean, doubtful) = (vitals::name(it.vital), it.clean, it.doubtful);
        let kept = match it.is_thinned {
            false => "riportate tutte".to_owned(),
            true => format!("riportate {}, scelte", it.shown.len()),
        };
        let damaged = match it.is_damaged {
            true => "; altre misure conservate non si leggono più",
            false => "",
        };
        let on_skin = match (it.on_skin, it.is_thinned) {
            (0, _) => String::new(),
            (n, false) => format!("; misure della cute {n}"),
            (n, true) => format!("; misure della cute {n}, non riportate"),
        };
        format!(
            "{name}: misure non dubbie {clean}, {kept}; misure dubbie {doubtful}, non \
             riportate{on_skin}{damaged}"
        )
    };
    all.iter().map(line).collect()
}

/// What the counts can say and what they cannot: ingest does not tell documents what its rules make
/// of a device that repeats itself.
pub(super) const DOUBT: &str = "Dubbie sono le misure che il dispositivo stesso segnala e quelle \
    che non sono di una persona viva. Qui non si sa se un dispositivo ha ripetuto o trattenuto un \
    valore senza dirlo, né se gli ha dato una data futura: fra le misure riportate può esserci un \
    valore simile. La temperatura della cute non è temperatura corporea: non è mai la più bassa né \
    la più alta.";

/// Each alert in a line, as is known at the moment of the document.
pub(super) fn alert_lines(alerts: &Alerts, now: WallMs) -> Vec<String> {
    let line = |it: &AlertTold| {
        let (at, severity) = (IT.moment(it.at), vitals::severity(it.severity));
        let before = match it.began_before {
            true => ", prima del periodo",
            false => "",
        };
        let over = match it.ended {
            Some(at) if it.ended_after => format!("finita il {}, dopo il periodo", IT.moment(at)),
            Some(at) => format!("finita il {}", IT.moment(at)),
            None => format!("ancora aperta il {}", IT.moment(now)),
        };
        format!("{at}{before}: {severity}, {}; {over}", it.about)
    };
    alerts.told.iter().map(line).collect()
}
