//! What one reader does not see of one patient's diary, worked out of the hidings in force.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use veglia_store::sea_orm::QueryOrder;
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::{Actor, Tx, TxError};
use veglia_triage::FlagId;

use super::in_force;
use crate::acts::{self, ActKind};
use crate::alerts::NAMES_PER_QUERY;
use crate::rows::{alert, alert_flag, entry, flag_event, hiding, page, standing};

impl hiding::Model {
    pub(crate) fn period(&self) -> Option<Range<i64>> {
        Some(self.from_ms?..self.until_ms?)
    }
}

/// How what triage says at the end of an episode is stored.
const ENDED: &str = "ended";

/// A flag of which something is hidden.
#[derive(Debug)]
struct HiddenFlag {
    /// When it was hidden last.
    at_ms: i64,
    /// Until when what is hidden of it goes on.
    until_ms: i64,
    /// It has an alert that is not hidden.
    has_another: bool,
    /// It asked for people again after it was hidden.
    is_anew: bool,
}

impl Default for HiddenFlag {
    fn default() -> Self {
        Self {
            at_ms: i64::MIN,
            until_ms: i64::MIN,
            has_another: false,
            is_anew: false,
        }
    }
}

impl HiddenFlag {
    fn join(&mut self, at_ms: i64, until_ms: i64) {
        self.at_ms = self.at_ms.max(at_ms);
        self.until_ms = self.until_ms.max(until_ms);
    }

    /// The end of time, unless something of it is to be seen.
    fn until(&self) -> i64 {
        match (self.has_another, self.is_anew) {
            (true, _) => self.until_ms,
            (false, true) => self.at_ms,
            (false, false) => i64::MAX,
        }
    }
}

/// What is hidden of one patient, from one reader.
#[derive(Debug, Default)]
pub(crate) struct Veil {
    /// Who reads, when it is a person: what they wrote themselves they go on reading.
    author: Option<String>,
    entries: BTreeSet<i64>,
    alerts: BTreeSet<i64>,
    /// Until which moment the flag is hidden: the end of time, unless it is open anew since.
    flags: BTreeMap<String, i64>,
    periods: Vec<Range<i64>>,
}

impl Veil {
    /// Nothing is hidden: for the patient alone.
    pub(crate) fn lifted() -> Self {
        Self::default()
    }

    /// The veil before whoever has the transaction.
    pub(crate) async fn of(tx: &Tx<'_>, patient: &str) -> Result<Self, TxError> {
        let rows = in_force(tx, patient).await?;
        let author = match tx.actor() {
            Actor::System(_) => None,
            person => Some(person.to_string()),
        };
        Self::made_of(tx, patient, &rows, author).await
    }

    /// The veil that some hidings make; before everybody when there is no author.
    pub(super) async fn made_of(
        tx: &Tx<'_>,
        patient: &str,
        rows: &[hiding::Model],
        author: Option<String>,
    ) -> Result<Self, TxError> {
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let mut veil = Self {
            author,
            entries: rows.iter().filter_map(|row| row.entry_id).collect(),
            periods: rows.iter().filter_map(hiding::Model::period).collect(),
            ..Self::default()
        };
        veil.find_alerts(tx, patient, rows).await?;
        veil.find_entries(tx, patient).await?;
        Ok(veil)
    }

    /// Whether nothing is hidden.
    pub(crate) fn is_lifted(&self) -> bool {
        self.entries.is_empty() && self.flags.is_empty() && self.periods.is_empty()
    }

    /// The alerts of the flags that were named, and those that were open in a hidden period, as far
    /// as they were closed when they were hidden: what rings anew afterwards was never meant.
    async fn find_alerts(
        &mut self,
        tx: &Tx<'_>,
        patient: &str,
        rows: &[hiding::Model],
    ) -> Result<(), TxError> {
        let closed = alert::Entity::find()
            .filter(alert::Column::Patient.eq(patient))
            .filter(alert::Column::ClosedAtMs.is_not_null());
        let closed: BTreeMap<i64, (i64, i64)> = closed
            .all(tx)
            .await?
            .into_iter()
            .filter_map(|row| Some((row.id, (row.opened_at_ms, row.closed_at_ms?))))
            .collect();
        let named = rows.iter().filter_map(|row| row.flag_id.clone());
        let of_named = alert_flag::Entity::find().filter(alert_flag::Column::FlagId.is_in(named));
        let of_named: Vec<(i64, String)> = of_named
            .all(tx)
            .await?
            .into_iter()
            .map(|it| (it.alert_id, it.flag_id))
            .collect();
        // Each with the moment at which it was hidden.
        let mut hidden: BTreeMap<i64, i64> = BTreeMap::new();
        for (id, (opened, ended)) in &closed {
            let is_meant = |row: &&hiding::Model| {
                let is_named = of_named
                    .iter()
                    .any(|(of, flag)| of == id && Some(flag) == row.flag_id.as_ref());
                let overlaps = row
                    .period()
                    .is_some_and(|period| *opened < period.end && *ended >= period.start);
                *ended <= row.at_ms && (is_named || overlaps)
            };
            if let Some(at) = rows.iter().filter(is_meant).map(|row| row.at_ms).max() {
                hidden.insert(*id, at);
            }
        }
        self.alerts.extend(hidden.keys());
        let members = alert_flag::Entity::find()
            .filter(alert_flag::Column::AlertId.is_in(hidden.keys().copied()));
        let mut flags: BTreeMap<String, HiddenFlag> = BTreeMap::new();
        for member in members.all(tx).await? {
            let at = hidden.get(&member.alert_id);
            let ended = closed.get(&member.alert_id).map(|(_, ended)| *ended);
            if let Some((at, ended)) = at.zip(ended) {
                flags.entry(member.flag_id).or_default().join(*at, ended);
            }
        }
        for row in rows {
            if let Some(flag) = &row.flag_id {
                let known = flags.entry(flag.clone()).or_default();
                known.join(row.at_ms, row.at_ms);
            }
        }
        self.find_flags(tx, flags).await
    }

    /// Until when each flag is hidden.
    async fn find_flags(
        &mut self,
        tx: &Tx<'_>,
        mut flags: BTreeMap<String, HiddenFlag>,
    ) -> Result<(), TxError> {
        let names = || flags.keys().cloned();
        let told = flag_event::Entity::find()
            .filter(flag_event::Column::FlagId.is_in(names()))
            .filter(flag_event::Column::What.ne(ENDED));
        let everywhere =
            alert_flag::Entity::find().filter(alert_flag::Column::FlagId.is_in(names()));
        let (told, everywhere) = (told.all(tx).await?, everywhere.all(tx).await?);
        for event in told {
            if let Some(flag) = flags.get_mut(&event.flag_id)
                && event.told_at_ms > flag.at_ms
            {
                flag.is_anew = true;
            }
        }
        for member in everywhere {
            if let Some(flag) = flags.get_mut(&member.flag_id)
                && !self.alerts.contains(&member.alert_id)
            {
                flag.has_another = true;
            }
        }
        self.flags = flags
            .into_iter()
            .map(|(id, flag)| (id, flag.until()))
            .collect();
        Ok(())
    }

    /// What was written in hidden periods, and the corrections of all that is hidden.
    async fn find_entries(&mut self, tx: &Tx<'_>, patient: &str) -> Result<(), TxError> {
        let theirs = || entry::Entity::find().filter(entry::Column::Patient.eq(patient));
        for period in &self.periods {
            let rows = theirs()
                .filter(entry::Column::AtMs.gte(period.start))
                .filter(entry::Column::AtMs.lt(period.end));
            let rows = rows.all(tx).await?;
            self.entries.extend(rows.into_iter().map(|row| row.id));
        }
        let corrections = theirs()
            .filter(entry::Column::Kind.eq(acts::CORRECTED))
            .order_by_asc(entry::Column::Id);
        // A correction is written after what it corrects: one pass finds corrections of them too.
        for row in corrections.all(tx).await? {
            let kind = acts::kind(&row).map_err(TxError::refuse)?;
            if let ActKind::Corrected(wrong) = kind
                && self.entries.contains(&wrong.0)
            {
                self.entries.insert(row.id);
            }
        }
        Ok(())
    }

    fn hides_moment(&self, at_ms: i64) -> bool {
        self.periods.iter().any(|period| period.contains(&at_ms))
    }

    /// The flags of which something is hidden here and nothing there.
    pub(super) fn flags_beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let all = self.flags.iter();
        all.filter(|(id, until)| other.flags.get(*id).is_none_or(|known| known < *until))
            .map(|(id, _)| id)
    }

    /// Whether an act is hidden from whoever reads.
    pub(crate) fn hides_entry(&self, row: &entry::Model) -> bool {
        if self.author.as_ref() == Some(&row.actor) {
            return false;
        }
        let of_hidden = |flag: &String| {
            let until = self.flags.get(flag);
            until.is_some_and(|until| row.at_ms <= *until)
        };
        self.entries.contains(&row.id) || row.flag_id.as_ref().is_some_and(of_hidden)
    }

    /// Whether what triage said is hidden.
    pub(crate) fn hides_telling(&self, row: &flag_event::Model) -> bool {
        let until = self.flags.get(&row.flag_id);
        until.is_some_and(|until| row.told_at_ms <= *until) || self.hides_moment(row.told_at_ms)
    }

    /// Whether a flag is hidden for good: nothing about it may be known or done.
    pub(crate) fn hides_flag(&self, flag: &str) -> bool {
        self.flags.get(flag) == Some(&i64::MAX)
    }

    /// Whether an alert is hidden.
    pub(crate) fn hides_alert(&self, id: i64) -> bool {
        self.alerts.contains(&id)
    }

    /// Whether a call to somebody is hidden.
    pub(crate) fn hides_page(&self, row: &page::Model) -> bool {
        self.hides_alert(row.alert_id) || self.hides_moment(row.at_ms)
    }

    /// Whether a stay is hidden; never the one that holds now, the newest.
    pub(crate) fn hides_standing(&self, row: &standing::Model, newest: i64) -> bool {
        row.number != newest
            && (self.hides_moment(row.from_ms) || self.hides_moment(row.created_at_ms))
    }
}

/// The veils of several patients before one reader.
#[derive(Debug, Default)]
pub(crate) struct Veils(BTreeMap<String, Veil>);

impl Veils {
    /// The veils of many patients, of whom few had anything hidden: those alone cost more than the
    /// look into an index.
    pub(crate) async fn before(tx: &Tx<'_>, patients: &[String]) -> Result<Self, TxError> {
        let mut veils = BTreeMap::new();
        for some in patients.chunks(NAMES_PER_QUERY) {
            let of = hiding::Column::Patient.is_in(some.iter().cloned());
            for row in hiding::Entity::find().filter(of).all(tx).await? {
                if let Slot::Vacant(new) = veils.entry(row.patient) {
                    let veil = Veil::of(tx, new.key()).await?;
                    new.insert(veil);
                }
            }
        }
        Ok(Self(veils))
    }

    /// Whether a flag is hidden for good.
    pub(crate) fn hides_flag(&self, flag: &FlagId) -> bool {
        let veil = self.0.get(&flag.patient.to_string());
        veil.is_some_and(|veil| veil.hides_flag(&flag.to_string()))
    }

    /// Whether a stay is hidden.
    pub(crate) fn hides_standing(&self, row: &standing::Model, newest: i64) -> bool {
        let veil = self.0.get(&row.patient);
        veil.is_some_and(|veil| veil.hides_standing(row, newest))
    }

    /// The veil of a patient before a follower; lifted for the machine, whose work goes on behind
    /// it and shows nobody anything.
    pub(crate) async fn of(&mut self, tx: &Tx<'_>, patient: &str) -> Result<&Veil, TxError> {
        match self.0.entry(patient.to_owned()) {
            Slot::Occupied(known) => Ok(known.into_mut()),
            Slot::Vacant(new) => {
                let veil = match tx.actor() {
                    Actor::System(_) => Veil::lifted(),
                    _ => Veil::of(tx, patient).await?,
                };
                Ok(new.insert(veil))
            }
        }
    }
}
