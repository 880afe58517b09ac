//! The summary that is copied, and the sheet that is printed.

// req: B3

use veglia_diary::take_charge;
use veglia_doctor::{Outcome, SummaryPage, SummaryQuery, SynopsisPage};

use crate::support::*;

#[tokio::test]
async fn the_summary_is_plain_text_with_alerts_acts_and_what_could_not_be_read() {
    let surgery = surgery().await;
    let red = surgery.red().await;
    let taken = take_charge(&surgery.record, &surgery.nurse.actor(), &red.id, NOW).await;
    taken.expect("it is open");
    let form = press(FORM, &red, "visited", "Auscultazione: rantoli.");
    assert_eq!(surgery.act(&surgery.doctor, &form).await, Outcome::Done);
    surgery.later(60_000);
    let page = SummaryPage::load(surgery.desk(&surgery.doctor), &SummaryQuery::default()).await;
    let page = shown(&page.expect("the record answers"));
    for words in [
        "Veglia, riepilogo da 19/10/2020 10:01 a 20/10/2020 10:01",
        "Rossi Maria, RSSMRA85M01H501Q",
        "- 10:00 ROSSO: SpO₂: 85 % (09:53)",
        "- 10:00 Anna Ferri: presa in carico",
        "«Visitato dal medico di famiglia. Auscultazione: rantoli.»",
        "Le misure non sono leggibili",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Luigi"), "{page}");
    let later = SummaryQuery {
        da: "2020-10-21".to_owned(),
        ..SummaryQuery::default()
    };
    surgery.later(48 * 3_600_000);
    let page = SummaryPage::load(surgery.desk(&surgery.doctor), &later).await;
    let page = shown(&page.expect("the record answers"));
    // It is open still, though it began before.
    assert!(page.contains("ROSSO: SpO₂"), "{page}");
    assert!(!page.contains("rantoli"), "{page}");
}

#[tokio::test]
async fn a_patient_stands_on_one_page_with_who_read_it() {
    let surgery = surgery().await;
    surgery.red().await;
    let page = SynopsisPage::load(surgery.desk(&surgery.doctor), surgery.maria).await;
    let page = page.expect("the record answers").expect("Maria is on file");
    let page = shown(&page);
    for words in [
        "Rossi Maria",
        "RSSMRA85M01H501Q",
        "ROSSO: SpO₂: 85 % (09:53)",
        "Letta da Dott. Bianchi, 20/10/2020 10:00",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let subject = surgery.maria.to_string();
    let looks = surgery.record.accesses_to(&SETUP, &subject, None, 10).await;
    assert_eq!(
        looks.expect("the log answers")[0].purpose,
        "patient.synopsis"
    );
}
