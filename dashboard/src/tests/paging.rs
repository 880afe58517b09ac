//! From a red in the diary to a message, and from a message back to the diary.

// req: G9

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use veglia_diary::{
    Callee, Page, PageId, PageWhy, hand_over, open_flags, page_seen, pages_since, record_verdicts,
    set_standing,
};
use veglia_notify::{Courier, Pace, Senders};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::{Hours, Party, staff};
use veglia_store::Actor;
use veglia_triage::{Input, Observation, PatientId, PatientState, RuleSet, Seen, Source, step};
use veglia_wire::{
    CareClock, Clock, Epoch, Quality, RecordId, Sequence, Site as Place, Vital, VitalKind, WallMs,
};

use crate::Config;
use crate::paging::Paging;
use crate::tests::site::{Site, posted, text};

const ACTOR: Actor = Actor::System("test");

/// 20 October 2020, 10:00 in Milano: a Tuesday on which family doctors work.
pub(super) const TEN: WallMs = WallMs(1_603_180_800_000);

/// A site with the patient Maria, and Anna who may be called.
pub(super) struct Scene {
    pub(super) site: Site,
    pub(super) anna: Party,
    maria: veglia_people::PersonId,
    pub(super) patient: PatientId,
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::where_maria_has("+390212345678").await
    }

    /// With this telephone on file for the patient.
    pub(super) async fn where_maria_has(phone: &str) -> Self {
        let site = Site::with_anna(Config::default()).await;
        site.clock.0.store(TEN.0, Ordering::SeqCst);
        let maria = NewPerson {
            name: "Maria".to_owned(),
            surname: "Rossi".to_owned(),
            codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
            phone: phone.parse().unwrap(),
            address: "via Larga 1, Milano".to_owned(),
        };
        let maria = patients::register(&site.record, &ACTOR, &maria, TEN).await;
        let maria = maria.unwrap();
        let username = "anna".parse().unwrap();
        let anna = staff::by_username(&site.record, &ACTOR, &username).await;
        Self {
            anna: Party::Staff(anna.unwrap().unwrap().id),
            patient: PatientId::new(u64::try_from(maria.get()).unwrap()),
            maria,
            site,
        }
    }

    pub(super) async fn on_duty(&self, post: Post) {
        let shift = Shift {
            post,
            party: self.anna,
            hours: Hours::always(),
            period: Period {
                from: TEN,
                until: None,
            },
        };
        duty::add_shift(&self.site.record, &ACTOR, &shift)
            .await
            .unwrap();
    }

    pub(super) async fn reached_by_sms(&self) {
        let mobile = Address::new(Channel::Sms, "3331234567").unwrap();
        let added = contacts::add(&self.site.record, &ACTOR, self.anna, &mobile, TEN).await;
        added.unwrap();
    }

    /// Whose patients these are.
    pub(super) async fn family_doctor(&self) {
        let new = NewMmg {
            name: "Medico di prova".to_owned(),
            hours: "mon-fri 08:00-20:00".parse().unwrap(),
            contacts: vec![Address::new(Channel::Email, "medico@prova.example").unwrap()],
        };
        let doctor = mmg::add(&self.site.record, &ACTOR, &new, TEN)
            .await
            .unwrap();
        let assigned = mmg::assign(&self.site.record, &ACTOR, self.maria, doctor, TEN).await;
        assigned.unwrap();
    }

    /// Oxygen too low to wait for anything.
    async fn a_red(&self) {
        self.measured(self.patient, &[(VitalKind::SpO2, 850, TEN)])
            .await;
    }

    /// What the rules make of these values, in the diary.
    pub(super) async fn measured(&self, patient: PatientId, values: &[(VitalKind, i32, WallMs)]) {
        let mut state = PatientState::new(patient);
        for ((kind, steps, at), number) in values.iter().zip(1..) {
            let vital = Vital::from_steps(*kind, *steps, Place::Unknown).unwrap();
            let seen = Observation {
                id: RecordId {
                    epoch: Epoch(patient.get()),
                    sequence: Sequence::new(number).unwrap(),
                },
                device: "hand:1".parse().unwrap(),
                source: Source::ByHand,
                at: *at,
                received: *at,
                seen: Seen::Vital(vital, Quality::empty()),
            };
            let input = Input::Observation(&seen);
            let verdicts = step(&RuleSet::shipped(), &mut state, input, *at);
            let record = &self.site.record;
            let recorded = record_verdicts(record, &ACTOR, &verdicts, *at).await;
            recorded.unwrap();
        }
    }

    pub(super) fn paging(&self) -> Paging {
        Paging {
            record: self.site.record.clone(),
            care: CareClock::real(self.site.clock.clone()),
            notify: Arc::new(veglia_notify::Config::default()),
        }
    }

    /// What goes out, to a file.
    pub(super) async fn sent(&self) -> Vec<serde_json::Value> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("messages.jsonl");
        let config = veglia_notify::Config {
            file: Some(file.clone()),
            ..veglia_notify::Config::default()
        };
        self.carried_by(&config).await;
        let text = fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    /// One round of every channel.
    pub(super) async fn carried_by(&self, config: &veglia_notify::Config) {
        let senders = Arc::new(Senders::open(config).unwrap());
        let clock: Arc<dyn Clock> = self.site.clock.clone();
        let record = self.site.record.clone();
        let courier = Courier::new(record, clock, senders, Pace::default());
        for channel in Channel::ALL {
            courier.round(channel).await.unwrap();
        }
    }

    pub(super) async fn pages(&self) -> Vec<Page> {
        let pages = pages_since(&self.site.record, &ACTOR, PageId(0), 500).await;
        pages.unwrap()
    }
}

#[tokio::test]
async fn a_red_calls_who_is_on_duty_and_the_family_doctor_and_nothing_clinical_leaves() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    scene.family_doctor().await;
    scene.a_red().await;
    scene.paging().round().await.unwrap();
    // What was passed on is passed on once, though a crash forgets the cursor.
    let record = &scene.site.record;
    let moved = veglia_notify::set_cursor(record, &ACTOR, "paging.pages", 0).await;
    moved.unwrap();
    scene.paging().round().await.unwrap();

    let sent = scene.sent().await;
    let mut to: Vec<&str> = sent
        .iter()
        .map(|it| it["recipient"].as_str().unwrap())
        .collect();
    to.sort_unstable();
    assert_eq!(to, ["mmg:1", "staff:1"]);
    for message in &sent {
        let words = message.to_string();
        assert!(words.contains("una segnalazione la aspetta"), "{words}");
        for secret in ["Maria", "Rossi", "SpO", "85", &scene.patient.to_string()] {
            let said = message["text"].as_str().unwrap();
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        assert!(!words.contains("Rossi") && !words.contains(&scene.patient.to_string()));
    }
}

#[tokio::test]
async fn whoever_is_given_a_red_is_told_though_no_roster_calls_them() {
    let scene = Scene::new().await;
    scene.on_duty(Post::OutOfHours).await;
    scene.reached_by_sms().await;
    scene.a_red().await;
    scene.paging().round().await.unwrap();
    assert!(scene.sent().await.is_empty(), "nobody else is called");
    let record = &scene.site.record;
    let flag = open_flags(record, &ACTOR).await.unwrap().remove(0).flag.id;
    let Party::Staff(anna) = scene.anna else {
        panic!("Anna is of the centre");
    };
    hand_over(record, &Actor::Staff(9), &flag, anna.get(), "", TEN)
        .await
        .unwrap();
    scene.paging().round().await.unwrap();
    let sent = scene.sent().await;
    let to: Vec<&str> = sent
        .iter()
        .map(|it| it["recipient"].as_str().unwrap())
        .collect();
    assert_eq!(to, ["staff:1"]);
}

#[tokio::test]
async fn a_family_doctor_confirms_by_the_link_and_opening_it_alone_confirms_nothing() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.family_doctor().await;
    scene.a_red().await;
    scene.paging().round().await.unwrap();
    let sent = scene.sent().await;
    let link = sent[0]["link"].as_str().unwrap();
    let path = link.strip_prefix("http://localhost:8080").unwrap();
    let shown = scene.site.get(path).await;
    assert_eq!(shown.status(), StatusCode::OK);
    let shown = text(shown).await;
    assert!(shown.contains("Ho ricevuto"), "{shown}");
    assert!(
        !shown.contains("Rossi") && !shown.contains("Maria"),
        "{shown}"
    );

    let answer = scene.site.ask(posted(path, "")).await;
    assert!(text(answer).await.contains("Confermato"));
    assert!(
        text(scene.site.get(path).await)
            .await
            .contains("Confermato")
    );
    let mut pages = scene.pages().await.into_iter();
    let called = pages.find(|page| page.callee == Callee::Mmg).unwrap();
    let again = page_seen(&scene.site.record, &ACTOR, called.id, TEN).await;
    assert!(!again.unwrap(), "the diary knows already");

    let guessed = format!("/avvisi/{}", "0".repeat(32));
    for wrong in [guessed.as_str(), "/avvisi/x"] {
        assert_eq!(scene.site.get(wrong).await.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn when_nobody_is_reached_the_ladder_goes_on_at_once() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await; // Anna, whom nothing reaches
    scene.a_red().await;
    let before = scene.pages().await;
    assert!(
        before.iter().all(|page| page.why != PageWhy::ChannelFailed),
        "{before:?}"
    );
    scene.paging().round().await.unwrap();
    let after = scene.pages().await;
    assert!(after.len() > before.len(), "{after:?}");
    let called: Vec<Callee> = after[before.len()..]
        .iter()
        .map(|page| page.callee)
        .collect();
    assert!(
        called.iter().any(|callee| *callee != Callee::Mmg),
        "{called:?}"
    );
}

#[tokio::test]
async fn without_a_roster_nobody_is_called_and_no_ladder_climbs() {
    let scene = Scene::new().await;
    scene.a_red().await;
    let before = scene.pages().await;
    scene.paging().round().await.unwrap();
    assert_eq!(scene.pages().await, before);
    assert!(scene.sent().await.is_empty());
    let cookie = scene.site.signed_in().await;
    let page = text(scene.site.get_with("/reperibilita", &cookie).await).await;
    assert!(page.contains("Nessuno è in turno"), "{page}");
}

#[tokio::test]
async fn the_page_of_who_is_called_names_the_shift_and_a_channel_that_is_down() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    scene.a_red().await;
    scene.paging().round().await.unwrap();
    // No channel is configured: the SMS cannot go.
    let senders = Arc::new(Senders::open(&veglia_notify::Config::default()).unwrap());
    let clock: Arc<dyn Clock> = scene.site.clock.clone();
    let courier = Courier::new(scene.site.record.clone(), clock, senders, Pace::default());
    courier.round(Channel::Sms).await.unwrap();
    let cookie = scene.site.signed_in().await;
    let page = text(scene.site.get_with("/reperibilita", &cookie).await).await;
    for words in ["Anna", "SMS: gli avvisi non partono", "Non consegnati"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_receipt_that_we_did_not_sign_for_is_nobodys() {
    let scene = Scene::new().await;
    let path = "/consegne/ricevuta?consegna=1&firma=AAAA&esito=1";
    assert_eq!(scene.site.get(path).await.status(), StatusCode::NOT_FOUND);
    let torn = scene.site.get("/consegne/ricevuta?consegna=x").await;
    assert_eq!(torn.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_waits_for_who_is_no_longer_at_home_is_withdrawn_and_not_sent_later() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    scene.family_doctor().await;
    scene.a_red().await;
    scene.paging().round().await.unwrap();
    let record = &scene.site.record;
    assert_eq!(
        veglia_notify::waiting(record, &ACTOR).await.unwrap().len(),
        2
    );
    let hospital = (veglia_triage::Whereabouts::InHospital, TEN);
    let gone = set_standing(record, &ACTOR, scene.patient, hospital, "Ricovero.", TEN).await;
    gone.unwrap();
    scene.paging().round().await.unwrap();
    assert!(scene.sent().await.is_empty());
    assert_eq!(veglia_notify::waiting(record, &ACTOR).await.unwrap(), []);

    let home = (veglia_triage::Whereabouts::AtHome, TEN);
    let back = set_standing(
        record,
        &ACTOR,
        scene.patient,
        home,
        "Errore: era a casa.",
        TEN,
    )
    .await;
    back.unwrap();
    veglia_diary::tick(record, &ACTOR, TEN).await.unwrap();
    scene.paging().round().await.unwrap();
    let sent = scene.sent().await;
    let to: Vec<&str> = sent
        .iter()
        .filter_map(|it| it["recipient"].as_str())
        .collect();
    assert!(to.contains(&"staff:1"), "called anew: {to:?}");
}

#[tokio::test]
async fn a_page_that_is_recalled_before_it_is_passed_on_calls_nobody() {
    let scene = Scene::new().await;
    scene.on_duty(Post::Operator).await;
    scene.reached_by_sms().await;
    scene.a_red().await;
    let away = (veglia_triage::Whereabouts::Deceased, TEN);
    let record = &scene.site.record;
    let gone = set_standing(record, &ACTOR, scene.patient, away, "Telefonata.", TEN).await;
    gone.unwrap();
    scene.paging().round().await.unwrap();
    assert!(scene.sent().await.is_empty());
}
