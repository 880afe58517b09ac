//! Moments as text: RFC 3339, to the millisecond, with the offset that Italy had then.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;
use utoipa::ToSchema;
use veglia_people::TIME_ZONE;
use veglia_view::WallMs;

/// The last moment of the calendar that the text can say, in milliseconds.
const LAST_MS: i64 = 253_402_207_200_000;

/// A moment, as RFC 3339 with an offset: `2020-11-14T09:30:00.000+01:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2020-11-14T09:30:00.000+01:00")]
pub struct Moment(pub WallMs);

/// A text that is no moment.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a moment is written as 2020-11-14T09:30:00+01:00 (RFC 3339)")]
pub struct MomentError;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A device may claim any time; the text has four digits for a year.
        let ms = self.0.0.clamp(0, LAST_MS);
        let at = Timestamp::from_millisecond(ms).map_err(|_| fmt::Error)?;
        let zone = TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC);
        let said = at.to_zoned(zone).strftime("%Y-%m-%dT%H:%M:%S%.3f%:z");
        said.fmt(f)
    }
}

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        // What other standards add to it is not agreed upon here.
        let is_plain = |byte: u8| byte.is_ascii_digit() || b"-:.+TtZz".contains(&byte);
        if !text.bytes().all(is_plain) {
            return Err(MomentError);
        }
        let at: Timestamp = text.parse().map_err(|_| MomentError)?;
        Ok(Self(WallMs(at.as_millisecond())))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl From<WallMs> for Moment {
    fn from(at: WallMs) -> Self {
        Self(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_said_in_italy_and_read_wherever_it_was_said() {
        let noon = Moment(WallMs(1_600_000_000_000));
        assert_eq!(noon.to_string(), "2020-09-13T14:26:40.000+02:00");
        for said in ["2020-09-13T14:26:40+02:00", "2020-09-13T12:26:40.000Z"] {
            assert_eq!(said.parse(), Ok(noon), "{said}");
        }
        for said in [
            "",
            "2020-09-13",
            "1600000000000",
            "2020-09-13T12:26:40Z[Europe/Rome]",
        ] {
            assert_eq!(said.parse::<Moment>(), Err(MomentError), "{said}");
        }
    }

    #[test]
    fn a_time_that_no_calendar_has_is_said_as_the_nearest_that_one_has() {
        for ms in [i64::MIN, -1, LAST_MS + 1, i64::MAX] {
            let said = Moment(WallMs(ms)).to_string();
            assert!(said.parse::<Moment>().is_ok(), "{said}");
        }
    }
}
