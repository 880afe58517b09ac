//! One patient on a page of a handover, in the order of SBAR: situation, background, assessment,
//! recommendation.

use std::collections::HashMap;

use veglia_view::{PatientId, Severity};
use veglia_words::Key;

use crate::book::Line;
use crate::chart::{self, Chart};
use crate::desk::{Desk, HandoverError, Purpose};
use crate::fact::Fact;
use crate::tell::Names;

/// One patient.
pub(crate) struct LineView {
    pub(crate) patient: PatientId,
    pub(crate) name: String,
    /// For the mark before the name, which repeats what the words say.
    pub(crate) code: &'static str,
    pub(crate) severity: Option<Key>,
    pub(crate) situation: Vec<String>,
    pub(crate) background: Vec<(String, String)>,
    pub(crate) phones: Vec<(String, String)>,
    pub(crate) assessment: Vec<String>,
    pub(crate) recommendation: String,
    /// Of a form: whether the patient is handed over.
    pub(crate) is_in: bool,
    /// Whether the writer may give their charge away, and does.
    pub(crate) may_offer: bool,
    pub(crate) is_offered: bool,
    /// Of a handover that is read: who has charge now, and whether the reader may take it.
    pub(crate) charge: Option<String>,
    pub(crate) may_take: bool,
}

/// Lines of a page, after it is written that somebody looks at these patients.
pub(crate) async fn views(
    desk: Desk<'_>,
    lines: &[Line],
    names: &Names,
    purpose: Purpose,
) -> Result<Vec<LineView>, HandoverError> {
    let patients: Vec<PatientId> = lines.iter().map(|line| line.patient).collect();
    desk.opens(&patients, purpose).await?;
    let called = desk.names_of(&patients).await?;
    let mut views = Vec::with_capacity(lines.len());
    for line in lines {
        let chart = chart::read(desk, line.patient, purpose == Purpose::Night).await?;
        views.push(view(desk, line, chart, &called, names));
    }
    Ok(views)
}

fn view(
    desk: Desk<'_>,
    line: &Line,
    chart: Chart,
    called: &HashMap<PatientId, String>,
    names: &Names,
) -> LineView {
    let teller = desk.teller(names);
    let told = |facts: &[Fact]| facts.iter().map(|fact| teller.tell(fact)).collect();
    let (code, severity) = mark(&line.situation);
    let name = called.get(&line.patient).cloned();
    LineView {
        patient: line.patient,
        name: name.unwrap_or_else(|| line.patient.to_string()),
        code,
        severity,
        situation: told(&line.situation),
        background: chart.facts,
        phones: chart.phones,
        assessment: told(&line.assessment),
        recommendation: line.recommendation.clone(),
        is_in: true,
        may_offer: false,
        is_offered: line.offered,
        charge: None,
        may_take: false,
    }
}

/// The gravest flag among facts, as a mark and a word.
fn mark(situation: &[Fact]) -> (&'static str, Option<Key>) {
    let flags = situation.iter().filter_map(|fact| match fact {
        Fact::Flag { severity, .. } => Some(*severity),
        _ => None,
    });
    match flags.max() {
        Some(Severity::Red) => ("red", Some(Key("severity-red"))),
        Some(Severity::Amber) => ("amber", Some(Key("severity-amber"))),
        Some(Severity::Technical) => ("technical", Some(Key("severity-technical"))),
        None => ("none", None),
    }
}
