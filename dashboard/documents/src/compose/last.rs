//! The *Relazione finale*: how it went, who ended it and when, and what a doctor concludes.
//!
//! Of the guide: the section of the plan must be there, the others may. History, finding and
//! conclusions are observations whose value is a text; allergies and therapy are text alone,
//! because the clinical sheet holds words and the guide wants codes. The guide's Bundle asks for
//! the plan by another profile than its Composition does: the Composition's is named.

use veglia_view::Severity;

use crate::compose::{Body, PLANS, Paper, known_as, meta, observed, period, plan, section};
use crate::facts::{How, LastFacts, Measured};
use crate::fhir::{Activity, CarePlan, Note, Reference, Resource, Section};
use crate::narrative::Xhtml;
use crate::vitals::{self, IT};

pub(super) fn body(paper: &mut Paper<'_>, facts: &LastFacts) -> Body {
    let plan = add_plan(paper, facts);
    let mut sections = vec![section("Piano di cura", "18776-5", text(facts), vec![plan])];
    sections.extend(beginning(paper, facts));
    let finding = finding(facts);
    let of = ("47045-0", "Study report");
    let entry = observed::add_text(paper, of, &finding);
    let finding = Xhtml::new().paragraph(&finding);
    let alerts = finding
        .list(&observed::alert_lines(&facts.alerts, paper.frame.now))
        .end();
    sections.push(section("Referto", of.0, alerts, vec![entry]));
    sections.push(conclusions(paper, facts));
    Body {
        sections,
        period: Some(period(facts.from, Some(facts.to))),
    }
}

fn add_plan(paper: &mut Paper<'_>, facts: &LastFacts) -> Reference {
    let profile = "ObservationRelazioneFinaleTm";
    let mut outcomes = Vec::new();
    for measured in &facts.measured {
        outcomes.extend(observed::add(paper, measured, profile));
    }
    let outcome = |reference: Reference| Activity {
        outcome_reference: vec![reference],
        detail: None,
    };
    let id = paper.own_id(&["plan"]);
    let number = format!("{}-{}", facts.plan.patient, facts.plan.version);
    let resource = CarePlan {
        id: id.clone(),
        meta: meta(&["CarePlanRelazioneFinaleTM"]),
        identifier: vec![known_as(PLANS, number)],
        status: if facts.end.at <= paper.frame.now {
            "completed"
        } else {
            "active"
        },
        intent: "plan",
        category: vec![plan::category()],
        subject: paper.patient.clone(),
        period: Some(period(facts.from, Some(facts.to))),
        author: Some(paper.author.clone()),
        activity: outcomes.into_iter().map(outcome).collect(),
        note: vec![Note { text: ended(facts) }],
    };
    paper.add(&id, Resource::CarePlan(Box::new(resource)))
}

/// How it ended, who wrote so, and why.
fn ended(facts: &LastFacts) -> String {
    let end = &facts.end;
    let at = IT.moment(end.at);
    let why = match end.why.trim() {
        "" => String::new(),
        why => format!(": {why}"),
    };
    match end.how {
        How::Discharged => format!(
            "Telemonitoraggio concluso il {at}; lo ha scritto {}{why}",
            end.by
        ),
        How::Deceased => format!(
            "Paziente deceduto, registrato per il {at}; lo ha scritto {}{why}",
            end.by
        ),
        How::PlanOver => format!("Il piano termina il {at}."),
    }
}

fn text(facts: &LastFacts) -> String {
    let text = Xhtml::new()
        .paragraph(&format!(
            "Telemonitoraggio dal {} al {}.",
            IT.moment(facts.from),
            IT.moment(facts.to)
        ))
        .paragraph(&ended(facts));
    if facts.measured.is_empty() {
        return text.warning("Nessuna misura in tutto il periodo.").end();
    }
    let counts = observed::counts(&facts.measured);
    let mut text = text
        .paragraph(
            "Di ogni parametro sono riportate la misura non dubbia più bassa, la più alta e \
             l’ultima di tutto il periodo. Nessun valore è una media: ognuno è stato misurato.",
        )
        .paragraph(observed::DOUBT)
        .list(&counts);
    for measured in &facts.measured {
        text = text.table(
            vitals::name(measured.vital),
            ["Quando", "Valore", "Come", "Perché questa"],
            &observed::rows(measured),
        );
    }
    text.end()
}

/// How the patient was in the beginning, as far as the clinical sheet says.
fn beginning(paper: &mut Paper<'_>, facts: &LastFacts) -> Option<Section> {
    let sheet = "Dalla scheda clinica, testo libero.";
    let words = |text: &str| Xhtml::new().paragraph(text).end();
    let mut parts = Vec::new();
    let conditions = facts.conditions.trim();
    if !conditions.is_empty() {
        let of = ("11329-0", "History general Narrative - Reported");
        let entry = observed::add_text(paper, of, conditions);
        parts.push(section("Anamnesi", of.0, words(conditions), vec![entry]));
    }
    for (title, loinc, text) in [
        ("Allergie", "48765-2", facts.allergies.trim()),
        (
            "Terapia farmacologica in atto",
            "10160-0",
            facts.therapy.trim(),
        ),
    ] {
        if !text.is_empty() {
            parts.push(section(title, loinc, words(text), Vec::new()));
        }
    }
    if parts.is_empty() {
        return None;
    }
    let mut whole = section(
        "Inquadramento clinico iniziale",
        "47039-3",
        words(sheet),
        Vec::new(),
    );
    whole.section = parts;
    Some(whole)
}

fn finding(facts: &LastFacts) -> String {
    let of = |severity| {
        let told = facts.alerts.told.iter();
        told.filter(|it| it.severity == severity).count()
    };
    let (red, amber) = (of(Severity::Red), of(Severity::Amber));
    let clean: u64 = facts.measured.iter().map(|it: &Measured| it.clean).sum();
    let cut = match facts.alerts.is_cut {
        true => " (contate nelle voci più recenti del diario)",
        false => "",
    };
    format!(
        "Misure non dubbie nel periodo: {clean}. Segnalazioni confermate{cut}: rosse {red}, gialle \
         {amber}."
    )
}

fn conclusions(paper: &mut Paper<'_>, facts: &LastFacts) -> Section {
    let of = ("55110-1", "Conclusions [Interpretation] Document");
    let conclusions = facts.conclusions.trim();
    let (text, entry) = match conclusions {
        "" => {
            let text = Xhtml::new().paragraph("Le scrive il medico che emette la relazione.");
            (text, Vec::new())
        }
        said => {
            let entry = observed::add_text(paper, of, said);
            (Xhtml::new().paragraph(said), vec![entry])
        }
    };
    section("Conclusioni", of.0, text.end(), entry)
}
