//! Every refusal of the letter as a table: what is asked, where, by whom; and its sentences.

// req: A12, A14

use jiff::civil::date;
use veglia_words::Language;

use super::*;
use crate::WORDS;

const CLOSED: Asker = Asker::Case(Standing::Closed);
const OPEN: Asker = Asker::Case(Standing::Open {
    from: date(2020, 10, 30),
});
const SYMPTOMS: Asker = Asker::Case(Standing::Symptoms);
const DOCTOR: Asker = Asker::Case(Standing::DoctorDecides);
const NEGATIVE: Asker = Asker::Case(Standing::Negative {
    on: date(2020, 10, 31),
});
const ENDED: Asker = Asker::Case(Standing::Ended {
    on: date(2020, 11, 2),
});
const STUDENT: Asker = Asker::School { has_paper: true };
const WITHOUT_PAPER: Asker = Asker::School { has_paper: false };

type Answer = Option<(Reason, Way)>;

/// One line: who, and what is answered for the recovery, the diagnostic and the contact swab.
type Line = (Asker, [Answer; 3]);

const PORTAL: [Line; 12] = {
    use Reason::{AtsConfirms, DoctorDecides, KnownPositive, NoCase, NotYet, Over, SymptomsLast};
    const KNOWN: Answer = Some((KnownPositive, Way::Portal));
    [
        (OPEN, [None, KNOWN, KNOWN]),
        (CLOSED, [Some((NotYet, Way::Wait)), KNOWN, KNOWN]),
        (SYMPTOMS, [Some((SymptomsLast, Way::Mmg)), KNOWN, KNOWN]),
        (DOCTOR, [Some((DoctorDecides, Way::Mmg)), KNOWN, KNOWN]),
        (NEGATIVE, [Some((AtsConfirms, Way::Wait)), KNOWN, KNOWN]),
        (ENDED, [Some((Over, Way::Nothing)), KNOWN, KNOWN]),
        (Asker::Reported, [Some((NoCase, Way::Booking)); 3]),
        (Asker::Unreported, [Some((NoCase, Way::Mmg)); 3]),
        (Asker::Contact, [Some((NoCase, Way::ContactPath)); 3]),
        (STUDENT, [Some((NoCase, Way::Direct)); 3]),
        (Asker::Relative, [Some((NoCase, Way::Mmg)); 3]),
        (Asker::Anybody, [Some((NoCase, Way::Mmg)); 3]),
    ]
};

const BOOKING: [Line; 9] = {
    use Reason::{ContactElsewhere, KnownPositive, NotReported, OnlyDiagnostic};
    const RECOVERY: Answer = Some((OnlyDiagnostic, Way::Portal));
    const CONTACT: Answer = Some((OnlyDiagnostic, Way::ContactPath));
    const fn line(who: Asker, diagnostic: Answer) -> Line {
        (who, [RECOVERY, diagnostic, CONTACT])
    }
    [
        line(Asker::Reported, None),
        line(OPEN, Some((KnownPositive, Way::Portal))),
        line(CLOSED, Some((KnownPositive, Way::Portal))),
        line(Asker::Contact, Some((ContactElsewhere, Way::ContactPath))),
        line(Asker::Unreported, Some((NotReported, Way::Mmg))),
        line(STUDENT, Some((NotReported, Way::Direct))),
        line(WITHOUT_PAPER, Some((NotReported, Way::Direct))),
        line(Asker::Relative, Some((NotReported, Way::Mmg))),
        line(Asker::Anybody, Some((NotReported, Way::Mmg))),
    ]
};

const DIRECT: [Line; 9] = {
    use Reason::{ContactElsewhere, KnownPositive, NoPaper, OutsideSchool};
    const RECOVERY: Answer = Some((Reason::RecoveryNotDirect, Way::Portal));
    const CONTACT: Answer = Some((ContactElsewhere, Way::ContactPath));
    const RELATIVE: Answer = Some((Reason::RelativeNotDirect, Way::Mmg));
    const KNOWN: Answer = Some((KnownPositive, Way::Portal));
    [
        (STUDENT, [RECOVERY, None, CONTACT]),
        (
            WITHOUT_PAPER,
            [RECOVERY, Some((NoPaper, Way::Paper)), CONTACT],
        ),
        (Asker::Relative, [RECOVERY, RELATIVE, RELATIVE]),
        (OPEN, [RECOVERY, KNOWN, KNOWN]),
        (CLOSED, [RECOVERY, KNOWN, KNOWN]),
        (
            Asker::Reported,
            [RECOVERY, Some((OutsideSchool, Way::Booking)), CONTACT],
        ),
        (
            Asker::Unreported,
            [RECOVERY, Some((OutsideSchool, Way::Mmg)), CONTACT],
        ),
        (Asker::Contact, [RECOVERY, CONTACT, CONTACT]),
        (
            Asker::Anybody,
            [RECOVERY, Some((OutsideSchool, Way::Mmg)), CONTACT],
        ),
    ]
};

#[test]
fn every_swab_asked_for_by_anybody_anywhere_is_allowed_or_refused_with_the_right_way() {
    let swabs = [Swab::Recovery, Swab::Diagnostic, Swab::Contact];
    let tables: [(Counter, &[Line]); 3] = [
        (Counter::Portal, &PORTAL),
        (Counter::Booking, &BOOKING),
        (Counter::Direct, &DIRECT),
    ];
    let mut allowed = 0;
    for (at, table) in tables {
        for (who, answers) in table {
            for (swab, answer) in swabs.into_iter().zip(answers) {
                let said = ask(swab, at, *who).err().map(|it| (it.reason, it.way));
                assert_eq!(said, *answer, "{swab:?} {at:?} {who:?}");
                allowed += usize::from(said.is_none());
            }
        }
    }
    // Whoever may, may at one counter, for one swab.
    assert_eq!(allowed, 3);
}

#[test]
fn every_refusal_has_its_sentence_and_its_way_in_both_languages_and_no_two_are_alike() {
    for language in Language::ALL {
        let w = WORDS.speaking(language);
        let reasons = Reason::ALL.map(|it| w.say(it.sentence()).into_owned());
        let ways = Way::ALL.map(|it| w.say(it.sentence()).into_owned());
        let mut all: Vec<String> = reasons.into_iter().chain(ways).collect();
        assert!(all.iter().all(|it| it.ends_with('.')), "{all:?}");
        all.sort();
        all.dedup();
        assert_eq!(all.len(), Reason::ALL.len() + Way::ALL.len());
        // Nobody is told that they are free.
        let free = ["libero", "libera", "you are free"];
        let said = all.join(" ");
        assert!(free.iter().all(|word| !said.contains(word)), "{said}");
    }
}
