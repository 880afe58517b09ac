//! Electronic mail, to a real server.

// req: G9

use veglia_identity::{Authority, UnixSeconds};
use veglia_notify::{Config, Email, EmailTls, Happened};
use veglia_people::contacts::Channel;

use crate::exim::Exim;
use crate::support::skip;
use crate::{House, to};

const NO_EXIM: &str = "exim4 is not installed (Debian: exim4-daemon-light)";

pub(crate) fn server(port: u16) -> Email {
    Email {
        server: format!("127.0.0.1:{port}"),
        tls: EmailTls::None,
        from: "veglia@centre.example".to_owned(),
        user: None,
        password_file: None,
        authority: None,
    }
}

fn by_mail(email: Email) -> Config {
    Config {
        email: Some(email),
        ..Config::default()
    }
}

#[tokio::test]
async fn a_real_mail_server_takes_a_message_with_its_key_and_its_link() {
    let name = "a_real_mail_server_takes_a_message_with_its_key_and_its_link";
    let Some(exim) = Exim::start() else {
        return skip(name, NO_EXIM);
    };
    let house = House::new().await;
    let ada = to(Channel::Email, "ada@prova.example");
    house.enqueue("page-12.staff-3", &[ada], true).await;
    let courier = house.courier(&by_mail(server(exim.port)));
    assert_eq!(courier.round(Channel::Email).await.unwrap(), 1);

    let accepted = (Happened::Accepted, Some(Channel::Email));
    assert_eq!(house.story().await, [accepted]);
    let [mail] = <[String; 1]>::try_from(exim.taken()).unwrap();
    for words in [
        "To: ada@prova.example",
        "Message-ID: <page-12.staff-3@centre.example>",
        "Auto-Submitted: auto-generated",
        "una segnalazione la aspetta",
        "/avvisi/0123456789abcdef",
    ] {
        assert!(mail.contains(words), "{words} is not in: {mail}");
    }
}

#[tokio::test]
async fn an_address_that_is_refused_is_abandoned_and_a_full_mailbox_tried_again() {
    let name = "an_address_that_is_refused_is_abandoned_and_a_full_mailbox_tried_again";
    let Some(exim) = Exim::start() else {
        return skip(name, NO_EXIM);
    };
    let house = House::new().await;
    let nobody = to(Channel::Email, "nessuno@prova.example");
    let full = to(Channel::Email, "piena@prova.example");
    house
        .enqueue("page-1.staff-1", &[nobody, full], false)
        .await;
    let courier = house.courier(&by_mail(server(exim.port)));
    courier.round(Channel::Email).await.unwrap();
    courier.round(Channel::Email).await.unwrap();

    let email = Some(Channel::Email);
    let expected = [(Happened::Abandoned, email), (Happened::Deferred, email)];
    assert_eq!(house.story().await, expected);
    // It is their fault, not the channel's, and their addresses are not in the reasons.
    assert_eq!(house.standing().await.channels, []);
    let reasons: Vec<String> = house
        .events()
        .await
        .into_iter()
        .map(|it| it.reason)
        .collect();
    assert!(
        reasons[0].contains("550") && reasons[1].contains("450"),
        "{reasons:?}"
    );
    assert!(!reasons.concat().contains("prova.example"), "{reasons:?}");
}

#[tokio::test]
async fn a_mail_server_that_comes_back_gets_what_waited() {
    let name = "a_mail_server_that_comes_back_gets_what_waited";
    let Some(mut exim) = Exim::start() else {
        return skip(name, NO_EXIM);
    };
    let house = House::new().await;
    let ada = to(Channel::Email, "ada@prova.example");
    house.enqueue("page-1.staff-1", &[ada], false).await;
    let courier = house.courier(&by_mail(server(exim.port)));
    exim.kill();
    courier.round(Channel::Email).await.unwrap();
    let down = house.standing().await;
    assert!(down.channels[0].down.is_some(), "{down:?}");
    // Before the pause is over nobody tries again.
    assert_eq!(courier.round(Channel::Email).await.unwrap(), 0);

    assert!(exim.run(), "exim starts again");
    house.clock.turn(5_000);
    courier.round(Channel::Email).await.unwrap();
    assert_eq!(exim.taken().len(), 1);
    let well = house.standing().await;
    assert_eq!((well.waiting, well.sent, well.failed), (0, 1, 0));
    assert_eq!(well.channels[0].down, None);
}

#[tokio::test]
async fn an_encrypted_line_is_used_only_with_the_server_that_was_meant() {
    let name = "an_encrypted_line_is_used_only_with_the_server_that_was_meant";
    let house = House::new().await;
    let folder = house.folder.path();
    // The certificates begin to be valid with their authority: today, by the system's clock.
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let today = UnixSeconds(i64::try_from(since.unwrap().as_secs()).unwrap());
    let ours = Authority::create(&folder.join("ours"), "prova", today).unwrap();
    let other = Authority::create(&folder.join("other"), "altra", today).unwrap();
    let issued = ours.issue_server(&["localhost".to_owned()], today).unwrap();
    let certificate = house.secret("server.pem", &issued.certificate);
    let key = house.secret("server.key", &issued.key.pem());
    let Some(exim) = Exim::encrypted(&certificate, &key) else {
        return skip(name, NO_EXIM);
    };
    let ada = to(Channel::Email, "ada@prova.example");
    let believing = |authority: &Authority, name: &str| Email {
        server: format!("localhost:{}", exim.port),
        tls: EmailTls::Starttls,
        authority: Some(house.secret(name, authority.pem())),
        ..server(exim.port)
    };
    house
        .enqueue("page-1.staff-1", std::slice::from_ref(&ada), true)
        .await;
    let courier = house.courier(&by_mail(believing(&other, "other.pem")));
    courier.round(Channel::Email).await.unwrap();
    assert_eq!(exim.taken().len(), 0);

    house.clock.turn(5_000);
    let courier = house.courier(&by_mail(believing(&ours, "ours.pem")));
    courier.round(Channel::Email).await.unwrap();
    assert_eq!(exim.taken().len(), 1);
    let email = Some(Channel::Email);
    let expected = [(Happened::Deferred, email), (Happened::Accepted, email)];
    assert_eq!(house.story().await, expected);
}
