//! Calls to other programs and to browsers, taken by small servers of the test's own.

// req: G9

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::agreement::{ECDH_P256, EphemeralPrivateKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::time::timeout;
use veglia_notify::{Config, Happened, Push, Senders, Webhook, outages, see_to};
use veglia_people::contacts::{self, Address, Channel};
use veglia_store::Actor;

use crate::{House, NOBODY, START, to};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// One request as it came.
struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        });
        line.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }
}

/// Takes one request and answers with `answer`, or never when it is empty.
fn take(listener: &TcpListener, answer: &str) -> Request {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "cut off");
    }
    let mut request = Request {
        head,
        body: Vec::new(),
    };
    let length: usize = request.header("content-length").parse().unwrap();
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).unwrap();
    if answer.is_empty() {
        thread::park();
    }
    let text = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(text.as_bytes()).unwrap();
    request
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    (listener, address)
}

fn by_webhook(house: &House) -> Config {
    Config {
        webhook: Some(Webhook {
            secret_file: house.secret("webhook.secret", SECRET),
        }),
        ..Config::default()
    }
}

fn by_push(house: &House) -> Config {
    let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let der = EcdsaKeyPair::generate_pkcs8(kind, &SystemRandom::new()).unwrap();
    let der = PrivatePkcs8KeyDer::from(der.as_ref().to_vec());
    let lines = base64::engine::general_purpose::STANDARD.encode(der.secret_pkcs8_der());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\n");
    Config {
        push: Some(Push {
            key_file: house.secret("push.key", &pem),
            contact: "mailto:centre@centre.example".to_owned(),
        }),
        ..Config::default()
    }
}

/// A browser that subscribed at the push service of this address.
fn browser(address: &str) -> Address {
    let random = SystemRandom::new();
    let browser = EphemeralPrivateKey::generate(&ECDH_P256, &random).unwrap();
    let p256dh = BASE64.encode(browser.compute_public_key().unwrap());
    let auth = BASE64.encode([7; 16]);
    let subscription = serde_json::json!({
        "endpoint": address, "keys": { "p256dh": p256dh, "auth": auth },
    });
    to(Channel::Push, &subscription.to_string())
}

#[tokio::test]
async fn a_call_to_a_program_is_signed_over_its_time_and_its_bytes() {
    let house = House::new().await;
    let (listener, address) = listener();
    house
        .enqueue("page-1.staff-1", &[to(Channel::Webhook, &address)], true)
        .await;
    let taken = thread::spawn(move || take(&listener, "204 No Content"));
    house
        .courier(&by_webhook(&house))
        .round(Channel::Webhook)
        .await
        .unwrap();
    let request = taken.join().unwrap();
    assert!(
        request.head.starts_with("POST /hook HTTP/1.1\r\n"),
        "{}",
        request.head
    );
    assert_eq!(request.header("idempotency-key"), "page-1.staff-1");
    let time = request.header("veglia-timestamp");
    assert_eq!(time, START.0.to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let signed = [time.as_bytes(), b".", &request.body].concat();
    let tag = hmac::sign(&key, &signed);
    let digits: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(request.header("veglia-signature"), format!("v1={digits}"));
    let said: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(said["key"], "page-1.staff-1");
    let accepted = (Happened::Accepted, Some(Channel::Webhook));
    assert_eq!(house.story().await, [accepted]);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_call_sends_again_and_the_key_tells() {
    let house = House::new().await;
    let (listener, address) = listener();
    house
        .enqueue("page-1.staff-1", &[to(Channel::Webhook, &address)], true)
        .await;
    let again = listener.try_clone().unwrap();
    let (heard, hears) = std::sync::mpsc::channel();
    // Detached: it never answers and ends with the test.
    thread::spawn(move || take(&again, ""));
    let crashed = house.courier(&by_webhook(&house));
    let cut = timeout(Duration::from_millis(300), crashed.round(Channel::Webhook)).await;
    assert!(
        cut.is_err(),
        "the call is still under way when the courier dies"
    );
    assert_eq!(
        house.story().await,
        [],
        "nothing was written before the answer"
    );

    thread::spawn(move || heard.send(take(&listener, "200 OK")));
    house
        .courier(&by_webhook(&house))
        .round(Channel::Webhook)
        .await
        .unwrap();
    let request = hears.recv_timeout(crate::PATIENCE).unwrap();
    assert_eq!(request.header("idempotency-key"), "page-1.staff-1");
    let accepted = (Happened::Accepted, Some(Channel::Webhook));
    assert_eq!(house.story().await, [accepted]);
}

#[tokio::test]
async fn a_browser_is_called_by_its_service_with_our_word_and_nothing_readable() {
    let house = House::new().await;
    let config = by_push(&house);
    let (listener, address) = listener();
    let subscription = browser(&address);
    house.enqueue("page-1.staff-1", &[subscription], true).await;
    let taken = thread::spawn(move || take(&listener, "201 Created"));
    house.courier(&config).round(Channel::Push).await.unwrap();
    let request = taken.join().unwrap();
    assert_eq!(request.header("content-encoding"), "aes128gcm");
    assert_eq!(request.header("topic").len(), 32);
    assert!(!request.body.windows(6).any(|it| it == b"Veglia"));

    let word = request
        .header("authorization")
        .strip_prefix("vapid t=")
        .unwrap();
    let (token, public) = word.split_once(", k=").unwrap();
    let (said, signature) = token.rsplit_once('.').unwrap();
    let public = BASE64.decode(public).unwrap();
    let signature = BASE64.decode(signature).unwrap();
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
    public.verify(said.as_bytes(), &signature).unwrap();
    let claims = BASE64.decode(said.split_once('.').unwrap().1).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["aud"], address.trim_end_matches("/hook"));
    assert_eq!(claims["sub"], "mailto:centre@centre.example");
}

#[tokio::test]
async fn a_browser_that_is_gone_is_forgotten_and_told_until_somebody_sees_to_it() {
    let house = House::new().await;
    let config = by_push(&house);
    let (listener, address) = listener();
    let (gone, party) = (browser(&address), "staff:1".parse().unwrap());
    let added = contacts::add(&house.record, &NOBODY, party, &gone, START).await;
    added.unwrap();
    let mobile = to(Channel::Sms, "3331234567");
    house.enqueue("page-1.staff-1", &[gone, mobile], true).await;
    let taken = thread::spawn(move || take(&listener, "410 Gone"));
    house.courier(&config).round(Channel::Push).await.unwrap();
    taken.join().unwrap();
    let (push, sms) = (Some(Channel::Push), Channel::Sms);
    assert_eq!(house.story().await, [(Happened::Abandoned, push)]);
    let left = contacts::of(&house.record, &NOBODY, party).await.unwrap();
    assert!(left.is_empty(), "it is not tried for the next message");
    assert_eq!(
        house.courier(&config).round(sms).await.unwrap(),
        1,
        "the next one"
    );

    let told = || async { outages(&house.record, &NOBODY, START).await.unwrap() };
    let down = told()
        .await
        .into_iter()
        .find(|it| Some(it.channel) == push)
        .unwrap();
    assert_eq!(down.recipient.as_deref(), Some("staff:1"));
    assert!(!down.reason.contains("127.0.0.1"), "{down:?}");
    let seen_to = see_to(&house.record, &Actor::Staff(1), down.id, START).await;
    assert!(seen_to.unwrap());
    let over = told()
        .await
        .into_iter()
        .find(|it| it.id == down.id)
        .unwrap();
    assert_eq!(over.ended, Some(START));
}

#[tokio::test]
async fn browsers_are_told_the_public_half_of_our_key_alone() {
    let house = House::new().await;
    let senders = Senders::open(&by_push(&house)).unwrap();
    let key = BASE64.decode(senders.push_key().unwrap()).unwrap();
    assert_eq!(
        (key.len(), key[0]),
        (65, 4),
        "a point of P-256, uncompressed"
    );
    assert_eq!(Senders::open(&Config::default()).unwrap().push_key(), None);
}
