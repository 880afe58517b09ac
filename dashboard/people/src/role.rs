//! What someone may do. A role is a word; what follows from it is decided where it is asked.
//!
//! No role reads a patient's data by itself: the care relation ([`crate::care`]) says whose. The
//! administrator and the auditor have none, ever.

use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;
use veglia_words::Language;

/// What someone may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Of the centre: answers and makes calls.
    Operator,
    /// Of the centre: judges readings and calls.
    Nurse,
    /// Of the centre: decides, and may close any alert.
    Doctor,
    /// A family doctor (*medico di medicina generale*), or a paediatrician: own patients.
    Mmg,
    /// A hospital's doctor: the patients whom their unit discharged into telemonitoring.
    HospitalDoctor,
    /// *Continuità Assistenziale*: while on shift, the patients who were handed over.
    OutOfHoursDoctor,
    /// Manages accounts and devices. Reads no patient's data.
    Admin,
    /// Reads who read whom, and verifies that log. Reads no patient's data.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Operator,
        Self::Nurse,
        Self::Doctor,
        Self::Mmg,
        Self::HospitalDoctor,
        Self::OutOfHoursDoctor,
        Self::Admin,
        Self::Auditor,
    ];

    /// The word stored, typed at the command line and written in the configuration.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Nurse => "nurse",
            Self::Doctor => "doctor",
            Self::Mmg => "mmg",
            Self::HospitalDoctor => "hospital-doctor",
            Self::OutOfHoursDoctor => "out-of-hours-doctor",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
        }
    }

    /// As the record says it, and pages in Italian.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Operator => "operatore",
            Self::Nurse => "infermiere",
            Self::Doctor => "medico",
            Self::Mmg => "medico di famiglia",
            Self::HospitalDoctor => "medico ospedaliero",
            Self::OutOfHoursDoctor => "medico di continuità assistenziale",
            Self::Admin => "amministratore",
            Self::Auditor => "revisore",
        }
    }

    /// The word in a language.
    #[must_use]
    pub fn word_in(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::It, role) => role.word(),
            (Language::En, Self::Operator) => "operator",
            (Language::En, Self::Nurse) => "nurse",
            (Language::En, Self::Doctor) => "doctor",
            (Language::En, Self::Mmg) => "family doctor (MMG)",
            (Language::En, Self::HospitalDoctor) => "hospital doctor",
            (Language::En, Self::OutOfHoursDoctor) => "out-of-hours doctor",
            (Language::En, Self::Admin) => "administrator",
            (Language::En, Self::Auditor) => "auditor",
        }
    }

    /// Where somebody of this role works, as the person whose data they read is told.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Operator | Self::Nurse | Self::Doctor => "Centrale Medica",
            Self::Mmg => "Medicina generale",
            Self::HospitalDoctor => "Ospedale",
            Self::OutOfHoursDoctor => "Continuità Assistenziale",
            Self::Admin => "Amministrazione",
            Self::Auditor => "Controllo degli accessi",
        }
    }

    /// The same in a language; what is an institution's name stays Italian.
    #[must_use]
    pub fn unit_in(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::En, Self::Mmg) => "General practice",
            (Language::En, Self::HospitalDoctor) => "Hospital",
            (Language::En, Self::Admin) => "Administration",
            (Language::En, Self::Auditor) => "Audit of accesses",
            (_, role) => role.unit(),
        }
    }

    /// Whether somebody of this role works at the monitoring centre.
    #[must_use]
    pub fn is_of_the_centre(self) -> bool {
        matches!(self, Self::Operator | Self::Nurse | Self::Doctor)
    }

    /// Whether somebody of this role cares for patients at all.
    #[must_use]
    pub fn cares(self) -> bool {
        !matches!(self, Self::Admin | Self::Auditor)
    }

    /// Whether somebody of this role is a doctor.
    #[must_use]
    pub fn is_doctor(self) -> bool {
        matches!(
            self,
            Self::Doctor | Self::Mmg | Self::HospitalDoctor | Self::OutOfHoursDoctor
        )
    }
}

/// A word that is no [`Role`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error(
    "a role is one of operator, nurse, doctor, mmg, hospital-doctor, out-of-hours-doctor, admin, \
     auditor"
)]
pub struct RoleError;

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.code() == text)
            .ok_or(RoleError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_back_as_it_is_written_and_no_other_word_is_one() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
            let configured = format!("{:?}", role.code());
            let configured: Role = serde_json::from_str(&configured).unwrap();
            assert_eq!(configured, role);
        }
        for word in ["", "Nurse", "medico", "root"] {
            assert_eq!(word.parse::<Role>(), Err(RoleError), "{word}");
        }
    }
}
