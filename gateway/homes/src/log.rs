//! What the devices said, one JSON line each: the truth that tests compare the platform with.
//!
//! A thread writes; tasks hand it entries over a bounded queue and wait when it is full, because
//! a truth with holes would be none. Every line is flushed, so that a killed simulator leaves
//! whole lines. Absent: fsync (a simulator that loses power has nothing to prove).

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::mpsc::{self, Receiver, Sender};
use veglia_wire::DeviceId;

/// Entries waiting for the thread: two seconds of a thousand devices, about 200 KiB.
const QUEUE: usize = 2_048;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name of the home.
    pub home: String,
    /// The device as it will appear on the wire; none when it concerns the whole home.
    pub device: Option<DeviceId>,
    /// What was said or happened.
    pub what: What,
    /// Wall time in milliseconds since 1970.
    pub wall_ms: i64,
    /// Care time in milliseconds since 1970.
    pub care_ms: i64,
    /// Oxygen saturation in tenths of a percent, if it was a reading of it.
    pub spo2_tenths: Option<u16>,
    /// Pulse in tenths of a beat per minute, if it was a reading of it.
    pub pulse_tenths: Option<u16>,
    /// Temperature in hundredths of a degree Celsius, if it was a reading of it.
    pub celsius_hundredths: Option<i16>,
    /// What the device said against its own numbers.
    pub flags: Vec<Flag>,
    /// Whether the bytes went into the line in full; else nobody can have heard them.
    pub heard: bool,
    /// The running number that the values carry, in counter mode.
    pub counter: Option<u64>,
}

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Values that a gateway must make readings of.
    Reading,
    /// A sensor that is off the body: no readings.
    Contact,
    /// Bytes that are no frame.
    LineNoise,
    /// The device was plugged in.
    Plugged,
    /// The device was pulled out.
    Unplugged,
    /// The home's line to the centre was cut.
    Offline,
    /// The home's line to the centre is there again.
    Online,
}

/// What a device says against its own numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// Movement disturbed them.
    Artefact,
    /// There is no finger in the clip.
    FingerOut,
    /// They are those of some seconds ago.
    Held,
}

/// Why the log cannot be written.
#[derive(Debug, Error)]
pub enum LogError {
    /// The file cannot be made.
    #[error("cannot create the log {}: choose another file", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A line could not be written.
    #[error("the log cannot be written; what was simulated since is not recorded")]
    Write(#[source] io::Error),
}

/// A log being written.
#[derive(Debug)]
pub struct Log {
    entries: Sender<Entry>,
    thread: JoinHandle<io::Result<()>>,
}

impl Log {
    /// A log in a new file; an older one there is replaced.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        let file = File::create(path).map_err(|source| LogError::Create {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::to(file))
    }

    /// A log into anything that takes bytes.
    pub fn to(out: impl Write + Send + 'static) -> Self {
        let (entries, queue) = mpsc::channel(QUEUE);
        let thread = thread::spawn(move || write(queue, BufWriter::new(out)));
        Self { entries, thread }
    }

    /// Where tasks put their entries. Sending fails when the thread has met an error; the error
    /// itself comes from [`Self::finish`].
    pub(crate) fn entries(&self) -> Sender<Entry> {
        self.entries.clone()
    }

    /// Waits until every entry is written. All senders must be gone.
    pub(crate) async fn finish(self) -> Result<(), LogError> {
        drop(self.entries);
        let thread = self.thread;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        let ended = match joined {
            Ok(Ok(ended)) => ended,
            Ok(Err(_)) | Err(_) => Err(io::Error::other("the thread that writes it panicked")),
        };
        ended.map_err(LogError::Write)
    }
}

fn write(mut queue: Receiver<Entry>, mut out: BufWriter<impl Write>) -> io::Result<()> {
    while let Some(entry) = queue.blocking_recv() {
        serde_json::to_writer(&mut out, &entry)?;
        out.write_all(b"\n")?;
        out.flush()?;
    }
    Ok(())
}
