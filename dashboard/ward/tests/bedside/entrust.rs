//! Who follows a patient: the page, what its forms write, and when the centre may not let go.

use askama::Template;
use veglia_diary::{assign_device, diary_of, end_assignment};
use veglia_people::care::{self, Holder};
use veglia_people::contacts::{Address, Channel};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Belongs, Hours, Password, PersonId};
use veglia_view::{RuleSet, Verdict, WallMs};
use veglia_ward::{CareForm, CareOutcome, CarePage, PlanDesk, entrust, left_to_the_centre};
use veglia_words::Language;

use crate::support::{self, House, NOW, SETUP, house, low};

const UNIT: &str = "Niguarda Pneumologia";

impl House {
    fn person(&self) -> PersonId {
        let number = i64::try_from(self.maria.get()).expect("a number of a person");
        PersonId::new(number).expect("a number of a person")
    }

    async fn care(&self, role: Role, form: CareForm) -> CareOutcome {
        let rules = RuleSet::shipped();
        let desk = self.desk(&rules, &self.ada, role);
        let done = entrust(desk, self.maria, &form).await;
        done.expect("the record answers")
    }

    async fn care_page(&self, role: Role, language: Language) -> String {
        let rules = RuleSet::shipped();
        let desk = self.desk(&rules, &self.ada, role);
        let page = CarePage::load(PlanDesk { language, ..desk }, self.maria).await;
        let page = page.expect("the record answers");
        page.expect("Maria is on file")
            .render()
            .expect("it renders")
    }

    /// Everything in the diary, and the purposes in the access log.
    async fn written(&self) -> (String, Vec<String>) {
        let all = WallMs(0)..NOW.plus_ms(1);
        let lines = diary_of(&self.record, &SETUP, self.maria, all, 100).await;
        let subject = self.maria.to_string();
        let log = self.record.accesses_to(&SETUP, &subject, None, 100).await;
        let purposes = log.expect("the log answers").into_iter();
        (
            format!("{:?}", lines.expect("the diary answers")),
            purposes.map(|it| it.purpose).collect(),
        )
    }

    /// A doctor of a hospital's unit, and a family doctor, whose number it is.
    async fn colleagues(&self) -> String {
        let doctor = NewStaff {
            username: "olga".parse().expect("a user name"),
            name: "Olga Prova".to_owned(),
            role: Role::HospitalDoctor,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let olga = staff::create(&self.record, &SETUP, doctor, NOW).await;
        let unit = Belongs::Unit(UNIT.parse().expect("a unit"));
        let tied = staff::tie(&self.record, &SETUP, olga.expect("a new name"), &unit).await;
        tied.expect("the account is there");
        let new = NewMmg {
            name: "Dott. Bianchi".to_owned(),
            hours: Hours::always(),
            contacts: vec![Address::new(Channel::Email, "b@prova.example").expect("an address")],
        };
        let doctor = mmg::add(&self.record, &SETUP, &new, NOW).await;
        doctor.expect("a new doctor").to_string()
    }
}

fn form(act: &str, why: &str) -> CareForm {
    CareForm {
        act: act.to_owned(),
        why: why.to_owned(),
        ..CareForm::default()
    }
}

fn ends(holder: &Holder) -> CareForm {
    CareForm {
        holder: holder.to_string(),
        ..form("release", "rientro concluso")
    }
}

#[track_caller]
fn says(outcome: CareOutcome, sentence: &str) {
    let CareOutcome::Faulty(page) = outcome else {
        panic!("it was not refused: {outcome:?}");
    };
    let page = page.render().expect("it renders");
    assert!(page.contains(sentence), "{sentence}: {page}");
}

#[tokio::test]
async fn entrusting_is_in_the_diary_and_in_the_access_log_with_its_reason() {
    let house = house().await;
    let doctor = house.colleagues().await;
    let unit = CareForm {
        unit: UNIT.to_owned(),
        ..form("unit", "  dimessa   oggi ")
    };
    let done = house.care(Role::Nurse, unit.clone()).await;
    assert!(matches!(done, CareOutcome::Written), "{done:?}");
    says(house.care(Role::Nurse, unit).await, "lo segue già");
    let night = CareForm {
        until: "2020-11-22T08:00".to_owned(),
        ..form("out-of-hours", "febbre alta")
    };
    let done = house.care(Role::Doctor, night).await;
    assert!(matches!(done, CareOutcome::Written), "{done:?}");
    let family = CareForm {
        doctor,
        ..form("doctor", "ha cambiato medico")
    };
    let done = house.care(Role::Nurse, family).await;
    assert!(matches!(done, CareOutcome::Written), "{done:?}");

    let (diary, log) = house.written().await;
    for words in [
        "Affidato al reparto Niguarda Pneumologia. Motivo: dimessa oggi",
        "Passato alla Continuità Assistenziale fino al",
        "Motivo: febbre alta",
        "Medico di famiglia da adesso: Dott. Bianchi. Motivo: ha cambiato medico",
    ] {
        assert!(diary.contains(words), "{words}: {diary}");
    }
    assert!(log.iter().all(|it| it == care::PURPOSE), "{log:?}");
    // Each form opens the page and says a word; the refused one only opens it.
    assert_eq!(log.len(), 7, "{log:?}");
    let page = house.care_page(Role::Nurse, Language::It).await;
    for words in [
        "Centrale Medica",
        "Reparto Niguarda Pneumologia",
        "Continuità Assistenziale",
        "Dott. Bianchi",
        "Motivo: dimessa oggi",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let reader = house.care_page(Role::HospitalDoctor, Language::En).await;
    assert!(reader.contains("Unit Niguarda Pneumologia"), "{reader}");
    assert!(!reader.contains("<form"), "who only reads gets no form");
    let ended = ends(&Holder::Unit(UNIT.parse().expect("a unit")));
    let done = house.care(Role::Nurse, ended.clone()).await;
    assert!(matches!(done, CareOutcome::Written), "{done:?}");
    says(house.care(Role::Nurse, ended).await, "già terminato");
    let (diary, _) = house.written().await;
    assert!(
        diary.contains("Non è più affidato al reparto Niguarda Pneumologia. Motivo: rientro"),
        "{diary}"
    );
}

#[tokio::test]
async fn what_is_missing_is_said_and_what_was_typed_comes_back() {
    let house = house().await;
    house.colleagues().await;
    let unit = CareForm {
        unit: UNIT.to_owned(),
        until: "2020-11-01T08:00".to_owned(),
        ..form("unit", "il <b>motivo</b>")
    };
    let outcome = house.care(Role::Nurse, unit.clone()).await;
    let CareOutcome::Faulty(page) = outcome else {
        panic!("an end in the past was written");
    };
    let page = page.render().expect("it renders");
    assert!(page.contains("nel futuro"), "{page}");
    assert!(page.contains("il &#60;b&#62;motivo"), "{page}");
    assert!(page.contains("value=\"2020-11-01T08:00\""), "{page}");
    let reasonless = CareForm {
        why: "  ".to_owned(),
        ..unit.clone()
    };
    says(
        house.care(Role::Nurse, reasonless).await,
        "Scrivere il motivo",
    );
    let elsewhere = CareForm {
        unit: "Un altro reparto".to_owned(),
        ..unit.clone()
    };
    says(
        house.care(Role::Nurse, elsewhere).await,
        "Scegliere un reparto",
    );
    let endless = form("out-of-hours", "per la notte");
    says(house.care(Role::Nurse, endless).await, "fino a quando");
    let nobody = form("doctor", "ha cambiato medico");
    says(house.care(Role::Nurse, nobody).await, "Scegliere un medico");
    for role in [Role::Operator, Role::OutOfHoursDoctor, Role::Mmg] {
        let done = house.care(role, unit.clone()).await;
        assert!(matches!(done, CareOutcome::NotAllowed), "{done:?}");
    }
    let held = care::of(&house.record, &SETUP, house.person()).await;
    assert_eq!(
        held.expect("the record answers").len(),
        1,
        "nothing was written"
    );
}

#[tokio::test]
async fn the_centre_does_not_let_go_while_a_device_or_a_flag_is_open() {
    let house = house().await;
    let device = "nonin:501234".parse().expect("a device");
    let given = assign_device(&house.record, &SETUP, &device, house.maria, NOW, NOW).await;
    let flag = low(house.maria);
    house.say(&[Verdict::Raise(flag.clone())]).await;
    let page = house.care_page(Role::Nurse, Language::It).await;
    assert!(
        page.contains("ha ancora il dispositivo nonin:501234"),
        "{page}"
    );
    assert!(page.contains("c’è una segnalazione aperta"), "{page}");
    says(
        house.care(Role::Nurse, ends(&Holder::Centre)).await,
        "non può smettere",
    );
    let id = given.expect("nobody has it");
    let back = end_assignment(&house.record, &SETUP, id, NOW.plus_ms(1), NOW.plus_ms(1)).await;
    back.expect("it is with her");
    says(
        house.care(Role::Nurse, ends(&Holder::Centre)).await,
        "non può smettere",
    );
    let closed = support::form("close", &flag, 1, "falso allarme");
    assert_eq!(
        house.act(&house.ada, &closed).await,
        veglia_ward::Outcome::Done
    );
    let held = left_to_the_centre(&house.record, &SETUP, house.maria, NOW).await;
    assert_eq!(held.expect("the diary answers"), []);
    let done = house.care(Role::Nurse, ends(&Holder::Centre)).await;
    assert!(matches!(done, CareOutcome::Released), "{done:?}");
    let (diary, _) = house.written().await;
    assert!(diary.contains("La Centrale non lo segue più."), "{diary}");
}
