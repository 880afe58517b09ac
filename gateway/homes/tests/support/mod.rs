//! What a test needs around a simulation: a clock, a log it can read, and a gateway's ear.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags, open};
use veglia_codecs::{Frame, Observation, Protocol, observe};
use veglia_homes::Entry;
use veglia_wire::{CareClock, Clock, WallMs};

/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A lock is held for a moment, and nothing panics in it.
const UNBROKEN: &str = "nothing panics while it holds this";

struct System;

impl Clock for System {
    fn now(&self) -> WallMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = since.expect("it is later than 1970").as_millis();
        WallMs(i64::try_from(since).expect("and long before the end of time"))
    }
}

/// Care time from now on, at `speed`.
pub(crate) fn care(speed: u32) -> CareClock {
    let now = System.now();
    CareClock::anchored(Arc::new(System), now, now, speed)
}

/// A log in memory.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect(UNBROKEN).extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Written {
    /// The whole lines so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let bytes = self.0.lock().expect(UNBROKEN).clone();
        let whole = bytes
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = String::from_utf8(bytes[..whole].to_vec()).expect("JSON is UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a whole line is an entry"))
            .collect()
    }
}

/// What was heard on one port, for as long as the test runs; after a hang-up it opens it again.
#[derive(Clone)]
pub(crate) struct Ear {
    frames: Arc<Mutex<Vec<Frame>>>,
    hangups: Arc<Mutex<u32>>,
}

impl Ear {
    pub(crate) fn at(port: PathBuf, protocol: Protocol) -> Self {
        let ear = Self {
            frames: Arc::default(),
            hangups: Arc::default(),
        };
        let own = ear.clone();
        thread::spawn(move || {
            let mut decoder = protocol.decoder();
            while Arc::strong_count(&own.frames) > 1 {
                let Ok(reader) = listen(&port) else {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                };
                decoder.reset();
                own.hear(reader, &mut *decoder);
                *own.hangups.lock().expect(UNBROKEN) += 1;
            }
        });
        ear
    }

    fn hear(&self, mut reader: File, decoder: &mut dyn veglia_codecs::Decoder) {
        let mut buffer = [0; 512];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            let mut out = Vec::new();
            decoder.push(&buffer[..count], &mut out);
            self.frames
                .lock()
                .expect(UNBROKEN)
                .extend(out.into_iter().flatten());
        }
    }

    pub(crate) fn hangups(&self) -> u32 {
        *self.hangups.lock().expect(UNBROKEN)
    }

    pub(crate) fn frames(&self) -> Vec<Frame> {
        self.frames.lock().expect(UNBROKEN).clone()
    }

    /// The steps of every reading, in order.
    pub(crate) fn readings(&self) -> Vec<i32> {
        let said = self.frames().iter().flat_map(observe).collect::<Vec<_>>();
        let steps = |one: &Observation| match one {
            Observation::Reading(vital, _) => Some(vital.steps()),
            _ => None,
        };
        said.iter().filter_map(steps).collect()
    }
}

pub(crate) fn listen(port: &Path) -> rustix::io::Result<File> {
    open(port, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).map(File::from)
}

/// The values of an entry in the order of the wire.
pub(crate) fn values(entry: &Entry) -> impl Iterator<Item = i32> + use<> {
    let oximetry = [entry.spo2_tenths, entry.pulse_tenths].map(|value| value.map(i32::from));
    oximetry
        .into_iter()
        .chain([entry.celsius_hundredths.map(i32::from)])
        .flatten()
}

/// Waits until it holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
