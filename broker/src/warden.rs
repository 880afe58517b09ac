//! What may change while the door is open, and who is judged again when it does.
//!
//! The identity file and the files of TLS are looked at twice a second, so that a revocation ends
//! a running session within one. Whatever changed, every session is asked the same question that
//! it was let in by: does the list still say what it said, and does the authority still vouch for
//! the certificate? A certificate whose time is over ends its session too: its owner has had a
//! month to come back with a new one.
//!
//! A list that cannot be read changes nothing: the last good one stays in force.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep};
use veglia_identity::{Identities, Poll, Watch};

use crate::arrivals::Arrivals;
use crate::refusal::Refusal;
use crate::takeover::{Seats, Sitter};
use crate::tls::Trust;
use crate::tls::files::{Files, Look};

/// How soon an enrolment or a revocation takes effect; a change of a TLS file in twice this.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whoever keeps the list and the terms of TLS up to date.
#[derive(Debug)]
pub(crate) struct Warden {
    pub(crate) list: Watch,
    pub(crate) identities: watch::Sender<Arc<Identities>>,
    /// Absent without TLS.
    pub(crate) files: Option<Files>,
    pub(crate) trust: watch::Sender<Trust>,
    pub(crate) arrivals: Arc<Arrivals>,
    pub(crate) seats: Arc<Seats>,
}

impl Warden {
    /// Looks for ever. Ends only by a panic, which the door must not outlive.
    pub(crate) async fn watch(mut self) -> JoinError {
        loop {
            sleep(LOOK_EVERY).await;
            let looked = spawn_blocking(move || {
                self.look(UnixTime::now());
                self
            });
            self = match looked.await {
                Ok(same) => same,
                Err(fault) => return fault,
            };
        }
    }

    /// Blocks for as long as the disk and the signatures take.
    fn look(&mut self, now: UnixTime) {
        // News first, then the sweep: who takes a seat from now on is judged by what is new.
        self.look_at_the_list();
        let is_other_trust = self.look_at_tls();
        let identities = Arc::clone(&self.identities.borrow());
        let trust = self.trust.borrow().clone();
        self.seats.judge(|sitter| {
            let judged = judge(sitter, &identities);
            judged.and_then(|()| vouch(sitter, &trust, is_other_trust, now))
        });
        self.seats.tidy(Instant::now());
        self.arrivals.tidy(Instant::now());
    }

    fn look_at_the_list(&mut self) {
        match self.list.poll() {
            Poll::Unchanged => {}
            Poll::Changed(identities) => {
                tracing::info!(known = identities.len(), "the identity file has changed");
                self.identities.send_replace(identities);
            }
            Poll::Broken(fault) => {
                let fault: &dyn Error = &fault;
                tracing::error!(
                    error = fault,
                    "the last good list of identities stays in force"
                );
            }
        }
    }

    /// Whether others are trusted from now on.
    fn look_at_tls(&mut self) -> bool {
        let Some(files) = &mut self.files else {
            return false;
        };
        match files.look() {
            Look::Unchanged => return false,
            Look::Changed(terms) => {
                tracing::info!("new handshakes use the new files of TLS");
                self.trust.send_replace(Some(Arc::new(terms)));
            }
            Look::Withdrawn => {
                tracing::error!(
                    "the authority's certificate is gone: nobody who comes with a certificate \
                     stays or gets in until it is back"
                );
                self.trust.send_replace(None);
            }
            Look::Broken(fault) => {
                let fault: &dyn Error = &fault;
                tracing::error!(error = fault, "the last good files of TLS stay in force");
                return false;
            }
        }
        true
    }
}

/// Whether the list still says of somebody what it said.
pub(crate) fn judge(sitter: &Sitter, identities: &Identities) -> Result<(), Refusal> {
    let entry = identities.entry(sitter.entry.identity().name());
    if entry == Some(&sitter.entry) {
        Ok(())
    } else {
        Err(Refusal::Revoked)
    }
}

/// Whether somebody who came with a certificate is still vouched for. Under the same trust only
/// time can have changed that.
pub(crate) fn vouch(
    sitter: &Sitter,
    trust: &Trust,
    is_other_trust: bool,
    now: UnixTime,
) -> Result<(), Refusal> {
    let Some(papers) = &sitter.papers else {
        return Ok(());
    };
    let terms = trust.as_ref().ok_or(Refusal::UnknownAuthority)?;
    if papers.has_expired(now) {
        return Err(Refusal::CertificateExpired);
    }
    if is_other_trust {
        return terms.vouch(papers, now);
    }
    Ok(())
}
