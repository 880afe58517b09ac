//! An authenticator in software: what a telephone or a key does with a challenge of ours, and what
//! a bad one would do. It attests nothing, as most do.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What the flags of its answers say.
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const WITH_KEY: u8 = 0x40;

/// One passkey in it, and how it behaves.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    /// The name of the account that it was made for.
    pub(crate) handle: String,
    /// The site that the browser says it is at.
    pub(crate) origin: String,
    /// Whether it recognises its owner.
    pub(crate) verifies: bool,
    pub(crate) counter: u32,
}

impl Authenticator {
    /// One of its own key, which `number` tells from others.
    pub(crate) fn new(number: u8, origin: &str) -> Self {
        Self {
            key: SigningKey::from_slice(&[number; 32]).unwrap(),
            id: vec![number; 20],
            handle: String::new(),
            origin: origin.to_owned(),
            verifies: true,
            counter: 0,
        }
    }

    /// Answers to `navigator.credentials.create`, as our script sends it.
    pub(crate) fn make(&mut self, asked: &Value) -> Value {
        let asked = &asked["publicKey"];
        self.handle = asked["user"]["id"].as_str().unwrap().to_owned();
        let wanted = &asked["authenticatorSelection"];
        assert_eq!(wanted["userVerification"], "required");
        assert_eq!(wanted["requireResidentKey"], true);
        let client = self.client_data("webauthn.create", asked);
        let mut data = self.data(asked["rp"]["id"].as_str().unwrap(), WITH_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public_key());
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        json!({
            "id": BASE64.encode(&self.id),
            "rawId": BASE64.encode(&self.id),
            "type": "public-key",
            "response": {
                "attestationObject": BASE64.encode(object),
                "clientDataJSON": BASE64.encode(client),
            },
        })
    }

    /// Answers to `navigator.credentials.get`.
    pub(crate) fn show(&mut self, asked: &Value) -> Value {
        let asked = &asked["publicKey"];
        self.counter += 1;
        let client = self.client_data("webauthn.get", asked);
        let data = self.data(asked["rpId"].as_str().unwrap(), 0);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client));
        let signature: Signature = self.key.sign(&signed);
        json!({
            "id": BASE64.encode(&self.id),
            "rawId": BASE64.encode(&self.id),
            "type": "public-key",
            "response": {
                "authenticatorData": BASE64.encode(data),
                "clientDataJSON": BASE64.encode(client),
                "signature": BASE64.encode(signature.to_der().as_bytes()),
                "userHandle": self.handle,
            },
        })
    }

    fn client_data(&self, kind: &str, asked: &Value) -> Vec<u8> {
        let (challenge, origin) = (&asked["challenge"], &self.origin);
        let said = json!({ "type": kind, "challenge": challenge, "origin": origin });
        said.to_string().into_bytes()
    }

    fn data(&self, site: &str, flags: u8) -> Vec<u8> {
        let verified = if self.verifies { VERIFIED } else { 0 };
        let mut data = Sha256::digest(site).to_vec();
        data.push(flags | PRESENT | verified);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// As COSE has it: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.verifying_key().to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let mut key = b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20".to_vec();
        key.extend(x);
        key.extend(b"\x22\x58\x20");
        key.extend(y);
        key
    }
}
