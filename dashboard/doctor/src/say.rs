//! Alerts and acts in words, in the reader's language.

use std::collections::HashMap;

use veglia_diary::{Act, ActKind, CallOutcome, HomeService, Whom};
use veglia_view::{
    About, Answer, AnswerCode, Contact, Evidence, Flag, How, Severity, Standing, Trigger,
    VitalKind, WallMs, What, Whereabouts, Why,
};
use veglia_words::{Key, Words};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Shape and word of a severity; the colour is the style's.
pub(crate) fn severity(severity: Severity) -> (&'static str, &'static str, Key) {
    match severity {
        Severity::Red => ("red", "◆", Key("severity-red")),
        Severity::Amber => ("amber", "▲", Key("severity-amber")),
        Severity::Technical => ("technical", "▬", Key("severity-technical")),
    }
}

/// A vital sign.
pub(crate) fn vital(vital: VitalKind) -> Key {
    match vital {
        VitalKind::SpO2 => Key("vital-spo2"),
        VitalKind::Pulse => Key("vital-pulse"),
        VitalKind::Temperature => Key("vital-temperature"),
        VitalKind::RespiratoryRate => Key("vital-respiratory-rate"),
        VitalKind::SystolicPressure => Key("vital-systolic-pressure"),
    }
}

/// A value without its unit, as it is read: `91`, `72`, `38,6`.
pub(crate) fn number(words: Words, vital: VitalKind, steps: i32) -> String {
    match vital {
        // Never rounded up: 92,9 is not 93.
        VitalKind::SpO2 => steps.div_euclid(10).to_string(),
        VitalKind::Pulse | VitalKind::RespiratoryRate | VitalKind::SystolicPressure => {
            steps.saturating_add(5).div_euclid(10).to_string()
        }
        VitalKind::Temperature => {
            let tenths = steps.saturating_add(5).div_euclid(10);
            words.language.decimal(f64::from(tenths) / 10.0, 1)
        }
    }
}

pub(crate) fn unit(vital: VitalKind) -> &'static str {
    match vital {
        VitalKind::SpO2 => "%",
        VitalKind::Pulse | VitalKind::RespiratoryRate => "/min",
        VitalKind::Temperature => "°C",
        VitalKind::SystolicPressure => "mmHg",
    }
}

/// A value with its unit: `91 %`.
pub(crate) fn value(words: Words, vital: VitalKind, steps: i32) -> String {
    format!("{}\u{a0}{}", number(words, vital, steps), unit(vital))
}

/// For how long: `2 min`, `3 h`.
pub(crate) fn span(words: Words, ms: i64) -> String {
    let ms = ms.max(0);
    match (ms / MINUTE_MS, ms / HOUR_MS, ms / DAY_MS) {
        (..1, ..) => words.say("span-now").into_owned(),
        (minutes, ..1, _) => words.with("span-minutes", "n", minutes).to_string(),
        (_, hours, ..1) => words.with("span-hours", "n", hours).to_string(),
        (.., days) => words.with("span-days", "n", days).to_string(),
    }
}

/// Why a flag is there.
pub(crate) fn why(words: Words, flag: &Flag, now: WallMs) -> String {
    let time = |at: WallMs| words.language.hour_of(at, now);
    let mut said = match flag.id.trigger {
        Trigger::SilentSince(kind, expected) => words
            .with("why-silent", "what", words.say(vital(kind)))
            .and("time", time(expected))
            .to_string(),
        Trigger::HomeSilentSince(since) => words
            .with("why-home-silent", "time", time(since))
            .to_string(),
        Trigger::Record(_) => {
            let heading = heading(words, flag.about);
            match grounds(words, flag, now).as_str() {
                "" => heading,
                grounds => format!("{heading}: {grounds}"),
            }
        }
    };
    let standing = match flag.standing {
        Standing::Unconfirmed { repeat_by } => Some(
            words
                .with("why-unconfirmed", "time", time(repeat_by))
                .to_string(),
        ),
        Standing::Confirmed {
            how: How::Repeat, ..
        } => Some(words.say("why-confirmed").into_owned()),
        Standing::Confirmed {
            how: How::MissedRepeat,
            ..
        } => Some(words.say("why-no-repeat").into_owned()),
        Standing::Confirmed { .. } => None,
    };
    let late = flag.late.then(|| words.say("why-late").into_owned());
    for part in [standing, late].into_iter().flatten() {
        said.push_str(", ");
        said.push_str(&part);
    }
    said
}

fn heading(words: Words, about: About) -> String {
    match about {
        About::Vital(kind) => words.say(vital(kind)).into_owned(),
        About::Score(scale) => scale.name().to_uppercase(),
        About::Symptoms => words.say("about-symptoms").into_owned(),
        About::Together => words.say("about-together").into_owned(),
        About::Home => words.say("about-home").into_owned(),
    }
}

/// What a flag rests on: of one vital sign the first and the last reading, of several things each.
fn grounds(words: Words, flag: &Flag, now: WallMs) -> String {
    let of_one = matches!(flag.about, About::Vital(_) | About::Home);
    let mut all: Vec<&Evidence> = flag.evidence.iter().collect();
    if of_one && all.len() > 2 {
        all.drain(1..all.len() - 1);
    }
    let said = all.into_iter().map(|it| {
        let time = words.language.hour_of(it.at, now);
        let said = match it.what {
            What::Value {
                vital: kind, steps, ..
            } if !of_one => {
                format!("{} {}", words.say(vital(kind)), value(words, kind, steps))
            }
            What::Value { vital, steps, .. } => value(words, vital, steps),
            What::Answer { answer } => answered(words, answer),
            What::Contact { contact, .. } => words.say(held(contact)).into_owned(),
        };
        format!("{said} ({time})")
    });
    said.collect::<Vec<_>>().join(", ")
}

fn held(contact: Contact) -> Key {
    match contact {
        Contact::On => Key("contact-on"),
        Contact::Off => Key("contact-off"),
        Contact::Searching => Key("contact-searching"),
        Contact::Unmeasurable => Key("contact-unmeasurable"),
    }
}

fn answered(words: Words, answer: Answer) -> String {
    let asked = match answer.code {
        AnswerCode::BreathlessAtRest => Key("answer-breathless"),
        AnswerCode::CannotFinishSentence => Key("answer-sentence"),
        AnswerCode::ChestPain => Key("answer-chest-pain"),
        AnswerCode::Confusion => Key("answer-confusion"),
        AnswerCode::BlueLips => Key("answer-blue-lips"),
        AnswerCode::Fainting => Key("answer-fainting"),
        AnswerCode::CoughingBlood => Key("answer-coughing-blood"),
        AnswerCode::OnOxygen => Key("answer-oxygen"),
        AnswerCode::AntipyreticTaken => Key("answer-antipyretic"),
        AnswerCode::Consciousness => Key("answer-consciousness"),
        AnswerCode::WalkingLowestSpO2 => Key("answer-walking"),
        AnswerCode::SitToStandLowestSpO2 => Key("answer-sit-to-stand"),
        AnswerCode::ExertionRestingSpO2 => Key("answer-resting"),
        AnswerCode::BaselineSpO2 => Key("answer-baseline"),
    };
    let asked = words.say(asked);
    match answer.code {
        AnswerCode::WalkingLowestSpO2
        | AnswerCode::SitToStandLowestSpO2
        | AnswerCode::ExertionRestingSpO2
        | AnswerCode::BaselineSpO2 => {
            format!("{asked} {}", value(words, VitalKind::SpO2, answer.value))
        }
        AnswerCode::Consciousness => asked.into_owned(),
        _ if answer.value == 0 => format!("{asked}: {}", words.say("answer-no")),
        _ => asked.into_owned(),
    }
}

/// How an episode ended.
pub(crate) fn ended(why: Why) -> Key {
    match why {
        Why::NotConfirmed => Key("ended-not-confirmed"),
        Why::Recovered => Key("ended-recovered"),
        Why::DataReturned => Key("ended-data-returned"),
        Why::ExplainedByLateData => Key("ended-explained"),
        Why::PlanEnded => Key("ended-plan"),
        Why::Away => Key("ended-away"),
        Why::NotTheirs => Key("ended-not-theirs"),
    }
}

/// Where a patient is.
pub(crate) fn place(place: Whereabouts) -> Key {
    match place {
        Whereabouts::AtHome => Key("place-home"),
        Whereabouts::InHospital => Key("place-hospital"),
        Whereabouts::Suspended => Key("place-suspended"),
        Whereabouts::Discharged => Key("place-discharged"),
        Whereabouts::Deceased => Key("place-deceased"),
    }
}

/// Who signed, by name.
pub(crate) fn signed(words: Words, by: &str, names: &HashMap<String, String>) -> String {
    let name = names.get(by).cloned();
    name.unwrap_or_else(|| words.say("by-system").into_owned())
}

/// What somebody did, with their name and when.
pub(crate) fn did(words: Words, act: &Act, names: &HashMap<String, String>, now: WallMs) -> String {
    let what = match act.kind {
        ActKind::TakenCharge => words.say("did-taken").into_owned(),
        ActKind::Closed => words.say("did-closed").into_owned(),
        ActKind::Note => words.say("did-note").into_owned(),
        ActKind::Called(whom, outcome) => words
            .with("did-called", "whom", words.say(whom_key(whom)))
            .and("outcome", words.say(outcome_key(outcome)))
            .to_string(),
        ActKind::Snoozed(until) => {
            let until = words.language.hour_of(until, now);
            words.with("did-snoozed", "time", until).to_string()
        }
        ActKind::Escalated => words.say("did-escalated").into_owned(),
        ActKind::HandedOver(to) => {
            let to = signed(words, &format!("staff:{to}"), names);
            words.with("did-handed-over", "who", to).to_string()
        }
        ActKind::RepeatAsked(kind) => {
            let what = words.say(vital(kind));
            words.with("did-repeat", "what", what).to_string()
        }
        ActKind::Referred(service) => {
            let service = words.say(service_key(service));
            words.with("did-referred", "service", service).to_string()
        }
        ActKind::Corrected(_) => words.say("did-corrected").into_owned(),
    };
    let time = words.language.hour_of(act.at, now);
    let said = format!("{time} {}: {what}", signed(words, &act.by, names));
    match act.words.as_str() {
        "" => said,
        note => format!("{said}: «{note}»"),
    }
}

fn whom_key(whom: Whom) -> Key {
    match whom {
        Whom::Patient => Key("whom-patient"),
        Whom::Contact => Key("whom-contact"),
        Whom::KeyHolder => Key("whom-key-holder"),
        Whom::FamilyDoctor => Key("whom-family-doctor"),
        Whom::Emergency => Key("whom-emergency"),
    }
}

/// How a call ended.
fn outcome_key(outcome: CallOutcome) -> Key {
    match outcome {
        CallOutcome::Well => Key("outcome-well"),
        CallOutcome::Unwell => Key("outcome-unwell"),
        CallOutcome::NoAnswer => Key("outcome-no-answer"),
        CallOutcome::HelpSent => Key("outcome-help-sent"),
    }
}

fn service_key(service: HomeService) -> Key {
    match service {
        HomeService::SpecialUnit => Key("service-special-unit"),
        HomeService::HomeCare => Key("service-home-care"),
        HomeService::Oxygen => Key("service-oxygen"),
        HomeService::Swab => Key("service-swab"),
        HomeService::Social => Key("service-social"),
        HomeService::Errands => Key("service-errands"),
        HomeService::Psychology => Key("service-psychology"),
    }
}
