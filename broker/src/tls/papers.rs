//! What a client certificate says, kept for as long as its session: to be judged again.

use std::fmt;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, UnixTime};
use veglia_identity::CertificateFacts;

use crate::refusal::Refusal;

/// Most certificates that are kept of a chain. Ours come from the root itself; more would only
/// be memory that a stranger decides on.
const MOST_CERTIFICATES: usize = 4;

/// The certificate of somebody who has proved to hold its key.
pub(crate) struct Papers {
    facts: CertificateFacts,
    chain: Vec<CertificateDer<'static>>,
}

impl Papers {
    /// Of what a finished handshake has verified.
    pub(crate) fn of(chain: Option<&[CertificateDer<'static>]>) -> Result<Self, Refusal> {
        let chain = chain.unwrap_or_default();
        let leaf = chain.first().ok_or(Refusal::NoCertificate)?;
        if chain.len() > MOST_CERTIFICATES {
            return Err(Refusal::BadCertificate);
        }
        Ok(Self {
            facts: facts(leaf)?,
            chain: chain.to_vec(),
        })
    }

    /// Whom it names, and with which key.
    pub(crate) fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    pub(crate) fn leaf(&self) -> &CertificateDer<'static> {
        self.chain.first().expect("nobody has papers without one")
    }

    pub(crate) fn intermediates(&self) -> &[CertificateDer<'static>] {
        self.chain.get(1..).unwrap_or_default()
    }

    /// Whether its time is over.
    pub(crate) fn has_expired(&self, now: UnixTime) -> bool {
        let last = u64::try_from(self.facts.not_after.0).unwrap_or_default();
        now > UnixTime::since_unix_epoch(Duration::from_secs(last))
    }
}

pub(super) fn facts(leaf: &CertificateDer<'_>) -> Result<CertificateFacts, Refusal> {
    CertificateFacts::read(leaf).map_err(|_| Refusal::BadCertificate)
}

/// Who it is, and not five hundred bytes.
impl fmt::Debug for Papers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Papers").field(&self.facts.name).finish()
    }
}
