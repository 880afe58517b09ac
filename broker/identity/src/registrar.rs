//! Who brings boxes in: what a page does when a box asks to be enrolled or renewed.
//!
//! A page only mounts it: it reads a JSON body of at most [`MAX_BODY_BYTES`], hands the request
//! over with the time, and answers with the [`Admission`], or with the [`Refusal`] and its status.
//! Everything here blocks on the disk.
//!
//! A request is signed by the key it is about, so nobody is admitted with a key they do not hold.
//! A renewal needs nothing else: whoever repeats somebody's request gets a certificate for a key
//! they do not have.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authority::{Authority, SignError};
use crate::code::EnrolmentCode;
use crate::edit::{EditError, IdentityFile};
use crate::enrolments::{EnrolmentError, EnrolmentFile, NoTicket, Progress, Ticket};
use crate::identities::{Credential, Entry, Identities, Identity, LoadError};
use crate::key::KeyHash;
use crate::request::Request;
use crate::seconds::UnixSeconds;

/// Largest body of a request: a signing request of the largest size, a code, and the quotes and
/// escapes of JSON.
pub const MAX_BODY_BYTES: usize = 8 * 1024;

/// `POST /enrol`: a box asks to be let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// The one-time code, as it was typed or scanned.
    pub code: String,
    /// The signing request, PEM.
    pub request: String,
}

/// Redacted: a code in a log is no secret.
impl fmt::Debug for EnrolRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolRequest(redacted)")
    }
}

/// `POST /enrol/renew`: a box asks for its next certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewRequest {
    /// The signing request, PEM, signed by the key that is in the allow-list.
    pub request: String,
}

/// The answer to both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Who the box is from now on.
    pub gateway: String,
    /// Its partition, 0 to 63.
    pub partition: u8,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The root certificate, PEM.
    pub authority: String,
    /// Where the broker is: host and port.
    pub broker: String,
}

/// The answer when it cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// A sentence that says what to do.
    pub error: String,
    /// Which kind it is, for the program.
    pub kind: RefusalKind,
}

/// What a box can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalKind {
    /// No such code.
    UnknownCode,
    /// Another box has used it.
    Used,
    /// It came too late.
    Expired,
    /// The centre does not want this box any more, or not with this key.
    Revoked,
    /// The request itself is wrong; asking again changes nothing.
    BadRequest,
    /// Not now; asking again later may help.
    Busy,
}

impl RefusalKind {
    /// The HTTP status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::UnknownCode => 404,
            Self::Used | Self::Expired => 410,
            Self::Revoked => 403,
            Self::BadRequest => 400,
            Self::Busy => 503,
        }
    }
}

/// Why a box was not let in.
#[derive(Debug, thiserror::Error)]
pub enum RegistrarError {
    /// It asked for what cannot be; the sentence is for whoever installs the box.
    #[error("{}", .0.error)]
    Refused(Refusal),
    /// The allow-list could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The allow-list could not be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The codes could not be read or changed.
    #[error(transparent)]
    Codes(#[from] EnrolmentError),
    /// The certificate could not be made.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl RegistrarError {
    /// Whether the fault is here and not with the asker: then it belongs into the log.
    pub fn is_fault(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }

    /// What to tell the asker. A fault of ours is nobody else's business.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::Load(_) | Self::Edit(_) | Self::Codes(_) | Self::Sign(_) => Refusal {
                error: "the centre cannot do this now: try again in a few minutes, and call the \
                        centre if it stays so"
                    .to_owned(),
                kind: RefusalKind::Busy,
            },
        }
    }
}

/// What it needs to bring boxes in.
#[derive(Debug)]
pub struct Registrar {
    /// Signs their certificates.
    pub authority: Authority,
    /// The allow-list.
    pub identities: IdentityFile,
    /// The one-time codes.
    pub enrolments: EnrolmentFile,
    /// Where the broker is: host and port, as boxes reach it.
    pub broker: String,
}

impl Registrar {
    /// Lets a box in that has a code. The same code with the same key is answered again, so that
    /// a box whose answer was lost on the way can ask once more; the list is then not touched, so
    /// that whoever is removed at that moment stays removed.
    pub fn enrol(
        &self,
        asked: &EnrolRequest,
        now: UnixSeconds,
    ) -> Result<Admission, RegistrarError> {
        let code = self.code(&asked.code)?;
        let request = read(&asked.request)?;
        let key = request.key();
        let mut held = self.enrolments.hold()?;
        let ticket = held.look_up(&code, key, now).map_err(no_ticket)?;
        let listed = judge(&self.identities.load()?, &ticket, key)?;
        // First what can fail without a trace.
        let certificate = self.authority.sign(&request, &ticket.gateway, now)?;
        let (gateway, partition) = (&ticket.gateway, ticket.partition);
        match ticket.progress {
            Progress::Open => held.claim(&ticket, key)?,
            Progress::Claimed => {}
            Progress::Used => {
                let partition = listed.unwrap_or(partition);
                return Ok(self.admission(gateway, partition, certificate));
            }
        }
        let admitted =
            self.identities
                .admit_invited(gateway, partition, key, ticket.made_at, now)?;
        let partition = admitted.ok_or_else(revoked)?;
        held.finish(&ticket, now)?;
        Ok(self.admission(gateway, partition, certificate))
    }

    /// Gives a box its next certificate, whether or not the one before is still valid. Nothing
    /// is written.
    pub fn renew(
        &self,
        asked: &RenewRequest,
        now: UnixSeconds,
    ) -> Result<Admission, RegistrarError> {
        let request = read(&asked.request)?;
        let list = self.identities.load()?;
        let owner = list.by_key(&request.key()).map(Arc::as_ref);
        match owner.map(|owner| (owner.identity(), owner.revoked_at())) {
            Some((Identity::Gateway { id, partition }, None)) => {
                let certificate = self.authority.sign(&request, id, now)?;
                Ok(self.admission(id, *partition, certificate))
            }
            Some((Identity::Gateway { .. }, Some(_))) => Err(revoked()),
            Some((Identity::Service { .. }, _)) => Err(refused(
                RefusalKind::BadRequest,
                "this key is a service's: its certificate is renewed at the centre",
            )),
            None => Err(refused(
                RefusalKind::Revoked,
                "the centre does not list this box's key: enrol the box again with a new code",
            )),
        }
    }

    fn code(&self, text: &str) -> Result<EnrolmentCode, RegistrarError> {
        let code: Result<EnrolmentCode, _> = text.parse();
        let code = code.map_err(|fault| refused(RefusalKind::BadRequest, &fault.to_string()))?;
        if code.pin() == self.authority.fingerprint().pin() {
            Ok(code)
        } else {
            let sentence = "this code was made by another centre: ask there, or get a code here";
            Err(refused(RefusalKind::UnknownCode, sentence))
        }
    }

    fn admission(&self, gateway: &str, partition: u8, certificate: String) -> Admission {
        Admission {
            gateway: gateway.to_owned(),
            partition,
            certificate,
            authority: self.authority.pem().to_owned(),
            broker: self.broker.clone(),
        }
    }
}

fn read(request: &str) -> Result<Request, RegistrarError> {
    let request = Request::parse(request);
    request.map_err(|fault| refused(RefusalKind::BadRequest, &fault.to_string()))
}

/// Whether the allow-list has room for this key under this name. Returns the partition that this
/// name has there already.
fn judge(list: &Identities, ticket: &Ticket, key: KeyHash) -> Result<Option<u8>, RegistrarError> {
    if let Some(owner) = list.by_key(&key)
        && owner.identity().name() != ticket.gateway
    {
        let sentence = "this box's key is listed under another name: make a new key on the box";
        return Err(refused(RefusalKind::BadRequest, sentence));
    }
    let known = list.entry(&ticket.gateway).map(Arc::as_ref);
    match known {
        Some(known) if matches!(known.identity(), Identity::Service { .. }) => {
            let sentence = "the name of this code is a service's: have a code made for a gateway";
            Err(refused(RefusalKind::BadRequest, sentence))
        }
        // A code that was made before the revocation does not outlive it.
        Some(known) if known.revoked_at().is_some_and(|at| at >= ticket.made_at) => Err(revoked()),
        _ if ticket.progress == Progress::Used && !is_in_force(known, key) => {
            Err(no_ticket(NoTicket::Used))
        }
        _ => Ok(known.and_then(|known| match known.identity() {
            Identity::Gateway { partition, .. } => Some(*partition),
            Identity::Service { .. } => None,
        })),
    }
}

/// Whether the code brought in what is still there: if not, it was undone since.
fn is_in_force(known: Option<&Entry>, key: KeyHash) -> bool {
    known.is_some_and(|known| {
        *known.credential() == Credential::Key(key) && known.revoked_at().is_none()
    })
}

fn refused(kind: RefusalKind, sentence: &str) -> RegistrarError {
    RegistrarError::Refused(Refusal {
        error: sentence.to_owned(),
        kind,
    })
}

fn revoked() -> RegistrarError {
    let sentence = "this box was revoked: if it is to be used again, ask the centre for a new code";
    refused(RefusalKind::Revoked, sentence)
}

fn no_ticket(why: NoTicket) -> RegistrarError {
    let (kind, sentence) = match why {
        NoTicket::Unknown => (
            RefusalKind::UnknownCode,
            "the centre knows no such code: compare it with the label, or ask for a new one",
        ),
        NoTicket::Busy => (
            RefusalKind::Busy,
            "too many wrong codes were tried: compare the code with the label, wait a minute, and \
             try again",
        ),
        NoTicket::Used => (
            RefusalKind::Used,
            "this code was used by another box: ask the centre for a new one",
        ),
        NoTicket::Expired => (
            RefusalKind::Expired,
            "this code has expired: ask the centre for a new one",
        ),
    };
    refused(kind, sentence)
}

#[cfg(test)]
mod tests;
