//! What the record says beside values: the plan, the devices, where the patient is, whom to call.

use veglia_diary::{Handover, Stood};
use veglia_people::background::Background;
use veglia_view::{DeviceState, OxygenScale, Plan, WallMs, Whereabouts};

use crate::book::Signatures;
use crate::identity::Identity;
use crate::plan::apart;
use crate::words;

/// Somebody who may be telephoned.
#[derive(Debug)]
pub(super) struct ContactView {
    pub(super) who: &'static str,
    pub(super) name: String,
    pub(super) phone: String,
}

/// Whom one telephones about a patient, in the order in which it is done.
pub(super) fn contacts(identity: Option<&Identity>, says: &Background) -> Vec<ContactView> {
    let patient = identity.map(|it| ContactView {
        who: "Paziente",
        name: String::new(),
        phone: it.phone.clone(),
    });
    let others = says.others.iter().map(|it| ("Persona di contatto", it));
    let key_holder = Some(("Chi ha le chiavi", &says.key_holder));
    let others = others.chain(key_holder).filter(|(_, it)| !it.is_empty());
    let others = others.map(|(who, it)| ContactView {
        who,
        name: it.name.clone(),
        phone: it.phone.clone(),
    });
    patient.into_iter().chain(others).collect()
}

/// Where the patient is, unless at home: nothing is expected from there.
pub(super) fn away(stood: &[Stood], now: WallMs) -> Option<String> {
    let mut begun = stood.iter().filter(|it| it.standing.from <= now);
    let last = begun.next()?.standing;
    let is_away = last.whereabouts != Whereabouts::AtHome;
    let place = words::whereabouts(last.whereabouts);
    let since = words::since_time(last.from, now);
    is_away.then(|| format!("{place} {since}: nessuna misura è attesa"))
}

/// The plan in one line, for the banner.
pub(super) fn in_a_line(plan: Option<&Plan>, now: WallMs) -> String {
    let Some(plan) = plan else {
        return "nessun piano".to_owned();
    };
    let rhythm = plan.parameters.iter().map(|parameter| {
        let name = words::vital_name(parameter.vital);
        format!("{name} {}", words::rhythm(parameter))
    });
    let rhythm: Vec<String> = rhythm.collect();
    format!("{}; {}", rhythm.join(", "), force(plan, now))
}

fn force(plan: &Plan, now: WallMs) -> String {
    match plan.until {
        _ if plan.from > now => format!("inizierà {}", words::at_time(plan.from, now)),
        Some(until) if until <= now => format!("terminato {}", words::at_time(until, now)),
        Some(until) => format!("in vigore fino a {}", words::time(until, now)),
        None => format!("in vigore {}", words::since_time(plan.from, now)),
    }
}

/// The plan, a sentence each.
pub(super) fn planned(plan: &Plan, now: WallMs) -> Vec<String> {
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
    let version = format!("Versione {}, {}", plan.version, force(plan, now));
    std::iter::once(version)
        .chain(rhythm)
        .chain(target)
        .chain(scale)
        .chain(apart(plan))
        .collect()
}

/// How a worn device is.
pub(super) fn device(state: &DeviceState, now: WallMs) -> String {
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
pub(super) fn handover(given: &Handover, signed: &Signatures, now: WallMs) -> (String, String) {
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
