//! The list of alerts, and the answers.

// req: B3, G9

use veglia_diary::{ActKind, CallOutcome, Callee, PageId, Whom, close, page_seen, pages_since};
use veglia_doctor::{InboxPage, InboxQuery, Outcome};
use veglia_people::care::Relation;
use veglia_store::Actor;
use veglia_view::{Severity, Verdict, Why};
use veglia_words::Language;

use crate::support::*;

/// The call to the family doctor that the ladder made.
async fn call_to_the_doctor(surgery: &Surgery) -> Option<PageId> {
    let pages = pages_since(&surgery.record, &SETUP, PageId(0), 500).await;
    let mut pages = pages.expect("the diary answers").into_iter();
    pages
        .find(|page| page.callee == Callee::Mmg)
        .map(|page| page.id)
}

#[tokio::test]
async fn a_doctor_sees_their_own_patients_alerts_the_worst_first_with_the_reason_in_words() {
    let surgery = surgery().await;
    let amber = flag(surgery.maria, Severity::Amber, 934);
    surgery.say(&[Verdict::Raise(amber)]).await;
    surgery.red().await;
    let theirs = flag(surgery.luigi, Severity::Red, 870);
    surgery.say(&[Verdict::Raise(theirs)]).await;

    let page = surgery.inbox(&surgery.doctor).await;
    let red = page.find("◆</span> ROSSO").expect("the red is there");
    let amber = page.find("▲</span> GIALLO").expect("the amber is there");
    assert!(red < amber, "{page}");
    for words in [
        "SpO₂: 85 % (09:53)",
        "Rossi Maria",
        "Nessuno l’ha ancora in carico",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Luigi"), "another doctor's patient: {page}");
    let subject = surgery.maria.to_string();
    let looks = surgery
        .record
        .accesses_to(&surgery.doctor.actor(), &subject, None, 10)
        .await;
    let looks = looks.expect("the log answers");
    assert_eq!(looks.len(), 1, "{looks:?}");
    assert_eq!(looks[0].purpose, "patient.inbox");
}

#[tokio::test]
async fn seen_is_one_entry_and_the_proof_that_the_alert_was_opened() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let call = call_to_the_doctor(&surgery)
        .await
        .expect("the doctor is called");
    let form = press(FORM, &red, "seen", "");
    for _ in 0..2 {
        assert_eq!(surgery.act(&surgery.doctor, &form).await, Outcome::Done);
    }
    let acts = surgery.acts().await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!(acts[0].kind, ActKind::Note);
    assert_eq!(acts[0].by, surgery.doctor.actor().to_string());
    assert_eq!(acts[0].words, "Visto dal medico di famiglia.");
    let again = page_seen(&surgery.record, &SETUP, call, NOW).await;
    assert!(
        !again.expect("the diary answers"),
        "the diary knows already"
    );
    let page = surgery.inbox(&surgery.doctor).await;
    assert!(
        page.contains("Rossi Maria") && !page.contains(">nuova<"),
        "{page}"
    );
    // The centre goes on: nobody has taken charge.
    assert!(page.contains("Nessuno l’ha ancora in carico"), "{page}");
}

#[tokio::test]
async fn one_form_sent_twice_at_once_is_one_call_and_who_reached_the_patient_has_the_alert() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let form = press(FORM, &red, "unwell", "Passo alle 11.");
    let (one, other) = tokio::join!(
        surgery.act(&surgery.doctor, &form),
        surgery.act(&surgery.doctor, &form)
    );
    assert_eq!((one, other), (Outcome::Done, Outcome::Done));
    let acts = surgery.acts().await;
    assert_eq!(acts.len(), 1, "{acts:?}");
    assert_eq!(
        acts[0].kind,
        ActKind::Called(Whom::Patient, CallOutcome::Unwell)
    );
    assert_eq!(acts[0].words, "Dal medico di famiglia. Passo alle 11.");
    let page = surgery.inbox(&surgery.doctor).await;
    assert!(page.contains("In carico a lei"), "{page}");
    let other = press(OTHER, &red, "visited", "");
    assert_eq!(surgery.act(&surgery.doctor, &other).await, Outcome::Done);
    assert_eq!(surgery.acts().await.len(), 2);
}

#[tokio::test]
async fn a_call_that_nobody_answered_is_written_and_stops_nobody_from_being_called() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let form = press(FORM, &red, "no-answer", "");
    assert_eq!(surgery.act(&surgery.doctor, &form).await, Outcome::Done);
    let acts = surgery.acts().await;
    assert_eq!(
        acts[0].kind,
        ActKind::Called(Whom::Patient, CallOutcome::NoAnswer)
    );
    let page = surgery.inbox(&surgery.doctor).await;
    assert!(page.contains("Nessuno l’ha ancora in carico"), "{page}");
}

#[tokio::test]
async fn sending_back_wants_a_reason_and_calls_the_doctor_on_duty() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let without = press(FORM, &red, "back", "  ");
    let Outcome::Refused(sentence) = surgery.act(&surgery.doctor, &without).await else {
        panic!("nothing was written in the note");
    };
    assert!(sentence.contains("scriva nella nota"), "{sentence}");
    let with = press(FORM, &red, "back", "Non riesco a passare oggi.");
    assert_eq!(surgery.act(&surgery.doctor, &with).await, Outcome::Done);
    let acts = surgery.acts().await;
    assert_eq!(acts[0].kind, ActKind::Escalated);
    let said = "Rimandato alla Centrale dal medico di famiglia. Non riesco a passare oggi.";
    assert_eq!(acts[0].words, said);
    let pages = pages_since(&surgery.record, &SETUP, PageId(0), 500).await;
    let mut pages = pages.expect("the diary answers").into_iter();
    assert!(pages.any(|page| page.callee == Callee::Doctor));
}

#[tokio::test]
async fn what_the_centre_closed_meanwhile_is_said_and_what_was_typed_is_still_there() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let closed = close(
        &surgery.record,
        &surgery.nurse.actor(),
        &red.id,
        1,
        "Sta bene.",
        NOW,
    )
    .await;
    closed.expect("it is open");
    let form = press(FORM, &red, "back", "Richiamate stasera.");
    let Outcome::Refused(sentence) = surgery.act(&surgery.doctor, &form).await else {
        panic!("it is closed");
    };
    assert!(
        sentence.contains("L’ha già chiusa Anna Ferri (10:00)"),
        "{sentence}"
    );
    let page = InboxPage::load(surgery.desk(&surgery.doctor), &InboxQuery::default()).await;
    let page = shown(&page.expect("the record answers").refusing(
        surgery.maria,
        sentence,
        form.clone(),
    ));
    assert!(page.contains("Richiamate stasera.</textarea>"), "{page}");
    // A refused press can be pressed again, and a call is a fact whatever became of the alert.
    let call = press(FORM, &red, "well", "");
    assert_eq!(surgery.act(&surgery.doctor, &call).await, Outcome::Done);
}

#[tokio::test]
async fn what_has_changed_since_the_page_was_opened_is_not_marked_as_seen() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let worse = veglia_view::Flag {
        telling: 2,
        ..red.clone()
    };
    surgery.say(&[Verdict::Raise(worse)]).await;
    let Outcome::Refused(sentence) = surgery
        .act(&surgery.doctor, &press(FORM, &red, "seen", ""))
        .await
    else {
        panic!("it has changed");
    };
    assert!(sentence.contains("è cambiata"), "{sentence}");
    assert!(surgery.acts().await.is_empty());
}

#[tokio::test]
async fn a_substitute_has_the_doctors_patients_and_it_is_said_on_the_page_and_in_the_diary() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let before = surgery.inbox(&surgery.colleague).await;
    assert!(!before.contains("Maria"), "{before}");
    let not_theirs = surgery
        .act(&surgery.colleague, &press(FORM, &red, "seen", ""))
        .await;
    assert_eq!(not_theirs, Outcome::NotTheirs);
    surgery.doctor_is_away().await;
    let page = surgery.inbox(&surgery.colleague).await;
    for words in [
        "Lei sostituisce Dott. Bianchi",
        "In sostituzione di Dott. Bianchi",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = press(FORM, &red, "visited", "");
    assert_eq!(surgery.act(&surgery.colleague, &form).await, Outcome::Done);
    let acts = surgery.acts().await;
    assert_eq!(
        acts[0].words,
        "Visitato dal sostituto del medico di famiglia."
    );
    assert_eq!(acts[0].by, surgery.colleague.actor().to_string());
}

#[tokio::test]
async fn what_passed_unseen_stays_until_it_is_seen() {
    let surgery = surgery().await;
    let amber = flag(surgery.maria, Severity::Amber, 934);
    let over = Verdict::End {
        id: amber.id.clone(),
        why: Why::Recovered,
        at: NOW,
        telling: 2,
    };
    surgery.say(&[Verdict::Raise(amber.clone()), over]).await;
    let page = surgery.inbox(&surgery.doctor).await;
    assert!(page.contains("Rientrata (10:00)"), "{page}");
    let form = press(FORM, &amber, "seen", "");
    assert_eq!(surgery.act(&surgery.doctor, &form).await, Outcome::Done);
    let page = surgery.inbox(&surgery.doctor).await;
    assert!(
        page.contains("Nessuna segnalazione aperta o nuova"),
        "{page}"
    );
}

#[tokio::test]
async fn nobody_acts_by_a_broken_glass_and_a_form_of_somebody_else_is_refused() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let desk = surgery.desk(&surgery.colleague);
    let form = press(FORM, &red, "seen", "");
    let glass = Some(Relation::Glass { until: NOW });
    let done = veglia_doctor::act(desk, &surgery.turn, surgery.maria, glass, &form).await;
    assert_eq!(done.expect("the record answers"), Outcome::NotTheirs);
    let own = Some(Relation::FamilyDoctor);
    let done = veglia_doctor::act(desk, &surgery.turn, surgery.luigi, own, &form).await;
    assert!(done.is_err(), "the flag is of another patient");
    assert!(surgery.acts().await.is_empty());
}

#[tokio::test]
async fn the_list_speaks_english_and_the_diary_stays_italian() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let desk = veglia_doctor::Desk {
        language: Language::En,
        ..surgery.desk(&surgery.doctor)
    };
    let form = press(FORM, &red, "seen", "");
    let own = Some(Relation::FamilyDoctor);
    let done = veglia_doctor::act(desk, &surgery.turn, surgery.maria, own, &form).await;
    assert_eq!(done.expect("the record answers"), Outcome::Done);
    let page = InboxPage::load(desk, &InboxQuery::default()).await;
    let page = shown(&page.expect("the record answers"));
    for words in [
        "Alerts of my patients",
        "RED",
        "Visto dal medico di famiglia.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert_eq!(
        surgery.acts().await[0].by,
        Actor::Staff(surgery.doctor.id.get()).to_string()
    );
}
