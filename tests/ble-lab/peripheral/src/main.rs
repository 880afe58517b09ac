//! A thermometer and oximeter whose Bluetooth stack is trouble-host, as a firmware would have it,
//! with a socket where a microcontroller has its radio: `veglia-lab-peripheral SOCKET [SECONDS]`.
//!
//! Once a second it tells saturation and pulse, every other second a temperature. With SECONDS it
//! hangs up after so many of every connection, as devices do that save their battery. What it told
//! goes to standard output, a line a value: `spoke VITAL VALUE MILLISECONDS`, in the words of
//! `veglia export`.
//!
//! Deliberately absent: pairing, stored records and a clock, which the other peripheral of the lab
//! has.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow};
use bt_hci::controller::ExternalController;
use bt_hci_serial::SerialTransport;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_io_adapters::tokio_1::FromTokio;
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep, sleep_until};
use trouble_host::attribute::AttributeHandle;
use trouble_host::prelude::*;

const NAME: &str = "LabFirmware";

/// A static random address: its first two bits are set.
const ADDRESS: [u8; 6] = [0x11, 0x22, 0x33, 0x44, 0x55, 0xc6];

const CONNECTIONS: usize = 1;

/// L2CAP channels: signalling, attributes, security.
const CHANNELS: usize = 3;

/// Commands to the controller that may be under way at once.
const COMMANDS: usize = 10;

/// How long it is away after it has hung up.
const AWAY: Duration = Duration::from_secs(2);

const EVERY: Duration = Duration::from_secs(1);

/// Bits of what a central wants.
const NOTIFICATIONS: u8 = 1;
const INDICATIONS: u8 = 2;

type Value = heapless::Vec<u8, 20>;

#[expect(
    dead_code,
    reason = "battery and information are read over the air alone"
)]
#[gatt_server(connections_max = CONNECTIONS, mutex_type = NoopRawMutex)]
struct Server {
    oximeter: Oximeter,
    thermometer: Thermometer,
    battery: Battery,
    information: Information,
}

#[gatt_service(uuid = "1822")]
struct Oximeter {
    #[characteristic(uuid = "2a5f", notify)]
    continuous: Value,
    #[characteristic(uuid = "2a60", read, value = [0, 0])]
    features: [u8; 2],
}

#[gatt_service(uuid = "1809")]
struct Thermometer {
    #[characteristic(uuid = "2a1c", indicate)]
    measurement: Value,
    /// Armpit.
    #[characteristic(uuid = "2a1d", read, value = 1)]
    place: u8,
}

#[gatt_service(uuid = "180f")]
struct Battery {
    #[characteristic(uuid = "2a19", read, notify, value = 64)]
    level: u8,
}

#[gatt_service(uuid = "180a")]
struct Information {
    #[characteristic(uuid = "2a25", read, value = *b"LAB-0002")]
    serial: [u8; 8],
}

type Link<'stack, 'server> = GattConnection<'stack, 'server, DefaultPacketPool>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let socket = arguments.next().context("which socket is the radio's?")?;
    let patience = match arguments.next() {
        Some(seconds) => Some(Duration::from_secs(seconds.parse()?)),
        None => None,
    };
    let radio = UnixStream::connect(&socket)
        .await
        .with_context(|| format!("there is no radio at {socket}"))?;
    let (from_radio, to_radio) = tokio::io::split(radio);
    let transport = SerialTransport::<NoopRawMutex, _, _>::new(
        FromTokio::new(from_radio),
        FromTokio::new(to_radio),
    );
    live(ExternalController::<_, COMMANDS>::new(transport), patience).await
}

/// Advertises, serves whoever connects, and begins again.
async fn live<C: Controller>(controller: C, patience: Option<Duration>) -> Result<()> {
    let mut resources: HostResources<DefaultPacketPool, CONNECTIONS, CHANNELS> =
        HostResources::new();
    let stack = trouble_host::new(controller, &mut resources)
        .set_random_address(Address::random(ADDRESS))
        .build();
    let mut runner = stack.runner();
    let mut peripheral = stack.peripheral();
    let server = Server::new_with_config(GapConfig::Peripheral(PeripheralConfig {
        name: NAME,
        appearance: &appearance::UNKNOWN,
    }))
    .map_err(|error| anyhow!("the services cannot be made: {error}"))?;
    let serial = server.get(&server.information.serial);
    say(&format!(
        "this is {}",
        String::from_utf8_lossy(&serial.unwrap_or_default())
    ));
    let mut number = 0;
    let serve = async {
        // Every connection costs a little.
        for level in (0..100).rev().cycle() {
            say("advertising");
            let link = connected(&mut peripheral, &server).await?;
            say("connected");
            report(server.set(&server.battery.level, &level));
            attend(&link, &server, &mut number, patience).await;
            sleep(AWAY).await;
        }
        Ok(())
    };
    tokio::select! {
        ended = runner.run() => Err(anyhow!("the radio is gone: {:?}", ended.err())),
        failed = serve => failed,
    }
}

async fn connected<'stack, 'server, C: Controller>(
    peripheral: &mut Peripheral<'stack, C, DefaultPacketPool>,
    server: &'server Server<'_>,
) -> Result<Link<'stack, 'server>> {
    let mut data = [0; 31];
    let length = AdStructure::encode_slice(
        &[
            AdStructure::Flags(LE_GENERAL_DISCOVERABLE | BR_EDR_NOT_SUPPORTED),
            AdStructure::CompleteServiceUuids16(&[[0x22, 0x18], [0x09, 0x18]]),
            AdStructure::CompleteLocalName(NAME.as_bytes()),
        ],
        &mut data,
    )
    .map_err(|error| anyhow!("the advertisement is too long: {error:?}"))?;
    let advertisement = Advertisement::ConnectableScannableUndirected {
        adv_data: data.get(..length).unwrap_or_default(),
        scan_data: &[],
    };
    let advertiser = peripheral
        .advertise(&AdvertisementParameters::default(), advertisement)
        .await
        .map_err(|error| anyhow!("cannot advertise: {error:?}"))?;
    let connection = advertiser
        .accept()
        .await
        .map_err(|error| anyhow!("nobody came: {error:?}"))?;
    connection
        .with_attribute_server(server)
        .map_err(|error| anyhow!("the services cannot be offered: {error:?}"))
}

/// One connection, until somebody ends it.
async fn attend(
    link: &Link<'_, '_>,
    server: &Server<'_>,
    number: &mut u16,
    patience: Option<Duration>,
) {
    let answering = async {
        loop {
            match link.next().await {
                GattConnectionEvent::Disconnected { reason } => break reason,
                GattConnectionEvent::Gatt { event } => match event.accept() {
                    Ok(answer) => answer.send().await,
                    Err(error) => say(&format!("cannot answer: {error:?}")),
                },
                _ => {}
            }
        }
    };
    let speaking = async {
        loop {
            tell(link, server, *number).await;
            *number += 1;
            sleep(EVERY).await;
        }
    };
    let hanging_up = async {
        match patience {
            None => std::future::pending().await,
            Some(patience) => sleep_until(Instant::now() + patience).await,
        }
        say("hanging up");
        link.raw().disconnect();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        reason = answering => say(&format!("disconnected: {reason:?}")),
        () = speaking => {}
        () = hanging_up => {}
    }
}

/// Tells a value of each kind to whoever has asked for it.
async fn tell(link: &Link<'_, '_>, server: &Server<'_>, number: u16) {
    let continuous = &server.oximeter.continuous;
    let (spo2, pulse) = (80 + number % 20, 50 + number % 150);
    if is_wanted(link, continuous, NOTIFICATIONS) {
        let value = value(&[&[0], &spo2.to_le_bytes(), &pulse.to_le_bytes()]);
        spoke("spo2", &format!("{spo2}.0"));
        spoke("pulse", &format!("{pulse}.0"));
        report(continuous.notify(link, &value, false).await);
    }
    let measurement = &server.thermometer.measurement;
    if number.is_multiple_of(2) && is_wanted(link, measurement, INDICATIONS) {
        // 36 degrees and so many hundredths: a mantissa of three bytes, and the exponent -2.
        let hundredths = 3600 + u32::from(number % 200);
        let [low, middle, high, _] = hundredths.to_le_bytes();
        let value = value(&[&[0, low, middle, high], &(-2_i8).to_le_bytes()]);
        spoke(
            "temperature",
            &format!("{}.{:02}", hundredths / 100, hundredths % 100),
        );
        report(measurement.indicate(link, &value, false).await);
    }
}

/// Whether the central has asked for it. (`should_indicate` of trouble-host 0.8 looks at the bit
/// for notifications.)
fn is_wanted(link: &Link<'_, '_>, characteristic: &Characteristic<Value>, bit: u8) -> bool {
    let wanted = characteristic.cccd_handle.map(|it| link.get(&Wanted(it)));
    matches!(wanted, Some(Ok([low, _])) if low & bit != 0)
}

/// Where a central writes what it wants of a characteristic.
struct Wanted(u16);

impl AttributeHandle for Wanted {
    type Value = [u8; 2];

    fn handle(&self) -> u16 {
        self.0
    }
}

fn value(parts: &[&[u8]]) -> Value {
    parts.iter().copied().flatten().copied().collect()
}

/// Said before the value goes out: afterwards it may be stored at the centre already.
fn spoke(vital: &str, value: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now_ms = now.map(|now| now.as_millis()).unwrap_or_default();
    say(&format!("spoke {vital} {value} {now_ms}"));
}

fn report(told: Result<(), Error>) {
    if let Err(error) = told {
        say(&format!("not told: {error:?}"));
    }
}

fn say(line: &str) {
    println!("{line}");
}
