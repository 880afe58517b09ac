//! What the record knows of patients' alerts: open ones, those that ended of late, what was done
//! about each and by whom.
//!
//! Of fifteen hundred patients the flags are read with a few statements; the story, which asks the
//! diary of each patient, only of those that a page shows.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use veglia_diary::{
    Act, ActKind, Alert, Callee, LINES_MAX, Line, PageId, Paged, Told, Written, diary_of,
    flags_among,
};
use veglia_view::{Flag, FlagId, PatientId, Severity, Standing, WallMs, Why};

use crate::desk::{Desk, DoctorError};
use crate::once::answered;
use crate::rows::act;

/// How far back alerts are looked for that are over: a doctor back from a week away sees them.
pub(crate) const LOOK_BACK_MS: i64 = 8 * 86_400_000;

/// How far ahead: what a clock that runs ahead wrote is shown too.
const AHEAD_MS: i64 = 86_400_000;

/// One flag with its story.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) flag: Flag,
    pub(crate) raised_at: WallMs,
    pub(crate) ended: Option<(Why, WallMs)>,
    /// Whether it still asks for somebody.
    pub(crate) is_open: bool,
    /// Its alert, while that is open.
    pub(crate) alert: Option<Alert>,
    /// What people did about it, the newest first.
    pub(crate) acts: Vec<Act>,
    /// Calls to the family doctor about it that nobody is known to have seen.
    pub(crate) unseen: Vec<PageId>,
    /// What the reader answered, the newest first.
    pub(crate) mine: Vec<act::Model>,
}

impl Found {
    /// Whether the reader has answered to what it says now.
    pub(crate) fn is_seen(&self) -> bool {
        let telling = i64::from(self.flag.telling);
        self.mine.iter().any(|it| it.telling >= telling)
    }

    /// Whether it belongs on the reader's list: it is open, or it passed unseen and was no error.
    pub(crate) fn is_listed(&self) -> bool {
        if self.is_open {
            return true;
        }
        let was_real = matches!(self.flag.standing, Standing::Confirmed { .. })
            && !matches!(
                self.ended,
                Some((
                    Why::ExplainedByLateData | Why::NotTheirs | Why::NotConfirmed,
                    _
                ))
            );
        was_real && self.flag.severity > Severity::Technical && !self.is_seen()
    }
}

/// The flags of these patients that may stand on a list, without their stories, in no order.
pub(crate) async fn among(
    desk: Desk<'_>,
    patients: &[PatientId],
) -> Result<Vec<Found>, DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let since = desk.now.plus_ms(-LOOK_BACK_MS);
    let raised = flags_among(record, &actor, patients, since).await;
    let raised = raised.map_err(DoctorError::Diary)?;
    let theirs: BTreeSet<PatientId> = raised.iter().map(|it| it.flag.flag.id.patient).collect();
    let theirs: Vec<PatientId> = theirs.into_iter().collect();
    let mut mine: HashMap<String, Vec<act::Model>> = HashMap::new();
    for act in answered(desk, &theirs).await? {
        mine.entry(act.flag.clone()).or_default().push(act);
    }
    let found = raised.into_iter().map(|it| Found {
        mine: mine
            .remove(&it.flag.flag.id.to_string())
            .unwrap_or_default(),
        flag: it.flag.flag,
        raised_at: it.flag.raised_at,
        ended: it.flag.ended,
        is_open: it.is_listed,
        alert: it.flag.alert.filter(|_| it.is_listed),
        acts: Vec::new(),
        unseen: Vec::new(),
    });
    Ok(found.collect())
}

/// The flags of a patient with their stories, in no order.
pub(crate) async fn found(desk: Desk<'_>, patient: PatientId) -> Result<Vec<Found>, DoctorError> {
    let mut found = among(desk, &[patient]).await?;
    add_stories(desk, found.iter_mut()).await?;
    Ok(found)
}

/// What was done about each, and which calls wait; the diary of a patient is read once.
pub(crate) async fn add_stories(
    desk: Desk<'_>,
    found: impl Iterator<Item = &mut Found>,
) -> Result<(), DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let mut diaries: HashMap<PatientId, Vec<Line>> = HashMap::new();
    for it in found {
        let patient = it.flag.id.patient;
        let lines = match diaries.entry(patient) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                let stretch = desk.now.plus_ms(-LOOK_BACK_MS)..desk.now.plus_ms(AHEAD_MS);
                let lines = diary_of(record, &actor, patient, stretch, LINES_MAX).await;
                vacant.insert(lines.map_err(DoctorError::Diary)?)
            }
        };
        add_story(it, lines);
    }
    Ok(())
}

/// The flags that were raised in these lines, which stand newest first.
pub(crate) fn told(lines: &[Line]) -> BTreeMap<FlagId, Told> {
    let mut all: BTreeMap<FlagId, Told> = BTreeMap::new();
    let said = lines.iter().rev().filter_map(|line| match &line.what {
        Written::Said(verdict) => Some((verdict, line.at)),
        _ => None,
    });
    let mut verdicts: Vec<_> = said.collect();
    // Of one moment the order is that of the tellings.
    verdicts.sort_by_key(|(verdict, at)| (*at, verdict.telling()));
    for (verdict, at) in verdicts {
        let known = all.remove(verdict.id());
        if let Some(told) = Told::after(known, verdict.clone(), at) {
            all.insert(verdict.id().clone(), told);
        }
    }
    all
}

fn add_story(found: &mut Found, lines: &[Line]) {
    let id = &found.flag.id;
    let is_about =
        |flag: &FlagId| flag == id || found.alert.as_ref().is_some_and(|alert| alert.covers(flag));
    let waits = |paged: &Paged| {
        paged.page.callee == Callee::Mmg && paged.seen.is_none() && is_about(&paged.page.flag)
    };
    // A call about no alert is of all that was open then.
    let concerns = |act: &Act| match &act.flag {
        Some(flag) => is_about(flag),
        None => matches!(act.kind, ActKind::Called(..)) && act.at >= found.raised_at,
    };
    let mut acts = Vec::new();
    let mut unseen = Vec::new();
    for line in lines {
        match &line.what {
            Written::Act(act) if concerns(act) => acts.push(act.clone()),
            Written::Paged(paged) if waits(paged) => unseen.push(paged.page.id),
            _ => {}
        }
    }
    found.acts = acts;
    found.unseen = unseen;
}
