//! A running number in every pair of values: how a test finds each reading again, far from home,
//! and sees which are missing or came twice.
//!
//! The numbers stay inside what the devices can mean, so they repeat after
//! [`counter_period`] frames; with the order of arrival that is enough. Absent: plausibility.

use veglia_codecs::Protocol;

/// Where the two values of a protocol begin, how many steps they have, and how long a step is.
struct Digits {
    spo2: Digit,
    pulse: Digit,
}

struct Digit {
    first_tenths: u16,
    steps: u16,
    step_tenths: u16,
}

const NONIN8: Digits = Digits {
    spo2: Digit {
        first_tenths: 700,
        steps: 31,
        step_tenths: 10,
    },
    pulse: Digit {
        first_tenths: 300,
        steps: 221,
        step_tenths: 10,
    },
};

const NODE: Digits = Digits {
    spo2: Digit {
        first_tenths: 700,
        steps: 301,
        step_tenths: 1,
    },
    pulse: Digit {
        first_tenths: 400,
        steps: 1401,
        step_tenths: 1,
    },
};

impl Digit {
    fn write(&self, number: u64) -> u16 {
        let step = u16::try_from(number % u64::from(self.steps)).unwrap_or(0);
        self.first_tenths + step * self.step_tenths
    }

    fn read(&self, tenths: u16) -> Option<u64> {
        let above = tenths.checked_sub(self.first_tenths)?;
        let step = above / self.step_tenths;
        (above % self.step_tenths == 0 && step < self.steps).then(|| u64::from(step))
    }
}

const fn digits(protocol: Protocol) -> &'static Digits {
    match protocol {
        Protocol::Node => &NODE,
        _ => &NONIN8,
    }
}

/// How many numbers a protocol tells apart: 6,851 for a Nonin, 421,701 for a node.
#[must_use]
pub fn counter_period(protocol: Protocol) -> u64 {
    let Digits { spo2, pulse } = digits(protocol);
    u64::from(spo2.steps) * u64::from(pulse.steps)
}

/// The pair (SpO2 in tenths of a percent, pulse in tenths of a beat per minute) that carries
/// `number`, modulo [`counter_period`].
#[must_use]
pub fn encode_counter(protocol: Protocol, number: u64) -> (u16, u16) {
    let Digits { spo2, pulse } = digits(protocol);
    (
        spo2.write(number),
        pulse.write(number / u64::from(spo2.steps)),
    )
}

/// The number that a pair carries, below [`counter_period`]; none when no counter wrote it.
#[must_use]
pub fn decode_counter(protocol: Protocol, spo2_tenths: u16, pulse_tenths: u16) -> Option<u64> {
    let Digits { spo2, pulse } = digits(protocol);
    let (low, high) = (spo2.read(spo2_tenths)?, pulse.read(pulse_tenths)?);
    Some(high * u64::from(spo2.steps) + low)
}

#[cfg(test)]
mod tests {
    use super::{counter_period, decode_counter, encode_counter};
    use veglia_codecs::Protocol;

    #[test]
    fn every_number_of_a_period_comes_back_and_then_they_repeat() {
        for protocol in Protocol::ALL {
            let period = counter_period(protocol);
            for number in 0..period {
                let (spo2, pulse) = encode_counter(protocol, number);
                assert_eq!(decode_counter(protocol, spo2, pulse), Some(number));
            }
            assert_eq!(
                encode_counter(protocol, period),
                encode_counter(protocol, 0)
            );
        }
        assert_eq!(counter_period(Protocol::Nonin8), 6_851);
        assert_eq!(counter_period(Protocol::Node), 421_701);
    }

    #[test]
    fn a_pair_that_no_counter_wrote_carries_no_number() {
        assert_eq!(decode_counter(Protocol::Node, 699, 400), None);
        assert_eq!(decode_counter(Protocol::Node, 700, 1801), None);
        assert_eq!(decode_counter(Protocol::Nonin8, 705, 300), None);
        assert_eq!(decode_counter(Protocol::Nonin8, 1010, 300), None);
    }
}
