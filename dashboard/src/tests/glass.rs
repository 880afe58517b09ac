//! Breaking the glass as somebody meets it, and the register in which it stands.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use std::sync::atomic::Ordering;
use veglia_people::care::{self, Holder, glass};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Password, PersonId, sessions};
use veglia_store::Actor;
use veglia_store::sea_orm::ConnectionTrait;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, leads_to, posted, text};

const SETUP: Actor = Actor::System("test");
const CODE: &str = "RSSMRA85M01H501Q";

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> Response<Body> {
    let mut request = posted(path, form);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    site.ask(request).await
}

/// Maria, whom the centre followed until now.
async fn maria(site: &Site) -> PersonId {
    let person = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: CODE.parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let now = site.clock.now();
    let maria = patients::register(&site.record, &SETUP, &person, now).await;
    let maria = maria.unwrap();
    let ended = care::release(&site.record, &SETUP, maria, &Holder::Centre, now).await;
    assert_eq!(ended.unwrap(), 1);
    maria
}

async fn session(site: &Site, role: Role) -> String {
    let username = role.code();
    let account = NewStaff {
        username: username.parse().unwrap(),
        name: format!("Prova {username}"),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let now = site.clock.now();
    staff::create(&site.record, &SETUP, account, now)
        .await
        .unwrap();
    let username = username.parse().unwrap();
    let staff = staff::by_username(&site.record, &SETUP, &username).await;
    let token = sessions::open(&site.record, &staff.unwrap().unwrap(), now).await;
    format!("veglia_session={}", token.unwrap().reveal())
}

#[tokio::test]
async fn whoever_has_no_relation_opens_a_page_for_an_hour_with_a_reason_and_in_the_open() {
    let site = Site::empty(Config::default()).await;
    let maria = maria(&site).await;
    let page = format!("/pazienti/{maria}");
    let nurse = session(&site, Role::Nurse).await;
    let closed = site.get_with(&page, &nurse).await;
    assert_eq!(closed.status(), StatusCode::NOT_FOUND);
    let closed = text(closed).await;
    let way = format!("/accesso-urgente?paziente={maria}");
    assert!(
        closed.contains(&way) && !closed.contains("Rossi"),
        "{closed}"
    );
    let form = text(site.get_with(&way, &nurse).await).await;
    assert!(
        form.contains(&maria.to_string()) && !form.contains("Rossi"),
        "{form}"
    );

    let why = format!("paziente={maria}&motivo=aiuto");
    let refused = post(&site, "/accesso-urgente", &why, &nurse).await;
    assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let refused = text(refused).await;
    assert!(refused.contains("id=\"motivo-fault\""), "{refused}");
    assert!(
        refused.contains(">aiuto</textarea>"),
        "what was typed is kept"
    );
    let why = format!("paziente={maria}&motivo=caduta+in+casa+112+in+arrivo");
    let opened = post(&site, "/accesso-urgente", &why, &nurse).await;
    assert_eq!(leads_to(&opened), page);
    let shown = text(site.get_with(&page, &nurse).await).await;
    assert!(shown.contains("Rossi Maria"), "{shown}");
    assert!(shown.contains("Accesso urgente fino alle"), "{shown}");
    let diary = text(site.get_with(&format!("{page}/diario"), &nurse).await).await;
    assert!(diary.contains("caduta in casa 112 in arrivo"), "{diary}");
    site.clock.0.fetch_add(glass::GLASS_MS, Ordering::SeqCst);
    // The session is over after an hour as well: a new one finds the page closed.
    let operator = session(&site, Role::Operator).await;
    let after = site.get_with(&page, &operator).await;
    assert_eq!(after.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_doctor_of_elsewhere_names_the_person_by_tax_code() {
    let site = Site::empty(Config::default()).await;
    let maria = maria(&site).await;
    let doctor = session(&site, Role::HospitalDoctor).await;
    let led = site.get_with("/", &doctor).await;
    assert_eq!(leads_to(&led), "/medico");
    let own = text(site.get_with("/miei-pazienti", &doctor).await).await;
    assert!(own.contains("/accesso-urgente"), "{own}");
    for (code, sentence) in [
        ("RSSMRA85M01H501X", "lettera per lettera"),
        ("CCCFBA85D03L219P", "Nessuno in archivio"),
    ] {
        let form = format!("codice_fiscale={code}&motivo=in+pronto+soccorso+adesso");
        let refused = post(&site, "/accesso-urgente", &form, &doctor).await;
        assert_eq!(refused.status(), StatusCode::UNPROCESSABLE_ENTITY);
        let refused = text(refused).await;
        assert!(
            refused.contains(sentence) && refused.contains(code),
            "{refused}"
        );
        assert!(refused.contains("in pronto soccorso adesso</textarea>"));
    }
    let form = format!("codice_fiscale={CODE}&motivo=in+pronto+soccorso+adesso");
    let opened = post(&site, "/accesso-urgente", &form, &doctor).await;
    assert_eq!(leads_to(&opened), format!("/pazienti/{maria}"));
    let act = format!("/pazienti/{maria}/atti");
    let act = post(&site, &act, "act=note&words=x", &doctor).await;
    assert_eq!(
        act.status(),
        StatusCode::FORBIDDEN,
        "reading is not writing"
    );
}

#[tokio::test]
async fn the_auditor_reads_who_read_whom_and_verifies_the_chain_without_a_name_of_a_patient() {
    let site = Site::empty(Config::default()).await;
    let maria = maria(&site).await;
    let nurse = session(&site, Role::Nurse).await;
    let why = format!("paziente={maria}&motivo=caduta+in+casa+112+in+arrivo");
    post(&site, "/accesso-urgente", &why, &nurse).await;
    let page = format!("/pazienti/{maria}");
    site.get_with(&page, &nurse).await;
    let auditor = session(&site, Role::Auditor).await;
    assert_eq!(leads_to(&site.get_with("/", &auditor).await), "/registro");
    for asked in [
        String::new(),
        format!("?paziente={maria}"),
        format!("?paziente={CODE}"),
    ] {
        let page = site.get_with(&format!("/registro{asked}"), &auditor).await;
        assert_eq!(page.status(), StatusCode::OK);
        let page = text(page).await;
        for words in [
            "Prova nurse (infermiere)",
            "Consultazione della scheda",
            "Accesso urgente, con motivo",
            "caduta in casa 112 in arrivo",
            &maria.to_string(),
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
        assert!(!page.contains("Rossi"), "{page}");
    }
    let nobody = text(site.get_with("/registro?paziente=Rossi", &auditor).await).await;
    assert!(nobody.contains("paziente-fault"), "{nobody}");
    let read = site
        .record
        .accesses_to(&SETUP, &maria.to_string(), None, 1)
        .await;
    assert_eq!(
        read.unwrap()[0].purpose,
        "audit.list",
        "reading it is in it"
    );

    let verify = async || text(post(&site, "/registro/verifica", "", &auditor).await).await;
    assert!(verify().await.contains("Il registro è intatto"));
    let tampered = site.record.run_tx("test.tamper", &SETUP, |tx| {
        Box::pin(async move {
            tx.execute_unprepared("UPDATE access_log SET actor = 'staff:9' WHERE id = 2")
                .await?;
            Ok(())
        })
    });
    tampered.await.unwrap();
    let broken = verify().await;
    assert!(broken.contains("si rompe alla riga 2"), "{broken}");
}

#[tokio::test]
async fn a_reason_outlives_its_session_and_one_that_is_too_long_is_told_so() {
    let site = Site::with_anna(Config::default()).await;
    let form = format!("codice_fiscale={CODE}&motivo=Dolore+al+petto%2C+sola+in+casa");
    let lost = site.ask(posted("/accesso-urgente", &form)).await;
    assert_eq!(lost.status(), StatusCode::UNAUTHORIZED);
    let page = text(lost).await;
    assert!(page.contains("Nulla è stato scritto"), "{page}");
    assert!(
        page.contains("Dolore al petto, sola in casa</textarea>"),
        "{page}"
    );

    // The largest handover, filled to its end.
    let cookie = site.signed_in().await;
    let full = format!("motivo={}", "%E2%80%99".repeat(38_000));
    let full = post(&site, "/accesso-urgente", &full, &cookie).await;
    assert_eq!(full.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let long = format!("motivo={}", "a".repeat(500_000));
    let long = post(&site, "/accesso-urgente", &long, &cookie).await;
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text(long).await.contains("Troppo in una volta"));
}
