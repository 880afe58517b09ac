//! Devices given, shared and taken back, measures, answers and corrections in any order: whatever
//! happened, everybody is judged by their own readings, as if these were all that ever was, and
//! what waits can be answered for.

// req: G3

use proptest::prelude::*;
use veglia_diary::{Whose, assignments};
use veglia_triage::{Input, Observation, PatientState, Seen, Source, step as judge};
use veglia_wire::{Contact, Sensor};

use super::*;
use crate::homes::Ticks;

/// Stories tried where nobody asks for more: each has a journal and a diary on a disk.
const CASES: u32 = 12;

/// What happens in a home, or is said of it.
#[derive(Debug, Clone)]
enum Step {
    /// Minutes pass.
    Pass(i64),
    /// One press of a button.
    Spot(i32),
    /// A value every second, for so many.
    Stream(i64, i32),
    /// The clip is off.
    Off,
    /// The device is given to Anna, to Bruno or to both; or taken back.
    Give(u8),
    /// What waits, counted from the newest, is somebody's.
    Answer(usize, u8),
    /// What was measured so many minutes ago, for so long, is somebody's.
    Correct(i64, i64, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let percent = prop_oneof![Just(97), Just(84), Just(83), Just(91)];
    prop_oneof![
        (1..10_i64).prop_map(Step::Pass),
        percent.clone().prop_map(Step::Spot),
        (2..9_i64, percent).prop_map(|(seconds, percent)| Step::Stream(seconds, percent)),
        Just(Step::Off),
        (0..3_u8).prop_map(Step::Give),
        (0..3_usize, 0..3_u8).prop_map(|(which, whose)| Step::Answer(which, whose)),
        (1..30_i64, 1..10_i64, 0..3_u8).prop_map(|(ago, long, who)| Step::Correct(ago, long, who)),
    ]
}

/// Anna, Bruno or nobody.
fn whom(whose: u8) -> Option<PatientId> {
    [Some(ANNA), Some(BRUNO), None][usize::from(whose)]
}

impl Story {
    /// The flags that stand if a patient's own readings are all that ever was.
    fn alone(&self, patient: PatientId, is_theirs: impl Fn(WallMs) -> bool) -> Vec<FlagId> {
        let (rules, mut state) = (RuleSet::shipped(), PatientState::new(patient));
        let mut flags: BTreeMap<FlagId, Told> = BTreeMap::new();
        let mut ticks = Ticks::default();
        let mut take = |input: Input<'_>, now: WallMs| {
            for verdict in judge(&rules, &mut state, input, now) {
                let id = verdict.id().clone();
                let told = Told::after(flags.remove(&id), verdict, now).unwrap();
                flags.insert(id, told);
            }
        };
        for (_, entry) in self.entries() {
            for arrived in fold::arrived(&entry) {
                let at = arrived.time.at();
                let seen = match arrived.record.body {
                    Body::Reading(vital, quality) => Seen::Vital(vital, quality),
                    Body::Contact(sensor, contact) => Seen::Contact(sensor, contact),
                    _ => continue,
                };
                let observation = Observation {
                    id: arrived.id,
                    device: oximeter(),
                    source: Source::Device,
                    at,
                    received: arrived.received,
                    seen,
                };
                if is_theirs(at) {
                    take(Input::Observation(&observation), arrived.received);
                }
            }
            if let Entry::Tick { at } = entry {
                if let Some(since) = ticks.follow(at) {
                    take(Input::Deaf(since), at);
                }
                take(Input::Tick, at);
            }
        }
        standing(&flags)
    }
}

/// A story as it is told.
struct Telling {
    story: Story,
    now: WallMs,
    given: Option<AssignmentId>,
    /// What was judged before a correction is handed on by its evidence alone.
    has_corrections: bool,
}

impl Telling {
    fn pass(&mut self, milliseconds: i64) {
        self.now = self.now.plus_ms(milliseconds);
        self.story.clock.0.store(self.now.0, Ordering::SeqCst);
    }

    fn measure(&mut self, percent: i32) {
        self.pass(1_000);
        let mono = self.now.since(NOON).unsigned_abs();
        let record = saturation(1, mono, Some(self.now), percent);
        self.story.send(vec![record]);
    }

    async fn live(&mut self, step: &Step) {
        match *step {
            Step::Pass(minutes) => self.pass(minutes * MINUTE_MS),
            Step::Spot(percent) => self.measure(percent),
            Step::Stream(seconds, percent) => (0..seconds).for_each(|_| self.measure(percent)),
            Step::Off => {
                self.pass(1_000);
                let mono = self.now.since(NOON).unsigned_abs();
                let said = saturation(1, mono, Some(self.now), 97);
                let off = Body::Contact(Sensor::Oximeter, Contact::Off);
                self.story.send(vec![Record { body: off, ..said }]);
            }
            Step::Give(to) => self.give(to).await,
            Step::Answer(which, whose) => self.answer(which, whose).await,
            Step::Correct(ago, long, whose) if self.has_corrections => {
                let from = self.now.plus_ms(-ago * MINUTE_MS);
                let saying = Saying {
                    device: &oximeter(),
                    measured: from..from.plus_ms(long * MINUTE_MS).min(self.now),
                    patient: whom(whose),
                    seen: AttributionId(i64::MAX),
                };
                let record = &self.story.record;
                let said = correct_whose(record, &ACTOR, saying, "sbaglio", self.now).await;
                said.unwrap();
            }
            Step::Correct(..) => {}
        }
        self.pass(1_000);
        self.story.written().await;
        self.story.tick();
    }

    async fn give(&mut self, to: u8) {
        let (record, now, device) = (&self.story.record, self.now, oximeter());
        if let Some(given) = self.given.take() {
            let ended = end_assignment(record, &ACTOR, given, now, now).await;
            ended.unwrap();
            return;
        }
        let given = match whom(to) {
            Some(patient) => assign_device(record, &ACTOR, &device, patient, now, now).await,
            None => share_device(record, &ACTOR, &device, &[ANNA, BRUNO], now, now).await,
        };
        self.given = Some(given.unwrap());
    }

    /// Of what a page shows: it is never refused because of what was said before.
    async fn answer(&mut self, which: usize, whose: u8) {
        let fold = self.story.folded().await;
        let rows = fold.patients.values();
        let waits = rows.filter_map(|known| known.row.waits.clone());
        let mut waits: Vec<Waits> = waits.collect();
        waits.sort_by_key(|it| std::cmp::Reverse(it.from));
        let Some(waits) = waits.get(which) else {
            return;
        };
        let saying = Saying {
            device: &waits.device,
            measured: waits.from..waits.until.plus_ms(1),
            patient: whom(whose),
            seen: AttributionId::default(),
        };
        let said = answer_whose(&self.story.record, &ACTOR, saying, self.now).await;
        if let Err(error) = said {
            let is_known = matches!(error, veglia_diary::AttributeRefused::Stranger(_));
            assert!(is_known, "{error}");
        }
    }

    async fn holds(mut self, place: usize) -> Result<(), TestCaseError> {
        self.pass(1_000);
        self.story.tick();
        let story = self.story;
        let known = assignments(&story.record, &ACTOR).await.unwrap();
        let whose = |at: WallMs| known.whose(&oximeter(), at);
        let fold = story.folded().await;
        let held = fold.waiting.held_over(self.now.plus_ms(60 * MINUTE_MS));
        let is_theirs = |patient: PatientId, at: WallMs| {
            let mut held = held.iter();
            whose(at) == Whose::Patient(patient)
                || held.any(|it| it.patient == patient && it.measured.contains(&at))
        };
        let meaning = story.watched(None).await;
        for (patient, at) in &meaning.resting {
            if is_stand_in(*patient) {
                prop_assert!(!matches!(whose(*at), Whose::Patient(_)), "{patient} {at}");
            } else {
                prop_assert!(is_theirs(*patient, *at), "{patient} {at}");
            }
        }
        for (patient, row) in meaning.rows.iter().filter(|(who, _)| !is_stand_in(**who)) {
            for latest in &row.latest {
                prop_assert!(is_theirs(*patient, latest.at), "{patient} {latest:?}");
            }
        }
        for waits in meaning.waiting() {
            prop_assert!(waits.readings > 0);
            for at in [waits.from, waits.until] {
                prop_assert!(whose(at).waits(), "{waits:?}");
            }
        }
        for patient in [ANNA, BRUNO].iter().filter(|_| !self.has_corrections) {
            let alone = story.alone(*patient, |at| is_theirs(*patient, at));
            let theirs = meaning.standing.iter().filter(|id| id.patient == *patient);
            prop_assert_eq!(theirs.cloned().collect::<Vec<_>>(), alone);
        }
        let entries = story.entries().len();
        let restarted = story.watched(Some(place % entries)).await;
        prop_assert_eq!(&restarted, &meaning);
        let Story {
            folder,
            record,
            intake,
            ..
        } = story;
        drop(intake);
        for order in [Order::Arrival, Order::Shuffled(3)] {
            let replayed = replay(folder.path(), record.clone(), order, RuleSet::shipped()).await;
            let replayed = replayed.unwrap();
            prop_assert_eq!(&standing(&replayed.told), &meaning.standing);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_red_that_a_late_reading_refutes_stands_in_every_order() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    for (second, percent) in [(60, 97), (62, 84), (184, 97)] {
        let now = NOON.plus_ms(second * 1_000);
        story.clock.0.store(now.0, Ordering::SeqCst);
        let mono = now.since(NOON).unsigned_abs();
        story.send(vec![saturation(1, mono, Some(now), percent)]);
        story.tick();
    }
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [ANNA]);
}

fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let is_asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if is_asked { usual.cases } else { CASES },
        ..usual
    }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn whatever_is_said_everybody_is_judged_by_their_own_readings(
        steps in prop::collection::vec(step(), 1..25),
        place in 0..1_000_usize,
        has_corrections: bool,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut telling = Telling {
                story: Story::new().await,
                now: NOON,
                given: None,
                has_corrections,
            };
            for step in &steps {
                telling.live(step).await;
            }
            telling.holds(place).await
        })?;
    }
}
