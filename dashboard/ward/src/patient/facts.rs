//! What the record says beside values: the plan, the devices, where the patient is, whom to call.

use veglia_diary::{Handover, Stood};
use veglia_people::background::Background;
use veglia_view::{DeviceState, OxygenScale, Plan, WallMs, Whereabouts};
use veglia_words::{Key, Words};

use crate::book::Signatures;
use crate::identity::Identity;
use crate::plan::told;
use crate::words;

/// Somebody who may be telephoned.
#[derive(Debug)]
pub(super) struct ContactView {
    pub(super) who: Key,
    pub(super) name: String,
    pub(super) phone: String,
}

/// Whom one telephones about a patient, in the order in which it is done.
pub(super) fn contacts(identity: Option<&Identity>, says: &Background) -> Vec<ContactView> {
    let patient = identity.map(|it| ContactView {
        who: Key("contact-patient"),
        name: String::new(),
        phone: it.phone.clone(),
    });
    let others = says.others.iter().map(|it| (Key("contact-other"), it));
    let key_holder = Some((Key("contact-keys"), &says.key_holder));
    let others = others.chain(key_holder).filter(|(_, it)| !it.is_empty());
    let others = others.map(|(who, it)| ContactView {
        who,
        name: it.name.clone(),
        phone: it.phone.clone(),
    });
    patient.into_iter().chain(others).collect()
}

/// Where the patient is, unless at home: nothing is expected from there.
pub(super) fn away(w: Words, stood: &[Stood], now: WallMs) -> Option<String> {
    let mut begun = stood.iter().filter(|it| it.standing.from <= now);
    let last = begun.next()?.standing;
    let is_away = last.whereabouts != Whereabouts::AtHome;
    let place = w.say(words::whereabouts(last.whereabouts));
    let away = w.with("away", "where", place);
    let away = away.and("since", words::since_time(w, last.from, now));
    is_away.then(|| away.to_string())
}

/// The plan in one line, for the banner.
pub(super) fn in_a_line(w: Words, plan: Option<&Plan>, now: WallMs) -> String {
    let Some(plan) = plan else {
        return w.say("plan-none").into_owned();
    };
    let rhythm = plan.parameters.iter().map(|parameter| {
        let name = words::vital_name(w, parameter.vital);
        format!("{name} {}", words::rhythm(w, parameter))
    });
    let rhythm: Vec<String> = rhythm.collect();
    format!("{}; {}", rhythm.join(", "), force(w, plan, now))
}

fn force(w: Words, plan: &Plan, now: WallMs) -> String {
    let said = match plan.until {
        _ if plan.from > now => {
            let at = words::at_time(w, plan.from, now);
            w.with("plan-to-come", "at", at)
        }
        Some(until) if until <= now => w.with("plan-over", "at", words::at_time(w, until, now)),
        Some(until) => w.with("plan-until", "until", w.language.hour_of(until, now)),
        None => w.with("plan-since", "since", words::since_time(w, plan.from, now)),
    };
    said.to_string()
}

/// The plan, a sentence each.
pub(super) fn planned(w: Words, plan: &Plan, now: WallMs) -> Vec<String> {
    let rhythm = plan.parameters.iter().map(|parameter| {
        let name = words::vital_name(w, parameter.vital);
        format!("{name}: {}", told::expected(w, parameter))
    });
    let target = plan.spo2.map(|target| {
        let target = w
            .with("plan-target", "low", target.low_percent)
            .and("high", target.high_percent);
        target.to_string()
    });
    let scale =
        (plan.oxygen_scale == OxygenScale::Two).then(|| w.say("plan-scale-two").into_owned());
    let version = w.with("plan-version", "version", plan.version.to_string());
    let version = version.and("force", force(w, plan, now));
    std::iter::once(version.to_string())
        .chain(rhythm)
        .chain(target)
        .chain(scale)
        .chain(told::apart(w, plan))
        .collect()
}

/// How a worn device is.
pub(super) fn device(w: Words, state: &DeviceState, now: WallMs) -> String {
    use veglia_view::Battery;
    let mut said = vec![match state.up {
        true => w.say("device-up").into_owned(),
        false => w.say("device-down").into_owned(),
    }];
    // What a device said last says nothing of now once it is gone.
    for (sensor, contact) in state.contacts.iter().filter(|_| state.up) {
        let contact = w.say(words::contact(*contact));
        said.push(format!("{} {contact}", w.say(words::sensor(*sensor))));
    }
    match state.battery {
        Some(Battery::Percent(percent)) => {
            said.push(w.with("device-battery", "percent", percent).to_string());
        }
        Some(Battery::Low) => said.push(w.say("device-battery-low").into_owned()),
        None => {}
    }
    match state.last_heard {
        Some(at) => {
            let heard = w.with("device-heard", "at", words::at_time(w, at, now));
            said.push(heard.and("age", words::age(w, at, now)).to_string());
        }
        None => said.push(w.say("device-never").into_owned()),
    }
    format!("{}: {}", state.device, said.join(", "))
}

/// A device given to the patient, and the sentence that says when, by whom, and until when.
pub(super) fn handover(
    w: Words,
    given: &Handover,
    signed: &Signatures,
    now: WallMs,
) -> (String, String) {
    let assignment = &given.assignment;
    let hour = |at| w.language.hour_of(at, now);
    let given_by = w.with("device-given", "at", hour(assignment.from));
    let given_by = given_by.and("by", signed.name(w, &given.given_by));
    let shared = match assignment.holder.members().len() {
        0 | 1 => String::new(),
        _ => format!(", {}", w.say("device-shared")),
    };
    let back = match &given.returned {
        Some(returned) => w
            .with("device-returned", "at", hour(returned.until))
            .and("by", signed.name(w, &returned.by))
            .to_string(),
        None => w.say("device-with-them").into_owned(),
    };
    let sentence = format!("{given_by}{shared}; {back}");
    (assignment.device.to_string(), sentence)
}
