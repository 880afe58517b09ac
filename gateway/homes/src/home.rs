//! Homes: who lives with which devices, and what happens to them.
//!
//! Everything about a home follows from its number and the seed. Absent: the person. Whose
//! devices these are is known where patients are known, at the centre.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use veglia_codecs::Protocol;
use veglia_firmware_core::Site;
use veglia_wire::{DeviceId, GatewayId};

use crate::relay::RelayHandle;
use crate::replay::Replay;
use crate::scenario::{DeviceSpec, Measures, Of, Scenario};
use crate::vitals::Vitals;

/// Homes in one simulation: Linux gives 4,096 ptys by default, and a home uses up to two, the one
/// of a couple three. Each needs an open file, of which many systems allow 1,024 unless told
/// otherwise.
pub const MAX_HOMES: usize = 2_000;

/// Fastest rhythm, in frames a second: at 9,600 baud a line carries no more than 240 short
/// frames, and a pty read once in 50 ms must still keep step.
pub const MAX_HZ: u16 = 50;

/// In how many of ten homes beyond the first of each scenario nothing happens.
const STABLE_OF_TEN: u8 = 8;

/// A home with its devices.
#[derive(Clone, Debug)]
pub struct Home {
    /// Name of the home; also the first part of the names of its ports.
    pub name: String,
    /// The gateway that stands in it.
    pub gateway: GatewayId,
    /// What happens in it.
    pub story: Story,
    /// Its devices.
    pub devices: Vec<Device>,
    /// How often they speak.
    pub rhythm: Rhythm,
    /// The line to the centre, where a scenario can cut it. Without one, nothing is cut.
    pub link: Option<RelayHandle>,
    /// The healthy values of who lives there.
    pub own: Vitals,
}

/// What happens in a home.
#[derive(Clone, Debug)]
pub enum Story {
    /// A scenario, in care time.
    Scenario(Arc<Scenario>),
    /// Every frame carries a running number; see [`decode_counter`](crate::decode_counter).
    Counter,
    /// The rows of a recording, one a care minute, each once.
    Replay(Arc<Replay>),
}

/// A device of a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// What the home calls it; also the last part of the name of its port.
    pub name: String,
    /// The device as it will appear on the wire. A Nonin does not say it: its gateway must be
    /// told.
    pub id: DeviceId,
    /// What it speaks.
    pub protocol: Protocol,
    /// What it measures.
    pub measures: Measures,
    /// Where its thermometer sits.
    pub site: Site,
    /// Its serial number.
    pub serial: u64,
    /// Minutes of care from one measurement to the next, unless it is asked before; none for a
    /// device that measures all the time.
    pub every_minutes: Option<u32>,
    /// Who of the home uses it.
    pub of: Of,
}

/// How often a device speaks, in wall time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm(Duration);

impl Rhythm {
    /// The true one: an oximeter speaks every second, a thermometer every five.
    pub const TRUE: Self = Self(Duration::from_secs(1));

    /// So many times a second, 1 to [`MAX_HZ`] (other values are brought into that range), with
    /// a temperature at every fifth: for benches.
    #[must_use]
    pub fn hz(times: u16) -> Self {
        Self(Duration::from_secs(1) / u32::from(times.clamp(1, MAX_HZ)))
    }

    pub(crate) fn period(self) -> Duration {
        self.0
    }
}

/// `n` homes (at most [`MAX_HOMES`]), the same for the same seed. Each shipped scenario occurs
/// once before any occurs again, then a couple; beyond that most homes are stable.
#[must_use]
pub fn homes(n: usize, seed: u64) -> Vec<Home> {
    let scenarios: Vec<Arc<Scenario>> = Scenario::shipped().into_iter().map(Arc::new).collect();
    let mut rng = rng(seed, "homes", "");
    (0..n.min(MAX_HOMES))
        .map(|index| {
            let stable = rng.u8(0..10) < STABLE_OF_TEN;
            let other = if stable {
                0
            } else {
                rng.usize(0..scenarios.len())
            };
            let scenario = match scenarios.get(index) {
                Some(scenario) => Arc::clone(scenario),
                None if index == scenarios.len() => Arc::new(Scenario::couple()),
                None => Arc::clone(&scenarios[other]),
            };
            Home::living(index + 1, scenario, seed)
        })
        .collect()
}

impl Home {
    /// A home in which a scenario happens. `number` names it: `casa-001` for 1.
    #[must_use]
    pub fn living(number: usize, scenario: Arc<Scenario>, seed: u64) -> Self {
        let specs = scenario.devices().to_vec();
        Self::new(number, Story::Scenario(scenario), &specs, seed)
    }

    /// A home whose devices, one for each protocol given, count.
    #[must_use]
    pub fn counting(number: usize, protocols: &[Protocol], rhythm: Rhythm, seed: u64) -> Self {
        let spec = |(protocol, index): (&Protocol, usize)| DeviceSpec {
            name: format!("conta-{index}"),
            protocol: *protocol,
            measures: Measures::Oximetry,
            site: Site::Body,
            every_minutes: None,
            of: Of::First,
        };
        let specs: Vec<DeviceSpec> = protocols.iter().zip(1..).map(spec).collect();
        let home = Self::new(number, Story::Counter, &specs, seed);
        Self { rhythm, ..home }
    }

    /// A home whose one node repeats a recording.
    #[must_use]
    pub fn replaying(number: usize, replay: Arc<Replay>, seed: u64) -> Self {
        let spec = DeviceSpec {
            name: "replay".to_owned(),
            protocol: Protocol::Node,
            measures: replay.measures(),
            site: Site::Body,
            every_minutes: None,
            of: Of::First,
        };
        Self::new(number, Story::Replay(replay), &[spec], seed)
    }

    fn new(number: usize, story: Story, specs: &[DeviceSpec], seed: u64) -> Self {
        let name = format!("casa-{number:03}");
        let device = |(spec, place): (&DeviceSpec, usize)| device(spec, &name, number, place, seed);
        Self {
            gateway: GatewayId::new(&name).expect("letters, digits and '-' make an identifier"),
            story,
            devices: specs.iter().zip(0..).map(device).collect(),
            rhythm: Rhythm::TRUE,
            link: None,
            own: healthy(&mut rng(seed, &name, "own")),
            name,
        }
    }

    /// The scenario, if one happens here.
    #[must_use]
    pub fn scenario(&self) -> Option<&Scenario> {
        match &self.story {
            Story::Scenario(scenario) => Some(scenario),
            Story::Counter | Story::Replay(_) => None,
        }
    }

    /// How many people live in it: one, or two.
    #[must_use]
    pub fn people(&self) -> usize {
        let is_one = self.devices.iter().all(|device| device.of == Of::First);
        if is_one { 1 } else { 2 }
    }

    /// Where a device's port stands in `dir`.
    #[must_use]
    pub fn port(&self, dir: &Path, device: &Device) -> PathBuf {
        dir.join(format!("{}-{}", self.name, device.name))
    }
}

/// A node's serial number is random, a Nonin's has six digits and says which home it is in.
fn device(spec: &DeviceSpec, home: &str, number: usize, place: usize, seed: u64) -> Device {
    let (serial, id) = match spec.protocol {
        Protocol::Node => {
            let serial = rng(seed, home, &spec.name).u64(1..);
            (serial, format!("node:{serial:016x}"))
        }
        _ => {
            let serial = 500_000 + number * 10 + place;
            let id = format!("nonin:{serial}");
            (u64::try_from(serial).unwrap_or(u64::MAX), id)
        }
    };
    Device {
        name: spec.name.clone(),
        id: DeviceId::new(&id).expect("a prefix and a number make an identifier"),
        protocol: spec.protocol,
        measures: spec.measures,
        site: spec.site,
        serial,
        every_minutes: spec.every_minutes,
        of: spec.of,
    }
}

/// Values of somebody well, with room for noise: 95 to 99 %, 55 to 95 a minute, 36.0 to 37.2.
fn healthy(rng: &mut Rng) -> Vitals {
    Vitals {
        spo2_tenths: rng.i32(958..=983),
        pulse_tenths: rng.i32(600..=900),
        celsius_hundredths: rng.i32(3_620..=3_700),
    }
}

/// Chance of its own for each seed, home and purpose. The mixing is FNV-1a, because it must be
/// the same in every build.
pub(crate) fn rng(seed: u64, home: &str, purpose: &str) -> Rng {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = seed.to_le_bytes();
    let bytes = bytes
        .into_iter()
        .chain(home.bytes())
        .chain([0])
        .chain(purpose.bytes());
    let mixed = bytes.fold(OFFSET, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(PRIME)
    });
    Rng::with_seed(mixed)
}
