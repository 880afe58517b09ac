//! Says one phrase after the other.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use veglia_wire::WallMs;

use super::Phrase;
use super::config::{VoiceConfig, VoiceConfigError};
use super::lamp::{Lamp, Light};
use crate::clock::BoxClock;
use crate::heart::{Beat, TURNS_EVERY};

/// The longest phrase lasts two seconds. A player that takes longer than this hangs.
const SAID_WITHIN: Duration = Duration::from_secs(15);

/// How long the lamp blinks when nobody measures: whoever was asked has gone.
const BLINKS_FOR: Duration = Duration::from_secs(300);

/// What speaks.
pub(crate) struct Speaker {
    config: VoiceConfig,
    zone: TimeZone,
    clock: Arc<BoxClock>,
    phrases: mpsc::Receiver<Phrase>,
    lamp: Lamp,
    /// Playing failed, and that was told.
    is_mute: bool,
}

impl Speaker {
    /// Says aloud at its beginning, to the log, what is missing.
    pub(crate) fn new(
        config: VoiceConfig,
        clock: Arc<BoxClock>,
        phrases: mpsc::Receiver<Phrase>,
    ) -> Result<Self, VoiceConfigError> {
        let zone = config.zone()?;
        let missing: Vec<&str> = Phrase::ALL
            .into_iter()
            .map(Phrase::file)
            .filter(|file| !config.sounds.join(file).is_file())
            .collect();
        if !missing.is_empty() {
            tracing::warn!(
                missing = missing.join(", "),
                sounds = %config.sounds.display(),
                "the box cannot say everything: phrases are missing; the package has them"
            );
        }
        Ok(Self {
            lamp: Lamp::new(config.lamp.clone()),
            config,
            zone,
            clock,
            phrases,
            is_mute: false,
        })
    }

    /// Speaks until told to stop.
    pub(crate) async fn speak(mut self, beat: Beat, stop: CancellationToken) {
        self.lamp.set(Light::On);
        let mut blinks_until = None;
        loop {
            beat.beat();
            let over = async {
                match blinks_until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let phrase = tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(TURNS_EVERY) => continue,
                () = over => None,
                phrase = self.phrases.recv() => match phrase {
                    Some(phrase) => Some(phrase),
                    None => break,
                },
            };
            blinks_until = match phrase {
                Some(Phrase::MeasureAgain) => {
                    self.lamp.set(Light::Blinking);
                    Some(tokio::time::Instant::now() + BLINKS_FOR)
                }
                Some(Phrase::WeWillCall | Phrase::BatteryLow) => blinks_until,
                Some(Phrase::Received) | None => {
                    self.lamp.set(Light::On);
                    None
                }
            };
            if let Some(phrase) = phrase.filter(|it| it.is_asked_for() || !self.is_night()) {
                self.say(phrase).await;
            }
        }
        self.lamp.set(Light::Off);
    }

    /// Without a clock it may be.
    fn is_night(&self) -> bool {
        self.hour().is_none_or(|hour| self.config.is_quiet(hour))
    }

    fn hour(&self) -> Option<u8> {
        let WallMs(ms) = self.clock.stamp(None).wall?;
        let now = Timestamp::from_millisecond(ms).ok()?;
        u8::try_from(now.to_zoned(self.zone.clone()).hour()).ok()
    }

    async fn say(&mut self, phrase: Phrase) {
        let file = self.config.sounds.join(phrase.file());
        match play(&self.config.player, &file).await {
            Ok(()) => self.is_mute = false,
            Err(_) if self.is_mute => {}
            Err(why) => {
                self.is_mute = true;
                tracing::warn!(
                    file = %file.display(), why,
                    "the box cannot speak: see that there is a sound card, that alsa-utils is \
                     installed, and that this user is in the group audio"
                );
            }
        }
    }
}

/// Plays a file, or says why not.
async fn play(player: &[String], file: &Path) -> Result<(), String> {
    let [program, arguments @ ..] = player else {
        return Err("no player is named".to_owned());
    };
    let spawned = Command::new(program)
        .args(arguments)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let child = spawned.map_err(|error| format!("{program}: {error}"))?;
    match tokio::time::timeout(SAID_WITHIN, child.wait_with_output()).await {
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let line = said.lines().next().unwrap_or_default();
            Err(format!("{program}: {}: {line}", output.status))
        }
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Err(_) => Err(format!(
            "{program} did not end in {} s",
            SAID_WITHIN.as_secs()
        )),
    }
}
