//! The `[probe]` section: how often a made-up red goes the way of an alarm, and who misses it.
//!
//! The probe's gateway runs beside the dashboard ([`voice`]): what it says leaves the process
//! through the front door of the broker, and comes home through ingest, the rules, the record and
//! the outbox of messages. Dashboard and ingest each judge by a clock of their own whether it came
//! home; what a round is, and when one is missed, is `veglia_diary::probe`.
//!
//! Time is that of care. In a demonstration, where minutes pass in seconds, the way itself still
//! takes wall time: there the shortest waits are [`EVERY_WALL`] and [`WITHIN_WALL`].
//!
//! **Limits**: the probe proves who it is by a secret, so the broker must listen on this machine
//! for it. A centre whose broker is elsewhere turns it off.

#[cfg(feature = "dashboard")]
pub(crate) mod voice;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use serde::{Deserialize, Deserializer, de};
use veglia_diary::probe::Pace;
use veglia_wire::CareClock;

/// Shortest time between two rounds: the way takes about two seconds, and nobody acts sooner.
const EVERY_MIN: SignedDuration = SignedDuration::from_secs(10);

/// Shortest time that a round may be given.
const WITHIN_MIN: SignedDuration = SignedDuration::from_secs(5);

/// The same on the wall, where care time is faster than it.
const EVERY_WALL: Duration = Duration::from_secs(10);

/// A busy machine that shows a demonstration may take so long for a round.
const WITHIN_WALL: Duration = Duration::from_secs(30);

/// The `[probe]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// From one round to the next; zero turns the probe off.
    #[serde(deserialize_with = "span")]
    every: SignedDuration,
    /// How long a round may take.
    #[serde(deserialize_with = "span")]
    within: SignedDuration,
    /// Where the broker is; none: where ingest finds it.
    pub(crate) broker: Option<String>,
    /// The file of the probe's secret. It is made when there is none.
    pub(crate) secret_file: PathBuf,
    /// Who is called outside after each round.
    ping: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            every: SignedDuration::from_mins(5),
            within: SignedDuration::from_mins(2),
            broker: None,
            secret_file: PathBuf::from("probe.secret"),
            ping: None,
        }
    }
}

fn span<'de, D: Deserializer<'de>>(input: D) -> Result<SignedDuration, D::Error> {
    let text = String::deserialize(input)?;
    crate::clock::span(&text).map_err(de::Error::custom)
}

impl Config {
    /// The section as `veglia config` prints it.
    pub(crate) const TEMPLATE: &str = "\
[probe]
# So often a made-up red reading goes from a gateway of the centre's own through broker, ingest,
# rules, record and outbox to a test alert that closes itself; \"0s\" turns it off. It is no
# patient's and is in no figure.
every = \"5m\"
# When a round is not home within this, the ward, veglia status and whoever is on duty are told.
within = \"2m\"
# Where the broker listens on this machine; without it, where [ingest] finds it.
# broker = \"localhost:1883\"
# The secret of the probe's gateway, veglia-probe; made when there is none.
secret_file = \"probe.secret\"
# Called after each round, signed as in [notify.webhook], which it needs: who does not hear it any
# more knows that the whole centre may be down.
# ping = \"https://example.org/veglia\"
";

    /// Lets relative paths start in the data directory.
    pub(crate) fn place(&mut self, data: &Path) {
        self.secret_file = data.join(&self.secret_file);
    }

    /// The rhythm by the clock of care; none when the probe is off.
    ///
    /// # Errors
    /// A sentence for times that cannot work.
    pub(crate) fn pace(&self, care: &CareClock) -> Result<Option<Pace>> {
        if self.every.is_zero() {
            return Ok(None);
        }
        ensure!(
            self.every >= EVERY_MIN,
            "[probe] every must be {EVERY_MIN:#} or more, or 0s to turn the probe off"
        );
        ensure!(
            self.within >= WITHIN_MIN,
            "[probe] within must be {WITHIN_MIN:#} or more"
        );
        Ok(Some(Pace {
            every_ms: care_ms(self.every, EVERY_WALL, care),
            within_ms: care_ms(self.within, WITHIN_WALL, care),
        }))
    }

    /// What the dashboard is told; none when the probe is off.
    ///
    /// # Errors
    /// A sentence for what cannot work.
    #[cfg(feature = "dashboard")]
    pub(crate) fn watched(
        &self,
        care: &CareClock,
        notify: &veglia_notify::Config,
    ) -> Result<Option<veglia_dashboard::AlarmPath>> {
        use anyhow::Context;
        use veglia_people::contacts::{Address, Channel};

        let ping = self.ping.as_ref().map(|ping| {
            ensure!(
                notify.webhook.is_some(),
                "[probe] ping needs [notify.webhook]: its secret signs the call"
            );
            Address::new(Channel::Webhook, ping).context("[probe] ping cannot be called")
        });
        let ping = ping.transpose()?;
        let pace = self.pace(care)?;
        Ok(pace.map(|pace| veglia_dashboard::AlarmPath { pace, ping }))
    }
}

/// A stretch of care, but on the wall no shorter than it would be there or than `wall`.
fn care_ms(span: SignedDuration, wall: Duration, care: &CareClock) -> i64 {
    let ms = |time: u128| i64::try_from(time).unwrap_or(i64::MAX);
    let (span_ms, wall_ms) = (ms(span.unsigned_abs().as_millis()), ms(wall.as_millis()));
    let shortest = span_ms.min(wall_ms);
    let speed = i64::from(care.speed());
    span_ms.max(shortest.saturating_mul(speed))
}

#[cfg(test)]
mod tests {
    use veglia_wire::WallMs;

    use super::*;

    fn pace(text: &str, speed: u32) -> Result<Option<Pace>> {
        let config: Config = toml::from_str(text).unwrap();
        let care = CareClock::anchored(crate::clock::wall(), WallMs(0), WallMs(0), speed);
        config.pace(&care)
    }

    #[test]
    fn the_rhythm_is_that_of_care_and_no_faster_on_the_wall_than_the_way_takes() {
        let usual = pace("", 1).unwrap().unwrap();
        assert_eq!((usual.every_ms, usual.within_ms), (300_000, 120_000));
        // Ten seconds and thirty, at a minute in a second.
        let shown = pace("", 60).unwrap().unwrap();
        assert_eq!((shown.every_ms, shown.within_ms), (600_000, 1_800_000));
        assert_eq!(pace("every = \"0s\"", 1).unwrap(), None);
    }

    #[test]
    fn times_that_cannot_work_are_refused_by_their_key() {
        for (text, key) in [
            ("every = \"1s\"", "[probe] every"),
            ("within = \"1s\"", "[probe] within"),
            ("every = \"-5m\"", "[probe] every"),
        ] {
            let error = pace(text, 1).unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[cfg(feature = "dashboard")]
    #[test]
    fn a_call_outward_needs_what_signs_it() {
        let config: Config = toml::from_str("ping = \"https://example.org/x\"").unwrap();
        let care = CareClock::real(crate::clock::wall());
        let notify = veglia_notify::Config::default();
        let error = config.watched(&care, &notify).unwrap_err().to_string();
        assert!(error.contains("[notify.webhook]"), "{error}");
    }
}
