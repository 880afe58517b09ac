//! Handing over as people meet it: through the pages, in sessions of their own.

// req: B17, G8

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use veglia_people::care::{self, Holder};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Hours, Party, Password, PersonId, sessions};
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::Config;
use crate::tests::site::{Site, leads_to, posted, text};

const SETUP: Actor = Actor::System("test");

/// What the page of shifts is.
const SHIFT: &str = "/passaggio-consegne";

async fn post(site: &Site, path: &str, form: &str, cookie: &str) -> Response<Body> {
    let mut request = posted(path, form);
    let headers = request.headers_mut();
    headers.insert(header::COOKIE, cookie.parse().unwrap());
    site.ask(request).await
}

async fn get(site: &Site, path: &str, cookie: &str) -> String {
    let answer = site.get_with(path, cookie).await;
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    text(answer).await
}

/// Somebody of a role, and their session.
async fn employ(site: &Site, role: Role) -> (Staff, String) {
    let account = NewStaff {
        username: role.code().parse().unwrap(),
        name: format!("Prova {}", role.code()),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let now = site.clock.now();
    let username = account.username.clone();
    staff::create(&site.record, &SETUP, account, now)
        .await
        .unwrap();
    let staff = staff::by_username(&site.record, &SETUP, &username).await;
    let staff = staff.unwrap().unwrap();
    let token = sessions::open(&site.record, &staff, now).await.unwrap();
    (staff, format!("veglia_session={}", token.reveal()))
}

async fn maria(site: &Site) -> PersonId {
    let person = NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(&site.record, &SETUP, &person, site.clock.now()).await;
    id.unwrap()
}

/// What a page hides in its form.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page
        .split_once(&format!("name=\"{name}\" value=\""))
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// The form of a page, with what is filled in.
fn filled(page: &str, fields: &str) -> String {
    let own = ["change", "seen", "shown"].map(|name| format!("{name}={}", hidden(page, name)));
    format!("{}&{fields}", own.join("&"))
}

#[tokio::test]
async fn a_shift_hands_over_to_the_next_through_the_pages() {
    let site = Site::empty(Config::default()).await;
    let maria = maria(&site).await;
    let (_, nurse) = employ(&site, Role::Nurse).await;
    let (_, operator) = employ(&site, Role::Operator).await;
    let page = get(&site, SHIFT, &nurse).await;
    assert!(
        page.contains("href=\"/passaggio-consegne\" aria-current=\"page\""),
        "{page}"
    );
    let form = filled(&page, "act=add&add=rossi");
    let added = post(&site, SHIFT, &form, &nurse).await;
    assert_eq!(added.status(), StatusCode::OK);
    let page = text(added).await;
    assert!(page.contains("Rossi Maria"), "{page}");

    let mute = post(&site, SHIFT, &filled(&page, "act=write"), &nurse).await;
    assert_eq!(mute.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let fields = format!("act=write&in-{maria}=1&words-{maria}=Rivederla+alle+15");
    let slow = filled(&page, &fields);
    let written = post(&site, SHIFT, &slow, &nurse).await;
    assert_eq!(written.status(), StatusCode::SEE_OTHER);
    let address = leads_to(&written).to_owned();
    let overtaken = post(&site, SHIFT, &slow, &operator).await;
    assert_eq!(overtaken.status(), StatusCode::CONFLICT);
    assert!(
        text(overtaken)
            .await
            .contains("Rivederla alle 15</textarea>")
    );

    let own = post(&site, &address, "act=acknowledge", &nurse).await;
    assert_eq!(own.status(), StatusCode::CONFLICT);
    let read = get(&site, &address, &operator).await;
    assert!(read.contains("Rivederla alle 15"), "{read}");
    let done = post(&site, &address, "act=acknowledge", &operator).await;
    assert_eq!(leads_to(&done), format!("{address}#confermate"));
    let read = get(&site, &address, &nurse).await;
    assert!(read.contains("confermate da Prova operator"), "{read}");
    for nowhere in [
        "/passaggio-consegne/99",
        "/passaggio-consegne/x",
        "/notte/1",
    ] {
        let answer = site.get_with(nowhere, &nurse).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{nowhere}");
    }
}

#[tokio::test]
async fn a_handover_that_lost_its_session_comes_back_with_all_that_was_typed() {
    let site = Site::empty(Config::default()).await;
    let typed = "change=1&shown=00000000000000aa+00000000000000bb+00000000000000cc+00dd\
        &words-00000000000000aa=Breve&words=Per+tutti";
    for path in [SHIFT, "/notte", "/notte/mattina"] {
        let answer = site.ask(posted(path, typed)).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        let shown = text(answer).await;
        for words in [
            &format!("action=\"{path}\""),
            "Breve</textarea>",
            "Per tutti</textarea>",
            "<input type=\"hidden\" name=\"shown\"",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }
    let answer = site.ask(posted("/nottetempo", typed)).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_watches_tonight_reads_whom_they_were_given_and_what_was_agreed() {
    let site = Site::empty(Config::default()).await;
    let maria = maria(&site).await;
    let (_, nurse) = employ(&site, Role::Nurse).await;
    let (doctor, session) = employ(&site, Role::OutOfHoursDoctor).await;
    let (record, now) = (&site.record, site.clock.now());
    let until = Some(now.plus_ms(43_200_000));
    let shift = Shift {
        post: Post::OutOfHours,
        party: Party::Staff(doctor.id),
        hours: Hours::always(),
        period: Period { from: now, until },
    };
    duty::add_shift(record, &SETUP, &shift).await.unwrap();
    let nobody = get(&site, "/notte", &session).await;
    assert!(!nobody.contains("Rossi"), "{nobody}");
    // Given by the page of who follows her: without a word of the day.
    let stretch = (now, until);
    let given = care::entrust(record, &SETUP, maria, &Holder::OutOfHours, stretch, "").await;
    given.unwrap();
    let page = get(&site, "/notte", &session).await;
    assert!(page.contains("affidato senza una nota"), "{page}");

    let page = get(&site, "/notte", &nurse).await;
    let page = post(&site, "/notte", &filled(&page, "act=add&add=rossi"), &nurse).await;
    let page = text(page).await;
    let fields = format!("act=write&in-{maria}=1&words-{maria}=Sotto+88+il+112");
    let written = post(&site, "/notte", &filled(&page, &fields), &nurse).await;
    let address = leads_to(&written).to_owned();
    let page = get(&site, "/notte", &session).await;
    for said in [
        "Sotto 88 il 112",
        "via Larga 1, Milano",
        "tel:+390212345678",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let done = post(&site, &address, "act=acknowledge", &session).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let morning = get(&site, "/notte/mattina", &session).await;
    assert!(morning.contains("Rossi Maria"), "{morning}");
    let form = filled(
        &morning,
        &format!("act=write&in-{maria}=1&words=Notte+calma"),
    );
    let back = post(&site, "/notte/mattina", &form, &session).await;
    let back = leads_to(&back).to_owned();
    let read = get(&site, &back, &nurse).await;
    assert!(read.contains("Notte calma"), "{read}");
    let done = post(&site, &back, "act=acknowledge", &nurse).await;
    assert_eq!(done.status(), StatusCode::SEE_OTHER);
    let english = format!("{session}; veglia_language=en");
    let page = get(&site, "/notte", &english).await;
    assert!(
        page.contains("Agreed:") && page.contains("lang=\"en\""),
        "{page}"
    );
}
