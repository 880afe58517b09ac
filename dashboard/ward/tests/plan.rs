//! The plan as a page: what is typed is written or comes back whole, of two who write one is told,
//! and the history says in words what changed.

// req: G7, G8

use std::collections::BTreeMap;

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{plan_of, plans_of};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Password, patients};
use veglia_store::{Actor, Database};
use veglia_view::{OxygenScale, PatientId, RuleSet, WallMs};
use veglia_ward::{Language, PlanDesk, PlanForm, PlanOutcome, PlanPage, StandForm, plan, stand};

/// 2020-11-21 14:12:00 in Rome.
const NOW: WallMs = WallMs(1_605_964_320_000);
const SETUP: Actor = Actor::System("test");

struct House {
    _folder: TempDir,
    record: Database,
    rules: RuleSet,
    maria: PatientId,
    ada: Actor,
    bruno: Actor,
}

async fn doctor(record: &Database, username: &str, name: &str) -> Actor {
    let doctor = NewStaff {
        username: username.parse().expect("a user name"),
        name: name.to_owned(),
        role: Role::Doctor,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let id = staff::create(record, &SETUP, doctor, NOW).await;
    Actor::Staff(id.expect("a new name").get())
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
        let path = folder.path().join("record.db");
        let record = veglia_trial::open(&path, &schemas).await;
        let person = patients::NewPerson {
            name: "Maria".to_owned(),
            surname: "Rossi".to_owned(),
            codice_fiscale: "RSSMRA85M01H501Q"
                .parse()
                .expect("its check letter is right"),
            phone: "+390212345678".parse().expect("a number"),
            address: "via Larga 1, Milano".to_owned(),
        };
        let maria = patients::register(&record, &SETUP, &person, NOW).await;
        let maria = maria.expect("nobody is registered yet");
        Self {
            maria: PatientId::new(maria.get().unsigned_abs()),
            ada: doctor(&record, "ada", "Ada Bianchi").await,
            bruno: doctor(&record, "bruno", "Bruno Verdi").await,
            rules: RuleSet::shipped(),
            record,
            _folder: folder,
        }
    }

    fn desk<'a>(&'a self, actor: &'a Actor, role: Role) -> PlanDesk<'a> {
        PlanDesk {
            record: &self.record,
            rules: &self.rules,
            actor,
            role,
            now: NOW,
            language: Language::It,
        }
    }

    async fn page(&self, template: &str) -> String {
        let desk = self.desk(&self.ada, Role::Doctor);
        let page = PlanPage::load(desk, self.maria, template).await;
        let page = page.expect("the record answers").expect("Maria is known");
        page.render().expect("the page can be rendered")
    }

    async fn send(&self, actor: &Actor, form: &PlanForm) -> PlanOutcome {
        let desk = self.desk(actor, Role::Doctor);
        let outcome = plan(desk, self.maria, form).await;
        outcome.expect("the record answers")
    }
}

/// A form with these fields; the others are as for a first plan.
fn form(fields: &[(&str, &str)]) -> PlanForm {
    let usual = [
        ("seen", "0"),
        ("when-spo2", "8, 14:00, 20.00"),
        ("grace-spo2", "120"),
        ("scale", "1"),
        ("ladder", "home-2020"),
        ("family-doctor", "on"),
    ];
    let all: BTreeMap<&str, &str> = usual.iter().chain(fields).copied().collect();
    let text = serde_json::to_string(&all).expect("words");
    serde_json::from_str(&text).expect("a form is words")
}

fn written(outcome: &PlanOutcome) {
    assert!(matches!(outcome, PlanOutcome::Written), "{outcome:?}");
}

fn faulty(outcome: PlanOutcome) -> String {
    let PlanOutcome::Faulty(page) = outcome else {
        panic!("it was not refused: {outcome:?}");
    };
    page.render().expect("the page can be rendered")
}

#[tokio::test]
async fn a_template_fills_the_form_and_writes_nothing_until_it_is_sent() {
    let house = House::new().await;
    let page = house.page("home-covid").await;
    assert!(page.contains("value=\"08:00, 14:00, 20:00\""), "{page}");
    assert!(
        page.contains("type=\"date\"") && page.contains("2020-12-05"),
        "the last day"
    );
    let none = plan_of(&house.record, &SETUP, house.maria).await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn what_is_typed_is_the_plan_and_the_history_says_what_changed_and_why() {
    let house = House::new().await;
    written(&house.send(&house.ada, &form(&[])).await);
    let second = form(&[
        ("seen", "1"),
        ("when-spo2", "22:00-06:00 ogni 5"),
        ("grace-spo2", "30"),
        ("when-temperature", "ogni 240 min"),
        ("grace-temperature", "60"),
        ("amber_from-temperature", "37,6"),
        ("guard-pregnancy", "on"),
        ("ladder", "doctor-first-2020"),
        ("family-doctor", ""),
        ("until", "3/12/2020"),
        ("why", "Peggiora di notte."),
    ]);
    written(&house.send(&house.bruno, &second).await);
    let plan = plan_of(&house.record, &SETUP, house.maria).await.unwrap();
    let plan = plan.expect("a plan");
    let asked: Vec<String> = plan
        .parameters
        .iter()
        .map(|it| it.expected.to_string())
        .collect();
    assert_eq!(asked, ["22:00-06:00/5m", "240m"]);
    assert_eq!(plan.limits[0].amber_from, Some(3_760));
    assert_eq!(plan.guards.len(), 1);
    let page = house.page("").await;
    for said in [
        "Versione 2",
        "Bruno Verdi",
        "«Peggiora di notte.»",
        "SpO₂: ogni 5 min, dalle 22:00 alle 06:00, tolleranza 30 min (prima: alle 08:00,",
        "Limiti propri di temperatura: giallo da 37,6 °C",
        "Medico di famiglia: non informato (prima: informato)",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn a_bad_value_gets_a_sentence_beside_its_field_and_nothing_typed_is_lost() {
    let house = House::new().await;
    for (name, typed, said) in [
        ("when-spo2", "25:00", "Gli orari vanno da 00:00 a 23:59"),
        ("when-spo2", "20:00, 08:00", "orari diversi, in ordine"),
        ("when-spo2", "08:00, 08:00", "orari diversi, in ordine"),
        ("when-spo2", "ogni 0", "da 1 minuto a 7 giorni"),
        ("grace-spo2", "molti", "minuti di tolleranza"),
        ("grace-spo2", "600", "accorciare"),
        ("red_to-spo2", "90", "non può scendere sotto 92"),
        ("amber_from-pulse", "cento", "Scrivere un numero"),
        ("target-low", "88", "numero intero"),
        ("until", "ieri", "Scrivere un giorno"),
        ("until", "2020-11-01", "prima di cominciare"),
        ("ladder", "nessuno", "dall’elenco"),
    ] {
        let fields = [(name, typed), ("why", "Parole da non perdere.")];
        let page = faulty(house.send(&house.ada, &form(&fields)).await);
        let field = if name == "target-low" {
            "target-high"
        } else {
            name
        };
        for there in [
            said,
            "Parole da non perdere.",
            &format!("id=\"{field}-fault\""),
            &format!("href=\"#{field}\""),
            "aria-invalid=\"true\"",
        ] {
            assert!(page.contains(there), "{name}={typed}: {there}: {page}");
        }
        let described = format!("{field}-fault\"");
        assert!(
            page.matches(&described).count() >= 2,
            "bound by aria-describedby"
        );
        if name != "ladder" {
            assert!(page.contains(typed), "{typed} is still there: {page}");
        }
    }
    let all = plans_of(&house.record, &SETUP, house.maria).await.unwrap();
    assert_eq!(all, []);
}

#[tokio::test]
async fn the_second_scale_and_its_target_are_written_with_who_decided_and_on_what() {
    let house = House::new().await;
    let target = [("target-low", "88"), ("target-high", "92")];
    let page = faulty(house.send(&house.ada, &form(&target)).await);
    assert!(page.contains("abbassa il limite rosso"), "{page}");
    let second = [target[0], target[1], ("scale", "2")];
    let page = faulty(house.send(&house.ada, &form(&second)).await);
    assert!(page.contains("id=\"decided-by-fault\""), "{page}");
    let named = [second.as_slice(), &[("decided-by", "dott. Neri")]].concat();
    let page = faulty(house.send(&house.ada, &form(&named)).await);
    assert!(page.contains("id=\"decided-on-fault\"") && page.contains("dott. Neri"));
    let decided = [named.as_slice(), &[("decided-on", "Emogas di marzo.")]].concat();
    written(&house.send(&house.ada, &form(&decided)).await);
    let plan = plan_of(&house.record, &SETUP, house.maria).await.unwrap();
    assert_eq!(plan.expect("a plan").oxygen_scale, OxygenScale::Two);
    let page = house.page("").await;
    assert!(
        page.contains("Deciso da dott. Neri: Emogas di marzo."),
        "{page}"
    );
}

#[tokio::test]
async fn of_two_people_who_edit_at_once_the_second_is_told_who_was_first_and_what_changed() {
    let house = House::new().await;
    written(&house.send(&house.ada, &form(&[])).await);
    let anna = form(&[
        ("seen", "1"),
        ("grace-spo2", "90"),
        ("why", "Dorme a lungo."),
    ]);
    let bruno = form(&[
        ("seen", "1"),
        ("grace-spo2", "60"),
        ("why", "Parole di Bruno."),
    ]);
    written(&house.send(&house.ada, &anna).await);
    let outcome = house.send(&house.bruno, &bruno).await;
    let PlanOutcome::Overtaken(page) = outcome else {
        panic!("{outcome:?}");
    };
    let page = page.render().expect("the page can be rendered");
    for said in [
        "Ada Bianchi",
        "tolleranza 90 min (prima:",
        "Parole di Bruno.",
        "value=\"60\"",
        "name=\"seen\" value=\"2\"",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let again = form(&[
        ("seen", "2"),
        ("grace-spo2", "60"),
        ("why", "Parole di Bruno."),
    ]);
    written(&house.send(&house.bruno, &again).await);
}

#[tokio::test]
async fn a_change_has_a_reason_and_a_form_that_changes_nothing_writes_nothing() {
    let house = House::new().await;
    written(
        &house
            .send(&house.ada, &form(&[("until", "2020-12-05")]))
            .await,
    );
    let silent = form(&[("seen", "1"), ("grace-spo2", "60")]);
    let page = faulty(house.send(&house.ada, &silent).await);
    assert!(page.contains("id=\"why-fault\""), "{page}");
    let same = form(&[("seen", "1"), ("until", "2020-12-05"), ("why", "Nulla.")]);
    let page = faulty(house.send(&house.ada, &same).await);
    assert!(page.contains("Nulla è cambiato"), "{page}");
}

#[tokio::test]
async fn who_is_no_clinician_reads_the_plan_and_writes_none() {
    let house = House::new().await;
    written(&house.send(&house.ada, &form(&[])).await);
    for role in [Role::Operator, Role::Admin] {
        let desk = house.desk(&house.bruno, role);
        let refused = plan(desk, house.maria, &form(&[("seen", "1")]))
            .await
            .unwrap();
        assert!(matches!(refused, PlanOutcome::NotAllowed), "{refused:?}");
        let page = PlanPage::load(desk, house.maria, "")
            .await
            .unwrap()
            .expect("known");
        let page = page.render().expect("the page can be rendered");
        assert!(
            !page.contains("Salva il piano") && page.contains("Versione 1"),
            "{page}"
        );
    }
    let unknown = PatientId::new(7);
    let desk = house.desk(&house.ada, Role::Doctor);
    assert!(PlanPage::load(desk, unknown, "").await.unwrap().is_none());
    let nobody = plan(desk, unknown, &form(&[])).await.unwrap();
    assert!(matches!(nobody, PlanOutcome::Unknown), "{nobody:?}");
}

#[tokio::test]
async fn where_a_patient_is_has_a_reason_and_an_author_and_is_taken_back_by_the_right_word() {
    let house = House::new().await;
    let desk = house.desk(&house.ada, Role::Operator);
    let say = |whereabouts: &str, why: &str| StandForm {
        whereabouts: whereabouts.to_owned(),
        why: why.to_owned(),
    };
    let silent = stand(desk, house.maria, &say("in-hospital", " "))
        .await
        .unwrap();
    assert!(faulty(silent).contains("id=\"where-why-fault\""));
    let odd = stand(desk, house.maria, &say("on-the-moon", "Gita."))
        .await
        .unwrap();
    assert!(faulty(odd).contains("Gita."));
    for (whereabouts, why) in [
        ("in-hospital", "Ricovero."),
        ("at-home", "Errore: era a casa."),
    ] {
        let form = say(whereabouts, why);
        written(&stand(desk, house.maria, &form).await.unwrap());
        let page = house.page("").await;
        assert!(page.contains(why) && page.contains("Ada Bianchi"), "{page}");
        assert_eq!(
            page.contains("nessuno viene chiamato"),
            whereabouts == "in-hospital"
        );
    }
    let admin = house.desk(&house.bruno, Role::Admin);
    let refused = stand(admin, house.maria, &say("deceased", "No."))
        .await
        .unwrap();
    assert!(matches!(refused, PlanOutcome::NotAllowed), "{refused:?}");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
