//! The `[notify]` section: which channels there are, and where their secrets lie.
//!
//! Secrets are in files of their own, never in the configuration.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The whole section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where those who are called find the pages: the beginning of every link.
    pub link: String,
    /// Takes the messages of channels that have no section, a JSON line each.
    pub file: Option<PathBuf>,
    /// Electronic mail.
    pub email: Option<Email>,
    /// Short messages.
    pub sms: Option<Sms>,
    /// Browsers that subscribed.
    pub push: Option<Push>,
    /// Other programs.
    pub webhook: Option<Webhook>,
}

/// A mail server that takes our messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// `host:port`.
    pub server: String,
    /// How the line to it is encrypted.
    #[serde(default)]
    pub tls: EmailTls,
    /// The address that messages come from.
    pub from: String,
    /// The account there, if it wants one.
    pub user: Option<String>,
    /// Its password.
    pub password_file: Option<PathBuf>,
    /// A certificate authority (PEM) that the operating system does not know.
    pub authority: Option<PathBuf>,
}

/// How a line to a mail server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EmailTls {
    /// The server is asked for it, and left when it cannot.
    #[default]
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all: for a server on this machine.
    None,
}

/// An HTTP gateway in the manner of Kannel's `sendsms`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// Its address.
    pub gateway: String,
    /// The account there.
    pub user: String,
    /// Its password; it also signs the addresses of receipts.
    pub password_file: PathBuf,
    /// The number or the name that messages come from.
    pub from: String,
    /// Where the gateway reaches the pages, for receipts; without it none are asked for.
    pub receipts: Option<String>,
}

/// Web push (RFC 8030) with our own key (VAPID, RFC 8292).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The key: P-256, PKCS#8, PEM.
    pub key_file: PathBuf,
    /// Whom push services may write to when we misbehave: `mailto:…` or `https:…`.
    pub contact: String,
}

/// Signed calls to other programs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The secret with which they are signed; the receivers have it too.
    pub secret_file: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            link: "http://localhost:8080".to_owned(),
            file: None,
            email: None,
            sms: None,
            push: None,
            webhook: None,
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        let mut paths: Vec<&mut PathBuf> = Vec::new();
        paths.extend(self.file.as_mut());
        if let Some(email) = &mut self.email {
            paths.extend(email.password_file.as_mut());
            paths.extend(email.authority.as_mut());
        }
        paths.extend(self.sms.as_mut().map(|sms| &mut sms.password_file));
        paths.extend(self.push.as_mut().map(|push| &mut push.key_file));
        paths.extend(self.webhook.as_mut().map(|hook| &mut hook.secret_file));
        for path in paths {
            *path = data.join(&*path);
        }
    }

    /// The address of a page, for a message.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.link.trim_end_matches('/'))
    }
}
