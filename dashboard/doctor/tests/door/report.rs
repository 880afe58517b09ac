//! Reports of patients with symptoms.

// req: A11

use std::collections::BTreeMap;

use veglia_doctor::{AGAIN_DAYS, ReportForm, ReportPage, Reported, ReportsPage, report};
use veglia_people::staff::Staff;

use crate::support::*;

const DAY_MS: i64 = 86_400_000;

fn form(name: &str, changes: &[(&str, &str)]) -> ReportForm {
    let whole = [
        ("form", name),
        ("codice", "RSSMRA85M01H501Q"),
        ("telefono", "333 1234567"),
        ("inizio", "2020-10-18"),
        ("s-fever", "1"),
        ("s-cough", "1"),
        ("note", "Contatto con un positivo."),
    ];
    let fields = whole.iter().chain(changes);
    let fields: BTreeMap<String, String> = fields
        .map(|(name, typed)| ((*name).to_owned(), (*typed).to_owned()))
        .collect();
    ReportForm::from(fields)
}

impl Surgery {
    async fn report(&self, who: &Staff, form: &ReportForm) -> Reported {
        let done = report(self.desk(who), form).await;
        done.expect("the record answers")
    }

    async fn centre_sees(&self) -> String {
        let page = ReportsPage::load(self.desk(&self.nurse)).await;
        shown(&page.expect("the record answers"))
    }
}

#[tokio::test]
async fn whoever_reported_sees_what_became_of_it_and_the_centre_opens_whom_it_follows() {
    let surgery = surgery().await;
    let own_page = || async {
        let page = ReportPage::load(surgery.desk(&surgery.doctor), false).await;
        shown(&page.expect("the record answers"))
    };
    // Maria is the doctor's and followed; Luigi is a colleague's; the third is nobody's.
    let codes = ["RSSMRA85M01H501Q", "CCCFBA85D03L219P", "RSSMRA80A01H501U"];
    for (name, code) in [FORM, OTHER, THIRD].iter().zip(codes) {
        let form = form(name, &[("codice", code)]);
        let done = surgery.report(&surgery.doctor, &form).await;
        assert!(matches!(done, Reported::Done), "{code}");
    }
    let page = own_page().await;
    let unread = page.matches("La Centrale non l’ha ancora letta.").count();
    assert_eq!(unread, 3, "{page}");
    let link = format!("href=\"/pazienti/{}\"", surgery.maria);
    let others = format!("href=\"/pazienti/{}\"", surgery.luigi);
    assert!(page.contains(&link) && !page.contains(&others), "{page}");
    assert_eq!(page.matches("In telemonitoraggio.").count(), 1, "{page}");

    let centre = surgery.centre_sees().await;
    assert!(
        centre.contains(&link) && centre.contains(&others),
        "{centre}"
    );
    assert!(centre.contains("Non ancora in archivio."), "{centre}");
    let page = own_page().await;
    assert_eq!(
        page.matches("Letta dalla Centrale (10:00).").count(),
        3,
        "{page}"
    );
}

#[tokio::test]
async fn a_report_is_written_once_and_the_centre_sees_it() {
    let surgery = surgery().await;
    for _ in 0..2 {
        let done = surgery.report(&surgery.doctor, &form(FORM, &[])).await;
        assert!(matches!(done, Reported::Done));
    }
    let page = surgery.centre_sees().await;
    assert_eq!(
        page.matches("<strong>RSSMRA85M01H501Q").count(),
        1,
        "{page}"
    );
    for words in [
        "Sintomi dal 18/10/2020: Febbre, Tosse, Contatto con un positivo.",
        "Segnalato da Dott. Bianchi",
        "+393331234567",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let own = ReportPage::load(surgery.desk(&surgery.doctor), true).await;
    assert!(shown(&own.expect("the record answers")).contains("RSSMRA85M01H501Q"));
    let theirs = ReportPage::load(surgery.desk(&surgery.colleague), false).await;
    assert!(!shown(&theirs.expect("the record answers")).contains("RSSMRA85M01H501Q"));
}

#[tokio::test]
async fn the_same_codice_fiscale_is_recognised_whoever_reports_and_not_weeks_later() {
    let surgery = surgery().await;
    assert!(matches!(
        surgery.report(&surgery.doctor, &form(FORM, &[])).await,
        Reported::Done
    ));
    let Reported::Known(page) = surgery.report(&surgery.colleague, &form(OTHER, &[])).await else {
        panic!("it was reported");
    };
    let page = shown(page.as_ref());
    for words in [
        "Un altro medico ha già segnalato",
        "Contatto con un positivo.</textarea>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(
        !page.contains("Bianchi"),
        "whose patient it is stays unsaid: {page}"
    );
    surgery.later((AGAIN_DAYS + 1) * DAY_MS);
    let again = form(OTHER, &[("inizio", "2020-11-02")]);
    assert!(matches!(
        surgery.report(&surgery.colleague, &again).await,
        Reported::Done
    ));
    assert_eq!(
        surgery
            .centre_sees()
            .await
            .matches("<strong>RSSMRA85M01H501Q")
            .count(),
        2
    );
}

#[tokio::test]
async fn two_doctors_at_once_make_one_report_and_one_is_told() {
    let surgery = surgery().await;
    let (one, other) = (form(FORM, &[]), form(OTHER, &[]));
    let done = tokio::join!(
        surgery.report(&surgery.doctor, &one),
        surgery.report(&surgery.colleague, &other)
    );
    let known = [&done.0, &done.1];
    let known = known.iter().filter(|it| matches!(it, Reported::Known(_)));
    assert_eq!(known.count(), 1);
    assert_eq!(
        surgery
            .centre_sees()
            .await
            .matches("<strong>RSSMRA85M01H501Q")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_form_with_faults_comes_back_whole_with_a_sentence_beside_each_field() {
    let surgery = surgery().await;
    let wrong = [
        ("codice", "RSSMRA85M01H501Z"),
        ("telefono", "boh"),
        ("inizio", "2020-10-21"),
        ("s-fever", ""),
        ("s-cough", ""),
        ("note", ""),
    ];
    let done = surgery.report(&surgery.doctor, &form(FORM, &wrong)).await;
    let Reported::Faulty(page) = done else {
        panic!("nothing of it is right");
    };
    let page = shown(page.as_ref());
    for words in [
        "value=\"RSSMRA85M01H501Z\"",
        "value=\"boh\"",
        "Il Codice Fiscale non è corretto",
        "Non è un numero da chiamare",
        "non futuro",
        "Indicare almeno un sintomo",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!surgery.centre_sees().await.contains("RSSMRA"));
}

#[tokio::test]
async fn only_a_family_doctor_or_a_paediatrician_reports() {
    let surgery = surgery().await;
    let done = surgery.report(&surgery.nurse, &form(FORM, &[])).await;
    assert!(matches!(done, Reported::NotAllowed));
    assert!(!surgery.centre_sees().await.contains("RSSMRA"));
}
