//! The form of a plan as it is typed, and the plan that it says; or what is wrong with each field.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use veglia_diary::ladder::Ladder;
use veglia_diary::{Decision, PlanRefused};
use veglia_view::{
    Calling, End, Expected, FamilyDoctor, Field, Guard, OwnLimits, OxygenScale, Parameter,
    PatientId, Plan, PlanError, PlanVersion, RuleSet, Target, Template, VitalKind, WallMs, plan,
};

use super::told;
use crate::words;

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
pub(super) fn templates() -> Vec<(&'static str, String)> {
    let all = Template::all().into_iter();
    all.map(|template| (template.name, template.title))
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
    pub(super) fn of(plan: &Plan) -> Self {
        let mut form = Self::default();
        for parameter in &plan.parameters {
            let vital = parameter.vital;
            form.set(&format!("when-{vital}"), &when_typed(&parameter.expected));
            form.set(
                &format!("grace-{vital}"),
                &parameter.grace_minutes.to_string(),
            );
        }
        for limits in &plan.limits {
            for end in End::ALL {
                if let Some(steps) = limits.at(end) {
                    let name = limit_name(limits.vital, end);
                    form.set(&name, &told::number(limits.vital, steps));
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
        patient: PatientId,
        current: Option<&Plan>,
        rules: &RuleSet,
        now: WallMs,
    ) -> Result<Draft, Vec<Fault>> {
        let mut faults = Faults::default();
        let parameters = VitalKind::ALL.into_iter();
        let parameters = parameters.filter_map(|vital| self.parameter(vital, &mut faults));
        let parameters: Vec<Parameter> = parameters.collect();
        if parameters.is_empty() && faults.0.is_empty() {
            // Nobody is suspended by an empty form: where the patient is says that nothing comes.
            let sentence = "Scrivere quando è attesa almeno una misura: di un piano che non ne \
                attende nessuna, nessuno si accorge che tace.";
            faults.add(&format!("when-{}", VitalKind::SpO2), sentence);
        }
        let limits = VitalKind::ALL.into_iter();
        let limits = limits.map(|vital| self.limits(vital, rules, &mut faults));
        let limits: Vec<OwnLimits> = limits.filter(|limits| !limits.is_empty()).collect();
        let guards = GUARDS.into_iter().filter(|(name, _)| self.is_ticked(name));
        let plan = Plan {
            patient,
            version: PlanVersion(self.seen().saturating_add(1)),
            from: now,
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
            faults.add("why", "Scrivere perché il piano cambia.");
        }
        for fault in plan.validate(rules).err().unwrap_or_default() {
            let (name, sentence) = (field_name(fault.field(), rules), sentence(&fault));
            faults.add(&name, &sentence);
        }
        let decision = self.decision(&plan, &mut faults);
        if !faults.0.is_empty() {
            return Err(faults.0);
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
            let sentence = "Scrivere gli orari (08:00, 14:00, 20:00), oppure «ogni 60» minuti, \
                oppure di notte «22:00-06:00 ogni 5». Gli orari vanno da 00:00 a 23:59.";
            faults.add(&when_name, sentence);
        }
        let grace: Option<u32> = grace.parse().ok();
        if grace.is_none() {
            faults.add(
                &grace_name,
                "Scrivere i minuti di tolleranza, per esempio 120.",
            );
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
                        let unit = words::unit(vital);
                        faults.add(&name, &format!("Scrivere un numero in {unit}, come 38,5."));
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
                faults.add(name, "Scrivere un numero intero, come 88.");
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
            faults.add("ladder", "Scegliere chi viene chiamato dall’elenco.");
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
            faults.add("until", "Scrivere un giorno, come 03/11/2020.");
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
            faults.add("decided-by", "Scrivere chi ha preso la decisione.");
        }
        if grounds.is_empty() {
            faults.add("decided-on", "Scrivere su che cosa si fonda la decisione.");
        }
        Some(Decision {
            who: who.to_owned(),
            grounds: grounds.to_owned(),
        })
    }
}

/// What is wrong so far; of one field only the first.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, field: &str, sentence: &str) {
        if self.0.iter().all(|(known, _)| known != field) {
            self.0.push((field.to_owned(), sentence.to_owned()));
        }
    }
}

/// What the diary refuses that the form let pass.
pub(super) fn refused(refused: &PlanRefused, rules: &RuleSet) -> Vec<Fault> {
    let one = |field: &str, sentence: &str| vec![(field.to_owned(), sentence.to_owned())];
    match refused {
        PlanRefused::Faulty(faults) => {
            let fault = |fault: &PlanError| (field_name(fault.field(), rules), sentence(fault));
            faults.iter().map(fault).collect()
        }
        PlanRefused::Decision => one(
            "decided-by",
            "La scala 2 e il suo obiettivo si usano solo per decisione clinica: scrivere chi l’ha \
             presa e su che cosa si fonda.",
        ),
        PlanRefused::Ladder(_) => one("ladder", "Scegliere chi viene chiamato dall’elenco."),
        PlanRefused::Reason => one("why", "Il testo è troppo lungo o ha caratteri strani."),
        PlanRefused::Version { .. } | PlanRefused::Encode(_) | PlanRefused::Store(_) => {
            one("why", "Il piano non è stato scritto: riprovare.")
        }
    }
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

fn sentence(fault: &PlanError) -> String {
    match fault {
        PlanError::Version(_) => "La versione del piano non è valida: ricaricare la pagina.".into(),
        PlanError::Period => "Il piano finirebbe prima di cominciare: scegliere un giorno da \
            oggi in poi."
            .into(),
        PlanError::Twice(_) | PlanError::LimitsTwice(_) => {
            "Compare due volte: lasciarne uno.".into()
        }
        PlanError::Interval(_) => "Scrivere un intervallo da 1 minuto a 7 giorni.".into(),
        PlanError::Times(_) => "Scrivere da 1 a 24 orari diversi, in ordine.".into(),
        PlanError::Grace(_) => "La tolleranza va da 1 minuto a 7 giorni.".into(),
        PlanError::Hours(_) => "Le ore indicate devono durare più della tolleranza e \
            dell’intervallo insieme."
            .into(),
        PlanError::Crowded(_) => {
            "Gli orari sono più vicini del doppio della tolleranza: accorciare \
            la tolleranza."
                .into()
        }
        PlanError::Target => "L’obiettivo va da 70 a 100 %, prima il valore più basso.".into(),
        PlanError::Scale => "La scala 2 richiede un obiettivo personale, come 88–92 %.".into(),
        PlanError::Lowered => {
            "Questo obiettivo abbassa il limite rosso: si usa solo con la scala 2, \
            per decisione clinica scritta."
                .into()
        }
        PlanError::LimitsNone(_) => "Scrivere almeno un limite.".into(),
        PlanError::LimitsBesideTarget => "Con un obiettivo personale i limiti della SpO₂ non si \
            usano: lasciare l’uno o gli altri."
            .into(),
        PlanError::LimitUnknown(..) => "Questo limite non esiste.".into(),
        PlanError::LimitValue(..) => "Non è un valore che si misura così.".into(),
        PlanError::LimitLooser(_, end, loosest) => {
            let side = if end.is_low() {
                "scendere sotto"
            } else {
                "superare"
            };
            let loosest = loosest.replace('.', ",");
            format!("Troppo largo: non può {side} {loosest}.")
        }
        PlanError::LimitsOrder(_) => {
            "I limiti devono essere in ordine: rosso fino a, giallo fino a, \
            giallo da, rosso da (vuoto vale il limite della regola)."
                .into()
        }
    }
}

/// When a vital sign is expected, as it is typed here.
fn when_typed(expected: &Expected) -> String {
    match expected {
        Expected::EveryMinutes(minutes) => format!("ogni {minutes}"),
        Expected::DailyAt(times) => {
            let times: Vec<String> = times.iter().map(ToString::to_string).collect();
            times.join(", ")
        }
        Expected::Within(hours) => {
            format!(
                "{}-{} ogni {}",
                hours.from, hours.until, hours.every_minutes
            )
        }
    }
}

/// The same read; times may be short: `8, 14:30`.
fn when_read(typed: &str) -> Option<Expected> {
    let typed = typed.to_lowercase();
    let minutes = |text: &str| {
        let text = text.trim();
        let text = text.strip_suffix("min").unwrap_or(text).trim();
        Some(format!("{}m", text.parse::<u32>().ok()?))
    };
    if let Some((hours, every)) = typed.split_once("ogni") {
        let every = minutes(every)?;
        if hours.trim().is_empty() {
            return every.parse().ok();
        }
        let (from, until) = hours.split_once('-')?;
        let (from, until) = (time_read(from)?, time_read(until)?);
        return format!("{from}-{until}/{every}").parse().ok();
    }
    let times = typed.split([',', ';', ' ']).filter(|time| !time.is_empty());
    let times: Option<Vec<String>> = times.map(time_read).collect();
    times?.join(",").parse().ok()
}

/// `8`, `8:30` and `08.30` as `08:30`.
fn time_read(typed: &str) -> Option<String> {
    let typed = typed.trim().replace('.', ":");
    let (hour, minute) = typed.split_once(':').unwrap_or((&typed, "00"));
    let (hour, is_minute): (u8, bool) = (hour.parse().ok()?, minute.len() == 2);
    is_minute.then(|| format!("{hour:02}:{minute}"))
}

/// `38,5` in the steps of a vital sign; at most one decimal.
fn steps_read(vital: VitalKind, typed: &str) -> Option<i32> {
    let typed = typed.replace(',', ".");
    let (whole, tenths) = typed.split_once('.').unwrap_or((&typed, "0"));
    let is_written = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    if !is_written(whole) || !is_written(tenths) || tenths.len() != 1 {
        return None;
    }
    let (whole, tenths): (i32, i32) = (whole.parse().ok()?, tenths.parse().ok()?);
    let per_unit = vital.steps_per_unit();
    whole
        .checked_mul(per_unit)?
        .checked_add(tenths * per_unit / 10)
}

/// `2020-11-03`, as browsers send it, or `3/11/2020`, as people write it.
fn day_read(typed: &str) -> Option<Date> {
    let as_sent = typed.parse().ok();
    as_sent.or_else(|| {
        let mut parts = typed.split('/').map(str::trim);
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        let (day, month, year) = (day.parse().ok()?, month.parse().ok()?, year.parse().ok()?);
        Date::new(year, month, day).ok()
    })
}
