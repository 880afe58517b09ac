//! Who is called: the roster, substitutes, quiet hours, family doctors, and how they are reached.

// req: G9

#![cfg(test)]

use veglia_people::contacts::{self, Address, Channel, ContactError, MAX_CONTACTS};
use veglia_people::duty::{self, DutyError, Period, Post, Shift, read_moment};
use veglia_people::links;
use veglia_people::mmg::{self, MmgError, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role};
use veglia_people::{Hours, MmgId, Party, Password, PersonId, SCHEMA};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

const CENTRE: Actor = Actor::System("test");

struct Centre {
    _folder: tempfile::TempDir,
    record: Database,
}

fn at(text: &str) -> WallMs {
    read_moment(text).unwrap()
}

impl Centre {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        Self {
            record: veglia_trial::open(&path, &[SCHEMA]).await,
            _folder: folder,
        }
    }

    async fn somebody(&self, name: &str) -> Party {
        let new = NewStaff {
            username: name.parse().unwrap(),
            name: name.to_owned(),
            role: Role::Operator,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let id = staff::create(&self.record, &CENTRE, new, at("2020-10-01")).await;
        Party::Staff(id.unwrap())
    }

    async fn doctor(&self) -> MmgId {
        let new = NewMmg {
            name: "Medico di prova".to_owned(),
            hours: "mon-fri 08:00-20:00".parse().unwrap(),
            contacts: vec![Address::new(Channel::Email, "m@prova.example").unwrap()],
        };
        let id = mmg::add(&self.record, &CENTRE, &new, at("2020-10-01")).await;
        id.unwrap()
    }

    async fn patient(&self) -> PersonId {
        let new = NewPerson {
            name: "Fabio".to_owned(),
            surname: "Cacciò".to_owned(),
            codice_fiscale: "CCCFBA85D03L219P".parse().unwrap(),
            phone: "333 1234567".parse().unwrap(),
            address: "Via di Prova 1".to_owned(),
        };
        let id = patients::register(&self.record, &CENTRE, &new, at("2020-10-01")).await;
        id.unwrap()
    }

    async fn operator(&self, party: Party, hours: &str) {
        let shift = Shift {
            post: Post::Operator,
            party,
            hours: hours.parse().unwrap(),
            period: Period {
                from: at("2020-10-01"),
                until: None,
            },
        };
        duty::add_shift(&self.record, &CENTRE, &shift)
            .await
            .unwrap();
    }

    async fn called(&self, moment: &str) -> Vec<Party> {
        let called = duty::on_duty(&self.record, &CENTRE, Post::Operator, at(moment)).await;
        called.unwrap().into_iter().map(|it| it.party).collect()
    }

    async fn absent(&self, who: Party, by: Party) {
        let (from, until) = (at("2020-10-19"), at("2020-10-21"));
        let written = duty::stand_in(&self.record, &CENTRE, who, by, from, until).await;
        written.unwrap();
    }
}

#[tokio::test]
async fn whoever_has_the_hour_is_called_and_while_away_their_substitute() {
    let centre = Centre::new().await;
    let (anna, bruno, carla) = (
        centre.somebody("anna").await,
        centre.somebody("bruno").await,
        centre.somebody("carla").await,
    );
    centre.operator(anna, "mon-sun 08:00-20:00").await;
    centre.operator(bruno, "mon-sun 20:00-08:00").await;
    assert_eq!(centre.called("2020-10-20T10:00").await, [anna]);
    assert_eq!(centre.called("2020-10-20T23:00").await, [bruno]);
    // The hour that comes twice has one operator, as every other.
    assert_eq!(centre.called("2020-10-25T02:30").await, [bruno]);

    centre.absent(anna, bruno).await;
    centre.absent(bruno, carla).await;
    assert_eq!(centre.called("2020-10-20T10:00").await, [carla]);
    assert_eq!(centre.called("2020-10-21T10:00").await, [anna]);
    // A circle ends, with somebody.
    centre.absent(carla, anna).await;
    assert_eq!(centre.called("2020-10-20T10:00").await.len(), 1);
}

#[tokio::test]
async fn a_shift_that_was_ended_calls_nobody_and_bad_words_are_refused() {
    let centre = Centre::new().await;
    let anna = centre.somebody("anna").await;
    centre.operator(anna, "always").await;
    let end = at("2020-10-20");
    let ended = duty::end_shifts(&centre.record, &CENTRE, Post::Operator, anna, end).await;
    assert_eq!(ended.unwrap(), 1);
    assert!(centre.called("2020-10-20T10:00").await.is_empty());

    let day = at("2020-10-20");
    let refused = |who, by, until| duty::stand_in(&centre.record, &CENTRE, who, by, day, until);
    let nobody = "staff:99".parse().unwrap();
    let alone = refused(anna, anna, at("2020-10-21")).await.unwrap_err();
    assert!(matches!(alone, DutyError::Themselves), "{alone}");
    let backwards = refused(anna, nobody, day).await.unwrap_err();
    assert!(matches!(backwards, DutyError::Backwards), "{backwards}");
    let unknown = refused(anna, nobody, at("2020-10-21")).await.unwrap_err();
    assert!(unknown.to_string().contains("staff:99"), "{unknown}");
    assert!(read_moment("domani").is_err());
}

#[tokio::test]
async fn a_patient_has_one_family_doctor_at_a_time_with_hours_and_a_substitute() {
    let centre = Centre::new().await;
    let (patient, first, second) = (
        centre.patient().await,
        centre.doctor().await,
        centre.doctor().await,
    );
    let assign = async |doctor, from: &str| {
        mmg::assign(&centre.record, &CENTRE, patient, doctor, at(from)).await
    };
    assign(first, "2020-10-01").await.unwrap();
    assign(second, "2020-10-20").await.unwrap();
    let of = async |moment: &str| {
        let called = duty::mmg_of(&centre.record, &CENTRE, patient, at(moment)).await;
        called.unwrap().map(|it| it.party)
    };
    assert_eq!(of("2020-09-30").await, None);
    assert_eq!(of("2020-10-19T10:00").await, Some(Party::Mmg(first)));
    assert_eq!(of("2020-10-20T10:00").await, Some(Party::Mmg(second)));
    centre.absent(Party::Mmg(second), Party::Mmg(first)).await;
    assert_eq!(of("2020-10-20T10:00").await, Some(Party::Mmg(first)));
    let called = duty::mmg_of(&centre.record, &CENTRE, patient, at("2020-10-22")).await;
    let called = called.unwrap().unwrap();
    assert_eq!(called.surgery.unwrap().as_str(), "mon-fri 08:00-20:00");
    assert_eq!(called.addresses.len(), 1);

    let unknown = assign("9".parse().unwrap(), "2020-10-22")
        .await
        .unwrap_err();
    assert!(matches!(unknown, MmgError::Unknown(_)), "{unknown}");
    let silent = NewMmg {
        name: "Nessuno".to_owned(),
        hours: Hours::always(),
        contacts: Vec::new(),
    };
    let refused = mmg::add(&centre.record, &CENTRE, &silent, at("2020-10-01")).await;
    assert!(matches!(refused, Err(MmgError::NoContact)));
}

#[tokio::test]
async fn addresses_are_tried_in_the_order_of_writing_and_are_not_without_number() {
    let centre = Centre::new().await;
    let anna = centre.somebody("anna").await;
    let now = at("2020-10-20");
    let numbered = |number| Address::new(Channel::Sms, &format!("333000000{number}")).unwrap();
    for number in 0..MAX_CONTACTS {
        let added = contacts::add(&centre.record, &CENTRE, anna, &numbered(number), now).await;
        added.unwrap();
    }
    let more = Address::new(Channel::Email, "anna@prova.example").unwrap();
    let refused = contacts::add(&centre.record, &CENTRE, anna, &more, now).await;
    assert!(matches!(refused, Err(ContactError::TooMany(_))));
    // A known one goes to the end.
    let again = contacts::add(&centre.record, &CENTRE, anna, &numbered(0), now).await;
    again.unwrap();
    let all = contacts::of(&centre.record, &CENTRE, anna).await.unwrap();
    assert_eq!((all.len(), &all[0]), (MAX_CONTACTS, &numbered(1)));
    let removed = contacts::remove(&centre.record, &CENTRE, anna, &numbered(1), now).await;
    assert!(removed.unwrap());
    assert_eq!(
        contacts::of(&centre.record, &CENTRE, anna).await.unwrap()[0],
        numbered(2)
    );
}

#[tokio::test]
async fn a_link_answers_for_all_that_waits_and_ends_after_a_week() {
    let centre = Centre::new().await;
    let doctor = Party::Mmg(centre.doctor().await);
    let now = at("2020-10-20");
    let record = &centre.record;
    let first = links::make(record, &CENTRE, doctor, 1, now).await.unwrap();
    let second = links::make(record, &CENTRE, doctor, 2, now).await.unwrap();
    let waiting = links::waiting(record, &CENTRE, &second, now).await;
    assert_eq!(waiting.unwrap(), [1, 2]);
    assert!(links::seen(record, &CENTRE, &second, now).await.unwrap());
    assert!(
        !links::seen(record, &CENTRE, &first, now).await.unwrap(),
        "both are seen"
    );
    let link = links::open(record, &CENTRE, &first, now).await.unwrap();
    assert_eq!(link.unwrap().seen_at, Some(now));
    let late = links::open(record, &CENTRE, &first, at("2020-10-28")).await;
    assert_eq!(late.unwrap(), None);
    assert_eq!(format!("{first:?}"), "LinkSecret(…)");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
