//! A centre in which two thousand patients have something open: what the page of a handover asks of
//! the record grows with what it shows. Transactions are counted, not time.
//!
//! One test alone in its program: the counter hears every connection.

// req: B17

use askama::Template;
use tempfile::TempDir;
use veglia_diary::record_verdicts;
use veglia_handover::{Desk, Form, Kind, NightPage, WritingPage, Written};
use veglia_people::PersonId;
use veglia_people::care::{self, Holder};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{CodiceFiscale, Hours, Party, Password};
use veglia_store::{Actor, Database};
use veglia_trial::Transactions;
use veglia_view::{
    About, Evidence, Flag, FlagId, How, HttpView, PatientId, RuleSet, Severity, Standing, Trigger,
    Verdict, VitalKind, WallMs,
};
use veglia_words::Language;

/// 2020-11-20 21:00:00 in Rome, a Friday: the night has begun.
const NOW: WallMs = WallMs(1_605_902_400_000);
const SETUP: Actor = Actor::System("test");

/// Patients on the page of a handover, and on that of the night.
const WRITTEN: usize = 60;
const READ: usize = 180;

/// What a page asks for each patient on it: the sheet, the plan, and where they live.
const PER_LINE: usize = 3;

/// What it asks besides.
const BESIDES: usize = 20;

struct Centre {
    record: Database,
    view: HttpView,
    rules: RuleSet,
    anna: Staff,
    nora: Staff,
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

async fn employ(record: &Database, username: &str, role: Role) -> Staff {
    let username: staff::Username = username.parse().expect("a user name");
    let account = NewStaff {
        username: username.clone(),
        name: "Ferri Anna".to_owned(),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let made = staff::create(record, &SETUP, account, NOW).await;
    made.expect("an account");
    let found = staff::by_username(record, &SETUP, &username).await;
    found.expect("the record answers").expect("it was made")
}

fn red(patient: PatientId) -> Flag {
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

impl Centre {
    /// So many patients, each with a red, all of them given for the night.
    async fn with(patients: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_handover::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let nora = employ(&record, "nora", Role::OutOfHoursDoctor).await;
        let shift = Shift {
            post: Post::OutOfHours,
            party: Party::Staff(nora.id),
            hours: Hours::always(),
            period: Period {
                from: NOW,
                until: None,
            },
        };
        let added = duty::add_shift(&record, &SETUP, &shift).await;
        added.expect("she is on file");
        let mut verdicts = Vec::new();
        for number in 0..patients {
            let id = register(&record, number).await;
            verdicts.push(Verdict::Raise(red(PatientId::new(id.get().unsigned_abs()))));
        }
        let written = record_verdicts(&record, &SETUP, &verdicts, NOW).await;
        written.expect("the diary takes them");
        Self {
            view: HttpView::new(&folder.path().join("nobody.sock")),
            rules: RuleSet::shipped(),
            anna: employ(&record, "anna", Role::Nurse).await,
            nora,
            record,
            _folder: folder,
        }
    }

    fn desk<'a>(&'a self, who: &'a Staff) -> Desk<'a> {
        Desk {
            view: &self.view,
            record: &self.record,
            rules: &self.rules,
            promised: Some(&[]),
            who,
            language: Language::It,
            now: NOW,
        }
    }

    /// The page on which a handover is written, and how many transactions it takes.
    async fn writing(&self, transactions: &Transactions) -> (String, usize) {
        let before = transactions.so_far();
        let page = WritingPage::load(self.desk(&self.anna), Kind::Shift).await;
        let page = page.expect("the record answers").expect("she may write");
        let cost = transactions.so_far() - before;
        (page.render().expect("it renders"), cost)
    }

    /// The page of whoever watches at night.
    async fn tonight(&self, transactions: &Transactions) -> (String, usize) {
        let before = transactions.so_far();
        let page = NightPage::load(self.desk(&self.nora)).await;
        let page = page.expect("the record answers");
        let cost = transactions.so_far() - before;
        (page.render().expect("it renders"), cost)
    }
}

async fn register(record: &Database, number: usize) -> PersonId {
    let person = NewPerson {
        name: letters(number),
        surname: "Rossi".to_owned(),
        codice_fiscale: code(number),
        phone: "+390212345678".parse().expect("a number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(record, &SETUP, &person, NOW).await;
    let id = id.expect("nobody has this code yet");
    let (holder, night) = (Holder::OutOfHours, (NOW, Some(NOW.plus_ms(3_600_000))));
    let given = care::entrust(record, &SETUP, id, &holder, night, "").await;
    given.expect("they are on file");
    id
}

/// What a field of a page holds.
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).expect("it is in the page");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn two_thousand_patients_cost_a_handover_no_more_than_a_page_of_them() {
    let transactions = Transactions::counted();
    let few = Centre::with(200).await;
    let many = Centre::with(2_000).await;
    let (_, of_few) = few.writing(&transactions).await;
    let (page, of_many) = many.writing(&transactions).await;
    assert!(of_few > WRITTEN, "they are counted: {of_few}");
    assert!(of_few <= PER_LINE * WRITTEN + BESIDES, "{of_few}");
    // Names are asked for five hundred at a time.
    assert!(
        of_many <= of_few + 4,
        "{of_few} of 200 patients, {of_many} of 2,000"
    );
    assert_eq!(page.matches("class=\"panel handover-line").count(), WRITTEN);
    assert!(
        page.contains("Altri 1940 pazienti") || page.contains("1.940"),
        "{page}"
    );
    let (page_of_night, of_night) = many.tonight(&transactions).await;
    assert!(of_night <= PER_LINE * READ + BESIDES, "{of_night}");
    assert_eq!(
        page_of_night.matches("class=\"panel handover-line").count(),
        READ
    );

    // What can be shown can be written, however many reds are left out.
    let own = ["change", "seen", "shown"].map(|name| (name.to_owned(), hidden(&page, name)));
    let words = ("words".to_owned(), "Molti rossi".to_owned());
    let form = Form::from(
        own.into_iter()
            .chain([words])
            .collect::<std::collections::BTreeMap<_, _>>(),
    );
    let written = veglia_handover::write(many.desk(&many.anna), Kind::Shift, &form).await;
    assert!(matches!(
        written.expect("the record answers"),
        Written::Done(_)
    ));
}
