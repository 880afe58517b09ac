//! `enrolments.toml`: the one-time codes that bring a box in.
//!
//! A code goes through three steps, each of them on the disk before the next begins: it is
//! claimed by the key that came with it, the key is put into the allow-list, and the code is
//! marked as used. A crash after the first or the second leaves a code that only the same key can
//! finish, by asking again; so of two boxes with one code exactly one comes in, and none is left
//! half enrolled. The file is locked from the first step to the last, and the allow-list is
//! locked within it, never the other way round.
//!
//! A gateway has at most one code that is not used: a new one takes the place of the one before.
//!
//! Limits: [`MAX_OPEN_CODES`], [`MAX_VALID_DAYS`]. Deliberately absent: the codes themselves
//! (only hashes are kept), and any clock.

use std::fs::File;
use std::io;
use std::path::PathBuf;

mod attempts;
mod document;

use attempts::Attempts;
use document::{CodeRow, Document, MAX_FILE_BYTES};

use crate::code::EnrolmentCode;
use crate::document::is_name;
use crate::fingerprint::Fingerprint;
use crate::identities::{MAX_NAME_CHARS, PARTITIONS};
use crate::key::KeyHash;
use crate::replace::{WholeFile, WriteError, read_at_most};
use crate::seconds::UnixSeconds;

pub use document::EnrolmentsParseError;

/// Most codes that can be open at once: as many as the homes of one centre, so that the labels of
/// all its boxes can be printed in one go.
pub const MAX_OPEN_CODES: usize = 2_000;

/// Longest life of a code. A label that waits longer in a cupboard is printed again.
pub const MAX_VALID_DAYS: i64 = 90;

/// Why the file of codes was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum EnrolmentError {
    /// It cannot be opened or read.
    #[error("cannot read {}: check its permissions", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Far larger than such a file can be.
    #[error("{} is larger than {MAX_FILE_BYTES} bytes: is it the file of codes?", .0.display())]
    TooLarge(PathBuf),
    /// Its text is wrong.
    #[error("{} is not a valid file of codes: mend it or restore a copy", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        #[source]
        source: EnrolmentsParseError,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The list could not be written as text.
    #[error("the codes could not be written as TOML")]
    Render(#[source] toml::ser::Error),
    /// The operating system gave no random bytes.
    #[error("no code could be made: the system gave no random bytes")]
    Random(#[source] getrandom::Error),
    /// Not a gateway's name.
    #[error("{0:?} is not a name: use 1 to {MAX_NAME_CHARS} of A-Z a-z 0-9 _ -")]
    Name(String),
    /// No such partition.
    #[error("there is no partition {0}: the {PARTITIONS} partitions are numbered from 0")]
    Partition(u8),
    /// Over before it begins, or too long.
    #[error("a code is valid for more than nothing and at most {MAX_VALID_DAYS} days")]
    Validity,
    /// Too many are waiting.
    #[error("{MAX_OPEN_CODES} codes are open already: withdraw some, or wait until they expire")]
    TooMany,
}

/// A code that can still bring a box in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCode {
    /// For which gateway.
    pub gateway: String,
    /// In which partition.
    pub partition: u8,
    /// When it was made.
    pub made_at: UnixSeconds,
    /// Until when it counts.
    pub expires_at: UnixSeconds,
}

/// Why a code brings nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTicket {
    Unknown,
    Busy,
    Used,
    Expired,
}

/// What a code stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    place: usize,
    pub(crate) gateway: String,
    pub(crate) partition: u8,
    pub(crate) made_at: UnixSeconds,
    pub(crate) progress: Progress,
}

/// How far a code has come with the key that presents it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Open,
    Claimed,
    Used,
}

/// The file of codes, for those who make and redeem them.
#[derive(Debug, Clone)]
pub struct EnrolmentFile {
    file: WholeFile,
    attempts: Attempts,
}

impl EnrolmentFile {
    /// A file by its path; nothing is touched yet. Clones count wrong attempts together.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            file: WholeFile::new(path),
            attempts: Attempts::default(),
        }
    }

    /// Makes a code for a gateway, new or not; an earlier one that was not used is withdrawn.
    pub fn make(
        &self,
        root: Fingerprint,
        gateway: &str,
        partition: u8,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<EnrolmentCode, EnrolmentError> {
        if !is_name(gateway) {
            return Err(EnrolmentError::Name(gateway.to_owned()));
        }
        if partition >= PARTITIONS {
            return Err(EnrolmentError::Partition(partition));
        }
        if expires_at <= now || expires_at > now.plus_days(MAX_VALID_DAYS) {
            return Err(EnrolmentError::Validity);
        }
        let code = EnrolmentCode::generate(root).map_err(EnrolmentError::Random)?;
        let mut held = self.hold()?;
        held.document.forget(now);
        let rows = &mut held.document.code;
        rows.retain(|row| row.gateway != gateway || row.used_at.is_some());
        if rows.iter().filter(|row| row.is_open(now)).count() >= MAX_OPEN_CODES {
            return Err(EnrolmentError::TooMany);
        }
        rows.push(CodeRow {
            code_sha256: code.hash(),
            gateway: gateway.to_owned(),
            partition,
            made_at: now,
            expires_at,
            claimed_by: None,
            used_at: None,
        });
        held.write()?;
        Ok(code)
    }

    /// The codes that can still bring a box in, the oldest first.
    pub fn open_codes(&self, now: UnixSeconds) -> Result<Vec<OpenCode>, EnrolmentError> {
        let document = self.read()?;
        let open = document.code.into_iter().filter(|row| row.is_open(now));
        let told = open.map(|row| OpenCode {
            gateway: row.gateway,
            partition: row.partition,
            made_at: row.made_at,
            expires_at: row.expires_at,
        });
        Ok(told.collect())
    }

    /// Takes back the code of a gateway that was not used. Says whether there was one.
    pub fn withdraw(&self, gateway: &str) -> Result<bool, EnrolmentError> {
        let mut held = self.hold()?;
        let rows = &mut held.document.code;
        let before = rows.len();
        rows.retain(|row| row.gateway != gateway || row.used_at.is_some());
        let was_there = rows.len() < before;
        if was_there {
            held.write()?;
        }
        Ok(was_there)
    }

    /// Locks the file and reads it.
    pub(crate) fn hold(&self) -> Result<Held<'_>, EnrolmentError> {
        let lock = self.file.lock()?;
        Ok(Held {
            file: self,
            document: self.read()?,
            _lock: lock,
        })
    }

    /// No file means no codes.
    fn read(&self) -> Result<Document, EnrolmentError> {
        let path = || self.file.path().to_owned();
        let text = File::open(self.file.path()).and_then(|file| read_at_most(MAX_FILE_BYTES, file));
        match text {
            Ok(Some(text)) => Document::parse(&text).map_err(|source| EnrolmentError::Parse {
                path: path(),
                source,
            }),
            Ok(None) => Err(EnrolmentError::TooLarge(path())),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(Document::empty()),
            Err(source) => Err(EnrolmentError::Read {
                path: path(),
                source,
            }),
        }
    }
}

/// The file of codes, while nobody else can change it.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    file: &'a EnrolmentFile,
    document: Document,
    _lock: File,
}

impl Held<'_> {
    /// What a code stands for, if the key that presents it may use it.
    pub(crate) fn look_up(
        &self,
        code: &EnrolmentCode,
        key: KeyHash,
        now: UnixSeconds,
    ) -> Result<Ticket, NoTicket> {
        let hash = code.hash();
        let mut rows = self.document.code.iter().enumerate();
        let Some((place, row)) = rows.find(|(_, row)| row.code_sha256 == hash) else {
            let busy = self.file.attempts.is_one_too_many(now);
            return Err(if busy {
                NoTicket::Busy
            } else {
                NoTicket::Unknown
            });
        };
        let progress = match (row.claimed_by, row.used_at) {
            (Some(by), _) if by != key => return Err(NoTicket::Used),
            (None, Some(_)) => return Err(NoTicket::Used),
            (Some(_), Some(_)) => Progress::Used,
            _ if now >= row.expires_at => return Err(NoTicket::Expired),
            (Some(_), None) => Progress::Claimed,
            (None, None) => Progress::Open,
        };
        Ok(Ticket {
            place,
            gateway: row.gateway.clone(),
            partition: row.partition,
            made_at: row.made_at,
            progress,
        })
    }

    /// From now on only this key can use the code.
    pub(crate) fn claim(&mut self, ticket: &Ticket, key: KeyHash) -> Result<(), EnrolmentError> {
        if let Some(row) = self.document.code.get_mut(ticket.place) {
            row.claimed_by = Some(key);
        }
        self.write()
    }

    /// The key is in the allow-list: the code is used.
    pub(crate) fn finish(
        &mut self,
        ticket: &Ticket,
        now: UnixSeconds,
    ) -> Result<(), EnrolmentError> {
        if let Some(row) = self.document.code.get_mut(ticket.place) {
            row.used_at = Some(now);
        }
        self.write()
    }

    fn write(&self) -> Result<(), EnrolmentError> {
        let text = self.document.render().map_err(EnrolmentError::Render)?;
        Ok(self.file.file.replace(&text)?)
    }
}
