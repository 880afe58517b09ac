//! The hospital that entrusted a patient: what it is told, what it answers, and what it is not.

// req: B3

use std::sync::Arc;

use veglia_diary::{ActKind, Callee, PageId, page_seen, pages_since, set_standing};
use veglia_doctor::{
    ActForm, Digest, HourForm, InboxPage, Notices, Outcome, ReportForm, Reported, report, set_hour,
};
use veglia_people::care::{self, Holder, Relation};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty;
use veglia_people::staff::{self, Role, Staff};
use veglia_people::{Belongs, Party, PersonId};
use veglia_view::{CareClock, Clock, PatientId, Severity, Verdict, Whereabouts};

use crate::support::*;

const HOUR_MS: i64 = 3_600_000;

/// Of which unit they are, with an address.
pub(crate) async fn doctor_of(surgery: &Surgery, username: &str, unit: &str) -> Staff {
    let record = &surgery.record;
    let made = account(record, username, "Dott. Neri", Role::HospitalDoctor).await;
    let belongs = Belongs::Unit(unit.parse().expect("a unit"));
    let tied = staff::tie(record, &SETUP, made.id, &belongs).await;
    tied.expect("the account is there");
    let address = Address::new(Channel::Sms, "+393331234567").expect("an address");
    let added = contacts::add(record, &SETUP, Party::Staff(made.id), &address, NOW).await;
    added.expect("the account is there");
    found(record, username).await
}

fn person(patient: PatientId) -> PersonId {
    PersonId::new(patient.get().cast_signed()).expect("a person")
}

impl Surgery {
    async fn entrusts(&self, patient: PatientId, unit: &str) {
        let holder = Holder::Unit(unit.parse().expect("a unit"));
        let (record, stretch) = (&self.record, (NOW, None));
        let given = care::entrust(record, &SETUP, person(patient), &holder, stretch, "").await;
        given.expect("both are on file");
    }

    fn notices(&self) -> Notices {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let (record, care) = (self.record.clone(), CareClock::real(clock));
        Notices::new(record, care, "https://veglia/medico".to_owned())
    }

    /// By what the waiting messages are known.
    async fn told(&self) -> Vec<String> {
        self.notices().round().await.expect("the record answers");
        let waiting = veglia_notify::waiting(&self.record, &SETUP).await;
        let waiting = waiting.expect("the outbox answers").into_iter();
        let keys = waiting.map(|(key, _)| key.as_str().to_owned());
        let mut keys: Vec<String> = keys.filter(|key| !key.starts_with("page-")).collect();
        keys.sort_unstable();
        keys
    }

    async fn is(&self, patient: PatientId, place: Whereabouts) {
        let (now, nurse) = (self.clock.now(), self.nurse.actor());
        let said = set_standing(
            &self.record,
            &nurse,
            patient,
            (place, now),
            "Saturazione",
            now,
        );
        said.await.expect("it is so now");
    }
}

fn seen(admission: &str, words: &str) -> ActForm {
    ActForm {
        form: FORM.to_owned(),
        admission: admission.to_owned(),
        act: "seen".to_owned(),
        words: words.to_owned(),
        ..ActForm::default()
    }
}

/// What becomes of a form about Maria, of her hospital.
async fn answers(surgery: &Surgery, who: &Staff, form: &ActForm) -> Outcome {
    let (desk, hospital) = (surgery.desk(who), Some(Relation::Hospital));
    let done = veglia_doctor::act(desk, &surgery.turn, surgery.maria, hospital, form).await;
    done.expect("the record answers")
}

#[tokio::test]
async fn a_hospital_is_told_once_that_its_patient_got_worse_and_answers_on_its_list() {
    let surgery = surgery().await;
    let own = doctor_of(&surgery, "neri", "Pneumologia").await;
    let others = doctor_of(&surgery, "viola", "Cardiologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    let empty = surgery.inbox(&own).await;
    assert!(empty.contains("Nessuna segnalazione aperta"), "{empty}");
    let amber = flag(surgery.maria, Severity::Amber, 934);
    surgery.say(&[Verdict::Raise(amber)]).await;
    let first = surgery.told().await;
    assert_eq!(first, [format!("worse-1-amber.staff-{}", own.id)]);
    let red = surgery.red().await;
    let both = surgery.told().await;
    assert_eq!(both.len(), 2, "{both:?}");
    // A restart, a further look, a further telling of the same: nobody is told twice.
    assert_eq!(surgery.told().await, both);
    let page = surgery.inbox(&own).await;
    for words in ["◆</span> ROSSO", "Rossi Maria", "SpO₂: 85 %"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("In sostituzione"), "it has its own: {page}");
    let strange = surgery.inbox(&others).await;
    let nobody = "Nessun paziente affidato dal suo reparto";
    assert!(
        strange.contains(nobody) && !strange.contains("Rossi"),
        "{strange}"
    );

    let form = press(FORM, &red, "seen", "Disponibile per consulenza.");
    assert_eq!(surgery.act(&others, &form).await, Outcome::NotTheirs);
    assert_eq!(surgery.act(&own, &form).await, Outcome::Done);
    let acts = surgery.acts().await;
    let said = "Visto dal medico ospedaliero. Disponibile per consulenza.";
    assert_eq!((acts.len(), acts[0].words.as_str()), (1, said));
    // Not in the family doctor's place: the call to them still waits.
    let pages = pages_since(&surgery.record, &SETUP, PageId(0), 500).await;
    let mut pages = pages.expect("the diary answers").into_iter();
    let called = pages.find(|page| page.callee == Callee::Mmg);
    let called = called.expect("the family doctor is called");
    let news = page_seen(&surgery.record, &SETUP, called.id, NOW).await;
    assert!(news.expect("the diary answers"), "nobody had seen it");
}

#[tokio::test]
async fn an_admission_is_told_once_and_stands_on_the_list_until_it_is_seen() {
    let surgery = surgery().await;
    let own = doctor_of(&surgery, "neri", "Pneumologia").await;
    let others = doctor_of(&surgery, "viola", "Cardiologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    surgery.red().await;
    surgery.is(surgery.maria, Whereabouts::InHospital).await;
    let told = surgery.told().await;
    let admitted = format!("admission-{}-1.staff-{}", surgery.maria, own.id);
    assert_eq!(
        told,
        [admitted],
        "the red of somebody who is there is not told"
    );
    surgery.later(HOUR_MS);
    surgery.is(surgery.maria, Whereabouts::InHospital).await;
    assert_eq!(surgery.told().await, told, "one stay, written twice");
    let page = surgery.inbox(&own).await;
    for words in ["Ricoveri", "RICOVERATO", "Rossi Maria", "Saturazione"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let strange = surgery.inbox(&others).await;
    assert!(!strange.contains("RICOVERATO"), "{strange}");

    let desk = surgery.desk(&own);
    let unknown = answers(&surgery, &own, &seen("2", "")).await;
    assert!(
        matches!(unknown, Outcome::Refused(_)),
        "not an admission of its own"
    );
    let odd = answers(&surgery, &own, &seen("1", &"x".repeat(5_000))).await;
    let Outcome::Refused(sentence) = odd else {
        panic!("the note is too long");
    };
    let page = InboxPage::load(desk, &Default::default())
        .await
        .expect("the record answers");
    let page = shown(&page.refusing(surgery.maria, sentence, seen("1", "Passo in reparto.")));
    assert!(page.contains("Passo in reparto.</textarea>"), "{page}");
    for _ in 0..2 {
        let done = answers(&surgery, &own, &seen("1", "Vado a vederla.")).await;
        assert_eq!(done, Outcome::Done);
    }
    let acts = surgery.acts().await;
    let said = "Ricovero visto dal medico ospedaliero. Vado a vederla.";
    assert_eq!(
        (acts.len(), acts[0].kind, acts[0].words.as_str()),
        (1, ActKind::Note, said)
    );
    let page = surgery.inbox(&own).await;
    assert!(!page.contains("RICOVERATO"), "{page}");
    let looks = surgery
        .record
        .accesses_to(&own.actor(), &surgery.maria.to_string(), None, 10)
        .await;
    assert!(
        looks
            .expect("the log answers")
            .iter()
            .any(|it| it.purpose == "patient.inbox")
    );
}

#[tokio::test]
async fn who_comes_home_and_is_admitted_anew_is_told_of_anew_and_a_red_at_home_too() {
    let surgery = surgery().await;
    let own = doctor_of(&surgery, "neri", "Pneumologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    surgery.red().await;
    surgery.is(surgery.maria, Whereabouts::InHospital).await;
    assert_eq!(surgery.told().await.len(), 1);
    surgery.later(HOUR_MS);
    surgery.is(surgery.maria, Whereabouts::AtHome).await;
    let told = surgery.told().await;
    let red = format!("worse-1-red.staff-{}", own.id);
    assert!(told.len() == 2 && told.contains(&red), "{told:?}");
    let page = surgery.inbox(&own).await;
    assert!(page.contains("Poi a casa (11:00)."), "{page}");
    surgery.later(HOUR_MS);
    surgery.is(surgery.maria, Whereabouts::InHospital).await;
    assert_eq!(surgery.told().await.len(), 3);
}

#[tokio::test]
async fn who_stands_in_outside_the_unit_whom_nothing_reaches_and_what_is_old_tell_nobody() {
    let surgery = surgery().await;
    let own = doctor_of(&surgery, "neri", "Pneumologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    let (record, until) = (&surgery.record, NOW.plus_ms(24 * HOUR_MS));
    let (away, other) = (Party::Staff(own.id), Party::Staff(surgery.nurse.id));
    let said = duty::stand_in(record, &SETUP, away, other, NOW, until).await;
    said.expect("both are on file");
    surgery.red().await;
    surgery.is(surgery.luigi, Whereabouts::InHospital).await;
    assert_eq!(surgery.told().await, [""; 0], "she could not open the list");
    // A unit that nobody entrusted anybody to, and a stay of days ago at the first look.
    let late = surgery_with_an_old_stay().await;
    assert_eq!(late.told().await, [""; 0]);
}

async fn surgery_with_an_old_stay() -> Surgery {
    let surgery = surgery().await;
    doctor_of(&surgery, "neri", "Pneumologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    surgery.is(surgery.maria, Whereabouts::InHospital).await;
    surgery.later(48 * HOUR_MS);
    surgery
}

#[tokio::test]
async fn a_hospital_has_the_summary_and_its_message_but_reports_nobody() {
    let surgery = surgery().await;
    let own = doctor_of(&surgery, "neri", "Pneumologia").await;
    surgery.entrusts(surgery.maria, "Pneumologia").await;
    let hour = HourForm {
        ora: "10:00".to_owned(),
    };
    let written = set_hour(&surgery.record, &own, &hour, NOW).await;
    assert!(written.expect("the record answers"));
    surgery.red().await;
    let clock: Arc<dyn Clock> = surgery.clock.clone();
    let (record, care) = (surgery.record.clone(), CareClock::real(clock));
    let mut digest = Digest::new(record, care, "https://veglia/medico/riepilogo".to_owned());
    digest.round().await.expect("the record answers");
    let told = surgery.told().await;
    let summary = format!("summary-2020-10-20.staff-{}", own.id);
    assert!(told.contains(&summary), "{told:?}");
    let refused = report(surgery.desk(&own), &ReportForm::default()).await;
    assert!(matches!(
        refused.expect("it is decided"),
        Reported::NotAllowed
    ));
}
