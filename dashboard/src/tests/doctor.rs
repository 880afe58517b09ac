//! The family doctors' door over the real site.

// req: B3, G9

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use veglia_diary::{Callee, open_flags, page_seen, set_standing, tick};
use veglia_doctor::Digest;
use veglia_people::care::{self, Holder};
use veglia_people::duty::Post;
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, Party, Password, StaffId, sessions};
use veglia_store::Actor;
use veglia_view::Whereabouts;
use veglia_wire::{CareClock, VitalKind, WallMs};

use crate::tests::paging::{Scene, TEN};
use crate::tests::site::{leads_to, posted, text};

const ACTOR: Actor = Actor::System("test");
const MINUTE_MS: i64 = 60_000;
const FORM: &str = "0123456789abcdef0123456789abcdef";

/// Maria's family doctor is signed in, and Maria has a red.
struct Surgery {
    scene: Scene,
    cookie: String,
    /// The form of an answer, without the button.
    form: String,
}

async fn surgery() -> Surgery {
    surgery_of(&[(VitalKind::SpO2, 850, TEN)]).await
}

/// The same with other values of Maria.
async fn surgery_of(values: &[(VitalKind, i32, WallMs)]) -> Surgery {
    let scene = Scene::new().await;
    scene.family_doctor().await;
    let record = &scene.site.record;
    let ada = employ(&scene).await;
    let token = sessions::open(record, &ada, TEN).await.unwrap();
    scene.measured(scene.patient, values).await;
    let flag = open_flags(record, &ACTOR).await.unwrap().remove(0).flag;
    Surgery {
        cookie: format!("veglia_session={}", token.reveal()),
        form: format!("form={FORM}&flag={}&seen={}", flag.id, flag.telling),
        scene,
    }
}

async fn account(scene: &Scene, username: &str, name: &str, role: Role) -> StaffId {
    let new = NewStaff {
        username: username.parse().unwrap(),
        name: name.to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(&scene.site.record, &ACTOR, new, TEN).await;
    made.unwrap()
}

async fn named(scene: &Scene, username: &str) -> Staff {
    let username = username.parse().unwrap();
    let found = staff::by_username(&scene.site.record, &ACTOR, &username).await;
    found.unwrap().unwrap()
}

async fn employ(scene: &Scene) -> Staff {
    let record = &scene.site.record;
    let id = account(scene, "ada", "Bianchi Ada", Role::Mmg).await;
    let Party::Mmg(doctor) = "mmg:1".parse().unwrap() else {
        panic!("a family doctor");
    };
    let tied = staff::tie(record, &ACTOR, id, &Belongs::Mmg(doctor)).await;
    tied.unwrap();
    named(scene, "ada").await
}

impl Surgery {
    fn address(&self) -> String {
        format!("/medico/atti/{}", self.scene.patient)
    }

    async fn send(&self, address: &str, form: &str) -> Response<Body> {
        let mut request = posted(address, form);
        let cookie = self.cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        self.scene.site.ask(request).await
    }

    async fn shown(&self, path: &str) -> String {
        let answer = self.scene.site.get_with(path, &self.cookie).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        text(answer).await
    }
}

#[tokio::test]
async fn a_family_doctor_begins_at_their_alerts_and_one_press_is_written_and_proves_it() {
    let surgery = surgery().await;
    let first = surgery.scene.site.get_with("/", &surgery.cookie).await;
    assert_eq!(leads_to(&first), "/medico");
    let page = surgery.shown("/medico").await;
    for words in ["Rossi Maria", "ROSSO", "SpO₂: 85", "nuova"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let form = format!("{}&act=seen", surgery.form);
    let done = surgery.send(&surgery.address(), &form).await;
    assert_eq!(leads_to(&done), "/medico?fatto=seen");
    let page = surgery.shown("/medico?fatto=seen").await;
    assert!(page.contains("Scritto nel diario: visto."), "{page}");
    let mut pages = surgery.scene.pages().await.into_iter();
    let called = pages.find(|page| page.callee == Callee::Mmg).unwrap();
    let again = page_seen(&surgery.scene.site.record, &ACTOR, called.id, TEN).await;
    assert!(!again.unwrap(), "the diary knows already");
}

#[tokio::test]
async fn a_hospital_begins_at_the_admissions_of_its_own_patients_and_finds_no_others() {
    let scene = Scene::new().await;
    let (record, unit) = (&scene.site.record, "Pneumologia".parse().unwrap());
    let neri = account(&scene, "neri", "Neri Paolo", Role::HospitalDoctor).await;
    let belongs = Belongs::Unit("Pneumologia".parse().unwrap());
    staff::tie(record, &ACTOR, neri, &belongs).await.unwrap();
    let neri = named(&scene, "neri").await;
    let token = sessions::open(record, &neri, TEN).await.unwrap();
    let cookie = format!("veglia_session={}", token.reveal());
    let surgery = Surgery {
        cookie,
        form: format!("form={FORM}&admission=1&act=seen"),
        scene,
    };
    let record = &surgery.scene.site.record;
    let place = (Whereabouts::InHospital, TEN);
    let patient = surgery.scene.patient;
    let said = set_standing(record, &ACTOR, patient, place, "Saturazione", TEN).await;
    said.unwrap();
    // Of a patient of another's nothing is there, and nothing can be answered.
    let page = surgery.shown("/medico").await;
    assert!(!page.contains("Rossi"), "{page}");
    let page = format!("/pazienti/{patient}");
    let answer = surgery.scene.site.get_with(&page, &surgery.cookie).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let answer = surgery.send(&surgery.address(), &surgery.form).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);

    let person = veglia_people::PersonId::new(patient.get().cast_signed()).unwrap();
    let holder = Holder::Unit(unit);
    let given = care::entrust(record, &ACTOR, person, &holder, (TEN, None), "").await;
    given.unwrap();
    let first = surgery.scene.site.get_with("/", &surgery.cookie).await;
    assert_eq!(leads_to(&first), "/medico");
    let page = surgery.shown("/medico").await;
    for words in ["RICOVERATO", "Rossi Maria", "Saturazione"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let done = surgery.send(&surgery.address(), &surgery.form).await;
    assert_eq!(leads_to(&done), "/medico?fatto=seen");
    let page = surgery.shown("/medico").await;
    assert!(!page.contains("RICOVERATO"), "{page}");
}

#[tokio::test]
async fn an_answer_that_is_not_written_keeps_its_words_with_a_session_and_without() {
    let surgery = surgery().await;
    let wrong = format!("{}&act=back&words=", surgery.form);
    let refused = surgery.send(&surgery.address(), &wrong).await;
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let form = format!("{}&act=visited&words=Respira+%3Cmale%3E.", surgery.form);
    let lost = surgery
        .scene
        .site
        .ask(posted(&surgery.address(), &form))
        .await;
    assert_eq!(lost.status(), StatusCode::UNAUTHORIZED);
    let page = text(lost).await;
    for words in [
        "Respira &#60;male&#62;.</textarea>",
        "/login?back=/medico\"",
        "value=\"visited\"",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("Rossi"), "nobody's name is told");
    assert!(
        !surgery.shown("/medico").await.contains("Respira"),
        "nothing was written"
    );
}

#[tokio::test]
async fn the_summary_the_sheet_and_the_report_are_pages_and_the_hour_is_kept() {
    let surgery = surgery().await;
    let page = surgery.shown("/medico/riepilogo").await;
    assert!(page.contains("Rossi Maria, RSSMRA85M01H501Q"), "{page}");
    let hour = surgery.send("/medico/riepilogo/ora", "ora=13:30").await;
    assert_eq!(leads_to(&hour), "/medico/riepilogo?fatto=ora");
    assert!(
        surgery
            .shown("/medico/riepilogo")
            .await
            .contains("value=\"13:30\"")
    );
    let wrong = surgery.send("/medico/riepilogo/ora", "ora=boh").await;
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let sheet = surgery
        .shown(&format!("/pazienti/{}/sintesi", surgery.scene.patient))
        .await;
    assert!(sheet.contains("Letta da Bianchi Ada"), "{sheet}");

    let whole = format!(
        "form={FORM}&codice=CCCFBA85D03L219P&telefono=3331234567&inizio=2020-10-18&s-fever=1"
    );
    let sent = surgery.send("/medico/segnala", &whole).await;
    assert_eq!(leads_to(&sent), "/medico/segnala?fatto=1");
    let other = whole.replace(FORM, &"a".repeat(32));
    let known = surgery.send("/medico/segnala", &other).await;
    assert_eq!(known.status(), StatusCode::CONFLICT);
    let nurse = surgery.scene.site.signed_in().await;
    let list = surgery.scene.site.get_with("/segnalazioni", &nurse).await;
    assert!(text(list).await.contains("CCCFBA85D03L219P"));
}

#[tokio::test]
async fn the_ladders_digest_joins_the_summary_at_the_hour_that_the_doctor_chose() {
    let fever = [
        (VitalKind::Temperature, 3_860, TEN),
        (VitalKind::Temperature, 3_870, TEN.plus_ms(20 * MINUTE_MS)),
    ];
    let surgery = surgery_of(&fever).await;
    let kept = surgery.send("/medico/riepilogo/ora", "ora=18:30").await;
    assert!(kept.status().is_redirection());
    let scene = &surgery.scene;
    scene.on_duty(Post::Operator).await;
    let record = &scene.site.record;
    // Half past twelve: the ladder's digest.
    let noon = TEN.plus_ms(151 * MINUTE_MS);
    scene.site.clock.0.store(noon.0, Ordering::SeqCst);
    tick(record, &ACTOR, noon).await.unwrap();
    scene.paging().round().await.unwrap();
    let waiting = veglia_notify::waiting(record, &ACTOR).await.unwrap();
    let key = "summary-2020-10-20.mmg-1";
    let summary = waiting.iter().find(|(it, _)| it.as_str() == key);
    let (_, abouts) = summary.unwrap_or_else(|| panic!("{waiting:?}"));
    assert!(abouts[0].as_str().starts_with("page-"), "{abouts:?}");
    assert!(scene.sent().await.is_empty(), "it waits for half past six");

    let evening = TEN.plus_ms(511 * MINUTE_MS);
    scene.site.clock.0.store(evening.0, Ordering::SeqCst);
    let care = CareClock::real(scene.site.clock.clone());
    let mut digest = Digest::new(record.clone(), care, "http://localhost:8080/x".to_owned());
    digest.round().await.unwrap();
    let sent = scene.sent().await;
    let to_the_doctor = sent.iter().filter(|it| it["recipient"] == "mmg:1");
    let to_the_doctor: Vec<_> = to_the_doctor.collect();
    assert_eq!(to_the_doctor.len(), 1, "{sent:?}");
    let link = to_the_doctor[0]["link"].as_str().unwrap();
    assert!(link.ends_with("/medico/riepilogo"), "{link}");
}
