//! The four documents: how each is called, in addresses, in FHIR and by people.

use veglia_words::Key;

/// One of the documents that HL7 Italia describes for telemonitoring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What is measured, when, and within which limits.
    Plan,
    /// The devices that the patient has.
    Card,
    /// What was measured in a stretch of time.
    Report,
    /// How it went, when it is over.
    Last,
}

impl Kind {
    /// In the order of a patient's way through care.
    pub const ALL: [Self; 4] = [Self::Plan, Self::Card, Self::Report, Self::Last];

    /// In addresses, and in the record.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Plan => "piano",
            Self::Card => "tesserino",
            Self::Report => "report",
            Self::Last => "relazione-finale",
        }
    }

    /// The kind of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.code() == code)
    }

    /// The title in the document. Those of the plan and of the last are fixed by their profiles.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Plan => "Piano di Telemonitoraggio",
            Self::Card => "Tesserino dispositivi",
            Self::Report => "Report Rilevazione di Telemonitoraggio",
            Self::Last => "Relazione Finale di Telemonitoraggio",
        }
    }

    /// What type of document it is: a LOINC code and its name.
    pub(crate) fn loinc(self) -> (&'static str, &'static str) {
        match self {
            Self::Plan | Self::Last => ("53576-5", "Personal health monitoring report Document"),
            Self::Card => ("75496-0", "Telehealth Note"),
            Self::Report => ("64296-7", "Personal health monitoring report Automated"),
        }
    }

    /// The profiles of its Bundle and of its Composition.
    pub(crate) fn profiles(self) -> (&'static str, &'static str) {
        match self {
            Self::Plan => ("BundlePianoTM", "CompositionPianoTM"),
            Self::Card => (
                "BundleTesserinoDispositiviTM",
                "CompositionTesserinoDispositiviTM",
            ),
            Self::Report => (
                "BundleReportRilevazioniTM",
                "CompositionReportRilevazioneTM",
            ),
            Self::Last => (
                "BundleRelazioneFinaleTM",
                "CompositionRelazioneFinaleTelemonitoraggio",
            ),
        }
    }

    /// Whether a new version takes the place of the one before. Reports of two weeks stand side by
    /// side.
    pub(crate) fn replaces(self) -> bool {
        self != Self::Report
    }

    pub(crate) fn name(self) -> Key {
        match self {
            Self::Plan => Key("kind-plan"),
            Self::Card => Key("kind-card"),
            Self::Report => Key("kind-report"),
            Self::Last => Key("kind-last"),
        }
    }

    /// What it is for.
    pub(crate) fn what(self) -> Key {
        match self {
            Self::Plan => Key("kind-plan-what"),
            Self::Card => Key("kind-card-what"),
            Self::Report => Key("kind-report-what"),
            Self::Last => Key("kind-last-what"),
        }
    }
}
