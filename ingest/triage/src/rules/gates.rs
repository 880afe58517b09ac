//! Which clean values are greyed: the numbers of a gate and their text.
//!
//! What a gate does is in `gate.rs` beside the rules. A vital sign without a gate has none.

use serde::Deserialize;
use toml::Spanned;
use veglia_wire::VitalKind;

use super::VitalRules;
use super::parse::{Reader, RuleSetError, minutes};
use super::text::Text;

/// Which clean readings of a device are no measurement all the same.
#[derive(Debug, Clone)]
pub(crate) struct GateRule {
    pub(crate) vital: VitalKind,
    /// Readings of a device no further apart are neighbours.
    pub(crate) gap_ms: i64,
    /// From when on the same value in a stream is not believed, unless a rule calls it bad.
    pub(crate) held_ms: i64,
    /// From which value on it is: the end of the scale, where values stand still by nature.
    pub(crate) held_below: i32,
    /// Values at which devices of the kind end, in the steps of the vital sign.
    pub(crate) floors: Vec<i32>,
    /// A fall to a floor of at least so many steps between two readings is no body's.
    pub(crate) fall: i32,
    /// For how long after such a fall the floor is not believed.
    pub(crate) floor_ms: i64,
    source: String,
}

impl GateRule {
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GateText {
    vital: Spanned<String>,
    gap_seconds: Spanned<u32>,
    held_minutes: Spanned<u32>,
    held_below: u16,
    floors: Spanned<Vec<u16>>,
    fall: Spanned<u16>,
    floor_minutes: u32,
    source: String,
}

pub(super) fn read(
    reader: &Reader<'_>,
    text: &Text,
    vitals: &[VitalRules],
) -> Result<Vec<GateRule>, RuleSetError> {
    let mut gates: Vec<GateRule> = Vec::new();
    for entry in &text.gate {
        let gate = gate(reader, entry.get_ref(), vitals)?;
        if gates.iter().any(|known| known.vital == gate.vital) {
            let reason = format!("{} has a gate already", gate.vital);
            return Err(reader.fault(entry.get_ref().vital.span(), reason));
        }
        gates.push(gate);
    }
    Ok(gates)
}

fn gate(
    reader: &Reader<'_>,
    text: &GateText,
    vitals: &[VitalRules],
) -> Result<GateRule, RuleSetError> {
    let vital = reader.kind(&text.vital)?;
    let rules = vitals.iter().find(|rules| rules.kind == vital);
    let rules = rules.ok_or_else(|| {
        let reason = format!("{vital} is not described above");
        reader.fault(text.vital.span(), reason)
    })?;
    let gap_ms = i64::from(*text.gap_seconds.get_ref()) * 1_000;
    if gap_ms == 0 {
        let reason = "no two readings are of one instant: gap_seconds is at least 1";
        return Err(reader.fault(text.gap_seconds.span(), reason));
    }
    let held_ms = minutes(*text.held_minutes.get_ref());
    if held_ms <= gap_ms {
        let reason = "two readings are no plateau: held_minutes is longer than gap_seconds";
        return Err(reader.fault(text.held_minutes.span(), reason));
    }
    if *text.fall.get_ref() == 0 {
        let reason = "a value that has not fallen is believed: fall is at least 1";
        return Err(reader.fault(text.fall.span(), reason));
    }
    let per_unit = vital.steps_per_unit();
    let floors: Vec<i32> = text
        .floors
        .get_ref()
        .iter()
        .copied()
        .map(i32::from)
        .collect();
    let steps = |units: i32| units.saturating_mul(per_unit);
    let floors: Vec<i32> = floors.into_iter().map(steps).collect();
    if floors
        .iter()
        .any(|floor| !rules.plausible.holds(rules.score(*floor)))
    {
        let reason = "a floor out of the plausible range is greyed anyway";
        return Err(reader.fault(text.floors.span(), reason));
    }
    Ok(GateRule {
        vital,
        gap_ms,
        held_ms,
        held_below: steps(i32::from(text.held_below)),
        floors,
        fall: steps(i32::from(*text.fall.get_ref())),
        floor_ms: minutes(text.floor_minutes),
        source: reader.sourced(text.vital.span(), &text.source)?,
    })
}
