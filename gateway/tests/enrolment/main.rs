//! A box enrols at a centre that really makes codes and certificates: what it keeps, whom it
//! believes, what it says when something is wrong, and how it renews.

#![cfg(test)]

mod answers;
mod centre;
#[path = "../../../broker/link/tests/support/log.rs"]
mod log;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use veglia_gateway::{
    CentreError, Config, EnrolError, Enrolled, Enrolment, Gateway, Invitation, UNDER_WAY, enrol,
};
use veglia_identity::{CertificateFacts, EnrolmentLink, Key, RefusalKind, UnixSeconds};
use veglia_wire::{CareClock, Clock};

use centre::{Centre, Hand, Manner, TODAY};
use log::Log;

/// Far longer than anything takes: reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

fn invited(centre: &Centre, gateway: &str) -> Invitation {
    let code = centre.code(gateway).to_string();
    Invitation::read(Some(&centre.url()), &code).unwrap()
}

async fn enrolled(invitation: &Invitation, centre: &Centre) -> Result<Enrolment, EnrolError> {
    let clock: Arc<dyn Clock> = centre.clock.clone();
    match enrol(invitation, &centre.data(), false, &clock).await? {
        Enrolled::Now(enrolment) => Ok(enrolment),
        Enrolled::Before(enrolment) => panic!("{enrolment:?} was there before"),
    }
}

fn folder(centre: &Centre) -> PathBuf {
    centre.data().join("gateway/casa-1")
}

fn refused(error: &EnrolError) -> RefusalKind {
    match error {
        EnrolError::Centre(CentreError::Refused(refusal)) => refusal.kind,
        error => panic!("{error:?}"),
    }
}

/// Whether a gateway would start with what is there.
fn starts(data: &Path) -> Result<String, String> {
    let config = Config::default();
    let id = config.gateway(data).map_err(|error| error.to_string())?;
    let dir = data.join("gateway").join(id.as_str());
    let clock = CareClock::real(Hand::at(TODAY));
    let opened = Gateway::open(config, &dir, clock);
    opened.map(|_| id.to_string()).map_err(|it| it.to_string())
}

// req: G5
#[tokio::test]
async fn a_box_makes_its_key_and_gets_a_certificate_a_partition_and_a_broker() {
    let centre = Centre::open().await;
    let enrolment = enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    assert_eq!(enrolment.gateway.as_str(), "casa-1");
    assert_eq!(enrolment.partition.number(), 7);
    assert_eq!(enrolment.broker.to_string(), "broker.example:8883");
    assert_eq!(enrolment.centre, centre.url());

    let dir = folder(&centre);
    for name in [
        "key.pem",
        "certificate.pem",
        "authority.pem",
        "enrolment.toml",
    ] {
        let mode = fs::metadata(dir.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let certificate = fs::read_to_string(dir.join("certificate.pem")).unwrap();
    let facts = CertificateFacts::read_pem(&certificate).unwrap();
    assert_eq!(facts.key, Key::open(&dir.join("key.pem")).unwrap().hash());
    let list = centre.identities.load().unwrap();
    assert!(list.authenticate_key("casa-1", &facts.key).is_ok());
    assert!(!centre.heard("PRIVATE KEY"), "the key never leaves the box");
    assert_eq!(starts(&centre.data()).unwrap(), "casa-1");
}

#[tokio::test]
async fn the_text_of_the_label_is_enough() {
    let centre = Centre::open().await;
    let label = EnrolmentLink {
        centre: Some(centre.url()),
        code: centre.code("casa-1"),
    };
    let invitation = Invitation::read(None, &label.to_string()).unwrap();
    enrolled(&invitation, &centre).await.unwrap();

    let without = EnrolmentLink {
        centre: None,
        code: centre.code("casa-2"),
    };
    let error = Invitation::read(None, &without.to_string()).unwrap_err();
    assert!(error.to_string().contains("--centre"), "{error}");
}

#[tokio::test]
async fn on_this_machine_the_pages_need_no_tls() {
    let centre = Centre::open_plain().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();

    let code = centre.code("casa-2").to_string();
    let invitation = Invitation::read(Some("http://192.0.2.1"), &code).unwrap();
    let clock: Arc<dyn Clock> = centre.clock.clone();
    let error = enrol(&invitation, &centre.data(), true, &clock).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("write https://"), "{error}");
}

#[tokio::test]
async fn a_box_that_is_enrolled_is_left_alone_unless_it_is_to_enrol_again() {
    let centre = Centre::open().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    let key = fs::read(folder(&centre).join("key.pem")).unwrap();
    fs::create_dir(folder(&centre).join("outbox")).unwrap();
    let clock: Arc<dyn Clock> = centre.clock.clone();

    let invitation = invited(&centre, "casa-1");
    let before = enrol(&invitation, &centre.data(), false, &clock).await;
    assert!(matches!(before.unwrap(), Enrolled::Before(_)));
    assert_eq!(fs::read(folder(&centre).join("key.pem")).unwrap(), key);

    let now = enrol(&invitation, &centre.data(), true, &clock).await;
    assert!(matches!(now.unwrap(), Enrolled::Now(_)));
    assert_ne!(fs::read(folder(&centre).join("key.pem")).unwrap(), key);
    assert!(folder(&centre).join("outbox").exists(), "readings stay");
    assert_eq!(starts(&centre.data()).unwrap(), "casa-1");

    let other = invited(&centre, "casa-2");
    enrol(&other, &centre.data(), true, &clock).await.unwrap();
    assert_eq!(starts(&centre.data()).unwrap(), "casa-2");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_to_the_same_box() {
    let centre = Centre::open().await;
    let invitation = invited(&centre, "casa-1");
    centre.behave(Manner::Mute);
    let error = enrolled(&invitation, &centre).await.unwrap_err();
    assert!(
        error.to_string().contains("broke off: try again"),
        "{error}"
    );
    assert!(starts(&centre.data()).unwrap_err().contains("not enrolled"));

    centre.behave(Manner::Proper);
    enrolled(&invitation, &centre).await.unwrap();
    assert_eq!(starts(&centre.data()).unwrap(), "casa-1");
}

// req: G5
#[tokio::test]
async fn a_wrong_a_used_and_a_late_code_are_each_told() {
    let centre = Centre::open().await;
    let invitation = invited(&centre, "casa-1");
    let elsewhere = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = centre.clock.clone();
    enrol(&invitation, elsewhere.path(), false, &clock)
        .await
        .unwrap();
    let error = enrolled(&invitation, &centre).await.unwrap_err();
    assert_eq!(refused(&error), RefusalKind::Used);
    assert!(error.to_string().contains("used by another box"), "{error}");

    let withdrawn = invited(&centre, "casa-2");
    invited(&centre, "casa-2");
    let error = enrolled(&withdrawn, &centre).await.unwrap_err();
    assert_eq!(refused(&error), RefusalKind::UnknownCode);

    let late = invited(&centre, "casa-3");
    centre.clock.set(UnixSeconds(TODAY.0 + 3601));
    let error = enrolled(&late, &centre).await.unwrap_err();
    assert_eq!(refused(&error), RefusalKind::Expired);
    assert!(error.to_string().contains("has expired"), "{error}");

    let error = Invitation::read(Some("https://centre.example"), "ABCD-EFGH").unwrap_err();
    assert!(matches!(error, EnrolError::Code(_)), "{error}");
    assert!(starts(&centre.data()).unwrap_err().contains("not enrolled"));
}

// req: G5
#[tokio::test]
async fn a_code_is_not_sent_to_another_centre() {
    let centre = Centre::open().await;
    let other = Centre::open().await;
    let code = centre.code("casa-1").to_string();
    let invitation = Invitation::read(Some(&other.url()), &code).unwrap();
    let error = enrolled(&invitation, &centre).await.unwrap_err();
    assert!(
        matches!(error, EnrolError::Centre(CentreError::Impostor { .. })),
        "{error:?}"
    );
    assert!(!other.heard("code"), "nothing was said to it");
}

#[tokio::test]
async fn what_is_no_centre_is_told() {
    let centre = Centre::open().await;
    let invitation = invited(&centre, "casa-1");
    for (status, text) in [(404, "<html>".to_owned()), (200, "x".repeat(100_000))] {
        centre.behave(Manner::Otherwise(status, text.into()));
        let error = enrolled(&invitation, &centre)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("is no centre of Veglia"), "{error}");
    }
    let plain = Centre::open_plain().await;
    let url = plain.url().replace("http://", "https://");
    let code = plain.code("casa-1").to_string();
    let invitation = Invitation::read(Some(&url), &code).unwrap();
    let error = enrolled(&invitation, &plain).await.unwrap_err().to_string();
    assert!(error.contains("check the port"), "{error}");
    let named = Centre::open_as(true, "centre.example").await;
    let error = enrolled(&invited(&named, "casa-1"), &named).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("is for another name"), "{error}");
}

#[tokio::test]
async fn a_lost_clock_does_not_keep_a_box_out_and_a_wrong_one_is_told() {
    let centre = Centre::open().await;
    let invitation = invited(&centre, "casa-1");
    let ahead: Arc<dyn Clock> = Hand::at(UnixSeconds(4_102_444_800));
    let error = enrol(&invitation, &centre.data(), false, &ahead).await;
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("the clock here says 2100-01-01 00:00 UTC"),
        "{error}"
    );

    let lost: Arc<dyn Clock> = Hand::at(UnixSeconds(60));
    enrol(&invitation, &centre.data(), false, &lost)
        .await
        .unwrap();
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "waited for {what} in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs the enrolled gateway with the clock of the centre.
fn run(centre: &Centre) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let config = Config {
        broker: Some("127.0.0.1:1".to_owned()),
        ..Config::default()
    };
    let clock = CareClock::real(centre.clock.clone());
    let gateway = Gateway::open(config, &folder(centre), clock).unwrap();
    let stop = CancellationToken::new();
    let running = gateway.run(stop.clone());
    let running = tokio::spawn(async move { running.await.unwrap() });
    (stop, running)
}

// req: G5
#[tokio::test]
async fn a_running_gateway_renews_its_certificate_in_time_and_says_when_it_was_revoked() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .init();
    let logged = |part: &str| log.text().contains(part);

    let centre = Centre::open().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    let ends = || {
        let text = fs::read_to_string(folder(&centre).join("certificate.pem")).unwrap();
        CertificateFacts::read_pem(&text).unwrap().not_after
    };
    assert_eq!(ends(), TODAY.plus_days(90));
    let key = fs::read(folder(&centre).join("key.pem")).unwrap();

    centre.clock.set(TODAY.plus_days(64));
    let (stop, running) = run(&centre);
    until("the renewal", || ends() == TODAY.plus_days(64 + 90)).await;
    assert_eq!(fs::read(folder(&centre).join("key.pem")).unwrap(), key);
    stop.cancel();
    running.await.unwrap();

    // A summer in a drawer: the certificate has ended, the key is still listed.
    centre.clock.set(TODAY.plus_days(300));
    let (stop, running) = run(&centre);
    until("the renewal", || ends() == TODAY.plus_days(300 + 90)).await;
    stop.cancel();
    running.await.unwrap();

    centre
        .identities
        .revoke("casa-1", TODAY.plus_days(301))
        .unwrap();
    centre.clock.set(TODAY.plus_days(380));
    let (stop, running) = run(&centre);
    until("the sentence", || {
        logged("this box was revoked by the centre")
    })
    .await;
    assert_eq!(ends(), TODAY.plus_days(390));
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn a_power_cut_at_any_step_of_keeping_is_made_good_at_the_next_start() {
    let centre = Centre::open().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    let done = folder(&centre);
    let files = [
        "key.pem",
        "certificate.pem",
        "authority.pem",
        "enrolment.toml",
    ];
    for moved in 0..=files.len() {
        for before in [false, true] {
            let data = tempfile::tempdir().unwrap();
            let gateways = data.path().join("gateway");
            let (from, to) = (gateways.join(UNDER_WAY), gateways.join("casa-1"));
            fs::create_dir_all(&from).unwrap();
            fs::create_dir_all(&to).unwrap();
            if before && moved == 0 {
                // What an enrolment before has left, and this one takes the place of.
                for file in files {
                    fs::write(to.join(file), "of another enrolment").unwrap();
                }
            }
            for (index, file) in files.iter().enumerate() {
                let place = if index < moved { &to } else { &from };
                fs::copy(done.join(file), place.join(file)).unwrap();
            }
            assert_eq!(starts(data.path()).unwrap(), "casa-1", "{moved} were moved");
            for file in files {
                let (kept, wanted) = (fs::read(to.join(file)), fs::read(done.join(file)));
                assert_eq!(kept.unwrap(), wanted.unwrap(), "{file}, {moved} were moved");
            }
        }
    }
}

#[tokio::test]
async fn a_power_cut_before_the_answer_is_kept_leaves_a_box_that_is_not_enrolled() {
    let centre = Centre::open().await;
    enrolled(&invited(&centre, "casa-1"), &centre)
        .await
        .unwrap();
    for files in [
        &["key.pem"][..],
        &["key.pem", "certificate.pem", "authority.pem"],
    ] {
        let data = tempfile::tempdir().unwrap();
        let from = data.path().join("gateway").join(UNDER_WAY);
        fs::create_dir_all(&from).unwrap();
        for file in files {
            fs::copy(folder(&centre).join(file), from.join(file)).unwrap();
        }
        let error = starts(data.path()).unwrap_err();
        assert!(error.contains("veglia gateway enroll"), "{error}");
    }
}

#[test]
fn several_enrolled_gateways_and_a_secret_without_a_name_are_told() {
    let data = tempfile::tempdir().unwrap();
    for id in ["casa-1", "casa-2"] {
        let dir = data.path().join("gateway").join(id);
        fs::create_dir_all(&dir).unwrap();
        let text = format!(
            "version = 1\nid = \"{id}\"\npartition = 7\nbroker = \"b:1\"\ncentre = \"c\"\n"
        );
        fs::write(dir.join("enrolment.toml"), text).unwrap();
    }
    let error = starts(data.path()).unwrap_err();
    assert!(error.contains("casa-1, casa-2"), "{error}");

    let nameless = Config {
        secret_file: Some("gateway.secret".into()),
        ..Config::default()
    };
    let error = nameless.gateway(data.path()).unwrap_err().to_string();
    assert!(error.contains("whose secret"), "{error}");
}
