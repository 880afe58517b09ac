//! Who may speak over the broker: the identity file.
//!
//! `identities.toml` lists every gateway and every service by name, with the SHA-256 of its
//! secret and, for a service, what it may do. The broker reads this file and nothing else: it
//! never opens the database. Whoever enrols a gateway edits the file through [`IdentityFile`],
//! which replaces it atomically; the broker looks at it every second through [`Watch`], so that
//! an enrolment or a revocation needs no restart.
//!
//! ```toml
//! version = 1
//!
//! [[gateway]]
//! id = "casa-12"
//! partition = 7            # fixed at enrolment, so it is written down and never computed again
//! secret_sha256 = "…"      # 64 hexadecimal digits
//!
//! [[service]]
//! name = "ingest"
//! secret_sha256 = "…"
//! partitions = "all"       # or a list: [0, 1, 2]
//! may = ["receive"]
//! ```
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
//! Deliberately absent: people (they log in to the dashboard), any clock (the caller decides when
//! to look again), comments kept across edits (the file belongs to [`IdentityFile`]).

mod document;
mod edit;
mod identities;
mod secret;
mod watch;

pub use document::{MAX_FILE_BYTES, ParseError};
pub use edit::{EditError, IdentityFile};
pub use identities::{
    Credential, Entry, Grant, Grants, Identities, Identity, LoadError, MAX_NAME_CHARS, PARTITIONS,
    Partitions,
};
pub use secret::{Secret, SecretHash};
pub use watch::{Poll, Watch};
