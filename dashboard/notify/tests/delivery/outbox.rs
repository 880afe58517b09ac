//! The outbox itself: once by its key, in order, never lost, never too much.

// req: G9

use std::fs;

use veglia_notify::{Config, Happened, NewDelivery, Receipt, enqueue, reached_nobody, receipt};
use veglia_people::contacts::Channel;
use veglia_store::sea_orm::{ConnectionTrait, QueryResult, Statement};
use veglia_wire::Clock;

use crate::{House, NOBODY, START, about, message, to};

fn to_file(house: &House) -> Config {
    Config {
        file: Some(house.folder.path().join("messages.jsonl")),
        ..Config::default()
    }
}

fn lines(house: &House) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(house.folder.path().join("messages.jsonl"));
    let text = text.unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test]
async fn the_same_key_twice_is_one_delivery() {
    let house = House::new().await;
    let mobile = [to(Channel::Sms, "3331234567")];
    assert!(house.enqueue("page-1.staff-1", &mobile, true).await);
    assert!(!house.enqueue("page-1.staff-1", &mobile, true).await);
    let courier = house.courier(&to_file(&house));
    assert_eq!(courier.round(Channel::Sms).await.unwrap(), 1);
    assert_eq!(courier.round(Channel::Sms).await.unwrap(), 0);
    assert!(
        !house.enqueue("page-1.staff-1", &mobile, true).await,
        "after it was sent, too"
    );
    let lines = lines(&house);
    assert_eq!(
        (lines.len(), &lines[0]["key"]),
        (1, &"page-1.staff-1".into())
    );
    assert_eq!(lines[0]["recipient"], "staff:1");
}

#[tokio::test]
async fn what_is_urgent_goes_first_and_what_is_for_later_waits() {
    let house = House::new().await;
    let mobile = to(Channel::Sms, "3331234567");
    house
        .enqueue("page-1.staff-1", std::slice::from_ref(&mobile), false)
        .await;
    house
        .enqueue("page-2.staff-1", std::slice::from_ref(&mobile), true)
        .await;
    let later = NewDelivery {
        key: "page-3.staff-1".parse().unwrap(),
        about: about("page-3"),
        recipient: "staff:1".to_owned(),
        addresses: vec![mobile],
        message: message(),
        urgent: false,
        not_before: START.plus_ms(3_600_000),
    };
    let now = house.clock.now();
    enqueue(&house.record, &NOBODY, &later, now).await.unwrap();
    let courier = house.courier(&to_file(&house));
    courier.round(Channel::Sms).await.unwrap();
    let keys: Vec<String> = house
        .events()
        .await
        .iter()
        .map(|it| it.key.to_string())
        .collect();
    assert_eq!(keys, ["page-2.staff-1", "page-1.staff-1"]);
    let standing = house.standing().await;
    assert_eq!((standing.waiting, standing.oldest_due_ms), (1, None));
    house.clock.turn(3_600_000);
    assert_eq!(courier.round(Channel::Sms).await.unwrap(), 1);
}

#[tokio::test]
async fn somebody_without_an_address_has_failed_at_once_and_a_channel_without_settings_too() {
    let house = House::new().await;
    house.enqueue("page-1.staff-1", &[], true).await;
    house
        .enqueue("page-2.staff-1", &[to(Channel::Sms, "3331234567")], true)
        .await;
    house
        .courier(&Config::default())
        .round(Channel::Sms)
        .await
        .unwrap();
    let sms = Some(Channel::Sms);
    let expected = [
        (Happened::Failed, None),
        (Happened::Abandoned, sms),
        (Happened::Failed, sms),
    ];
    assert_eq!(house.story().await, expected);
    assert!(
        reached_nobody(&house.record, &NOBODY, &about("page-1"))
            .await
            .unwrap()
    );
    assert!(house.standing().await.channels[0].down.is_some());
}

#[tokio::test]
async fn a_thing_reached_nobody_only_when_all_of_its_deliveries_failed() {
    let house = House::new().await;
    house.enqueue("page-1.staff-1", &[], true).await;
    house
        .enqueue("page-1.staff-2", &[to(Channel::Sms, "3331234567")], true)
        .await;
    let page = about("page-1");
    assert!(!reached_nobody(&house.record, &NOBODY, &page).await.unwrap());
    house
        .courier(&to_file(&house))
        .round(Channel::Sms)
        .await
        .unwrap();
    assert!(!reached_nobody(&house.record, &NOBODY, &page).await.unwrap());
}

#[tokio::test]
async fn one_person_gets_no_more_than_sixty_urgent_messages_an_hour_and_loses_none() {
    let house = House::new().await;
    let mobile = [to(Channel::Sms, "3331234567")];
    for number in 0..70 {
        house
            .enqueue(&format!("page-{number}.staff-1"), &mobile, true)
            .await;
    }
    let courier = house.courier(&to_file(&house));
    for _ in 0..10 {
        courier.round(Channel::Sms).await.unwrap();
    }
    assert_eq!(lines(&house).len(), 60);
    house.clock.turn(3_600_001);
    courier.round(Channel::Sms).await.unwrap();
    assert_eq!(lines(&house).len(), 70);
}

#[tokio::test]
async fn a_message_that_is_a_day_late_is_not_sent_and_counts_as_failed() {
    let house = House::new().await;
    house
        .enqueue("page-1.staff-1", &[to(Channel::Sms, "3331234567")], true)
        .await;
    house.clock.turn(25 * 3_600_000);
    let courier = house.courier(&to_file(&house));
    assert_eq!(courier.round(Channel::Sms).await.unwrap(), 0);
    assert_eq!(
        house.story().await,
        [(Happened::Failed, Some(Channel::Sms))]
    );
    assert!(lines(&house).is_empty());
    assert_eq!(house.standing().await.failed, 1);
}

#[tokio::test]
async fn a_link_is_forgotten_when_nothing_can_need_it_any_more() {
    let house = House::new().await;
    house
        .enqueue(
            "page-1.staff-1",
            &[to(Channel::Email, "ada@prova.example")],
            true,
        )
        .await;
    house
        .enqueue("page-2.staff-1", &[to(Channel::Sms, "3331234567")], true)
        .await;
    let courier = house.courier(&to_file(&house));
    courier.round(Channel::Email).await.unwrap();
    courier.round(Channel::Sms).await.unwrap();
    // An SMS may turn out not to have arrived: then the next address gets the same link.
    let kept = links(&house).await;
    assert_eq!((kept[0].as_str(), kept[1].is_empty()), ("", false));
    let now = house.clock.now();
    let told = receipt(
        &house.record,
        &NOBODY,
        2,
        Channel::Sms,
        Receipt::Received,
        now,
    );
    assert!(told.await.unwrap());
    assert_eq!(links(&house).await, ["", ""]);
}

async fn links(house: &House) -> Vec<String> {
    let read = house.record.read_tx("test.links", &NOBODY, |tx| {
        Box::pin(async move {
            let sql = "SELECT link FROM delivery ORDER BY id";
            let asked = Statement::from_string(tx.get_database_backend(), sql);
            let rows = tx.query_all_raw(asked).await?;
            let link = |row: &QueryResult| Ok(row.try_get::<String>("", "link")?);
            rows.iter().map(link).collect()
        })
    });
    read.await.unwrap()
}
