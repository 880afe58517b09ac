//! Whole simulations on real ptys: what the log calls heard is what a gateway hears.
// req: G2

mod support;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use support::{Ear, Written, care, listen, until, values};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_codecs::{Frame, Protocol};
use veglia_firmware_core::{Body, WHO};
use veglia_homes::{
    Entry, Home, Log, Relay, Replay, Rhythm, Scenario, SimulationError, Summary, What,
    decode_counter, run,
};

/// A home for a test: one second of it is a minute of care, and it speaks fifty times a second.
const SPEED: u32 = 60;

const HOME: &str = r#"
title = "Prova"
expect = []
[[device]]
name = "ossimetro"
protocol = "nonin-8"
measures = "oximetry"
[[device]]
name = "nodo"
protocol = "node"
measures = "both"
[[phase]]
minutes = 60
[noise]
spo2 = 0.5
pulse = 3.0
temperature = 0.05
"#;

fn home(events: &[&str]) -> Home {
    let events: String = events
        .iter()
        .map(|event| format!("[[event]]\n{event}\n"))
        .collect();
    let scenario = Scenario::parse("prova", &format!("{HOME}{events}"));
    let scenario = scenario.expect("the events fit the home");
    Home {
        rhythm: Rhythm::hz(50),
        ..Home::living(1, Arc::new(scenario), 11)
    }
}

struct Running {
    log: Written,
    stop: CancellationToken,
    task: JoinHandle<Result<Summary, SimulationError>>,
}

impl Running {
    fn start(homes: Vec<Home>, dir: &Path, speed: u32) -> Self {
        let (log, stop) = (Written::default(), CancellationToken::new());
        let (dir, clock) = (dir.to_owned(), care(speed));
        let (to, token) = (Log::to(log.clone()), stop.clone());
        let task = tokio::spawn(async move { run(homes, &dir, clock, 11, Some(to), token).await });
        Self { log, stop, task }
    }

    async fn stop(self) -> Summary {
        self.stop.cancel();
        let ended = self.task.await.expect("it did not panic");
        ended.expect("it ran to its end")
    }

    fn of(&self, device: &str) -> Vec<Entry> {
        let mut entries = self.log.entries();
        entries.retain(|entry| {
            entry
                .device
                .as_ref()
                .is_some_and(|id| id.as_str() == device)
        });
        entries
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reading_logged_as_heard_is_decoded_equal() {
    let dir = tempfile::tempdir().unwrap();
    let mut events = Vec::new();
    // No noise at first: a Nonin's listener needs two frames in a row to be in step.
    let troubles = [
        ("artefact", "0", "1"),
        ("line-noise", "1", "2"),
        ("silent", "2", "60"),
    ];
    for device in ["ossimetro", "nodo"] {
        for (kind, from, to) in troubles {
            let span = format!("from = {from}\nto = {to}");
            events.push(format!("kind = \"{kind}\"\ndevice = \"{device}\"\n{span}"));
        }
    }
    let home = home(&events.iter().map(String::as_str).collect::<Vec<_>>());
    let ear =
        |device: &veglia_homes::Device| Ear::at(home.port(dir.path(), device), device.protocol);
    let ears: Vec<Ear> = home.devices.iter().map(ear).collect();
    let running = Running::start(vec![home.clone()], dir.path(), SPEED);
    for (device, ear) in home.devices.iter().zip(&ears) {
        until("two minutes of readings were heard", || {
            let mut logged = running.of(device.id.as_str());
            let span_ms = match (logged.first(), logged.last()) {
                (Some(first), Some(last)) => last.care_ms - first.care_ms,
                _ => 0,
            };
            logged.retain(|entry| entry.heard && entry.what == What::Reading);
            let logged: Vec<i32> = logged.iter().flat_map(values).collect();
            span_ms > 110_000 && ear.readings() == logged
        })
        .await;
        let node = ear
            .frames()
            .iter()
            .any(|frame| matches!(frame, Frame::Node(_)));
        assert_eq!(node, device.protocol == Protocol::Node);
    }
    let summary = running.stop().await;
    assert_eq!(summary.devices, 2);
    assert!(summary.spoken > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unplugged_device_hangs_up_and_speaks_again_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let home = home(&["kind = \"unplugged\"\ndevice = \"nodo\"\nfrom = 1\nto = 2"]);
    let device = home.devices[1].clone();
    let ear = Ear::at(home.port(dir.path(), &device), device.protocol);
    let running = Running::start(vec![home.clone()], dir.path(), SPEED);
    let hellos = || {
        let frames = ear.frames();
        frames.iter().filter(|frame| is_hello(frame)).count()
    };
    until("it said hello again", || hellos() >= 2).await;
    assert_eq!(ear.hangups(), 1);
    let happened = |entry: &Entry| {
        Some(entry.what).filter(|what| matches!(what, What::Unplugged | What::Plugged))
    };
    let happened: Vec<What> = running
        .of(device.id.as_str())
        .iter()
        .filter_map(happened)
        .collect();
    assert_eq!(happened, [What::Unplugged, What::Plugged]);
    running.stop().await;
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_listens_to_is_logged_as_unheard() {
    let dir = tempfile::tempdir().unwrap();
    let homes = vec![Home::counting(
        1,
        &[Protocol::Nonin8, Protocol::Node],
        Rhythm::hz(50),
        3,
    )];
    let running = Running::start(homes, dir.path(), 1);
    until("both have counted to ten", || {
        running
            .log
            .entries()
            .iter()
            .filter(|entry| entry.counter == Some(9))
            .count()
            == 2
    })
    .await;
    let log = running.log.clone();
    let summary = running.stop().await;
    assert_eq!(summary.unheard, summary.spoken);
    assert!(log.entries().iter().all(|entry| !entry.heard));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reader_left_unread_is_not_heard_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::counting(1, &[Protocol::Node], Rhythm::hz(50), 3);
    let device = home.devices[0].clone();
    let port = home.port(dir.path(), &device);
    let running = Running::start(vec![home], dir.path(), 1);
    until("the port is there", || port.exists()).await;
    let heard = || {
        running
            .log
            .entries()
            .iter()
            .filter(|entry| entry.heard)
            .count()
    };
    let reader = listen(&port).unwrap();
    let line = std::fs::read_link(&port).unwrap();
    until("five frames lie in the line", || heard() >= 5).await;
    drop(reader);
    until("the line is laid anew", || {
        std::fs::read_link(&port).is_ok_and(|to| to != line)
    })
    .await;
    let unheard = || {
        running
            .log
            .entries()
            .last()
            .is_some_and(|entry| !entry.heard)
    };
    until("it speaks to nobody", unheard).await;

    let ear = Ear::at(port, device.protocol);
    until("somebody listens again", || ear.readings().len() >= 2).await;
    let tenths: Vec<u16> = ear
        .readings()
        .iter()
        .flat_map(|&it| u16::try_from(it))
        .collect();
    let first = decode_counter(device.protocol, tenths[0], tenths[1]).unwrap();
    let before = running
        .log
        .entries()
        .into_iter()
        .rfind(|entry| entry.counter < Some(first));
    assert!(before.is_some_and(|entry| !entry.heard));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_says_who_it_is_whenever_it_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let home = Home::counting(1, &[Protocol::Node], Rhythm::hz(50), 5);
    let port = home.port(dir.path(), &home.devices[0]);
    let ear = Ear::at(port.clone(), Protocol::Node);
    let running = Running::start(vec![home], dir.path(), 1);
    let hellos = || {
        let frames = ear.frames();
        frames.iter().filter(|frame| is_hello(frame)).count()
    };
    until("it said hello to its listener", || hellos() == 1).await;
    // A listener that the device did not see coming: the port was open all the while.
    listen(&port).unwrap().write_all(&[WHO]).unwrap();
    until("it said hello again", || hellos() == 2).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_read_out_once_in_order_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let csv = "minute,SpO2,PULSE,temperature\n\
               0,97.3,71.6,36.64\n1,,72.2,\n2,96.8,0,36.7\n3,,,\n5,91.2,99.9,38.05\n";
    let home = Home::replaying(1, Arc::new(Replay::read(csv).unwrap()), 1);
    let device = home.devices[0].clone();
    let port = home.port(dir.path(), &device);
    let running = Running::start(vec![home], dir.path(), 600);
    // Nobody listens for a while: not a row is lost.
    until("the port is there", || port.exists()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let ear = Ear::at(port, device.protocol);
    let Running { log, task, .. } = running;
    let summary = task.await.unwrap().unwrap();
    let steps = [973, 716, 3664, 722, 968, 3670, 912, 999, 3805];
    assert_eq!(ear.readings(), steps);
    let rows = log.entries();
    let oximetry = rows
        .iter()
        .filter(|entry| entry.celsius_hundredths.is_none());
    assert_eq!(oximetry.count(), 5);
    assert!(
        rows.iter()
            .all(|entry| entry.heard && entry.what == What::Reading)
    );
    let minutes = |pair: &[Entry]| pair[1].care_ms - pair[0].care_ms;
    assert!(rows.windows(2).all(|pair| minutes(pair) >= 0));
    assert_eq!(summary.unheard, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_home_offline_has_its_line_cut_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let (_, relay) = Relay::start("127.0.0.1:9".parse().unwrap()).await.unwrap();
    let offline = home(&["kind = \"offline\"\nfrom = 1\nto = 2"]);
    let homes = vec![Home {
        link: Some(relay.clone()),
        ..offline
    }];
    let running = Running::start(homes, dir.path(), SPEED);
    until("the line is cut", || !relay.is_whole()).await;
    until("the line is mended", || relay.is_whole()).await;
    let log = running.log.clone();
    running.stop().await;
    let of_the_home = |entry: &Entry| entry.device.is_none().then_some(entry.what);
    let happened: Vec<What> = log.entries().iter().filter_map(of_the_home).collect();
    assert_eq!(happened, [What::Offline, What::Online]);
}

#[tokio::test]
async fn two_devices_on_one_port_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let homes = vec![home(&[]), home(&[])];
    let ended = run(
        homes,
        dir.path(),
        care(1),
        1,
        None,
        CancellationToken::new(),
    )
    .await;
    assert!(matches!(ended, Err(SimulationError::Twice(_))));
}

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_ends_the_simulation() {
    let dir = tempfile::tempdir().unwrap();
    let log = Some(Log::to(Full));
    let ended = run(
        vec![home(&[])],
        dir.path(),
        care(1),
        1,
        log,
        CancellationToken::new(),
    )
    .await;
    assert!(matches!(ended, Err(SimulationError::Log(_))));
}

fn is_hello(frame: &Frame) -> bool {
    matches!(frame, Frame::Node(node) if matches!(node.body, Body::Hello { .. }))
}
