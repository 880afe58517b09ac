//! Calls to another program, signed.
//!
//! ```text
//! POST <address>
//! Idempotency-Key: page-12.staff-3
//! Veglia-Timestamp: 1604300400000
//! Veglia-Signature: v1=<hex of HMAC-SHA256(secret, timestamp "." body)>
//!
//! {"key":"page-12.staff-3","subject":"…","text":"…","link":"…"}
//! ```
//! The receiver computes the signature over the bytes as they came, compares it in constant time,
//! refuses a timestamp (milliseconds since 1970) more than five minutes from its own clock, and
//! remembers the keys of that time: then a recorded call is of no use to whoever plays it again.

use bytes::Bytes;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use ring::hmac;
use serde::Serialize;
use url::Url;
use veglia_wire::WallMs;

use super::{OpenError, Refusal, judge, secret};
use crate::config::Webhook;
use crate::http::Client;
use crate::outbox::Due;

/// Shortest secret: 128 bits in hexadecimal digits.
const SECRET_CHARS_MIN: usize = 32;

pub(super) struct Sender {
    client: Client,
    key: hmac::Key,
}

#[derive(Serialize)]
struct Body<'a> {
    key: &'a str,
    subject: &'a str,
    text: &'a str,
    link: &'a str,
}

impl Sender {
    pub(super) fn open(config: &Webhook, client: Client) -> Result<Self, OpenError> {
        let secret = secret(&config.secret_file)?;
        if secret.len() < SECRET_CHARS_MIN {
            return Err(OpenError::Content {
                path: config.secret_file.clone(),
                wanted: "secret of 32 characters or more",
            });
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Ok(Self { client, key })
    }

    pub(super) async fn send(&self, due: &Due, now: WallMs) -> Result<(), Refusal> {
        let url: Result<Url, _> = due.address.reveal().parse();
        let url = url.map_err(|_| Refusal::recipient("its address is no URL", false))?;
        let body = Body {
            key: due.key.as_str(),
            subject: due.message.subject(),
            text: due.message.text(),
            link: due.message.link(),
        };
        let body = serde_json::to_vec(&body)
            .map_err(|_| Refusal::recipient("the message is no JSON", false))?;
        let request = Request::post("/")
            .header(CONTENT_TYPE, "application/json")
            .header("idempotency-key", due.key.as_str())
            .header("veglia-timestamp", now.0)
            .header("veglia-signature", self.signature(now, &body));
        judge(self.client.call(&url, request, Bytes::from(body)).await)
    }

    fn signature(&self, now: WallMs, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(now.0.to_string().as_bytes());
        context.update(b".");
        context.update(body);
        let tag = context.sign();
        let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
        format!("v1={}", digits.collect::<String>())
    }
}
