//! A healthy run has nothing to warn of: whoever reads the log may take each warning seriously.

#![cfg(test)]

#[path = "support/log.rs"]
mod log;
#[expect(dead_code, reason = "a healthy run needs none of the faults")]
mod support;

use std::path::Path;

use log::Log;
use support::broker::Broker;
use support::ingest::Manner;
use support::{Receiving, Sending, emptied, readings};
use veglia_journal::fake::FaultyFilesystem;
use veglia_link::{Outbox, OutboxOptions};

#[tokio::test]
async fn a_healthy_run_logs_no_warning() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(move || writer.clone())
        .init();

    let broker = Broker::start().await;
    let mut receiving = Receiving::start(&broker, Manner::Proper);
    let fs = FaultyFilesystem::new();
    let outbox = Outbox::open_on(fs, Path::new("outbox"), OutboxOptions::default()).unwrap();
    let sending = Sending::start(&broker, &outbox);
    for number in 1..=100 {
        outbox.append(readings(number..=number)).await.unwrap();
    }
    receiving.stored(100).await;
    emptied(&outbox).await;
    sending.stop().await.unwrap();
    receiving.stop().await;
    outbox.close().await;
    assert_eq!(log.text(), "");
}
