//! What the record knows of one patient's alerts: open ones, those that ended of late, what was
//! done about each and by whom.

use std::collections::BTreeMap;

use veglia_diary::{
    Act, ActKind, Alert, Callee, LINES_MAX, Line, OpenFlag, PageId, Paged, Told, Written, diary_of,
    open_flags_of,
};
use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_view::{Flag, FlagId, PatientId, Severity, Standing, WallMs, Why};

use crate::desk::{Desk, DoctorError};
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

/// The flags of a patient, in no order.
pub(crate) async fn found(desk: Desk<'_>, patient: PatientId) -> Result<Vec<Found>, DoctorError> {
    let (record, actor) = (desk.record, desk.who.actor());
    let open = open_flags_of(record, &actor, patient).await;
    let stretch = desk.now.plus_ms(-LOOK_BACK_MS)..desk.now.plus_ms(AHEAD_MS);
    let lines = diary_of(record, &actor, patient, stretch, LINES_MAX).await;
    let lines = lines.map_err(DoctorError::Diary)?;
    let mut told = told(&lines);
    let mut found = Vec::new();
    for flag in open.map_err(DoctorError::Diary)? {
        told.remove(&flag.flag.id);
        found.push(of_open(flag));
    }
    found.extend(told.into_values().map(of_told));
    let mine = acts_of(desk, patient).await?;
    for it in &mut found {
        add_story(it, &lines);
        let id = it.flag.id.to_string();
        it.mine = mine.iter().filter(|act| act.flag == id).cloned().collect();
    }
    Ok(found)
}

fn of_open(open: OpenFlag) -> Found {
    Found {
        flag: open.flag,
        raised_at: open.raised_at,
        ended: open.ended,
        is_open: true,
        alert: open.alert,
        acts: Vec::new(),
        unseen: Vec::new(),
        mine: Vec::new(),
    }
}

/// What is not on the list any more is over, or somebody has closed it.
fn of_told(told: Told) -> Found {
    Found {
        flag: told.flag,
        raised_at: told.raised_at,
        ended: told.ended,
        is_open: false,
        alert: None,
        acts: Vec::new(),
        unseen: Vec::new(),
        mine: Vec::new(),
    }
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

/// What the reader answered about a patient, the newest first.
async fn acts_of(desk: Desk<'_>, patient: PatientId) -> Result<Vec<act::Model>, DoctorError> {
    let actor = desk.who.actor();
    let rows = desk.record.read_tx("doctor.acts", &actor, move |tx| {
        Box::pin(async move {
            let by = tx.actor().to_string();
            let rows = act::Entity::find()
                .filter(act::Column::Patient.eq(patient.to_string()))
                .filter(act::Column::Actor.eq(by))
                .order_by_desc(act::Column::Id);
            Ok(rows.all(tx).await?)
        })
    });
    rows.await.map_err(DoctorError::Record)
}
