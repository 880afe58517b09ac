//! A family doctor with fifteen hundred patients: what a page asks of the record grows with what
//! it shows, not with how many patients there are. Transactions are counted, not time.
//!
//! One test alone in its program: the counter hears every connection.

// req: B3

use tempfile::TempDir;
use veglia_diary::{record_verdicts, set_standing};
use veglia_doctor::{Desk, InboxPage, InboxQuery};
use veglia_people::contacts::{Address, Channel};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, CodiceFiscale, Hours, MmgId, Password};
use veglia_store::{Actor, Database};
use veglia_trial::Transactions;
use veglia_view::{
    About, Evidence, Flag, FlagId, How, HttpView, PatientId, Severity, Standing, Trigger, Verdict,
    VitalKind, WallMs, Whereabouts,
};
use veglia_words::Language;

/// 20 October 2020, 10:00 in Milano.
const NOW: WallMs = WallMs(1_603_180_800_000);
const SETUP: Actor = Actor::System("test");

/// Alerts that a page shows: it reads the diary of each one's patient.
const SHOWN: usize = 60;

/// What a page asks besides: whose patients, their names, flags and whereabouts, who signs, and
/// that all this is read.
const BESIDES: usize = 15;

struct Surgery {
    record: Database,
    doctor: Staff,
    view: HttpView,
    _folder: TempDir,
}

/// A number as letters of a code: `AAA`, `AAB`.
fn letters(number: usize) -> String {
    let letter = |place: usize| char::from(b'A' + u8::try_from(place % 26).expect("below 26"));
    [number / 676, number / 26, number]
        .map(letter)
        .iter()
        .collect()
}

fn code(number: usize) -> CodiceFiscale {
    let front = format!("{}{}80A01F205", letters(number), letters(number * 7 + 1));
    let mut checks = b'A'..=b'Z';
    let found = checks.find_map(|check| format!("{front}{}", char::from(check)).parse().ok());
    found.expect("one check letter is right")
}

async fn register(record: &Database, number: usize, doctor: MmgId) -> PatientId {
    let person = NewPerson {
        name: letters(number),
        surname: "Rossi".to_owned(),
        codice_fiscale: code(number),
        phone: "+390212345678".parse().expect("a number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(record, &SETUP, &person, NOW).await;
    let id = id.expect("nobody has this code yet");
    let assigned = mmg::assign(record, &SETUP, id, doctor, NOW).await;
    assigned.expect("both are on file");
    PatientId::new(id.get().unsigned_abs())
}

/// A doctor with so many patients, of whom so many have an alert.
async fn surgery(patients: usize, alerts: usize) -> Surgery {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_notify::SCHEMA,
        veglia_doctor::SCHEMA,
    ];
    let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
    let username: staff::Username = "bianchi".parse().expect("a user name");
    let account = NewStaff {
        username: username.clone(),
        name: "Dott. Bianchi".to_owned(),
        role: Role::Mmg,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(&record, &SETUP, account, NOW).await;
    let new = NewMmg {
        name: "Dott. Bianchi".to_owned(),
        hours: Hours::always(),
        contacts: vec![Address::new(Channel::Email, "m@prova.example").expect("an address")],
    };
    let mmg = mmg::add(&record, &SETUP, &new, NOW).await;
    let mmg = mmg.expect("the doctor is written");
    let id = made.expect("the name is free");
    let tied = staff::tie(&record, &SETUP, id, &Belongs::Mmg(mmg)).await;
    tied.expect("the account is there");
    let doctor = staff::by_username(&record, &SETUP, &username).await;
    let doctor = doctor.expect("the record answers").expect("it was made");
    let mut verdicts = Vec::new();
    for number in 0..patients {
        let patient = register(&record, number, mmg).await;
        if verdicts.len() < alerts {
            verdicts.push(Verdict::Raise(flag(patient)));
        }
        if number == 0 {
            let place = (Whereabouts::InHospital, NOW);
            let said = set_standing(&record, &SETUP, patient, place, "Saturazione", NOW).await;
            said.expect("it is so now");
        }
    }
    let written = record_verdicts(&record, &SETUP, &verdicts, NOW).await;
    written.expect("the diary takes them");
    Surgery {
        view: HttpView::new(&folder.path().join("nobody.sock")),
        record,
        doctor,
        _folder: folder,
    }
}

fn flag(patient: PatientId) -> Flag {
    let id = "00000000000000aa-850".parse().expect("a record id");
    let first = Evidence::reading(id, VitalKind::SpO2, 850, NOW);
    Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().expect("a rule's name"),
            rule_set: "home-2020-1".parse().expect("a rule set's name"),
            trigger: Trigger::Record(first.id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: NOW,
        evidence: vec![first],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: NOW,
        },
        late: false,
        telling: 1,
    }
}

impl Surgery {
    /// How many transactions the list of alerts takes.
    async fn costs(&self, transactions: &Transactions) -> usize {
        let before = transactions.so_far();
        let desk = Desk {
            view: &self.view,
            record: &self.record,
            who: &self.doctor,
            now: NOW,
            language: Language::It,
        };
        let page = InboxPage::load(desk, &InboxQuery::default()).await;
        page.expect("the record answers");
        transactions.so_far() - before
    }
}

#[tokio::test]
async fn the_list_of_fifteen_hundred_patients_asks_as_much_as_that_of_a_hundred() {
    let transactions = Transactions::counted();
    let few = surgery(100, 80).await.costs(&transactions).await;
    let many = surgery(1_500, 200).await.costs(&transactions).await;
    assert!(few > SHOWN, "they are counted: {few}");
    assert!(few <= SHOWN + BESIDES, "{few} of 100 patients");
    assert_eq!(many, few, "of 1,500 patients, of 100");
}
