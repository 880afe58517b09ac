//! A box becomes a gateway of a centre: with a one-time code, once.
//!
//! ```text
//! key made here → code + signing request → centre → certificate, partition, broker → kept
//! ```
//! The key never leaves the box. The code tells which centre it is (see [`crate::centre`]), and
//! what the centre answers is checked before it is kept (see [`crate::answer`]).
//!
//! An answer that was lost on its way is asked for again with the same code and the same key, and
//! given again. What a power cut leaves is told in [`crate::enrolment`].

use std::fs;
use std::path::Path;
use std::sync::Arc;

use veglia_identity::{
    Admission, EnrolRequest, EnrolmentCode, EnrolmentLink, Key, KeyError, LinkError, RefusalKind,
    UnixSeconds,
};
use veglia_wire::Clock;

use crate::answer::{self, AnswerError};
use crate::centre::{Centre, CentreError, Trust};
use crate::enrolment::{self, Enrolment, EnrolmentError};

/// Where a code is redeemed, below the centre's address.
const PATH: &str = "/enrol";

/// What the request is called; the centre decides who the box is.
const NAME_IN_REQUEST: &str = "gateway";

/// What is needed to enrol.
#[derive(Debug)]
pub struct Invitation {
    centre: Centre,
    code: EnrolmentCode,
    public_ca: bool,
}

/// How an enrolment went.
#[derive(Debug)]
pub enum Enrolled {
    /// The box is a gateway now.
    Now(Enrolment),
    /// It was one already, and nothing was asked.
    Before(Enrolment),
}

/// Why a box is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The code is none.
    #[error("the code cannot be read: copy it whole, its groups of four are on the box's label")]
    Code(#[source] veglia_identity::CodeError),
    /// The label's text is none.
    #[error("the label cannot be read")]
    Label(#[source] LinkError),
    /// Nobody said where the centre is.
    #[error("the label does not say where the centre is: add --centre URL")]
    NoCentre,
    /// The centre did not answer, or refused.
    #[error(transparent)]
    Centre(#[from] CentreError),
    /// The key cannot be made or kept.
    #[error("the key of this box cannot be used")]
    Key(#[from] KeyError),
    /// The answer cannot be kept.
    #[error("the enrolment cannot be kept on this box")]
    Keep(#[from] EnrolmentError),
    /// The answer is not to be believed.
    #[error("what the centre answered cannot be used: nothing was changed on this box")]
    Answer(#[from] AnswerError),
}

impl Invitation {
    /// Reads what a person typed or scanned: a code, or the whole text of a label. An address that
    /// was typed wins over the label's.
    pub fn read(centre: Option<&str>, code: &str) -> Result<Self, EnrolError> {
        let code = code.trim();
        let (on_label, code) = if code.contains(':') {
            let label: EnrolmentLink = code.parse().map_err(EnrolError::Label)?;
            (label.centre, label.code)
        } else {
            (None, code.parse().map_err(EnrolError::Code)?)
        };
        let centre = centre.or(on_label.as_deref()).ok_or(EnrolError::NoCentre)?;
        let centre = centre.parse()?;
        Ok(Self {
            centre,
            code,
            public_ca: false,
        })
    }

    /// Lets a centre that shows no certificate of its own authority be vouched for by the roots of
    /// the operating system: it stands behind a proxy. Whoever has a certificate of any of these
    /// for the centre's address is then told the code.
    #[must_use]
    pub fn by_public_ca(self) -> Self {
        Self {
            public_ca: true,
            ..self
        }
    }
}

/// Enrols the box whose data directory this is, which no other process may be enrolling. A box that
/// is enrolled already is left as it is, unless this is to happen `again`. Blocks on the disk.
pub async fn enrol(
    invitation: &Invitation,
    data: &Path,
    again: bool,
    wall: &Arc<dyn Clock>,
) -> Result<Enrolled, EnrolError> {
    if let Some(before) = enrolment::find(data)?.pop().filter(|_| !again) {
        return Ok(Enrolled::Before(before));
    }
    let Invitation {
        centre,
        code,
        public_ca,
    } = invitation;
    let key = key_under_way(data)?;
    let question = EnrolRequest {
        code: code.to_string(),
        request: key.request(NAME_IN_REQUEST)?,
    };
    let trust = Trust {
        pin: code.pin(),
        public_ca: *public_ca,
        not_before: UnixSeconds(0),
    };
    let answered = centre.ask(PATH, &question, trust, wall).await;
    let admission = match answered {
        Ok(admission) => admission,
        Err(error) => {
            forget_key(data, &error)?;
            return Err(error.into());
        }
    };
    let now = UnixSeconds(wall.now().0.div_euclid(1000));
    let enrolment = answer::believe(&admission, centre, key.hash(), code.pin(), now)?;
    let Admission {
        certificate,
        authority,
        ..
    } = admission;
    enrolment::keep(data, &enrolment, &certificate, &authority)?;
    Ok(Enrolled::Now(enrolment))
}

/// The key of an enrolment under way: made now, or by an attempt before.
fn key_under_way(data: &Path) -> Result<Key, EnrolError> {
    let path = enrolment::under_way(data)?.join(enrolment::KEY);
    if path.exists() {
        return Ok(Key::open(&path)?);
    }
    let key = Key::generate()?;
    key.save(&path)?;
    Ok(key)
}

/// A key that the centre will never admit is not asked for again. After any other failure it is
/// kept: the centre may have admitted it, and its answer may have been lost.
fn forget_key(data: &Path, error: &CentreError) -> Result<(), EnrolError> {
    let CentreError::Refused(refusal) = error else {
        return Ok(());
    };
    match refusal.kind {
        RefusalKind::Used | RefusalKind::Revoked | RefusalKind::BadRequest => {
            let path = enrolment::under_way(data)?.join(enrolment::KEY);
            let removed = fs::remove_file(&path);
            Ok(removed.map_err(|source| EnrolmentError::Io { path, source })?)
        }
        RefusalKind::UnknownCode | RefusalKind::Expired | RefusalKind::Busy => Ok(()),
    }
}
