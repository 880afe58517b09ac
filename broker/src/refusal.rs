//! Why somebody was not let in, or not let go on: one list for answers, counters and logs.
//!
//! A refusal holds nothing of whom it concerns, neither name nor address: it can be counted,
//! logged and shown to anybody.
//!
//! What the refused client is told: within a handshake the alert that TLS has for it, at a
//! CONNECT the return code that MQTT has for it, at a SUBSCRIBE a failure, and everywhere else a
//! closed connection, since MQTT 3.1.1 has no other word.

use std::fmt;

use rumqttc::mqttbytes::v4::ConnectReturnCode;

/// Why the door did not do what was asked, or closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Every place is taken.
    HouseFull,
    /// Every place for this address, or for a network around it, is taken.
    AddressFull,
    /// As many TLS handshakes as may be are under way. Who was in the middle of one may hear it
    /// too, if many came from the same network.
    HandshakesFull,
    /// As many TLS handshakes as may be are under way with this address, or a network around it.
    AddressHandshakes,
    /// A TLS handshake that was not done in time.
    HandshakeTime,
    /// The client ended the handshake: it does not trust our certificate.
    HandshakeByClient,
    /// Bytes that are not TLS, or not what TLS wants next.
    NotTls,
    /// A version of TLS, or a way of encrypting, that is no longer safe.
    TlsVersion,
    /// No client certificate.
    NoCertificate,
    /// A client certificate that cannot be read, or is for another purpose.
    BadCertificate,
    /// A client certificate that is not of the authority in force.
    UnknownAuthority,
    /// A client certificate whose time is over.
    CertificateExpired,
    /// A client certificate whose time has not begun.
    CertificateTooNew,
    /// A good certificate whose name and key are not in the identity file.
    NotEnrolled,
    /// No CONNECT in time.
    NoConnect,
    /// Bytes that are not MQTT, or a packet where it may not come.
    Malformed,
    /// A packet above the largest size.
    TooLarge,
    /// Another version of MQTT than 3.1.1.
    Version,
    /// The client id is not the name of the identity.
    ClientId,
    /// An unknown name or a wrong secret.
    Credentials,
    /// A persistent session was asked for.
    PersistentSession,
    /// A will that is not a plain publish to the gateway's own `pres`.
    Will,
    /// QoS 2.
    ExactlyOnce,
    /// A retained publish.
    Retained,
    /// Not a topic of ours.
    NotATopic,
    /// A topic that belongs to somebody else.
    NotYourTopic,
    /// A filter that this identity may not subscribe to.
    NotYourFilter,
    /// Nothing came within one and a half keep-alive times.
    Silent,
    /// It read more slowly than it was written to.
    TooSlow,
    /// More of its messages wait for one service than one gateway may have there.
    MailboxShare,
    /// It connects more often than one identity may.
    TooOften,
    /// The same identity connected again.
    TakenOver,
    /// The identity was revoked, or the file no longer says what it said.
    Revoked,
}

impl Refusal {
    /// Its name in counters and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::HouseFull => "house_full",
            Self::AddressFull => "address_full",
            Self::HandshakesFull => "handshakes_full",
            Self::AddressHandshakes => "address_handshakes",
            Self::HandshakeTime => "handshake_time",
            Self::HandshakeByClient => "handshake_by_client",
            Self::NotTls => "not_tls",
            Self::TlsVersion => "tls_version",
            Self::NoCertificate => "no_certificate",
            Self::BadCertificate => "bad_certificate",
            Self::UnknownAuthority => "unknown_authority",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateTooNew => "certificate_too_new",
            Self::NotEnrolled => "not_enrolled",
            Self::NoConnect => "no_connect",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::Version => "version",
            Self::ClientId => "client_id",
            Self::Credentials => "credentials",
            Self::PersistentSession => "persistent_session",
            Self::Will => "will",
            Self::ExactlyOnce => "exactly_once",
            Self::Retained => "retained",
            Self::NotATopic => "not_a_topic",
            Self::NotYourTopic => "not_your_topic",
            Self::NotYourFilter => "not_your_filter",
            Self::Silent => "silent",
            Self::TooSlow => "too_slow",
            Self::MailboxShare => "mailbox_share",
            Self::TooOften => "too_often",
            Self::TakenOver => "taken_over",
            Self::Revoked => "revoked",
        }
    }

    /// What a refused CONNECT is answered; `None` is answered by closing, as MQTT wants it.
    pub(crate) fn connect_code(self) -> Option<ConnectReturnCode> {
        match self {
            Self::Version => Some(ConnectReturnCode::RefusedProtocolVersion),
            Self::ClientId => Some(ConnectReturnCode::BadClientId),
            Self::Credentials | Self::NotEnrolled => Some(ConnectReturnCode::BadUserNamePassword),
            Self::PersistentSession
            | Self::Will
            | Self::Revoked
            | Self::UnknownAuthority
            | Self::CertificateExpired
            | Self::CertificateTooNew => Some(ConnectReturnCode::NotAuthorized),
            Self::TooOften => Some(ConnectReturnCode::ServiceUnavailable),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
