//! Web push: to a browser that subscribed, through its maker's service (RFC 8030).
//!
//! The service carries what it cannot read: the message is encrypted for the browser (RFC 8291,
//! `aes128gcm` of RFC 8188). It knows us by our key (VAPID, RFC 8292). All of it is done with
//! *ring*: the crates for it bring OpenSSL or a second set of ciphers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use bytes::Bytes;
use hyper::{Request, StatusCode};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Serialize;
use url::Url;
use veglia_people::contacts::Subscription;
use veglia_wire::WallMs;

use super::{OpenError, Refusal, judge, text};
use crate::config::Push;
use crate::http::Client;
use crate::outbox::Due;

/// For how long the service keeps it for a browser that is away, in seconds: an hour. By then
/// others were called.
const TTL_SECONDS: &str = "3600";

/// How long our word to the service counts, in seconds; at most a day by RFC 8292.
const TOKEN_SECONDS: i64 = 12 * 3_600;

/// One record holds all: services take 4096 bytes.
const RECORD_BYTES: u32 = 4_096;

/// Signs of a topic, at most, by RFC 8030.
const TOPIC_CHARS: usize = 32;

pub(super) struct Sender {
    client: Client,
    key: EcdsaKeyPair,
    contact: String,
    random: SystemRandom,
}

/// What the browser shows.
#[derive(Serialize)]
struct Notice<'a> {
    key: &'a str,
    title: &'a str,
    body: &'a str,
    link: &'a str,
}

/// What a browser and we know of each other, beside the message.
struct Secrets<'a> {
    shared: &'a [u8],
    auth: &'a [u8],
    browser: &'a [u8],
    ours: &'a [u8],
    salt: [u8; 16],
}

impl Sender {
    pub(super) fn open(config: &Push, client: Client) -> Result<Self, OpenError> {
        let no_key = || OpenError::Content {
            path: config.key_file.clone(),
            wanted: "P-256 key (PKCS#8, PEM)",
        };
        let pem = text(&config.key_file)?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| no_key())?;
        let random = SystemRandom::new();
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(kind, der.secret_pkcs8_der(), &random);
        Ok(Self {
            client,
            key: key.map_err(|_| no_key())?,
            contact: config.contact.clone(),
            random,
        })
    }

    pub(super) fn public_key(&self) -> String {
        BASE64.encode(self.key.public_key())
    }

    pub(super) async fn send(&self, due: &Due, now: WallMs) -> Result<(), Refusal> {
        let unfit = || Refusal::recipient("its subscription cannot be used", false);
        let subscription = due.address.subscription().ok_or_else(unfit)?;
        let url: Url = subscription.endpoint.parse().map_err(|_| unfit())?;
        let notice = Notice {
            key: due.key.as_str(),
            title: due.message.subject(),
            body: due.message.text(),
            link: due.message.link(),
        };
        let notice = serde_json::to_vec(&notice).map_err(|_| unfit())?;
        let sealed = self.seal(&subscription, &notice).map_err(|_| unfit())?;
        let token = self.token(&url, now);
        let token = token.map_err(|_| Refusal::channel("no word could be signed", true))?;
        let request = Request::post("/")
            .header("ttl", TTL_SECONDS)
            .header("urgency", "high")
            .header("topic", topic(due.key.as_str()))
            .header("content-encoding", "aes128gcm")
            .header("authorization", token);
        let answer = self.client.call(&url, request, Bytes::from(sealed)).await;
        let is_gone = matches!(&answer, Ok(StatusCode::NOT_FOUND | StatusCode::GONE));
        judge(answer).map_err(|refusal| {
            if !is_gone {
                return refusal;
            }
            Refusal {
                is_gone,
                reason: "the browser does not take notices any more".to_owned(),
                ..refusal
            }
        })
    }

    fn seal(&self, to: &Subscription, notice: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let browser = BASE64.decode(&to.keys.p256dh).map_err(|_| Unspecified)?;
        let auth = BASE64.decode(&to.keys.auth).map_err(|_| Unspecified)?;
        let private = EphemeralPrivateKey::generate(&ECDH_P256, &self.random)?;
        let ours = private.compute_public_key()?;
        let mut salt = [0; 16];
        self.random.fill(&mut salt)?;
        let peer = UnparsedPublicKey::new(&ECDH_P256, &browser);
        agree_ephemeral(private, &peer, |shared| {
            let secrets = Secrets {
                shared,
                auth: &auth,
                browser: &browser,
                ours: ours.as_ref(),
                salt,
            };
            secrets.seal(notice)
        })?
    }

    /// Who we are, signed for one service.
    fn token(&self, url: &Url, now: WallMs) -> Result<String, Unspecified> {
        let claims = serde_json::json!({
            "aud": url.origin().ascii_serialization(),
            "exp": now.0.div_euclid(1_000) + TOKEN_SECONDS,
            "sub": self.contact,
        });
        let head = BASE64.encode(r#"{"typ":"JWT","alg":"ES256"}"#);
        let said = format!("{head}.{}", BASE64.encode(claims.to_string()));
        let signature = self.key.sign(&self.random, said.as_bytes())?;
        let signature = BASE64.encode(signature);
        let public = BASE64.encode(self.key.public_key());
        Ok(format!("vapid t={said}.{signature}, k={public}"))
    }
}

/// How many bytes to derive.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Secrets<'_> {
    /// RFC 8291, 3.4, then RFC 8188, 2.
    fn seal(&self, notice: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let about = [b"WebPush: info\0", self.browser, self.ours];
        let mut input = [0; 32];
        derive(self.auth, self.shared, &about, &mut input)?;
        let (mut key, mut nonce) = ([0; 16], [0; 12]);
        let label: &[u8] = b"Content-Encoding: aes128gcm\0";
        derive(&self.salt, &input, &[label], &mut key)?;
        derive(
            &self.salt,
            &input,
            &[b"Content-Encoding: nonce\0"],
            &mut nonce,
        )?;

        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        let mut sealed = notice.to_vec();
        sealed.push(2); // the last record, without padding
        let nonce = Nonce::assume_unique_for_key(nonce);
        key.seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)?;

        let id_length = u8::try_from(self.ours.len()).map_err(|_| Unspecified)?;
        let mut body = self.salt.to_vec();
        body.extend(RECORD_BYTES.to_be_bytes());
        body.push(id_length);
        body.extend(self.ours);
        body.extend(sealed);
        Ok(body)
    }
}

fn derive(salt: &[u8], input: &[u8], about: &[&[u8]], out: &mut [u8]) -> Result<(), Unspecified> {
    let key = Salt::new(HKDF_SHA256, salt).extract(input);
    key.expand(about, Length(out.len()))?.fill(out)
}

/// A second message of the same key takes the place of the first.
fn topic(key: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.as_bytes());
    let mut topic = BASE64.encode(digest);
    topic.truncate(TOPIC_CHARS);
    topic
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64.decode(text).unwrap()
    }

    /// The example of RFC 8291, appendix A.
    #[test]
    fn a_message_is_encrypted_as_the_standard_shows() {
        let secrets = Secrets {
            shared: &bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
            auth: &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            browser: &bytes(
                "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkN\
                 toIAiw4",
            ),
            ours: &bytes(
                "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr\
                 u3jl7A8",
            ),
            salt: bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        };
        let sealed = secrets
            .seal(b"When I grow up, I want to be a watermelon")
            .unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDl\
                        l6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2K\
                        s3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64.encode(sealed), expected);
    }

    #[test]
    fn a_topic_is_short_and_the_same_for_the_same_key() {
        assert_eq!(topic("page-1.staff-1").len(), TOPIC_CHARS);
        assert_eq!(topic("page-1.staff-1"), topic("page-1.staff-1"));
        assert_ne!(topic("page-1.staff-1"), topic("page-1.staff-2"));
    }
}
