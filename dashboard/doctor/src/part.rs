//! As what somebody answers: the family doctor, who stands in for them, or the hospital that
//! entrusted the patient to telemonitoring.

use veglia_people::care::Relation;

/// As what somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    FamilyDoctor,
    Substitute,
    Hospital,
}

impl Part {
    /// By why they may read the patient; none for whoever answers nothing here.
    pub(crate) fn of(relation: Relation) -> Option<Self> {
        match relation {
            Relation::FamilyDoctor => Some(Self::FamilyDoctor),
            Relation::Substitute => Some(Self::Substitute),
            Relation::Hospital => Some(Self::Hospital),
            Relation::Centre | Relation::OutOfHours | Relation::Glass { .. } => None,
        }
    }

    /// In the words of the record, which is kept in Italian.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::FamilyDoctor => "medico di famiglia",
            Self::Substitute => "sostituto del medico di famiglia",
            Self::Hospital => "medico ospedaliero",
        }
    }

    /// Whether the ladder's calls to the family doctor are theirs to have seen. A hospital that
    /// answers does not take from the family doctor's list what waits there.
    pub(crate) fn is_called_by_the_ladder(self) -> bool {
        self != Self::Hospital
    }
}
