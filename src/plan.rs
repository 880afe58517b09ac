//! `veglia plan …`: monitoring plans from the command line: from a template, edited, shown, and
//! their history. Every version but the first says why.

use std::io::{self, Write};
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use veglia_diary as diary;
use veglia_triage::{
    Expected, ExpectedError, Guard, OxygenScale, Parameter, PatientId, Plan as CarePlan,
    PlanVersion, Target, Template,
};
use veglia_wire::{VitalKind, WallMs};

use crate::config::Config;
use crate::record::{actor, local_time, open};

/// Days of a plan are days of the patients' calendar.
const ZONE: &str = "Europe/Rome";

/// Monitoring plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Gives a patient a plan from a template, from now on.
    Set {
        /// The patient's identifier.
        patient: PatientId,
        /// The template: home-covid, copd, heart-failure or post-discharge.
        #[arg(long, default_value = "home-covid")]
        template: String,
        /// Why, when it replaces another plan.
        #[arg(long, default_value = "")]
        why: String,
    },
    /// Writes a new version of a patient's plan, from now on, with these differences.
    Edit(Box<Edit>),
    /// Shows the plan in force.
    Show {
        /// The patient's identifier.
        patient: PatientId,
    },
    /// Lists every version: when, by whom, why.
    History {
        /// The patient's identifier.
        patient: PatientId,
    },
    /// Lists the templates and where their numbers come from.
    Templates,
}

/// What is to be different.
#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The patient's identifier.
    patient: PatientId,
    /// Why: who decided it, and on what.
    #[arg(long)]
    why: String,
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
    /// The last day, as 2020-11-03, or none.
    #[arg(long)]
    until: Option<LastDay>,
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
struct LastDay(Option<Date>);

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
    fn end(self) -> Result<Option<WallMs>> {
        let Some(day) = self.0 else { return Ok(None) };
        let zone = TimeZone::get(ZONE)?;
        let end = day.tomorrow()?.to_zoned(zone)?;
        Ok(Some(WallMs(end.timestamp().as_millisecond())))
    }
}

impl Plan {
    /// Carries the command out.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        if matches!(self, Self::Templates) {
            return templates();
        }
        let config = config?;
        let record = open(&config).await?;
        let now = config.clock.care().now();
        match self {
            Self::Set {
                patient,
                template,
                why,
            } => {
                let Some(mut plan) = CarePlan::template(&template, patient, now) else {
                    bail!(
                        "there is no template {template:?}; there is {}",
                        CarePlan::TEMPLATES.join(", ")
                    );
                };
                if let Some(current) = diary::plan_of(&record, &actor(), patient).await? {
                    plan.version = PlanVersion(current.version.0 + 1);
                }
                diary::write_plan(&record, &actor(), &plan, &why, now).await?;
                say(&format!("plan {template} set for patient {patient}"))
            }
            Self::Edit(edit) => {
                let (patient, why) = (edit.patient, edit.why.clone());
                let current = diary::plan_of(&record, &actor(), patient).await?;
                let current =
                    current.context("the patient has no plan yet; use veglia plan set")?;
                let plan = edit.apply(current, now)?;
                diary::write_plan(&record, &actor(), &plan, &why, now).await?;
                say(&format!(
                    "plan of patient {patient}, version {}",
                    plan.version
                ))
            }
            Self::Show { patient } => {
                let plan = diary::plan_of(&record, &actor(), patient).await?;
                let plan = plan.context("the patient has no plan")?;
                show(&plan)
            }
            Self::History { patient } => {
                for written in diary::plans_of(&record, &actor(), patient).await? {
                    let at = local_time(written.at);
                    let (version, by) = (written.plan.version, &written.by);
                    say(&format!("{version}  {at}  {by}  {}", written.why))?;
                }
                Ok(())
            }
            Self::Templates => templates(),
        }
    }
}

impl Edit {
    fn apply(self, current: CarePlan, now: WallMs) -> Result<CarePlan> {
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
        if let Some(day) = self.until {
            plan.until = day.end()?;
        }
        Ok(plan)
    }
}

fn show(plan: &CarePlan) -> Result<()> {
    let until = plan.until.map_or("open".to_owned(), local_time);
    let from = local_time(plan.from);
    say(&format!(
        "version {}, from {from}, until {until}",
        plan.version
    ))?;
    for parameter in &plan.parameters {
        let Parameter {
            vital,
            expected,
            grace_minutes,
        } = parameter;
        say(&format!("{vital}={expected}~{grace_minutes}"))?;
    }
    if let Some(target) = plan.spo2 {
        let (low, high) = (target.low_percent, target.high_percent);
        say(&format!("target of oxygen saturation {low}-{high} %"))?;
    }
    if plan.oxygen_scale == OxygenScale::Two {
        say("NEWS2 by scale 2")?;
    }
    for guard in &plan.guards {
        let why = match guard {
            Guard::Under16 => "under 16",
            Guard::Pregnancy => "pregnancy",
        };
        say(&format!("no scores: {why}"))?;
    }
    Ok(())
}

fn templates() -> Result<()> {
    for template in Template::all() {
        say(&format!("{}: {}", template.name, template.title))?;
        say(&format!("  {}", template.source))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
