//! What attacks make the door hold, measured on a door in a process of its own.
//!
//! The resident memory of that process is read before and during each attack. Every bound is the
//! sum of the limits that the attack runs into, and twice that for what an allocator keeps.
// req: G5

use std::env;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_broker::{FrontDoor, Limits, Rumqttd};

use crate::client::{Client, PATIENCE};
use crate::crowd::enter;
use crate::grounds::{Grounds, addresses, config, listen};
use crate::honest::Honest;
use crate::house::unbridled;
use crate::pki::Centre;

/// Tells the child where its files are; nobody else sets it.
const FOLDER: &str = "VEGLIA_TEST_DOOR";

/// Tells the child to hold to the limits that are shipped.
const SHIPPED_LIMITS: &str = "VEGLIA_TEST_SHIPPED_LIMITS";

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// What a door in a child process runs. Without its folder it is nobody's child and does nothing.
#[tokio::test]
async fn the_door_of_a_child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let limits = match env::var_os(SHIPPED_LIMITS) {
        Some(_) => Limits::default(),
        None => unbridled(),
    };
    let config = config(&folder, limits);
    let listeners = listen(&config).await;
    let (plain, tls) = addresses(&listeners);
    let door = FrontDoor::new(config, Box::new(Rumqttd)).unwrap();
    let (new, place) = (folder.join("addresses.new"), folder.join("addresses"));
    fs::write(&new, format!("{plain}\n{tls}\n")).unwrap();
    fs::rename(new, place).unwrap();
    door.serve(listeners, CancellationToken::new())
        .await
        .unwrap();
}

struct Measured {
    grounds: Grounds,
    child: Child,
}

impl Measured {
    async fn start() -> Self {
        Self::start_on(Grounds::new(Centre::new("centro-di-prova"))).await
    }

    async fn start_on(grounds: Grounds) -> Self {
        Self::run(Command::new(env::current_exe().unwrap()), grounds).await
    }

    async fn start_with_shipped_limits() -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(SHIPPED_LIMITS, "");
        Self::run(command, Grounds::new(Centre::new("centro-di-prova"))).await
    }

    async fn run(mut command: Command, mut grounds: Grounds) -> Self {
        let child = command
            .args(["--exact", "memory::the_door_of_a_child", "--nocapture"])
            .env(FOLDER, grounds.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let place = grounds.folder.path().join("addresses");
        let there = timeout(PATIENCE, read_when_there(&place)).await;
        let text = there.expect("the child opens its door");
        let all: Vec<SocketAddr> = text.lines().map(|it| it.parse().unwrap()).collect();
        (grounds.plain, grounds.address) = (all[0], all[1]);
        Self { grounds, child }
    }

    fn resident_bytes(&self) -> u64 {
        let id = self.child.id().expect("the child runs");
        let text = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = text.lines().find_map(|it| it.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().trim_end_matches(" kB");
        KIB * kib.parse::<u64>().unwrap()
    }

    /// The most that is resident within a while, above `before`.
    async fn growth_since(&self, before: u64) -> u64 {
        let mut most = 0;
        for _ in 0..50 {
            most = most.max(self.resident_bytes());
            sleep(Duration::from_millis(20)).await;
        }
        most.saturating_sub(before)
    }
}

async fn read_when_there(path: &Path) -> String {
    loop {
        if let Ok(text) = fs::read_to_string(path) {
            return text;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn is_bounded(what: &str, growth: u64, most: u64) {
    println!("memory: {what}: {} KiB of {} KiB", growth / KIB, most / KIB);
    assert!(growth <= most, "{what}: {growth} of {most} bytes");
}

#[tokio::test]
async fn silent_sockets_and_half_handshakes_hold_what_the_limits_say() {
    let door = Measured::start().await;
    let honest = Honest::start(&door.grounds).await;
    let limits = Limits::default();
    let before = door.resident_bytes();

    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(Client::from_elsewhere(&door.grounds).await);
    }
    honest.is_served().await;
    let growth = door.growth_since(before).await;
    // Each of those let in has a task and an empty TLS session: 16 KiB are plenty.
    let places = u64::from(limits.handshakes_per_address.get());
    is_bounded("1,000 silent sockets", growth, 2 * places * 16 * KIB);
    drop(silent);

    // Every place, from as many addresses as it takes, with as large a message as TLS allows: a
    // handshake message of 64 KiB is announced, and all but its end is sent.
    let before = door.resident_bytes();
    let mut halves = Vec::new();
    for network in 10..14_u8 {
        for _ in 0..limits.handshakes_per_address.get() {
            let from = IpAddr::from([127, 0, network, 1]);
            let mut half = Client::from_address(&door.grounds, from).await;
            half.send_bytes(&large_client_hello()).await;
            halves.push(half);
        }
    }
    honest.is_served().await;
    let growth = door.growth_since(before).await;
    let most = 2 * u64::from(limits.handshakes.get()) * 64 * KIB;
    is_bounded("512 halves of the largest handshake", growth, most);
    drop(halves);
    honest.end().await;
}

/// Four records of the largest size, of one ClientHello that would need a little more.
fn large_client_hello() -> Vec<u8> {
    const RECORD_BYTES: usize = 16_000;
    let mut bytes = Vec::new();
    for number in 0..4 {
        bytes.extend([0x16, 0x03, 0x01]);
        bytes.extend(u16::try_from(RECORD_BYTES).unwrap().to_be_bytes());
        let mut body = vec![0x5a; RECORD_BYTES];
        if number == 0 {
            body.splice(..4, [0x01, 0x00, 0xff, 0xff]);
        }
        bytes.extend(body);
    }
    bytes
}

#[tokio::test]
async fn a_flood_at_a_reader_that_has_stopped_holds_what_the_mailbox_does() {
    let door = Measured::start().await;
    let honest = Honest::start(&door.grounds).await;
    let mut stalled = Client::enter(&door.grounds, "seven").await;
    stalled.hear("v1/p/07/g/+/hello").await;
    let mut casa = Client::enter(&door.grounds, "casa-1").await;
    let before = door.resident_bytes();
    let mut most_held = 0;
    for _ in 0..1_500 {
        casa.hand_over("v1/p/07/g/casa-1/hello", &[0x5a; 16 * 1024])
            .await;
        most_held = most_held.max(door.resident_bytes().saturating_sub(before));
    }
    honest.is_served().await;
    // Its mailbox of 8 MiB; the router's log of 1 MiB and window of a half; two channels of 64
    // messages of 16 KiB.
    let most = 2 * (8 * MIB + MIB + MIB / 2 + 2 * 64 * 16 * KIB);
    is_bounded("a flood of 24 MiB at a stopped reader", most_held, most);
    honest.end().await;
}

#[tokio::test]
async fn a_gateway_that_connects_in_many_loops_holds_what_its_connections_do() {
    const LOOPS: u32 = 300;
    let door = Measured::start_with_shipped_limits().await;
    let honest = Honest::start(&door.grounds).await;
    for _ in 0..Limits::default().arrival_burst.get() {
        Client::enter(&door.grounds, "casa-1").await;
    }
    let before = door.resident_bytes();
    let mut loops = JoinSet::new();
    for _ in 0..LOOPS {
        let mut again = Client::open(&door.grounds).await;
        let connect = door.grounds.connect("casa-1");
        loops.spawn(async move { again.connect(&connect).await });
    }
    let growth = door.growth_since(before).await;
    honest.is_served().await;
    let codes = loops.join_all().await;
    let not_now = Some(ConnectReturnCode::ServiceUnavailable);
    let late = codes.iter().filter(|code| **code == not_now).count();
    assert!(late > 100, "most are told late: {late}");
    // What `Limits` says of a connection, and the handshakes under way beside them.
    is_bounded(
        "300 loops of one gateway",
        growth,
        2 * u64::from(LOOPS) * 40 * KIB,
    );
    honest.end().await;
}

#[tokio::test]
async fn large_promises_of_gateways_cost_what_was_sent_and_no_more() {
    let door = Measured::start().await;
    let honest = Honest::start(&door.grounds).await;
    let before = door.resident_bytes();
    let mut held = Vec::new();
    // One session an identity: so many that shook hands, and one that is in.
    for _ in 0..100 {
        let mut half = Client::open(&door.grounds).await;
        half.shake_hands(door.grounds.introduction("casa-1")).await;
        // A CONNECT of 2,000 bytes, without its last one.
        let mut connect = vec![0x10, 0xd0, 0x0f];
        connect.extend([0; 1_999]);
        half.send_bytes(&connect).await;
        held.push(half);
    }
    let growth = door.growth_since(before).await;
    // A TLS session of 32 KiB and a buffer of 8 KiB each.
    is_bounded("100 CONNECTs that never end", growth, 2 * 100 * 40 * KIB);
    honest.end().await;
}

#[tokio::test]
async fn a_town_of_idle_gateways_holds_what_the_limit_on_connections_says() {
    const TOWN: usize = 500;
    let grounds = Grounds::new(Centre::new("centro-di-prova"));
    let town = grounds.enrol_a_town(TOWN);
    let door = Measured::start_on(grounds).await;
    let honest = Honest::start(&door.grounds).await;
    let before = door.resident_bytes();
    let mut idle = Vec::new();
    for (name, shown) in town {
        let mut home = enter(&door.grounds, &name, shown).await.unwrap();
        home.hear(&format!("v1/p/09/g/{name}/ack")).await;
        home.hand_over(&format!("v1/p/09/g/{name}/up"), b"hello")
            .await;
        idle.push(home);
    }
    let growth = door.growth_since(before).await;
    // What `Limits` says of a connection.
    let most = 40 * KIB * u64::try_from(TOWN).unwrap();
    is_bounded("500 idle gateways", growth, most);
    honest.end().await;
}
