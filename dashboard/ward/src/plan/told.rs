//! A plan in words, and what one version changes of the one before.

use veglia_diary::ladder::Ladder;
use veglia_view::plan::in_units;
use veglia_view::{
    End, FamilyDoctor, Guard, OwnLimits, OxygenScale, Parameter, Plan, VitalKind, WallMs,
};
use veglia_words::{Key, Words};

use crate::words;

/// What a plan says, each fact with what it is about, in the order of the form.
pub(super) fn facts(w: Words, plan: &Plan) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    let say = |key: Key| w.say(key).into_owned();
    for parameter in &plan.parameters {
        let name = words::vital_name(w, parameter.vital).into_owned();
        facts.push((name, expected(w, parameter)));
    }
    if let Some(target) = plan.spo2 {
        let (low, high) = (target.low_percent, target.high_percent);
        facts.push((say(Key("told-target")), format!("{low}–{high} %")));
    }
    if plan.oxygen_scale == OxygenScale::Two {
        facts.push((say(Key("told-scale")), say(Key("told-scale-two"))));
    }
    facts.extend(own(w, plan));
    let ladder = ladder_title(w, Ladder::of(&plan.calling));
    facts.push((say(Key("told-called")), ladder));
    let told = match plan.calling.family_doctor {
        FamilyDoctor::Informed => Key("told-informed"),
        FamilyDoctor::NotInformed => Key("told-not-informed"),
    };
    facts.push((say(Key("told-doctor")), say(told)));
    let end = plan
        .until
        .map_or_else(|| say(Key("told-no-end")), |at| w.language.exactly(at));
    facts.push((say(Key("told-end")), end));
    facts
}

/// When a vital sign is expected, and with how much grace.
pub(crate) fn expected(w: Words, parameter: &Parameter) -> String {
    w.with("told-expected", "rhythm", words::rhythm(w, parameter))
        .and("grace", parameter.grace_minutes)
        .to_string()
}

/// Who is called, in words. A ladder that was written elsewhere has its own title.
pub(super) fn ladder_title(w: Words, ladder: &Ladder) -> String {
    match ladder.name.as_str() {
        "home-2020" => w.say("ladder-home").into_owned(),
        "doctor-first-2020" => w.say("ladder-doctor-first").into_owned(),
        _ => ladder.title.clone(),
    }
}

/// What is unlike everybody's: limits of one's own, and why scores are not counted.
fn own(w: Words, plan: &Plan) -> Vec<(String, String)> {
    let mut own: Vec<(String, String)> = Vec::new();
    for limits in &plan.limits {
        let name = words::vital_in_sentence(w, limits.vital);
        let about = w.with("told-limits", "vital", name).to_string();
        own.push((about, limits_told(w, limits)));
    }
    for guard in &plan.guards {
        let name = w.say(guard_name(*guard)).into_owned();
        own.push((name, w.say("told-not-counted").into_owned()));
    }
    own
}

/// The same, and who is called if that is unusual: for the patient's page, a line each.
pub(crate) fn apart(w: Words, plan: &Plan) -> Vec<String> {
    let mut apart: Vec<String> = own(w, plan)
        .into_iter()
        .map(|(about, said)| format!("{about}: {said}"))
        .collect();
    if plan.calling.ladder.is_some() {
        let title = ladder_title(w, Ladder::of(&plan.calling));
        apart.push(format!("{}: {title}", w.say("told-called")));
    }
    if plan.calling.family_doctor == FamilyDoctor::NotInformed {
        let (doctor, told) = (w.say("told-doctor"), w.say("told-not-informed"));
        apart.push(format!("{doctor}: {told}"));
    }
    apart
}

/// What a version changes, a sentence each; of the first, all it says.
pub(super) fn changes(w: Words, before: Option<&Plan>, after: &Plan) -> Vec<String> {
    let (old, new) = (
        before.map(|it| facts(w, it)).unwrap_or_default(),
        facts(w, after),
    );
    let said = |facts: &[(String, String)], of: &str| {
        let mut facts = facts.iter();
        facts.find(|(about, _)| about == of).map(|it| it.1.clone())
    };
    let mut changes: Vec<String> = Vec::new();
    for (about, now) in &new {
        match said(&old, about) {
            Some(was) if was == *now => {}
            Some(was) => {
                let changed = w.with("told-changed", "about", about);
                changes.push(changed.and("now", now).and("was", was).to_string());
            }
            None => changes.push(format!("{about}: {now}")),
        }
    }
    let gone = old.iter().filter(|(about, _)| said(&new, about).is_none());
    changes.extend(gone.map(|(about, was)| {
        let gone = w.with("told-gone", "about", about);
        gone.and("was", was).to_string()
    }));
    changes
}

/// Why scores are not counted.
pub(super) fn guard_name(guard: Guard) -> Key {
    match guard {
        Guard::Under16 => Key("guard-under-16"),
        Guard::Pregnancy => Key("guard-pregnancy"),
    }
}

/// One of the four limits of a vital sign, as a label.
pub(super) fn end_name(end: End) -> Key {
    match end {
        End::RedTo => Key("limit-red-to"),
        End::AmberTo => Key("limit-amber-to"),
        End::AmberFrom => Key("limit-amber-from"),
        End::RedFrom => Key("limit-red-from"),
    }
}

/// A number as it is typed here.
pub(super) fn number(w: Words, vital: VitalKind, steps: i32) -> String {
    w.language.number(&in_units(vital, steps))
}

/// The last day of a plan that ends at a moment.
pub(super) fn last_day(until: WallMs) -> Option<jiff::civil::Date> {
    words::day(until.plus_ms(-1))
}

fn limits_told(w: Words, limits: &OwnLimits) -> String {
    let given = End::ALL.into_iter().filter_map(|end| {
        let value = number(w, limits.vital, limits.at(end)?);
        Some(format!("{} {value}", w.say(end_name(end))))
    });
    let given: Vec<String> = given.collect();
    format!("{} {}", given.join(", "), words::unit(w, limits.vital))
}
