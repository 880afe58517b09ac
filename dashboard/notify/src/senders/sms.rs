//! Short messages through an HTTP gateway, in the manner of Kannel's `sendsms`.
//!
//! The gateway calls back with what the network says of each message. The address of that call
//! carries the number of the delivery and a signature made with the gateway's password, so that
//! nobody else can say that a message arrived.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use hyper::Request;
use ring::hmac;
use url::Url;

use super::{OpenError, Refusal, secret};
use crate::config::Sms;
use crate::http::Client;
use crate::outbox::Due;
use crate::sms_text::SmsText;

/// Where receipts come in, below the address that the configuration says.
const RECEIPTS: &str = "/consegne/ricevuta";

/// Which receipts are asked for: arrived (1), not arrived (2), refused by the network (16).
const RECEIPT_MASK: &str = "19";

/// The plain alphabet, and UCS-2, as Kannel numbers them.
const CODING_PLAIN: &str = "0";
const CODING_UCS2: &str = "2";

pub(super) struct Sender {
    client: Client,
    gateway: Url,
    user: String,
    password: String,
    from: String,
    receipts: Option<Url>,
    key: hmac::Key,
}

impl Sender {
    pub(super) fn open(config: &Sms, client: Client) -> Result<Self, OpenError> {
        let url = |key, text: &str| {
            text.parse::<Url>().map_err(|error| OpenError::Value {
                key,
                reason: error.to_string(),
            })
        };
        let password = secret(&config.password_file)?;
        let receipts = config.receipts.as_deref();
        let receipts = receipts.map(|it| url("sms.receipts", it)).transpose()?;
        Ok(Self {
            client,
            gateway: url("sms.gateway", &config.gateway)?,
            user: config.user.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, password.as_bytes()),
            password,
            from: config.from.clone(),
            receipts,
        })
    }

    pub(super) async fn send(&self, due: &Due) -> Result<(), Refusal> {
        let text = SmsText::new(&due.message.joined(" "));
        let text = text.map_err(|error| Refusal::channel(error.to_string(), false))?;
        let url = self.address(due, &text);
        let status = self.client.call(&url, Request::get("/"), Bytes::new());
        let status = status
            .await
            .map_err(|error| Refusal::channel(format!("the SMS gateway: {error}"), true))?;
        // 202 is Kannel's; others of its manner say 200.
        match status.as_u16() {
            200..=299 => Ok(()),
            status @ (408 | 429 | 500..) => Err(Refusal::channel(
                format!("the SMS gateway answered {status}"),
                true,
            )),
            401 | 403 => Err(Refusal::channel(
                "the SMS gateway refuses our user or password",
                false,
            )),
            status => Err(Refusal::recipient(
                format!("the SMS gateway refused the message ({status})"),
                false,
            )),
        }
    }

    fn address(&self, due: &Due, text: &SmsText) -> Url {
        let mut url = self.gateway.clone();
        let coding = if text.is_plain() {
            CODING_PLAIN
        } else {
            CODING_UCS2
        };
        let mut query = url.query_pairs_mut();
        query
            .append_pair("username", &self.user)
            .append_pair("password", &self.password)
            .append_pair("from", &self.from)
            .append_pair("to", due.address.reveal())
            .append_pair("charset", "UTF-8")
            .append_pair("coding", coding)
            .append_pair("text", text.as_str());
        if let Some(receipts) = &self.receipts {
            let base = receipts.as_str().trim_end_matches('/');
            let id = due.id;
            let signature = self.signature(id);
            // The gateway puts its word for what happened in the place of %d.
            let back = format!("{base}{RECEIPTS}?consegna={id}&firma={signature}&esito=%d");
            query
                .append_pair("dlr-mask", RECEIPT_MASK)
                .append_pair("dlr-url", &back);
        }
        drop(query);
        url
    }

    fn signature(&self, delivery: i64) -> String {
        let tag = hmac::sign(&self.key, said(delivery).as_bytes());
        URL_SAFE_NO_PAD.encode(tag)
    }

    pub(super) fn receipt_is_ours(&self, delivery: i64, signature: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        hmac::verify(&self.key, said(delivery).as_bytes(), &tag).is_ok()
    }
}

/// What is signed: not a number alone, which the same key might sign elsewhere.
fn said(delivery: i64) -> String {
    format!("veglia receipt {delivery}")
}
