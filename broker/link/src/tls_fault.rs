//! What went wrong in a TLS handshake, in a sentence that says what to do.
//!
//! The library's own words are for whoever knows the protocol. Here each fault that a home or a
//! centre can bring about has its sentence; only what is left is passed on as it is.
//!
//! With TLS 1.3 a client has finished its handshake before the broker has judged its certificate,
//! so the refusal comes with the first read: every error of the greeting is looked at here.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as TlsError};
use thiserror::Error;
use veglia_identity::UnixSeconds;

use crate::access::{CertificateFiles, Proof};
use crate::address::Address;
use crate::status::Refused;

/// What went wrong.
#[derive(Debug, Error)]
pub(crate) enum TlsFault {
    #[error("the centre has revoked {name}: call the centre to have it admitted again")]
    Revoked { name: String },
    #[error(
        "the certificate of {name} ended on {ended}: a box asks for the next one by itself, a \
         service gets it from `veglia identity service`"
    )]
    Expired { name: String, ended: String },
    #[error(
        "the broker at {broker} does not accept the certificate in {}: it was issued by another \
         centre, so enrol with this one",
        certificate.display()
    )]
    OtherCentre {
        broker: Address,
        certificate: PathBuf,
    },
    #[error(
        "the broker at {broker} refuses the certificate of {name} ({alert:?}): have the centre \
         look for it in `veglia identity list`, and enrol again if it is not there"
    )]
    NotAccepted {
        broker: Address,
        name: String,
        alert: AlertDescription,
    },
    #[error(
        "what answers at {broker} is not the centre's broker: {} has not signed its certificate. \
         Check the address; if the centre has a new authority, enrol again",
        authority.display()
    )]
    Impostor { broker: Address, authority: PathBuf },
    #[error(
        "the certificate of the broker at {broker} ended on {ended}, and the clock here says \
         {believed}: if that is not the time, set the clock; if it is, the centre must renew its \
         certificate with `veglia ca server`"
    )]
    BrokerExpired {
        broker: Address,
        ended: String,
        believed: String,
    },
    #[error(
        "the certificate of the broker at {broker} begins on {begins}, and the clock here says \
         {believed}: set the clock"
    )]
    BrokerNotYet {
        broker: Address,
        begins: String,
        believed: String,
    },
    #[error(
        "the certificate of the broker at {broker} is for {names}: write one of these as its \
         address, or have the centre run `veglia ca server --name {}`",
        broker.host()
    )]
    OtherName { broker: Address, names: String },
    #[error("what answers at {broker} does not speak TLS: check the port")]
    NotTls { broker: Address },
    #[error("no encrypted connection to the broker at {broker} can be made")]
    Other {
        broker: Address,
        #[source]
        source: TlsError,
    },
}

/// Who wanted to connect where, with what.
pub(crate) struct Attempt<'a> {
    pub(crate) broker: &'a Address,
    pub(crate) files: &'a CertificateFiles,
    pub(crate) proof: &'a Proof,
    /// What the system's clock says.
    pub(crate) believed: UnixSeconds,
}

impl TlsFault {
    /// Whether only a person, or a new certificate, can help.
    pub(crate) fn refused(&self) -> Option<Refused> {
        match self {
            Self::Revoked { .. } => Some(Refused::Revoked),
            Self::Expired { .. } => Some(Refused::Expired),
            Self::OtherCentre { .. } | Self::NotAccepted { .. } => Some(Refused::Unknown),
            _ => None,
        }
    }
}

impl Attempt<'_> {
    /// What a failure means; none if it has nothing to do with TLS.
    pub(crate) fn explain(&self, error: &io::Error) -> Option<TlsFault> {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        Some(match inner? {
            TlsError::AlertReceived(alert) => self.alert(*alert),
            TlsError::InvalidCertificate(fault) => self.of_broker(fault),
            TlsError::InvalidMessage(_) => TlsFault::NotTls {
                broker: self.broker.clone(),
            },
            source => self.other(source.clone()),
        })
    }

    /// The broker refuses us.
    fn alert(&self, alert: AlertDescription) -> TlsFault {
        let name = self.proof.facts.name.clone();
        let broker = self.broker.clone();
        match alert {
            AlertDescription::CertificateRevoked => TlsFault::Revoked { name },
            AlertDescription::CertificateExpired => TlsFault::Expired {
                name,
                ended: date(self.proof.facts.not_after),
            },
            // The third is what two centres of the same name come to.
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError => TlsFault::OtherCentre {
                broker,
                certificate: self.files.certificate.clone(),
            },
            AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate => TlsFault::NotAccepted {
                broker,
                name,
                alert,
            },
            alert => self.other(TlsError::AlertReceived(alert)),
        }
    }

    /// We refuse the broker.
    fn of_broker(&self, fault: &CertificateError) -> TlsFault {
        let broker = self.broker.clone();
        let believed = date(self.believed);
        match fault {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsFault::Impostor {
                    broker,
                    authority: self.files.authority.clone(),
                }
            }
            CertificateError::ExpiredContext { not_after, .. } => TlsFault::BrokerExpired {
                broker,
                ended: date(seconds(*not_after)),
                believed,
            },
            CertificateError::NotValidYetContext { not_before, .. } => TlsFault::BrokerNotYet {
                broker,
                begins: date(seconds(*not_before)),
                believed,
            },
            CertificateError::NotValidForNameContext { presented, .. } => TlsFault::OtherName {
                broker,
                names: names(presented),
            },
            fault => self.other(TlsError::InvalidCertificate(fault.clone())),
        }
    }

    fn other(&self, source: TlsError) -> TlsFault {
        TlsFault::Other {
            broker: self.broker.clone(),
            source,
        }
    }
}

/// The library writes `DnsName("centre.example")`; people write what is inside.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inside = name.split_once('(').map_or(name.as_str(), |(_, rest)| rest);
        inside.trim_matches(['(', ')', '"']).to_owned()
    };
    let names: Vec<String> = presented.iter().map(bare).collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

fn seconds(time: UnixTime) -> UnixSeconds {
    UnixSeconds(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// A moment for people, in UTC because nobody knows what zone the box was set to.
#[must_use]
pub fn date(at: UnixSeconds) -> String {
    match Timestamp::from_second(at.0) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => format!("{} s after 1970", at.0),
    }
}
