//! The *Piano di telemonitoraggio*: what is measured when, and within which limits nobody is
//! called.
//!
//! Of the guide: the plan is a CarePlan of category 01, each activity instantiates an
//! ActivityDefinition, and that requires an ObservationDefinition whose intervals are the limits.
//! The section of the diagnosis is text alone: the guide wants a code of ICD-9-CM, and the
//! clinical sheet holds words.

use veglia_view::{Expected, Parameter, VitalKind};

use crate::compose::{Body, PLANS, Paper, device_line, known_as, meta, period, section};
use crate::facts::PlanFacts;
use crate::fhir::{
    Activity, ActivityDefinition, CarePlan, Concept, Detail, Interval, Note, ObservationDefinition,
    Range, Reference, Repeat, Resource, Section, Timing,
};
use crate::limits::{Band, Limits};
use crate::narrative::Xhtml;
use crate::vitals::{self, IT};

/// The guide's kinds of plan; 01 is telemonitoring.
const KINDS_OF_PLAN: &str = "https://agenas.gov.it/fhir/CodeSystem/csTipologiaPiano";

pub(super) fn body(paper: &mut Paper<'_>, facts: &PlanFacts) -> Body {
    let plan = &facts.plan;
    let activities = plan.parameters.iter();
    let activities = activities.map(|it| activity(paper, facts, it)).collect();
    let id = paper.own_id(&["plan"]);
    let resource = CarePlan {
        id: id.clone(),
        meta: meta(&["CarePlanPianoDiCuraTelemonitoraggio"]),
        identifier: vec![known_as(PLANS, name_of(facts))],
        status: if is_over(paper, facts) {
            "completed"
        } else {
            "active"
        },
        intent: "plan",
        category: vec![category()],
        subject: paper.patient.clone(),
        period: Some(period(plan.from, plan.until)),
        author: Some(paper.author.clone()),
        activity: activities,
        note: vec![Note {
            text: edition(facts),
        }],
    };
    let plan_at = paper.add(&id, Resource::CarePlan(Box::new(resource)));
    let mut sections = vec![section(
        "Piano di telemonitoraggio",
        "18776-5",
        text(facts),
        vec![plan_at],
    )];
    sections.extend(diagnosis(facts));
    Body {
        sections,
        period: Some(period(plan.from, plan.until)),
    }
}

/// That it is a plan of telemonitoring.
pub(super) fn category() -> Concept {
    Concept::coded(KINDS_OF_PLAN, "01", Some("Piano di Telemonitoraggio"))
}

fn name_of(facts: &PlanFacts) -> String {
    format!("{}-{}", facts.plan.patient, facts.plan.version)
}

fn is_over(paper: &Paper<'_>, facts: &PlanFacts) -> bool {
    let until = facts.plan.until;
    until.is_some_and(|until| until <= paper.frame.now)
}

/// First writing, or a change: the guide wants it said.
fn edition(facts: &PlanFacts) -> String {
    let (version, at) = (facts.plan.version, IT.moment(facts.written_at));
    let what = match version.0 {
        1 => "Prima stesura".to_owned(),
        number => format!("Modifica, versione {number}"),
    };
    let by = &facts.written_by;
    match facts.why.trim() {
        "" => format!("{what}, scritta il {at} da {by}."),
        why => format!("{what}, scritta il {at} da {by}: {why}"),
    }
}

fn activity(paper: &mut Paper<'_>, facts: &PlanFacts, parameter: &Parameter) -> Activity {
    let vital = parameter.vital;
    let limits = limits_of(facts, vital);
    let definition = add_definition(paper, parameter, limits, &facts.rules);
    let measuring = facts
        .devices
        .iter()
        .filter(|it| it.measures.contains(&vital));
    let performer: Vec<Reference> = measuring
        .map(|it| paper.add_device(&it.device, &it.measures))
        .collect();
    let status = if is_over(paper, facts) {
        "completed"
    } else {
        "in-progress"
    };
    Activity {
        outcome_reference: Vec::new(),
        detail: Some(Detail {
            instantiates_canonical: vec![definition],
            code: Concept::text(format!("Telemonitoraggio: {}", vitals::name(vital))),
            status,
            performer,
            description: vitals::rhythm(parameter),
        }),
    }
}

fn limits_of(facts: &PlanFacts, vital: VitalKind) -> Limits {
    let known = facts.limits.iter().find(|(of, _)| *of == vital);
    known.map(|(_, limits)| *limits).unwrap_or_default()
}

/// What is to be done, and of what; its address.
fn add_definition(
    paper: &mut Paper<'_>,
    parameter: &Parameter,
    limits: Limits,
    rules: &str,
) -> String {
    let vital = parameter.vital;
    let id = paper.own_id(&["wanted", vital.name()]);
    let wanted = ObservationDefinition {
        id: id.clone(),
        meta: meta(&["ObservationDefinitionPianoTM"]),
        code: vitals::code(vital),
        qualified_interval: intervals(vital, limits, rules),
    };
    let wanted = Resource::ObservationDefinition(Box::new(wanted));
    let wanted = paper.add(&id, wanted);
    let id = paper.own_id(&["activity", vital.name()]);
    let url = format!("urn:uuid:{id}");
    let activity = ActivityDefinition {
        id: id.clone(),
        meta: meta(&["ActivityDefinitionPianoTM"]),
        url: url.clone(),
        title: format!("Rilevazione: {}", vitals::name(vital)),
        status: "active",
        description: vitals::rhythm(parameter),
        code: Concept::text(vitals::name(vital)),
        timing_timing: Timing {
            repeat: repeat(&parameter.expected),
        },
        observation_requirement: vec![wanted],
    };
    paper.add(&id, Resource::ActivityDefinition(Box::new(activity)));
    url
}

fn repeat(expected: &Expected) -> Repeat {
    let every = |minutes| Repeat {
        frequency: 1,
        period: minutes,
        period_unit: "min",
        time_of_day: Vec::new(),
    };
    match expected {
        Expected::EveryMinutes(minutes) => every(*minutes),
        Expected::Within(hours) => every(hours.every_minutes),
        Expected::DailyAt(times) => Repeat {
            frequency: u32::try_from(times.len()).unwrap_or(u32::MAX),
            period: 1,
            period_unit: "d",
            time_of_day: times.iter().map(|time| format!("{time}:00")).collect(),
        },
    }
}

/// The guide: `range` is the limit, `condition` what happens beyond it.
fn intervals(vital: VitalKind, limits: Limits, rules: &str) -> Vec<Interval> {
    if limits.is_empty() {
        return vec![Interval {
            category: "reference",
            range: None,
            condition: "Nessun limite: il valore non apre segnalazioni da solo.".to_owned(),
        }];
    }
    let interval = |category, band: Band, what: &str| Interval {
        category,
        range: Some(Range {
            low: band.low.map(|steps| vitals::quantity(vital, steps)),
            high: band.high.map(|steps| vitals::quantity(vital, steps)),
        }),
        condition: format!("{what} Regole {rules}."),
    };
    let quiet = "Fuori da questo intervallo: segnalazione alla Centrale, almeno gialla.";
    let red = "Fuori da questo intervallo: segnalazione rossa; confermata, chiama chi è di turno.";
    let all = [
        ("reference", limits.quiet, quiet),
        ("critical", limits.not_red, red),
    ];
    let given = all
        .into_iter()
        .filter(|(_, band, _)| *band != Band::default());
    given
        .map(|(category, band, what)| interval(category, band, what))
        .collect()
}

fn text(facts: &PlanFacts) -> String {
    let plan = &facts.plan;
    let until = match plan.until {
        Some(until) => format!("fino al {}", IT.moment(until)),
        None => "senza un termine".to_owned(),
    };
    let row = |parameter: &Parameter| {
        let limits = limits_of(facts, parameter.vital);
        [
            vitals::name(parameter.vital).to_owned(),
            vitals::rhythm(parameter),
            within("segnalazione", parameter.vital, limits.quiet),
            within("segnalazione rossa", parameter.vital, limits.not_red),
        ]
    };
    let rows: Vec<[String; 4]> = plan.parameters.iter().map(row).collect();
    let target = plan.spo2.map(|target| {
        let (low, high) = (target.low_percent, target.high_percent);
        format!("Obiettivo personale di SpO2: da {low} a {high} %.")
    });
    let devices: Vec<String> = facts.devices.iter().map(device_line).collect();
    let text = Xhtml::new()
        .paragraph(&edition(facts))
        .paragraph(&format!("In vigore dal {} {until}.", IT.moment(plan.from)))
        .table(
            "Che cosa si misura",
            ["Parametro", "Quando", "Limiti", "Limiti del rosso"],
            &rows,
        )
        .paragraph(&target.unwrap_or_default())
        .paragraph(&format!(
            "I limiti sono quelli delle regole {}, con quelli propri del paziente dove il piano li \
             dà.",
            facts.rules
        ));
    match devices.is_empty() {
        true => text.paragraph("Nessun dispositivo assegnato."),
        false => text.paragraph("Dispositivi assegnati:").list(&devices),
    }
    .end()
}

fn within(what: &str, vital: VitalKind, band: Band) -> String {
    let said = |steps| vitals::value(vital, steps);
    match (band.low.map(said), band.high.map(said)) {
        (None, None) => format!("nessun limite per una {what}"),
        (Some(low), None) => format!("nessuna {what} da {low} in su"),
        (None, Some(high)) => format!("nessuna {what} fino a {high}"),
        (Some(low), Some(high)) => format!("nessuna {what} da {low} a {high}"),
    }
}

fn diagnosis(facts: &PlanFacts) -> Option<Section> {
    let conditions = facts.conditions.trim();
    let text = Xhtml::new()
        .paragraph("Dalla scheda clinica, testo libero, non codificato:")
        .paragraph(conditions)
        .end();
    let section = section("Diagnosi", "29548-5", text, Vec::new());
    (!conditions.is_empty()).then_some(section)
}
