//! The rights of a patient as pages and files, on both databases: hiding an event leaves no trace
//! on the page, and the patient's own copy is whole.

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{LINES_MAX, diary_of, whole_diary_of, write_note};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Password, PersonId};
use veglia_privacy::{Desk, HidingForm, HidingOutcome, HidingPage, OwnCopy, hiding};
use veglia_store::{Access, Actor, Database};
use veglia_view::{PatientId, WallMs};
use veglia_words::Language;

const SETUP: Actor = Actor::System("test");

/// 2020-11-21 14:12:00 in Rome.
const NOW: WallMs = WallMs(1_605_964_320_000);

/// Two days later, when what was written then may be hidden.
const LATER: WallMs = WallMs(NOW.0 + 2 * 86_400_000);

const SECRET: &str = "Ne parlerà con il consultorio.";

struct House {
    record: Database,
    patient: PatientId,
    _folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_enrol::SCHEMA,
            veglia_privacy::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let maria = NewPerson {
            name: "Maria".to_owned(),
            surname: "Rossi".to_owned(),
            codice_fiscale: "RSSMRA85T10A562S".parse().expect("a code"),
            phone: "+39 333 1234567".parse().expect("a number"),
            address: "via Larga 1".to_owned(),
        };
        let person: PersonId = patients::register(&record, &SETUP, &maria, NOW)
            .await
            .expect("on file");
        Self {
            record,
            patient: PatientId::new(person.get().unsigned_abs()),
            _folder: folder,
        }
    }

    async fn employ(&self, name: &str, role: Role) -> Staff {
        let account = NewStaff {
            username: name.parse().expect("a name"),
            name: name.to_owned(),
            role,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let username = account.username.clone();
        let made = staff::create(&self.record, &SETUP, account, NOW).await;
        made.expect("an account");
        let found = staff::by_username(&self.record, &SETUP, &username).await;
        found.expect("the record answers").expect("they are there")
    }

    fn desk<'a>(&'a self, who: &'a Staff) -> Desk<'a> {
        Desk {
            record: &self.record,
            who,
            language: Language::It,
            now: LATER,
        }
    }

    async fn note(&self, by: &Staff, words: &str, at: WallMs) {
        let by = by.actor();
        let written = write_note(&self.record, &by, self.patient, None, words, at).await;
        written.expect("written");
    }

    async fn page(&self, who: &Staff) -> String {
        let page = HidingPage::load(self.desk(who), self.patient).await;
        let page = page.expect("the record answers").expect("on file");
        page.render().expect("it renders")
    }

    async fn copy(&self, by: &Actor) -> String {
        let copy = OwnCopy::begin(&self.record, by, self.patient, NOW).await;
        let mut copy = copy.expect("the record answers").expect("on file");
        let mut text = String::new();
        while let Some(piece) = copy.piece().await.expect("the record answers") {
            text.push_str(&piece);
        }
        text
    }
}

/// A form as a browser sends it.
fn form(fields: &[(&str, &str)]) -> HidingForm {
    let fields = fields.iter().map(|(name, value)| {
        (
            (*name).to_owned(),
            serde_json::Value::String((*value).to_owned()),
        )
    });
    let fields = serde_json::Value::Object(fields.collect());
    serde_json::from_value(fields).expect("a form")
}

/// The value of the hidden field before the button of the line with these words.
fn named(page: &str, words: &str) -> String {
    let before = page.split(words).next().expect("the line is there");
    let name = before.rsplit("name=\"name\" value=\"").next();
    let name = name.and_then(|it| it.split('"').next());
    name.expect("a number").to_owned()
}

#[tokio::test]
async fn hiding_gives_a_code_once_and_the_page_is_as_if_nothing_had_been() {
    let house = House::new().await;
    let nurse = house.employ("anna", Role::Nurse).await;
    let doctor = house.employ("bruno", Role::Doctor).await;
    let other = house.employ("carla", Role::Nurse).await;
    house.note(&doctor, "Sta bene.", NOW).await;
    let never = house.page(&nurse).await;
    house.note(&doctor, SECRET, NOW).await;
    let entry = named(&house.page(&nurse).await, SECRET);

    let asked = form(&[("act", "entry"), ("name", &entry)]);
    let hidden = hiding(house.desk(&nurse), house.patient, &asked).await;
    let Ok(HidingOutcome::Hidden(sheet)) = hidden else {
        panic!("it was not hidden");
    };
    let sheet = sheet.render().expect("it renders");
    let code = sheet.split("<strong>").nth(1).expect("a code");
    let code = code.split('<').next().expect("a code");
    assert_eq!(house.page(&nurse).await, never);
    assert!(house.page(&doctor).await.contains(SECRET), "his own words");

    // What stands in the log of accesses does not tell either.
    let subject = house.patient.to_string();
    let log = house.record.accesses_to(&SETUP, &subject, None, 50).await;
    let log = log.expect("the log").into_iter();
    let purposes: Vec<String> = log.map(|it| it.purpose).collect();
    assert!(!purposes.is_empty());
    assert!(
        purposes.iter().all(|it| it == "patient.rights"),
        "{purposes:?}"
    );

    let again = hiding(house.desk(&other), house.patient, &asked).await;
    assert!(
        matches!(again, Ok(HidingOutcome::Refused(_))),
        "it never was"
    );
    let wrong = form(&[("act", "show"), ("code", "0000-0000-0000")]);
    let wrong = hiding(house.desk(&nurse), house.patient, &wrong).await;
    assert!(matches!(wrong, Ok(HidingOutcome::Refused(_))));
    let right = form(&[("act", "show"), ("code", code)]);
    let right = hiding(house.desk(&nurse), house.patient, &right).await;
    assert!(matches!(right, Ok(HidingOutcome::Shown(_))));
    assert!(house.page(&nurse).await.contains(SECRET));
}

#[tokio::test]
async fn a_second_press_answers_as_the_first_and_its_sheet_shows_all_again() {
    let house = House::new().await;
    let nurse = house.employ("anna", Role::Nurse).await;
    let doctor = house.employ("bruno", Role::Doctor).await;
    house.note(&doctor, SECRET, NOW).await;
    let entry = named(&house.page(&nurse).await, SECRET);
    let asked = form(&[("act", "entry"), ("name", &entry)]);
    let mut sheets = Vec::new();
    for press in 0..2 {
        let hidden = hiding(house.desk(&nurse), house.patient, &asked).await;
        let Ok(HidingOutcome::Hidden(sheet)) = hidden else {
            panic!("press {press}");
        };
        sheets.push(sheet.render().expect("it renders"));
        assert!(!house.page(&nurse).await.contains(SECRET));
    }
    let code = sheets[1].split("<strong>").nth(1).expect("a code");
    let code = code.split('<').next().expect("a code");
    let right = form(&[("act", "show"), ("code", code)]);
    let right = hiding(house.desk(&nurse), house.patient, &right).await;
    assert!(matches!(right, Ok(HidingOutcome::Shown(_))));
    assert!(house.page(&nurse).await.contains(SECRET));
}

#[tokio::test]
async fn what_was_written_in_the_last_day_is_refused_with_a_sentence() {
    let house = House::new().await;
    let nurse = house.employ("anna", Role::Nurse).await;
    house.note(&nurse, SECRET, LATER.plus_ms(-60_000)).await;
    let entry = named(&house.page(&nurse).await, SECRET);
    let asked = form(&[("act", "entry"), ("name", &entry)]);
    let done = hiding(house.desk(&nurse), house.patient, &asked).await;
    let Ok(HidingOutcome::Refused(page)) = done else {
        panic!("it was not refused");
    };
    let page = page.render().expect("it renders");
    assert!(page.contains("delle ultime 24 ore"), "{page}");
    assert!(page.contains(SECRET));
}

#[tokio::test]
async fn a_form_of_no_page_is_refused_with_a_sentence() {
    let house = House::new().await;
    let nurse = house.employ("anna", Role::Nurse).await;
    for (fields, says) in [
        (vec![], "scegliere un evento"),
        (vec![("act", "entry"), ("name", "99")], "non ha un evento"),
        (
            vec![
                ("act", "period"),
                ("from", "2020-11-21"),
                ("until", "2020-11-22"),
            ],
            "da almeno 24 ore",
        ),
        (
            vec![("act", "period"), ("from", "2020-11-20"), ("until", "")],
            "scegliere un evento",
        ),
    ] {
        let done = hiding(house.desk(&nurse), house.patient, &form(&fields)).await;
        let Ok(HidingOutcome::Refused(page)) = done else {
            panic!("{fields:?}");
        };
        let page = page.render().expect("it renders");
        assert!(page.contains(says), "{says}");
    }
}

#[tokio::test]
async fn the_own_copy_is_whole_and_names_no_worker() {
    let house = House::new().await;
    let nurse = house.employ("annabella", Role::Nurse).await;
    let lines = usize::try_from(LINES_MAX).expect("a size") + 300;
    for number in 0..lines {
        // Three of each moment, so that pages end within one.
        let at = NOW.plus_ms(-i64::try_from(number / 3).expect("a number"));
        house.note(&nurse, &format!("riga {number}."), at).await;
    }
    house.note(&nurse, SECRET, NOW.plus_ms(1)).await;
    let entry = named(&house.page(&nurse).await, SECRET);
    let asked = form(&[("act", "entry"), ("name", &entry)]);
    let hidden = hiding(house.desk(&nurse), house.patient, &asked).await;
    assert!(matches!(hidden, Ok(HidingOutcome::Hidden(_))));
    let looks = Access {
        at_ms: NOW.0,
        purpose: "patient.page",
        subject: &house.patient.to_string(),
    };
    let looked = house.record.log_access(&nurse.actor(), looks).await;
    looked.expect("the log takes it");

    let text = house.copy(&Actor::Command("root".to_owned())).await;
    let copy: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let diary = copy["diary"].as_array().expect("lines");
    assert_eq!(diary.len(), lines + 1);
    for number in 0..lines {
        assert!(text.contains(&format!("\"riga {number}.\"")), "{number}");
    }
    let all = WallMs(0)..WallMs(i64::MAX);
    let read = diary_of(&house.record, &SETUP, house.patient, all.clone(), 1).await;
    let whole = whole_diary_of(&house.record, &SETUP, house.patient, all, 1).await;
    assert_ne!(
        read.expect("the diary"),
        whole.expect("the diary"),
        "hidden"
    );
    assert!(text.contains(SECRET), "the patient's own copy has it");
    assert_eq!(copy["person"]["codice_fiscale"], "RSSMRA85T10A562S");
    let seen = copy["seen_by"].as_array().expect("looks");
    let look = seen
        .iter()
        .find(|it| it["why"] == "patient.page")
        .expect("a look");
    assert_eq!(look["unit"], "Centrale Medica");
    assert_eq!(look["role"], "infermiere");
    assert!(
        seen.iter().any(|it| it["why"] == "patient.copy"),
        "the copy itself"
    );
    for worker in ["annabella", "staff:", "command:", "root"] {
        assert!(!text.contains(worker), "{worker}");
    }
}

#[test]
fn rights_hold_on_postgresql_too() {
    veglia_trial::again_on_postgresql("rights_hold_on_postgresql_too");
}
