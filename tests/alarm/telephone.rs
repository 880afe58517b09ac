//! What a patient says, without any instrument: an answer with the sender of every gateway, through
//! the front door.

use std::fs;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use veglia_link::sender::{self, Timing};
use veglia_link::{Access, LinkStatus, Outbox, OutboxOptions, Phase, Secret, SenderConfig};
use veglia_wire::{
    Answer, AnswerCode, Body, Boot, ClockState, DeviceId, GatewayId, MonoMs, Partition, Record,
    WallMs, When,
};

use crate::care::wall;
use crate::centre::Centre;

/// Who hands answers in, and the virtual device of the patient who gives them.
const GATEWAY: &str = "telefono";
pub(crate) const DEVICE: &str = "voce:1";

/// The file of its secret.
const SECRET: &str = "telefono.secret";

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets the one who hands answers in through the door.
pub(crate) fn install(centre: &Centre) {
    centre.let_in(&["gateway", GATEWAY], SECRET);
}

/// Says "yes" to a question; the centre has it when this returns. When it was said.
pub(crate) fn patient_says_yes(centre: &Centre, question: AnswerCode) -> WallMs {
    let secret = fs::read_to_string(centre.path(SECRET)).expect("the secret was written");
    let clock = centre.care.clock();
    let gateway = GatewayId::new(GATEWAY).expect("it is well formed");
    let runtime = Runtime::new().expect("threads can be started");
    runtime.block_on(async {
        let folder = centre.path("telefono");
        let outbox = Outbox::open(&folder, OutboxOptions::default()).expect("a new outbox");
        let (status, mut link) = watch::channel(LinkStatus::default());
        let config = SenderConfig {
            broker: format!("127.0.0.1:{}", centre.broker)
                .parse()
                .expect("an address"),
            access: Access::Secret(Secret::new(secret.trim())),
            partition: Partition::of(&gateway),
            gateway,
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock_state: watch::channel(ClockState::Synchronised).1,
            clock: clock.clone(),
            timing: Timing::default(),
            status,
        };
        let stop = CancellationToken::new();
        let sending = tokio::spawn(sender::run(config, outbox.clone(), stop.clone()));
        let connected = link.wait_for(|it| it.phase == Phase::Connected);
        let connected = timeout(PATIENCE, connected).await;
        drop(connected.expect("it connects in time").expect("it runs"));
        let at = wall();
        let kept = outbox.append(vec![answered(question, clock.at(at))]).await;
        kept.expect("the outbox keeps it");
        let mut status = outbox.watch();
        let taken = timeout(PATIENCE, status.wait_for(|it| it.waiting() == 0)).await;
        drop(taken.expect("ingest takes it in time").expect("it runs"));
        stop.cancel();
        let ended = sending.await.expect("it does not panic");
        ended.expect("it only stops when told to");
        at
    })
}

fn answered(question: AnswerCode, at: WallMs) -> Record {
    Record {
        device: Some(DeviceId::new(DEVICE).expect("it is well formed")),
        when: When {
            boot: Boot(1),
            mono: MonoMs(0),
            wall: Some(at),
            device: None,
        },
        body: Body::Answer(Answer {
            code: question,
            value: 1,
        }),
    }
}
