//! The link over TLS, through the real front door: what gets in, what is told to whoever does not,
//! and that nothing is lost meanwhile.

#![cfg(test)]

mod centre;
#[expect(
    dead_code,
    reason = "here the broker is a real one, and nothing is unreliable"
)]
#[path = "../support/mod.rs"]
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_identity::UnixSeconds;
use veglia_journal::fake::FaultyFilesystem;
use veglia_link::{
    Access, Address, CertificateFiles, LinkStatus, Outbox, OutboxOptions, Phase, ReceiverConfig,
    Refused, Secret, SenderConfig, SenderError, receiver, sender,
};
use veglia_wire::{Boot, CareClock, Clock, ClockState, GatewayId, Partition, WallMs};

use centre::{Centre, certify_by, now, root};
use support::ingest::{Ingest, Manner, Seen};
use support::{BRISK, emptied, in_time, readings, until};

const NAME: &str = "home-1";

/// A clock that stands still.
struct Stopped(i64);

impl Clock for Stopped {
    fn now(&self) -> WallMs {
        WallMs(self.0)
    }
}

fn clock(seconds: UnixSeconds) -> CareClock {
    CareClock::real(Arc::new(Stopped(seconds.0 * 1000)))
}

/// A box with something to send.
struct Home {
    outbox: Outbox,
    status: watch::Receiver<LinkStatus>,
    stop: CancellationToken,
    sending: JoinHandle<Result<(), SenderError>>,
}

impl Home {
    async fn start(address: impl Into<Address>, files: &CertificateFiles) -> Self {
        let access = Access::Certificate(files.clone());
        Self::start_at(address.into(), access, clock(now())).await
    }

    async fn start_at(broker: Address, access: Access, clock: CareClock) -> Self {
        let fs = FaultyFilesystem::new();
        let outbox = Outbox::open_on(fs, Path::new("outbox"), OutboxOptions::default()).unwrap();
        outbox.append(readings(1..=5)).await.unwrap();
        let (status, watched) = watch::channel(LinkStatus::default());
        let config = SenderConfig {
            broker,
            access,
            gateway: GatewayId::new(NAME).unwrap(),
            partition: Partition::new(7).unwrap(),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state: watch::channel(ClockState::Synchronised).1,
            clock,
            timing: BRISK,
            status,
        };
        let stop = CancellationToken::new();
        let sending = tokio::spawn(sender::run(config, outbox.clone(), stop.clone()));
        Self {
            outbox,
            status: watched,
            stop,
            sending,
        }
    }

    async fn connected(&mut self) {
        until(&mut self.status, "the connection", |it| {
            it.phase == Phase::Connected && it.refused.is_none()
        })
        .await;
    }

    /// What it says when it is not let in.
    async fn sentence(&mut self) -> (String, Option<Refused>) {
        self.sentence_with("").await
    }

    /// What it says when it is not let in, when that has something in it.
    async fn sentence_with(&mut self, part: &str) -> (String, Option<Refused>) {
        let says = |phase: &Phase| match phase {
            Phase::Connecting { last_error, .. } => last_error.clone(),
            _ => None,
        };
        let status = until(&mut self.status, "a sentence", |it| {
            says(&it.phase).is_some_and(|text| text.contains(part))
        })
        .await;
        assert_eq!(self.outbox.status().waiting(), 5, "everything is kept");
        (says(&status.phase).unwrap(), status.refused)
    }

    async fn stop(self) {
        self.stop.cancel();
        let ended = in_time("the sender's end", self.sending).await;
        ended.unwrap().unwrap();
        self.outbox.close().await;
    }
}

/// An ingest that comes in with a certificate.
fn listen(centre: &Centre) -> watch::Receiver<Seen> {
    let (ingest, seen) = Ingest::new(Manner::Proper);
    let config = ReceiverConfig {
        broker: centre.address.into(),
        access: Access::Certificate(centre.ingest()),
        service: "ingest".to_owned(),
        partitions: Partition::all().collect(),
        clock: clock(now()),
        window: ReceiverConfig::WINDOW,
        timing: BRISK,
        status: watch::channel(Phase::FIRST).0,
    };
    let (tx, incoming) = mpsc::channel(8);
    tokio::spawn(receiver::run(config, tx, CancellationToken::new()));
    tokio::spawn(ingest.run(incoming));
    seen
}

// req: G5
#[tokio::test]
async fn readings_of_an_enrolled_box_arrive_over_tls() {
    let centre = Centre::open().await;
    let mut seen = listen(&centre);
    let files = centre.gateway(NAME);
    let home = Home::start(centre.address, &files).await;
    let stored = until(&mut seen, "the readings", |it| it.stored.len() == 5).await;
    let records: Vec<_> = stored
        .stored
        .into_iter()
        .map(|(_, record)| record)
        .collect();
    assert_eq!(records, readings(1..=5));
    emptied(&home.outbox).await;
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_box_that_is_not_in_the_list_is_told_so_and_comes_in_when_it_is() {
    let centre = Centre::open().await;
    let (files, key) = centre.box_of(NAME);
    let mut home = Home::start(centre.address, &files).await;
    let (text, refused) = home.sentence().await;
    assert!(text.contains("veglia identity list"), "{text}");
    assert_eq!(refused, Some(Refused::Unknown));

    let admitted = centre.identities.admit_gateway_key(NAME, 7, key, now());
    admitted.unwrap();
    home.connected().await;
    home.stop().await;
    centre.close().await;
}

// req: G5
#[tokio::test]
async fn a_revoked_box_is_told_so_keeps_everything_and_comes_back_when_it_is_admitted() {
    let centre = Centre::open().await;
    let files = centre.gateway(NAME);
    let mut home = Home::start(centre.address, &files).await;
    home.connected().await;
    assert!(centre.identities.revoke(NAME, now()).unwrap());
    let (text, refused) = home.sentence_with("revoked").await;
    let sentence = "the centre has revoked home-1: call the centre to have it admitted again";
    assert_eq!(text, sentence);
    assert_eq!(refused, Some(Refused::Revoked));

    let mut seen = listen(&centre);
    assert!(centre.identities.reinstate(NAME).unwrap());
    until(&mut seen, "the readings", |it| it.stored.len() == 5).await;
    emptied(&home.outbox).await;
    assert_eq!(home.status.borrow().refused, None);
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_certificate_that_ended_is_told_and_a_renewed_one_used_without_a_restart() {
    let centre = Centre::open().await;
    let files = centre.gateway(NAME);
    centre.certify(&files, NAME, now().plus_days(-100));
    let mut home = Home::start(centre.address, &files).await;
    let (text, refused) = home.sentence().await;
    assert!(
        text.starts_with("the certificate of home-1 ended on 20"),
        "{text}"
    );
    assert_eq!(refused, Some(Refused::Expired));

    centre.certify(&files, NAME, now());
    home.connected().await;
    home.stop().await;
    centre.close().await;
}

// req: G5
#[tokio::test]
async fn a_box_of_another_centre_is_told_whose_it_is() {
    let centre = Centre::open().await;
    let files = centre.gateway(NAME);
    let elsewhere = tempfile::tempdir().unwrap();
    certify_by(&root(elsewhere.path()), &files, NAME, now());
    let mut home = Home::start(centre.address, &files).await;
    let (text, refused) = home.sentence().await;
    assert!(text.contains("issued by another centre"), "{text}");
    assert_eq!(refused, Some(Refused::Unknown));
    home.stop().await;
    centre.close().await;
}

// req: G5
#[tokio::test]
async fn a_broker_of_another_centre_is_not_believed() {
    let centre = Centre::open().await;
    let mut files = centre.gateway(NAME);
    let elsewhere = tempfile::tempdir().unwrap();
    root(elsewhere.path());
    files.authority = elsewhere.path().join("ca/authority.pem");
    let mut home = Home::start(centre.address, &files).await;
    let (text, refused) = home.sentence().await;
    assert!(text.contains("is not the centre's broker"), "{text}");
    assert_eq!(refused, None, "the right one may answer the next time");
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_broker_with_another_name_is_not_believed_and_its_names_are_told() {
    let centre = Centre::open_for("centre.example").await;
    let files = centre.gateway(NAME);
    let mut home = Home::start(centre.address, &files).await;
    let (text, _) = home.sentence().await;
    assert!(text.contains("is for centre.example:"), "{text}");
    assert!(text.contains("veglia ca server --name 127.0.0.1"), "{text}");
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_box_whose_clock_was_lost_connects_all_the_same() {
    let centre = Centre::open().await;
    let access = Access::Certificate(centre.gateway(NAME));
    let clock = clock(UnixSeconds(60));
    let mut home = Home::start_at(centre.address.into(), access, clock).await;
    home.connected().await;
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_box_whose_clock_is_years_ahead_says_what_it_believes() {
    let centre = Centre::open().await;
    let access = Access::Certificate(centre.gateway(NAME));
    let clock = clock(UnixSeconds(4_102_444_800));
    let mut home = Home::start_at(centre.address.into(), access, clock).await;
    let (text, _) = home.sentence().await;
    assert!(
        text.contains("the clock here says 2100-01-01 00:00 UTC"),
        "{text}"
    );
    assert!(text.contains("set the clock"), "{text}");
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_the_files_is_told_and_mended_without_a_restart() {
    let centre = Centre::open().await;
    let files = centre.gateway(NAME);
    let (other, _) = centre.box_of("home-2");
    let good = fs::read(&files.certificate).unwrap();
    fs::set_permissions(&files.key, Permissions::from_mode(0o644)).unwrap();
    let mut home = Home::start(centre.address, &files).await;
    home.sentence_with("chmod 600").await;

    fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
    fs::copy(&other.certificate, &files.certificate).unwrap();
    home.sentence_with("is for \"home-2\" and not for \"home-1\"")
        .await;

    let key = fs::read(&files.key).unwrap();
    fs::write(&files.certificate, &good).unwrap();
    fs::copy(&other.key, &files.key).unwrap();
    home.sentence_with("does not belong to the certificate")
        .await;

    fs::write(&files.key, &key).unwrap();
    fs::write(&files.certificate, "nothing").unwrap();
    home.sentence_with("there is no certificate in").await;

    fs::write(&files.certificate, &good).unwrap();
    home.connected().await;
    home.stop().await;
    centre.close().await;
}

#[tokio::test]
async fn a_port_without_tls_is_told_from_one_with_it() {
    let centre = Centre::open().await;
    let files = centre.gateway(NAME);
    let mut home = Home::start(centre.plain, &files).await;
    let (text, _) = home.sentence().await;
    assert!(text.contains("check the port"), "{text}");
    home.stop().await;
    centre.close().await;
}

// req: G5
#[tokio::test]
async fn a_secret_never_leaves_this_machine() {
    let access = Access::Secret(Secret::new("abracadabra"));
    let broker = "192.0.2.1:1883".parse().unwrap();
    let mut home = Home::start_at(broker, access, clock(now())).await;
    let (text, _) = home.sentence().await;
    assert!(
        text.contains("192.0.2.1:1883 is not this machine"),
        "{text}"
    );
    assert!(!text.contains("abracadabra"), "{text}");
    home.stop().await;
}
