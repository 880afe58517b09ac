//! What patients are told, what is amiss with the channels, and the page on who is called.

// req: G9

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::{StatusCode, header};
use veglia_diary::{Callee, PageWhy, Written, diary_of, set_standing, tick};
use veglia_intake::Line;
use veglia_notify::Config as Notify;
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::Post;
use veglia_people::patients::{self, NewPerson};
use veglia_people::{mmg, told};
use veglia_store::Actor;
use veglia_view::{PatientId, VitalKind, Whereabouts};
use veglia_wire::{
    Body, CareClock, Clock, MonoMs, Quality, Record, Sequence, SpO2, Vital, WallMs, When,
};

use crate::Deps;
use crate::amiss::Amiss;
use crate::asking::{Asking, WORDS};
use crate::tests::paging::{Scene, TEN};
use crate::tests::site::{leads_to, posted, text};

const ACTOR: Actor = Actor::System("test");
const MINUTE_MS: i64 = 60_000;
const MOBILE: &str = "+39 333 1234567";

impl Scene {
    fn asking(&self) -> Asking {
        let care = CareClock::real(self.site.clock.clone());
        Asking::new(self.site.record.clone(), care)
    }

    /// The notes in the patient's diary, the oldest first.
    async fn notes(&self) -> Vec<String> {
        let all = WallMs(0)..TEN.plus_ms(48 * 60 * MINUTE_MS);
        let lines = diary_of(&self.site.record, &ACTOR, self.patient, all, 500).await;
        let mut notes: Vec<String> = lines
            .unwrap()
            .into_iter()
            .filter_map(|line| match line.what {
                Written::Act(act) => Some(act.words),
                _ => None,
            })
            .collect();
        notes.reverse();
        notes
    }

    async fn said_to_the_patient(&self) -> Vec<String> {
        let person = crate::paging::person_of(self.patient).unwrap();
        let told = told::to(&self.site.record, &ACTOR, person).await;
        told.unwrap().into_iter().map(|it| it.words).collect()
    }

    fn amiss(&self) -> Amiss {
        self.amiss_with(None)
    }

    fn amiss_with(&self, line: Option<Line>) -> Amiss {
        let wall: Arc<dyn Clock> = self.site.clock.clone();
        Amiss::new(&Deps {
            record: self.site.record.clone(),
            view: Arc::new(veglia_view::HttpView::new(std::path::Path::new("nobody"))),
            clock: wall.clone(),
            care: CareClock::real(wall),
            identities: "identities.toml".into(),
            enrolments: "enrolments.toml".into(),
            notify: Notify::default(),
            alarm_path: None,
            line,
            laboratory: veglia_laboratory::Config::default(),
        })
    }

    async fn posted(&self, path: &str, form: &str, cookie: &str) -> axum::response::Response {
        let mut request = posted(path, form);
        let cookie = cookie.parse().unwrap();
        request.headers_mut().insert(header::COOKIE, cookie);
        self.site.ask(request).await
    }
}

#[tokio::test]
async fn whoever_has_a_red_that_waits_is_told_once_to_measure_and_the_diary_says_what_came() {
    let scene = Scene::where_maria_has(MOBILE).await;
    scene
        .measured(scene.patient, &[(VitalKind::SpO2, 910, TEN)])
        .await;
    scene.asking().round().await.unwrap();
    // After a restart everything is looked at again.
    scene.asking().round().await.unwrap();
    let sent = scene.sent().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0]["channel"], "sms");
    let expected = format!("Veglia, Centrale Medica. {WORDS}");
    assert_eq!(
        (&sent[0]["text"], &sent[0]["link"]),
        (&expected.into(), &"".into())
    );
    scene.asking().round().await.unwrap();
    let notes = scene.notes().await;
    assert!(notes[0].contains("per SMS: «Rimisuri subito."), "{notes:?}");
    assert!(notes[1].contains("affidato alla rete SMS"), "{notes:?}");
    assert_eq!(notes.len(), 2);
    assert_eq!(scene.said_to_the_patient().await, [WORDS]);
}

#[tokio::test]
async fn a_message_to_a_patient_that_does_not_arrive_asks_for_a_telephone_call() {
    let scene = Scene::where_maria_has(MOBILE).await;
    scene
        .measured(scene.patient, &[(VitalKind::SpO2, 910, TEN)])
        .await;
    scene.asking().round().await.unwrap();
    scene.carried_by(&Notify::default()).await;
    scene.asking().round().await.unwrap();
    let notes = scene.notes().await;
    let last = notes.last().unwrap();
    assert!(last.contains("NON recapitato. Telefonargli"), "{notes:?}");
}

#[tokio::test]
async fn nobody_is_written_to_who_has_no_mobile_is_away_or_whose_red_is_confirmed() {
    let landline = Scene::new().await;
    let patient = landline.patient;
    landline
        .measured(patient, &[(VitalKind::SpO2, 910, TEN)])
        .await;
    landline.asking().round().await.unwrap();
    assert!(landline.sent().await.is_empty());
    let notes = landline.notes().await;
    assert!(
        notes[0].contains("Nessun cellulare in archivio"),
        "{notes:?}"
    );
    // A page of the patient's own may still say it.
    assert_eq!(landline.said_to_the_patient().await, [WORDS]);

    for place in [
        Whereabouts::InHospital,
        Whereabouts::Suspended,
        Whereabouts::Discharged,
        Whereabouts::Deceased,
    ] {
        let away = Scene::where_maria_has(MOBILE).await;
        away.measured(away.patient, &[(VitalKind::SpO2, 910, TEN)])
            .await;
        let record = &away.site.record;
        let moved = set_standing(record, &ACTOR, away.patient, (place, TEN), "Altrove.", TEN);
        moved.await.unwrap();
        away.asking().round().await.unwrap();
        assert!(away.sent().await.is_empty(), "{place:?}");
        assert!(away.said_to_the_patient().await.is_empty(), "{place:?}");
    }

    let grave = Scene::where_maria_has(MOBILE).await;
    grave
        .measured(grave.patient, &[(VitalKind::SpO2, 850, TEN)])
        .await;
    grave.asking().round().await.unwrap();
    assert!(grave.said_to_the_patient().await.is_empty());
}

#[tokio::test]
async fn a_dead_channel_stands_on_the_ward_calls_the_duty_by_another_and_ends_with_a_trace() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    let mail = Address::new(Channel::Email, "anna@prova.example").unwrap();
    let record = &scene.site.record;
    let added = contacts::add(record, &ACTOR, scene.anna, &mail, TEN).await;
    added.unwrap();
    scene
        .measured(scene.patient, &[(VitalKind::SpO2, 850, TEN)])
        .await;
    scene.paging().round().await.unwrap();
    scene.carried_by(&Notify::default()).await;

    let mut amiss = scene.amiss();
    amiss.round(&scene.site.hub).await.unwrap();
    let cookie = scene.site.signed_in().await;
    let ward = text(scene.site.get_with("/", &cookie).await).await;
    let words = "SMS: gli avvisi non partono dalle 10:00; chi ha un altro recapito è avvisato lì.";
    assert!(ward.contains(words), "{ward}");
    let reach = text(scene.site.get_with("/reperibilita", &cookie).await).await;
    assert!(reach.contains(words), "{reach}");

    // Anna is told of the SMS by mail, and the other way round; when all is well again both go.
    scene.site.clock.0.fetch_add(MINUTE_MS, Ordering::SeqCst);
    amiss.round(&scene.site.hub).await.unwrap();
    let sent = scene.sent().await;
    let by = |channel: &str| {
        let mut of = sent.iter().filter(|it| it["channel"] == channel);
        of.any(|it| it["text"].as_str().unwrap().contains("canale di avviso"))
    };
    assert!(by("email") && by("sms"), "{sent:?}");
    amiss.round(&scene.site.hub).await.unwrap();
    let ward = text(scene.site.get_with("/", &cookie).await).await;
    let over = "SMS: gli avvisi non partono dalle 10:00. Risolto: funziona di nuovo dalle 10:01.";
    assert!(ward.contains(over), "{ward}");
}

#[tokio::test]
async fn what_is_said_on_the_telephone_and_does_not_arrive_stands_on_the_ward() {
    let scene = Scene::new().await;
    let folder = tempfile::tempdir().unwrap();
    let care = CareClock::real(scene.site.clock.clone());
    let record = scene.site.record.clone();
    let line = Line::open(&folder.path().join("phone"), record, care).unwrap();
    let said = Record {
        device: None,
        when: When {
            boot: line.boot(),
            mono: MonoMs(0),
            wall: Some(TEN),
            device: None,
        },
        body: Body::Reading(
            Vital::SpO2(SpO2::from_percent_tenths(880).unwrap()),
            Quality::empty(),
        ),
    };
    line.outbox().append(vec![said]).await.unwrap();
    let cookie = scene.site.signed_in().await;
    let mut amiss = scene.amiss_with(Some(line.clone()));
    let mut ward = async |after_ms: i64| {
        scene.site.clock.0.fetch_add(after_ms, Ordering::SeqCst);
        amiss.round(&scene.site.hub).await.unwrap();
        text(scene.site.get_with("/", &cookie).await).await
    };
    let waits = "una risposta detta per telefono aspetta, e niente arriva alle regole dalle 10:00";
    assert!(!ward(0).await.contains(waits));
    let told = ward(MINUTE_MS + 1).await;
    assert!(told.contains(waits), "{told}");
    line.outbox().acknowledged(Sequence::FIRST);
    assert!(!ward(1).await.contains("risposta detta"), "it has arrived");
    line.outbox().close().await;
    let closed = "le misure dette per telefono NON si possono salvare";
    assert!(ward(1).await.contains(closed));
}

#[tokio::test]
async fn a_digest_that_reaches_nobody_is_tried_again_and_gives_every_patient_back() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    scene.family_doctor().await;
    let other = scene.another_patient().await;
    let fever = [
        (VitalKind::Temperature, 3_860, TEN),
        (VitalKind::Temperature, 3_870, TEN.plus_ms(20 * MINUTE_MS)),
    ];
    for patient in [scene.patient, other] {
        scene.measured(patient, &fever).await;
    }
    // Half past twelve: the day's digest.
    let noon = TEN.plus_ms(151 * MINUTE_MS);
    scene.site.clock.0.store(noon.0, Ordering::SeqCst);
    tick(&scene.site.record, &ACTOR, noon).await.unwrap();
    scene.paging().round().await.unwrap();
    let digests = |pages: &[veglia_diary::Page], why| {
        let of = pages.iter().filter(|page| page.why == why);
        of.map(|page| page.patient).collect::<Vec<PatientId>>()
    };
    let pages = scene.pages().await;
    assert_eq!(digests(&pages, PageWhy::Digest).len(), 2, "{pages:?}");

    // The mail server is not there, for all of its attempts; SMS are taken.
    let folder = tempfile::tempdir().unwrap();
    let nowhere = Notify {
        file: Some(folder.path().join("messages.jsonl")),
        email: Some(veglia_notify::Email {
            server: "127.0.0.1:9".to_owned(),
            tls: veglia_notify::EmailTls::None,
            from: "veglia@centre.example".to_owned(),
            user: None,
            password_file: None,
            authority: None,
        }),
        ..Notify::default()
    };
    for round in 0..6 {
        scene.carried_by(&nowhere).await;
        scene.paging().round().await.unwrap();
        let back = digests(&scene.pages().await, PageWhy::ChannelFailed);
        assert_eq!(
            back.is_empty(),
            round < 5,
            "tried again before it is given back"
        );
        scene
            .site
            .clock
            .0
            .fetch_add(5 * MINUTE_MS, Ordering::SeqCst);
    }
    let pages = scene.pages().await;
    let back = pages
        .iter()
        .filter(|page| page.why == PageWhy::ChannelFailed);
    let mut back: Vec<PatientId> = back
        .filter(|page| page.callee == Callee::Operator)
        .map(|page| page.patient)
        .collect();
    back.sort_unstable();
    let mut both = vec![scene.patient, other];
    both.sort_unstable();
    assert_eq!(back, both, "each of them, and not the first alone");
}

impl Scene {
    /// Another patient of the same family doctor.
    async fn another_patient(&self) -> PatientId {
        let record = &self.site.record;
        let carlo = NewPerson {
            name: "Carlo".to_owned(),
            surname: "Neri".to_owned(),
            codice_fiscale: "RSSMRA85T10A562S".parse().unwrap(),
            phone: "+390212345679".parse().unwrap(),
            address: "via Larga 2, Milano".to_owned(),
        };
        let carlo = patients::register(record, &ACTOR, &carlo, TEN).await;
        let carlo = carlo.unwrap();
        let doctor = mmg::list(record, &ACTOR).await.unwrap().remove(0).id;
        let given = mmg::assign(record, &ACTOR, carlo, doctor, TEN).await;
        given.unwrap();
        PatientId::new(carlo.get().unsigned_abs())
    }
}

#[tokio::test]
async fn a_browser_is_added_tried_and_removed_by_whoever_is_signed_in_for_themselves() {
    let scene = Scene::new().await;
    let cookie = scene.site.signed_in().await;
    let own = async || {
        let own = contacts::of(&scene.site.record, &ACTOR, scene.anna).await;
        own.unwrap()
    };
    let page = text(scene.site.get_with("/reperibilita", &cookie).await).await;
    assert!(page.contains("Non c’è alcun suo recapito"), "{page}");

    let torn = scene
        .posted("/reperibilita/browser", "iscrizione=%7B%7D", &cookie)
        .await;
    assert_eq!(torn.status(), StatusCode::BAD_REQUEST);
    let subscription = "iscrizione=%7B%22endpoint%22%3A%22https%3A%2F%2Fpush.example%2F1%22%2C%22\
        keys%22%3A%7B%22p256dh%22%3A%22a%22%2C%22auth%22%3A%22b%22%7D%7D";
    let added = scene
        .posted("/reperibilita/browser", subscription, &cookie)
        .await;
    assert_eq!(leads_to(&added), "/reperibilita?fatto=browser");
    assert_eq!(own().await.len(), 1);
    let page = text(scene.site.get_with("/reperibilita", &cookie).await).await;
    assert!(page.contains("un browser (push.example)"), "{page}");

    let tried = scene.posted("/reperibilita/prova", "", &cookie).await;
    assert_eq!(leads_to(&tried), "/reperibilita?fatto=prova");
    let sent = scene.sent().await;
    assert_eq!((sent.len(), &sent[0]["channel"]), (1, &"push".into()));
    let form = "endpoint=https%3A%2F%2Fpush.example%2F1";
    scene
        .posted("/reperibilita/browser/togli", form, &cookie)
        .await;
    assert!(own().await.is_empty());
}

#[tokio::test]
async fn the_worker_that_shows_notices_is_served_at_the_top_and_asked_for_again() {
    let scene = Scene::new().await;
    let worker = scene.site.get("/avvisi.js").await;
    assert_eq!(worker.status(), StatusCode::OK);
    assert_eq!(worker.headers()[header::CACHE_CONTROL], "no-cache");
    let kind = worker.headers()[header::CONTENT_TYPE].to_str().unwrap();
    assert!(kind.starts_with("text/javascript"), "{kind}");
    assert!(text(worker).await.contains("showNotification"));
}
