//! What is typed about somebody who is put on file, and what it means.
//!
//! Checked field by field, so that every fault is told at once, beside its field.

use serde::Deserialize;
use veglia_people::patients::{MAX_ADDRESS_CHARS, MAX_NAME_CHARS, NewPerson};
use veglia_people::{CodiceFiscaleError, MmgId, Phone};
use veglia_view::Plan;
use veglia_wire::DeviceId;
use veglia_words::Key;

use crate::consent::How;
use crate::notice::Item;

/// Devices handed over with it: an oximeter and a thermometer.
pub(crate) const DEVICES: usize = 2;

/// Longest reason of a discharge, in characters: a diagnosis in a line.
pub(crate) const WHY_CHARS_MAX: usize = 200;

/// What was typed; not shown by `Debug`, which is not there.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct EnrolForm {
    /// Codice Fiscale.
    pub(crate) code: String,
    pub(crate) surname: String,
    pub(crate) name: String,
    pub(crate) phone: String,
    pub(crate) address: String,
    /// `Rossi Maria (7)`, or nothing.
    pub(crate) doctor: String,
    /// The template of the plan.
    pub(crate) template: String,
    pub(crate) device1: String,
    pub(crate) device2: String,
    /// The diagnosis at a discharge, or why.
    pub(crate) why: String,
    /// Ticked, or empty.
    pub(crate) information: String,
    pub(crate) telemonitoring: String,
    pub(crate) census: String,
    pub(crate) how: String,
}

/// A field, and what is wrong with it.
pub(crate) type Fault = (&'static str, Key);

/// What a form without a fault says.
pub(crate) struct Draft {
    pub(crate) person: NewPerson,
    pub(crate) doctor: Option<MmgId>,
    pub(crate) template: &'static str,
    pub(crate) devices: Vec<DeviceId>,
    pub(crate) why: String,
    pub(crate) consents: Vec<(Item, bool)>,
    pub(crate) how: How,
}

impl EnrolForm {
    /// What it means, or all that is wrong with it, in the order of the form.
    pub(crate) fn read(&self) -> Result<Draft, Vec<Fault>> {
        let mut faults = Vec::new();
        let code = self.code.parse();
        if let Err(fault) = &code {
            faults.push(("code", code_fault(fault)));
        }
        text(&mut faults, "surname", &self.surname, MAX_NAME_CHARS);
        text(&mut faults, "name", &self.name, MAX_NAME_CHARS);
        let phone: Result<Phone, _> = self.phone.parse();
        if phone.is_err() {
            faults.push(("phone", Key("fault-phone")));
        }
        text(&mut faults, "address", &self.address, MAX_ADDRESS_CHARS);
        let doctor = named_doctor(&self.doctor);
        if doctor.is_none() && !self.doctor.trim().is_empty() {
            faults.push(("doctor", Key("fault-doctor")));
        }
        let mut templates = Plan::TEMPLATES.iter();
        let template = templates.find(|name| **name == self.template);
        if template.is_none() {
            faults.push(("template", Key("fault-template")));
        }
        let devices = self.devices(&mut faults);
        if self.why.chars().count() > WHY_CHARS_MAX || self.why.contains(char::is_control) {
            faults.push(("why", Key("fault-why")));
        }
        let consents: Vec<_> = Item::ALL.map(|item| (item, self.is_ticked(item))).into();
        for (item, given) in &consents {
            if item.is_needed() && !given {
                faults.push((item.code(), unticked(*item)));
            }
        }
        let how = How::read(&self.how);
        if how.is_none() {
            faults.push(("how", Key("fault-how")));
        }
        let whole = code.ok().zip(phone.ok()).zip(template).zip(how);
        match whole {
            Some((((codice_fiscale, phone), template), how)) if faults.is_empty() => Ok(Draft {
                person: NewPerson {
                    name: self.name.trim().to_owned(),
                    surname: self.surname.trim().to_owned(),
                    codice_fiscale,
                    phone,
                    address: self.address.trim().to_owned(),
                },
                doctor,
                template,
                devices,
                why: self.why.trim().to_owned(),
                consents,
                how,
            }),
            _ => Err(faults),
        }
    }

    fn devices(&self, faults: &mut Vec<Fault>) -> Vec<DeviceId> {
        let mut devices: Vec<DeviceId> = Vec::with_capacity(DEVICES);
        for (field, typed) in [("device1", &self.device1), ("device2", &self.device2)] {
            let typed = typed.trim();
            if typed.is_empty() {
                continue;
            }
            match DeviceId::new(typed) {
                // A number alone does not say whose it is: the label has the make before it.
                Ok(device) if typed.contains(':') && !devices.contains(&device) => {
                    devices.push(device);
                }
                _ => faults.push((field, Key("fault-device"))),
            }
        }
        devices
    }

    pub(crate) fn is_ticked(&self, item: Item) -> bool {
        let ticked = match item {
            Item::Information => &self.information,
            Item::Telemonitoring => &self.telemonitoring,
            Item::Census => &self.census,
        };
        !ticked.is_empty()
    }
}

/// The number in `Rossi Maria (7)`.
fn named_doctor(typed: &str) -> Option<MmgId> {
    let inside = typed.trim().rsplit_once('(')?.1.strip_suffix(')')?;
    inside.trim().parse().ok()
}

fn text(faults: &mut Vec<Fault>, field: &'static str, typed: &str, max_chars: usize) {
    let typed = typed.trim();
    if typed.is_empty() {
        faults.push((field, Key("fault-empty")));
    } else if typed.chars().count() > max_chars || typed.contains(char::is_control) {
        faults.push((field, Key("fault-text")));
    }
}

fn code_fault(fault: &CodiceFiscaleError) -> Key {
    match fault {
        CodiceFiscaleError::Length { .. } => Key("fault-code-length"),
        CodiceFiscaleError::Check => Key("fault-code-check"),
        _ => Key("fault-code"),
    }
}

fn unticked(item: Item) -> Key {
    match item {
        Item::Information => Key("fault-information"),
        _ => Key("fault-telemonitoring"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn good() -> EnrolForm {
        let say = str::to_owned;
        EnrolForm {
            code: say("rssmra85m01h501q"),
            surname: say("Prova"),
            name: say(" Maria "),
            phone: say("333 1234567"),
            address: say("Via di Prova 1, Milano"),
            doctor: say("Dott. Prova (7)"),
            template: say("home-covid"),
            device1: say("nonin:501234"),
            information: say("si"),
            telemonitoring: say("si"),
            how: say("signed"),
            ..EnrolForm::default()
        }
    }

    #[test]
    fn a_form_without_a_fault_says_everything_that_was_typed() {
        let draft = good().read().unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(draft.person.name, "Maria");
        assert_eq!(draft.doctor.map(|it| it.get()), Some(7));
        assert_eq!(draft.devices.len(), 1);
        let given = draft.consents.iter().filter(|(_, given)| *given).count();
        assert_eq!(given, 2, "the census was not ticked");
    }

    #[test]
    fn an_empty_form_is_told_all_that_is_missing_at_once() {
        let Err(faults) = EnrolForm::default().read() else {
            panic!("an empty form was taken");
        };
        let fields: Vec<_> = faults.into_iter().map(|(field, _)| field).collect();
        let missing = [
            "code",
            "surname",
            "name",
            "phone",
            "address",
            "template",
            "information",
            "telemonitoring",
            "how",
        ];
        assert_eq!(fields, missing);
    }

    #[test]
    fn a_label_without_a_make_and_the_same_device_twice_are_asked_for_again() {
        for (one, two) in [("501234", ""), ("nonin:501234", "nonin:501234")] {
            let form = EnrolForm {
                device1: one.to_owned(),
                device2: two.to_owned(),
                ..good()
            };
            let faults = form.read().err().unwrap();
            let is_device = |(field, _): &Fault| field.starts_with("device");
            assert!(faults.iter().all(is_device), "{faults:?}");
        }
    }
}
