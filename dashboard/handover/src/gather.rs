//! Who matters now, and why: from what is open, what was done of late, and what was promised.
//!
//! Nothing is remembered here: each look reads the truth anew. Of one patient there is one case.
//! What is asked for each patient is asked of those alone who stand on the page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use veglia_diary::{
    Act, ActKind, CallOutcome, Changed, OpenFlag, Whom, changes_since, last_change_by, open_flags,
    plans_of,
};
use veglia_view::{
    NAMED_MAX, PatientId, PlanVersion, Row, Scored, Severity, VitalKind, WallMs, Whereabouts,
    is_stand_in,
};

use crate::desk::{Desk, HandoverError};
use crate::fact::{self, Deed, Fact};

/// Pages of changes read in a row: ten thousand acts of one shift are more than a centre does.
const PAGES_MAX: usize = 20;

/// What was done that is repeated of one patient: the newest.
const DEEDS_MAX: usize = 4;

/// Which time is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// Since when it is told what was done.
    pub(crate) since: WallMs,
    /// Until when whoever takes over is there: what ends before, ends with them.
    pub(crate) until: WallMs,
}

/// A patient who matters, and why.
pub(crate) struct Case {
    pub(crate) patient: PatientId,
    /// The gravest that is open, if anything is.
    pub(crate) severity: Option<Severity>,
    /// Since when.
    since: WallMs,
    pub(crate) situation: Vec<Fact>,
    pub(crate) assessment: Vec<Fact>,
    /// Whether the reader has charge of something of theirs.
    pub(crate) is_mine: bool,
    /// What was asked for again: dropped once it has come.
    asked: Vec<(VitalKind, WallMs)>,
    /// The version of the plan that was written of late, until it is told.
    plan: Option<PlanVersion>,
}

/// Who stands on a page.
pub(crate) struct Wanted<'a> {
    /// These, however many others are graver.
    pub(crate) chosen: &'a [PatientId],
    /// These too, as far as there is room.
    pub(crate) given: &'a [PatientId],
    /// Why either is there when nothing else is known of them.
    pub(crate) because: Fact,
    /// How many, but for the chosen.
    pub(crate) most: usize,
}

/// Who matters, the gravest first.
pub(crate) struct Gathered {
    pub(crate) cases: Vec<Case>,
    /// How many more, less grave, there was no room for.
    pub(crate) left_out: usize,
}

impl Case {
    fn new(patient: PatientId, since: WallMs) -> Self {
        Self {
            patient,
            severity: None,
            since,
            situation: Vec::new(),
            assessment: Vec::new(),
            is_mine: false,
            asked: Vec::new(),
            plan: None,
        }
    }

    /// Whether there is anything to say.
    fn matters(&self) -> bool {
        !self.situation.is_empty() || !self.asked.is_empty() || self.plan.is_some()
    }

    fn add(&mut self, fact: Fact) {
        if !self.situation.contains(&fact) {
            self.situation.push(fact);
        }
    }
}

/// Cases by patient, of those whom the reader may read.
struct Cases<'a> {
    followed: &'a HashSet<PatientId>,
    cases: BTreeMap<PatientId, Case>,
}

impl Cases<'_> {
    /// The case of a patient, begun when there is none; none of whom the reader may not read.
    fn of(&mut self, patient: PatientId, at: WallMs) -> Option<&mut Case> {
        if is_stand_in(patient) || !self.followed.contains(&patient) {
            return None;
        }
        let case = || Case::new(patient, at);
        Some(self.cases.entry(patient).or_insert_with(case))
    }

    /// What was done of late.
    fn hear(&mut self, done: &Done, now: WallMs) {
        for (patient, plan) in &done.plans {
            if let Some(case) = self.of(*patient, now) {
                case.plan = Some(*plan);
            }
        }
        for (patient, (to, at)) in &done.stood {
            if let Some(case) = self.of(*patient, *at) {
                let is_known = |fact: &Fact| matches!(fact, Fact::Went { .. });
                case.situation.retain(|fact| !is_known(fact));
                let at = Some(*at);
                case.add(Fact::Went { to: *to, at });
            }
        }
        for act in done.acts.values().flatten() {
            if asks_for_somebody(act.kind)
                && let Some(case) = self.of(act.patient, act.at)
            {
                case.since = case.since.min(act.at);
                case.situation.extend(deed(act));
            }
        }
    }
}

/// Everybody who matters, as far as there is room.
pub(crate) async fn gather(
    desk: Desk<'_>,
    span: Span,
    followed: &HashSet<PatientId>,
    wanted: &Wanted<'_>,
) -> Result<Gathered, HandoverError> {
    let mut cases = Cases {
        followed,
        cases: BTreeMap::new(),
    };
    let (record, actor) = (desk.record, desk.actor());
    let open = open_flags(record, &actor).await;
    let open = open.map_err(HandoverError::Diary)?;
    for flag in &open {
        if let Some(case) = cases.of(flag.flag.id.patient, flag.flag.since) {
            case.open(flag, &actor.to_string(), span, desk.now);
        }
    }
    let done = done_since(desk, span.since).await?;
    for promise in desk.promised.unwrap_or_default() {
        if let Some(case) = cases.of(promise.patient, promise.at) {
            case.add(Fact::CallBack { at: promise.at });
        }
    }
    cases.hear(&done, desk.now);
    for patient in wanted.chosen.iter().chain(wanted.given) {
        let is_known = cases.cases.contains_key(patient);
        if let Some(case) = cases.of(*patient, desk.now).filter(|_| !is_known) {
            case.add(wanted.because.clone());
        }
    }
    let mut cases: Vec<Case> = cases.cases.into_values().collect();
    for case in &mut cases {
        case.done(done.of(case.patient));
    }
    let mut gathered = fitting(cases, wanted);
    for case in &mut gathered.cases {
        if let Some(version) = case.plan.take() {
            let written = plans_of(record, &actor, case.patient).await;
            case.planned(version, &written.map_err(HandoverError::Diary)?);
        }
    }
    dress(desk, &mut gathered.cases).await;
    gathered.cases.retain(|case| !case.situation.is_empty());
    Ok(gathered)
}

/// Those for whom there is room, the gravest first, and all who were chosen.
fn fitting(mut cases: Vec<Case>, wanted: &Wanted<'_>) -> Gathered {
    cases.retain(Case::matters);
    cases.sort_by_key(|case| (std::cmp::Reverse(case.severity), case.since, case.patient));
    let all = cases.len();
    let chosen: HashSet<PatientId> = wanted.chosen.iter().copied().collect();
    let mut place = 0..;
    cases.retain(|case| {
        let fits = place.next().is_some_and(|place| place < wanted.most);
        fits || chosen.contains(&case.patient)
    });
    Gathered {
        left_out: all - cases.len(),
        cases,
    }
}

/// What somebody did, if it is worth handing on.
fn deed(act: &Act) -> Option<Fact> {
    Some(Fact::Did {
        what: Deed::of(act.kind)?,
        at: act.at,
        by: act.by.clone(),
        words: act.words.clone(),
    })
}

/// Acts that make a patient matter by themselves.
fn asks_for_somebody(kind: ActKind) -> bool {
    match kind {
        ActKind::Escalated | ActKind::Referred(_) | ActKind::RepeatAsked(_) => true,
        ActKind::Called(_, outcome) => {
            matches!(outcome, CallOutcome::Unwell | CallOutcome::HelpSent)
        }
        _ => false,
    }
}

impl Case {
    /// Something of the patient is open.
    fn open(&mut self, open: &OpenFlag, reader: &str, span: Span, now: WallMs) {
        self.severity = self.severity.max(Some(open.flag.severity));
        self.since = self.since.min(open.flag.since);
        self.add(fact::of_flag(open));
        let Some(alert) = &open.alert else {
            return;
        };
        let state = &alert.state;
        let hold = state.hold.as_ref().filter(|hold| now < hold.until);
        let snooze = state.snooze.as_ref().filter(|snooze| now < snooze.until);
        if let Some(hold) = hold {
            self.is_mine |= hold.by == reader;
            self.add(Fact::Held {
                by: hold.by.clone(),
                until: hold.until,
            });
        } else if let Some(snooze) = snooze {
            self.add(Fact::Snoozed {
                by: snooze.by.clone(),
                until: snooze.until,
                soon: snooze.until < span.until,
            });
        } else if open.flag.severity != Severity::Technical && state.is_confirmed {
            self.add(Fact::Unattended);
        }
        if state.whereabouts != Whereabouts::AtHome {
            self.add(Fact::Went {
                to: state.whereabouts,
                at: None,
            });
        }
    }

    /// The plan changed, or is the first.
    fn planned(&mut self, version: PlanVersion, written: &[veglia_diary::PlanWritten]) {
        let Some(written) = written.iter().find(|it| it.plan.version == version) else {
            return;
        };
        let (at, by) = (written.at, written.by.clone());
        self.add(match version {
            PlanVersion(..=1) => Fact::Joined { at, by },
            version => Fact::Replanned {
                version,
                at,
                by,
                why: written.why.clone(),
            },
        });
    }

    /// What was done about the patient, the oldest first.
    fn done(&mut self, acts: &[Act]) {
        for act in acts {
            if let ActKind::RepeatAsked(vital) = act.kind {
                self.asked.retain(|(of, _)| *of != vital);
                self.asked.push((vital, act.at));
            }
        }
        if self.severity == Some(Severity::Red) {
            self.situation.extend(unreachable(acts));
        }
        let deeds = acts.iter().filter_map(deed);
        let deeds = deeds.filter(|fact| !self.situation.contains(fact));
        let deeds: Vec<Fact> = deeds.collect();
        let first = deeds.len().saturating_sub(DEEDS_MAX);
        self.assessment.extend(deeds.into_iter().skip(first));
    }

    /// How the patient is by what ingest knows.
    fn measured(&mut self, desk: Desk<'_>, row: Option<&Row>) {
        let asked = std::mem::take(&mut self.asked);
        for (vital, at) in asked {
            let latest = row.and_then(|row| row.latest(vital));
            if latest.is_none_or(|latest| latest.at < at) {
                self.add(Fact::Asked { vital, at });
            }
        }
        let Some(row) = row else {
            return;
        };
        let values = VitalKind::ALL.into_iter();
        let values = values.filter_map(|vital| row.latest(vital).map(fact::of_latest));
        let scores = row.scores.iter().filter(|it| is_fresh(desk, it));
        let scores = scores.filter_map(fact::of_score);
        let how: Vec<Fact> = values.chain(scores).collect();
        self.assessment.splice(0..0, how);
    }
}

/// Whether nothing that a score counts is too old by now.
fn is_fresh(desk: Desk<'_>, scored: &Scored) -> bool {
    let Scored::Counted(partial) = scored else {
        return false;
    };
    partial.points.iter().all(|point| {
        let fresh = desk.rules.fresh(point.parameter);
        fresh.is_some_and(|(age_ms, _)| desk.now.since(point.evidence.at) <= age_ms)
    })
}

/// Whether the last calls to the patient were not answered.
fn unreachable(acts: &[Act]) -> Option<Fact> {
    let calls = acts.iter().filter_map(|act| match act.kind {
        ActKind::Called(whom, outcome) => Some((whom, outcome, act.at)),
        _ => None,
    });
    let calls: Vec<(Whom, CallOutcome, WallMs)> = calls.collect();
    let lost = calls.iter().rev();
    let lost = lost.take_while(|(_, outcome, _)| *outcome == CallOutcome::NoAnswer);
    let lost: Vec<WallMs> = lost.map(|(.., at)| *at).collect();
    Some(Fact::Unreachable {
        times: lost.len(),
        last: *lost.first()?,
    })
}

/// Values and scores, as far as ingest answers.
async fn dress(desk: Desk<'_>, cases: &mut [Case]) {
    let mut rows: HashMap<PatientId, Arc<Row>> = HashMap::new();
    let mut is_lost = false;
    for some in cases.chunks(NAMED_MAX) {
        let named = some.iter().map(|case| case.patient).collect();
        match desk.view.rows(named).await {
            Ok(read) => rows.extend(read.into_iter().map(|row| (row.patient, row))),
            Err(error) => {
                tracing::warn!(%error, "values were not read for a handover");
                is_lost = true;
                break;
            }
        }
    }
    for case in cases {
        let row = rows.get(&case.patient).map(Arc::as_ref);
        case.measured(desk, row);
        if is_lost && row.is_none() {
            case.assessment.insert(0, Fact::NoValues);
        }
    }
}

/// What was done since a moment, the oldest first.
#[derive(Default)]
struct Done {
    acts: BTreeMap<PatientId, Vec<Act>>,
    plans: BTreeMap<PatientId, PlanVersion>,
    stood: BTreeMap<PatientId, (Whereabouts, WallMs)>,
}

impl Done {
    /// What people did about a patient, the oldest first.
    fn of(&self, patient: PatientId) -> &[Act] {
        self.acts.get(&patient).map_or(&[], Vec::as_slice)
    }
}

async fn done_since(desk: Desk<'_>, since: WallMs) -> Result<Done, HandoverError> {
    let (record, actor) = (desk.record, desk.actor());
    let last = last_change_by(record, &actor, since).await;
    let mut last = last.map_err(HandoverError::Diary)?;
    let mut done = Done::default();
    for _ in 0..PAGES_MAX {
        let changes = changes_since(record, &actor, last).await;
        let changes = changes.map_err(HandoverError::Diary)?;
        let Some(newest) = changes.last() else {
            break;
        };
        last = newest.id;
        for change in changes {
            match change.what {
                Changed::Act(act) => done.acts.entry(act.patient).or_default().push(act),
                Changed::Plan(plan) => {
                    done.plans.insert(plan.patient, plan.version);
                }
                Changed::Standing(stood) => {
                    let place = (stood.whereabouts, stood.from);
                    done.stood.insert(stood.patient, place);
                }
                _ => {}
            }
        }
    }
    Ok(done)
}
