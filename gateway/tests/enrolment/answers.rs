//! What a box does not believe, whoever vouched for the connection; and what it asks nobody else.

use veglia_gateway::AnswerError;
use veglia_identity::{Admission, Authority};

use super::*;

/// What a box says to an answer that was changed, and that it keeps nothing of it.
async fn unbelieved(
    centre: &Centre,
    change: impl Fn(&mut Admission) + Send + Sync + 'static,
) -> AnswerError {
    centre.behave(Manner::Changed(Arc::new(change)));
    let invitation = invited(centre, "casa-1");
    let error = enrolled(&invitation, centre).await.unwrap_err();
    assert!(starts(&centre.data()).unwrap_err().contains("not enrolled"));

    // The key is kept, so the same code does it when the centre itself answers.
    centre.behave(Manner::Proper);
    enrolled(&invitation, centre).await.unwrap();
    match error {
        EnrolError::Answer(error) => error,
        error => panic!("{error:?}"),
    }
}

/// The key with which the box is asking.
fn asking_key(data: &Path) -> Key {
    Key::open(&data.join("gateway").join(UNDER_WAY).join("key.pem")).unwrap()
}

fn stranger(folder: &Path) -> Authority {
    Authority::create(&folder.join("ca"), "prova", TODAY).unwrap()
}

// req: G5
#[tokio::test]
async fn an_answer_with_another_root_than_the_code_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let other = stranger(folder.path()).pem().to_owned();
    let centre = Centre::open_plain().await;
    let alone = other.clone();
    let error = unbelieved(&centre, move |it| it.authority.clone_from(&alone)).await;
    assert!(matches!(error, AnswerError::OtherCentre), "{error:?}");

    // Beside the right one it would be trusted as well.
    let centre = Centre::open_plain().await;
    let error = unbelieved(&centre, move |it| it.authority.push_str(&other)).await;
    assert!(matches!(error, AnswerError::OtherCentre), "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_the_root_did_not_sign_for_a_client_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let other = stranger(folder.path());
    let centre = Centre::open_plain().await;
    let data = centre.data();
    let error = unbelieved(&centre, move |it| {
        let made = other.issue_service(&it.gateway, &asking_key(&data), TODAY);
        it.certificate = made.unwrap();
    })
    .await;
    assert!(matches!(error, AnswerError::NotSigned(_)), "{error:?}");

    let centre = Centre::open_plain().await;
    let (data, own) = (centre.data(), centre.authority());
    let error = unbelieved(&centre, move |it| {
        let hosts = [it.gateway.clone()];
        let made = own.server_certificate(&hosts, &asking_key(&data), TODAY);
        it.certificate = made.unwrap();
    })
    .await;
    assert!(matches!(error, AnswerError::NotSigned(_)), "{error:?}");
}

#[tokio::test]
async fn a_certificate_that_ends_too_far_ahead_is_not_believed() {
    let centre = Centre::open_plain().await;
    let (data, own) = (centre.data(), centre.authority());
    let error = unbelieved(&centre, move |it| {
        // 397 days, of a centre that is ten days ahead.
        let made = own.issue_service(&it.gateway, &asking_key(&data), TODAY.plus_days(10));
        it.certificate = made.unwrap();
    })
    .await;
    assert!(matches!(error, AnswerError::TooLong { .. }), "{error:?}");
    assert!(error.to_string().contains("set the clock"), "{error}");
}

#[tokio::test]
async fn a_renewed_certificate_that_the_root_did_not_sign_takes_the_place_of_none() {
    let log = Log::default();
    let writer = log.clone();
    // Of this thread alone, on which everything here runs.
    let logging = tracing_subscriber::fmt().with_writer(move || writer.clone());
    let _logging = tracing::subscriber::set_default(logging.finish());

    let elsewhere = tempfile::tempdir().unwrap();
    let other = stranger(elsewhere.path());
    let centre = Centre::open().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    let certificate = folder(&centre).join("certificate.pem");
    let before = fs::read(&certificate).unwrap();
    let key = Key::open(&folder(&centre).join("key.pem")).unwrap();
    let now = TODAY.plus_days(64);
    centre.behave(Manner::Changed(Arc::new(move |it| {
        it.certificate = other.issue_service(&it.gateway, &key, now).unwrap();
    })));
    centre.clock.set(now);
    let (stop, running) = run(&centre);
    until("the sentence", || {
        log.text().contains("was not signed by the centre")
    })
    .await;
    stop.cancel();
    running.await.unwrap();
    assert_eq!(fs::read(&certificate).unwrap(), before);
}
