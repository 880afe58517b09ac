//! Readings that are no patient's yet: nobody has their device, or a household shares it.
//!
//! They are in the series whatever happens here. For the rules they wait, in **sessions**
//! (`waiting/session.rs`): what one person may have measured. No session reaches over a moment at
//! which the device was given or taken back, or an edge of what was said of its readings: so a
//! session can be answered for as a whole. Each has a patient who stands in for whoever measured
//! ([`veglia_view::stand_in`]), and the rules judge it as of them: a red calls people while nobody
//! knows whose it is. When somebody says whose it is, or the device is assigned, the readings reach
//! the rules of that patient and the stand-in is let go. What has its patient is kept here for as
//! long as what waits: an answer may be corrected.
//!
//! **An answer in mid-measure** names a patient while the measure goes on: what follows in the same
//! session is **held** for that patient, by whose rules it is judged, and calls nobody anew. When
//! the session is over the watch writes the same word of the rest ([`Waiting::held_over`]), so that
//! the diary says it of every reading. It is held as long as the part before it is that patient's.
//! That nobody measured holds for what was seen, and no longer.
//!
//! Limits: [`WAIT_MS`], [`READINGS_MAX`] and [`SESSIONS_MAX`] of a device (the newest, and what is
//! red before what is not), [`NOBODYS_MAX`] devices that nobody has, [`SUM_MAX`] readings. What is
//! older than that is seen in the curves of whoever it is attributed to, and no rule judges it
//! again. Only what has a time waits: without one nobody can say whose it is. A session is named by
//! the reading that began it, so these readings are taken in the order of their arrival, also by a
//! replay that shuffles the others.

mod saved;
mod session;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use veglia_diary::{Attributed, Course, Stretch, Whose};
use veglia_triage::PatientId;
use veglia_view::{Latest, Waits, stand_in};
use veglia_wire::{DeviceId, RecordId, WallMs};

use crate::fold::Arrived;
pub(crate) use saved::Saved;
use session::{Session, is_let_go, is_measure};

/// How long a reading waits, in care milliseconds: as long as the rules remember, so that a
/// weekend's answers on Monday morning still find most of their places.
pub(crate) const WAIT_MS: i64 = 48 * 60 * 60 * 1000;

/// Readings of one device that wait at most: half an hour of a stream, weeks of spot measurements.
const READINGS_MAX: usize = 2_048;

/// Readings of all devices that wait at most: some tens of megabytes, here and where they are
/// remembered. Above it the device that has most loses its oldest.
const SUM_MAX: usize = 100_000;

/// Sessions of one device that wait at most, and as many that are held: a day of a couple who
/// measure every hour and a half. Of a device that has more the oldest wait no longer; what is held
/// stays until its word is written.
const SESSIONS_MAX: usize = 32;

/// Devices that nobody has whose readings wait at most. In a centre nearly every device that speaks
/// is assigned; this bounds a drawer of forgotten ones. What a household shares is somebody's, and
/// always finds room.
pub(crate) const NOBODYS_MAX: usize = 500;

/// What waits, by device.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    by_device: HashMap<DeviceId, Kept>,
    /// Those who stand in for what waits no longer.
    over: Vec<PatientId>,
    /// Readings of all devices.
    sum: usize,
    /// Devices of which not all is remembered beside.
    unsaved: HashSet<DeviceId>,
}

#[derive(Debug, Default)]
struct Kept {
    /// By time of measuring.
    readings: BTreeMap<(WallMs, RecordId), Arrived>,
    /// That still wait, in the order in which they began to.
    sessions: Vec<Session>,
    /// No reading of it came before.
    since: Option<WallMs>,
    /// Until when the second measurement is waited for that its home was asked for last.
    asked_until: Option<WallMs>,
}

/// By whose rules a reading that waits is judged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Keeper {
    /// By those of somebody who stands in; what waits with it, and its values.
    StandIn(PatientId, Waits, Vec<Latest>),
    /// By those of the patient who was said to measure, a moment before.
    Held(PatientId),
}

/// What follows an answer in the same measure, and is over: the same word is to be written of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) device: DeviceId,
    /// Its end is not in it.
    pub(crate) measured: Range<WallMs>,
    pub(crate) patient: PatientId,
}

/// What a change of who has a device means to what waits of it.
#[derive(Debug, Default)]
pub(crate) struct Moved {
    /// Those who stood in for somebody who is known now.
    pub(crate) over: Vec<PatientId>,
    /// Readings that are to be taken again, in the order of measuring.
    pub(crate) readings: Vec<Arrived>,
    /// What was held for a patient until now.
    pub(crate) held: Vec<Stretch>,
}

impl Waiting {
    /// A reading waits: by whose rules it is judged. None when its time is not known, or when it
    /// belongs to nothing that was measured. `known` is the last change taken up, so that a session
    /// that is taken apart and waits again has another who stands in; `around` is the time in which
    /// nothing changes about its device; `is_red` says of whom people are called.
    pub(crate) fn keep(
        &mut self,
        arrived: &Arrived,
        known: i64,
        around: &Range<WallMs>,
        is_red: impl Fn(PatientId) -> bool,
    ) -> Option<Keeper> {
        let device = arrived.record.device.as_ref()?;
        if !arrived.time.is_known() {
            return None;
        }
        let at = arrived.time.at();
        self.put(device, arrived.clone());
        self.unsaved.insert(device.clone());
        let kept = self.by_device.get_mut(device)?;
        let sessions = kept.sessions.iter().enumerate().filter(|(_, session)| {
            around.contains(&session.waits.from) && session.takes(&arrived.record, at)
        });
        let nearest = sessions.min_by_key(|(_, session)| session.distance_ms(at));
        let nearest = nearest.map(|(place, _)| place);
        let place = match nearest {
            Some(place) => place,
            None if is_measure(&arrived.record) => {
                self.over.extend(kept.make_room(is_red));
                let waits = Waits {
                    device: device.clone(),
                    from: at,
                    until: at,
                    readings: 0,
                    since: arrived.received,
                };
                let who = stand_in(number(device, at, arrived.id, known));
                kept.sessions.push(Session::begin(who, waits));
                kept.sessions.len() - 1
            }
            None => return None,
        };
        let session = kept.sessions.get_mut(place)?;
        session.take(arrived);
        let keeper = match session.held_by {
            Some(patient) => Keeper::Held(patient),
            None => Keeper::StandIn(
                session.stand_in,
                session.waits.clone(),
                session.measured.clone(),
            ),
        };
        if is_let_go(&arrived.record) {
            self.let_go(device, at);
        }
        Some(keeper)
    }

    /// A device was let go of, or cannot be heard any more: what follows may be another person's.
    pub(crate) fn let_go(&mut self, device: &DeviceId, at: WallMs) {
        if let Some(kept) = self.by_device.get_mut(device) {
            kept.sessions.iter_mut().for_each(|it| it.part(at));
            self.unsaved.insert(device.clone());
        }
    }

    /// Devices of which something is kept.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &DeviceId> {
        self.by_device.keys()
    }

    /// Whether something of a device is kept.
    pub(crate) fn knows(&self, device: &DeviceId) -> bool {
        self.by_device.contains_key(device)
    }

    /// Whether whoever measures with a device now is believed to be a patient, by an answer in the
    /// same measure.
    pub(crate) fn is_held(&self, device: &DeviceId, patient: PatientId, now: WallMs) -> bool {
        let kept = self.by_device.get(device).into_iter();
        let mut sessions = kept.flat_map(|kept| &kept.sessions);
        sessions.any(|it| it.held_by == Some(patient) && it.is_on(now))
    }

    /// The home of a device is asked for a second measurement; whether it was not asked yet. The
    /// second is somebody else's, as far as can be told, and would otherwise ask for a third.
    pub(crate) fn ask(&mut self, device: &DeviceId, now: WallMs, by: WallMs) -> bool {
        let Some(kept) = self.by_device.get_mut(device) else {
            return false;
        };
        let is_new = kept.asked_until.is_none_or(|until| until <= now);
        if is_new {
            kept.asked_until = Some(by);
        }
        is_new
    }

    fn put(&mut self, device: &DeviceId, arrived: Arrived) {
        let kept = self.by_device.entry(device.clone()).or_default();
        let received = arrived.received;
        kept.since = Some(kept.since.map_or(received, |since| since.min(received)));
        let key = (arrived.time.at(), arrived.id);
        self.sum += usize::from(kept.readings.insert(key, arrived).is_none());
        if kept.readings.len() > READINGS_MAX {
            kept.readings.pop_first();
            self.sum -= 1;
        }
        if self.sum > SUM_MAX {
            let all = self.by_device.iter_mut();
            let fullest = all.max_by_key(|(device, kept)| (kept.readings.len(), *device));
            if let Some((device, kept)) = fullest {
                kept.readings.pop_first();
                self.sum -= 1;
                self.unsaved.insert(device.clone());
            }
        }
    }

    /// Who has a device is another: sessions of which somebody is known now are over, and what is
    /// another's than before is to be taken again. Of what follows an answer in the same session
    /// the answer is believed.
    pub(crate) fn reconsider(
        &mut self,
        (device, answer): (&DeviceId, Option<&Attributed>),
        before: &Course,
        after: &Course,
        now: WallMs,
    ) -> Moved {
        let mut moved = Moved::default();
        let Some(kept) = self.by_device.get_mut(device) else {
            return moved;
        };
        self.unsaved.insert(device.clone());
        let Kept {
            readings, sessions, ..
        } = kept;
        let is_over = |session: &mut Session| {
            // Its readings may have been pushed out by later ones.
            let ends = [session.waits.from, session.waits.until];
            let its = readings.keys().map(|(at, _)| *at);
            let mut its = its.filter(|at| session.spans(*at)).chain(ends);
            // What is held is of whoever measured up to its beginning.
            let before = after.whose(session.waits.from.plus_ms(-1));
            let is_anothers = |patient| before != Whose::Patient(patient);
            session.held_by.is_some_and(is_anothers) || !its.all(|at| after.whose(at).waits())
        };
        let apart: Vec<Session> = sessions.extract_if(.., is_over).collect();
        for session in &apart {
            let held = sessions.iter().filter(|it| it.held_by.is_some()).count();
            let rest = answer.and_then(|answer| rest(session, answer, after, now));
            let rest = rest.filter(|_| held < SESSIONS_MAX);
            let end = session.waits.until.plus_ms(1);
            match session.held_by {
                None => moved.over.push(session.stand_in),
                Some(patient) => moved.held.push(Stretch {
                    whose: Whose::Patient(patient),
                    from: session.waits.from,
                    until: Some(rest.as_ref().map_or(end, |rest| rest.waits.from)),
                }),
            }
            sessions.extend(rest);
        }
        let is_kept = |arrived: &Arrived| now.since(arrived.received) <= WAIT_MS;
        for ((at, _), arrived) in readings.iter().filter(|(_, it)| is_kept(it)) {
            let (was, is) = (before.whose(*at), after.whose(*at));
            let its = apart.iter().find(|session| session.spans(*at));
            let held_by = its.and_then(|session| session.held_by);
            let is_to_be_taken = match is {
                Whose::Patient(patient) => was != is && held_by != Some(patient),
                Whose::Somebodys | Whose::Nobodys => its.is_some() || !was.waits(),
                Whose::Dismissed => false,
            };
            if is_to_be_taken {
                moved.readings.push(arrived.clone());
            }
        }
        moved
    }

    /// What was held for a patient, and goes on no longer.
    pub(crate) fn held_over(&self, now: WallMs) -> Vec<Held> {
        let all = self.by_device.values().flat_map(|kept| &kept.sessions);
        let over = all.filter(|it| it.is_quiet(now) && it.waits.readings > 0);
        let held = over.filter_map(|session| {
            Some(Held {
                device: session.waits.device.clone(),
                measured: session.waits.from..session.waits.until.plus_ms(1),
                patient: session.held_by?,
            })
        });
        held.collect()
    }

    /// Those who stand in for what found no room any more.
    pub(crate) fn evicted(&mut self) -> Vec<PatientId> {
        std::mem::take(&mut self.over)
    }

    /// Those who stand in for what waits no longer by now. What nothing will be said of any more
    /// is forgotten here, at each tick of the journal: a replay forgets the same.
    pub(crate) fn over(&mut self, now: WallMs) -> Vec<PatientId> {
        let is_over = |session: &Session| {
            let is_empty = session.held_by.is_some() && session.waits.readings == 0;
            now.since(session.heard) > WAIT_MS || is_empty && session.is_quiet(now)
        };
        for (device, kept) in &mut self.by_device {
            if kept.sessions.iter().any(is_over) {
                let gone = kept.sessions.extract_if(.., |it| is_over(it));
                let gone = gone.filter(|session| session.held_by.is_none());
                self.over.extend(gone.map(|session| session.stand_in));
                self.unsaved.insert(device.clone());
            }
        }
        self.tidy(now);
        self.evicted()
    }

    /// Forgets readings that nothing will be said of any more.
    fn tidy(&mut self, now: WallMs) {
        let Self {
            by_device,
            sum,
            unsaved,
            ..
        } = self;
        by_device.retain(|device, kept| {
            let is_over = |received: WallMs| now.since(received) > WAIT_MS;
            if kept.since.is_some_and(is_over) {
                let before = kept.readings.len();
                kept.readings.retain(|_, it| !is_over(it.received));
                kept.since = kept.readings.values().map(|it| it.received).min();
                *sum -= before - kept.readings.len();
                unsaved.insert(device.clone());
            }
            !kept.readings.is_empty() || !kept.sessions.is_empty()
        });
    }
}

impl Kept {
    /// Of too many sessions that wait one does so no longer: the oldest that is not red, or the
    /// oldest. Returns who stood in.
    fn make_room(&mut self, is_red: impl Fn(PatientId) -> bool) -> Option<PatientId> {
        let sessions = self.sessions.iter().enumerate();
        let waiting: Vec<(usize, PatientId)> = sessions
            .filter(|(_, session)| session.held_by.is_none())
            .map(|(place, session)| (place, session.stand_in))
            .collect();
        if waiting.len() < SESSIONS_MAX {
            return None;
        }
        let calm = waiting.iter().find(|(_, stand_in)| !is_red(*stand_in));
        let (place, stand_in) = *calm.or(waiting.first())?;
        self.sessions.remove(place);
        Some(stand_in)
    }
}

/// What goes on of a session after the part that was answered for.
fn rest(session: &Session, answer: &Attributed, after: &Course, now: WallMs) -> Option<Session> {
    let patient = answer.patient?;
    if session.held_by.is_some_and(|held_by| held_by != patient) {
        return None;
    }
    let is_of_it = session.waits.from < answer.until && answer.from <= session.waits.from;
    let goes_on = answer.until <= session.waits.until || session.is_on(now);
    let is_unknown = after.whose(answer.until).waits();
    (is_of_it && goes_on && is_unknown).then(|| session.rest(patient, answer.until))
}

/// A number for a session that no other has: the first 64 bits that FNV-1a makes of what it is
/// named by.
fn number(device: &DeviceId, at: WallMs, id: RecordId, known: i64) -> u64 {
    let named = format!("{device} {at} {id} {known}");
    named.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
