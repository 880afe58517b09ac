//! Facts as sentences, in the language of whoever reads.

use std::collections::HashMap;

use veglia_diary::{CallOutcome, HomeService, Whom};
use veglia_view::{About, Scale, Severity, Source, VitalKind, WallMs, Whereabouts};
use veglia_words::{Key, Words};

use crate::fact::{Deed, Fact};

/// Characters of a note of the diary that are repeated; what is longer is read there.
const QUOTED_CHARS: usize = 240;

/// Who signs as what.
pub(crate) struct Names(pub(crate) HashMap<String, String>);

impl Names {
    /// The name behind a signature; of a command the account that typed it.
    pub(crate) fn of(&self, by: &str) -> String {
        match (self.0.get(by), by.split_once(':')) {
            (Some(name), _) => name.clone(),
            (None, Some(("system", _))) => "Veglia".to_owned(),
            (None, Some(("command", account))) => account.to_owned(),
            (None, _) => by.to_owned(),
        }
    }
}

/// Who tells facts: in which language, with which names, at what moment.
pub(crate) struct Teller<'a> {
    pub(crate) w: Words,
    pub(crate) names: &'a Names,
    pub(crate) now: WallMs,
}

impl Teller<'_> {
    fn hour(&self, at: WallMs) -> String {
        self.w.language.hour_of(at, self.now)
    }

    fn say(&self, key: Key) -> String {
        self.w.say(key).into_owned()
    }

    /// A fact as a sentence.
    pub(crate) fn tell(&self, fact: &Fact) -> String {
        let (w, hour) = (self.w, |at: &WallMs| self.hour(*at));
        match fact {
            Fact::Flag { .. } => self.flag(fact),
            Fact::Held { by, until } => w
                .with("fact-held", "who", self.names.of(by))
                .and("until", hour(until))
                .to_string(),
            Fact::Unattended => self.say(Key("fact-unattended")),
            Fact::Snoozed { by, until, soon } => {
                let key = match soon {
                    true => Key("fact-snoozed-soon"),
                    false => Key("fact-snoozed"),
                };
                w.with(key, "who", self.names.of(by))
                    .and("until", hour(until))
                    .to_string()
            }
            Fact::Asked { vital, at } => w
                .with("fact-asked", "vital", w.say(vital_key(*vital)))
                .and("at", hour(at))
                .to_string(),
            Fact::Unreachable { times, last } => w
                .with("fact-unreachable", "n", *times)
                .and("at", hour(last))
                .to_string(),
            Fact::CallBack { at } => w.with("fact-call-back", "at", hour(at)).to_string(),
            Fact::Joined { at, by } => w
                .with("fact-joined", "at", hour(at))
                .and("who", self.names.of(by))
                .to_string(),
            Fact::Replanned {
                version,
                at,
                by,
                why,
            } => w
                .with("fact-replanned", "version", version.0)
                .and("at", hour(at))
                .and("who", self.names.of(by))
                .and("why", quoted(why))
                .to_string(),
            Fact::Went { to, at } => {
                let place = w.say(place_key(*to));
                match at {
                    Some(at) => w
                        .with("fact-went", "place", place)
                        .and("at", hour(at))
                        .to_string(),
                    None => place.into_owned(),
                }
            }
            Fact::Did { .. } => self.deed(fact),
            Fact::Value { .. } => self.value(fact),
            Fact::Score {
                scale,
                min,
                missing,
            } => w
                .with("fact-score", "scale", scale_name(*scale))
                .and("min", *min)
                .and("missing", *missing)
                .to_string(),
            Fact::NoValues => self.say(Key("fact-no-values")),
            Fact::Chosen => self.say(Key("fact-chosen")),
            Fact::Given => self.say(Key("fact-given")),
        }
    }

    fn flag(&self, fact: &Fact) -> String {
        let Fact::Flag {
            severity,
            about,
            value,
            since,
            repeat_by,
            over,
        } = fact
        else {
            return String::new();
        };
        let w = self.w;
        let name = w.say(about_key(*about));
        let value = value.map(|(vital, steps)| number(w, vital, steps));
        let key = match (severity, repeat_by, over) {
            (Severity::Technical, ..) => Key("fact-silent"),
            (_, _, true) => Key("fact-flag-over"),
            (_, Some(_), false) => Key("fact-flag-waits"),
            (_, None, false) => Key("fact-flag"),
        };
        let by = repeat_by.map_or_else(String::new, |by| self.hour(by));
        w.with(key, "about", name)
            .and("value", value.unwrap_or_default())
            .and("since", self.hour(*since))
            .and("by", by)
            .to_string()
    }

    fn deed(&self, fact: &Fact) -> String {
        let Fact::Did {
            what,
            at,
            by,
            words,
        } = fact
        else {
            return String::new();
        };
        let w = self.w;
        let what = match what {
            Deed::Note => w.say(Key("deed-note")).into_owned(),
            Deed::Called(whom, outcome) => w
                .with("deed-called", "whom", w.say(whom_key(*whom)))
                .and("outcome", w.say(outcome_key(*outcome)))
                .to_string(),
            Deed::Escalated => w.say(Key("deed-escalated")).into_owned(),
            Deed::Referred(service) => w
                .with("deed-referred", "service", w.say(service_key(*service)))
                .to_string(),
            Deed::Closed => w.say(Key("deed-closed")).into_owned(),
        };
        let told = w
            .with("fact-did", "at", self.hour(*at))
            .and("what", what)
            .and("who", self.names.of(by))
            .to_string();
        match quoted(words).as_str() {
            "" => told,
            words => format!("{told}: «{words}»"),
        }
    }

    fn value(&self, fact: &Fact) -> String {
        let Fact::Value {
            vital,
            steps,
            at,
            source,
            clean,
        } = fact
        else {
            return String::new();
        };
        let w = self.w;
        let key = match clean {
            true => Key("fact-value"),
            false => Key("fact-value-doubtful"),
        };
        w.with(key, "vital", w.say(vital_key(*vital)))
            .and("value", number(w, *vital, *steps))
            .and("at", self.hour(*at))
            .and("age", age(w, *at, self.now))
            .and("source", w.say(source_key(*source)))
            .to_string()
    }
}

/// On one line, and not longer than somebody reads.
fn quoted(words: &str) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= QUOTED_CHARS {
        return line;
    }
    let cut: String = line.chars().take(QUOTED_CHARS).collect();
    format!("{cut}…")
}

/// A value with its unit, as precisely as it means something: the whole percent below, whole
/// beats, tenths of a degree.
pub(crate) fn number(w: Words, vital: VitalKind, steps: i32) -> String {
    let rounded = steps.saturating_add(5).div_euclid(10);
    match vital {
        VitalKind::SpO2 => format!("{}\u{a0}%", steps.div_euclid(10)),
        VitalKind::Temperature => {
            let celsius = w.language.decimal(f64::from(rounded) / 10.0, 1);
            format!("{celsius}\u{a0}°C")
        }
        VitalKind::SystolicPressure => format!("{rounded}\u{a0}mmHg"),
        VitalKind::Pulse | VitalKind::RespiratoryRate => format!("{rounded}\u{a0}/min"),
    }
}

/// How long ago.
fn age(w: Words, at: WallMs, now: WallMs) -> String {
    let minutes = now.since(at) / 60_000;
    match (minutes, minutes / 60, minutes / 1_440) {
        (..1, ..) => w.say(Key("age-now")).into_owned(),
        (minutes, ..1, _) => w.with("age-minutes", "n", minutes).to_string(),
        (_, hours, ..2) => w.with("age-hours", "n", hours).to_string(),
        (.., days) => w.with("age-days", "n", days).to_string(),
    }
}

/// What a vital sign is called.
pub(crate) fn vital_key(vital: VitalKind) -> Key {
    match vital {
        VitalKind::SpO2 => Key("vital-spo2"),
        VitalKind::Pulse => Key("vital-pulse"),
        VitalKind::Temperature => Key("vital-temperature"),
        VitalKind::RespiratoryRate => Key("vital-breaths"),
        VitalKind::SystolicPressure => Key("vital-pressure"),
    }
}

fn about_key(about: About) -> Key {
    match about {
        About::Vital(vital) => vital_key(vital),
        About::Score(Scale::News2) => Key("about-news2"),
        About::Score(Scale::Mews) => Key("about-mews"),
        About::Symptoms => Key("about-symptoms"),
        About::Together => Key("about-together"),
        About::Home => Key("about-home"),
    }
}

fn scale_name(scale: Scale) -> &'static str {
    match scale {
        Scale::News2 => "NEWS2",
        Scale::Mews => "MEWS",
    }
}

pub(crate) fn place_key(place: Whereabouts) -> Key {
    match place {
        Whereabouts::AtHome => Key("place-home"),
        Whereabouts::InHospital => Key("place-hospital"),
        Whereabouts::Suspended => Key("place-suspended"),
        Whereabouts::Discharged => Key("place-discharged"),
        Whereabouts::Deceased => Key("place-deceased"),
    }
}

fn source_key(source: Source) -> Key {
    match source {
        Source::Device => Key("source-device"),
        Source::ByHand => Key("source-hand"),
        Source::ByPhone => Key("source-phone"),
    }
}

fn whom_key(whom: Whom) -> Key {
    match whom {
        Whom::Patient => Key("whom-patient"),
        Whom::Contact => Key("whom-contact"),
        Whom::KeyHolder => Key("whom-key-holder"),
        Whom::FamilyDoctor => Key("whom-family-doctor"),
        Whom::Emergency => Key("whom-112"),
    }
}

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
