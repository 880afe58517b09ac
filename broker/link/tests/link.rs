//! Both halves with a broker between them that loses, doubles and dies: nothing is lost, nothing
//! is doubled, nothing is acknowledged that is not stored.

#![cfg(test)]

mod commands;
mod support;

use std::path::Path;

use support::broker::{Broker, Fate};
use support::ingest::{Manner, Seen};
use support::{Receiving, Sending, emptied, gateway, reading, readings, until};
use veglia_journal::fake::FaultyFilesystem;
use veglia_link::{Outbox, OutboxOptions, Phase, Refused, SenderError};
use veglia_wire::{
    Ack, Body, Channel, Epoch, Gap, GapReason, Partition, Record, Sequence, Topic, WallMs,
};

const OUTBOX: &str = "outbox";

fn open(fs: &FaultyFilesystem) -> Outbox {
    Outbox::open_on(fs.clone(), Path::new(OUTBOX), OutboxOptions::default()).unwrap()
}

fn sequence(number: u64) -> Option<Sequence> {
    Sequence::new(number)
}

/// Every record once, in order, under its own sequence.
fn assert_complete(seen: &Seen, records: &[Record]) {
    let sequences: Vec<u64> = seen
        .stored
        .iter()
        .map(|(id, _)| id.sequence.get())
        .collect();
    let wanted: Vec<u64> = (1..).take(records.len()).collect();
    assert_eq!(sequences, wanted);
    let stored: Vec<&Record> = seen.stored.iter().map(|(_, record)| record).collect();
    assert_eq!(stored, records.iter().collect::<Vec<_>>());
}

/// Appends in small and large portions, as devices do.
async fn append(outbox: &Outbox, records: &[Record]) {
    let mut rest = records;
    for size in [1, 2, 7, 300].into_iter().cycle() {
        let (portion, others) = rest.split_at(size.min(rest.len()));
        outbox.append(portion.to_vec()).await.unwrap();
        rest = others;
        if rest.is_empty() {
            return;
        }
    }
}

fn is_up(topic: &str) -> bool {
    topic.ends_with("/up")
}

fn is_ack(topic: &str) -> bool {
    topic.ends_with("/ack")
}

#[tokio::test]
async fn readings_arrive_in_order_and_are_acknowledged() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let outbox = open(&FaultyFilesystem::new());
    let sending = Sending::start(&broker, &outbox);
    let records = readings(1..=1000);
    append(&outbox, &records).await;

    let seen = receiving.stored(1000).await;
    assert_complete(&seen, &records);
    emptied(&outbox).await;
    assert_eq!(sending.status.borrow().unacknowledged, 0);
    assert_eq!(sending.status.borrow().phase, Phase::Connected);
    assert!(sending.status.borrow().last_ack_at.is_some());
    sending.stop().await.unwrap();
    receiving.stop().await;
}

#[tokio::test]
async fn a_backlog_travels_in_full_frames() {
    let broker = Broker::start().await;
    let outbox = open(&FaultyFilesystem::new());
    append(&outbox, &readings(1..=1280)).await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let sending = Sending::start(&broker, &outbox);
    let seen = receiving.stored(1280).await;
    assert_eq!(seen.frames, 10);
    sending.stop().await.unwrap();
}

#[tokio::test]
async fn a_broker_that_is_killed_and_comes_back_loses_nothing() {
    let broker = Broker::start().await;
    let address = broker.address;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let outbox = open(&FaultyFilesystem::new());
    let mut sending = Sending::start(&broker, &outbox);
    let records = readings(1..=900);
    append(&outbox, &records[..300]).await;
    receiving.stored(1).await;
    broker.kill().await;
    until(&mut sending.status, "the loss", |status| {
        matches!(
            &status.phase,
            Phase::Connecting {
                last_error: Some(_),
                ..
            }
        )
    })
    .await;
    append(&outbox, &records[300..600]).await;

    let broker = Broker::start_at(address).await;
    append(&outbox, &records[600..]).await;
    let seen = receiving.stored(900).await;
    assert_complete(&seen, &records);
    emptied(&outbox).await;
    broker.kill().await;
}

#[tokio::test]
async fn it_greets_on_every_connection() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let outbox = open(&FaultyFilesystem::new());
    for connection in 1..=3 {
        let sending = Sending::start(&broker, &outbox);
        let seen = until(&mut receiving.seen, "the greeting", |it| {
            it.hellos.len() == connection
        })
        .await;
        let hello = &seen.hellos[connection - 1];
        assert_eq!(hello.epoch, outbox.status().epoch);
        assert_eq!((hello.oldest, hello.newest), (None, None));
        sending.stop().await.unwrap();
    }
}

#[tokio::test]
async fn lost_acknowledgements_are_repeated_when_the_frames_come_again() {
    let broker = Broker::start().await;
    broker.fault(|topic| match is_ack(topic) {
        true => Fate::Lost,
        false => Fate::Arrives,
    });
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let outbox = open(&FaultyFilesystem::new());
    let _sending = Sending::start(&broker, &outbox);
    let records = readings(1..=500);
    append(&outbox, &records).await;
    until(&mut receiving.seen, "repetitions", |it| it.repeated > 0).await;
    assert_eq!(outbox.status().acknowledged, None);

    broker.fault(|_| Fate::Arrives);
    emptied(&outbox).await;
    let seen = receiving.stored(500).await;
    assert_complete(&seen, &records);
}

#[tokio::test]
async fn lost_frames_are_asked_for_and_sent_again() {
    let broker = Broker::start().await;
    // Not every fourth: a loss in step with the window would lose the same frame for ever.
    let mut rng = fastrand::Rng::with_seed(20);
    let mut frames = 0;
    broker.fault(move |topic| {
        frames += u32::from(is_up(topic));
        if is_up(topic) && (frames == 1 || rng.u8(..4) == 0) {
            Fate::Lost
        } else {
            Fate::Arrives
        }
    });
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.connected().await;
    let outbox = open(&FaultyFilesystem::new());
    let _sending = Sending::start(&broker, &outbox);
    let records = readings(1..=1500);
    append(&outbox, &records).await;
    emptied(&outbox).await;
    let seen = receiving.stored(1500).await;
    assert_complete(&seen, &records);
    assert!(seen.holes > 0);
}

#[tokio::test]
async fn frames_that_arrive_twice_are_stored_once() {
    let broker = Broker::start().await;
    broker.fault(|topic| match is_up(topic) {
        true => Fate::Doubled,
        false => Fate::Arrives,
    });
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let outbox = open(&FaultyFilesystem::new());
    let _sending = Sending::start(&broker, &outbox);
    let records = readings(1..=400);
    append(&outbox, &records).await;
    emptied(&outbox).await;
    let seen = receiving.stored(400).await;
    assert_complete(&seen, &records);
    assert!(seen.repeated > 0);
}

#[tokio::test]
async fn a_forgotten_receipt_acknowledges_nothing_and_the_frame_comes_again() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Forgetful);
    let outbox = open(&FaultyFilesystem::new());
    let _sending = Sending::start(&broker, &outbox);
    append(&outbox, &readings(1..=1)).await;
    until(&mut receiving.seen, "repetitions", |it| it.frames >= 3).await;
    assert_eq!(outbox.status().acknowledged, None);
    assert_eq!(outbox.status().waiting(), 1);
}

#[tokio::test]
async fn refused_records_are_passed_and_a_copy_is_kept() {
    let broker = Broker::start().await;
    let _receiving = Receiving::start(&broker, Manner::Foreign);
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    let _sending = Sending::start(&broker, &outbox);
    outbox.append(readings(1..=3)).await.unwrap();
    emptied(&outbox).await;
    let kept = fs.files().into_iter().find(|path| {
        let folder = path.parent().and_then(Path::file_name);
        folder.is_some_and(|folder| folder == "refused")
    });
    let kept = fs.content(&kept.unwrap()).unwrap();
    let wanted: Vec<u8> = readings(1..=3).iter().flat_map(Record::encode).collect();
    assert_eq!(kept, wanted);
}

#[tokio::test]
async fn acknowledgements_that_cannot_be_true_are_ignored() {
    let broker = Broker::start().await;
    let outbox = open(&FaultyFilesystem::new());
    let mut sending = Sending::start(&broker, &outbox);
    sending.connected().await;
    outbox.append(readings(1..=10)).await.unwrap();
    let topic = Topic {
        partition: Partition::of(&gateway()),
        gateway: gateway(),
        channel: Channel::Ack,
    };
    let acknowledge = |epoch, through| {
        let ack = Ack {
            epoch,
            through: sequence(through),
            at: WallMs(0),
            window: 32,
            expected: None,
            refused: None,
        };
        broker.inject(topic.to_string(), ack.encode());
    };
    let epoch = outbox.status().epoch;
    acknowledge(Epoch(epoch.0.wrapping_add(1)), 10);
    acknowledge(epoch, 11);
    broker.inject(topic.to_string(), b"nonsense".to_vec());
    acknowledge(epoch, 4);
    let mut status = outbox.watch();
    let status = until(&mut status, "the true one", |it| it.acknowledged.is_some()).await;
    assert_eq!(status.acknowledged, sequence(4));
}

#[tokio::test]
async fn a_gateway_that_restarts_goes_on_where_ingest_is() {
    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    let sending = Sending::start(&broker, &outbox);
    let records = readings(1..=60);
    append(&outbox, &records[..40]).await;
    receiving.stored(40).await;
    sending.stop().await.unwrap();
    outbox.append(records[40..50].to_vec()).await.unwrap();
    // Not dropped: that would be an orderly end.
    let before = outbox;
    fs.crash();

    let outbox = open(&fs);
    let _sending = Sending::start(&broker, &outbox);
    append(&outbox, &records[50..]).await;
    let seen = receiving.stored(60).await;
    assert_complete(&seen, &records);
    emptied(&outbox).await;
    assert_eq!(before.status().epoch, outbox.status().epoch);
}

#[tokio::test]
async fn a_connection_on_which_nothing_is_acknowledged_is_made_anew() {
    let broker = Broker::start().await;
    let outbox = open(&FaultyFilesystem::new());
    let mut sending = Sending::start(&broker, &outbox);
    outbox.append(readings(1..=1)).await.unwrap();
    let stalled = |phase: &Phase| match phase {
        Phase::Connecting { last_error, .. } => last_error.clone(),
        _ => None,
    };
    let status = until(&mut sending.status, "the stall", |it| {
        stalled(&it.phase).is_some()
    })
    .await;
    let reason = stalled(&status.phase).unwrap();
    assert!(reason.starts_with("nothing was acknowledged"), "{reason}");

    let mut receiving = Receiving::start(&broker, Manner::Proper);
    receiving.stored(1).await;
    emptied(&outbox).await;
}

#[tokio::test]
async fn records_that_the_disk_has_spoiled_are_sent_as_gaps() {
    let fs = FaultyFilesystem::new();
    let outbox = open(&fs);
    for portion in [1..=5, 6..=8, 9..=12] {
        outbox.append(readings(portion)).await.unwrap();
    }
    outbox.close().await;
    let log = fs
        .files()
        .into_iter()
        .find(|it| it.extension().is_some_and(|it| it == "log"));
    let log = log.unwrap();
    let content = fs.content(&log).unwrap();
    let sixth = reading(6).encode();
    let place = content
        .windows(sixth.len())
        .position(|bytes| bytes == sixth);
    fs.flip(&log, place.unwrap(), 0x10).unwrap();

    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let outbox = open(&fs);
    let _sending = Sending::start(&broker, &outbox);
    let seen = receiving.stored(12).await;
    let lost = Record {
        device: None,
        when: reading(5).when,
        body: Body::Gap(Gap {
            reason: GapReason::Damaged,
            lost: 1,
            lasted_ms: None,
        }),
    };
    let mut wanted = readings(1..=12);
    wanted[5..8].fill(lost);
    assert_complete(&seen, &wanted);
    emptied(&outbox).await;
}

#[tokio::test]
async fn an_ingest_that_lost_its_records_gets_what_is_still_kept() {
    let broker = Broker::start().await;
    let receiving = Receiving::start(&broker, Manner::Proper);
    let options = OutboxOptions {
        segment_bytes: 400,
        ..OutboxOptions::default()
    };
    let fs = FaultyFilesystem::new();
    let outbox = Outbox::open_on(fs, Path::new(OUTBOX), options).unwrap();
    let _sending = Sending::start(&broker, &outbox);
    for number in 1..=30 {
        outbox.append(readings(number..=number)).await.unwrap();
    }
    emptied(&outbox).await;
    let mut status = outbox.watch();
    until(&mut status, "deletion", |it| it.oldest > sequence(1)).await;
    receiving.stop().await;

    let mut receiving = Receiving::start(&broker, Manner::Proper);
    outbox.append(readings(31..=31)).await.unwrap();
    emptied(&outbox).await;
    let seen = receiving.stored(1).await;
    let oldest = seen.hellos[0].oldest;
    assert!(oldest > sequence(1));
    assert_eq!(Some(seen.stored[0].0.sequence), oldest);
    let last = &seen.stored[seen.stored.len() - 1];
    assert_eq!(last.1, reading(31));
}

#[tokio::test]
async fn a_wrong_password_is_shown_and_tried_again() {
    let broker = Broker::start().await;
    let outbox = open(&FaultyFilesystem::new());
    outbox.append(readings(1..=7)).await.unwrap();
    let mut sending = Sending::start_with(&broker, &outbox, "wrong");
    let status = until(&mut sending.status, "the refusal", |status| {
        matches!(status.phase, Phase::Connecting { attempt: 3.., .. })
    })
    .await;
    let Phase::Connecting { last_error, .. } = status.phase else {
        panic!("it is connected");
    };
    assert!(
        last_error
            .unwrap()
            .contains("does not know home-1 with this secret")
    );
    assert_eq!(status.refused, Some(Refused::Unknown));
    assert_eq!(status.unacknowledged, 7);
    sending.stop().await.unwrap();
}

#[tokio::test]
async fn a_sender_whose_outbox_is_closed_says_so() {
    let broker = Broker::start().await;
    let outbox = open(&FaultyFilesystem::new());
    let mut sending = Sending::start(&broker, &outbox);
    sending.connected().await;
    outbox.close().await;
    assert!(matches!(sending.end().await, Err(SenderError::Closed)));
}
