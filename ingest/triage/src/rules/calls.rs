//! Rules that call somebody without waiting for a second value: their numbers and their text.
//!
//! Red symptoms (`[[symptom]]`), two red vital signs at one time (`[together]`) and bad signal
//! (`[[signal]]`). What they do is in `symptom.rs`, `together.rs` and `signal.rs` beside the other
//! rules. A rule set without these sections has none of these rules: absence is a decision that
//! stands in the file, and nothing is put in its place.

use serde::Deserialize;
use toml::Spanned;
use veglia_wire::{Answer, AnswerCode, VitalKind};

use super::parse::{Reader, RuleSetError, minutes};
use super::text::Text;
use super::{LimitRule, RuleName, VitalRules};

/// A red symptom: what a person says raises a red, without any measurement.
#[derive(Debug, Clone)]
pub(crate) struct SymptomRule {
    pub(crate) name: RuleName,
    /// The questions whose answer, if it is not "no", raises it.
    pub(crate) asks: Vec<AnswerCode>,
    /// How long after the last "no" the episode is over, if nothing is said again.
    pub(crate) over_after_ms: i64,
    /// How long after it was told the same symptom, said again, is told again.
    pub(crate) remind_ms: i64,
    source: String,
}

/// Two red vital signs at one time.
#[derive(Debug, Clone)]
pub(crate) struct TogetherRule {
    pub(crate) name: RuleName,
    /// How far apart two red values may have been measured to be of one time.
    pub(crate) within_ms: i64,
    source: String,
}

/// Bad signal of one vital sign.
#[derive(Debug, Clone)]
pub(crate) struct SignalRule {
    pub(crate) name: RuleName,
    pub(crate) vital: VitalKind,
    /// Failed attempts without a clean value between them that make a call.
    pub(crate) attempts: usize,
    /// Failures no further apart than this are one attempt.
    pub(crate) apart_ms: i64,
    /// Attempts further apart than this are no pair.
    pub(crate) within_ms: i64,
    /// An attempt that has failed for so long makes a call by itself.
    pub(crate) long_ms: i64,
    /// Within how long somebody is to call.
    pub(crate) call_within_ms: i64,
    /// How long after it was told a further failure is told again.
    pub(crate) remind_ms: i64,
    source: String,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls {
    pub(crate) symptoms: Vec<SymptomRule>,
    pub(crate) together: Option<TogetherRule>,
    pub(crate) signals: Vec<SignalRule>,
}

impl Calls {
    pub(crate) fn source_of(&self, rule: &RuleName) -> Option<&str> {
        let symptoms = self.symptoms.iter().map(|it| (&it.name, &it.source));
        let together = self.together.iter().map(|it| (&it.name, &it.source));
        let signals = self.signals.iter().map(|it| (&it.name, &it.source));
        let mut all = symptoms.chain(together).chain(signals);
        let found = all.find(|(name, _)| *name == rule);
        found.map(|(_, source)| source.as_str())
    }

    /// Whether a rule raises a flag by this answer.
    pub(crate) fn is_symptom(&self, answer: Answer) -> bool {
        let mut symptoms = self.symptoms.iter();
        answer.value != 0 && symptoms.any(|rule| rule.asks.contains(&answer.code))
    }

    pub(crate) fn call_within_ms(&self, rule: &RuleName) -> Option<i64> {
        let signal = self.signals.iter().find(|it| it.name == *rule);
        signal.map(|it| it.call_within_ms)
    }

    fn names(&self) -> impl Iterator<Item = &RuleName> {
        let symptoms = self.symptoms.iter().map(|it| &it.name);
        let together = self.together.iter().map(|it| &it.name);
        let signals = self.signals.iter().map(|it| &it.name);
        symptoms.chain(together).chain(signals)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SymptomText {
    name: Spanned<String>,
    asks: Spanned<Vec<AnswerCode>>,
    over_after_minutes: u32,
    remind_minutes: Spanned<u32>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TogetherText {
    name: Spanned<String>,
    within_minutes: Spanned<u32>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignalText {
    name: Spanned<String>,
    vital: Spanned<String>,
    attempts: Spanned<u8>,
    apart_seconds: Spanned<u32>,
    within_minutes: u32,
    long_minutes: u32,
    call_within_minutes: u32,
    remind_minutes: Spanned<u32>,
    source: String,
}

pub(super) fn read(
    reader: &Reader<'_>,
    text: &Text,
    vitals: &[VitalRules],
    limits: &[LimitRule],
) -> Result<Calls, RuleSetError> {
    let mut calls = Calls::default();
    let fresh = |calls: &Calls, name: &Spanned<String>| {
        let read = reader.name(name)?;
        let mut known = calls.names().chain(limits.iter().map(|limit| &limit.name));
        if known.any(|known| *known == read) {
            return Err(reader.fault(name.span(), format!("there is a rule {read} already")));
        }
        Ok(read)
    };
    for entry in &text.symptom {
        let name = fresh(&calls, &entry.get_ref().name)?;
        let rule = symptom(reader, entry.get_ref(), name)?;
        calls.symptoms.push(rule);
    }
    if let Some(entry) = &text.together {
        let text = entry.get_ref();
        let name = fresh(&calls, &text.name)?;
        let within = text.within_minutes.get_ref();
        if *within == 0 {
            let reason = "no two vital signs are measured in one instant: at least 1 minute";
            return Err(reader.fault(text.within_minutes.span(), reason));
        }
        calls.together = Some(TogetherRule {
            name,
            within_ms: minutes(*within),
            source: reader.sourced(text.name.span(), &text.source)?,
        });
    }
    for entry in &text.signal {
        let name = fresh(&calls, &entry.get_ref().name)?;
        let rule = signal(reader, entry.get_ref(), name, vitals)?;
        if calls.signals.iter().any(|known| known.vital == rule.vital) {
            let reason = format!("the signal of {} has been described before", rule.vital);
            return Err(reader.fault(entry.get_ref().vital.span(), reason));
        }
        calls.signals.push(rule);
    }
    Ok(calls)
}

fn symptom(
    reader: &Reader<'_>,
    text: &SymptomText,
    name: RuleName,
) -> Result<SymptomRule, RuleSetError> {
    if text.asks.get_ref().is_empty() {
        let reason = "a rule about symptoms names at least one question";
        return Err(reader.fault(text.asks.span(), reason));
    }
    if text.asks.get_ref().contains(&AnswerCode::OnOxygen) {
        let reason = "to be on oxygen is a treatment, not a symptom";
        return Err(reader.fault(text.asks.span(), reason));
    }
    let remind = *text.remind_minutes.get_ref();
    if remind == 0 {
        let reason = "a reminder by every answer: remind_minutes is at least 1";
        return Err(reader.fault(text.remind_minutes.span(), reason));
    }
    Ok(SymptomRule {
        name,
        asks: text.asks.get_ref().clone(),
        over_after_ms: minutes(text.over_after_minutes),
        remind_ms: minutes(remind),
        source: reader.sourced(text.name.span(), &text.source)?,
    })
}

fn signal(
    reader: &Reader<'_>,
    text: &SignalText,
    name: RuleName,
    vitals: &[VitalRules],
) -> Result<SignalRule, RuleSetError> {
    let vital = reader.kind(&text.vital)?;
    if vitals.iter().all(|rules| rules.kind != vital) {
        let reason = format!("{vital} is not described above");
        return Err(reader.fault(text.vital.span(), reason));
    }
    if *text.attempts.get_ref() == 0 {
        let reason = "without a failed attempt there is nothing to call for: at least 1";
        return Err(reader.fault(text.attempts.span(), reason));
    }
    let remind = *text.remind_minutes.get_ref();
    if remind == 0 {
        let reason = "a reminder by every failure: remind_minutes is at least 1";
        return Err(reader.fault(text.remind_minutes.span(), reason));
    }
    let apart_ms = i64::from(*text.apart_seconds.get_ref()) * 1_000;
    let (long_ms, within_ms) = (minutes(text.long_minutes), minutes(text.within_minutes));
    if apart_ms == 0 || apart_ms >= long_ms || long_ms >= within_ms {
        let reason = "in order: apart_seconds, at least 1, then long_minutes, then within_minutes";
        return Err(reader.fault(text.apart_seconds.span(), reason));
    }
    Ok(SignalRule {
        name,
        vital,
        attempts: usize::from(*text.attempts.get_ref()),
        apart_ms,
        within_ms,
        long_ms,
        call_within_ms: minutes(text.call_within_minutes),
        remind_ms: minutes(remind),
        source: reader.sourced(text.name.span(), &text.source)?,
    })
}
