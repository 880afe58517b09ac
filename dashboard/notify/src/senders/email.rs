//! Electronic mail, to a server that takes our messages (SMTP submission).

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::time::timeout;
use veglia_wire::WallMs;

use super::{OpenError, Refusal, secret};
use crate::config::{Email, EmailTls};
use crate::http::CALL_WITHIN;
use crate::outbox::Due;

/// For each step of the conversation; all of it has [`CALL_WITHIN`].
const STEP_WITHIN: Duration = Duration::from_secs(10);

pub(super) struct Sender {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// What our keys are made unique with in a `Message-ID`.
    domain: String,
}

impl Sender {
    pub(super) fn open(config: &Email) -> Result<Self, OpenError> {
        let value = |key, reason: String| OpenError::Value { key, reason };
        let from: Mailbox = config
            .from
            .parse()
            .map_err(|error| value("email.from", format!("{error}")))?;
        let domain = from.email.domain().to_owned();
        let (host, port) = config
            .server
            .rsplit_once(':')
            .and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)))
            .ok_or_else(|| value("email.server", "it must be host:port".to_owned()))?;
        let here = matches!(host, "localhost" | "127.0.0.1" | "::1");
        let tls = match config.tls {
            EmailTls::None if here => Tls::None,
            EmailTls::None => {
                let reason = "without encryption only a server on this machine is used";
                return Err(value("email.tls", reason.to_owned()));
            }
            EmailTls::Starttls => Tls::Required(parameters(config, host)?),
            EmailTls::Implicit => Tls::Wrapper(parameters(config, host)?),
        };
        let mut server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(STEP_WITHIN))
            .hello_name(ClientId::Domain(domain.clone()));
        if let (Some(user), Some(file)) = (&config.user, &config.password_file) {
            server = server.credentials(Credentials::new(user.clone(), secret(file)?));
        }
        Ok(Self {
            server: server.build(),
            from,
            domain,
        })
    }

    pub(super) async fn send(&self, due: &Due, now: WallMs) -> Result<(), Refusal> {
        let message = self.message(due, now)?;
        match timeout(CALL_WITHIN, self.server.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(judge(&error)),
            Err(_) => {
                let seconds = CALL_WITHIN.as_secs();
                let reason = format!("the mail server did not answer within {seconds} s");
                Err(Refusal::channel(reason, true))
            }
        }
    }

    fn message(&self, due: &Due, now: WallMs) -> Result<Message, Refusal> {
        let unfit = |_| Refusal::recipient("its e-mail address cannot be written to", false);
        let to = due.address.reveal().parse().map_err(unfit)?;
        let since_1970 = Duration::from_millis(u64::try_from(now.0).unwrap_or_default());
        let body = format!("{}\r\n", due.message.joined("\r\n\r\n"));
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(due.message.subject())
            .message_id(Some(format!("<{}@{}>", due.key, self.domain)))
            .date(UNIX_EPOCH + since_1970)
            .body(body)
            .map_err(|_| Refusal::recipient("the message is no e-mail", false))?;
        // RFC 3834: nobody's holiday notice answers us.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let value = HeaderValue::new(automatic, "auto-generated".to_owned());
        message.headers_mut().insert_raw(value);
        Ok(message)
    }
}

fn parameters(config: &Email, host: &str) -> Result<TlsParameters, OpenError> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(path) = &config.authority {
        let pem = fs::read(path).map_err(|source| OpenError::File {
            path: path.clone(),
            source,
        })?;
        let authority = Certificate::from_pem(&pem).map_err(|_| OpenError::Content {
            path: path.clone(),
            wanted: "certificate of an authority",
        })?;
        parameters = parameters
            .certificate_store(CertificateStore::None)
            .add_root_certificate(authority);
    }
    parameters.build_rustls().map_err(|error| OpenError::Value {
        key: "email.tls",
        reason: error.to_string(),
    })
}

/// The server's own words stay out: they repeat the address.
fn judge(error: &SmtpError) -> Refusal {
    match error.status().map(u16::from) {
        // RFC 5321: what these say is about the mailbox, not about the server or us.
        Some(code @ (450 | 452)) => {
            let reason = format!("the mail server does not take this address now ({code})");
            Refusal::recipient(reason, true)
        }
        Some(code @ (550..=553)) => {
            let reason = format!("the mail server refuses this address ({code})");
            Refusal::recipient(reason, false)
        }
        Some(code) => {
            let reason = format!("the mail server refuses the message ({code})");
            Refusal::channel(reason, error.is_transient())
        }
        None if error.is_timeout() => Refusal::channel("the mail server is too slow", true),
        None if error.is_tls() => {
            Refusal::channel("the line to the mail server cannot be encrypted", true)
        }
        None => Refusal::channel("the mail server cannot be reached", true),
    }
}
