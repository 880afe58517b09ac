//! Who is to be called, of all whom the centre follows: from what is open, what was agreed, and the
//! values that are expected by telephone.
//!
//! Whom nobody follows any more is called only while something of theirs is open.

use std::collections::{BTreeMap, HashMap, HashSet};

use veglia_diary::{open_flags, plans_current};
use veglia_people::background::{self, Background};
use veglia_people::{PersonId, roll};
use veglia_view::{OpenFlag, PatientId, Plan, Severity, Whereabouts, is_stand_in};

use crate::attempt::Book;
use crate::by_phone::ByPhone;
use crate::desk::{Desk, IntakeError, person_of};
use crate::due::{self, Due};

/// What is known of everybody on the list.
pub(crate) struct Known {
    pub(crate) due: BTreeMap<PatientId, Due>,
    pub(crate) sheets: HashMap<PatientId, Background>,
    pub(crate) book: Book,
    pub(crate) unknown: usize,
    pub(crate) not_looked_at: usize,
}

impl Known {
    pub(crate) async fn read(desk: Desk<'_>) -> Result<Self, IntakeError> {
        let (record, actor, now) = (desk.record, desk.who.actor(), desk.now);
        let open = open_flags(record, &actor).await;
        let plans = plans_current(record, &actor).await;
        let places = veglia_diary::whereabouts_at(record, &actor, now).await;
        let (open, plans, places) = (
            open.map_err(IntakeError::Diary)?,
            plans.map_err(IntakeError::Diary)?,
            places.map_err(IntakeError::Diary)?,
        );
        let book = Book::read(record, &actor, now).await;
        let book = book.map_err(IntakeError::Record)?;
        let mut reasons: BTreeMap<PatientId, Vec<due::Reason>> = BTreeMap::new();
        let open_of: HashSet<PatientId> = open.iter().map(|it| it.flag.id.patient).collect();
        for flag in open {
            let patient = flag.flag.id.patient;
            let flag = OpenFlag {
                flag: flag.flag,
                raised_at: flag.raised_at,
                over: flag.ended,
            };
            if is_stand_in(patient) {
                continue;
            }
            let reason = due::of_flag(&flag, desk.rules, now, desk.w());
            reasons.entry(patient).or_default().push(reason);
        }
        for patient in book.patients() {
            let agreed = due::agreed(book.of(patient), now, desk.w());
            reasons.entry(patient).or_default().extend(agreed);
        }
        let by_phone = ByPhone::read(desk, &plans).await?;
        for (patient, reason) in by_phone.reasons {
            reasons.entry(patient).or_default().push(reason);
        }
        let is_away = |patient: &PatientId| {
            let place = places.get(patient).copied();
            place.is_some_and(|place| place != Whereabouts::AtHome)
        };
        reasons.retain(|patient, reasons| !is_away(patient) && !reasons.is_empty());
        let released = released(desk, &reasons, &plans).await?;
        reasons.retain(|patient, _| open_of.contains(patient) || !released.contains(patient));
        let mut known = Self {
            due: BTreeMap::new(),
            sheets: HashMap::new(),
            book,
            unknown: by_phone.unknown,
            not_looked_at: by_phone.not_looked_at,
        };
        for (patient, reasons) in reasons {
            known.add(desk, patient, reasons).await?;
        }
        Ok(known)
    }

    async fn add(
        &mut self,
        desk: Desk<'_>,
        patient: PatientId,
        reasons: Vec<due::Reason>,
    ) -> Result<(), IntakeError> {
        let is_red = reasons.iter().any(|it| it.severity == Severity::Red);
        if let Some(person) = person_of(patient).filter(|_| is_red) {
            let sheet = background::current(desk.record, &desk.who.actor(), person).await;
            let sheet = sheet.map_err(IntakeError::Sheet)?;
            self.sheets.extend(sheet.map(|sheet| (patient, sheet.says)));
        }
        let sheet = self.sheets.get(&patient);
        let contacts = sheet.map_or(0, |sheet| sheet.others.len());
        let has_keys = sheet.is_some_and(|sheet| !sheet.key_holder.is_empty());
        let tried = self.book.of(patient);
        let due = due::due(reasons, tried, (contacts, has_keys), desk.now);
        self.due.extend(due.map(|due| (patient, due)));
        Ok(())
    }
}

/// Of those who might be called, whom nobody follows any more: their plan is over, or the centre
/// gave them up. They are called only for what is still open.
async fn released(
    desk: Desk<'_>,
    reasons: &BTreeMap<PatientId, Vec<due::Reason>>,
    plans: &[Plan],
) -> Result<HashSet<PatientId>, IntakeError> {
    let people: Vec<PersonId> = reasons.keys().copied().filter_map(person_of).collect();
    let roll = roll::call(desk.record, &desk.who.actor(), &people, desk.now).await;
    let roll = roll.map_err(IntakeError::Record)?;
    let is_over = |plan: &&Plan| plan.until.is_some_and(|until| until <= desk.now);
    let over: HashSet<PatientId> = plans.iter().filter(is_over).map(|it| it.patient).collect();
    // Whom nobody put on file nobody gave up.
    let is_given_up = |patient| {
        let known = person_of(patient).and_then(|person| roll.get(&person));
        known.is_some_and(|it| !it.is_followed)
    };
    let all = reasons.keys().copied();
    Ok(all
        .filter(|patient| over.contains(patient) || is_given_up(*patient))
        .collect())
}
