//! Why the other broker was not reached, or was lost, in sentences that say what to do.
//!
//! With TLS 1.3 we have finished our handshake before the other side has judged our certificate:
//! its refusal comes with the first read, so errors of the greeting are explained here too.

use std::io;
use std::path::PathBuf;

use rumqttc::mqttbytes::v4::ConnectReturnCode;
use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::connection::{EVERYTHING, KEEP_ALIVE, PATIENCE};
use super::settings::{ExternalConfig, Secured};
use super::window::STALLED;
use crate::backend::BackendError;
use crate::tls;

/// Why the other broker was not reached, or the connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the broker at {place} cannot be reached: start it, or correct backend")]
    Unreachable {
        place: String,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Tls(#[from] TlsFault),
    #[error("the broker at {place} refuses our user or password: correct backend, or its list")]
    Refused { place: String },
    #[error("the broker at {place} does not serve us ({code:?}): see its log")]
    NotServed {
        place: String,
        code: ConnectReturnCode,
    },
    #[error("the broker at {place} did not answer within {} s", PATIENCE.as_secs())]
    Slow { place: String },
    #[error("what answers at {place} does not speak MQTT 3.1.1: correct the port in url")]
    NotMqtt { place: String },
    #[error("the broker behind the door does not let our user subscribe to {EVERYTHING}")]
    NotGranted,
    #[error("the connection to the broker behind the door ended")]
    Ended(#[source] Option<io::Error>),
    #[error("the broker behind the door was silent for {} s", KEEP_ALIVE.as_secs())]
    Silent,
    #[error(
        "the broker behind the door brought nothing back for {} s: \
         let our user write and read {EVERYTHING}, or restart it", STALLED.as_secs()
    )]
    Stalled,
    #[error(transparent)]
    Files(#[from] BackendError),
}

impl From<tls::TlsError> for Fault {
    fn from(fault: tls::TlsError) -> Self {
        Self::Files(BackendError::Tls(fault))
    }
}

/// What went wrong below MQTT, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsFault {
    #[error(
        "what answers at {place} is not the broker that is meant: {} has not signed its \
         certificate; correct url or ca",
        ca.display()
    )]
    Impostor { place: String, ca: PathBuf },
    #[error(
        "the certificate of the broker at {place} has ended: renew it there; if it has not, set \
         the clock here"
    )]
    Ended { place: String },
    #[error("the certificate of the broker at {place} has not begun: set the clock here")]
    NotBegun { place: String },
    #[error(
        "the certificate of the broker at {place} is for another name: write the name it is for \
         in url"
    )]
    OtherName { place: String },
    #[error("what answers at {place} does not speak TLS: correct the port in url")]
    NotTls { place: String },
    #[error("the broker at {place} hung up during the TLS handshake: correct the port in url")]
    HungUp {
        place: String,
        #[source]
        source: io::Error,
    },
    #[error("the broker at {place} asks for a certificate: write certificate and key beside url")]
    CertificateWanted { place: String },
    #[error(
        "the broker at {place} refuses our certificate ({alert:?}): have one issued that it \
         accepts"
    )]
    CertificateRefused {
        place: String,
        alert: AlertDescription,
    },
    #[error("no encrypted connection to the broker at {place} can be made")]
    Other {
        place: String,
        #[source]
        source: TlsError,
    },
}

/// What a failure of the stream has to do with TLS, if anything.
pub(super) fn explain(config: &ExternalConfig, error: &io::Error) -> Option<TlsFault> {
    let inner: &TlsError = error.get_ref()?.downcast_ref()?;
    let secured = config.secured()?;
    let place = config.place_name();
    Some(match inner {
        TlsError::InvalidCertificate(fault) => of_certificate(fault, place, secured),
        TlsError::AlertReceived(alert) => of_alert(*alert, place, secured),
        TlsError::InvalidMessage(_) => TlsFault::NotTls { place },
        source => TlsFault::Other {
            place,
            source: source.clone(),
        },
    })
}

/// We refuse the broker.
fn of_certificate(fault: &CertificateError, place: String, secured: &Secured) -> TlsFault {
    match fault {
        // The second is what two authorities of the same name come to.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::Impostor {
            place,
            ca: secured.ca.clone(),
        },
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            TlsFault::Ended { place }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            TlsFault::NotBegun { place }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::OtherName { place }
        }
        fault => TlsFault::Other {
            place,
            source: TlsError::InvalidCertificate(fault.clone()),
        },
    }
}

/// The broker refuses us. An older one says of a missing certificate only that it does not like
/// what it was shown.
fn of_alert(alert: AlertDescription, place: String, secured: &Secured) -> TlsFault {
    match alert {
        AlertDescription::CertificateRequired => TlsFault::CertificateWanted { place },
        AlertDescription::HandshakeFailure if secured.own.is_none() => {
            TlsFault::CertificateWanted { place }
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => TlsFault::CertificateRefused { place, alert },
        alert => TlsFault::Other {
            place,
            source: TlsError::AlertReceived(alert),
        },
    }
}
