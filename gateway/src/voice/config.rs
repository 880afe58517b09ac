//! The `[gateway.voice]` section: where the phrases are, how they are played, and when not.

use std::path::PathBuf;

use serde::Deserialize;

/// The `[gateway.voice]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VoiceConfig {
    /// The folder with the phrases.
    pub sounds: PathBuf,
    /// The program that plays a WAV file, named behind its arguments; looked for on the path.
    pub player: Vec<String>,
    /// The folder of a lamp under `/sys/class/leds`; none: there is no lamp.
    pub lamp: Option<PathBuf>,
    /// From this hour on nothing is said that nobody asked for, 0 to 23.
    pub quiet_from: u8,
    /// Until this hour, 0 to 23; the same hour: it is never quiet.
    pub quiet_until: u8,
    /// Where the home is: an IANA time zone.
    pub time_zone: String,
}

impl Default for VoiceConfig {
    fn default() -> Self {
        Self {
            sounds: PathBuf::from("/usr/share/veglia/sounds"),
            player: ["aplay", "-q"].map(str::to_owned).to_vec(),
            lamp: None,
            quiet_from: 22,
            quiet_until: 7,
            time_zone: "Europe/Rome".to_owned(),
        }
    }
}

/// What is wrong with the section.
#[derive(Debug, thiserror::Error)]
pub enum VoiceConfigError {
    /// An hour that no day has.
    #[error("quiet_from and quiet_until are hours, 0 to 23, not {0}")]
    Hour(u8),
    /// No program to play with.
    #[error("player names no program: write player = [\"aplay\", \"-q\"]")]
    NoPlayer,
    /// Nowhere on earth.
    #[error("time_zone = {name:?} is none: write for example \"Europe/Rome\"")]
    Zone {
        /// What stands there.
        name: String,
        /// Why not.
        #[source]
        source: jiff::Error,
    },
}

impl VoiceConfig {
    pub(crate) fn check(&self) -> Result<(), VoiceConfigError> {
        let hours = [self.quiet_from, self.quiet_until];
        if let Some(hour) = hours.into_iter().find(|hour| *hour > 23) {
            return Err(VoiceConfigError::Hour(hour));
        }
        if self.player.is_empty() {
            return Err(VoiceConfigError::NoPlayer);
        }
        self.zone().map(drop)
    }

    pub(super) fn zone(&self) -> Result<jiff::tz::TimeZone, VoiceConfigError> {
        let zone = jiff::tz::TimeZone::get(&self.time_zone);
        zone.map_err(|source| VoiceConfigError::Zone {
            name: self.time_zone.clone(),
            source,
        })
    }

    /// Whether nothing should be said at this hour that nobody asked for.
    pub(super) fn is_quiet(&self, hour: u8) -> bool {
        let (from, until) = (self.quiet_from, self.quiet_until);
        if from <= until {
            (from..until).contains(&hour)
        } else {
            hour >= from || hour < until
        }
    }
}
