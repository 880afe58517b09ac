//! A number as somebody types it who hears it on the telephone: a comma or a point, and a doubt
//! that is asked and never mended.
//!
//! Each vital sign has two ranges. Outside the *usual* one the value is asked for again, because a
//! comma was left out or a digit was struck twice more often than a patient has such a value; who
//! has heard it twice says so and it is taken as it is. Outside the *possible* one nobody is alive:
//! it is never taken. Neither is clinical: what a value means is for the rules.
//!
//! What was probably meant is said in words beside the field; the field keeps what was typed.

use std::ops::RangeInclusive;

use veglia_wire::VitalKind;

/// Digits before the comma: no value has more than three, one more shows what was mistyped.
const WHOLE_MAX: usize = 4;

/// A vital sign as it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) kind: VitalKind,
    /// The name of its field in forms.
    pub(crate) field: &'static str,
    /// In whole units.
    usual: (i32, i32),
    possible: (i32, i32),
    /// Whether people say it in other units too: a pressure of "twelve and a half".
    is_said_in_tens: bool,
}

/// What is asked for, in the order of a call.
pub(crate) const ASKED: [Asked; 5] = [
    Asked {
        kind: VitalKind::SpO2,
        field: "spo2",
        usual: (70, 100),
        possible: (30, 100),
        is_said_in_tens: false,
    },
    Asked {
        kind: VitalKind::Pulse,
        field: "pulse",
        usual: (40, 180),
        possible: (20, 300),
        is_said_in_tens: false,
    },
    Asked {
        kind: VitalKind::Temperature,
        field: "temperature",
        usual: (34, 42),
        possible: (25, 45),
        is_said_in_tens: false,
    },
    Asked {
        kind: VitalKind::RespiratoryRate,
        field: "breaths",
        usual: (8, 40),
        possible: (1, 99),
        is_said_in_tens: false,
    },
    Asked {
        kind: VitalKind::SystolicPressure,
        field: "pressure",
        usual: (70, 220),
        possible: (30, 299),
        is_said_in_tens: true,
    },
];

/// Why a typed number is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// No number.
    NotANumber,
    /// More digits after the comma than the vital sign is kept with.
    TooFine,
    /// Hardly anybody has such a value; whoever has heard it twice may say so.
    Unusual {
        /// In the steps of the vital sign.
        steps: i32,
        /// What was probably meant.
        meant: Option<i32>,
    },
    /// Nobody has such a value.
    Impossible {
        /// What was probably meant.
        meant: Option<i32>,
    },
}

impl Asked {
    fn steps(&self, units: (i32, i32)) -> RangeInclusive<i32> {
        let per = self.kind.steps_per_unit();
        units.0.saturating_mul(per)..=units.1.saturating_mul(per)
    }

    /// Digits after the comma that are kept.
    fn places(&self) -> usize {
        match self.kind {
            VitalKind::Temperature => 2,
            _ => 1,
        }
    }

    /// Reads what was typed, in the steps of the vital sign.
    ///
    /// # Errors
    /// Why it has to be asked for again.
    pub(crate) fn read(&self, typed: &str) -> Result<i32, Doubt> {
        let (whole, part) = typed.split_once([',', '.']).unwrap_or((typed, ""));
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        let has_comma = whole.len() != typed.len();
        let is_written = (1..=WHOLE_MAX).contains(&whole.len())
            && is_number(whole)
            && is_number(part)
            && has_comma != part.is_empty();
        if !is_written {
            return Err(Doubt::NotANumber);
        }
        let part = part.trim_end_matches('0');
        if part.len() > self.places() {
            return Err(Doubt::TooFine);
        }
        let digits = format!("{whole}{part:0<width$}", width = self.places());
        let steps: i32 = digits.parse().map_err(|_| Doubt::NotANumber)?;
        if self.steps(self.usual).contains(&steps) {
            return Ok(steps);
        }
        let meant = self.meant(steps);
        if self.steps(self.possible).contains(&steps) {
            Err(Doubt::Unusual { steps, meant })
        } else {
            Err(Doubt::Impossible { meant })
        }
    }

    /// A usual value with the same digits.
    fn meant(&self, steps: i32) -> Option<i32> {
        let tenth = (steps % 10 == 0).then_some(steps / 10);
        let tens = self.is_said_in_tens.then(|| steps.saturating_mul(10));
        let mut meant = tenth.into_iter().chain(tens);
        meant.find(|steps| self.steps(self.usual).contains(steps))
    }
}

#[cfg(test)]
mod tests {
    // req: B11

    use super::*;

    fn asked(kind: VitalKind) -> Asked {
        let mut all = ASKED.into_iter();
        all.find(|it| it.kind == kind).unwrap()
    }

    #[test]
    fn a_comma_and_a_point_are_the_same_and_nothing_is_rounded() {
        let temperature = asked(VitalKind::Temperature);
        for typed in ["36,6", "36.6", "36,60"] {
            assert_eq!(temperature.read(typed), Ok(3_660), "{typed}");
        }
        assert_eq!(temperature.read("38"), Ok(3_800));
        assert_eq!(temperature.read("36,655"), Err(Doubt::TooFine));
        assert_eq!(asked(VitalKind::SpO2).read("93"), Ok(930));
        assert_eq!(asked(VitalKind::SpO2).read("93,55"), Err(Doubt::TooFine));
    }

    #[test]
    fn what_is_no_number_is_asked_for_again() {
        for typed in ["", "a", "36,", ",6", "3 6", "-4", "36,6,1", "99999", "3e1"] {
            let read = asked(VitalKind::Temperature).read(typed);
            assert_eq!(read, Err(Doubt::NotANumber), "{typed}");
        }
    }

    #[test]
    fn three_hundred_and_sixty_six_is_asked_and_not_corrected() {
        let read = asked(VitalKind::Temperature).read("366");
        assert_eq!(read, Err(Doubt::Impossible { meant: Some(3_660) }));
        let read = asked(VitalKind::Pulse).read("720");
        assert_eq!(read, Err(Doubt::Impossible { meant: Some(720) }));
        let read = asked(VitalKind::SystolicPressure).read("12,5");
        assert_eq!(read, Err(Doubt::Impossible { meant: Some(1_250) }));
        assert_eq!(
            asked(VitalKind::SpO2).read("931"),
            Err(Doubt::Impossible { meant: Some(931) })
        );
        assert_eq!(
            asked(VitalKind::SpO2).read("101"),
            Err(Doubt::Impossible { meant: None })
        );
    }

    #[test]
    fn a_value_that_hardly_anybody_has_may_be_said_twice() {
        let doubt = |steps| Doubt::Unusual { steps, meant: None };
        assert_eq!(asked(VitalKind::SpO2).read("66"), Err(doubt(660)));
        assert_eq!(asked(VitalKind::Temperature).read("33"), Err(doubt(3_300)));
    }

    #[test]
    fn every_possible_value_can_be_said_over_the_broker() {
        use veglia_wire::{Site, Vital};
        for asked in ASKED {
            for steps in asked.steps(asked.possible) {
                assert!(Vital::from_steps(asked.kind, steps, Site::Unknown).is_ok());
            }
        }
    }
}
