//! A home lived through without ports and without waiting: what its devices say, as a gateway
//! would hear it, for figures over days that nobody wants to sit through.
//!
//! The devices are those of a simulation and their bytes go through the real decoders. Deliberately
//! absent: a gateway's clocks and outbox, and the line to the centre; whoever asks dates what is
//! said by the time he asked for, and has it arrive when [`Life::is_offline`] lets it.

use veglia_codecs::{Decoder, Observation, observe};
use veglia_wire::DeviceId;

use crate::home::Home;
use crate::scenario::Scenario;
use crate::speaker::Speaker;

/// A home and the devices in it.
pub struct Life {
    scenario: Option<Scenario>,
    devices: Vec<Device>,
}

struct Device {
    id: DeviceId,
    speaker: Speaker,
    decoder: Box<dyn Decoder>,
}

impl Life {
    /// The home at its beginning; the same seed, the same life.
    #[must_use]
    pub fn new(home: &Home, seed: u64) -> Self {
        let devices = home.devices.iter().map(|device| Device {
            id: device.id.clone(),
            speaker: Speaker::new(home, device, seed),
            decoder: device.protocol.decoder(),
        });
        Self {
            scenario: home.scenario().cloned(),
            devices: devices.collect(),
        }
    }

    /// What is heard of each device at its next turn, `passed_ms` of care after the beginning.
    pub fn turn(&mut self, passed_ms: i64) -> Vec<(DeviceId, Observation)> {
        let mut heard = Vec::new();
        let mut frames = Vec::new();
        let since = u64::try_from(passed_ms).unwrap_or_default();
        for device in &mut self.devices {
            let Some(said) = device.speaker.turn(passed_ms, since) else {
                device.decoder.reset();
                continue;
            };
            for utterance in said {
                device.decoder.push(&utterance.bytes, &mut frames);
            }
            let frames = frames.drain(..).filter_map(Result::ok);
            let said = frames.flat_map(|frame| observe(&frame));
            heard.extend(said.map(|it| (device.id.clone(), it)));
        }
        heard
    }

    /// Somebody is asked to measure again with a device: it does at its next turn.
    pub fn measure(&mut self, device: &DeviceId) {
        for known in self.devices.iter_mut().filter(|it| it.id == *device) {
            known.speaker.measure();
        }
    }

    /// Whether the home cannot reach the centre, `passed_ms` of care after the beginning.
    #[must_use]
    pub fn is_offline(&self, passed_ms: i64) -> bool {
        let scenario = self.scenario.as_ref();
        scenario.is_some_and(|it| it.is_offline(passed_ms))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use veglia_wire::Vital;

    use super::*;

    const MINUTE_MS: i64 = 60_000;

    fn saturations(name: &str, minutes: i64, asked_at: Option<i64>) -> Vec<(i64, i32)> {
        let scenario = Scenario::named(name).unwrap();
        let home = Home::living(1, Arc::new(scenario), 7);
        let mut life = Life::new(&home, 7);
        let mut said = Vec::new();
        for minute in 0..minutes {
            if asked_at == Some(minute) {
                life.measure(&home.devices[0].id);
            }
            for (_, observation) in life.turn(minute * MINUTE_MS) {
                if let Observation::Reading(vital @ Vital::SpO2(_), quality) = observation
                    && quality.is_clean()
                {
                    said.push((minute, vital.steps()));
                }
            }
        }
        said
    }

    #[test]
    fn a_life_is_heard_through_the_real_decoders_and_is_the_same_for_the_same_seed() {
        let said = saturations("sudden-desaturation", 300, None);
        assert!(said.len() > 200, "a value a minute, not {}", said.len());
        assert!(said.iter().any(|(_, steps)| *steps < 900), "{said:?}");
        assert_eq!(said, saturations("sudden-desaturation", 300, None));
    }

    #[test]
    fn a_home_that_is_cut_off_still_speaks_and_says_that_nobody_hears_it() {
        let scenario = Arc::new(Scenario::named("home-offline").unwrap());
        let mut life = Life::new(&Home::living(1, scenario, 7), 7);
        let cut = (0..360).find(|minute| life.is_offline(minute * MINUTE_MS));
        let cut = cut.expect("the scenario cuts the line");
        assert!(!life.turn(cut * MINUTE_MS).is_empty());
    }
}
