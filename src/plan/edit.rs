//! What `veglia plan edit` is told to change, and how it is typed.

use std::str::FromStr;

use anyhow::{Context, Result};
use clap::Args;
use jiff::civil::Date;
use veglia_diary::Decision;
use veglia_triage::plan::after_day;
use veglia_triage::{
    End, Expected, ExpectedError, FamilyDoctor, Guard, OwnLimits, OxygenScale, Parameter,
    PatientId, Plan as CarePlan, PlanVersion, RuleName, Target,
};
use veglia_wire::{VitalKind, WallMs};

/// What is to be different.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The patient's identifier.
    pub(super) patient: PatientId,
    /// Why.
    #[arg(long)]
    pub(super) why: String,
    /// Expects a vital sign: `spo2=08:00,20:00~120` (each day, 120 minutes of grace),
    /// `pulse=60m~15`, `spo2=22:00-06:00/5m~15`.
    #[arg(long)]
    expect: Vec<Asked>,
    /// Expects a vital sign no more.
    #[arg(long)]
    drop: Vec<VitalKind>,
    /// The personal range of oxygen saturation, as 88-92, or none.
    #[arg(long)]
    target: Option<Range>,
    /// The scale of oxygen saturation in NEWS2: 1, or 2 by a recorded decision.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=2))]
    scale: Option<u8>,
    /// Why scores are not counted: under-16, pregnancy, or none.
    #[arg(long)]
    guard: Vec<Guarded>,
    /// A limit of the patient's own with its unit, as `pulse.amber_from=120/min`; the limits are
    /// red_to, amber_to, amber_from and red_from. `pulse=none` gives the shipped ones back.
    #[arg(long)]
    limit: Vec<Limit>,
    /// Who is called: the name of a ladder, or usual.
    #[arg(long)]
    ladder: Option<RuleName>,
    /// Whether the family doctor is told: informed or not-informed.
    #[arg(long)]
    family_doctor: Option<Told>,
    /// The last day, as 2020-11-03, or none.
    #[arg(long)]
    until: Option<LastDay>,
    #[command(flatten)]
    pub(super) decided: Decided,
}

/// A clinical decision: what the second scale of oxygen saturation rests on.
#[derive(Debug, Args)]
pub(super) struct Decided {
    /// Who took the decision that the second scale of oxygen saturation rests on.
    #[arg(long, requires = "decided_on")]
    decided_by: Option<String>,
    /// On what.
    #[arg(long, requires = "decided_by")]
    decided_on: Option<String>,
}

impl Decided {
    pub(super) fn decision(&self) -> Option<Decision> {
        let both = self.decided_by.clone().zip(self.decided_on.clone());
        both.map(|(who, grounds)| Decision { who, grounds })
    }
}

/// A limit of one's own, or none at all for a vital sign.
#[derive(Debug, Clone, Copy)]
struct Limit(VitalKind, Option<(End, i32)>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write it as pulse.amber_from=120/min, or pulse=none".to_owned();
        let (name, value) = text.split_once('=').ok_or_else(form)?;
        let vital = |name: &str| {
            let vital = name.parse::<VitalKind>();
            vital.map_err(|_| format!("there is no vital sign {name:?}"))
        };
        if value == "none" {
            return Ok(Self(vital(name)?, None));
        }
        let (name, end) = name.split_once('.').ok_or_else(form)?;
        let vital = vital(name)?;
        let mut ends = End::ALL.into_iter();
        let end = ends.find(|it| it.name() == end).ok_or_else(form)?;
        let unit = vital.ucum();
        let number = value
            .strip_suffix(unit)
            .ok_or_else(|| format!("{vital} is measured in {unit}: write {end} with its unit"))?;
        let steps = plan_number(number, vital.steps_per_unit());
        let steps = steps.ok_or_else(|| format!("{number:?} is no number with one decimal"))?;
        Ok(Self(vital, Some((end, steps))))
    }
}

/// A number with at most one decimal, in steps.
fn plan_number(text: &str, per_unit: i32) -> Option<i32> {
    let (whole, tenths) = text.split_once('.').unwrap_or((text, "0"));
    let is_written = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_written(whole) || !is_written(tenths) || tenths.len() != 1 {
        return None;
    }
    let (whole, tenths): (i32, i32) = (whole.parse().ok()?, tenths.parse().ok()?);
    whole
        .checked_mul(per_unit)?
        .checked_add(tenths * per_unit / 10)
}

/// Whether the family doctor is told.
#[derive(Debug, Clone, Copy)]
struct Told(FamilyDoctor);

impl FromStr for Told {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "informed" => Ok(Self(FamilyDoctor::Informed)),
            "not-informed" => Ok(Self(FamilyDoctor::NotInformed)),
            _ => Err("write informed or not-informed"),
        }
    }
}

/// A vital sign and when it is expected.
#[derive(Debug, Clone)]
struct Asked(Parameter);

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write it as spo2=08:00,20:00~120".to_owned();
        let (vital, rest) = text.split_once('=').ok_or_else(form)?;
        let (when, grace) = rest.split_once('~').ok_or_else(form)?;
        Ok(Self(Parameter {
            vital: vital
                .parse()
                .map_err(|_| format!("there is no vital sign {vital:?}"))?,
            expected: when
                .parse::<Expected>()
                .map_err(|fault: ExpectedError| fault.to_string())?,
            grace_minutes: grace.parse().map_err(|_| form())?,
        }))
    }
}

/// A target, or none.
#[derive(Debug, Clone, Copy)]
struct Range(Option<Target>);

impl FromStr for Range {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "write it as 88-92, or none";
        if text == "none" {
            return Ok(Self(None));
        }
        let (low, high) = text.split_once('-').ok_or(FORM)?;
        let percent = |text: &str| text.parse().map_err(|_| FORM);
        Ok(Self(Some(Target {
            low_percent: percent(low)?,
            high_percent: percent(high)?,
        })))
    }
}

/// A guard, or none at all.
#[derive(Debug, Clone, Copy)]
struct Guarded(Option<Guard>);

impl FromStr for Guarded {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "none" => Ok(Self(None)),
            "under-16" => Ok(Self(Some(Guard::Under16))),
            "pregnancy" => Ok(Self(Some(Guard::Pregnancy))),
            _ => Err("write under-16, pregnancy or none"),
        }
    }
}

/// The last day of a plan, or none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LastDay(Option<Date>);

impl FromStr for LastDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "none" {
            return Ok(Self(None));
        }
        let day = text
            .parse()
            .map_err(|_| "write it as 2020-11-03, or none")?;
        Ok(Self(Some(day)))
    }
}

impl LastDay {
    /// The first moment after it.
    pub(crate) fn end(self) -> Result<Option<WallMs>> {
        let Some(day) = self.0 else { return Ok(None) };
        let end = after_day(day).with_context(|| format!("no calendar has a day after {day}"))?;
        Ok(Some(end))
    }
}

impl Edit {
    pub(super) fn apply(self, current: CarePlan, now: WallMs) -> Result<CarePlan> {
        let mut plan = CarePlan {
            version: PlanVersion(current.version.0 + 1),
            from: now,
            ..current
        };
        plan.parameters.retain(|it| !self.drop.contains(&it.vital));
        for Asked(parameter) in self.expect {
            plan.parameters.retain(|it| it.vital != parameter.vital);
            plan.parameters.push(parameter);
        }
        if let Some(Range(target)) = self.target {
            plan.spo2 = target;
        }
        match self.scale {
            Some(2) => plan.oxygen_scale = OxygenScale::Two,
            Some(_) => plan.oxygen_scale = OxygenScale::One,
            None => {}
        }
        if !self.guard.is_empty() {
            plan.guards = self.guard.into_iter().filter_map(|it| it.0).collect();
        }
        for Limit(vital, limit) in self.limit {
            let place = plan.limits.iter().position(|it| it.vital == vital);
            let known = place.map(|place| plan.limits.remove(place));
            if let Some((end, steps)) = limit {
                let limits = known.unwrap_or_else(|| OwnLimits::of(vital));
                plan.limits.push(limits.with(end, Some(steps)));
            }
        }
        if let Some(ladder) = self.ladder {
            plan.calling.ladder = Some(ladder).filter(|name| name.as_str() != "usual");
        }
        if let Some(Told(family_doctor)) = self.family_doctor {
            plan.calling.family_doctor = family_doctor;
        }
        if let Some(day) = self.until {
            plan.until = day.end()?;
        }
        Ok(plan)
    }
}
