//! The gateway of the telephone: what the pages write down goes to ingest as from any home.
//!
//! It has an identity of its own at the broker, `veglia-phone`, which is made when there is none,
//! and an outbox in the dashboard's folder. It runs beside the pages for as long as they do: a
//! broker that is away, or an identity that cannot be had yet, is tried again, and what was said
//! waits on the disk meanwhile.
//!
//! An outbox that does not open keeps no page from being served: the form says that nothing can be
//! saved, and the log says why.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Error, Result};
use tokio_util::sync::CancellationToken;
use veglia_identity::IdentityFile;
use veglia_intake::{Config, GATEWAY, Line, LinkState};
use veglia_store::Database;
use veglia_wire::{CareClock, GatewayId};

use crate::{clock, identity};

/// The broker takes up a new identity within a second, and may be starting beside us.
const BEFORE_KNOCKING: Duration = Duration::from_secs(2);

/// Before what failed is tried again: somebody is on the telephone.
const REST: Duration = Duration::from_secs(5);

/// Who sends, and where.
pub(crate) struct Phone {
    pub(crate) line: Line,
    pub(crate) config: Config,
    pub(crate) identities: PathBuf,
    /// Where ingest finds the broker.
    pub(crate) usual: String,
    pub(crate) care: CareClock,
}

/// Opens the line in the dashboard's folder; none, after saying why, when it does not open.
pub(crate) fn line(dashboard: &Path, record: &Database, care: &CareClock) -> Option<Line> {
    let folder = dashboard.join("phone");
    match Line::open(&folder, record.clone(), care.clone()) {
        Ok(line) => Some(line),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::error!(error, "what is said on the telephone cannot be saved");
            None
        }
    }
}

/// What was last written into the log, so that every change is written, once.
#[derive(Default)]
struct Told {
    fault: Option<String>,
    link: Option<LinkState>,
}

impl Told {
    fn fault(&mut self, error: &Error) {
        let error = format!("{error:#}");
        if self.fault.as_ref() != Some(&error) {
            tracing::error!(
                error,
                "what is said on the telephone is not sent; trying again"
            );
        }
        self.fault = Some(error);
        self.link = None;
    }

    fn link(&mut self, state: Option<LinkState>) {
        let Some(state) = state.filter(|_| state != self.link) else {
            return;
        };
        match state {
            LinkState::Sends => tracing::info!("what is said on the telephone is sent"),
            LinkState::Away => {
                tracing::warn!("what is said on the telephone waits for the broker");
            }
            LinkState::Refused(why) => tracing::error!(
                ?why,
                "what is said on the telephone is not sent: the broker refuses {GATEWAY}"
            ),
        }
        self.link = Some(state);
        self.fault = None;
    }
}

impl Phone {
    /// Sends until told to stop.
    pub(crate) async fn speak(self, stop: CancellationToken) {
        let mut told = Told::default();
        while !stop.is_cancelled() {
            if let Err(error) = self.life(&stop, &mut told).await {
                told.fault(&error);
            }
            stop.run_until_cancelled(tokio::time::sleep(REST)).await;
        }
        self.line.outbox().close().await;
    }

    async fn life(&self, stop: &CancellationToken, told: &mut Told) -> Result<()> {
        if self.admit()? {
            let knocking = tokio::time::sleep(BEFORE_KNOCKING);
            stop.run_until_cancelled(knocking).await;
        }
        let way = self.config.broker(&self.usual)?;
        let (software, care) = (env!("CARGO_PKG_VERSION"), self.care.clone());
        let mut link = self.line.link();
        let sending = veglia_intake::send(&self.line, way, software, care, stop.clone());
        tokio::pin!(sending);
        loop {
            told.link(LinkState::of(&link.borrow_and_update()));
            tokio::select! {
                sent = &mut sending => return Ok(sent?),
                // The line keeps its end for as long as it lives.
                changed = link.changed() => changed?,
            }
        }
    }

    /// Lets the gateway in that has no secret yet; whether it had none.
    fn admit(&self) -> Result<bool> {
        let secret = &self.config.secret_file;
        if !self.config.is_by_secret() || secret.exists() {
            return Ok(false);
        }
        let (identities, gateway) = (
            IdentityFile::new(&self.identities),
            GatewayId::new(GATEWAY)?,
        );
        // Whoever has the secret that was lost may not speak for us.
        identities
            .revoke(GATEWAY, clock::unix())
            .map_err(anyhow::Error::from)
            .and_then(|_| identity::admit_gateway(&identities, &gateway, secret))
            .context("the gateway of the telephone cannot be admitted to the broker")?;
        Ok(true)
    }
}
