//! The server: what must be told about it, and one request to it through `influxdb2`.
//!
//! The crate's own ways are kept behind this file: it panics at an address it cannot parse and
//! drops the path of one it can, so addresses are checked here first; it knows no time-out, so its
//! HTTP client is built here; and everything that is not 204 is an error, whose kind is read from
//! the status ([`Trouble`]).

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{Client, ClientBuilder, RequestError};
use reqwest_of_influxdb2 as reqwest;
use serde::Serialize;

use crate::pace::Pace;

/// Characters of a server's answer that are kept: enough for its sentence, not for a page.
const MAX_ANSWER_CHARS: usize = 300;

/// Where readings go, as a person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `https://host:port`, or `http://` to this machine. Without a path.
    pub url: String,
    /// The organisation, by its name or its number.
    pub org: String,
    /// The bucket, which must be there.
    pub bucket: String,
    /// The file that holds a token that may write to the bucket.
    pub token_file: PathBuf,
    /// Certificates (PEM) to trust beside the public ones, for a server of one's own.
    pub authority_file: Option<PathBuf>,
}

/// Why the section cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is no address.
    #[error("[ingest.influxdb] url = {0:?} must be an address such as \"https://influx:8086\"")]
    Url(String),
    /// It has a path, or more.
    #[error(
        "[ingest.influxdb] url = {0:?} may hold only scheme, host and port: a path before \
         /api/v2 cannot be served, and the token stands in token_file"
    )]
    Path(String),
    /// The token and the readings would be open to the network.
    #[error(
        "[ingest.influxdb] url = {0:?} would send the token and the readings unencrypted; use \
         https (authority_file names an authority of your own), or http to this machine"
    )]
    Open(String),
    /// A name is missing.
    #[error("[ingest.influxdb] {0} is empty; give the one that InfluxDB shows")]
    Empty(&'static str),
    /// A file cannot be read.
    #[error("[ingest.influxdb] cannot read {what} {}", path.display())]
    File {
        /// The key that names it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The token cannot be one.
    #[error(
        "[ingest.influxdb] token_file {} must hold one token of InfluxDB and nothing else",
        .0.display()
    )]
    Token(PathBuf),
    /// There are no certificates.
    #[error("[ingest.influxdb] authority_file {} holds no certificate in PEM", .0.display())]
    Authority(PathBuf),
    /// The HTTP client cannot be made.
    #[error("[ingest.influxdb] cannot prepare requests: {0}")]
    Client(String),
}

/// What a server can have against a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// No connection, a connection cut, or no answer in time.
    Unreachable,
    /// It asks for fewer requests (429).
    Busy,
    /// It fails by itself (5xx).
    Failing,
    /// It refuses what the lines say (400, 422).
    Refused,
    /// It refuses the token (401, 403).
    Unauthorised,
    /// It knows no such organisation or bucket (404).
    NotFound,
    /// The request is too large for it, or for a proxy before it (413).
    TooLarge,
    /// It answers what InfluxDB 2 does not say to a write.
    Unexpected,
    /// A refused line cannot be kept: the disk here refuses.
    QuarantineFails,
    /// There are so many refused lines that a person must look first.
    QuarantineFull,
}

impl Trouble {
    fn of_status(status: u16) -> Self {
        match status {
            400 | 422 => Self::Refused,
            401 | 403 => Self::Unauthorised,
            404 => Self::NotFound,
            408 | 429 => Self::Busy,
            413 => Self::TooLarge,
            500..=599 => Self::Failing,
            _ => Self::Unexpected,
        }
    }

    /// What it is and what to do about it.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Unreachable => "InfluxDB cannot be reached; readings wait in the journal",
            Self::Busy => "InfluxDB asks for fewer requests; readings wait in the journal",
            Self::Failing => "InfluxDB fails; readings wait in the journal",
            Self::Refused => "InfluxDB refuses lines; they are kept in quarantine, with the reason",
            Self::Unauthorised => {
                "InfluxDB refuses the token; put one that may write to the bucket into \
                 token_file and start ingest again"
            }
            Self::NotFound => {
                "InfluxDB knows no such organisation or bucket; make the bucket, or correct org \
                 and bucket in [ingest.influxdb] and start ingest again"
            }
            Self::TooLarge => {
                "InfluxDB takes only smaller requests; they are cut in halves: raise the limit of \
                 the server, or of the proxy before it"
            }
            Self::Unexpected => {
                "what answers is not InfluxDB 2; correct url in [ingest.influxdb] and start \
                 ingest again"
            }
            Self::QuarantineFails => "a line that InfluxDB refuses cannot be kept on this disk",
            Self::QuarantineFull => {
                "InfluxDB refuses so many lines that nothing more is sent; look at the reasons in \
                 quarantine, then move its file away and start ingest again"
            }
        }
    }
}

/// A request that was not answered with 204.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) trouble: Trouble,
    /// What the server, or the system, said about it, on one line.
    pub(crate) said: String,
}

/// A token. It is never shown.
struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let bytes = read("token_file", path)?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::Token(path.into()))?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::Token(path.into()));
        }
        Ok(Self(token.into()))
    }
}

/// The server, ready to be written to. Its token is not in its `Debug`.
#[derive(Debug)]
pub(crate) struct Server {
    client: Client,
    org: String,
    bucket: String,
}

impl Server {
    /// Checks everything that can be checked without asking the server.
    pub(crate) fn open(config: &Config, pace: &Pace) -> Result<Self, ConfigError> {
        check_url(&config.url)?;
        for (key, value) in [("org", &config.org), ("bucket", &config.bucket)] {
            if value.trim().is_empty() {
                return Err(ConfigError::Empty(key));
            }
        }
        let token = Token::read(&config.token_file)?;
        // An answer that leads elsewhere is not followed: the token is meant for this server.
        let mut http = reqwest::ClientBuilder::new()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(pace.timeout);
        for certificate in authority(config.authority_file.as_deref())? {
            http = http.add_root_certificate(certificate);
        }
        let client = ClientBuilder::with_builder(http, &config.url, &config.org, token.0)
            .build()
            .map_err(|error| ConfigError::Client(chain(&error)))?;
        Ok(Self {
            client,
            org: config.org.clone(),
            bucket: config.bucket.clone(),
        })
    }

    /// One request. Well only when the server answered 204.
    pub(crate) async fn write(&self, lines: Bytes) -> Result<(), Refusal> {
        let precision = TimestampPrecision::Milliseconds;
        self.client
            .write_line_protocol_with_precision(&self.org, &self.bucket, lines, precision)
            .await
            .map_err(refusal)
    }
}

fn refusal(error: RequestError) -> Refusal {
    match error {
        RequestError::Http { status, text } => Refusal {
            trouble: Trouble::of_status(status.as_u16()),
            said: one_line(&format!("{} {text}", status.as_u16())),
        },
        RequestError::ReqwestProcessing { source } => Refusal {
            trouble: Trouble::Unreachable,
            said: one_line(&chain(&source.without_url())),
        },
        error @ (RequestError::Serializing { .. } | RequestError::Deserializing { .. }) => {
            Refusal {
                trouble: Trouble::Unexpected,
                said: one_line(&chain(&error)),
            }
        }
    }
}

fn check_url(text: &str) -> Result<(), ConfigError> {
    let wrong = || ConfigError::Url(text.into());
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let host = url.host_str().ok_or_else(wrong)?;
    let is_bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    match url.scheme() {
        "http" | "https" if !is_bare => Err(ConfigError::Path(without_password(url))),
        "http" if !is_here(host) => Err(ConfigError::Open(text.into())),
        "http" | "https" => Ok(()),
        _ => Err(wrong()),
    }
}

/// The address as it may be shown to whoever reads the log.
fn without_password(mut url: reqwest::Url) -> String {
    if url.password().is_some() && url.set_password(Some("…")).is_err() {
        return String::new();
    }
    url.into()
}

/// Whether the host is this machine.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

fn authority(path: Option<&Path>) -> Result<Vec<reqwest::Certificate>, ConfigError> {
    let Some(path) = path else {
        return Ok(Vec::new());
    };
    let pem = read("authority_file", path)?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(ConfigError::Authority(path.into())),
    }
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|source| ConfigError::File {
        what,
        path: path.into(),
        source,
    })
}

/// An error and its causes. Those of the HTTP client say the useful part last.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |it| it.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// The first characters of a text, with everything that would break a line made a space.
fn one_line(text: &str) -> String {
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let short: String = text.chars().take(MAX_ANSWER_CHARS).map(plain).collect();
    short.trim_end().into()
}

#[cfg(test)]
mod tests;
