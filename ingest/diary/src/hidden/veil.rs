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
        if rows.is_empty() {
            return Ok(Self::default());
        }
        let mut veil = Self {
            author: match tx.actor() {
                Actor::System(_) => None,
                person => Some(person.to_string()),
            },
            entries: rows.iter().filter_map(|row| row.entry_id).collect(),
            periods: rows.iter().filter_map(hiding::Model::period).collect(),
            ..Self::default()
        };
        let named = rows.into_iter().filter_map(|row| row.flag_id);
        veil.find_alerts(tx, patient, named.collect()).await?;
        veil.find_entries(tx, patient).await?;
        Ok(veil)
    }

    /// Whether nothing is hidden.
    pub(crate) fn is_lifted(&self) -> bool {
        self.entries.is_empty() && self.flags.is_empty() && self.periods.is_empty()
    }

    /// The closed alerts of the flags that were named, and those that were open in a hidden
    /// period; with them all their flags.
    async fn find_alerts(
        &mut self,
        tx: &Tx<'_>,
        patient: &str,
        named: Vec<String>,
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
        let of_named = alert_flag::Entity::find()
            .filter(alert_flag::Column::FlagId.is_in(named.iter().cloned()));
        let of_named = of_named.all(tx).await?.into_iter().map(|it| it.alert_id);
        self.alerts
            .extend(of_named.filter(|id| closed.contains_key(id)));
        for (id, (opened, ended)) in &closed {
            let overlaps = |period: &Range<i64>| *opened < period.end && *ended >= period.start;
            if self.periods.iter().any(overlaps) {
                self.alerts.insert(*id);
            }
        }
        let members = alert_flag::Entity::find()
            .filter(alert_flag::Column::AlertId.is_in(self.alerts.iter().copied()));
        let flags: BTreeSet<String> = members
            .all(tx)
            .await?
            .into_iter()
            .map(|it| it.flag_id)
            .collect();
        let everywhere = alert_flag::Entity::find()
            .filter(alert_flag::Column::FlagId.is_in(flags.iter().cloned()));
        let mut shown = BTreeSet::new();
        let mut until: BTreeMap<String, i64> = BTreeMap::new();
        for member in everywhere.all(tx).await? {
            match closed.get(&member.alert_id) {
                Some((_, ended)) if self.alerts.contains(&member.alert_id) => {
                    let last = until.entry(member.flag_id).or_insert(*ended);
                    *last = (*last).max(*ended);
                }
                _ => {
                    shown.insert(member.flag_id);
                }
            }
        }
        for flag in flags.into_iter().chain(named) {
            let last = match shown.contains(&flag) {
                true => until.get(&flag).copied().unwrap_or(i64::MIN),
                false => i64::MAX,
            };
            if let Slot::Vacant(slot) = self.flags.entry(flag) {
                slot.insert(last);
            }
        }
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
