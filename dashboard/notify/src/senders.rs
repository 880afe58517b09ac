//! The channels themselves: one module each, behind one function.
//!
//! A sender says whether its channel took the message, and if not, whose fault it was: the
//! channel's (nobody gets anything by it) or the recipient's (others do), and whether another
//! attempt may do better. Reasons name no address: they are kept, shown and logged.

mod email;
mod file;
mod push;
mod sms;
mod webhook;

use std::fs;
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use thiserror::Error;
use veglia_people::contacts::Channel;
use veglia_wire::WallMs;

use crate::config::Config;
use crate::http::{CallError, Client};

use crate::outbox::Due;

/// Why a channel did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// In words, without addresses.
    pub(crate) reason: String,
    /// The channel does not work, whoever the recipient.
    pub(crate) blames_channel: bool,
    /// Another attempt may do better.
    pub(crate) may_pass: bool,
    /// The address does not exist any more, and never will.
    pub(crate) is_gone: bool,
}

impl Refusal {
    pub(crate) fn channel(reason: impl Into<String>, may_pass: bool) -> Self {
        Self {
            reason: reason.into(),
            blames_channel: true,
            may_pass,
            is_gone: false,
        }
    }

    pub(crate) fn recipient(reason: impl Into<String>, may_pass: bool) -> Self {
        Self {
            reason: reason.into(),
            blames_channel: false,
            may_pass,
            is_gone: false,
        }
    }
}

/// Why the channels cannot be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A secret, a key or a certificate cannot be read.
    #[error("[notify] cannot read {}: make it, readable by this user alone", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that holds something else.
    #[error("[notify] {} holds no {wanted}", path.display())]
    Content {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },
    /// A value of the configuration that cannot be used.
    #[error("[notify] {key} cannot be used: {reason}")]
    Value {
        /// Which key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider of cryptography does not work.
    #[error("[notify] encryption is not to be had")]
    Tls(#[source] rustls::Error),
}

/// The channels that are configured.
pub struct Senders {
    email: Option<email::Sender>,
    sms: Option<sms::Sender>,
    push: Option<push::Sender>,
    webhook: Option<webhook::Sender>,
    file: Option<file::Sender>,
}

impl Senders {
    /// Opens what is configured, and reads the secrets.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &Config) -> Result<Self, OpenError> {
        let client = Client::new().map_err(OpenError::Tls)?;
        let (sms, push, webhook) = (&config.sms, &config.push, &config.webhook);
        Ok(Self {
            email: config.email.as_ref().map(email::Sender::open).transpose()?,
            sms: sms
                .as_ref()
                .map(|it| sms::Sender::open(it, client.clone()))
                .transpose()?,
            push: push
                .as_ref()
                .map(|it| push::Sender::open(it, client.clone()))
                .transpose()?,
            webhook: webhook
                .as_ref()
                .map(|it| webhook::Sender::open(it, client))
                .transpose()?,
            file: config.file.as_deref().map(file::Sender::new),
        })
    }

    /// The public half of our key of web push, as browsers want it when they subscribe; none where
    /// web push is not configured.
    #[must_use]
    pub fn push_key(&self) -> Option<String> {
        self.push.as_ref().map(push::Sender::public_key)
    }

    /// Whether a receipt's signature is ours: then its delivery is what the network speaks of.
    #[must_use]
    pub fn receipt_is_ours(&self, delivery: i64, signature: &str) -> bool {
        let sms = self.sms.as_ref();
        sms.is_some_and(|sms| sms.receipt_is_ours(delivery, signature))
    }

    /// Hands a message to the channel of its address.
    pub(crate) async fn send(&self, due: &Due, now: WallMs) -> Result<(), Refusal> {
        let channel = due.address.channel();
        match channel {
            Channel::Email if let Some(email) = &self.email => email.send(due, now).await,
            Channel::Sms if let Some(sms) = &self.sms => sms.send(due).await,
            Channel::Push if let Some(push) = &self.push => push.send(due, now).await,
            Channel::Webhook if let Some(hook) = &self.webhook => hook.send(due, now).await,
            Channel::Email | Channel::Sms | Channel::Push | Channel::Webhook => match &self.file {
                Some(file) => file.send(due, now).await,
                None => Err(Refusal::channel(
                    format!("no [notify.{channel}] is configured"),
                    false,
                )),
            },
        }
    }
}

/// A secret of one line.
fn secret(path: &Path) -> Result<String, OpenError> {
    let text = text(path)?;
    let line = text.trim();
    if line.is_empty() {
        return Err(OpenError::Content {
            path: path.to_owned(),
            wanted: "secret",
        });
    }
    Ok(line.to_owned())
}

fn text(path: &Path) -> Result<String, OpenError> {
    fs::read_to_string(path).map_err(|source| OpenError::File {
        path: path.to_owned(),
        source,
    })
}

/// What an answer of HTTP means where every recipient has a server of their own.
fn judge(answer: Result<StatusCode, CallError>) -> Result<(), Refusal> {
    let status = answer.map_err(|error| Refusal::recipient(error.to_string(), true))?;
    if status.is_success() {
        return Ok(());
    }
    let may_pass = status.is_server_error() || matches!(status.as_u16(), 408 | 429);
    let reason = format!("it answered {}", status.as_u16());
    Err(Refusal::recipient(reason, may_pass))
}
