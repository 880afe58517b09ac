//! Channels that do not work: what is used instead, what is told of it, and how it ends.

// req: G9

use std::fs;

use veglia_notify::{
    Config, Happened, Joined, Outage, abouts, join, outages, reached_nobody, see_to,
};
use veglia_people::contacts::Channel;
use veglia_store::Actor;
use veglia_wire::WallMs;

use crate::{House, NOBODY, START, about, free_port, mail, to};

/// E-mail to a server that is not there; everything else to a file.
fn without_mail(house: &House) -> Config {
    Config {
        email: Some(mail::server(free_port())),
        ..to_file(house)
    }
}

fn to_file(house: &House) -> Config {
    Config {
        file: Some(house.folder.path().join("messages.jsonl")),
        ..Config::default()
    }
}

fn sent(house: &House) -> usize {
    let text = fs::read_to_string(house.folder.path().join("messages.jsonl"));
    text.unwrap_or_default().lines().count()
}

async fn told(house: &House) -> Vec<Outage> {
    outages(&house.record, &NOBODY, START).await.unwrap()
}

#[tokio::test]
async fn a_channel_that_is_down_is_told_once_spared_and_ends_with_a_trace() {
    let house = House::new().await;
    let courier = house.courier(&without_mail(&house));
    let addresses = [
        to(Channel::Email, "ada@prova.example"),
        to(Channel::Sms, "3331234567"),
    ];
    house.enqueue("page-1.staff-1", &addresses, true).await;
    courier.round(Channel::Email).await.unwrap();
    courier.round(Channel::Sms).await.unwrap();
    assert_eq!(sent(&house), 1, "the next channel is used at once");
    let [down] = <[Outage; 1]>::try_from(told(&house).await).unwrap();
    assert_eq!((down.channel, &down.recipient), (Channel::Email, &None));
    assert_eq!((down.began, down.ended), (START, None));
    assert_eq!(down.reason, "the mail server cannot be reached");

    // A moment later nobody waits for it again; half a minute later it is tried.
    house.clock.turn(1_000);
    house.enqueue("page-2.staff-1", &addresses, true).await;
    assert_eq!(courier.round(Channel::Email).await.unwrap(), 0);
    courier.round(Channel::Sms).await.unwrap();
    assert_eq!(sent(&house), 2);
    house.clock.turn(30_000);
    house.enqueue("page-3.staff-1", &addresses, true).await;
    assert_eq!(courier.round(Channel::Email).await.unwrap(), 1);
    assert_eq!(
        told(&house).await.len(),
        1,
        "one outage, however many messages"
    );
    let since = mail_is_down(&house).await.map(|(since, _)| since);
    assert_eq!(
        since,
        Some(START),
        "since when, and not since the last attempt"
    );

    house.clock.turn(30_000);
    house.enqueue("page-4.staff-1", &addresses, true).await;
    let mended = house.courier(&to_file(&house));
    assert_eq!(mended.round(Channel::Email).await.unwrap(), 1);
    let [over] = <[Outage; 1]>::try_from(told(&house).await).unwrap();
    assert_eq!(over.ended, Some(START.plus_ms(61_000)), "the trace stays");
    assert_eq!(mail_is_down(&house).await, None);
}

async fn mail_is_down(house: &House) -> Option<(WallMs, String)> {
    let mut channels = house.standing().await.channels.into_iter();
    let mail = channels.find(|it| it.channel == Channel::Email);
    mail.expect("it was tried").down
}

#[tokio::test]
async fn when_every_channel_is_down_all_are_tried_again_after_a_pause() {
    let house = House::new().await;
    let nowhere = Config {
        email: Some(mail::server(free_port())),
        ..Config::default()
    };
    let courier = house.courier(&nowhere);
    let addresses = [
        to(Channel::Email, "ada@prova.example"),
        to(Channel::Email, "ada@altra.example"),
    ];
    house.enqueue("page-1.staff-1", &addresses, true).await;
    // Three rounds of both, with five and fifteen seconds between.
    for pause_ms in [0, 5_000, 15_000] {
        house.clock.turn(pause_ms);
        assert_eq!(courier.round(Channel::Email).await.unwrap(), 1);
        assert_eq!(courier.round(Channel::Email).await.unwrap(), 1);
        assert_eq!(courier.round(Channel::Email).await.unwrap(), 0);
    }
    let story = house.story().await;
    let email = Some(Channel::Email);
    assert_eq!(story.len(), 7, "{story:?}");
    assert_eq!(
        story[5..],
        [(Happened::Abandoned, email), (Happened::Failed, email)]
    );
}

#[tokio::test]
async fn an_address_that_is_refused_for_good_is_told_until_somebody_sees_to_it() {
    let house = House::new().await;
    // Nothing is configured for SMS: the channel itself is down, and no person ends that.
    house
        .enqueue("page-1.staff-1", &[to(Channel::Sms, "3331234567")], true)
        .await;
    let courier = house.courier(&Config::default());
    courier.round(Channel::Sms).await.unwrap();
    let down = told(&house).await.remove(0);
    let ada = Actor::Staff(1);
    let ended = see_to(&house.record, &ada, down.id, START).await;
    assert!(!ended.unwrap(), "a channel ends its outage by itself");
}

#[tokio::test]
async fn one_message_that_tells_of_several_things_fails_for_all_of_them() {
    let house = House::new().await;
    let addresses = [to(Channel::Sms, "3331234567")];
    house.enqueue("digest-1.mmg-1", &addresses, false).await;
    let (key, third) = ("digest-1.mmg-1".parse().unwrap(), about("page-3"));
    let joined = |about| join(&house.record, &NOBODY, &key, about);
    let second = about("page-2");
    assert_eq!(joined(&second).await.unwrap(), Joined::Yes);
    assert_eq!(
        joined(&second).await.unwrap(),
        Joined::Yes,
        "twice is no fault"
    );
    assert!(
        !reached_nobody(&house.record, &NOBODY, &second)
            .await
            .unwrap()
    );

    let courier = house.courier(&Config::default());
    courier.round(Channel::Sms).await.unwrap();
    assert_eq!(joined(&third).await.unwrap(), Joined::TooLate);
    let all = abouts(&house.record, &NOBODY, &key).await.unwrap();
    assert_eq!(all, [about("digest-1"), second.clone()]);
    for about in &all {
        assert!(reached_nobody(&house.record, &NOBODY, about).await.unwrap());
    }
}
