//! When a vital sign is expected, as a person types it: `60m`, `08:00,20:00`, `22:00-06:00/5m`.

use std::fmt;
use std::str::FromStr;

use super::{Expected, Hours, LocalTime};

/// A text that does not say when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "say when as 60m (every hour), 08:00,20:00 (daily) or 22:00-06:00/5m (in these hours); times \
     are 00:00 to 23:59"
)]
pub struct ExpectedError;

impl FromStr for Expected {
    type Err = ExpectedError;

    fn from_str(text: &str) -> Result<Self, ExpectedError> {
        let time = |text: &str| text.trim().parse::<LocalTime>().map_err(|_| ExpectedError);
        let minutes = |text: &str| {
            let number = text.trim().strip_suffix('m').ok_or(ExpectedError)?;
            number.parse::<u32>().map_err(|_| ExpectedError)
        };
        if let Some((hours, every)) = text.split_once('/') {
            let (from, until) = hours.split_once('-').ok_or(ExpectedError)?;
            return Ok(Self::Within(Hours {
                from: time(from)?,
                until: time(until)?,
                every_minutes: minutes(every)?,
            }));
        }
        if text.contains(':') {
            let times: Result<Vec<LocalTime>, ExpectedError> = text.split(',').map(time).collect();
            return Ok(Self::DailyAt(times?));
        }
        Ok(Self::EveryMinutes(minutes(text)?))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryMinutes(minutes) => write!(f, "{minutes}m"),
            Self::DailyAt(times) => {
                let times: Vec<String> = times.iter().map(LocalTime::to_string).collect();
                f.write_str(&times.join(","))
            }
            Self::Within(hours) => {
                write!(f, "{}-{}/{}m", hours.from, hours.until, hours.every_minutes)
            }
        }
    }
}
