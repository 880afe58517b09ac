//! Who may speak over the broker: the identity file, the authority, enrolment.
//!
//! `identities.toml` lists every gateway and every service by name, with the SHA-256 of its
//! secret or of its public key and, for a service, what it may do. The broker reads this file and
//! nothing else: it never opens the database. Whoever enrols a gateway edits the file through
//! [`IdentityFile`], which replaces it atomically; the broker looks at it every second through
//! [`Watch`], so that an enrolment or a revocation needs no restart.
//!
//! ```toml
//! version = 2
//!
//! [[gateway]]
//! id = "casa-12"
//! partition = 7            # fixed at enrolment, so it is written down and never computed again
//! key_sha256 = "…"         # 64 hexadecimal digits, of the public key (SubjectPublicKeyInfo)
//! admitted_at = 1790000000 # seconds since 1970
//! revoked_at = 1790000500  # the row is kept, so that its owner can be told
//!
//! [[service]]
//! name = "ingest"
//! secret_sha256 = "…"      # a row has a key or a secret, never both
//! partitions = "all"       # or a list: [0, 1, 2]
//! may = ["receive"]
//! ```
//!
//! Version 1 had secrets only and nobody revoked; it is read, and the next change writes
//! version 2.
//!
//! A box comes in by a one-time code from its label ([`EnrolmentCode`], `enrolments.toml`): it
//! makes its [`Key`], which never leaves it, and sends a signing request; the [`Registrar`] puts
//! the hash of the key into the list, and the centre's [`Authority`] signs a certificate. The list
//! pins the key and not the certificate: a renewal does not touch it, and a certificate that is
//! still valid lets nobody in whose key is not listed.
//!
//! Why a plain SHA-256 and not a slow password hash: a [`Secret`] is 32 random bytes made here,
//! never a word somebody chose. There is nothing to guess, so a slow hash would only make two
//! thousand gateways slow to come back after a power cut. Nobody can choose a secret: this crate
//! takes none.
//!
//! Limits: the file is at most [`MAX_FILE_BYTES`]; a name is at most [`MAX_NAME_CHARS`] of
//! `[A-Za-z0-9_-]`; gateways and services share one space of names. An unknown key is an error
//! with its line, because a misspelt restriction must not become an absent one.
//!
//! Deliberately absent: people (they log in to the dashboard), any clock (the caller says what time
//! it is, and decides when to look again), comments kept across edits (the file belongs to
//! [`IdentityFile`]).

mod authority;
mod certificate;
mod code;
mod document;
mod edit;
mod enrolments;
mod fingerprint;
mod hex;
mod identities;
mod key;
mod link;
mod registrar;
mod replace;
mod request;
mod seconds;
mod secret;
mod watch;

pub use authority::{
    Authority, AuthorityError, CENTRE_DAYS, GATEWAY_DAYS, Issued, MAX_CENTRE_CHARS, MAX_HOSTS,
    SignError,
};
pub use certificate::{CertificateError, CertificateFacts};
pub use code::{CodeError, EnrolmentCode};
pub use document::{MAX_FILE_BYTES, ParseError};
pub use edit::{EditError, IdentityFile};
pub use enrolments::{
    EnrolmentError, EnrolmentFile, EnrolmentsParseError, MAX_OPEN_CODES, MAX_VALID_DAYS, OpenCode,
};
pub use fingerprint::{Fingerprint, Pin};
pub use hex::NotAHash;
pub use identities::{
    Credential, Denied, Entry, Grant, Grants, Identities, Identity, LoadError, MAX_NAME_CHARS,
    PARTITIONS, Partitions,
};
pub use key::{Key, KeyError, KeyHash};
pub use link::{EnrolmentLink, LinkError};
pub use registrar::{
    Admission, EnrolRequest, MAX_BODY_BYTES, Refusal, RefusalKind, Registrar, RegistrarError,
    RenewRequest,
};
pub use replace::{WriteError, keep};
pub use request::{MAX_REQUEST_BYTES, Request, RequestError};
pub use seconds::UnixSeconds;
pub use secret::{Secret, SecretHash};
pub use watch::{Poll, Watch};
