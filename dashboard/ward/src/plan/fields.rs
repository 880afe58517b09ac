//! The fields of the form, each with its label, what was typed, and what is wrong with it.

use std::borrow::Cow;

use veglia_diary::ladder::Ladder;
use veglia_view::{RuleSet, VitalKind};
use veglia_words::{Key, Words};

use super::form::{GUARDS, PlanForm, TICKED, limit_name};
use super::told::{end_name, guard_name, ladder_title};
use crate::words;

/// Fields that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) legend: Cow<'static, str>,
    pub(super) hint: Option<Key>,
    pub(super) fields: Vec<Field>,
}

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) value: String,
    pub(super) hint: String,
    pub(super) fault: String,
    pub(super) kind: Kind,
}

/// How a field is filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Day,
    Area,
    Box,
    /// Value and name of each choice.
    Choice(Vec<(String, String)>),
}

impl Field {
    /// The ids of what is said of it, for whoever does not see it.
    pub(super) fn described_by(&self) -> String {
        let parts = [("hint", &self.hint), ("fault", &self.fault)];
        let given = parts.into_iter().filter(|(_, text)| !text.is_empty());
        let ids: Vec<String> = given
            .map(|(part, _)| format!("{}-{part}", self.name))
            .collect();
        ids.join(" ")
    }
}

/// What the form is made of.
struct Maker<'a> {
    w: Words,
    form: &'a PlanForm,
    faults: &'a [(String, String)],
}

impl Maker<'_> {
    fn field(&self, name: &str, label: Key, kind: Kind) -> Field {
        let label = self.w.say(label).into_owned();
        self.labelled(name, label, String::new(), kind)
    }

    fn hinted(&self, name: &str, label: Key, hint: Key, kind: Kind) -> Field {
        let hint = self.w.say(hint).into_owned();
        Field {
            hint,
            ..self.field(name, label, kind)
        }
    }

    fn labelled(&self, name: &str, label: String, hint: String, kind: Kind) -> Field {
        let mut faults = self.faults.iter();
        let fault = faults.find(|(field, _)| field == name);
        Field {
            name: name.to_owned(),
            label,
            value: self.form.typed(name).to_owned(),
            hint,
            fault: fault.map(|it| it.1.clone()).unwrap_or_default(),
            kind,
        }
    }

    fn measured(&self, vital: VitalKind, rules: &RuleSet) -> Group {
        let w = self.w;
        let (when, grace) = (format!("when-{vital}"), format!("grace-{vital}"));
        let mut fields = vec![
            self.field(&when, Key("field-when"), Kind::Text),
            self.field(&grace, Key("field-grace"), Kind::Number),
        ];
        for (end, shipped) in rules.limits_to_replace(vital) {
            let label = w.with("field-limit", "limit", w.say(end_name(end)));
            let label = label.and("unit", words::unit(w, vital)).to_string();
            let shipped = words::value(w, vital, shipped);
            let hint = w.with("field-limit-hint", "rule", shipped).to_string();
            let name = limit_name(vital, end);
            fields.push(self.labelled(&name, label, hint, Kind::Text));
        }
        Group {
            legend: words::vital_name(w, vital),
            hint: Some(Key("group-when-hint")),
            fields,
        }
    }

    fn oxygen(&self) -> Group {
        let scales = [("1", Key("scale-one")), ("2", Key("scale-two"))];
        let scales = scales.map(|(value, key)| (value.to_owned(), self.w.say(key).into_owned()));
        let scales = Kind::Choice(scales.to_vec());
        Group {
            legend: self.w.say("group-oxygen"),
            hint: Some(Key("group-oxygen-hint")),
            fields: vec![
                self.field("target-low", Key("field-target-low"), Kind::Number),
                self.field("target-high", Key("field-target-high"), Kind::Number),
                self.field("scale", Key("field-scale"), scales),
                self.field("decided-by", Key("field-decided-by"), Kind::Text),
                self.field("decided-on", Key("field-decided-on"), Kind::Area),
            ],
        }
    }

    fn guards(&self) -> Group {
        let guards = GUARDS.into_iter();
        let fields = guards.map(|(name, guard)| self.field(name, guard_name(guard), Kind::Box));
        Group {
            legend: self.w.say("group-scores"),
            hint: Some(Key("group-scores-hint")),
            fields: fields.collect(),
        }
    }

    fn called(&self) -> Group {
        let ladders = Ladder::all().iter();
        let ladders = ladders.map(|it| (it.name.clone(), ladder_title(self.w, it)));
        let ladders = Kind::Choice(ladders.collect());
        Group {
            legend: self.w.say("told-called"),
            hint: None,
            fields: vec![
                self.field("ladder", Key("field-ladder"), ladders),
                self.field("family-doctor", Key("field-family-doctor"), Kind::Box),
            ],
        }
    }

    fn end(&self) -> Group {
        let (until, why) = (Key("field-until-hint"), Key("field-why-hint"));
        Group {
            legend: self.w.say("group-end"),
            hint: None,
            fields: vec![
                self.hinted("until", Key("field-until"), until, Kind::Day),
                self.hinted("why", Key("field-why"), why, Kind::Area),
            ],
        }
    }
}

/// The whole form.
pub(super) fn groups(
    w: Words,
    form: &PlanForm,
    faults: &[(String, String)],
    rules: &RuleSet,
) -> Vec<Group> {
    let maker = Maker { w, form, faults };
    let vitals = VitalKind::ALL.into_iter();
    let mut groups: Vec<Group> = vitals.map(|vital| maker.measured(vital, rules)).collect();
    groups.extend([maker.oxygen(), maker.guards(), maker.called(), maker.end()]);
    groups
}

/// What a ticked box sends; for the template.
pub(super) const fn ticked() -> &'static str {
    TICKED
}
