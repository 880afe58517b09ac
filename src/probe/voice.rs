//! The probe's gateway: an outbox, a sender and a made-up reading now and then.
//!
//! It has an identity of its own and comes in by the front door like every home. It speaks when
//! the last round is as old as the rhythm says, by the record, so that a restart neither repeats
//! nor forgets one; and it never piles up: a reading that still waits for its acknowledgement is
//! the round that is missed.
//!
//! What goes wrong here is logged and tried again. It stops nobody: the silence is the alarm.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use veglia_diary::probe::{self, DEVICE, GATEWAY, Leg, Pace};
use veglia_identity::IdentityFile;
use veglia_link::sender::{self, Timing};
use veglia_link::{Access, Address, LinkStatus, Outbox, OutboxOptions, Secret, SenderConfig};
use veglia_store::{Actor, Database};
use veglia_wire::{
    Body, Boot, CareClock, ClockState, DeviceId, GatewayId, MonoMs, Partition, Quality, Record,
    RecordId, Site, Vital, VitalKind, When,
};

use crate::config::Config;
use crate::datadir::RoleDir;
use crate::{clock, identity};

/// Oxygen in tenths of a per cent, low enough that nobody waits for a repeat.
const RED_TENTHS: i32 = 800;

/// The broker takes up a new identity within a second, and may be starting beside us.
const BEFORE_KNOCKING: Duration = Duration::from_secs(2);

/// Before what failed is tried again.
const REST: Duration = Duration::from_secs(30);

/// Longest pause between two attempts to reach the broker: it is on this machine.
const RECONNECT_LONGEST: Duration = Duration::from_secs(2);

/// One reading at a time: the smallest outbox there is.
const OUTBOX: OutboxOptions = OutboxOptions {
    segment_bytes: 64 * 1024,
    max_total_bytes: 1024 * 1024,
    commit_window: Duration::ZERO,
};

const ACTOR: Actor = Actor::System("probe");

/// Who speaks.
pub(crate) struct Voice {
    pub(crate) data: PathBuf,
    pub(crate) identities: PathBuf,
    pub(crate) secret_file: PathBuf,
    pub(crate) broker: String,
    pub(crate) record: Database,
    pub(crate) care: CareClock,
    pub(crate) pace: Pace,
}

impl Voice {
    /// As the configuration has it; none when the probe is off.
    ///
    /// # Errors
    /// A sentence for times that cannot work.
    pub(crate) fn of(config: &Config, record: Database, care: CareClock) -> Result<Option<Self>> {
        let Some(pace) = config.probe.pace(&care)? else {
            return Ok(None);
        };
        let broker = config.probe.broker.as_ref();
        Ok(Some(Self {
            data: config.data.clone(),
            identities: config.identities(),
            secret_file: config.probe.secret_file.clone(),
            broker: broker.unwrap_or(&config.ingest.broker).clone(),
            record,
            care,
            pace,
        }))
    }

    /// Speaks until told to stop.
    pub(crate) async fn speak(self, stop: CancellationToken) {
        let mut was_well = true;
        while !stop.is_cancelled() {
            if let Err(error) = self.life(&stop).await
                && std::mem::replace(&mut was_well, false)
            {
                let error = format!("{error:#}");
                tracing::error!(error, "the alarm path's probe does not speak; trying again");
            }
            stop.run_until_cancelled(tokio::time::sleep(REST)).await;
        }
    }

    async fn life(&self, stop: &CancellationToken) -> Result<()> {
        let dir = RoleDir::take(&self.data, Path::new("probe"))?;
        let sender = self.sender()?;
        let outbox = Outbox::open(&dir.path().join("outbox"), OUTBOX)?;
        let knocking = tokio::time::sleep(BEFORE_KNOCKING);
        if stop.run_until_cancelled(knocking).await.is_none() {
            return Ok(());
        }
        let boot = sender.boot;
        let ending = stop.child_token();
        let mut sending = tokio::spawn(sender::run(sender, outbox.clone(), ending.clone()));
        let spoken = tokio::select! {
            spoken = self.rounds(boot, &outbox, stop) => Some(spoken),
            ended = &mut sending => {
                ended.context("the probe's sender died")??;
                None
            }
        };
        if let Some(spoken) = spoken {
            ending.cancel();
            sending.await.context("the probe's sender died")??;
            spoken?;
        }
        outbox.close().await;
        Ok(())
    }

    fn sender(&self) -> Result<SenderConfig> {
        let gateway = GatewayId::new(GATEWAY)?;
        if !self.secret_file.exists() {
            let identities = IdentityFile::new(&self.identities);
            // Whoever has the secret that was lost may not speak for us.
            identities
                .revoke(GATEWAY, clock::unix())
                .map_err(anyhow::Error::from)
                .and_then(|_| identity::admit_gateway(&identities, &gateway, &self.secret_file))
                .context("the probe cannot be admitted to the broker")?;
        }
        let secret = std::fs::read_to_string(&self.secret_file)
            .with_context(|| format!("cannot read {}", self.secret_file.display()))?;
        let access = Access::Secret(Secret::new(secret.trim()));
        let broker: Address = self.broker.parse()?;
        let fits = access.check(&broker);
        fits.with_context(|| {
            format!(
                "the probe's broker {broker} cannot be used: name one on this machine with \
                 [probe] broker, or turn the probe off with every = \"0s\""
            )
        })?;
        let started = u32::try_from(clock::unix().0).unwrap_or(u32::MAX);
        Ok(SenderConfig {
            broker,
            access,
            partition: Partition::of(&gateway),
            gateway,
            software: env!("CARGO_PKG_VERSION").into(),
            boot: Boot(started),
            clock_state: watch::channel(ClockState::Holdover).1,
            clock: self.care.clone(),
            timing: Timing {
                reconnect_cap: RECONNECT_LONGEST,
                ..Timing::default()
            },
            status: watch::channel(LinkStatus::default()).0,
        })
    }

    async fn rounds(&self, boot: Boot, outbox: &Outbox, stop: &CancellationToken) -> Result<()> {
        let began = Instant::now();
        let mut pause = self.until_due().await;
        loop {
            let paused = tokio::time::sleep(pause);
            if stop.run_until_cancelled(paused).await.is_none() {
                return Ok(());
            }
            if outbox.status().waiting() == 0 {
                self.say(boot, began, outbox).await?;
            }
            pause = self.wall(self.pace.every_ms);
        }
    }

    /// How long after the last round the next one is due. A record that does not answer does not
    /// keep the probe from speaking: it will be missed.
    async fn until_due(&self) -> Duration {
        let newest = probe::rounds(&self.record, &ACTOR, 1).await.ok();
        let newest = newest.and_then(|rounds| rounds.into_iter().next());
        let age_ms = newest.map(|round| self.care.now().since(round.began));
        let left_ms = age_ms
            .filter(|age| *age >= 0)
            .map_or(0, |age_ms| self.pace.every_ms.saturating_sub(age_ms).max(0));
        self.wall(left_ms)
    }

    fn wall(&self, care_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(self.care.wall_ms(care_ms)).unwrap_or_default())
    }

    async fn say(&self, boot: Boot, began: Instant, outbox: &Outbox) -> Result<()> {
        let now = self.care.now();
        let mono = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let record = Record {
            device: Some(DeviceId::new(DEVICE)?),
            when: When {
                boot,
                mono: MonoMs(mono.saturating_mul(u64::from(self.care.speed()))),
                wall: Some(now),
                device: None,
            },
            body: Body::Reading(
                Vital::from_steps(VitalKind::SpO2, RED_TENTHS, Site::Unknown)?,
                Quality::empty(),
            ),
        };
        let appended = outbox.append(vec![record]).await?;
        let id = RecordId {
            epoch: outbox.status().epoch,
            sequence: appended.last,
        };
        let noted = probe::note(&self.record, &ACTOR, &id.to_string(), Leg::Spoken, now).await;
        if let Err(error) = noted {
            tracing::debug!(%error, "the record does not hear what the probe says");
        }
        Ok(())
    }
}
