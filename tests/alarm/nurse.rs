//! Somebody of the centre at a screen: signs in, looks at the ward, acts. Plain HTTP, as a browser
//! without scripts would speak it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use veglia_triage::{FlagId, PatientId};

use crate::centre::{Centre, PASSWORD};
use crate::process::wait_until;

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Who is signed in.
#[derive(Debug)]
pub(crate) struct Nurse {
    port: u16,
    cookie: String,
}

impl Nurse {
    /// Signs in; the pages are up.
    pub(crate) fn sign_in(centre: &Centre, user: &str) -> Self {
        let mut nurse = Self {
            port: centre.pages,
            cookie: String::new(),
        };
        let form = [("username", user), ("password", PASSWORD)];
        let answer = nurse.post("/login", &form).expect("the pages answer");
        let cookie = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let is_it = name.eq_ignore_ascii_case("set-cookie");
            is_it.then(|| value.split(';').next().unwrap_or_default().to_owned())
        });
        nurse.cookie = cookie.expect("the password is right");
        nurse
    }

    /// A page, with the head of the answer; none while nobody answers.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        self.ask(&format!("GET {path} HTTP/1.1\r\n"), "")
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, form: &[(&str, &str)]) -> Option<String> {
        let pairs = form.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}={}", encoded(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
            body.len()
        );
        self.ask(&head, &body)
    }

    fn ask(&self, head: &str, body: &str) -> Option<String> {
        let Self { port, cookie } = self;
        let mut stream = TcpStream::connect(("127.0.0.1", *port)).ok()?;
        stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
        let rest = format!("host: localhost:{port}\r\ncookie: {cookie}\r\nconnection: close");
        write!(stream, "{head}{rest}\r\n\r\n{body}").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        Some(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Waits until the ward says this of a patient, in their line.
    pub(crate) fn sees(&self, patient: PatientId, words: &str) {
        wait_until(&format!("the ward says {words:?}"), || {
            let ward = self.get("/")?;
            let (_, line) = ward.split_once(&format!("data-patient=\"{patient}\""))?;
            let (line, _) = line.split_once("</tr>")?;
            line.contains(words).then_some(())
        });
    }

    /// Waits until a page says this.
    pub(crate) fn reads(&self, path: &str, words: &str) {
        wait_until(&format!("{path} says {words:?}"), || {
            self.get(path)?.contains(words).then_some(())
        });
    }

    /// Writes down what a patient says on the telephone, reads it back and saves it, and once more
    /// as if the answer had been lost. Where it says what became of it.
    pub(crate) fn writes_down(&self, patient: PatientId, values: &[(&str, &str)]) -> String {
        let path = format!("/pazienti/{patient}/telefonata");
        let form = self.get(&path).expect("the pages answer");
        let call = hidden(&form, "call");
        let mut fields = values.to_vec();
        fields.extend([("call", call.as_str()), ("step", "check")]);
        let read = self.post(&path, &fields).expect("the pages answer");
        let at = hidden(&read, "at");
        fields.retain(|(name, _)| *name != "step");
        fields.extend([("at", at.as_str()), ("step", "save")]);
        for _ in 0..2 {
            let saved = self.post(&path, &fields).expect("the pages answer");
            assert!(saved.starts_with("HTTP/1.1 303"), "{saved}");
        }
        format!("{path}/{call}")
    }

    /// Takes charge of a flag.
    pub(crate) fn takes_charge(&self, flag: &FlagId) {
        let (path, id) = (format!("/pazienti/{}/atti", flag.patient), flag.to_string());
        let form = [("act", "take-charge"), ("flag", &id)];
        let answer = self.post(&path, &form).expect("the pages answer");
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
    }
}

/// What a hidden field of a page holds.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).expect("the field is there");
    let (value, _) = rest.split_once('"').expect("its value ends");
    value.to_owned()
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
