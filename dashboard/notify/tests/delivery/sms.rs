//! Short messages, through a real gateway.

// req: G9

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;

use veglia_notify::{Config, Happened, Receipt, Senders, Sms, receipt};
use veglia_people::contacts::Channel;
use veglia_wire::Clock;

use crate::exim::Exim;
use crate::kannel::{Kannel, PASSWORD};
use crate::support::skip;
use crate::{House, NOBODY, mail, to};

const NO_KANNEL: &str = "bearerbox and smsbox are not installed (Debian: kannel)";

fn by_sms(house: &House, port: u16, receipts: Option<u16>) -> Config {
    Config {
        sms: Some(Sms {
            gateway: format!("http://127.0.0.1:{port}/cgi-bin/sendsms"),
            user: "veglia".to_owned(),
            password_file: house.secret("sms.secret", PASSWORD),
            from: "Veglia".to_owned(),
            receipts: receipts.map(|port| format!("http://127.0.0.1:{port}")),
        }),
        ..Config::default()
    }
}

/// One call of the gateway: what stands behind the question mark.
fn called(listener: &TcpListener) -> Vec<(String, String)> {
    let (stream, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    reader.get_mut().write_all(answer).unwrap();
    let target = line.split(' ').nth(1).unwrap().to_owned();
    let url: url::Url = format!("http://here{target}").parse().unwrap();
    assert_eq!(url.path(), "/consegne/ricevuta");
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn an_sms_reaches_the_telephone_and_its_receipt_comes_back() {
    let name = "an_sms_reaches_the_telephone_and_its_receipt_comes_back";
    let Some(kannel) = Kannel::start() else {
        return skip(name, NO_KANNEL);
    };
    let mut telephone = kannel.telephone();
    let house = House::new().await;
    let counter = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = counter.local_addr().unwrap().port();
    let config = by_sms(&house, kannel.port, Some(port));
    let senders = Arc::new(Senders::open(&config).unwrap());
    let courier = house.courier_with(Arc::clone(&senders));
    let mobile = to(Channel::Sms, "333 1234567");
    house.enqueue("page-1.staff-1", &[mobile], true).await;
    courier.round(Channel::Sms).await.unwrap();
    let rung = telephone.rings();
    assert!(
        rung.starts_with("Veglia +393331234567 text Veglia: una segnalazione"),
        "{rung}"
    );

    let said = tokio::task::spawn_blocking(move || called(&counter))
        .await
        .unwrap();
    let of = |name: &str| said.iter().find(|(key, _)| key == name).unwrap().1.clone();
    let id: i64 = of("consegna").parse().unwrap();
    assert!(senders.receipt_is_ours(id, &of("firma")));
    assert!(
        !senders.receipt_is_ours(id + 1, &of("firma")),
        "a receipt of another message"
    );
    assert!(!senders.receipt_is_ours(id, ""), "nobody's receipt");
    let told = Receipt::of_code(&of("esito"));
    assert_eq!(told, Some(Receipt::Received));
    let now = house.clock.now();
    let tell = || {
        receipt(
            &house.record,
            &NOBODY,
            id,
            Channel::Sms,
            Receipt::Received,
            now,
        )
    };
    assert!(tell().await.unwrap());
    assert!(!tell().await.unwrap(), "the same receipt twice is once");
    let sms = Some(Channel::Sms);
    let expected = [(Happened::Accepted, sms), (Happened::Received, sms)];
    assert_eq!(house.story().await, expected);
}

#[tokio::test]
async fn with_the_mail_server_dead_the_telephone_rings() {
    let name = "with_the_mail_server_dead_the_telephone_rings";
    let (Some(mut exim), Some(kannel)) = (Exim::start(), Kannel::start()) else {
        return skip(name, "exim4 and kannel are not both installed");
    };
    let mut telephone = kannel.telephone();
    let house = House::new().await;
    let config = Config {
        email: Some(mail::server(exim.port)),
        ..by_sms(&house, kannel.port, None)
    };
    let courier = house.courier(&config);
    let addresses = [
        to(Channel::Email, "ada@prova.example"),
        to(Channel::Sms, "3331234567"),
    ];
    house.enqueue("page-1.staff-1", &addresses, true).await;
    exim.kill();
    // Nobody waits for the mail server: the telephone is next, at once.
    assert_eq!(courier.round(Channel::Email).await.unwrap(), 1);
    assert_eq!(courier.round(Channel::Sms).await.unwrap(), 1);
    assert!(telephone.rings().contains("una segnalazione la aspetta"));
    let (email, sms) = (Some(Channel::Email), Some(Channel::Sms));
    let expected = [(Happened::Deferred, email), (Happened::Accepted, sms)];
    assert_eq!(house.story().await, expected);
    let down = house.standing().await.channels;
    let down: Vec<Channel> = down
        .into_iter()
        .filter_map(|it| it.down.is_some().then_some(it.channel))
        .collect();
    assert_eq!(down, [Channel::Email]);
}

#[tokio::test]
async fn a_gateway_that_refuses_our_password_is_down_and_one_that_is_dead_too() {
    let name = "a_gateway_that_refuses_our_password_is_down_and_one_that_is_dead_too";
    let Some(mut kannel) = Kannel::start() else {
        return skip(name, NO_KANNEL);
    };
    let house = House::new().await;
    let mobile = [to(Channel::Sms, "3331234567")];
    house.enqueue("page-1.staff-1", &mobile, false).await;
    let mut config = by_sms(&house, kannel.port, None);
    if let Some(sms) = &mut config.sms {
        sms.password_file = house.secret("wrong.secret", "another");
    }
    house.courier(&config).round(Channel::Sms).await.unwrap();
    let sms = Some(Channel::Sms);
    let refused = [(Happened::Abandoned, sms), (Happened::Failed, sms)];
    assert_eq!(house.story().await, refused);
    assert!(house.events().await[0].reason.contains("password"));

    kannel.kill();
    house.enqueue("page-2.staff-1", &mobile, false).await;
    let courier = house.courier(&by_sms(&house, kannel.port, None));
    courier.round(Channel::Sms).await.unwrap();
    assert_eq!(house.story().await[2..], [(Happened::Deferred, sms)]);
    assert!(house.standing().await.channels[0].down.is_some());
}

#[tokio::test]
async fn a_message_that_did_not_arrive_goes_by_the_next_address() {
    let name = "a_message_that_did_not_arrive_goes_by_the_next_address";
    let Some(kannel) = Kannel::start() else {
        return skip(name, NO_KANNEL);
    };
    let mut telephone = kannel.telephone();
    let house = House::new().await;
    let courier = house.courier(&by_sms(&house, kannel.port, None));
    let addresses = [
        to(Channel::Sms, "3331234567"),
        to(Channel::Sms, "3339999999"),
    ];
    house.enqueue("page-1.staff-1", &addresses, true).await;
    courier.round(Channel::Sms).await.unwrap();
    assert!(telephone.rings().contains("+393331234567"));
    let now = house.clock.now();
    let lost = receipt(
        &house.record,
        &NOBODY,
        1,
        Channel::Sms,
        Receipt::NotReceived,
        now,
    );
    assert!(lost.await.unwrap());
    courier.round(Channel::Sms).await.unwrap();
    assert!(telephone.rings().contains("+393339999999"));
}
