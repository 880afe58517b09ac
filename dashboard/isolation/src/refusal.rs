//! Who gets which swab by which way, and who is sent elsewhere, with the reason and the right way.
//! One function, for every door and every page: what is not allowed here is refused. Pure.
//!
//! The letter of ATS Milano to the mayors decides: the portal is for whoever tested positive; the
//! booking for whoever a family doctor reported with symptoms, and for the diagnostic swab only;
//! direct access for suspected cases among students and school staff, and for nobody else.

use veglia_words::Key;

use crate::course::Standing;

/// Which swab is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Swab {
    /// *Tampone di guarigione*, after the isolation.
    Recovery,
    /// *Tampone di accertamento*, for symptoms.
    Diagnostic,
    /// Of a close contact, in quarantine.
    Contact,
}

/// Where it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counter {
    /// *Milano COR*: the citizen's own pages.
    Portal,
    /// The booking of diagnostic swabs, by the link of a family doctor's report.
    Booking,
    /// At the point of sampling, without a booking.
    Direct,
}

/// Who asks, and in what state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// Tested positive.
    Case(Standing),
    /// Has symptoms, and was reported by a family doctor or paediatrician.
    Reported,
    /// Has symptoms, and nobody has reported them.
    Unreported,
    /// Was near a suspected or confirmed case.
    Contact,
    /// A suspected case among students and school staff.
    School {
        /// Whether they bring the school's self-certification or the doctor's report.
        has_paper: bool,
    },
    /// A parent, brother or sister of a suspected student.
    Relative,
    /// None of these.
    Anybody,
}

/// Why somebody is sent elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The tenth day has not come.
    NotYet,
    /// Symptoms last.
    SymptomsLast,
    /// A doctor decides.
    DoctorDecides,
    /// A negative is there already, and ATS confirms the end.
    AtsConfirms,
    /// The isolation is over.
    Over,
    /// Whoever tested positive needs no swab to find it out.
    KnownPositive,
    /// No positive swab is on file.
    NoCase,
    /// This way gives the diagnostic swab only.
    OnlyDiagnostic,
    /// Contacts have a way of their own.
    ContactElsewhere,
    /// No family doctor has reported the symptoms.
    NotReported,
    /// Direct access gives no recovery swab.
    RecoveryNotDirect,
    /// Direct access is not for relatives.
    RelativeNotDirect,
    /// Direct access is not for suspected cases outside school.
    OutsideSchool,
    /// Neither self-certification nor report was brought.
    NoPaper,
}

/// Where somebody is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// The portal, when it opens.
    Portal,
    /// To wait, and to go on as before.
    Wait,
    /// The family doctor or paediatrician.
    Mmg,
    /// The link of the report.
    Booking,
    /// The path of contacts: quarantine, and a test that ATS books.
    ContactPath,
    /// A point of direct access, with the paper.
    Direct,
    /// Back with the paper.
    Paper,
    /// Nothing more to do.
    Nothing,
}

/// A refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The right way.
    pub way: Way,
}

/// Whether somebody gets a swab by a way.
///
/// # Errors
/// The reason for which they do not, and the right way.
pub fn ask(swab: Swab, at: Counter, who: Asker) -> Result<(), Refused> {
    match at {
        Counter::Portal => at_the_portal(swab, who),
        Counter::Booking => at_the_booking(swab, who),
        Counter::Direct => at_direct_access(swab, who),
    }
}

fn refused(reason: Reason, way: Way) -> Result<(), Refused> {
    Err(Refused { reason, way })
}

fn at_the_portal(swab: Swab, who: Asker) -> Result<(), Refused> {
    let Asker::Case(standing) = who else {
        return refused(Reason::NoCase, right_way(who));
    };
    if swab != Swab::Recovery {
        return refused(Reason::KnownPositive, Way::Portal);
    }
    match standing {
        Standing::Open { .. } => Ok(()),
        Standing::Closed => refused(Reason::NotYet, Way::Wait),
        Standing::Symptoms => refused(Reason::SymptomsLast, Way::Mmg),
        Standing::DoctorDecides => refused(Reason::DoctorDecides, Way::Mmg),
        Standing::Negative { .. } => refused(Reason::AtsConfirms, Way::Wait),
        Standing::Ended { .. } => refused(Reason::Over, Way::Nothing),
    }
}

fn at_the_booking(swab: Swab, who: Asker) -> Result<(), Refused> {
    match (swab, who) {
        (Swab::Recovery, _) => refused(Reason::OnlyDiagnostic, Way::Portal),
        (Swab::Contact, _) => refused(Reason::OnlyDiagnostic, Way::ContactPath),
        (Swab::Diagnostic, Asker::Reported) => Ok(()),
        (Swab::Diagnostic, Asker::Case(_)) => refused(Reason::KnownPositive, Way::Portal),
        (Swab::Diagnostic, Asker::Contact) => refused(Reason::ContactElsewhere, Way::ContactPath),
        (Swab::Diagnostic, who) => refused(Reason::NotReported, right_way(who)),
    }
}

fn at_direct_access(swab: Swab, who: Asker) -> Result<(), Refused> {
    match (swab, who) {
        (Swab::Recovery, _) => refused(Reason::RecoveryNotDirect, Way::Portal),
        (_, Asker::Case(_)) => refused(Reason::KnownPositive, Way::Portal),
        (_, Asker::Relative) => refused(Reason::RelativeNotDirect, Way::Mmg),
        (Swab::Contact, _) | (_, Asker::Contact) => {
            refused(Reason::ContactElsewhere, Way::ContactPath)
        }
        (Swab::Diagnostic, Asker::School { has_paper: true }) => Ok(()),
        (Swab::Diagnostic, Asker::School { has_paper: false }) => {
            refused(Reason::NoPaper, Way::Paper)
        }
        (Swab::Diagnostic, who) => refused(Reason::OutsideSchool, right_way(who)),
    }
}

/// Where somebody belongs who came to the wrong place.
fn right_way(who: Asker) -> Way {
    match who {
        Asker::Case(_) => Way::Portal,
        Asker::Reported => Way::Booking,
        Asker::Contact => Way::ContactPath,
        Asker::School { .. } => Way::Direct,
        Asker::Unreported | Asker::Relative | Asker::Anybody => Way::Mmg,
    }
}

impl Reason {
    /// Every reason there is.
    pub const ALL: [Self; 14] = [
        Self::NotYet,
        Self::SymptomsLast,
        Self::DoctorDecides,
        Self::AtsConfirms,
        Self::Over,
        Self::KnownPositive,
        Self::NoCase,
        Self::OnlyDiagnostic,
        Self::ContactElsewhere,
        Self::NotReported,
        Self::RecoveryNotDirect,
        Self::RelativeNotDirect,
        Self::OutsideSchool,
        Self::NoPaper,
    ];

    /// The sentence that is said, by its name.
    #[must_use]
    pub fn sentence(self) -> Key {
        match self {
            Self::NotYet => Key("reason-not-yet"),
            Self::SymptomsLast => Key("reason-symptoms-last"),
            Self::DoctorDecides => Key("reason-doctor-decides"),
            Self::AtsConfirms => Key("reason-ats-confirms"),
            Self::Over => Key("reason-over"),
            Self::KnownPositive => Key("reason-known-positive"),
            Self::NoCase => Key("reason-no-case"),
            Self::OnlyDiagnostic => Key("reason-only-diagnostic"),
            Self::ContactElsewhere => Key("reason-contact-elsewhere"),
            Self::NotReported => Key("reason-not-reported"),
            Self::RecoveryNotDirect => Key("reason-recovery-not-direct"),
            Self::RelativeNotDirect => Key("reason-relative-not-direct"),
            Self::OutsideSchool => Key("reason-outside-school"),
            Self::NoPaper => Key("reason-no-paper"),
        }
    }
}

impl Way {
    /// Every way there is.
    pub const ALL: [Self; 8] = [
        Self::Portal,
        Self::Wait,
        Self::Mmg,
        Self::Booking,
        Self::ContactPath,
        Self::Direct,
        Self::Paper,
        Self::Nothing,
    ];

    /// The sentence that is said, by its name.
    #[must_use]
    pub fn sentence(self) -> Key {
        match self {
            Self::Portal => Key("way-portal"),
            Self::Wait => Key("way-wait"),
            Self::Mmg => Key("way-mmg"),
            Self::Booking => Key("way-booking"),
            Self::ContactPath => Key("way-contact-path"),
            Self::Direct => Key("way-direct"),
            Self::Paper => Key("way-paper"),
            Self::Nothing => Key("way-nothing"),
        }
    }
}

#[cfg(test)]
mod tests;
