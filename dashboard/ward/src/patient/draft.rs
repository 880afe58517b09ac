//! The forms of a patient's page: their choices, and what was typed and not written.

use veglia_diary::HomeService;
use veglia_view::VitalKind;
use veglia_words::Key;

use super::PatientPage;
use crate::acts::{OUTCOMES, WHOM};
use crate::history::{outcome_name, service_name, whom_name};
use crate::words;

impl PatientPage {
    /// Whom one telephones: as forms and as people say it.
    pub(super) fn whom(&self) -> Vec<(&'static str, Key)> {
        let said = WHOM.iter().map(|(name, whom)| (*name, whom_name(*whom)));
        said.collect()
    }

    /// How a call ends: as forms and as people say it.
    pub(super) fn outcomes(&self) -> Vec<(&'static str, Key)> {
        let said = OUTCOMES.iter().map(|(name, it)| (*name, outcome_name(*it)));
        said.collect()
    }

    /// Who may be asked to go there: as forms and as people say it.
    pub(super) fn services(&self) -> Vec<(&'static str, Key)> {
        let all = HomeService::ALL.into_iter();
        all.map(|it| (it.name(), service_name(it))).collect()
    }

    /// What may be asked for again: as forms and as people say it.
    pub(super) fn vitals(&self) -> Vec<(&'static str, Key)> {
        let all = VitalKind::ALL.into_iter();
        all.map(|it| (it.name(), words::vital_key(it))).collect()
    }

    /// Which flag a form that was not written is about: `""` for none, and for one that somebody
    /// else has closed meanwhile.
    fn draft_flag(&self) -> &str {
        let is_open = self.flags.iter().any(|it| it.id == self.draft.flag);
        if is_open { &self.draft.flag } else { "" }
    }

    /// The act whose fields hold what was typed and not written. Words about a flag that is closed
    /// stand in the note on the patient.
    fn draft_act(&self) -> &str {
        match self.draft.act.as_str() {
            "close" => "note",
            _ if self.draft_flag() != self.draft.flag => "note",
            act => act,
        }
    }

    /// Whether what was typed and not written belongs to this act about this flag.
    pub(super) fn is_draft(&self, flag: &str, act: &str) -> bool {
        !self.draft.act.is_empty() && self.draft_flag() == flag && self.draft_act() == act
    }

    /// What was typed for an act about a flag (`""`: about the patient) and not written.
    pub(super) fn typed(&self, flag: &str, act: &str) -> &str {
        if self.is_draft(flag, act) {
            &self.draft.words
        } else {
            ""
        }
    }

    /// Whether a choice was made in a form that was not written.
    pub(super) fn picked(&self, flag: &str, act: &str, value: &str) -> bool {
        let draft = &self.draft;
        let picked = [
            &draft.whom,
            &draft.outcome,
            &draft.minutes,
            &draft.to,
            &draft.vital,
            &draft.service,
        ];
        self.is_draft(flag, act) && picked.into_iter().any(|it| it == value)
    }

    /// Whether a vital sign is the one to be asked for again: the chosen one, or `again`.
    pub(super) fn is_asked(&self, flag: &str, again: &str, vital: &str) -> bool {
        if self.is_draft(flag, "ask-repeat") {
            self.draft.vital == vital
        } else {
            again == vital
        }
    }
}
