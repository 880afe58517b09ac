//! The fields of the form, each with its label, what was typed, and what is wrong with it.

use veglia_diary::ladder::Ladder;
use veglia_view::{RuleSet, VitalKind};

use super::form::{GUARDS, PlanForm, TICKED, limit_name};
use super::told::{end_name, guard_name};
use crate::words;

/// Fields that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) legend: String,
    pub(super) hint: &'static str,
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
    form: &'a PlanForm,
    faults: &'a [(String, String)],
}

impl Maker<'_> {
    fn field(&self, name: &str, label: &str, hint: &str, kind: Kind) -> Field {
        let mut faults = self.faults.iter();
        let fault = faults.find(|(field, _)| field == name);
        Field {
            name: name.to_owned(),
            label: label.to_owned(),
            value: self.form.typed(name).to_owned(),
            hint: hint.to_owned(),
            fault: fault.map(|it| it.1.clone()).unwrap_or_default(),
            kind,
        }
    }

    fn measured(&self, vital: VitalKind, rules: &RuleSet) -> Group {
        let mut fields = vec![
            self.field(&format!("when-{vital}"), "Quando", "", Kind::Text),
            self.field(
                &format!("grace-{vital}"),
                "Tolleranza in minuti",
                "",
                Kind::Number,
            ),
        ];
        for (end, shipped) in rules.limits_to_replace(vital) {
            let shipped = words::value(vital, shipped);
            let label = format!("Limite proprio: {} ({})", end_name(end), words::unit(vital));
            let hint = format!("Vuoto: la regola, {shipped}");
            let name = limit_name(vital, end);
            fields.push(self.field(&name, &label, &hint, Kind::Text));
        }
        Group {
            legend: words::vital_name(vital).to_owned(),
            hint: "Orari (08:00, 14:00, 20:00), oppure «ogni 60» minuti, oppure di notte \
                   «22:00-06:00 ogni 5». Vuoto: non richiesto.",
            fields,
        }
    }

    fn oxygen(&self) -> Group {
        let scales = [
            ("1", "Scala 1, per quasi tutti"),
            ("2", "Scala 2, insufficienza ipercapnica"),
        ];
        let scales = scales.map(|(value, name)| (value.to_owned(), name.to_owned()));
        Group {
            legend: "Obiettivo personale di SpO₂ e scala NEWS2".to_owned(),
            hint: "Un obiettivo sotto 93 % abbassa il limite rosso: solo con la scala 2 e per \
                   decisione clinica, di cui si scrive chi l’ha presa e su che cosa si fonda.",
            fields: vec![
                self.field(
                    "target-low",
                    "Obiettivo, valore minimo (%)",
                    "",
                    Kind::Number,
                ),
                self.field(
                    "target-high",
                    "Obiettivo, valore massimo (%)",
                    "",
                    Kind::Number,
                ),
                self.field(
                    "scale",
                    "Scala NEWS2 per la SpO₂",
                    "",
                    Kind::Choice(scales.to_vec()),
                ),
                self.field("decided-by", "Scala 2: chi ha deciso", "", Kind::Text),
                self.field(
                    "decided-on",
                    "Scala 2: su che cosa si fonda",
                    "",
                    Kind::Area,
                ),
            ],
        }
    }

    fn guards(&self) -> Group {
        let guards = GUARDS.into_iter();
        let fields = guards.map(|(name, guard)| self.field(name, guard_name(guard), "", Kind::Box));
        Group {
            legend: "Punteggi".to_owned(),
            hint: "NEWS2 e MEWS sono fatti per adulti: con una di queste voci non si calcolano.",
            fields: fields.collect(),
        }
    }

    fn called(&self) -> Group {
        let ladders = Ladder::all().iter();
        let ladders = ladders.map(|ladder| (ladder.name.clone(), ladder.title.clone()));
        Group {
            legend: "Chi viene chiamato".to_owned(),
            hint: "",
            fields: vec![
                self.field(
                    "ladder",
                    "In quest’ordine",
                    "",
                    Kind::Choice(ladders.collect()),
                ),
                self.field(
                    "family-doctor",
                    "Informare il medico di famiglia",
                    "",
                    Kind::Box,
                ),
            ],
        }
    }

    fn end(&self) -> Group {
        Group {
            legend: "Durata e motivo".to_owned(),
            hint: "",
            fields: vec![
                self.field(
                    "until",
                    "Ultimo giorno",
                    "Vuoto: senza fine. Dopo, nessuna misura è attesa.",
                    Kind::Day,
                ),
                self.field(
                    "why",
                    "Perché il piano cambia",
                    "Resta nel diario accanto alla versione.",
                    Kind::Area,
                ),
            ],
        }
    }
}

/// The whole form.
pub(super) fn groups(form: &PlanForm, faults: &[(String, String)], rules: &RuleSet) -> Vec<Group> {
    let maker = Maker { form, faults };
    let vitals = VitalKind::ALL.into_iter();
    let mut groups: Vec<Group> = vitals.map(|vital| maker.measured(vital, rules)).collect();
    groups.extend([maker.oxygen(), maker.guards(), maker.called(), maker.end()]);
    groups
}

/// What a ticked box sends; for the template.
pub(super) const fn ticked() -> &'static str {
    TICKED
}
