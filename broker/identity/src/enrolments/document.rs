//! The text of `enrolments.toml`.
//!
//! ```toml
//! version = 1
//!
//! [[code]]
//! code_sha256 = "…"        # of the secret part: the code itself is kept nowhere
//! gateway = "casa-12"
//! partition = 7
//! made_at = 1790000000     # seconds since 1970, as all the times
//! expires_at = 1790086400
//! claimed_by = "…"         # the key that came with the code; nobody else can finish it
//! used_at = 1790001000     # when that key was in the allow-list
//! ```

use serde::{Deserialize, Serialize};

use crate::code::CodeHash;
use crate::key::KeyHash;
use crate::seconds::UnixSeconds;

/// The version this crate reads and writes.
pub(crate) const VERSION: u32 = 1;

/// Largest file that is read: every code that may be kept, at some 350 bytes each, twice.
pub(crate) const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// How long a code that is over is remembered, so that it can be called used or expired and not
/// unknown.
const REMEMBERED_DAYS: i64 = 30;

/// Most codes that are over and remembered: more than the homes of one centre.
const MAX_REMEMBERED: usize = 5_000;

/// Why a text is not a file of codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolmentsParseError {
    /// Not TOML, a key that does not exist, or a value of the wrong kind.
    #[error("line {line}: {message}")]
    Syntax {
        /// Where, from 1.
        line: usize,
        /// What the reader met.
        message: String,
    },
    /// Written by another version of this program.
    #[error("its version is {0}, this program reads version {VERSION}: use the program it is of")]
    Version(u32),
}

/// The whole file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) code: Vec<CodeRow>,
}

/// One code, from its making until it is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRow {
    pub(crate) code_sha256: CodeHash,
    pub(crate) gateway: String,
    pub(crate) partition: u8,
    pub(crate) made_at: UnixSeconds,
    pub(crate) expires_at: UnixSeconds,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) claimed_by: Option<KeyHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) used_at: Option<UnixSeconds>,
}

/// Only what every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl CodeRow {
    /// Whether it can still bring a box in.
    pub(crate) fn is_open(&self, now: UnixSeconds) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

impl Document {
    pub(crate) fn empty() -> Self {
        Self {
            version: VERSION,
            code: Vec::new(),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, EnrolmentsParseError> {
        let syntax = |fault: toml::de::Error| {
            let before = fault.span().and_then(|span| text.get(..span.start));
            EnrolmentsParseError::Syntax {
                line: before.map_or(1, |before| 1 + before.matches('\n').count()),
                message: fault.message().to_owned(),
            }
        };
        // The version first: a newer file may hold keys that are unknown here.
        let header: Header = toml::from_str(text).map_err(syntax)?;
        if header.version != VERSION {
            return Err(EnrolmentsParseError::Version(header.version));
        }
        toml::from_str(text).map_err(syntax)
    }

    pub(crate) fn render(&self) -> Result<String, toml::ser::Error> {
        let rows = toml::to_string(self)?;
        Ok(format!(
            "# Written by the program: comments are not kept.\n{rows}"
        ))
    }

    /// Forgets what has been over for long, and the oldest of what is over if it is too much.
    pub(crate) fn forget(&mut self, now: UnixSeconds) {
        let since = now.plus_days(-REMEMBERED_DAYS);
        self.code.retain(|row| row.expires_at > since);
        let over = self.code.iter().filter(|row| !row.is_open(now)).count();
        // New rows are put at the end: the first ones are the oldest.
        let mut surplus = over.saturating_sub(MAX_REMEMBERED);
        self.code.retain(|row| {
            let kept = surplus == 0 || row.is_open(now);
            if !kept {
                surplus -= 1;
            }
            kept
        });
    }
}
