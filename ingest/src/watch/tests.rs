//! The watch with a journal, a diary and a home that can be asked to measure again.

// req: G7

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::{Notify, watch as channel};
use tokio::task::JoinHandle;
use veglia_diary::{ChangeId, Written, assign_device, changes_since, diary_of, open_flags};
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Journal, Options, SegmentedLog};
use veglia_link::receiver::fake::FakeGateways;
use veglia_store::Purpose;
use veglia_triage::Standing;
use veglia_view::Edition;
use veglia_wire::{
    Answered, Body, Boot, CareClock, Clock, ClockState, Command, CommandKind, DeviceId, Epoch,
    FrameHeader, GatewayId, Hello, MonoMs, Outcome, Quality, Record, Sequence, Session, Site,
    State, UpFrame, Vital, VitalKind, When,
};

use super::*;
use crate::figures::Figures;
use crate::repeats::{Asker, Repeats, WISHES_WAITING};

const NOON: WallMs = WallMs(1_603_188_000_000);
const PATIENT: PatientId = PatientId::new(0xa11ce);
const PATIENCE: Duration = Duration::from_secs(20);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        NOON
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
    let vital = Vital::from_steps(VitalKind::SpO2, percent * 10, Site::Unknown).unwrap();
    let frame = UpFrame {
        header: FrameHeader {
            gateway: gateway(),
            epoch: Epoch(7),
            first: Sequence::new(first).unwrap(),
            count: 1,
        },
        sent_at: Some(NOON),
        clock: ClockState::Synchronised,
        records: vec![Record {
            device: Some(device()),
            when: When {
                boot: Boot(1),
                mono: MonoMs(first),
                wall: Some(NOON),
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
        let (mut journal, _) =
            SegmentedLog::open(fs, Path::new("journal"), Options::default()).unwrap();
        journal.append(&[&change.encode()]).unwrap();
        Self {
            folder,
            record,
            journal,
            gateways: FakeGateways::new(),
        }
    }

    fn receive(&mut self, bytes: Vec<u8>) -> Position {
        let entry = Entry::Frame {
            at: NOON,
            skip: 0,
            bytes,
        };
        self.journal.append(&[&entry.encode()]).unwrap().through()
    }

    /// A watch that knows nothing yet and reads the journal from its beginning.
    async fn watch(&self, life: &str) -> Watching {
        let dir = self.folder.path().join(life);
        std::fs::create_dir(&dir).unwrap();
        let memory = Memory::open(&dir).await.unwrap();
        let remembered = memory.load().await.unwrap();
        let board = Board::new(Edition(1));
        let (wishes, wished) = mpsc::channel(WISHES_WAITING);
        let watch = Watch::resume(
            self.record.clone(),
            memory,
            board.clone(),
            wishes,
            remembered,
        );
        let watch = watch.await.unwrap();
        let repeats = Repeats {
            asker: self.asker(),
            wishes: wished,
        };
        let last = Position::new(self.journal.next().get() - 1).unwrap();
        let (written, at_end) = channel::channel(last);
        let figures = Figures::default();
        let journal = Follower::new(self.journal.reader(), Position::FIRST, at_end, figures);
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
