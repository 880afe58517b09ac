//! Putting patients on file, on both databases: everything or nothing, nobody twice, and what they
//! agreed to.
// req: B3

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{assignments, plan_of};
use veglia_enrol::{
    ConsentForm, ConsentOutcome, ConsentsPage, EnrolDesk, EnrolForm, EnrolOutcome, Item, consent,
    enrol, write_consent,
};
use veglia_people::care::{self, Holder, Relation};
use veglia_people::contacts::{Address, Channel};
use veglia_people::duty::mmg_of;
use veglia_people::mmg::{self, NewMmg};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, Hours, Password, PersonId, patients};
use veglia_store::{Actor, Database};
use veglia_view::{PatientId, WallMs};
use veglia_words::Language;

/// 2020-11-21 14:12:00 in Rome.
const NOW: WallMs = WallMs(1_605_964_320_000);

const SETUP: Actor = Actor::System("test");

struct House {
    record: Database,
    _folder: TempDir,
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_enrol::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        Self {
            record,
            _folder: folder,
        }
    }

    async fn employ(&self, name: &str, role: Role, belongs: Option<Belongs>) -> Staff {
        let account = NewStaff {
            username: name.parse().expect("a name"),
            name: name.to_owned(),
            role,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let username = account.username.clone();
        let id = staff::create(&self.record, &SETUP, account, NOW).await;
        if let Some(belongs) = belongs {
            let tied = staff::tie(&self.record, &SETUP, id.expect("an account"), &belongs);
            tied.await.expect("a tie");
        }
        let found = staff::by_username(&self.record, &SETUP, &username).await;
        found.expect("the record answers").expect("they are there")
    }

    async fn nurse(&self) -> Staff {
        self.employ("anna", Role::Nurse, None).await
    }

    async fn of_unit(&self, name: &str, unit: &str) -> Staff {
        let unit = Belongs::Unit(unit.parse().expect("a unit"));
        self.employ(name, Role::HospitalDoctor, Some(unit)).await
    }

    fn desk<'a>(&'a self, who: &'a Staff) -> EnrolDesk<'a> {
        EnrolDesk {
            record: &self.record,
            who,
            language: Language::It,
            now: NOW,
        }
    }

    async fn enrolled(&self, who: &Staff, form: &EnrolForm) -> PatientId {
        match enrol(self.desk(who), form).await.expect("it is judged") {
            EnrolOutcome::Enrolled(patient) => patient,
            EnrolOutcome::Faulty(page) | EnrolOutcome::Known(page) => {
                panic!("{}", page.render().expect("it renders"))
            }
            EnrolOutcome::Joined(_) | EnrolOutcome::NotAllowed => panic!("not put on file"),
        }
    }

    /// The form again, as it is read.
    async fn again(&self, who: &Staff, form: &EnrolForm) -> String {
        match enrol(self.desk(who), form).await.expect("it is judged") {
            EnrolOutcome::Faulty(page) | EnrolOutcome::Known(page) => {
                page.render().expect("it renders")
            }
            _ => panic!("it was taken"),
        }
    }

    async fn on_file(&self, code: &str) -> Option<PersonId> {
        let code = code.parse().expect("a code");
        let found = patients::number_of(&self.record, &SETUP, &code).await;
        found.expect("the record answers")
    }
}

/// A whole form, with these fields in place of its own.
fn form(other: &[(&str, &str)]) -> EnrolForm {
    let mut fields: serde_json::Map<_, _> = [
        ("code", "RSSMRA85M01H501Q"),
        ("surname", "Rossi"),
        ("name", "Maria"),
        ("phone", "333 1234567"),
        ("address", "Via di Prova 1, 20100 Milano"),
        ("template", "home-covid"),
        ("device1", "nonin:501234"),
        ("information", "si"),
        ("telemonitoring", "si"),
        ("how", "signed"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.into()))
    .collect();
    for (name, value) in other {
        fields.insert((*name).to_owned(), (*value).into());
    }
    serde_json::from_value(fields.into()).expect("a form")
}

fn person_of(patient: PatientId) -> PersonId {
    let number = i64::try_from(patient.get()).expect("a number of a person");
    PersonId::new(number).expect("a number of a person")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_put_on_file_has_plan_device_doctor_and_consents_at_once() {
    let house = House::new().await;
    let nurse = house.nurse().await;
    let doctor = NewMmg {
        name: "Dott. Bianchi".to_owned(),
        hours: Hours::always(),
        contacts: vec![Address::new(Channel::Email, "m@prova.example").expect("an address")],
    };
    let doctor = mmg::add(&house.record, &SETUP, &doctor, NOW).await;
    let doctor = doctor.expect("a doctor");
    let named = format!("Dott. Bianchi ({doctor})");
    let patient = house.enrolled(&nurse, &form(&[("doctor", &named)])).await;
    let person = person_of(patient);

    let plan = plan_of(&house.record, &SETUP, patient).await;
    assert!(plan.expect("plans are read").is_some());
    let devices = assignments(&house.record, &SETUP).await;
    let devices = devices.expect("devices are read");
    let device = "nonin:501234".parse().expect("a device");
    assert_eq!(devices.of_device(&device).count(), 1);
    let whose = mmg_of(&house.record, &SETUP, person, NOW).await;
    assert!(whose.expect("doctors are read").is_some());
    let said = consent::of(&house.record, &SETUP, person, NOW).await;
    let said = said.expect("consents are read");
    let given: Vec<_> = said
        .iter()
        .filter(|it| it.given)
        .map(|it| it.item)
        .collect();
    assert_eq!(given, [Item::Telemonitoring, Item::Information]);
    assert!(said.iter().all(|it| it.by == nurse.actor().to_string()));
    let may = care::may_read(&house.record, &nurse, person, NOW).await;
    assert_eq!(may.expect("the record answers"), Ok(Relation::Centre));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_somebody_has_leaves_nothing_half_written() {
    let house = House::new().await;
    let nurse = house.nurse().await;
    house.enrolled(&nurse, &form(&[])).await;
    let other = form(&[("code", "CCCFBA85D03L219P"), ("surname", "Verdi")]);
    let page = house.again(&nurse, &other).await;
    assert!(page.contains("ancora di un’altra persona"), "{page}");
    assert!(page.contains(r#"value="Verdi""#), "what was typed is kept");
    assert_eq!(house.on_file("CCCFBA85D03L219P").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_put_on_file_twice_and_the_centre_is_led_to_their_page() {
    let house = House::new().await;
    let nurse = house.nurse().await;
    let patient = house.enrolled(&nurse, &form(&[])).await;
    let page = house.again(&nurse, &form(&[("device1", "")])).await;
    assert!(page.contains("già registrata"), "{page}");
    assert!(page.contains(&format!("/pazienti/{patient}")), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_discharges_somebody_and_follows_them_from_then_on() {
    let house = House::new().await;
    let olga = house.of_unit("olga", "Pneumologia").await;
    let why = [("template", "post-discharge"), ("why", "Polmonite")];
    let patient = house.enrolled(&olga, &form(&why)).await;
    let person = person_of(patient);
    let may = care::may_read(&house.record, &olga, person, NOW).await;
    assert_eq!(may.expect("the record answers"), Ok(Relation::Hospital));
    let held = care::of(&house.record, &SETUP, person).await;
    let held = held.expect("relations are read");
    let unit = held.iter().find(|it| it.holder == "unit:Pneumologia");
    assert_eq!(unit.map(|it| it.why.as_str()), Some("Polmonite"));
    assert!(
        held.iter()
            .any(|it| it.holder == Holder::Centre.to_string())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_is_entrusted_with_whom_it_names_rightly_and_learns_nothing_of_others() {
    let house = House::new().await;
    let nurse = house.nurse().await;
    let patient = house.enrolled(&nurse, &form(&[])).await;
    let person = person_of(patient);
    let olga = house.of_unit("olga", "Pneumologia").await;
    let wrong = form(&[("surname", "Bianchi"), ("device1", "")]);
    let page = house.again(&olga, &wrong).await;
    assert!(page.contains("un altro nome"), "{page}");
    assert!(!page.contains(&patient.to_string()), "{page}");
    let may = care::may_read(&house.record, &olga, person, NOW).await;
    assert!(may.expect("the record answers").is_err());

    let mut right = vec![("surname", " ROSSI "), ("device1", "nonin:501235")];
    let page = house.again(&olga, &form(&right)).await;
    assert!(
        page.contains("scrivere perché la prende in carico"),
        "{page}"
    );
    right.push(("why", "Polmonite"));
    let right = form(&right);
    let outcome = enrol(house.desk(&olga), &right)
        .await
        .expect("it is judged");
    assert!(matches!(outcome, EnrolOutcome::Joined(it) if it == patient));
    let devices = assignments(&house.record, &SETUP).await;
    let device = "nonin:501235".parse().expect("a device");
    assert_eq!(
        devices
            .expect("devices are read")
            .of_device(&device)
            .count(),
        1
    );
    let held = care::of(&house.record, &SETUP, person).await;
    let held = held.expect("relations are read");
    assert_eq!(held.len(), 2, "the centre has followed them all along");
    let may = care::may_read(&house.record, &olga, person, NOW).await;
    assert_eq!(may.expect("the record answers"), Ok(Relation::Hospital));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_no_plans_puts_nobody_on_file() {
    let house = House::new().await;
    for role in [Role::Operator, Role::Mmg, Role::Admin] {
        let who = house.employ(role.code(), role, None).await;
        let outcome = enrol(house.desk(&who), &form(&[])).await;
        assert!(matches!(outcome, Ok(EnrolOutcome::NotAllowed)), "{role:?}");
    }
    assert_eq!(house.on_file("RSSMRA85M01H501Q").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_withdrawn_says_what_a_person_has_to_do_and_stays_in_the_history() {
    let house = House::new().await;
    let nurse = house.nurse().await;
    let patient = house.enrolled(&nurse, &form(&[])).await;
    let said = |said: &str, how: &str| -> ConsentForm {
        let form = serde_json::json!({"item": "telemonitoring", "said": said, "how": how});
        serde_json::from_value(form).expect("a form")
    };
    let faulty = write_consent(house.desk(&nurse), patient, &said("withdrawn", "")).await;
    assert!(matches!(faulty, Ok(ConsentOutcome::Faulty(_))));
    let withdrawn = said("withdrawn", "telephone");
    let written = write_consent(house.desk(&nurse), patient, &withdrawn).await;
    assert!(matches!(written, Ok(ConsentOutcome::Written)));
    let page = ConsentsPage::load(house.desk(&nurse), patient, true).await;
    let page = page.expect("it is made").expect("they are known");
    let page = page.render().expect("it renders");
    assert!(page.contains("chiudere il piano"), "{page}");
    assert!(page.contains("sì alla versione 1"), "{page}");
    assert!(page.contains("al telefono"), "{page}");
}

#[test]
fn all_of_it_holds_on_postgresql() {
    veglia_trial::again_on_postgresql("all_of_it_holds_on_postgresql");
}
