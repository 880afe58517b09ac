//! One device of a scenario or a counter: what it says at each of its turns.
//!
//! Pure: the times come as arguments, the chance from the seed. So what a device says is the
//! same in every run, and tests can live a week in a second.

use fastrand::Rng;
use veglia_codecs::Protocol;
use veglia_firmware_core::HELLO_EVERY_MS;

use crate::counter::encode_counter;
use crate::home::{Device, Home, Story, rng};
use crate::log::What;
use crate::scenario::{Measures, Trouble};
use crate::vitals::Vitals;
use crate::voice::{Node, Oximetry, Said, Utterance, nonin, nonin_finger_out};

/// A thermometer speaks at every fifth turn of the oximeter.
const TEMPERATURE_EVERY: u64 = 5;

/// How long a Nonin shows the last numbers after the finger is gone, in wall milliseconds.
const HELD_MS: u64 = 10_000;

/// Noise comes at every fifth turn: a decoder without checksums needs two good frames in a row
/// to be in step again, and we promise that frames between the noise are heard.
const NOISE_EVERY: u64 = 5;

/// Bytes in one burst of noise.
const NOISE_LEN: usize = 8;

/// What an artefact does to the numbers: below any limit for saturation, far above for pulse.
const ARTEFACT_SPO2_TENTHS: std::ops::RangeInclusive<i32> = 80..=150;
const ARTEFACT_PULSE_TENTHS: std::ops::RangeInclusive<i32> = 200..=600;

/// What both protocols can say.
const SPO2_TENTHS: (i32, i32) = (10, 1_000);
const PULSE_TENTHS: (i32, i32) = (180, 3_210);
const CELSIUS_HUNDREDTHS: (i32, i32) = (0, 5_000);

/// A device that speaks.
#[derive(Debug)]
pub(crate) struct Speaker {
    name: String,
    protocol: Protocol,
    measures: Measures,
    story: Story,
    own: Vitals,
    wander: Vitals,
    rng: Rng,
    node: Node,
    /// Turns since the power came.
    turns: u64,
    counter: u64,
    powered_at_ms: Option<u64>,
    hello_at_ms: u64,
    finger_out_at_ms: Option<u64>,
    shown: Option<Oximetry>,
    /// Care milliseconds from one measurement to the next; none: it measures all the time.
    every_ms: Option<i64>,
    /// Care time of its last measurement.
    measured_at_ms: Option<i64>,
    /// It was asked to measure now.
    asked: bool,
}

/// What is wrong at one moment.
#[derive(Default)]
struct Troubles {
    artefact: bool,
    finger_out: bool,
    silent: bool,
    unplugged: bool,
    line_noise: bool,
    clock_offset_ms: i64,
}

impl Speaker {
    pub(crate) fn new(home: &Home, device: &Device, seed: u64) -> Self {
        Self {
            name: device.name.clone(),
            protocol: device.protocol,
            measures: device.measures,
            story: home.story.clone(),
            own: home.own,
            wander: Vitals::ZERO,
            rng: rng(seed, &home.name, &format!("{}/voice", device.name)),
            node: Node::new(device.serial, device.measures.model(), device.site),
            turns: 0,
            counter: 0,
            powered_at_ms: None,
            hello_at_ms: 0,
            finger_out_at_ms: None,
            shown: None,
            every_ms: device.every_minutes.map(|every| i64::from(every) * 60_000),
            measured_at_ms: None,
            asked: false,
        }
    }

    /// Somebody opened the port, which a node on USB sees, or asked who is there: a node says at
    /// once who it is.
    pub(crate) fn opened(&mut self) {
        self.hello_at_ms = 0;
    }

    /// Somebody asked it to measure once, now.
    pub(crate) fn measure(&mut self) {
        self.asked = true;
    }

    /// What it says at this turn, `care_ms` of care and `wall_ms` of wall time after the start;
    /// nothing at all when it is unplugged.
    pub(crate) fn turn(&mut self, care_ms: i64, wall_ms: u64) -> Option<Vec<Utterance>> {
        let troubles = self.troubles(care_ms);
        if troubles.unplugged {
            self.powered_at_ms = None;
            return None;
        }
        let powered_at_ms = *self.powered_at_ms.get_or_insert_with(|| {
            self.node.restart();
            self.turns = 0;
            self.hello_at_ms = 0;
            wall_ms
        });
        let uptime_ms = uptime(
            wall_ms.saturating_sub(powered_at_ms),
            troubles.clock_offset_ms,
        );
        let mut said = Vec::new();
        if !troubles.silent {
            self.speak(care_ms, wall_ms, uptime_ms, &troubles, &mut said);
        }
        self.turns += 1;
        Some(said)
    }

    fn speak(
        &mut self,
        care_ms: i64,
        wall_ms: u64,
        uptime_ms: u32,
        troubles: &Troubles,
        said: &mut Vec<Utterance>,
    ) {
        if troubles.line_noise && self.turns.is_multiple_of(NOISE_EVERY) {
            said.push(self.noise());
        }
        if self.protocol == Protocol::Node && wall_ms >= self.hello_at_ms {
            said.extend(self.node.hello(uptime_ms));
            self.hello_at_ms = wall_ms + u64::from(HELLO_EVERY_MS);
        }
        let vitals = self.vitals(care_ms);
        let is_asked = std::mem::take(&mut self.asked);
        if !self.measures_now(care_ms, is_asked) {
            return;
        }
        if self.measures.oximetry() {
            let oximetry = self.oximetry(vitals, troubles.artefact);
            said.push(if troubles.finger_out {
                self.finger_out(wall_ms, uptime_ms)
            } else {
                self.finger_in(oximetry, uptime_ms)
            });
        }
        let is_turn = self.every_ms.is_some() || self.turns.is_multiple_of(TEMPERATURE_EVERY);
        if self.measures.temperature() && (is_turn || is_asked) {
            let celsius = bounded(vitals.celsius_hundredths, CELSIUS_HUNDREDTHS);
            said.push(self.node.temperature(uptime_ms, celsius));
        }
    }

    /// Whether it measures at this turn: always, or when its time has come or somebody asked.
    fn measures_now(&mut self, care_ms: i64, is_asked: bool) -> bool {
        let is_due = match (self.every_ms, self.measured_at_ms) {
            (Some(every_ms), Some(at_ms)) => care_ms >= at_ms.saturating_add(every_ms),
            _ => true,
        };
        if is_due || is_asked {
            self.measured_at_ms = Some(care_ms);
        }
        is_due || is_asked
    }

    fn finger_in(&mut self, oximetry: Oximetry, uptime_ms: u32) -> Utterance {
        self.finger_out_at_ms = None;
        self.shown = Some(oximetry);
        match self.protocol {
            Protocol::Node => self.node.oximetry(uptime_ms, oximetry),
            _ => nonin(oximetry),
        }
    }

    fn finger_out(&mut self, wall_ms: u64, uptime_ms: u32) -> Utterance {
        let since_ms = *self.finger_out_at_ms.get_or_insert(wall_ms);
        let held = self.shown.filter(|_| wall_ms < since_ms + HELD_MS);
        match self.protocol {
            Protocol::Node => self.node.finger_out(uptime_ms),
            _ => nonin_finger_out(held),
        }
    }

    fn oximetry(&mut self, vitals: Vitals, artefact: bool) -> Oximetry {
        if matches!(self.story, Story::Counter) {
            let number = self.counter;
            self.counter += 1;
            let (spo2, pulse) = encode_counter(self.protocol, number);
            return Oximetry {
                spo2_tenths: Some(spo2),
                pulse_tenths: Some(pulse),
                artefact: false,
                counter: Some(number),
            };
        }
        let (down, up) = if artefact {
            (
                self.rng.i32(ARTEFACT_SPO2_TENTHS),
                self.rng.i32(ARTEFACT_PULSE_TENTHS),
            )
        } else {
            (0, 0)
        };
        Oximetry {
            spo2_tenths: Some(bounded(vitals.spo2_tenths - down, SPO2_TENTHS)),
            pulse_tenths: Some(bounded(vitals.pulse_tenths + up, PULSE_TENTHS)),
            artefact,
            counter: None,
        }
    }

    fn vitals(&mut self, care_ms: i64) -> Vitals {
        match &self.story {
            Story::Scenario(scenario) => {
                self.wander = self.wander.wander(scenario.noise(), &mut self.rng);
                let targets = scenario.targets(self.own, care_ms);
                targets.zip(self.wander, |target, noise| target + noise)
            }
            Story::Counter | Story::Replay(_) => self.own,
        }
    }

    fn troubles(&self, care_ms: i64) -> Troubles {
        let mut now = Troubles::default();
        let Story::Scenario(scenario) = &self.story else {
            return now;
        };
        for trouble in scenario.troubles(&self.name, care_ms) {
            match trouble {
                Trouble::Artefact => now.artefact = true,
                Trouble::FingerOut => now.finger_out = true,
                Trouble::Silent => now.silent = true,
                Trouble::Unplugged => now.unplugged = true,
                Trouble::LineNoise => now.line_noise = true,
                Trouble::ClockOffset(ms) => now.clock_offset_ms = ms,
                // The home's, not the device's.
                Trouble::Offline => {}
            }
        }
        now
    }

    /// Bytes with the top bit set cannot be part of a Nonin's frame beyond its first byte; a
    /// node's listener is in step again at the zero.
    fn noise(&mut self) -> Utterance {
        let mut bytes: Vec<u8> = (0..NOISE_LEN).map(|_| self.rng.u8(0x80..)).collect();
        if self.protocol == Protocol::Node {
            bytes.push(0);
        }
        Utterance {
            bytes,
            said: Some(Said::event(What::LineNoise)),
        }
    }
}

fn uptime(true_ms: u64, offset_ms: i64) -> u32 {
    const WRAP: i64 = 1 << 32;
    let true_ms = i64::try_from(true_ms).unwrap_or(i64::MAX);
    let shown = true_ms.saturating_add(offset_ms).rem_euclid(WRAP);
    u32::try_from(shown).expect("a remainder of 2^32 fits 32 bits")
}

/// Brought into a range whose ends the type can hold.
fn bounded<T: TryFrom<i32, Error: std::fmt::Debug>>(value: i32, (low, high): (i32, i32)) -> T {
    T::try_from(value.clamp(low, high)).expect("the ends of the range fit the type")
}

#[cfg(test)]
mod tests;
