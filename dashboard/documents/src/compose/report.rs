//! The *Report di rilevazione*: what was measured in a stretch of time.
//!
//! Of few readings all stand in it; of many, of each day the lowest, the highest and the last, and
//! those that an alert rests on. Never an average: every value in it was measured. How many there
//! were, how many are left out and how many something speaks against is said.

use crate::compose::{Body, PLANS, Paper, known_as, meta, observed, period, plan, section};
use crate::facts::ReportFacts;
use crate::fhir::{Activity, CarePlan, Narrative, Reference, Resource, Section};
use crate::narrative::Xhtml;
use crate::vitals::{self, IT};
use veglia_view::WallMs;

pub(super) fn body(paper: &mut Paper<'_>, facts: &ReportFacts) -> Body {
    let profile = "ObservationTelemedicina";
    let mut outcomes = Vec::new();
    for measured in &facts.measured {
        outcomes.extend(observed::add(paper, measured, profile));
    }
    let id = paper.own_id(&["plan"]);
    let outcome = |reference: Reference| Activity {
        outcome_reference: vec![reference],
        detail: None,
    };
    let resource = CarePlan {
        id: id.clone(),
        meta: meta(&["CarePlanReportRilevazioneTM"]),
        identifier: vec![known_as(PLANS, paper.frame.subject.number.to_string())],
        status: "active",
        intent: "plan",
        category: vec![plan::category()],
        subject: paper.patient.clone(),
        period: Some(period(facts.from, Some(facts.to))),
        author: Some(paper.author.clone()),
        activity: outcomes.into_iter().map(outcome).collect(),
        note: Vec::new(),
    };
    let plan = paper.add(&id, Resource::CarePlan(Box::new(resource)));
    let alerts = Section {
        title: "Segnalazioni confermate nel periodo",
        code: None,
        text: Narrative::new(alerts(facts, paper.frame.now)),
        entry: Vec::new(),
        section: Vec::new(),
    };
    Body {
        sections: vec![
            section("Rilevazioni", "18776-5", text(facts), vec![plan]),
            alerts,
        ],
        period: Some(period(facts.from, Some(facts.to))),
    }
}

fn text(facts: &ReportFacts) -> String {
    let (from, to) = (IT.moment(facts.from), IT.moment(facts.to));
    let mut text = Xhtml::new().paragraph(&format!("Misure dal {from} al {to}."));
    if facts.measured.is_empty() {
        return text.warning("Nessuna misura in questo periodo.").end();
    }
    if facts.measured.iter().any(|it| it.is_thinned) {
        text = text.paragraph(
            "Dove le misure sono molte, di ogni giorno sono riportate la più bassa, la più alta e \
             l’ultima, e quelle su cui si fonda una segnalazione confermata. Nessun valore è una \
             media: ognuno è stato misurato.",
        );
    }
    let counts = observed::counts(&facts.measured);
    text = text.paragraph(observed::DOUBT).list(&counts);
    for measured in &facts.measured {
        text = text.table(
            vitals::name(measured.vital),
            ["Quando", "Valore", "Come", "Perché questa"],
            &observed::rows(measured),
        );
    }
    text.end()
}

fn alerts(facts: &ReportFacts, now: WallMs) -> String {
    let lines = observed::alert_lines(&facts.alerts, now);
    let text = match lines.is_empty() {
        true => Xhtml::new().paragraph("Nessuna segnalazione confermata."),
        false => Xhtml::new().list(&lines),
    };
    match facts.alerts.is_cut {
        true => {
            text.warning("Il diario è più lungo di quanto se ne legge in una volta: ne mancano.")
        }
        false => text,
    }
    .end()
}
