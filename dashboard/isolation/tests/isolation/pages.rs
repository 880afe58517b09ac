//! The pages of a case, as the person reads them.

// req: A1, A2, A5, A8

use askama::Template;
use jiff::civil::date;
use veglia_isolation::{
    CallsPage, CaseId, Fact, Finding, HomePage, LooksPage, Onset, Said, SwabsPage, SymptomsForm,
    SymptomsPage, called, say_symptoms,
};
use veglia_people::patients::{self, NewPerson};
use veglia_store::{Access, Actor};
use veglia_view::Whereabouts;
use veglia_wire::WallMs;
use veglia_words::Language;

use crate::house::{ACTOR, House, MARIA, PHONE, at, november, october, positive};

async fn home(house: &House, case: CaseId, language: Language, now: WallMs) -> String {
    let page = HomePage::load(&house.cases, &house.record, case, language, now).await;
    let page = page.expect("the record answers");
    let page = page.expect("there is a case").render();
    page.expect("a template is made")
}

#[tokio::test]
async fn the_page_says_what_to_do_and_from_when_the_swab_can_be_booked() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let before = at(date(2020, 10, 29).at(23, 59, 0, 0));
    let page = home(&house, case, Language::It, before).await;
    for said in [
        "Maria Rossi",
        "La prenotazione si apre il 30 ottobre 2020 alle 00:00.",
        "si apre il decimo giorno",
        "Resti in casa",
        "dal 18 ottobre 2020 in poi",
        "fino al 12 novembre 2020 compreso",
        "circolare-2020-10-12, versione 1",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let opened = at(date(2020, 10, 30).at(0, 0, 0, 0));
    let page = home(&house, case, Language::En, opened).await;
    assert!(page.contains("Booking is open since 30 October 2020 at 00:00."));
    assert!(
        page.contains("First say whether you have had symptoms"),
        "{page}"
    );
    assert!(!page.contains("It can be taken from"), "{page}");
    assert!(page.contains("your immune system is weakened"), "{page}");
    let none = Fact::Onset(Onset::None);
    let said = house.cases.note(&ACTOR, case, none, opened).await;
    said.unwrap();
    let page = home(&house, case, Language::En, opened).await;
    assert!(page.contains("It can be taken from 30 October 2020 on."));
}

#[tokio::test]
async fn a_negative_says_that_ats_confirms_and_nobody_is_called_free() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let mut negative = positive("L2", october(31));
    negative.finding = Finding::Negative;
    house.receives(&negative).await;
    let page = home(&house, case, Language::It, november(1)).await;
    assert!(page.contains("Il tampone del 31 ottobre 2020 è negativo."));
    assert!(page.contains("finché ATS non conferma") && page.contains("La prenotazione è aperta"));
    assert!(!page.contains("liber"), "{page}");
}

#[tokio::test]
async fn a_positive_that_was_taken_back_is_told_with_what_to_do() {
    let house = House::new().await;
    let mut result = positive("L1", october(20));
    let case = house.opens(&result).await;
    result.status = veglia_isolation::Status::Corrected;
    result.finding = Finding::Negative;
    house.receives(&result).await;
    let page = home(&house, case, Language::It, october(22)).await;
    assert!(page.contains("Il laboratorio ha corretto il risultato"));
}

fn form(fields: [&str; 4]) -> SymptomsForm {
    let [inizio, inizio_giorno, fine, fine_giorno] = fields;
    let text = toml_of(inizio, inizio_giorno, fine, fine_giorno);
    toml::from_str(&text).expect("it is a form")
}

fn toml_of(inizio: &str, inizio_giorno: &str, fine: &str, fine_giorno: &str) -> String {
    format!(
        "inizio = {inizio:?}\ninizio_giorno = {inizio_giorno:?}\nfine = {fine:?}\n\
         fine_giorno = {fine_giorno:?}\n"
    )
}

#[tokio::test]
async fn what_is_said_of_symptoms_moves_the_days_and_what_cannot_be_comes_back_as_typed() {
    let house = House::new().await;
    let (cases, record) = (&house.cases, &house.record);
    let case = house.opens(&positive("L1", october(20))).await;
    let page = SymptomsPage::load(cases, record, case, Language::It, october(30)).await;
    let page = page.unwrap().unwrap().render().unwrap();
    assert!(
        !page.contains("checked"),
        "nobody has said anything: {page}"
    );
    let say = |fields| say_symptoms(cases, record, case, form(fields), Language::It, october(30));
    for (fields, fault) in [
        (["giorno", "2020-10-31", "no", ""], "Controlli il giorno"),
        (["giorno", "2020-06-01", "no", ""], "Controlli il giorno"),
        (["giorno", "ieri", "no", ""], "Scriva il giorno"),
        (["", "", "no", ""], "Scelga una risposta"),
        (["giorno", "2020-10-18", "", ""], "Scelga una risposta"),
        (
            ["giorno", "2020-10-18", "giorno", "2020-10-17"],
            "Controlli il giorno",
        ),
    ] {
        let Some(Said::Again(page)) = say(fields).await.unwrap() else {
            panic!("{fields:?} was taken");
        };
        let page = page.render().unwrap();
        assert!(page.contains(fault), "{fields:?}: {page}");
        assert!(page.contains(&format!("value=\"{}\"", fields[1])), "{page}");
    }
    let fields = ["giorno", "2020-10-18", "no", ""];
    assert!(matches!(say(fields).await, Ok(Some(Said::Done))));
    let page = home(&house, case, Language::It, october(30)).await;
    assert!(page.contains("dopo tre giorni senza sintomi"), "{page}");
    let fields = ["giorno", "2020-10-18", "giorno", "2020-10-29"];
    assert!(matches!(say(fields).await, Ok(Some(Said::Done))));
    let page = home(&house, case, Language::It, october(30)).await;
    assert!(
        page.contains("Può essere fatto dal 1 novembre 2020"),
        "{page}"
    );
    let page = SymptomsPage::load(cases, record, case, Language::En, october(30)).await;
    let page = page.unwrap().unwrap().render().unwrap();
    assert!(page.contains("value=\"2020-10-29\"") && page.contains("not smelling anything"));
}

#[tokio::test]
async fn whoever_has_looked_is_told_by_service_and_role_and_by_no_name() {
    let house = House::new().await;
    let case = house.opens(&positive("L1", october(20))).await;
    let now = october(21);
    home(&house, case, Language::It, now).await;
    home(&house, case, Language::It, now.plus_ms(60_000)).await;
    let person = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: MARIA.parse().unwrap(),
        phone: PHONE.parse().unwrap(),
        address: "Via di Prova 1, Milano".to_owned(),
    };
    let registered = patients::register(&house.record, &ACTOR, &person, now);
    let person = registered.await.unwrap();
    let access = Access {
        at_ms: now.0,
        purpose: "patient.open",
        subject: &person.to_string(),
    };
    let ingest = Actor::System("ingest");
    house.record.log_access(&ingest, access).await.unwrap();
    let looks = LooksPage::load(&house.cases, &house.record, case, Language::It, now).await;
    let looks = looks.unwrap().unwrap().render().unwrap();
    assert_eq!(looks.matches("<li>").count(), 2, "{looks}");
    assert!(looks.contains("Lei</span>") && looks.contains("i suoi dati di telemonitoraggio"));
}

#[test]
fn which_swab_for_whom_is_said_with_the_right_way() {
    let page = SwabsPage::new(Language::It).render().unwrap();
    assert_eq!(page.matches("<dt>").count(), 12);
    assert_eq!(page.matches("<strong>Sì.</strong>").count(), 2);
    assert!(page.contains("L’accesso diretto non è per genitori, fratelli e altri parenti."));
}

#[tokio::test]
async fn a_landline_and_no_number_are_for_somebody_to_call_and_a_mobile_is_written_to_once() {
    let house = House::new().await;
    let mut landline = positive("L1", october(20));
    landline.phone = Some("02 5778 1000".parse().unwrap());
    house.opens(&landline).await;
    let mut none = positive("L2", october(20));
    none.person.code = "CCCFBA85D03L219P".parse().unwrap();
    none.person.surname = "Caccia".to_owned();
    none.phone = None;
    house.opens(&none).await;
    let mut mobile = positive("L3", october(20));
    mobile.person.code = "STP0301234567890".parse().unwrap();
    mobile.person.surname = "Prova".to_owned();
    house.opens(&mobile).await;
    let _link = house.invited().await;
    assert_eq!(house.invitations().await, ["call", "call", "sent"]);
    let sent = house.sent().await;
    assert_eq!(sent.len(), 1);
    assert!(sent[0].starts_with("ATS Milano: c'è una comunicazione per lei."));
}

#[tokio::test]
async fn nobody_writes_to_the_telephone_of_somebody_in_hospital_or_deceased() {
    let house = House::new().await;
    let codes = ["CCCFBA85D03L219P", "CCCFBA85D03L21VE"];
    let places = [Whereabouts::InHospital, Whereabouts::Deceased];
    for (code, place) in codes.into_iter().zip(places) {
        let mut result = positive(code, october(20));
        result.person.code = code.parse().unwrap();
        result.person.surname = format!("Prova {code}");
        let person = NewPerson {
            name: "Prova".to_owned(),
            surname: "Prova".to_owned(),
            codice_fiscale: code.parse().unwrap(),
            phone: PHONE.parse().unwrap(),
            address: "Via di Prova 1, Milano".to_owned(),
        };
        let now = october(20);
        let registered = patients::register(&house.record, &ACTOR, &person, now);
        let patient = registered.await.unwrap().to_string().parse().unwrap();
        let stood = veglia_diary::set_standing(
            &house.record,
            &ACTOR,
            patient,
            (place, now),
            "di prova",
            now,
        );
        stood.await.unwrap();
        house.opens(&result).await;
    }
    house.opens(&positive("L1", october(20))).await;
    let _link = house.invited().await;
    assert_eq!(house.invitations().await, ["away", "withheld", "sent"]);
    assert_eq!(house.sent().await.len(), 1);
}

#[tokio::test]
async fn whoever_is_called_is_named_after_it_is_in_the_access_log_and_called_once() {
    let house = House::new().await;
    let mut landline = positive("L1", october(20));
    landline.phone = Some("02 5778 1000".parse().unwrap());
    let case = house.opens(&landline).await;
    let (record, now) = (&house.record, october(21));
    let page = CallsPage::load(record, &ACTOR, Language::It, now).await;
    let page = page.unwrap().render().unwrap();
    assert!(
        page.contains("Rossi Maria") && page.contains("telefono fisso"),
        "{page}"
    );
    let looks = record
        .accesses_to(&ACTOR, &case.to_string(), None, 10)
        .await;
    assert_eq!(looks.unwrap().len(), 1);
    assert!(called(record, &ACTOR, 1, now).await.unwrap());
    assert!(!called(record, &ACTOR, 1, now).await.unwrap());
    let page = CallsPage::load(record, &ACTOR, Language::It, now).await;
    assert!(
        page.unwrap()
            .render()
            .unwrap()
            .contains("Nessuno da chiamare")
    );
}

#[tokio::test]
async fn an_sms_goes_to_whoever_the_case_names_when_it_is_sent() {
    let house = House::new().await;
    let mut wrong = positive("L1", october(20));
    house.opens(&wrong).await;
    wrong.status = veglia_isolation::Status::Corrected;
    wrong.phone = Some("347 7654321".parse().unwrap());
    house.receives(&wrong).await;
    let mut negative = positive("L2", october(20));
    negative.person.code = "STP0301234567890".parse().unwrap();
    negative.person.surname = "Prova".to_owned();
    house.opens(&negative).await;
    negative.status = veglia_isolation::Status::Corrected;
    negative.finding = Finding::Negative;
    house.receives(&negative).await;
    let _link = house.invited().await;
    let states = ["withdrawn", "sent", "withdrawn"];
    assert_eq!(house.invitations().await, states);
    let link = house.asks("select phone from isolation_link").await;
    let phone: String = link[0].try_get_by("phone").unwrap();
    assert_eq!((link.len(), phone.as_str()), (1, "+393477654321"));
    // The number comes back, and then there is none at all: somebody calls.
    wrong.phone = None;
    house.receives(&wrong).await;
    assert_eq!(house.invitations().await.last().unwrap(), "call");
}

async fn calls(house: &House) -> String {
    let page = CallsPage::load(&house.record, &ACTOR, Language::It, october(21)).await;
    let page = page.expect("the record answers").render();
    page.expect("a template is made")
}

#[tokio::test]
async fn a_person_is_listed_with_their_own_number_only() {
    let house = House::new().await;
    let mut result = positive("L1", october(20));
    result.phone = Some("02 5778 1000".parse().unwrap());
    house.opens(&result).await;
    result.status = veglia_isolation::Status::Corrected;
    result.person.code = "CCCFBA85D03L219P".parse().unwrap();
    result.person.surname = "Caccia".to_owned();
    result.phone = Some("02 5778 2000".parse().unwrap());
    house.receives(&result).await;
    let page = calls(&house).await;
    assert!(
        !page.contains("+390257781000") && !page.contains("Rossi"),
        "{page}"
    );
    assert!(
        page.contains("+390257782000") && page.contains("Caccia"),
        "{page}"
    );
    result.phone = Some("02 5778 3000".parse().unwrap());
    house.receives(&result).await;
    let page = calls(&house).await;
    assert!(!page.contains("+390257782000"), "{page}");
    assert!(page.contains("+390257783000"), "{page}");
}

#[tokio::test]
async fn nobody_calls_about_somebody_deceased() {
    let house = House::new().await;
    let mut result = positive("L1", october(20));
    result.phone = Some("02 5778 1000".parse().unwrap());
    house.opens(&result).await;
    assert!(calls(&house).await.contains(MARIA));
    let person = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: MARIA.parse().unwrap(),
        phone: PHONE.parse().unwrap(),
        address: "Via di Prova 1, Milano".to_owned(),
    };
    let now = october(20);
    let registered = patients::register(&house.record, &ACTOR, &person, now).await;
    let patient = registered.unwrap().to_string().parse().unwrap();
    let place = (Whereabouts::Deceased, now);
    veglia_diary::set_standing(&house.record, &ACTOR, patient, place, "di prova", now)
        .await
        .unwrap();
    assert!(!calls(&house).await.contains(MARIA));
}
