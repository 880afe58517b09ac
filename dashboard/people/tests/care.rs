//! Whose data somebody may read, on a real database.

#![cfg(test)]

use veglia_people::care::glass::{self, GLASS_MS, GLASSES_MAX, Glass, GlassError, PURPOSE, SOUGHT};
use veglia_people::care::{self, EntrustError, Holder, Refused, Relation};
use veglia_people::contacts::{Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, Hours, MmgId, Party, Password, PersonId, SCHEMA, Unit};
use veglia_store::sea_orm::ConnectionTrait;
use veglia_store::{Actor, Database, Schema};
use veglia_wire::WallMs;

const NOW: WallMs = WallMs(1_600_000_000_000);
const HOUR_MS: i64 = 3_600_000;
const SETUP: Actor = Actor::System("test");
const WHY: &str = "trovato a terra dal vicino, 112 in arrivo";

/// A centre, two patients, and whoever works around them.
struct House {
    record: Database,
    maria: PersonId,
    bruno: PersonId,
    _folder: tempfile::TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let record = veglia_trial::open(&folder.path().join("record.db"), &[SCHEMA]).await;
    let maria = register(&record, "RSSMRA85M01H501Q").await;
    let bruno = register(&record, "CCCFBA85D03L219P").await;
    House {
        record,
        maria,
        bruno,
        _folder: folder,
    }
}

async fn register(record: &Database, code: &str) -> PersonId {
    let person = NewPerson {
        name: "Prova".to_owned(),
        surname: "Prova".to_owned(),
        codice_fiscale: code.parse().unwrap(),
        phone: "333 1234567".parse().unwrap(),
        address: "Via di Prova 1, 20100 Milano".to_owned(),
    };
    let registered = patients::register(record, &SETUP, &person, NOW).await;
    registered.unwrap()
}

impl House {
    async fn employ(&self, role: Role, belongs: Option<Belongs>) -> Staff {
        let username = format!("{}.{}", role.code(), belongs.is_some());
        let account = NewStaff {
            username: username.parse().unwrap(),
            name: "Chi Lavora".to_owned(),
            role,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let id = staff::create(&self.record, &SETUP, account, NOW).await;
        if let Some(belongs) = belongs {
            let tied = staff::tie(&self.record, &SETUP, *id.as_ref().unwrap(), &belongs);
            tied.await.unwrap();
        }
        let username = username.parse().unwrap();
        let found = staff::by_username(&self.record, &SETUP, &username).await;
        found.unwrap().unwrap()
    }

    async fn doctor(&self, of: Option<PersonId>) -> MmgId {
        let new = NewMmg {
            name: "Dott. Prova".to_owned(),
            hours: Hours::always(),
            contacts: vec![Address::new(Channel::Email, "medico@prova.example").unwrap()],
        };
        let id = mmg::add(&self.record, &SETUP, &new, NOW).await.unwrap();
        if let Some(patient) = of {
            let assigned = mmg::assign(&self.record, &SETUP, patient, id, NOW);
            assigned.await.unwrap();
        }
        id
    }

    async fn judged(
        &self,
        who: &Staff,
        patient: PersonId,
        now: WallMs,
    ) -> Result<Relation, Refused> {
        let judged = care::may_read(&self.record, who, patient, now).await;
        let judged = judged.unwrap();
        let listed = care::patients_of(&self.record, who, now).await.unwrap();
        let by_relation = matches!(judged, Ok(it) if !matches!(it, Relation::Glass { .. }));
        assert_eq!(
            listed.contains(&patient),
            by_relation,
            "the list and the judgement agree"
        );
        judged
    }
}

#[tokio::test]
async fn the_centre_reads_whom_it_follows_and_nobody_else() {
    let house = house().await;
    for role in [Role::Operator, Role::Nurse, Role::Doctor] {
        let who = house.employ(role, None).await;
        let judged = house.judged(&who, house.maria, NOW).await;
        assert_eq!(judged, Ok(Relation::Centre));
        let nobody = PersonId::new(7).unwrap();
        let judged = house.judged(&who, nobody, NOW).await;
        assert_eq!(judged, Err(Refused::Stranger));
    }
    let username = "nurse.false".parse().unwrap();
    let nurse = staff::by_username(&house.record, &SETUP, &username).await;
    let nurse = nurse.unwrap().unwrap();
    // A clock that was set back hides nobody.
    let judged = house
        .judged(&nurse, house.maria, NOW.plus_ms(-HOUR_MS))
        .await;
    assert_eq!(judged, Ok(Relation::Centre));
    let ended = care::release(&house.record, &SETUP, house.maria, &Holder::Centre, NOW).await;
    assert_eq!(ended.unwrap(), 1);
    let judged = house.judged(&nurse, house.maria, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger));
    assert!(house.judged(&nurse, house.bruno, NOW).await.is_ok());
}

#[tokio::test]
async fn administrator_and_auditor_read_nobody_and_break_no_glass() {
    let house = house().await;
    for role in [Role::Admin, Role::Auditor] {
        let who = house.employ(role, None).await;
        let judged = house.judged(&who, house.maria, NOW).await;
        assert_eq!(judged, Err(Refused::Role));
        let glass = Glass::new(&who, WHY);
        assert!(matches!(glass, Err(GlassError::Role)), "{glass:?}");
    }
}

#[tokio::test]
async fn a_family_doctor_reads_own_patients_and_a_substitute_while_they_stand_in() {
    let house = house().await;
    let own = house.doctor(Some(house.maria)).await;
    let other = house.doctor(Some(house.bruno)).await;
    let ada = house.employ(Role::Mmg, Some(Belongs::Mmg(own))).await;
    let untied = house.employ(Role::Mmg, None).await;
    let judged = house.judged(&ada, house.maria, NOW).await;
    assert_eq!(judged, Ok(Relation::FamilyDoctor));
    let judged = house.judged(&ada, house.bruno, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger));
    for patient in [house.maria, house.bruno] {
        let judged = house.judged(&untied, patient, NOW).await;
        assert_eq!(judged, Err(Refused::Stranger), "an account tied to nobody");
    }

    let until = NOW.plus_ms(24 * HOUR_MS);
    for (away, substitute) in [
        (Party::Mmg(other), Party::Mmg(own)),
        (Party::Mmg(own), Party::Staff(untied.id)),
    ] {
        let stands = duty::stand_in(&house.record, &SETUP, away, substitute, NOW, until);
        stands.await.unwrap();
    }
    // A substitute of a substitute: who is called is who reads.
    let judged = house.judged(&ada, house.bruno, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger));
    for patient in [house.maria, house.bruno] {
        let judged = house.judged(&untied, patient, NOW).await;
        assert_eq!(judged, Ok(Relation::Substitute));
        let later = house.judged(&untied, patient, until).await;
        assert_eq!(later, Err(Refused::Stranger), "they are back");
    }
    let judged = house.judged(&ada, house.maria, NOW).await;
    assert_eq!(judged, Ok(Relation::FamilyDoctor), "on holiday too");
}

#[tokio::test]
async fn a_patient_who_changes_doctor_is_the_new_ones() {
    let house = house().await;
    let old = house.doctor(Some(house.maria)).await;
    let new = house.doctor(None).await;
    let ada = house.employ(Role::Mmg, Some(Belongs::Mmg(old))).await;
    let from = NOW.plus_ms(HOUR_MS);
    let assigned = mmg::assign(&house.record, &SETUP, house.maria, new, from);
    assigned.await.unwrap();
    assert!(house.judged(&ada, house.maria, NOW).await.is_ok());
    let judged = house.judged(&ada, house.maria, from).await;
    assert_eq!(judged, Err(Refused::Stranger));
}

#[tokio::test]
async fn a_hospital_reads_whom_its_unit_entrusted() {
    let house = house().await;
    let unit: Unit = "Niguarda Pneumologia".parse().unwrap();
    let tie = Some(Belongs::Unit(unit.clone()));
    let ward = house.employ(Role::HospitalDoctor, tie).await;
    let untied = house.employ(Role::HospitalDoctor, None).await;
    let other: Holder = "unit:Sacco Medicina".parse().unwrap();
    for (patient, holder) in [(house.maria, Holder::Unit(unit)), (house.bruno, other)] {
        let entrusted = care::entrust(
            &house.record,
            &SETUP,
            patient,
            &holder,
            (NOW, None),
            "dimissione",
        );
        entrusted.await.unwrap();
    }
    let judged = house.judged(&ward, house.maria, NOW).await;
    assert_eq!(judged, Ok(Relation::Hospital));
    let before = house.judged(&ward, house.maria, NOW.plus_ms(-1)).await;
    assert_eq!(before, Err(Refused::Stranger));
    let judged = house.judged(&ward, house.bruno, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger), "another hospital's");
    let judged = house.judged(&untied, house.maria, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger), "tied to no unit");
}

#[tokio::test]
async fn out_of_hours_only_on_shift_and_only_who_was_handed_over() {
    let house = house().await;
    let night = house.employ(Role::OutOfHoursDoctor, None).await;
    let until = NOW.plus_ms(12 * HOUR_MS);
    let endless = care::entrust(
        &house.record,
        &SETUP,
        house.maria,
        &Holder::OutOfHours,
        (NOW, None),
        "",
    );
    let endless = endless.await.unwrap_err();
    assert!(matches!(endless, EntrustError::Endless), "{endless:?}");
    let handed = care::entrust(
        &house.record,
        &SETUP,
        house.maria,
        &Holder::OutOfHours,
        (NOW, Some(until)),
        "può peggiorare",
    );
    handed.await.unwrap();
    let judged = house.judged(&night, house.maria, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger), "not on shift");
    let shift = Shift {
        post: Post::OutOfHours,
        party: Party::Staff(night.id),
        hours: Hours::always(),
        period: Period {
            from: NOW,
            until: Some(NOW.plus_ms(2 * HOUR_MS)),
        },
    };
    duty::add_shift(&house.record, &SETUP, &shift)
        .await
        .unwrap();
    let judged = house.judged(&night, house.maria, NOW).await;
    assert_eq!(judged, Ok(Relation::OutOfHours));
    let judged = house.judged(&night, house.bruno, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger), "not handed over");
    let later = house.judged(&night, house.maria, NOW.plus_ms(2 * HOUR_MS));
    assert_eq!(later.await, Err(Refused::Stranger), "the shift is over");
}

#[tokio::test]
async fn the_glass_opens_one_person_for_an_hour_and_stands_in_the_access_log() {
    let house = house().await;
    let own = house.doctor(None).await;
    let ada = house.employ(Role::Mmg, Some(Belongs::Mmg(own))).await;
    for why in ["", "   ", "urgente", &"a".repeat(401)] {
        let refused = Glass::new(&ada, why).unwrap_err();
        assert!(matches!(refused, GlassError::Why), "{why}");
    }
    let code = "RSSMRA85M01H501Q".parse().unwrap();
    let found = glass::find(&house.record, &ada, &code, NOW).await.unwrap();
    assert_eq!(found, Some(house.maria));
    let stranger = "CCCFBA85D03L21VE".parse().unwrap();
    let found = glass::find(&house.record, &ada, &stranger, NOW).await;
    assert_eq!(found.unwrap(), None);

    let glass = Glass::new(&ada, WHY).unwrap();
    let until = glass.break_for(&house.record, house.maria, NOW).await;
    let until = until.unwrap();
    assert_eq!(until, NOW.plus_ms(GLASS_MS));
    let judged = house.judged(&ada, house.maria, NOW).await;
    assert_eq!(judged, Ok(Relation::Glass { until }));
    let judged = house.judged(&ada, house.bruno, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger));
    let judged = house.judged(&ada, house.maria, until).await;
    assert_eq!(judged, Err(Refused::Stranger), "its hour is over");
    let colleague = house.employ(Role::Mmg, None).await;
    let judged = house.judged(&colleague, house.maria, NOW).await;
    assert_eq!(judged, Err(Refused::Stranger), "it is one account's");

    let listed = glass::broken(&house.record, &SETUP, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].patient, listed[0].why.as_str()),
        (house.maria, WHY)
    );
    assert_eq!(listed[0].by, ada.actor().to_string());
    let subject = house.maria.to_string();
    let logged = house.record.accesses_to(&SETUP, &subject, None, 10).await;
    let logged: Vec<String> = logged.unwrap().into_iter().map(|it| it.purpose).collect();
    assert_eq!(logged, [PURPOSE, SOUGHT]);
    let chain = house.record.check_access_log(&SETUP).await.unwrap();
    assert_eq!((chain.intact, chain.broken_at), (3, None));
}

#[tokio::test]
async fn the_glass_has_a_limit_and_is_never_broken_without_an_entry() {
    let house = house().await;
    let night = house.employ(Role::OutOfHoursDoctor, None).await;
    let glass = Glass::new(&night, WHY).unwrap();
    let nobody = PersonId::new(7).unwrap();
    let unknown = glass.break_for(&house.record, nobody, NOW).await;
    assert!(matches!(unknown, Err(GlassError::Unknown)), "{unknown:?}");
    for _ in 0..GLASSES_MAX {
        let broken = glass.break_for(&house.record, house.maria, NOW).await;
        broken.unwrap();
    }
    let refused = glass.break_for(&house.record, house.bruno, NOW).await;
    assert!(matches!(refused, Err(GlassError::TooMany)), "{refused:?}");
    let chain = house.record.check_access_log(&SETUP).await.unwrap();
    assert_eq!(chain.intact, GLASSES_MAX);
    let code = "CCCFBA85D03L21VE".parse().unwrap();
    for _ in 0..GLASSES_MAX {
        let sought = glass::find(&house.record, &night, &code, NOW).await;
        assert_eq!(sought.unwrap(), None);
    }
    let sought = glass::find(&house.record, &night, &code, NOW).await;
    assert!(matches!(sought, Err(GlassError::TooMany)), "{sought:?}");
    let next_day = NOW.plus_ms(24 * HOUR_MS);
    let again = glass.break_for(&house.record, house.bruno, next_day).await;
    again.unwrap();
}

/// What this room kept before there were care relations.
const BEFORE: Schema = Schema {
    room: "people",
    migrations: || {
        let mut all = (SCHEMA.migrations)();
        all.truncate(3);
        all
    },
};

#[tokio::test]
async fn accounts_and_patients_of_before_keep_what_they_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.db");
    let record = veglia_trial::open(&path, &[BEFORE]).await;
    let written = record.run_tx("test.before", &SETUP, |tx| {
        Box::pin(async move {
            tx.execute_unprepared(
                "INSERT INTO staff (username, name, role, password_hash, created_at_ms, \
                 created_by) VALUES ('ada', 'Ada', 'nurse', '', 1, 'command:root')",
            )
            .await?;
            tx.execute_unprepared(
                "INSERT INTO person VALUES (42, 'Maria', 'Rossi', 'RSSMRA85M01H501Q', \
                 '+393331234567', 'via Larga 1', 1600000000000, 'command:root')",
            )
            .await?;
            Ok(())
        })
    });
    written.await.unwrap();
    record.close().await.unwrap();

    let record = veglia_trial::open(&path, &[SCHEMA]).await;
    let ada = staff::by_username(&record, &SETUP, &"ada".parse().unwrap()).await;
    let ada = ada.unwrap().unwrap();
    assert_eq!((ada.role, &ada.belongs), (Role::Nurse, &None));
    let maria = PersonId::new(42).unwrap();
    let judged = care::may_read(&record, &ada, maria, NOW).await.unwrap();
    assert_eq!(judged, Ok(Relation::Centre));
    let caring = care::of(&record, &SETUP, maria).await.unwrap();
    assert_eq!((caring.len(), caring[0].by.as_str()), (1, "command:root"));
    record.close().await.unwrap();
    let again = veglia_trial::open(&path, &[SCHEMA]).await;
    assert_eq!(care::of(&again, &SETUP, maria).await.unwrap().len(), 1);
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
