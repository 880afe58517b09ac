//! What was said in a call: values and answers, checked; and the name of the call.
//!
//! Checking is two steps apart. [`read`] takes what was typed and either understands all of it or
//! says field by field what to ask again; nothing is left out and nothing is mended. What it
//! understands becomes records of the patient's by-phone device, dated when it was said.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use veglia_view::PatientId;
use veglia_wire::{
    Answer, AnswerCode, Body, Boot, DeviceId, IdError, MonoMs, OutOfRange, Quality, Record, Site,
    Vital, VitalKind, WallMs, When,
};
use veglia_words::Key;

use crate::form::Typed;
use crate::number::{ASKED, Doubt};

/// The permanent device of a patient that speaks for what they say on the telephone.
///
/// # Errors
/// None for any patient: it is 22 plain characters.
pub fn device_of(patient: PatientId) -> Result<DeviceId, IdError> {
    DeviceId::new(&format!("phone:{patient}"))
}

/// The name of a call, drawn when its form is made: of two forms with the same name one is a
/// repetition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(String);

/// A text that names no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a call is named by 32 hexadecimal digits")]
pub struct CallIdError;

impl CallId {
    const DIGITS: usize = 32;

    /// A new one, from the system's random numbers.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let (first, last) = (getrandom::u64()?, getrandom::u64()?);
        Ok(Self(format!("{first:016x}{last:016x}")))
    }

    /// As in forms and addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CallId {
    type Err = CallIdError;

    fn from_str(text: &str) -> Result<Self, CallIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == Self::DIGITS && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(CallIdError)
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Said {
    Value(Vital),
    Answer(Answer),
}

impl Said {
    /// As a record of a patient's by-phone device.
    pub(crate) fn record(self, device: &DeviceId, boot: Boot, mono: MonoMs, at: WallMs) -> Record {
        Record {
            device: Some(device.clone()),
            when: When {
                boot,
                mono,
                wall: Some(at),
                device: None,
            },
            body: match self {
                Self::Value(vital) => Body::Reading(vital, Quality::empty()),
                Self::Answer(answer) => Body::Answer(answer),
            },
        }
    }
}

/// A question of the script, and its field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    pub(crate) code: AnswerCode,
    pub(crate) field: &'static str,
    pub(crate) words: Key,
    /// The answers: as in the form, as read back.
    pub(crate) answers: &'static [(i32, Key)],
}

const YES_NO: &[(i32, Key)] = &[(1, Key("answer-yes")), (0, Key("answer-no"))];

/// The red signs first: whoever has one needs no number.
pub(crate) const SIGNS: [Question; 7] = [
    sign(
        AnswerCode::BreathlessAtRest,
        "breathless",
        Key("sign-breathless"),
    ),
    sign(
        AnswerCode::CannotFinishSentence,
        "sentence",
        Key("sign-sentence"),
    ),
    sign(AnswerCode::ChestPain, "chest", Key("sign-chest")),
    sign(AnswerCode::Confusion, "confusion", Key("sign-confusion")),
    sign(AnswerCode::BlueLips, "lips", Key("sign-lips")),
    sign(AnswerCode::Fainting, "fainting", Key("sign-fainting")),
    sign(AnswerCode::CoughingBlood, "blood", Key("sign-blood")),
];

/// What the scores need beside the values, and what explains a temperature.
pub(crate) const STATE: [Question; 3] = [
    sign(AnswerCode::OnOxygen, "oxygen", Key("state-oxygen")),
    Question {
        code: AnswerCode::Consciousness,
        field: "consciousness",
        words: Key("state-consciousness"),
        answers: &[
            (0, Key("answer-alert")),
            (4, Key("answer-confused")),
            (1, Key("answer-voice")),
            (2, Key("answer-pain")),
            (3, Key("answer-none")),
        ],
    },
    sign(
        AnswerCode::AntipyreticTaken,
        "antipyretic",
        Key("state-antipyretic"),
    ),
];

const fn sign(code: AnswerCode, field: &'static str, words: Key) -> Question {
    Question {
        code,
        field,
        words,
        answers: YES_NO,
    }
}

/// Where a temperature was taken: as in the form, and as read back.
pub(crate) const SITES: [(&str, Site, Key); 5] = [
    ("", Site::Unknown, Key("site-unknown")),
    ("armpit", Site::Armpit, Key("site-armpit")),
    ("ear", Site::Tympanum, Key("site-ear")),
    ("mouth", Site::Mouth, Key("site-mouth")),
    ("skin", Site::Skin, Key("site-skin")),
];

/// What has to be asked again, by the names of the fields.
pub(crate) type Faults = BTreeMap<&'static str, Fault>;

/// Why a field has to be asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Of a number.
    Doubt(VitalKind, Doubt),
    /// An answer that the form does not offer.
    Unknown,
}

/// Understands what was typed, or says what to ask again.
pub(crate) fn read(typed: &Typed) -> Result<Vec<Said>, Faults> {
    let mut faults = Faults::new();
    let mut said = Vec::new();
    for question in SIGNS.into_iter().chain(STATE) {
        let answer = typed.get(question.field);
        let known = question
            .answers
            .iter()
            .find(|(value, _)| value.to_string() == answer);
        match known {
            Some((value, _)) => said.push(Said::Answer(Answer {
                code: question.code,
                value: *value,
            })),
            None if answer.is_empty() => {}
            None => {
                faults.insert(question.field, Fault::Unknown);
            }
        }
    }
    let site = SITES.iter().find(|(name, ..)| *name == typed.get("site"));
    let site = site.map(|(_, site, _)| *site);
    if site.is_none() {
        faults.insert("site", Fault::Unknown);
    }
    for asked in ASKED {
        let text = typed.get(asked.field);
        if text.is_empty() {
            continue;
        }
        let steps = match asked.read(text) {
            Err(Doubt::Unusual { steps, .. }) if typed.is_sure(asked.field) => Ok(steps),
            read => read,
        };
        let vital = steps.and_then(|steps| {
            let site = site.filter(|_| asked.kind == VitalKind::Temperature);
            let vital = Vital::from_steps(asked.kind, steps, site.unwrap_or(Site::Unknown));
            // The possible values are within those of the wire.
            vital.map_err(|OutOfRange { .. }| Doubt::Impossible { meant: None })
        });
        match vital {
            Ok(vital) => said.push(Said::Value(vital)),
            Err(doubt) => {
                faults.insert(asked.field, Fault::Doubt(asked.kind, doubt));
            }
        }
    }
    if faults.is_empty() {
        Ok(said)
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Typed {
        let owned = fields
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Typed::from_pairs(owned)
    }

    #[test]
    fn what_was_not_asked_is_not_said() {
        assert_eq!(read(&typed(&[])), Ok(Vec::new()));
        let said = read(&typed(&[("spo2", "93"), ("breathless", "0")])).unwrap();
        assert_eq!(said.len(), 2);
        let no = Answer {
            code: AnswerCode::BreathlessAtRest,
            value: 0,
        };
        assert_eq!(said[0], Said::Answer(no));
    }

    #[test]
    fn one_doubt_keeps_everything_back() {
        let faults = read(&typed(&[("spo2", "93"), ("temperature", "366")])).unwrap_err();
        let doubt = Doubt::Impossible { meant: Some(3_660) };
        let fault = Fault::Doubt(VitalKind::Temperature, doubt);
        assert_eq!(faults, BTreeMap::from([("temperature", fault)]));
    }

    #[test]
    fn an_unusual_value_is_taken_when_it_was_heard_twice_and_an_impossible_one_never() {
        let sure = |value, heard| read(&typed(&[("spo2", value), ("sure_spo2", heard)]));
        assert_eq!(sure("66", "66").map(|it| it.len()), Ok(1));
        assert!(sure("931", "931").is_err());
    }

    #[test]
    fn who_was_sure_of_one_value_is_asked_about_the_next() {
        let retyped = read(&typed(&[("spo2", "48"), ("sure_spo2", "66")])).unwrap_err();
        let doubt = Doubt::Unusual {
            steps: 480,
            meant: None,
        };
        assert_eq!(
            retyped.get("spo2"),
            Some(&Fault::Doubt(VitalKind::SpO2, doubt))
        );
    }

    #[test]
    fn an_answer_that_no_form_offers_is_refused() {
        for field in ["oxygen", "consciousness", "site"] {
            let faults = read(&typed(&[(field, "7")])).unwrap_err();
            assert_eq!(faults.get(field), Some(&Fault::Unknown), "{field}");
        }
    }

    #[test]
    fn the_site_goes_with_the_temperature_alone() {
        let said = read(&typed(&[
            ("temperature", "37,2"),
            ("spo2", "95"),
            ("site", "ear"),
        ]));
        let sites = said.unwrap().into_iter().map(|it| match it {
            Said::Value(vital) => (vital.kind(), vital.site()),
            Said::Answer(_) => panic!("nothing was asked"),
        });
        let expected = [
            (VitalKind::SpO2, Site::Unknown),
            (VitalKind::Temperature, Site::Tympanum),
        ];
        assert_eq!(sites.collect::<Vec<_>>(), expected);
    }
}
