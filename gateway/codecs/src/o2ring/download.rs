//! Fetching what a ring has recorded: asked for its list, and the first file of it that is wanted
//! opened, read block by block, closed. A state machine without a clock: it says what to send, and
//! is told what came. One download is one file, so that a caller can listen to live values between
//! two; the next one asks for the list again.
//!
//! The caller gives it all that the ring sends from [`Download::start`] to its end, and nothing of
//! that to the live decoder; sends what it says in pieces that the connection takes (twenty bytes
//! do); and gives up a ring that says nothing for some seconds, with [`Download::abandon`]. The
//! ring answers one question at a time and says nothing unasked.
//!
//! Every block must be the one that was asked for, and a file is handed out only when it is as
//! long as the ring said at its opening. Nothing is deleted: the ring keeps its last files itself,
//! and the caller knows by name which it has. Limits: [`MAX_FILES`], [`MAX_FILE_BYTES`] and
//! [`MAX_ANSWER_BYTES`].

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use thiserror::Error;

use super::{FILE_CLOSE, FILE_OPEN, FILE_READ, INFO, answer_at, ask};
use crate::framed::Cut;
use crate::o2ring_file::MAX_FILE_BYTES;
use crate::time::DateTime;

/// Files taken from a list: the ring keeps four; more is a list that is none.
const MAX_FILES: usize = 64;

/// Bytes in the content of one answer: the list is some 700, a block 512 at most.
const MAX_ANSWER_BYTES: usize = 4_096;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, in order, in pieces as small as need be, and go on listening.
    Send(Vec<u8>),
    /// What the ring says of itself; comes first.
    Info(Info),
    /// A file has come, whole.
    File {
        /// Its name: when it was begun, by the ring's clock, as fourteen digits.
        name: String,
        /// Its bytes, for the decoder of `o2ring-file`.
        bytes: Vec<u8>,
    },
    /// The file did not come.
    Skipped {
        /// Its name.
        name: String,
        /// Why.
        why: DownloadError,
    },
    /// The list did not come, and so nothing will.
    Failed(DownloadError),
    /// Nothing more is under way: the file came or not, or there was none that was wanted.
    Finished,
}

/// What the ring says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Serial number.
    pub serial: Option<String>,
    /// Its clock, as `2020-08-17,23:29:30`.
    pub time: Option<String>,
    /// Names of its files, oldest first.
    pub files: Vec<String>,
}

/// Why a file, or the list, did not come.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DownloadError {
    /// The ring refused.
    #[error(
        "the ring refused with status {status}; put it on its charger for a moment, then again"
    )]
    Refused {
        /// Its status.
        status: u8,
    },
    /// The answer is not one to what was asked.
    #[error("the ring's answer does not fit what was asked; the file will be asked for again")]
    OutOfTurn,
    /// The file is longer than any can be.
    #[error("the ring says that the file has {len} bytes, more than any recording has")]
    TooLong {
        /// Bytes it is said to have.
        len: u32,
    },
    /// The bytes that came are damaged.
    #[error("what came from the ring was damaged on the way; the file will be asked for again")]
    Damaged,
}

/// A download under way.
#[derive(Debug)]
pub struct Download {
    mode: Mode,
    rest: Vec<u8>,
}

/// What was asked last.
#[derive(Debug)]
enum Mode {
    Listing,
    Opening {
        name: String,
    },
    Reading {
        name: String,
        len: usize,
        block: u16,
        bytes: Vec<u8>,
    },
    Closing,
    Done,
}

impl Download {
    /// A download, and what to send first: the question for the list.
    #[must_use]
    pub fn start() -> (Self, Vec<u8>) {
        let download = Self {
            mode: Mode::Listing,
            rest: Vec::new(),
        };
        (download, ask(INFO, 0, &[]))
    }

    /// Whether nothing more is expected.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.mode, Mode::Done)
    }

    /// The name of the file that was asked for and has not come whole yet.
    #[must_use]
    pub fn under_way(&self) -> Option<&str> {
        match &self.mode {
            Mode::Opening { name } | Mode::Reading { name, .. } => Some(name),
            Mode::Listing | Mode::Closing | Mode::Done => None,
        }
    }

    /// What to send when the caller gives up: it closes a file that is open.
    #[must_use]
    pub fn abandon(self) -> Option<Vec<u8>> {
        self.under_way().map(|_| ask(FILE_CLOSE, 0, &[]))
    }

    /// Takes what the ring sent, in any pieces. `wants` says of a name whether the file is to be
    /// fetched: not one that is had already.
    pub fn hear(&mut self, bytes: &[u8], wants: impl Fn(&str) -> bool) -> Vec<Step> {
        let mut steps = Vec::new();
        self.rest.extend_from_slice(bytes);
        while !self.rest.is_empty() && !self.is_done() {
            let rest = core::mem::take(&mut self.rest);
            let done = match answer_at(&rest, MAX_ANSWER_BYTES) {
                Ok(answer) => {
                    self.answered(
                        answer.status,
                        answer.block,
                        answer.content,
                        &wants,
                        &mut steps,
                    );
                    answer.len
                }
                Err(Cut::Short) => {
                    self.rest = rest;
                    break;
                }
                Err(Cut::Bad(_, len)) => {
                    // What is left of a damaged answer may still arrive while the file is closed;
                    // only a whole answer ends that.
                    if !matches!(self.mode, Mode::Closing) {
                        self.fail(DownloadError::Damaged, &mut steps);
                    }
                    len
                }
                Err(Cut::Frame(_, len)) => len,
            };
            self.rest = rest[done..].to_vec();
        }
        steps
    }

    fn answered(
        &mut self,
        status: u8,
        block: u16,
        content: &[u8],
        wants: &impl Fn(&str) -> bool,
        steps: &mut Vec<Step>,
    ) {
        if matches!(self.mode, Mode::Closing) {
            // Closed or not: there is no more to be done about it.
            return self.end(steps);
        }
        if status != 0 {
            return self.fail(DownloadError::Refused { status }, steps);
        }
        match core::mem::replace(&mut self.mode, Mode::Done) {
            // Anything else answers an older question: what a list lacks would be taken for none.
            Mode::Listing if !content.starts_with(b"{") => {
                self.mode = Mode::Listing;
                self.fail(DownloadError::OutOfTurn, steps);
            }
            Mode::Listing => {
                let info = Info::read(content);
                let wanted = info.files.iter().find(|name| wants(name)).cloned();
                steps.push(Step::Info(info));
                match wanted {
                    Some(name) => self.open(name, steps),
                    None => self.end(steps),
                }
            }
            Mode::Opening { name } => self.opened(name, content, steps),
            Mode::Reading {
                name,
                len,
                block: asked,
                mut bytes,
            } => {
                let next = asked.checked_add(1).filter(|_| block == asked);
                let Some(next) = next.filter(|_| !content.is_empty()) else {
                    self.mode = Mode::Opening { name };
                    return self.fail(DownloadError::OutOfTurn, steps);
                };
                // The last block may be filled up.
                bytes.extend(content.iter().take(len - bytes.len()));
                self.read_on(name, len, next, bytes, steps);
            }
            Mode::Closing | Mode::Done => {}
        }
    }

    fn opened(&mut self, name: String, content: &[u8], steps: &mut Vec<Step>) {
        let Some(len) = content.try_into().ok().map(u32::from_le_bytes) else {
            self.mode = Mode::Opening { name };
            return self.fail(DownloadError::OutOfTurn, steps);
        };
        match usize::try_from(len) {
            Ok(size) if size <= MAX_FILE_BYTES => {
                self.read_on(name, size, 0, Vec::new(), steps);
            }
            _ => {
                self.mode = Mode::Opening { name };
                self.fail(DownloadError::TooLong { len }, steps);
            }
        }
    }

    /// Asks for the next block, or hands the file out.
    fn read_on(
        &mut self,
        name: String,
        len: usize,
        block: u16,
        bytes: Vec<u8>,
        steps: &mut Vec<Step>,
    ) {
        if bytes.len() < len {
            steps.push(Step::Send(ask(FILE_READ, block, &[])));
            self.mode = Mode::Reading {
                name,
                len,
                block,
                bytes,
            };
        } else {
            steps.push(Step::File { name, bytes });
            self.close(steps);
        }
    }

    /// The file that was under way did not come; the list not coming is the end.
    fn fail(&mut self, why: DownloadError, steps: &mut Vec<Step>) {
        match core::mem::replace(&mut self.mode, Mode::Done) {
            Mode::Opening { name } | Mode::Reading { name, .. } => {
                steps.push(Step::Skipped { name, why });
                self.close(steps);
            }
            Mode::Closing => self.end(steps),
            Mode::Listing | Mode::Done => steps.push(Step::Failed(why)),
        }
    }

    fn close(&mut self, steps: &mut Vec<Step>) {
        self.mode = Mode::Closing;
        steps.push(Step::Send(ask(FILE_CLOSE, 0, &[])));
    }

    fn end(&mut self, steps: &mut Vec<Step>) {
        self.mode = Mode::Done;
        steps.push(Step::Finished);
    }

    fn open(&mut self, name: String, steps: &mut Vec<Step>) {
        // Without the closing zero the ring answers with an error.
        let content = [name.as_bytes(), &[0]].concat();
        steps.push(Step::Send(ask(FILE_OPEN, 0, &content)));
        self.mode = Mode::Opening { name };
    }
}

impl Info {
    /// Its clock; none when it says no date and time.
    #[must_use]
    pub fn clock(&self) -> Option<DateTime> {
        let mut numbers = self.time.as_deref()?.split(['-', ',', ':']);
        let mut next = || numbers.next()?.trim().parse::<u16>().ok();
        let year = next()?;
        let mut next = || u8::try_from(next()?).ok();
        let time = DateTime {
            year,
            month: next()?,
            day: next()?,
            hour: next()?,
            minute: next()?,
            second: next()?,
        };
        time.seconds().map(|_| time)
    }

    /// Reads the ring's list: one flat object whose values are all strings. What is not there is
    /// left out.
    fn read(content: &[u8]) -> Self {
        let text = String::from_utf8_lossy(content);
        let files = value_of(&text, "FileList").unwrap_or_default();
        let names = files.split(',').filter(|name| is_name(name));
        Self {
            serial: value_of(&text, "SN").map(Into::into),
            time: value_of(&text, "CurTIME").map(Into::into),
            files: names.take(MAX_FILES).map(Into::into).collect(),
        }
    }
}

/// A name as the ring gives: a date and time in fourteen digits, some with an ending.
fn is_name(name: &str) -> bool {
    let digits = name.strip_suffix(".vld").unwrap_or(name);
    digits.len() == 14 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// The string that stands behind `"key":` in a flat object of strings.
fn value_of<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, after) = text.split_once(&format!("\"{key}\""))?;
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let (value, _) = value.strip_prefix('"')?.split_once('"')?;
    Some(value)
}
