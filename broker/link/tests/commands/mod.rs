//! Commands to a gateway and what it says of itself: with a broker that loses and doubles, and
//! through the real front door, where nobody but a service may command.

// req: G5

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::broker::{Broker, Fate, PASSWORD};
use crate::support::ingest::Manner;
use crate::support::{Receiving, Sending, emptied, gateway, readings, until};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use veglia_broker::{Config, FrontDoor, Rumqttd};
use veglia_identity::{Grant, Grants, IdentityFile, Partitions};
use veglia_journal::fake::FaultyFilesystem;
use veglia_link::{CommandError, Commands, Control, Outbox, OutboxOptions, Report};
use veglia_wire::{
    Answered, Channel, ClockState, Command, CommandId, CommandKind, GatewayId, Outcome, Partition,
    PortReport, PortState, Session, State, Topic,
};

/// Long enough for any answer that comes.
const PATIENCE: Duration = Duration::from_secs(20);

fn outbox() -> Outbox {
    let fs = FaultyFilesystem::new();
    Outbox::open_on(fs, Path::new("outbox"), OutboxOptions::default()).unwrap()
}

/// A box that does what it is told, and remembers what that was.
struct Obedient {
    control: Control,
    done: Arc<Mutex<Vec<Command>>>,
    ports: Arc<Mutex<Vec<PortReport>>>,
    changed: watch::Sender<u64>,
    turns: watch::Receiver<u64>,
}

impl Obedient {
    fn new() -> Self {
        let (to, mut commands) = mpsc::channel::<Command>(8);
        let (changed, seen) = watch::channel(0);
        let (turned, turns) = watch::channel(0);
        let answers = Arc::new(Mutex::new(Vec::<(Session, Answered)>::new()));
        let done = Arc::new(Mutex::new(Vec::new()));
        let ports = Arc::new(Mutex::new(Vec::new()));
        let (said, shown, told) = (answers.clone(), ports.clone(), changed.clone());
        let doing = done.clone();
        tokio::spawn(async move {
            while let Some(command) = commands.recv().await {
                let (id, outcome) = (command.id, Outcome::Done);
                answers
                    .lock()
                    .unwrap()
                    .push((command.session, Answered { id, outcome }));
                doing.lock().unwrap().push(command);
                told.send_modify(|count| *count += 1);
            }
        });
        let control = Control {
            commands: to,
            report: Arc::new(move || Report {
                ports: shown.lock().unwrap().clone(),
                answers: said.lock().unwrap().clone(),
            }),
            changed: seen,
            reconnect_cap: watch::channel(None).1,
            turned: Arc::new(move || turned.send_modify(|count| *count += 1)),
        };
        Self {
            control,
            done,
            ports,
            changed,
            turns,
        }
    }
}

fn topic(channel: Channel) -> String {
    let gateway = gateway();
    let topic = Topic {
        partition: Partition::of(&gateway),
        gateway,
        channel,
    };
    topic.to_string()
}

async fn state_where(receiving: &mut Receiving, holds: impl Fn(&State) -> bool) -> State {
    let seen = until(&mut receiving.seen, "a state", |seen| {
        seen.states.last().is_some_and(&holds)
    })
    .await;
    seen.states[seen.states.len() - 1].clone()
}

#[tokio::test]
async fn a_gateway_says_how_it_is_at_the_beginning_and_when_something_changes() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let (outbox, told) = (outbox(), Obedient::new());
    let Obedient {
        control,
        ports,
        changed,
        ..
    } = told;
    let sending = Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, control);
    let first = state_where(&mut receiving, |_| true).await;
    let hello = receiving.seen.borrow().hellos[0].clone();
    assert_eq!(hello.session, Some(first.session));
    assert_eq!((first.software.as_str(), first.waiting), ("0.1.0", 0));
    assert_eq!(first.ports, []);

    let port = PortReport {
        name: "/dev/ttyUSB0".to_owned(),
        device: None,
        state: PortState::Absent,
        last_frame_ms: None,
        battery: None,
        fault: None,
    };
    ports.lock().unwrap().push(port.clone());
    changed.send_modify(|count| *count += 1);
    let next = state_where(&mut receiving, |state| !state.ports.is_empty()).await;
    assert_eq!(next.ports, [port]);
    sending.stop().await.unwrap();
}

#[tokio::test]
async fn a_sender_that_has_nothing_to_do_comes_round_all_the_same() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let (outbox, told) = (outbox(), Obedient::new());
    let mut turns = told.turns;
    let control = told.control;
    let sending = Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, control);
    state_where(&mut receiving, |_| true).await;
    for _ in 0..2 {
        let so_far = *turns.borrow_and_update();
        until(&mut turns, "another turn", |it| *it > so_far).await;
    }
    sending.stop().await.unwrap();
}

#[tokio::test]
async fn a_box_whose_clock_is_not_the_centres_says_that_it_does_not_know_the_time() {
    const AHEAD_MS: i64 = 6 * 3_600_000;
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let (outbox, told) = (outbox(), Obedient::new());
    let control = told.control;
    let mut sending = Sending::start_ahead(&broker, &outbox, control, AHEAD_MS);
    let first = state_where(&mut receiving, |_| true).await;
    assert_eq!(first.clock, ClockState::Synchronised);
    for number in 1..=4 {
        outbox.append(readings(number..=number)).await.unwrap();
        emptied(&outbox).await;
    }
    state_where(&mut receiving, |it| it.clock == ClockState::Unknown).await;
    let status = &mut sending.status;
    until(status, "it", |it| it.clock_ahead_ms == Some(AHEAD_MS)).await;
    sending.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_does_not_wait_behind_the_frames_of_a_backlog() {
    let broker = Broker::start().await;
    let outbox = outbox();
    for first in (1..=10_000).step_by(1000) {
        outbox.append(readings(first..=first + 999)).await.unwrap();
    }
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let control = Obedient::new().control;
    let _sending = Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, control);
    let first = until(&mut receiving.seen, "a state", |seen| {
        !seen.states.is_empty()
    })
    .await;
    // Not more has been acknowledged before it than one window of frames.
    assert!(first.states[0].waiting >= 10_000 - 32 * 128);
    emptied(&outbox).await;
}

#[tokio::test]
async fn a_command_is_done_once_and_answered_though_everything_comes_twice() {
    let broker = Broker::start().await;
    broker.fault(|_| Fate::Doubled);
    let commands = Commands::default();
    let mut receiving =
        Receiving::commanding(broker.address, PASSWORD, Manner::Proper, commands.clone());
    receiving.connected().await;
    let (outbox, told) = (outbox(), Obedient::new());
    let Obedient { control, done, .. } = told;
    let mut sending =
        Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, control);
    state_where(&mut receiving, |_| true).await;
    for _ in 0..3 {
        let outcome = commands.send(&gateway(), CommandKind::Ping, PATIENCE).await;
        assert_eq!(outcome, Ok(Outcome::Done));
    }
    until(&mut sending.status, "the repetitions", |status| {
        status.commands_ignored == 3
    })
    .await;
    let ids: Vec<u64> = done.lock().unwrap().iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [1, 2, 3]);
}

#[tokio::test]
async fn a_command_of_an_old_session_is_ignored_and_counted() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let outbox = outbox();
    let start = || {
        let told = Obedient::new();
        let sending =
            Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, told.control);
        (sending, told.done)
    };
    let (sending, _) = start();
    let old = state_where(&mut receiving, |_| true).await.session;
    sending.stop().await.unwrap();

    let (mut sending, done) = start();
    let now = state_where(&mut receiving, |state| state.session != old).await;
    let command = |session| {
        let command = Command {
            session,
            id: CommandId(9),
            kind: CommandKind::Ping,
        };
        broker.inject(topic(Channel::Cmd), command.encode());
    };
    command(old);
    broker.inject(topic(Channel::Cmd), b"nonsense".to_vec());
    until(&mut sending.status, "the two that do not count", |status| {
        status.commands_ignored == 2
    })
    .await;
    command(now.session);
    state_where(&mut receiving, |state| {
        state.last_command == Some(CommandId(9)) && state.answers.len() == 1
    })
    .await;
    assert_eq!(done.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn whoever_commands_a_connection_that_ends_is_told_so() {
    let broker = Broker::start().await;
    let commands = Commands::default();
    let mut receiving =
        Receiving::commanding(broker.address, PASSWORD, Manner::Proper, commands.clone());
    receiving.connected().await;
    let answer = commands.send(&gateway(), CommandKind::Ping, PATIENCE).await;
    assert_eq!(answer, Err(CommandError::NoSession));

    let (outbox, first) = (outbox(), Obedient::new());
    let sending =
        Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, first.control);
    let old = state_where(&mut receiving, |_| true).await.session;
    sending.stop().await.unwrap();
    // Nobody says that it has gone: the command waits until somebody else is there.
    let asking = commands.clone();
    let waiting =
        tokio::spawn(async move { asking.send(&gateway(), CommandKind::Ping, PATIENCE).await });
    let second = Obedient::new();
    let _sending =
        Sending::start_controlled(broker.address, gateway(), PASSWORD, &outbox, second.control);
    state_where(&mut receiving, |state| state.session != old).await;
    let answer = waiting.await.unwrap();
    assert!(
        matches!(answer, Err(CommandError::Gone) | Ok(Outcome::Done)),
        "{answer:?}"
    );
    assert!(second.done.lock().unwrap().len() <= 1);
}

/// The real front door with rumqttd behind it.
struct Door {
    address: SocketAddr,
    file: IdentityFile,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Door {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("identities.toml");
        let file = IdentityFile::new(&path);
        file.create_if_missing().unwrap();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            identities: path,
            ..Config::default()
        };
        let listener = veglia_broker::listen(&config).await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = FrontDoor::new(config, Box::new(Rumqttd)).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(door.serve(listener, stop.clone()));
        Self {
            address,
            file,
            stop,
            _folder: folder,
        }
    }

    fn gateway(&self, name: &GatewayId) -> String {
        let partition = Partition::of(name).number();
        let secret = self.file.add_gateway(name.as_str(), partition).unwrap();
        secret.reveal().to_owned()
    }

    fn service(&self, name: &str) -> String {
        let grants = Grants {
            partitions: Partitions::All,
            may: BTreeSet::from([Grant::Receive]),
        };
        let secret = self.file.add_service(name, &grants).unwrap();
        secret.reveal().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_front_door_only_a_service_commands() {
    let door = Door::open().await;
    let other = GatewayId::new("home-2").unwrap();
    let (own, foreign) = (door.gateway(&gateway()), door.gateway(&other));
    let service = door.service("ingest");
    // The door looks at its file once a second; whoever knocks before is let in a moment later.
    let commands = Commands::default();
    let mut receiving =
        Receiving::commanding(door.address, &service, Manner::Proper, commands.clone());
    receiving.connected().await;
    let (outbox, told) = (outbox(), Obedient::new());
    let Obedient { control, done, .. } = told;
    let mut sending = Sending::start_controlled(door.address, gateway(), &own, &outbox, control);
    let session = state_where(&mut receiving, |_| true).await.session;
    let outcome = commands.send(&gateway(), CommandKind::Ping, PATIENCE).await;
    assert_eq!(outcome, Ok(Outcome::Done));

    // An enrolled gateway that knows the session, and the gateway itself, are thrown out when
    // they publish a command, and it reaches nobody.
    let command = Command {
        session,
        id: CommandId(100),
        kind: CommandKind::Ping,
    };
    let payload = command.encode();
    let thrown_out = publish(door.address, other.as_str(), &foreign, &payload).await;
    assert!(thrown_out, "another gateway may command");
    let outcome = commands.send(&gateway(), CommandKind::Ping, PATIENCE).await;
    assert_eq!(outcome, Ok(Outcome::Done));
    let ids: Vec<u64> = done.lock().unwrap().iter().map(|it| it.id.0).collect();
    assert_eq!(ids, [1, 2]);
    sending.connected().await;
    let thrown_out = publish(door.address, gateway().as_str(), &own, &payload).await;
    assert!(thrown_out, "a gateway may command itself");
    assert_eq!(done.lock().unwrap().len(), 2);
    door.stop.cancel();
}

/// Connects, publishes on the gateway's `cmd`, and answers whether that ended the connection.
async fn publish(door: SocketAddr, name: &str, secret: &str, payload: &[u8]) -> bool {
    use rumqttc::{Event, MqttOptions, Packet, QoS};

    let mut options = MqttOptions::new(name, door.ip().to_string(), door.port());
    options.set_credentials(name, secret);
    let (client, mut events) = rumqttc::AsyncClient::new(options, 4);
    let publish = client.publish(topic(Channel::Cmd), QoS::AtLeastOnce, false, payload);
    publish.await.unwrap();
    let ended = async {
        let mut was_let_in = false;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::ConnAck(_))) => was_let_in = true,
                Ok(Event::Incoming(Packet::PubAck(_))) => return false,
                Err(_) if was_let_in => return true,
                // The door has not read of this identity yet.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Ok(_) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.unwrap()
}
