//! The form of a plan as it is typed, and the plan that it says; or what is wrong with each field.

mod typed;

use std::collections::BTreeMap;

use serde::Deserialize;
use veglia_diary::ladder::Ladder;
use veglia_diary::{Decision, PlanRefused};
use veglia_view::{
    Calling, End, FamilyDoctor, Field, Guard, OwnLimits, OxygenScale, Parameter, PatientId, Plan,
    PlanError, PlanVersion, RuleSet, Target, Template, VitalKind, WallMs, plan,
};
use veglia_words::{Key, Words};

use super::{PlanDesk, told};
use crate::words;

use typed::{day_read, steps_read, when_read, when_typed};

/// What a ticked box sends.
pub(super) const TICKED: &str = "on";

/// The guards, each with the name of its box.
pub(super) const GUARDS: [(&str, Guard); 2] = [
    ("guard-under-16", Guard::Under16),
    ("guard-pregnancy", Guard::Pregnancy),
];

/// A form as it was sent: names of fields and what was typed. A field that is not there is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PlanForm(BTreeMap<String, String>);

/// A field and what is wrong with it.
pub(super) type Fault = (String, String);

/// What a form says.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) plan: Plan,
    pub(super) why: String,
    pub(super) decision: Option<Decision>,
}

/// Plans to begin with: name and title.
pub(super) fn templates(w: Words) -> Vec<(&'static str, String)> {
    let title = |template: Template| match template.name {
        "home-covid" => w.say("template-covid").into_owned(),
        "copd" => w.say("template-copd").into_owned(),
        "post-discharge" => w.say("template-discharge").into_owned(),
        "heart-failure" => w.say("template-heart").into_owned(),
        _ => template.title,
    };
    let all = Template::all().into_iter();
    all.map(|template| (template.name, title(template)))
        .collect()
}

impl PlanForm {
    /// Of a patient without a plan.
    pub(super) fn empty() -> Self {
        let mut form = Self::default();
        form.set("family-doctor", TICKED);
        form.set("scale", "1");
        form
    }

    /// A plan, as it would be typed.
    pub(super) fn of(w: Words, plan: &Plan) -> Self {
        let mut form = Self::default();
        for parameter in &plan.parameters {
            let vital = parameter.vital;
            form.set(
                &format!("when-{vital}"),
                &when_typed(w, &parameter.expected),
            );
            form.set(
                &format!("grace-{vital}"),
                &parameter.grace_minutes.to_string(),
            );
        }
        for limits in &plan.limits {
            for end in End::ALL {
                if let Some(steps) = limits.at(end) {
                    let name = limit_name(limits.vital, end);
                    form.set(&name, &told::number(w, limits.vital, steps));
                }
            }
        }
        if let Some(target) = plan.spo2 {
            form.set("target-low", &target.low_percent.to_string());
            form.set("target-high", &target.high_percent.to_string());
        }
        let scale = match plan.oxygen_scale {
            OxygenScale::One => "1",
            OxygenScale::Two => "2",
        };
        form.set("scale", scale);
        for (name, guard) in GUARDS {
            if plan.guards.contains(&guard) {
                form.set(name, TICKED);
            }
        }
        form.set("ladder", &Ladder::of(&plan.calling).name);
        if plan.calling.family_doctor == FamilyDoctor::Informed {
            form.set("family-doctor", TICKED);
        }
        if let Some(day) = plan.until.and_then(told::last_day) {
            form.set("until", &day.to_string());
        }
        form
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// What was typed into a field.
    pub(super) fn typed(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn text(&self, name: &str) -> &str {
        self.typed(name).trim()
    }

    fn is_ticked(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    /// The version that the page showed; 0 before the first.
    pub(super) fn seen(&self) -> i64 {
        self.text("seen").parse().unwrap_or(0)
    }

    /// The plan that the form says, from a moment on.
    ///
    /// # Errors
    /// Everything that is wrong, each with its field.
    pub(super) fn read(
        &self,
        desk: PlanDesk<'_>,
        patient: PatientId,
        current: Option<&Plan>,
    ) -> Result<Draft, Vec<Fault>> {
        let (rules, w) = (desk.rules, desk.words());
        let mut faults = Faults { w, all: Vec::new() };
        let parameters = VitalKind::ALL.into_iter();
        let parameters = parameters.filter_map(|vital| self.parameter(vital, &mut faults));
        let parameters: Vec<Parameter> = parameters.collect();
        if parameters.is_empty() && faults.all.is_empty() {
            // Nobody is suspended by an empty form: where the patient is says that nothing comes.
            faults.add(&format!("when-{}", VitalKind::SpO2), Key("fault-nothing"));
        }
        let limits = VitalKind::ALL.into_iter();
        let limits = limits.map(|vital| self.limits(vital, rules, &mut faults));
        let limits: Vec<OwnLimits> = limits.filter(|limits| !limits.is_empty()).collect();
        let guards = GUARDS.into_iter().filter(|(name, _)| self.is_ticked(name));
        let plan = Plan {
            patient,
            version: PlanVersion(self.seen().saturating_add(1)),
            from: desk.now,
            until: self.until(current, &mut faults),
            parameters,
            spo2: self.target(&mut faults),
            oxygen_scale: match self.text("scale") {
                "2" => OxygenScale::Two,
                _ => OxygenScale::One,
            },
            guards: guards.map(|(_, guard)| guard).collect(),
            limits,
            calling: self.calling(&mut faults),
        };
        let is_first = current.is_none();
        if !is_first && self.text("why").is_empty() {
            faults.add("why", Key("fault-why"));
        }
        for fault in plan.validate(rules).err().unwrap_or_default() {
            let name = field_name(fault.field(), rules);
            faults.add_said(&name, sentence(w, &fault));
        }
        let decision = self.decision(&plan, &mut faults);
        if !faults.all.is_empty() {
            return Err(faults.all);
        }
        Ok(Draft {
            plan,
            why: self.text("why").replace("\r\n", "\n"),
            decision,
        })
    }

    fn parameter(&self, vital: VitalKind, faults: &mut Faults) -> Option<Parameter> {
        let (when_name, grace_name) = (format!("when-{vital}"), format!("grace-{vital}"));
        let (when, grace) = (self.text(&when_name), self.text(&grace_name));
        if when.is_empty() {
            return None;
        }
        let expected = when_read(when);
        if expected.is_none() {
            faults.add(&when_name, Key("fault-when"));
        }
        let grace: Option<u32> = grace.parse().ok();
        if grace.is_none() {
            faults.add(&grace_name, Key("fault-grace"));
        }
        Some(Parameter {
            vital,
            expected: expected?,
            grace_minutes: grace?,
        })
    }

    fn limits(&self, vital: VitalKind, rules: &RuleSet, faults: &mut Faults) -> OwnLimits {
        let mut limits = OwnLimits::of(vital);
        for (end, _) in rules.limits_to_replace(vital) {
            let name = limit_name(vital, end);
            match self.text(&name) {
                "" => {}
                typed => match steps_read(vital, typed) {
                    Some(steps) => limits = limits.with(end, Some(steps)),
                    None => {
                        let unit = words::unit(faults.w, vital);
                        let said = faults.w.with("fault-number", "unit", unit);
                        faults.add_said(&name, said.to_string());
                    }
                },
            }
        }
        limits
    }

    fn target(&self, faults: &mut Faults) -> Option<Target> {
        let (low, high) = (self.text("target-low"), self.text("target-high"));
        if low.is_empty() && high.is_empty() {
            return None;
        }
        let mut percent = |name: &str, typed: &str| {
            let percent: Option<u8> = typed.parse().ok();
            if percent.is_none() {
                faults.add(name, Key("fault-percent"));
            }
            percent
        };
        let (low, high) = (percent("target-low", low), percent("target-high", high));
        Some(Target {
            low_percent: low?,
            high_percent: high?,
        })
    }

    fn calling(&self, faults: &mut Faults) -> Calling {
        let usual = Ladder::shipped().name.as_str();
        let named = Some(self.text("ladder")).filter(|name| !name.is_empty() && *name != usual);
        let ladder = named.and_then(|name| name.parse().ok());
        if named.is_some_and(|name| Ladder::named(name).is_none()) {
            faults.add("ladder", Key("fault-ladder"));
        }
        Calling {
            ladder,
            family_doctor: if self.is_ticked("family-doctor") {
                FamilyDoctor::Informed
            } else {
                FamilyDoctor::NotInformed
            },
        }
    }

    /// A day that was not touched keeps the hour at which the plan ends.
    fn until(&self, current: Option<&Plan>, faults: &mut Faults) -> Option<WallMs> {
        let typed = match self.text("until") {
            "" => return None,
            typed => typed,
        };
        let Some(day) = day_read(typed) else {
            faults.add("until", Key("fault-day"));
            return None;
        };
        let known = current.and_then(|plan| plan.until);
        let is_known = |until: &WallMs| told::last_day(*until) == Some(day);
        known.filter(is_known).or_else(|| plan::after_day(day))
    }

    fn decision(&self, plan: &Plan, faults: &mut Faults) -> Option<Decision> {
        let (who, grounds) = (self.text("decided-by"), self.text("decided-on"));
        if plan.oxygen_scale == OxygenScale::One || (who.is_empty() && grounds.is_empty()) {
            return None;
        }
        if who.is_empty() {
            faults.add("decided-by", Key("fault-decided-by"));
        }
        if grounds.is_empty() {
            faults.add("decided-on", Key("fault-decided-on"));
        }
        Some(Decision {
            who: who.to_owned(),
            grounds: grounds.to_owned(),
        })
    }
}

/// What is wrong so far; of one field only the first.
struct Faults {
    w: Words,
    all: Vec<Fault>,
}

impl Faults {
    fn add(&mut self, field: &str, sentence: Key) {
        self.add_said(field, self.w.say(sentence).into_owned());
    }

    fn add_said(&mut self, field: &str, sentence: String) {
        if self.all.iter().all(|(known, _)| known != field) {
            self.all.push((field.to_owned(), sentence));
        }
    }
}

/// What the diary refuses that the form let pass.
pub(super) fn refused(w: Words, refused: &PlanRefused, rules: &RuleSet) -> Vec<Fault> {
    let (field, key) = match refused {
        PlanRefused::Faulty(faults) => {
            let fault = |fault: &PlanError| (field_name(fault.field(), rules), sentence(w, fault));
            return faults.iter().map(fault).collect();
        }
        PlanRefused::Decision => ("decided-by", Key("fault-decision")),
        PlanRefused::Ladder(_) => ("ladder", Key("fault-ladder")),
        PlanRefused::Reason => ("why", Key("fault-text")),
        PlanRefused::Version { .. } | PlanRefused::Encode(_) | PlanRefused::Store(_) => {
            ("why", Key("fault-again"))
        }
    };
    vec![(field.to_owned(), w.say(key).into_owned())]
}

/// The name of a limit's field.
pub(super) fn limit_name(vital: VitalKind, end: End) -> String {
    format!("{}-{vital}", end.name())
}

fn field_name(field: Field, rules: &RuleSet) -> String {
    match field {
        Field::When(vital) => format!("when-{vital}"),
        Field::Grace(vital) => format!("grace-{vital}"),
        Field::Limit(vital, end) => limit_name(vital, end),
        Field::Limits(vital) => {
            let first = rules.limits_to_replace(vital).map(|(end, _)| end).min();
            limit_name(vital, first.unwrap_or(End::RedTo))
        }
        Field::Target => "target-low".to_owned(),
        Field::Scale => "scale".to_owned(),
        Field::Until => "until".to_owned(),
        Field::Version => "why".to_owned(),
    }
}

fn sentence(w: Words, fault: &PlanError) -> String {
    let key = match fault {
        PlanError::Version(_) => Key("fault-version"),
        PlanError::Period => Key("fault-period"),
        PlanError::Twice(_) | PlanError::LimitsTwice(_) => Key("fault-twice"),
        PlanError::Interval(_) => Key("fault-interval"),
        PlanError::Times(_) => Key("fault-times"),
        PlanError::Grace(_) => Key("fault-grace-range"),
        PlanError::Hours(_) => Key("fault-hours"),
        PlanError::Crowded(_) => Key("fault-crowded"),
        PlanError::Target => Key("fault-target"),
        PlanError::Scale => Key("fault-scale"),
        PlanError::Lowered => Key("fault-lowered"),
        PlanError::LimitsNone(_) => Key("fault-limits-none"),
        PlanError::LimitsBesideTarget => Key("fault-limits-target"),
        PlanError::LimitUnknown(..) => Key("fault-limit-unknown"),
        PlanError::LimitValue(..) => Key("fault-limit-value"),
        PlanError::LimitLooser(_, end, loosest) => {
            let key = match end.is_low() {
                true => Key("fault-limit-below"),
                false => Key("fault-limit-above"),
            };
            let loosest = w.language.number(loosest);
            return w.with(key, "loosest", loosest).to_string();
        }
        PlanError::LimitsOrder(_) => Key("fault-limits-order"),
    };
    w.say(key).into_owned()
}
