//! A certificate is renewed while the gateway runs, a third of its life before its end.
//!
//! The request is signed with the box's own key, which the centre has listed: that is proof
//! enough, and so a box whose certificate has ended (a summer in a drawer) comes back by itself.
//! The link reads the files again for each connection, so the new certificate is used from the
//! next one on.
//!
//! A clock may step, and a box may not know the time at all: so the question "is it due?" is asked
//! again and again, and also answered with yes when the broker says that the certificate ended,
//! or that it does not know it: a wrong certificate beside the right key is then replaced.
//!
//! Nothing secret is asked with, and the answer must be signed by the root that was kept, so here
//! the roots of the operating system may vouch for the connection too.

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_identity::{
    CertificateError, CertificateFacts, Fingerprint, GATEWAY_DAYS, Key, KeyError, Pin, RefusalKind,
    RenewRequest, UnixSeconds,
};
use veglia_link::{CertificateFiles, LinkStatus, Refused, date};
use veglia_wire::Clock;

use crate::answer::{self, AnswerError};
use crate::centre::{Centre, CentreError, Trust};
use crate::enrolment::{self, Enrolment, EnrolmentError};

/// Where a certificate is renewed, below the centre's address.
const PATH: &str = "/enrol/renew";

/// How often it is asked whether renewal is due.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// Boxes that were enrolled on one day are renewed over three.
const SPREAD_SECONDS: i64 = 3 * 24 * 60 * 60;

/// The shortest pause after the centre was asked, in vain or not; with jitter up to four times as
/// long. A month of these is left before the certificate ends.
const PAUSE_AFTER_ASKING: Duration = Duration::from_secs(15 * 60);

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error(transparent)]
    Centre(#[from] CentreError),
    #[error("the answer of the centre cannot be used")]
    Answer(#[from] AnswerError),
    #[error("the key of this box cannot be used")]
    Key(#[from] KeyError),
    #[error("the certificate of this box cannot be read")]
    Certificate(#[from] CertificateError),
    #[error("the files of the enrolment cannot be used")]
    Files(#[from] EnrolmentError),
    #[error("the disk was not asked, because the gateway stops")]
    Stopping(#[from] tokio::task::JoinError),
}

/// Keeps the certificate of an enrolled box fresh.
pub(crate) struct Renewal {
    pub(crate) dir: PathBuf,
    pub(crate) enrolment: Enrolment,
    pub(crate) wall: Arc<dyn Clock>,
    pub(crate) link: watch::Receiver<LinkStatus>,
}

impl Renewal {
    /// Renews whenever it is due, until `stop`. A failure is logged and tried again: readings are
    /// kept and sent all the same for as long as the certificate lasts.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let jitter = fastrand::i64(0..SPREAD_SECONDS);
        let mut told: Option<String> = None;
        loop {
            let asked = match self.round(jitter).await {
                Ok(asked) => {
                    told = None;
                    asked
                }
                Err(error) => {
                    tell(&error, &mut told);
                    true
                }
            };
            let pause = async {
                if asked {
                    sleep(PAUSE_AFTER_ASKING.mul_f64(1.0 + 3.0 * fastrand::f64())).await;
                } else {
                    drop(timeout(LOOK_EVERY, self.not_accepted()).await);
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = pause => {}
            }
        }
    }

    /// When the broker says that it wants another certificate.
    async fn not_accepted(&mut self) {
        if self.link.wait_for(wants_another).await.is_err() {
            pending::<()>().await;
        }
    }

    /// Renews if it is due. True if the centre was asked.
    async fn round(&self, jitter: i64) -> Result<bool, RenewalError> {
        let files = enrolment::certificate_files(&self.dir);
        let own = spawn_blocking(move || Own::read(&files)).await??;
        let now = self.now();
        let refused = wants_another(&self.link.borrow());
        if !refused && !is_due(&own.facts, now, jitter) {
            return Ok(false);
        }
        self.renew(own).await?;
        Ok(true)
    }

    /// What the clock says.
    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.wall.now().0.div_euclid(1000))
    }

    async fn renew(&self, own: Own) -> Result<(), RenewalError> {
        let Own { facts, key, pin } = own;
        let trust = Trust {
            pin,
            public_ca: true,
            not_before: facts.made_after(GATEWAY_DAYS),
        };
        let centre: Centre = self.enrolment.centre.parse()?;
        let question = RenewRequest {
            request: key.request(self.enrolment.gateway.as_str())?,
        };
        let answer = centre.ask(PATH, &question, trust, &self.wall).await?;
        let fresh = answer::believe(&answer, &centre, key.hash(), pin, self.now())?;
        if fresh.gateway != self.enrolment.gateway {
            return Err(AnswerError::OtherName {
                found: fresh.gateway.to_string(),
                name: self.enrolment.gateway.to_string(),
            }
            .into());
        }
        if fresh.broker != self.enrolment.broker {
            tracing::warn!(
                broker = %fresh.broker,
                "the centre's broker has another address now: enrol this box again, or set \
                 [gateway] broker"
            );
        }
        let facts = CertificateFacts::read_pem(&answer.certificate)?;
        let dir = self.dir.clone();
        spawn_blocking(move || enrolment::renewed(&dir, &answer.certificate)).await??;
        tracing::info!(
            until = date(facts.not_after),
            "the certificate of this box was renewed"
        );
        Ok(())
    }
}

/// What the box has.
struct Own {
    facts: CertificateFacts,
    key: Key,
    /// What the centre's root certificate is known by.
    pin: Pin,
}

impl Own {
    fn read(files: &CertificateFiles) -> Result<Self, RenewalError> {
        let root = CertificateDer::from_pem_slice(text(&files.authority)?.as_bytes());
        let root = root.map_err(|_| CertificateError::Pem)?;
        Ok(Self {
            facts: CertificateFacts::read_pem(&text(&files.certificate)?)?,
            key: Key::open(&files.key)?,
            pin: Fingerprint::of(&root).pin(),
        })
    }
}

fn text(path: &Path) -> Result<String, EnrolmentError> {
    fs::read_to_string(path).map_err(|source| EnrolmentError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Whether the broker refuses the certificate, and another might help.
fn wants_another(status: &LinkStatus) -> bool {
    matches!(status.refused, Some(Refused::Expired | Refused::Unknown))
}

/// Whether it is time, so many seconds after the earliest.
fn is_due(facts: &CertificateFacts, now: UnixSeconds, jitter: i64) -> bool {
    now.0 >= facts.renew_from().0.saturating_add(jitter)
}

/// Logs a failure when it is another than the last.
fn tell(error: &RenewalError, told: &mut Option<String>) {
    let text = error.to_string();
    if told.as_ref() == Some(&text) {
        return;
    }
    let is_revoked = matches!(
        error,
        RenewalError::Centre(CentreError::Refused(refusal)) if refusal.kind == RefusalKind::Revoked
    );
    if is_revoked {
        tracing::error!("this box was revoked by the centre: call the centre");
    } else {
        let error: &dyn std::error::Error = error;
        tracing::warn!(error, "the certificate was not renewed; trying again");
    }
    *told = Some(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_certificate_is_asked_for_when_the_broker_does_not_take_this_one() {
        let wants = |refused| {
            wants_another(&LinkStatus {
                refused,
                ..LinkStatus::default()
            })
        };
        assert!(wants(Some(Refused::Expired)));
        assert!(wants(Some(Refused::Unknown)));
        assert!(!wants(Some(Refused::Revoked)));
        assert!(!wants(None));
    }

    #[test]
    fn a_certificate_is_due_when_two_thirds_of_its_life_are_over() {
        let key = Key::generate().unwrap().hash();
        let facts = CertificateFacts {
            name: "casa-1".to_owned(),
            key,
            not_before: UnixSeconds(0),
            not_after: UnixSeconds(0).plus_days(90),
        };
        let due = |day, jitter| is_due(&facts, UnixSeconds(0).plus_days(day), jitter);
        assert!(!due(59, 0));
        assert!(due(60, 0));
        assert!(!due(62, SPREAD_SECONDS));
        assert!(due(63, SPREAD_SECONDS));
    }
}
