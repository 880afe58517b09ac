//! What is kept, what waits for a person, and what opens a case; on both engines.

// req: A2

use std::sync::Arc;

use askama::Template;
use tempfile::TempDir;
use veglia_people::Password;
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_store::{Actor, Asked, Database};
use veglia_wire::{CareClock, Clock, WallMs};
use veglia_words::Language;

use crate::book::{self, Arrived, Entry, Way};
use crate::lists::{self, Why};
use crate::receive::{self, Received};
use crate::written::{Fault, Written};
use crate::{
    Desk, Follower, LaboratoryPage, MendPage, Mended, SCHEMA, Shelf, StartDay, Upload, Uploaded,
    WORDS, mend, upload,
};

const TEST: Actor = Actor::System("test");

/// 2020-10-21T09:00:00+02:00
const NOW: WallMs = WallMs(1_603_263_600_000);

mod waiting;

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        NOW
    }
}

#[test]
fn every_word_stands_in_both_languages() {
    let said = veglia_words::proof::of_room(env!("CARGO_MANIFEST_DIR"), &WORDS, &[]);
    assert_eq!(said, "");
}

#[test]
fn the_same_on_postgresql() {
    veglia_trial::again_on_postgresql("the_same_on_postgresql");
}

/// A record, with whoever mends.
struct Room {
    record: Database,
    anna: Staff,
    _folder: TempDir,
}

impl Room {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_notify::SCHEMA,
            veglia_isolation::SCHEMA,
            SCHEMA,
        ];
        let record = veglia_trial::open(&path, &schemas).await;
        let anna = anna(&record).await;
        Self {
            record,
            anna,
            _folder: folder,
        }
    }

    fn desk(&self) -> Desk<'_> {
        Desk {
            record: &self.record,
            who: &self.anna,
            language: Language::It,
            now: NOW,
        }
    }

    async fn send(&self, message: &str) -> String {
        let bytes = message.as_bytes();
        receive::message(&self.record, &TEST, bytes, Received::Whole, NOW).await
    }

    async fn waiting(&self) -> Vec<lists::Waiting> {
        lists::waiting(&self.record, &TEST).await.unwrap().0
    }

    async fn faults(&self) -> Vec<Fault> {
        let waiting = self.waiting().await.into_iter();
        let faults = waiting.flat_map(|it| match it.why {
            Why::Faults(faults) => faults,
            other => panic!("{other:?}"),
        });
        faults.collect()
    }

    /// What became of every result that was passed on, in the order of arrival.
    async fn follow(&self) -> u64 {
        let care = CareClock::real(Arc::new(Still));
        let follower = Follower::new(self.record.clone(), care, StartDay::default());
        let mut all = 0;
        loop {
            match follower.round().await.unwrap() {
                0 => return all,
                many => all += many,
            }
        }
    }
}

async fn anna(record: &Database) -> Staff {
    let account = NewStaff {
        username: "anna".parse().unwrap(),
        name: "Anna Ferri".into(),
        role: Role::Operator,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let username = account.username.clone();
    staff::create(record, &TEST, account, NOW).await.unwrap();
    let anna = staff::by_username(record, &TEST, &username).await;
    anna.unwrap().unwrap()
}

/// A positive of 20 October, with these parts changed.
fn oru(changes: &[(&str, &str)]) -> String {
    let message = "MSH|^~\\&|LIS|SANPROVA|VEGLIA|ATS|20201021080000||ORU^R01^ORU_R01|M1|P|2.5.1\r\
        PID|1||7788^^^SANPROVA^PI~RSSMRA85T10A562S^^^MEF^NN||ROSSI^MARIA||19851210|F|||||\
        ^PRN^CP^^39^333^1234567\r\
        ORC|RE|P1|A1\r\
        OBR|1|P1|A1|94531-1^Tampone^LN|||202010201030|||||||||||||||20201021073000+0200|||F\r\
        OBX|1|CWE|94500-6^SARS-CoV-2 RNA^LN||10828004^Positivo^SCT||||||F\r\
        OBX|2|NM|94746-5^Ct^LN||23.5||||||F\r\
        SPM|1|||258500001^NP^SCT|||||||||||||20201020103000\r";
    changes
        .iter()
        .fold(message.to_owned(), |message, (from, to)| {
            assert!(message.contains(from), "{from}");
            message.replace(from, to)
        })
}

#[track_caller]
fn says(answer: &str, code: &str) {
    let verdict = format!("\rMSA|{code}");
    assert!(answer.contains(&verdict), "{answer:?}");
}

#[tokio::test]
async fn a_positive_is_kept_acknowledged_and_opens_one_case_however_often_it_is_sent() {
    let room = Room::open().await;
    let answer = room.send(&oru(&[])).await;
    says(&answer, "AA|M1");
    assert!(
        answer.starts_with("MSH|^~\\&|VEGLIA|ATS|LIS|SANPROVA|20201021090000+0200||ACK^R01^ACK|"),
        "{answer}"
    );
    assert!(!answer.contains("ERR"), "{answer}");
    says(&room.send(&oru(&[])).await, "AA|M1");
    // Its queue played again: another message, the same result.
    says(
        &room
            .send(&oru(&[("M1|P", "M2|P"), ("080000", "081500")]))
            .await,
        "AA|M2",
    );
    assert_eq!(room.follow().await, 1);
    assert_eq!(room.follow().await, 0);
    assert!(room.waiting().await.is_empty());
    let page = LaboratoryPage::load(room.desk())
        .await
        .unwrap()
        .render()
        .unwrap();
    assert!(
        page.contains("21 h 0 min") && page.contains("\"Misurati\">1</td>"),
        "{page}"
    );
}

#[tokio::test]
async fn what_a_message_says_wrong_is_answered_where_it_is_and_waits_for_a_person() {
    for (changes, code, error, fault) in [
        (
            ("20201020103000\r", "20201320\r"),
            "AE",
            "SPM^1^17|102^^HL70357|E",
            Fault::Taken,
        ),
        (
            ("20201020103000\r", "20301020\r"),
            "AE",
            "SPM^1^17|102^^HL70357|E",
            Fault::Taken,
        ),
        (
            ("94500-6^SARS-CoV-2 RNA^LN", "6690-2^Leucociti^LN"),
            "AE",
            "OBX^1^3|103^^HL70357|E",
            Fault::Test,
        ),
        (
            ("10828004^Positivo", "260385009^Positivo"),
            "AE",
            "OBX^1^5|103^^HL70357|E",
            Fault::Outcome,
        ),
        (
            ("||||||F\rOBX|2", "||||||Q\rOBX|2"),
            "AE",
            "OBX^1^11|103^^HL70357|E",
            Fault::Status,
        ),
        (
            ("RSSMRA85T10A562S", "RSSMRA85T10A562X"),
            "AE",
            "PID^1^3|102^^HL70357|E",
            Fault::Person,
        ),
        (
            ("^PRN^CP^^39^333^1234567", ""),
            "AA",
            "PID^1^13|101^^HL70357|W",
            Fault::PhoneMissing,
        ),
        (
            ("^PRN^CP^^39^333^1234567", "non lo so"),
            "AA",
            "PID^1^13|102^^HL70357|W",
            Fault::Phone,
        ),
    ] {
        let room = Room::open().await;
        let answer = room.send(&oru(&[changes])).await;
        says(&answer, code);
        assert!(answer.contains(&format!("ERR||{error}|")), "{answer:?}");
        assert_eq!(room.faults().await, [fault]);
        room.send(&oru(&[changes, ("M1|P", "M2|P")])).await;
        assert_eq!(room.waiting().await.len(), 1, "{fault:?}");
        assert_eq!(room.follow().await, 0, "{fault:?}");
        // The laboratory sends it right: nobody has to look any more.
        says(&room.send(&oru(&[("M1|P", "M3|P")])).await, "AA");
        assert!(room.waiting().await.is_empty(), "{fault:?}");
        assert_eq!(room.follow().await, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_refused_and_kept_once() {
    let room = Room::open().await;
    for (message, code, error) in [
        (
            "garbage \u{0} of a line".to_owned(),
            "AE|",
            "|100^^HL70357|E",
        ),
        (
            oru(&[("OBX|2", "a note\rOBX|2")]),
            "AE|M1",
            "|100^^HL70357|E",
        ),
        (
            oru(&[("ORU^R01^ORU_R01", "ADT^A01")]),
            "AR|M1",
            "MSH^1^9|200^^HL70357|E",
        ),
        (
            oru(&[("M1|P|", "M1|T|")]),
            "AR|M1",
            "MSH^1^11|202^^HL70357|E",
        ),
        (
            oru(&[("PID|1|", "ZID|1|")]),
            "AE|M1",
            "OBR^1|100^^HL70357|E",
        ),
    ] {
        for _ in 0..2 {
            let answer = room.send(&message).await;
            says(&answer, code);
            assert!(answer.contains(error), "{answer:?}");
        }
    }
    assert_eq!(room.waiting().await.len(), 5);
}

#[tokio::test]
async fn what_is_no_result_is_set_aside_once_with_a_reason_and_looking_is_logged() {
    let room = Room::open().await;
    room.send("garbage \u{0} of a line").await;
    let waiting = room.waiting().await;
    let Entry::Message(id) = waiting[0].entry else {
        panic!("{waiting:?}");
    };
    let (id, desk) = (id.to_string(), room.desk());
    let page = MendPage::load(desk, (Shelf::Messages, &id))
        .await
        .unwrap()
        .unwrap();
    assert!(
        page.render().unwrap().contains("garbage"),
        "what came is shown"
    );
    let press = |why: &str| {
        serde_json::from_value(serde_json::json!({"act": "set-aside", "why": why})).unwrap()
    };
    let refused = mend(desk, (Shelf::Messages, &id), &press(" "))
        .await
        .unwrap();
    assert!(matches!(refused, Mended::Faulty(_)));
    let done = mend(desk, (Shelf::Messages, &id), &press("una prova"))
        .await
        .unwrap();
    assert!(matches!(done, Mended::Done));
    let again = mend(desk, (Shelf::Messages, &id), &press("una prova"))
        .await
        .unwrap();
    assert!(matches!(again, Mended::Unknown));
    assert!(room.waiting().await.is_empty());
    let log = room
        .record
        .accesses(&TEST, Asked::default(), 50)
        .await
        .unwrap();
    assert!(
        log.iter()
            .any(|it| it.subject == format!("laboratory-message-{id}")),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_correction_is_an_entry_of_its_own_and_a_contradiction_waits_for_a_person() {
    let room = Room::open().await;
    room.send(&oru(&[])).await;
    let negative = ("10828004^Positivo", "260385009^Negativo");
    let corrected = ("||||||F\rOBX|2", "||||||C\rOBX|2");
    says(
        &room
            .send(&oru(&[negative, corrected, ("M1|P", "M2|P")]))
            .await,
        "AA|M2",
    );
    assert!(room.waiting().await.is_empty());
    assert_eq!(room.follow().await, 2);
    assert_eq!(
        room.waiting().await.len(),
        1,
        "whoever was positive is called"
    );
    let aside = book::set_aside(&room.record, &TEST, Entry::Result(2), "fatto", NOW);
    assert!(aside.await.unwrap());
    let answer = room.send(&oru(&[("M1|P", "M3|P")])).await;
    says(&answer, "AA|M3");
    assert!(answer.contains("OBX^1^11|207^^HL70357|W"), "{answer}");
    assert_eq!(room.faults().await, [Fault::Contradiction]);
    assert_eq!(room.follow().await, 0);
}

#[tokio::test]
async fn a_positive_that_is_cancelled_waits_for_a_person() {
    let room = Room::open().await;
    room.send(&oru(&[])).await;
    room.send(&oru(&[
        ("||||||F\rOBX|2", "||||||X\rOBX|2"),
        ("M1|P", "M2|P"),
    ]))
    .await;
    assert_eq!(room.follow().await, 2);
    let waiting = room.waiting().await;
    assert!(
        matches!(
            waiting[..],
            [lists::Waiting {
                why: Why::Cancelled,
                ..
            }]
        ),
        "{waiting:?}"
    );
}

#[tokio::test]
async fn several_people_in_one_message_are_several_results() {
    let room = Room::open().await;
    let first = oru(&[]);
    let second = oru(&[
        ("RSSMRA85T10A562S", "STP0301234567890"),
        ("|P1|A1|94531", "|P2|A2|94531"),
        ("10828004^Positivo", "^non rilevato"),
    ]);
    let (_, second) = second.split_once('\r').unwrap();
    says(&room.send(&format!("{first}{second}")).await, "AA");
    assert_eq!(room.follow().await, 2);
    assert!(room.waiting().await.is_empty());
}

#[tokio::test]
async fn letters_come_in_the_characters_that_the_message_declares() {
    let room = Room::open().await;
    let message = oru(&[("|2.5.1", "|2.5.1||||||8859/1"), ("MARIA", "NICOL@")]);
    let bytes: Vec<u8> = message
        .bytes()
        .map(|it| if it == b'@' { 0xD2 } else { it })
        .collect();
    let answer = receive::message(&room.record, &TEST, &bytes, Received::Whole, NOW).await;
    says(&answer, "AA");
    let kept = book::to_pass_on(&room.record, &TEST).await.unwrap();
    assert_eq!(kept[0].as_ref().unwrap().written.name, "NICOLÒ");
    assert_eq!(kept[0].as_ref().unwrap().written.person, "RSSMRA85T10A562S");
    assert_eq!(
        kept[0]
            .as_ref()
            .unwrap()
            .report
            .phone
            .as_ref()
            .unwrap()
            .as_str(),
        "+393331234567"
    );
}

#[tokio::test]
async fn a_missing_phone_is_mended_by_hand_and_the_case_opens() {
    let room = Room::open().await;
    room.send(&oru(&[("^PRN^CP^^39^333^1234567", "")])).await;
    let [
        lists::Waiting {
            entry: Entry::Result(id),
            ..
        },
    ] = room.waiting().await[..]
    else {
        panic!("one result waits");
    };
    let (id, desk) = (id.to_string(), room.desk());
    let opened = lists::open(&room.record, &TEST, Entry::Result(1), NOW)
        .await
        .unwrap()
        .unwrap();
    let mut form = serde_json::to_value(&opened.written).unwrap();
    form["act"] = "mend".into();
    let press = |form: &serde_json::Value| serde_json::from_value(form.clone()).unwrap();
    let still = mend(desk, (Shelf::Results, &id), &press(&form))
        .await
        .unwrap();
    let Mended::Faulty(page) = still else {
        panic!("it is still missing");
    };
    let page = page.render().unwrap();
    assert!(
        page.contains("Manca il telefono") && page.contains("RSSMRA85T10A562S"),
        "{page}"
    );
    form["no_phone"] = "1".into();
    assert!(matches!(
        mend(desk, (Shelf::Results, &id), &press(&form))
            .await
            .unwrap(),
        Mended::Done
    ));
    assert!(room.waiting().await.is_empty());
    assert_eq!(room.follow().await, 1);
    // The laboratory says again what a person has mended.
    room.send(&oru(&[("^PRN^CP^^39^333^1234567", ""), ("M1|P", "M9|P")]))
        .await;
    assert!(room.waiting().await.is_empty());
}

#[tokio::test]
async fn a_sheet_is_shown_before_it_is_kept_and_its_faulty_lines_are_not_lost() {
    let room = Room::open().await;
    let sheet = "campione;codice_fiscale;telefono;prelievo;referto;esame;esito\n\
        A1;RSSMRA85T10A562S;3331234567;20/10/2020 10:30;21/10/2020 07:30;molecolare;positivo\n\
        A2;RSSMRA85T10A562X;3331234567;20/10/2020;;antigenico;boh\n";
    let mut sent = Upload {
        text: sheet.to_owned(),
        laboratory: "SANPROVA".into(),
        act: "preview".into(),
        ..Upload::default()
    };
    let Uploaded::Shown(page) = upload(room.desk(), &sent).await.unwrap() else {
        panic!("it is shown");
    };
    let page = page.render().unwrap();
    for words in [
        "1 riga è giusta",
        "Riga 3:",
        "Il Codice Fiscale",
        "Esito non conosciuto",
        "A1;RSS",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(room.waiting().await.is_empty(), "nothing is written");
    sent.act = "keep".into();
    for _ in 0..2 {
        let kept = upload(room.desk(), &sent).await.unwrap();
        assert!(matches!(kept, Uploaded::Kept(_)));
        assert_eq!(room.faults().await, [Fault::Person, Fault::Outcome]);
    }
    assert_eq!(room.follow().await, 1);
    // What came on a sheet is the same when the laboratory sends it.
    room.send(&oru(&[("ROSSI^MARIA", ""), ("19851210", "")]))
        .await;
    assert_eq!(room.follow().await, 0);
    sent.text = "nome;cognome\n".into();
    let Uploaded::Faulty(page) = upload(room.desk(), &sent).await.unwrap() else {
        panic!("it is no sheet");
    };
    assert!(page.render().unwrap().contains("manca la colonna campione"));
}

#[tokio::test]
async fn what_is_too_long_is_refused_and_its_beginning_is_kept() {
    let room = Room::open().await;
    let message = oru(&[]);
    let bytes = message.as_bytes();
    let answer = receive::message(&room.record, &TEST, bytes, Received::Beginning, NOW).await;
    says(&answer, "AR|M1");
    assert_eq!(room.waiting().await.len(), 1);
    assert_eq!(room.follow().await, 0);
}

#[tokio::test]
async fn a_day_before_the_start_opens_nothing() {
    let room = Room::open().await;
    room.send(&oru(&[("20201020103000\r", "202010192359\r")]))
        .await;
    assert_eq!(room.follow().await, 1);
    let kept = Arrived {
        way: Way::Sheet,
        bytes: b"x",
        laboratory: "",
        control: "",
        unreadable: None,
        at: NOW,
    };
    let nobody = Written::default();
    let kept = book::keep(&room.record, &TEST, &kept, &[nobody])
        .await
        .unwrap();
    assert!(kept.faults[0].contains(&Fault::PersonMissing), "{kept:?}");
}
