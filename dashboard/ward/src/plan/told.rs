//! A plan in words, and what one version changes of the one before.

use veglia_diary::ladder::Ladder;
use veglia_view::plan::in_units;
use veglia_view::{End, FamilyDoctor, Guard, OwnLimits, OxygenScale, Plan, VitalKind, WallMs};

use crate::words;

/// What a plan says, each fact with what it is about, in the order of the form.
pub(super) fn facts(plan: &Plan) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    for parameter in &plan.parameters {
        let (rhythm, grace) = (words::rhythm(parameter), parameter.grace_minutes);
        facts.push((
            words::vital_name(parameter.vital).to_owned(),
            format!("{rhythm}, tolleranza {grace} min"),
        ));
    }
    if let Some(target) = plan.spo2 {
        let (low, high) = (target.low_percent, target.high_percent);
        facts.push(("Obiettivo di SpO₂".to_owned(), format!("{low}–{high} %")));
    }
    if plan.oxygen_scale == OxygenScale::Two {
        facts.push(("Scala NEWS2 per la SpO₂".to_owned(), "scala 2".to_owned()));
    }
    facts.extend(own(plan));
    let ladder = &Ladder::of(&plan.calling).title;
    facts.push(("Chi viene chiamato".to_owned(), ladder.clone()));
    let told = match plan.calling.family_doctor {
        FamilyDoctor::Informed => "informato",
        FamilyDoctor::NotInformed => "non informato",
    };
    facts.push(("Medico di famiglia".to_owned(), told.to_owned()));
    let end = plan
        .until
        .map_or_else(|| "senza fine".to_owned(), words::full_time);
    facts.push(("Fine del piano".to_owned(), end));
    facts
}

/// What is unlike everybody's: limits of one's own, and why scores are not counted.
fn own(plan: &Plan) -> Vec<(String, String)> {
    let mut own: Vec<(String, String)> = Vec::new();
    for limits in &plan.limits {
        let name = words::vital_in_sentence(limits.vital);
        own.push((format!("Limiti propri di {name}"), limits_told(limits)));
    }
    for guard in &plan.guards {
        let name = guard_name(*guard).to_owned();
        own.push((name, "punteggi non calcolati".to_owned()));
    }
    own
}

/// The same, and who is called if that is unusual: for the patient's page, a line each.
pub(crate) fn apart(plan: &Plan) -> Vec<String> {
    let mut apart: Vec<String> = own(plan)
        .into_iter()
        .map(|(about, said)| format!("{about}: {said}"))
        .collect();
    if plan.calling.ladder.is_some() {
        let title = &Ladder::of(&plan.calling).title;
        apart.push(format!("Chi viene chiamato: {title}"));
    }
    if plan.calling.family_doctor == FamilyDoctor::NotInformed {
        apart.push("Medico di famiglia: non informato".to_owned());
    }
    apart
}

/// What a version changes, a sentence each; of the first, all it says.
pub(super) fn changes(before: Option<&Plan>, after: &Plan) -> Vec<String> {
    let (old, new) = (before.map(facts).unwrap_or_default(), facts(after));
    let said = |facts: &[(String, String)], of: &str| {
        let mut facts = facts.iter();
        facts.find(|(about, _)| about == of).map(|it| it.1.clone())
    };
    let mut changes: Vec<String> = Vec::new();
    for (about, now) in &new {
        match said(&old, about) {
            Some(was) if was == *now => {}
            Some(was) => changes.push(format!("{about}: {now} (prima: {was})")),
            None => changes.push(format!("{about}: {now}")),
        }
    }
    let gone = old.iter().filter(|(about, _)| said(&new, about).is_none());
    changes.extend(gone.map(|(about, was)| format!("{about}: tolto (prima: {was})")));
    changes
}

/// Why scores are not counted.
pub(super) fn guard_name(guard: Guard) -> &'static str {
    match guard {
        Guard::Under16 => "Meno di 16 anni",
        Guard::Pregnancy => "Gravidanza",
    }
}

/// One of the four limits of a vital sign, as a label.
pub(super) fn end_name(end: End) -> &'static str {
    match end {
        End::RedTo => "rosso fino a",
        End::AmberTo => "giallo fino a",
        End::AmberFrom => "giallo da",
        End::RedFrom => "rosso da",
    }
}

/// A number as it is typed here.
pub(super) fn number(vital: VitalKind, steps: i32) -> String {
    in_units(vital, steps).replace('.', ",")
}

/// The last day of a plan that ends at a moment.
pub(super) fn last_day(until: WallMs) -> Option<jiff::civil::Date> {
    words::day(until.plus_ms(-1))
}

fn limits_told(limits: &OwnLimits) -> String {
    let given = End::ALL.into_iter().filter_map(|end| {
        let value = number(limits.vital, limits.at(end)?);
        Some(format!("{} {value}", end_name(end)))
    });
    let given: Vec<String> = given.collect();
    format!("{} {}", given.join(", "), words::unit(limits.vital))
}
