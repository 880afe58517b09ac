//! Everybody on the ward and their places, in memory. No clock, no I/O: the hub feeds it.
//!
//! A hundred thousand patients are each measured once a second, so what is done for every reading
//! is only to find the place ([`crate::rank`]); sentences are made for those whom a page shows.

mod places;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::civil::Date;
use veglia_people::place::Place;
use veglia_view::{Delta, PatientId, Plan, Row, Severity, VitalKind, WallMs};
use veglia_words::{Each, Words};

use crate::book::{Enrolled, News};
use crate::care::Care;
use crate::filter::{Beyond, Filter};
use crate::line::{About, Beside, COLUMNS, Lane, Line, line, unnamed};
use crate::rank::{Rank, fold};
use crate::spark::Spark;

/// Lines of one leaf; whoever needs somebody comes first. A leaf of this length is still scrolled;
/// beyond it people filter, search, or turn over.
pub const LINES_MAX: usize = 100;

/// Patients placed in one go: some milliseconds, in which no page is made.
const PLACED_IN_A_GO: usize = 4_096;

/// Names looked up again in one go; all of a large ward within some minutes.
const NAMES_IN_A_GO: usize = 1_000;

/// What is known of one patient; the row comes from ingest, the rest from the record, and either
/// may be first.
#[derive(Debug, Default)]
struct Patient {
    row: Option<Arc<Row>>,
    name: Option<String>,
    /// As ranks have it; of somebody without a name only while placed.
    folded: Option<Arc<str>>,
    doctor: Option<(i64, Arc<str>)>,
    place: Option<Place>,
    /// On file, and released by the centre: it is followed only while an alarm is open.
    is_released: bool,
    plan: Option<Plan>,
    /// Open alerts only.
    alerts: Vec<Care>,
    /// Whether the record was asked for the name, known or not.
    asked: bool,
    placed: Option<Placed>,
}

#[derive(Debug)]
struct Placed {
    rank: Rank,
    /// What stands in [`Desk::until`].
    until: Option<WallMs>,
}

/// What filters look at besides the rank.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    holders: Vec<String>,
    doctor: Option<i64>,
    place: Option<Place>,
    /// As [`Ranked`](crate::rank::Ranked) has it.
    waits: Option<Severity>,
}

/// Who stands where.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    patients: HashMap<PatientId, Patient>,
    ranked: BTreeMap<Rank, Facts>,
    /// Patients who will stand elsewhere by themselves, by that moment or later.
    until: BTreeSet<(WallMs, PatientId)>,
    dirty: HashSet<PatientId>,
    /// Patients whose line may read differently since somebody last asked.
    touched: HashSet<PatientId>,
    /// Patients of whom nobody asked the record yet.
    strangers: HashSet<PatientId>,
    /// Patients whose names are to be looked up again.
    again: VecDeque<PatientId>,
    /// The day in Rome of the last look: sentences name the day of what was not today.
    today: Option<Date>,
    count: [usize; 3],
    /// Family doctors of anybody here, by name.
    doctors: BTreeMap<Arc<str>, i64>,
    /// Where anybody here lives.
    places: BTreeSet<Place>,
    sparks: HashMap<(PatientId, VitalKind), Each<Arc<Spark>>>,
    last_heard: Option<WallMs>,
    /// Counts changes of any place.
    pub(crate) generation: u64,
}

/// Who is seen through a filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// From the top.
    pub(crate) top: Vec<PatientId>,
    /// By lane: how many there are, with those on other leaves.
    pub(crate) count: [usize; 3],
    /// Red and amber alarms that nobody has and that are not among the top.
    pub(crate) outside: (usize, usize),
}

impl Sight {
    /// Leaves of the whole list.
    pub(crate) fn leaves(&self) -> usize {
        let all: usize = self.count.iter().sum();
        all.div_ceil(LINES_MAX).max(1)
    }
}

impl Desk {
    /// Takes in what ingest says has changed.
    pub(crate) fn absorb(&mut self, delta: Delta) {
        if delta.afresh {
            let all: Vec<PatientId> = self.patients.keys().copied().collect();
            all.into_iter().for_each(|patient| self.forget(patient));
        }
        let departed = delta.departed.into_iter();
        departed.for_each(|patient| self.forget(patient));
        for row in delta.rows {
            let patient = self.patients.entry(row.patient).or_default();
            if !patient.asked {
                self.strangers.insert(row.patient);
            }
            self.dirty.insert(row.patient);
            patient.row = Some(row);
        }
    }

    /// Patients whose names the record is to be asked for now.
    pub(crate) fn take_unasked(&mut self) -> Vec<PatientId> {
        let mut asked: Vec<PatientId> = self.strangers.drain().collect();
        let room = NAMES_IN_A_GO.saturating_sub(asked.len());
        let again = self.again.len().min(room);
        asked.extend(self.again.drain(..again));
        asked
    }

    /// Names may have been registered or corrected since: all are to be asked for again, as soon
    /// as the last round is over.
    pub(crate) fn ask_names_again(&mut self) {
        if self.again.is_empty() {
            let here = self.patients.iter().filter(|(_, it)| it.row.is_some());
            self.again = here.map(|(patient, _)| *patient).collect();
        }
    }

    /// Takes in what is on file of those asked for.
    pub(crate) fn enrol(&mut self, asked: &[PatientId], roll: HashMap<PatientId, Enrolled>) {
        for patient in asked {
            if let Some(known) = self.patients.get_mut(patient) {
                known.asked = true;
            }
        }
        for (patient, enrolled) in roll {
            let Enrolled {
                name,
                doctor,
                place,
                is_followed,
            } = enrolled;
            let Some(known) = self.patients.get_mut(&patient) else {
                continue;
            };
            let doctor = doctor.map(|(id, name)| (id, Arc::from(name)));
            let is_known = known.name.as_ref() == Some(&name)
                && known.doctor == doctor
                && known.place == place
                && known.is_released != is_followed;
            if is_known {
                continue;
            }
            if let Some((id, name)) = &doctor {
                self.doctors.insert(Arc::clone(name), *id);
            }
            known.folded = Some(fold(&name).into());
            known.name = Some(name);
            self.places.extend(place.clone());
            known.doctor = doctor;
            known.place = place;
            known.is_released = !is_followed;
            self.dirty.insert(patient);
        }
    }

    /// Nobody answered for these: they are asked for again.
    pub(crate) fn not_answered(&mut self, asked: Vec<PatientId>) {
        self.strangers.extend(asked);
    }

    /// Takes in what was written in the diary.
    pub(crate) fn learn(&mut self, news: News) {
        match news {
            News::Plan(plan) => {
                let patient = plan.patient;
                self.dirty.insert(patient);
                self.patients.entry(patient).or_default().plan = Some(plan);
            }
            News::Alert(care) => {
                let patient = care.alert.patient;
                self.dirty.insert(patient);
                let alerts = &mut self.patients.entry(patient).or_default().alerts;
                alerts.retain(|known| known.alert.id != care.alert.id);
                if care.alert.closed.is_none() {
                    alerts.push(*care);
                }
            }
        }
    }

    /// Takes in a drawing.
    pub(crate) fn show(&mut self, patient: PatientId, vital: VitalKind, spark: Each<Arc<Spark>>) {
        self.touched.insert(patient);
        self.sparks.insert((patient, vital), spark);
    }

    /// Forgets drawings of whoever is not among these.
    pub(crate) fn keep_sparks(&mut self, of: &HashSet<PatientId>) {
        self.sparks.retain(|(patient, _), _| of.contains(patient));
    }

    /// Those whose lines may read differently since the last time.
    pub(crate) fn take_touched(&mut self) -> HashSet<PatientId> {
        std::mem::take(&mut self.touched)
    }

    /// Who is seen through a filter.
    pub(crate) fn sight(&self, filter: &Filter) -> Sight {
        if !filter.is_list() {
            return self.sight_of(filter.patient());
        }
        let skipped = filter.leaf * LINES_MAX;
        let mut sight = Sight::default();
        if filter.leaves_nobody_out() {
            let top = self.ranked.keys().skip(skipped).take(LINES_MAX);
            sight.top = top.map(|rank| rank.patient).collect();
            sight.count = self.count;
        } else {
            let seen = self.ranked.iter().filter(|(rank, facts)| {
                let beyond = Beyond {
                    holders: &facts.holders,
                    doctor: facts.doctor,
                    place: facts.place.as_ref(),
                };
                filter.shows(rank, &beyond)
            });
            for (place, (rank, _)) in seen.enumerate() {
                if (skipped..skipped + LINES_MAX).contains(&place) {
                    sight.top.push(rank.patient);
                }
                if let Some(count) = sight.count.get_mut(place_of(rank.lane)) {
                    *count += 1;
                }
            }
        }
        let top: HashSet<PatientId> = sight.top.iter().copied().collect();
        for (severity, _) in self.waiting().filter(|(_, it)| !top.contains(it)) {
            match severity {
                Severity::Red => sight.outside.0 += 1,
                Severity::Amber | Severity::Technical => sight.outside.1 += 1,
            }
        }
        sight
    }

    /// What a page that is no list sees: one patient at most, and it is not looked for among the
    /// others.
    fn sight_of(&self, patient: Option<PatientId>) -> Sight {
        let mut sight = Sight::default();
        let known = patient.and_then(|patient| self.patients.get(&patient));
        if let Some(placed) = known.and_then(|known| known.placed.as_ref()) {
            sight.top.push(placed.rank.patient);
            if let Some(count) = sight.count.get_mut(place_of(placed.rank.lane)) {
                *count += 1;
            }
        }
        sight
    }

    /// Those with a clinical alarm under way that nobody has, and the gravest of these.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = (Severity, PatientId)> {
        // Who waits has something unattended, and these stand first.
        let alarmed = self.ranked.iter().take_while(|(rank, _)| {
            rank.lane == Lane::Clinical && rank.unattended.0 > Some(Severity::Technical)
        });
        alarmed.filter_map(|(rank, facts)| Some((facts.waits?, rank.patient)))
    }

    /// Whether ingest tells of somebody.
    pub(crate) fn is_here(&self, patient: PatientId) -> bool {
        self.patients
            .get(&patient)
            .is_some_and(|known| known.row.is_some())
    }

    /// Those in these lanes, from the top.
    pub(crate) fn top_of<'a>(&'a self, lanes: &'a [Lane]) -> impl Iterator<Item = PatientId> + 'a {
        let here = |rank: &&Rank| lanes.contains(&rank.lane);
        self.ranked.keys().filter(here).map(|rank| rank.patient)
    }

    /// By lane: how many there are.
    pub(crate) fn count(&self) -> [usize; 3] {
        self.count
    }

    /// When the latest of everybody's readings was measured.
    pub(crate) fn last_heard(&self) -> Option<WallMs> {
        self.last_heard
    }

    /// Family doctors of anybody here, by name.
    pub(crate) fn doctors(&self) -> Vec<(i64, Arc<str>)> {
        let doctors = self.doctors.iter();
        doctors.map(|(name, id)| (*id, Arc::clone(name))).collect()
    }

    /// Where anybody here lives, by name.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.places.iter().cloned().collect()
    }

    /// What somebody is called; empty for nobody.
    pub(crate) fn name(&self, patient: PatientId, w: Words) -> String {
        self.patients
            .get(&patient)
            .map_or_else(String::new, |known| {
                let stranger = || known.row.as_ref().map(|row| unnamed(w, row));
                known.name.clone().or_else(stranger).unwrap_or_default()
            })
    }

    /// The plan in force of somebody, and whether a vital sign of theirs was ever measured.
    pub(crate) fn measured(
        &self,
        patient: PatientId,
        vital: VitalKind,
        now: WallMs,
    ) -> Option<Option<&Plan>> {
        let known = self.patients.get(&patient)?;
        known.row.as_ref()?.latest(vital)?;
        Some(known.plan.as_ref().filter(|plan| is_in_force(plan, now)))
    }

    /// The line of somebody as it reads now; none for whoever is not here.
    pub(crate) fn line(&self, patient: PatientId, now: WallMs, w: Words) -> Option<Line> {
        let known = self.patients.get(&patient)?;
        let beside = Beside {
            doctor: known.doctor.as_ref().map(|(_, name)| &**name),
            place: known.place.as_ref(),
            sparks: COLUMNS.map(|vital| self.sparks.get(&(patient, vital))),
        };
        Some(line(w, &known.about(now)?, &beside, now))
    }
}

impl Patient {
    fn about(&self, now: WallMs) -> Option<About<'_>> {
        Some(About {
            row: self.row.as_deref()?,
            name: self.name.as_deref(),
            plan: self.plan.as_ref().filter(|plan| is_in_force(plan, now)),
            alerts: &self.alerts,
        })
    }
}

/// Whether a plan asks for anything now.
pub(crate) fn is_in_force(plan: &Plan, now: WallMs) -> bool {
    plan.from <= now && plan.until.is_none_or(|until| now < until)
}

/// The place of a lane among three.
pub(crate) fn place_of(lane: Lane) -> usize {
    match lane {
        Lane::Clinical => 0,
        Lane::Technical => 1,
        Lane::Calm => 2,
    }
}
