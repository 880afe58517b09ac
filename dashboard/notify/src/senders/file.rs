//! Messages to a file, a JSON line each: for demonstrations and for trying things out.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use tokio::sync::Mutex;
use veglia_wire::WallMs;

use super::Refusal;
use crate::outbox::Due;

pub(super) struct Sender {
    path: PathBuf,
    /// Lanes write at the same time; a line must stay a line.
    one_at_a_time: Mutex<()>,
}

/// A line. The address stays out: whoever wants to know it has the record.
#[derive(Serialize)]
struct Line<'a> {
    sent_at_ms: i64,
    key: &'a str,
    recipient: &'a str,
    channel: &'a str,
    subject: &'a str,
    text: &'a str,
    link: &'a str,
}

impl Sender {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            one_at_a_time: Mutex::new(()),
        }
    }

    pub(super) async fn send(&self, due: &Due, now: WallMs) -> Result<(), Refusal> {
        let line = Line {
            sent_at_ms: now.0,
            key: due.key.as_str(),
            recipient: &due.recipient,
            channel: due.address.channel().code(),
            subject: due.message.subject(),
            text: due.message.text(),
            link: due.message.link(),
        };
        let written = async {
            let mut line = serde_json::to_vec(&line)?;
            line.push(b'\n');
            self.append(&line).await
        };
        written
            .await
            .map_err(|_| Refusal::channel("the file of messages cannot be written", true))
    }

    async fn append(&self, line: &[u8]) -> io::Result<()> {
        let _turn = self.one_at_a_time.lock().await;
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).open(&self.path).await?;
        file.write_all(line).await?;
        file.flush().await
    }
}
