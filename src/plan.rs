//! `veglia plan …`: monitoring plans from the command line: from a template, edited, shown, and
//! their history. Every version but the first says why.

mod edit;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use veglia_diary as diary;
use veglia_diary::Reasons;
use veglia_diary::ladder::Ladder;
use veglia_triage::plan::in_units;
use veglia_triage::{
    End, FamilyDoctor, Guard, OxygenScale, Parameter, PatientId, Plan as CarePlan, PlanVersion,
    RuleSet, Template,
};
use veglia_wire::WallMs;

use crate::config::Config;
use crate::record::{actor, local_time, open};

pub(crate) use edit::LastDay;
use edit::{Decided, Edit};

/// Monitoring plans.
#[derive(Debug, Subcommand)]
pub(crate) enum Plan {
    /// Gives a patient a plan from a template or a file, from now on.
    Set(Set),
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
    /// Lists the templates and where their numbers come from, and whom a plan may have called.
    Templates,
}

/// A plan to begin with.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The patient's identifier.
    patient: PatientId,
    /// The template: home-covid, copd, heart-failure or post-discharge.
    #[arg(long, default_value = "home-covid", conflicts_with = "file")]
    template: String,
    /// A plan of the centre's own, written as the templates are.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The last day, as 2020-11-03, or none; else as the template has it.
    #[arg(long)]
    until: Option<LastDay>,
    /// Why, when it replaces another plan.
    #[arg(long, default_value = "")]
    why: String,
    #[command(flatten)]
    decided: Decided,
}

impl Set {
    fn plan(&self, now: WallMs) -> Result<CarePlan> {
        let mut plan = match &self.file {
            Some(file) => from_file(file, self.patient, now)?,
            None => from_template(&self.template, self.patient, now)?,
        };
        if let Some(day) = self.until {
            plan.until = day.end()?;
        }
        Ok(plan)
    }
}

/// What a template asks of a patient from a moment on.
pub(crate) fn from_template(name: &str, patient: PatientId, now: WallMs) -> Result<CarePlan> {
    CarePlan::template(name, patient, now).with_context(|| {
        let names = CarePlan::TEMPLATES.join(", ");
        format!("there is no template {name:?}; there is {names}")
    })
}

fn from_file(file: &Path, patient: PatientId, now: WallMs) -> Result<CarePlan> {
    let text = std::fs::read_to_string(file);
    let text = text.with_context(|| format!("cannot read {}", file.display()))?;
    let plan = CarePlan::read(&text, patient, now, &RuleSet::shipped());
    plan.with_context(|| file.display().to_string())
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
            Self::Set(set) => {
                let (patient, mut plan) = (set.patient, set.plan(now)?);
                if let Some(current) = diary::plan_of(&record, &actor(), patient).await? {
                    plan.version = PlanVersion(current.version.0 + 1);
                }
                let decision = set.decided.decision();
                let reasons = Reasons {
                    why: &set.why,
                    decision: decision.as_ref(),
                };
                diary::write_plan(&record, &actor(), &plan, reasons, now).await?;
                say(&format!(
                    "plan of patient {patient}, version {}",
                    plan.version
                ))
            }
            Self::Edit(edit) => {
                let (patient, why) = (edit.patient, edit.why.clone());
                let current = diary::plan_of(&record, &actor(), patient).await?;
                let current =
                    current.context("the patient has no plan yet; use veglia plan set")?;
                let decision = edit.decided.decision();
                let plan = edit.apply(current, now)?;
                let reasons = Reasons {
                    why: &why,
                    decision: decision.as_ref(),
                };
                diary::write_plan(&record, &actor(), &plan, reasons, now).await?;
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
                    if let Some(decision) = written.decision {
                        let (who, grounds) = (decision.who, decision.grounds);
                        say(&format!("   decided by {who}: {grounds}"))?;
                    }
                }
                Ok(())
            }
            Self::Templates => templates(),
        }
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
    for limits in &plan.limits {
        let (vital, unit) = (limits.vital, limits.vital.ucum());
        for end in End::ALL {
            if let Some(steps) = limits.at(end) {
                say(&format!("{vital}.{end}={}{unit}", in_units(vital, steps)))?;
            }
        }
    }
    say(&format!("called: {}", Ladder::of(&plan.calling).name))?;
    if plan.calling.family_doctor == FamilyDoctor::NotInformed {
        say("the family doctor is not told")?;
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
    for ladder in Ladder::all() {
        say(&format!("ladder {}: {}", ladder.name, ladder.title))?;
    }
    Ok(())
}

fn say(text: &str) -> Result<()> {
    Ok(writeln!(io::stdout(), "{text}")?)
}
