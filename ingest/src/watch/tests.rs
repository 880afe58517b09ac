//! The watch with a journal, a diary and a home that can be asked to measure again.

// req: G7

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinHandle;
use veglia_diary::{
    ChangeId, Written, assign_device, changes_since, close, diary_of, end_assignment, open_flags,
};
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Journal, Options, SegmentedLog};
use veglia_link::receiver::fake::FakeGateways;
use veglia_store::Purpose;
use veglia_triage::{RuleSet, Standing};
use veglia_view::Edition;
use veglia_wire::{
    Answered, Body, Boot, CareClock, Clock, ClockState, Command, CommandKind, DeviceId, Epoch,
    FrameHeader, GatewayId, Hello, MonoMs, Outcome, Quality, Record, Sequence, Session, Site,
    State, UpFrame, Vital, VitalKind, When,
};

use super::*;
use crate::figures::Figures;
use crate::repeats::{Asker, Repeats};

mod calls;
mod ladder;
mod probe;
mod unknown;

const NOON: WallMs = WallMs(1_603_188_000_000);
const PATIENT: PatientId = PatientId::new(0xa11ce);
const PATIENCE: Duration = Duration::from_secs(20);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        NOON
    }
}

/// Two minutes later.
struct Handover;

impl Clock for Handover {
    fn now(&self) -> WallMs {
        NOON.plus_ms(120_000)
    }
}

fn device() -> DeviceId {
    DeviceId::new("node:0000000000000001").unwrap()
}

fn gateway() -> GatewayId {
    GatewayId::new("casa-1").unwrap()
}

/// A frame with one saturation, measured now.
fn frame(first: u64, percent: i32) -> Vec<u8> {
    frame_of(&device(), first, percent, NOON)
}

fn frame_of(device: &DeviceId, first: u64, percent: i32, at: WallMs) -> Vec<u8> {
    let vital = Vital::from_steps(VitalKind::SpO2, percent * 10, Site::Unknown).unwrap();
    let frame = UpFrame {
        header: FrameHeader {
            gateway: gateway(),
            epoch: Epoch(7),
            first: Sequence::new(first).unwrap(),
            count: 1,
        },
        sent_at: Some(at),
        clock: ClockState::Synchronised,
        records: vec![Record {
            device: Some(device.clone()),
            when: When {
                boot: Boot(1),
                mono: MonoMs(first),
                wall: Some(at),
                device: None,
            },
            body: Body::Reading(vital, Quality::empty()),
        }],
    };
    frame.encode().unwrap()
}

/// Everything that the watch stands on.
struct House {
    folder: TempDir,
    record: Database,
    journal: SegmentedLog<FaultyFilesystem>,
    gateways: FakeGateways,
}

/// A watch that runs.
struct Watching {
    board: Board,
    written: channel::Sender<Position>,
    stop: CancellationToken,
    tasks: [JoinHandle<()>; 2],
}

impl House {
    /// A patient who wears the device.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let record = record.await.unwrap();
        let since = NOON.plus_ms(-1_000);
        assign_device(&record, &ACTOR, &device(), PATIENT, since, since)
            .await
            .unwrap();
        let changes = changes_since(&record, &ACTOR, ChangeId(0)).await.unwrap();
        let change = Entry::Change {
            at: NOON,
            id: changes.last().unwrap().id.0,
        };
        let fs = FaultyFilesystem::new();
        let small = Options {
            segment_bytes: 400,
            ..Options::default()
        };
        let (mut journal, _) = SegmentedLog::open(fs, Path::new("journal"), small).unwrap();
        journal.append(&[&change.encode()]).unwrap();
        Self {
            folder,
            record,
            journal,
            gateways: FakeGateways::new(),
        }
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Position {
        self.receive_at(bytes, NOON)
    }

    fn receive_at(&mut self, bytes: Vec<u8>, at: WallMs) -> Position {
        self.append(&Entry::Frame { at, skip: 0, bytes })
    }

    fn append(&mut self, entry: &Entry) -> Position {
        self.journal.append(&[&entry.encode()]).unwrap().through()
    }

    /// All that was changed so far.
    async fn change(&self) -> Entry {
        let changes = changes_since(&self.record, &ACTOR, ChangeId(0)).await;
        Entry::Change {
            at: NOON,
            id: changes.unwrap().last().unwrap().id.0,
        }
    }

    /// Closes the only flag on the list.
    async fn close(&self) {
        let open = open_flags(&self.record, &ACTOR).await.unwrap();
        let flag = &open[0].flag;
        let anna = Actor::Staff(1);
        close(&self.record, &anna, &flag.id, flag.telling, "sentita", NOON)
            .await
            .unwrap();
    }

    /// The diary's list, as a ward shows it.
    async fn listed(&self) -> Vec<(FlagId, Standing)> {
        let open = open_flags(&self.record, &ACTOR).await.unwrap();
        let shown = open.into_iter().map(|it| (it.flag.id, it.flag.standing));
        shown.collect()
    }

    /// A watch that knows nothing yet and reads the journal from its beginning.
    async fn watch(&self, life: &str) -> Watching {
        let dir = self.folder.path().join(life);
        std::fs::create_dir(&dir).unwrap();
        let memory = Memory::open(&dir).await.unwrap();
        let remembered = memory.load().await.unwrap();
        let board = Board::new(Edition(1));
        let (repeats, wishes) = Repeats::new(self.asker());
        let watch = Watch::resume(
            self.record.clone(),
            memory,
            board.clone(),
            wishes,
            remembered,
            self.journal.oldest(),
        );
        let watch = watch.await.unwrap();
        let last = Position::new(self.journal.next().get() - 1).unwrap();
        let (written, at_end) = channel::channel(last);
        let figures = Figures::default();
        let journal = Follower::new(
            self.journal.reader(),
            self.journal.oldest(),
            at_end,
            figures,
        );
        let stop = CancellationToken::new();
        let (passed, _) = mpsc::channel(1);
        let (watch_stop, repeats_stop) = (stop.clone(), stop.clone());
        let weak = passed.downgrade();
        let tasks = [
            tokio::spawn(async move { watch.run(journal, weak, watch_stop).await.unwrap() }),
            tokio::spawn(repeats.serve(repeats_stop)),
        ];
        Watching {
            board,
            written,
            stop,
            tasks,
        }
    }

    fn asker(&self) -> Asker {
        Asker {
            commands: self.gateways.commands(),
            record: self.record.clone(),
            care: CareClock::real(Arc::new(Noon)),
        }
    }

    fn connect(&self) {
        let hello = Hello {
            epoch: Epoch(7),
            oldest: None,
            newest: None,
            software: "0.1.0".into(),
            clock: ClockState::Synchronised,
            boot: Boot(1),
            session: Some(Session(5)),
        };
        drop(self.gateways.hello(&gateway(), hello));
    }

    fn answer(&self, command: &Command, outcome: Outcome) {
        let id = command.id;
        let state = State {
            session: command.session,
            software: "0.1.0".into(),
            boot: Boot(1),
            clock: ClockState::Synchronised,
            waiting: 0,
            oldest_ms: None,
            refused: 0,
            last_command: Some(id),
            ports: Vec::new(),
            answers: vec![Answered { id, outcome }],
        };
        drop(self.gateways.state(&gateway(), state));
    }

    async fn notes(&self) -> Vec<String> {
        let ever = WallMs(i64::MIN)..WallMs(i64::MAX);
        let lines = diary_of(&self.record, &ACTOR, PATIENT, ever, 100).await;
        let words = lines
            .unwrap()
            .into_iter()
            .filter_map(|line| match line.what {
                Written::Act(act) => Some(act.words),
                _ => None,
            });
        words.collect()
    }

    async fn commanded(&self) -> Vec<Command> {
        let commanded = tokio::time::timeout(PATIENCE, self.gateways.commanded()).await;
        commanded.expect("the home is asked")
    }
}

impl Watching {
    /// Waits until the board says this of the watch.
    async fn until(&self, what: &str, holds: impl Fn(&Progress) -> bool) {
        let began = Instant::now();
        while !self.board.progress().is_some_and(|it| holds(&it)) {
            assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until everything up to `last` is worked off.
    async fn until_read(&self, last: Position) {
        self.written.send_replace(last);
        let end = last.next().get();
        self.until("all is read", |it| {
            it.position == end && it.waiting_since.is_none()
        })
        .await;
    }

    fn ward(&self) -> Vec<(FlagId, Standing)> {
        let row = self.board.row(PATIENT).unwrap();
        let shown = row.flags.iter();
        let shown = shown.map(|it| (it.flag.id.clone(), it.flag.standing));
        shown.collect()
    }

    async fn stop(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_red_that_waits_for_a_repeat_has_the_home_asked_once_and_the_diary_says_so() {
    let mut house = House::new().await;
    let end = house.receive(frame(1, 90)).next().get();
    house.connect();
    let watching = house.watch("first").await;
    let commanded = house.commanded().await;
    let [command] = &commanded[..] else {
        panic!("{commanded:?}")
    };
    let again = CommandKind::MeasureAgain {
        device: device(),
        vital: VitalKind::SpO2,
    };
    assert_eq!((command.session, &command.kind), (Session(5), &again));
    house.answer(command, Outcome::Done);
    let began = Instant::now();
    while house.notes().await.is_empty() {
        assert!(began.elapsed() < PATIENCE, "the diary says nothing");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let told = ["Richiesta di nuova misura inviata: il dispositivo è stato avvisato."];
    assert_eq!(house.notes().await, told);
    watching.stop().await;

    // Another life reads the same journal: nobody is asked again.
    let watching = house.watch("second").await;
    watching.until("all is read", |it| it.position == end).await;
    let flags = open_flags(&house.record, &ACTOR).await.unwrap();
    let Standing::Unconfirmed { repeat_by } = flags[0].flag.standing else {
        panic!("{flags:?}")
    };
    let wish = Wish {
        flag: flags[0].flag.id.clone(),
        repeat_by,
        vital: VitalKind::SpO2,
        device: device(),
        worn_by: Some(PATIENT),
        gateway: gateway(),
    };
    house.asker().see_to(&wish).await;
    let asked = tokio::time::timeout(Duration::ZERO, house.gateways.commanded());
    assert!(asked.await.is_err(), "asked a second time");
    assert_eq!(house.notes().await, told);
    watching.stop().await;
}

#[tokio::test]
async fn a_value_that_needs_no_repeat_asks_nobody_and_leaves_nothing_waiting() {
    let mut house = House::new().await;
    let end = house.receive(frame(1, 97)).next().get();
    house.connect();
    let watching = house.watch("only").await;
    watching
        .until("all is read", |it| {
            it.position == end && it.waiting_since.is_none()
        })
        .await;
    assert!(house.notes().await.is_empty());
    watching.stop().await;
}

#[tokio::test]
async fn while_the_diary_refuses_the_board_says_since_when_records_wait() {
    let mut house = House::new().await;
    house.receive(frame(1, 90));
    let (held, free) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (holding, until) = (Arc::clone(&held), Arc::clone(&free));
    let record = house.record.clone();
    let holder = tokio::spawn(async move {
        let hold = record.run_tx("test.hold", &ACTOR, move |_| {
            let (holding, until) = (Arc::clone(&holding), Arc::clone(&until));
            Box::pin(async move {
                holding.notify_one();
                until.notified().await;
                Ok(())
            })
        });
        hold.await.unwrap();
    });
    held.notified().await;
    let watching = house.watch("only").await;
    watching
        .until("a record waits", |it| it.waiting_since == Some(NOON))
        .await;
    free.notify_one();
    holder.await.unwrap();
    let end = house.journal.next().get();
    watching
        .until("nothing waits", |it| {
            it.position == end && it.waiting_since.is_none()
        })
        .await;
    // What comes then is worked off as well.
    let last = house.receive(frame(2, 97));
    watching.written.send_replace(last);
    watching
        .until("the next is read", |it| it.position == last.next().get())
        .await;
    watching.stop().await;
}

#[tokio::test]
async fn a_red_closed_before_its_repeat_is_on_the_ward_and_on_the_list_whichever_is_read_first() {
    for is_closing_first in [true, false] {
        let mut house = House::new().await;
        let last = house.receive(frame(1, 90));
        let watching = house.watch("only").await;
        watching.until_read(last).await;
        house.close().await;
        let closing = house.change().await;
        let later = NOON.plus_ms(120_000);
        let mut last = last;
        if is_closing_first {
            last = house.append(&closing);
            watching.until_read(last).await;
            assert!(watching.ward().is_empty());
        }
        let repeat = frame_of(&device(), 2, 90, later);
        last = last.max(house.receive_at(repeat, later));
        watching.until_read(last).await;
        last = house.append(&closing);
        watching.until_read(last).await;
        let listed = house.listed().await;
        assert!(matches!(&listed[..], [(_, standing)] if standing.is_confirmed()));
        assert_eq!(watching.ward(), listed, "closing first: {is_closing_first}");
        watching.stop().await;
    }
}

#[tokio::test]
async fn a_red_raised_and_closed_in_one_batch_is_neither_on_the_ward_nor_on_the_list() {
    let mut house = House::new().await;
    let last = house.receive(frame(1, 90));
    let watching = house.watch("first").await;
    watching.until_read(last).await;
    assert_eq!(watching.ward().len(), 1);
    watching.stop().await;

    house.close().await;
    let closing = house.change().await;
    let last = house.append(&closing);
    let watching = house.watch("second").await;
    watching.until_read(last).await;
    assert!(house.listed().await.is_empty());
    assert!(watching.ward().is_empty());
    watching.stop().await;
}

#[tokio::test]
async fn what_was_planned_before_the_journal_begins_is_known_to_a_watch_that_remembers_nothing() {
    let mut house = House::new().await;
    let tick = Entry::Tick { at: NOON };
    let mut last = house.append(&tick);
    for _ in 0..30 {
        last = house.append(&tick);
    }
    house.journal.remove_before(last).unwrap();
    assert!(house.journal.oldest() > Position::FIRST);
    let last = house.receive(frame(1, 90));
    let watching = house.watch("only").await;
    watching.until_read(last).await;
    assert_eq!(watching.ward().len(), 1);
    assert_eq!(watching.ward(), house.listed().await);
    watching.stop().await;
}

/// The wishes of a fold that reads these entries.
async fn wished(house: &House, entries: &[Entry]) -> Vec<Wish> {
    let fold = Fold::resume(house.record.clone(), RuleSet::shipped(), HashMap::new(), 0).await;
    let (mut fold, mut told) = (fold.unwrap(), Told::default());
    for entry in entries {
        fold.take(entry, &mut told).await.unwrap();
    }
    assert!(!told.verdicts.is_empty(), "a red is raised");
    told.wishes
}

#[tokio::test]
async fn a_device_given_to_another_patient_is_not_asked_to_measure_again() {
    let house = House::new().await;
    let red = |at| Entry::Frame {
        at,
        skip: 0,
        bytes: frame(1, 90),
    };
    let of_one = house.change().await;
    let wishes = wished(&house, &[of_one, red(NOON)]).await;
    let [wish] = &wishes[..] else {
        panic!("{wishes:?}")
    };

    let handed_over = NOON.plus_ms(60_000);
    let assigned = changes_since(&house.record, &ACTOR, ChangeId(0)).await;
    let veglia_diary::Changed::Assigned(assignment) = &assigned.unwrap()[0].what else {
        panic!("the house begins with an assignment")
    };
    let at = handed_over;
    end_assignment(&house.record, &ACTOR, assignment.id, at, at)
        .await
        .unwrap();
    let other = PatientId::new(0xb0b);
    assign_device(
        &house.record,
        &ACTOR,
        &device(),
        other,
        handed_over,
        handed_over,
    )
    .await
    .unwrap();
    // The red of the first patient comes when the second wears the device.
    let of_both = house.change().await;
    let late = red(NOON.plus_ms(120_000));
    assert_eq!(wished(&house, &[of_both, late]).await, []);

    // It came in time, but the device was given away before the home is asked.
    house.connect();
    let asker = Asker {
        care: CareClock::real(Arc::new(Handover)),
        ..house.asker()
    };
    asker.see_to(wish).await;
    let asked = tokio::time::timeout(Duration::ZERO, house.gateways.commanded());
    assert!(asked.await.is_err(), "another patient's device was asked");
    assert!(house.notes().await.is_empty());
}

#[tokio::test]
async fn a_red_that_was_typed_asks_no_device() {
    let house = House::new().await;
    let typed = DeviceId::new("hand:00000000000a11ce").unwrap();
    let since = NOON.plus_ms(-1_000);
    assign_device(&house.record, &ACTOR, &typed, PATIENT, since, since)
        .await
        .unwrap();
    let change = house.change().await;
    let measured = Entry::Frame {
        at: NOON,
        skip: 0,
        bytes: frame(1, 97),
    };
    let at = NOON.plus_ms(60_000);
    let red = Entry::Frame {
        at,
        skip: 0,
        bytes: frame_of(&typed, 2, 90, at),
    };
    assert_eq!(wished(&house, &[change, measured, red]).await, []);
}
