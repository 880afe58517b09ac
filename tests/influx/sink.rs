//! The far end of `[ingest.influxdb]`: it takes every line it is given and remembers it, or
//! refuses everything while it is told to. The contract itself is tried where the writer lives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use veglia_wire::Quality;

/// What is stored under device, vital sign and time: values, each with what was said against it,
/// in the words of an export.
pub(crate) type Readings = BTreeMap<(String, String, i64), BTreeSet<(String, String)>>;

/// A running server; it lives as long as the test.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    readings: Mutex<Readings>,
    is_away: AtomicBool,
    refused: AtomicUsize,
}

impl Sink {
    /// Listens on a port of its own.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let inner = Arc::new(Inner::default());
        let serving = Arc::clone(&inner);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let inner = Arc::clone(&serving);
                thread::spawn(move || inner.serve(&connection));
            }
        });
        Self { address, inner }
    }

    /// Everything that it has taken.
    pub(crate) fn readings(&self) -> Readings {
        self.inner.readings.lock().expect("no line was odd").clone()
    }

    /// Forgets everything, as a server that was lost.
    pub(crate) fn forget(&self) {
        self.inner.readings.lock().expect("no line was odd").clear();
    }

    /// From now on it fails, or is well again.
    pub(crate) fn away(&self, is_away: bool) {
        self.inner.is_away.store(is_away, Ordering::SeqCst);
    }

    /// Requests that it failed at.
    pub(crate) fn refused(&self) -> usize {
        self.inner.refused.load(Ordering::SeqCst)
    }
}

impl Inner {
    /// Ends when the client closes, or is killed in the middle.
    fn serve(&self, connection: &TcpStream) {
        let mut reader = BufReader::new(connection);
        while let Some(body) = request(&mut reader) {
            let status = if self.is_away.load(Ordering::SeqCst) {
                self.refused.fetch_add(1, Ordering::SeqCst);
                "503 Service Unavailable"
            } else {
                let mut readings = self.readings.lock().expect("no line was odd");
                for line in body.lines() {
                    let (key, reading) = parse(line);
                    readings.entry(key).or_default().insert(reading);
                }
                "204 No Content"
            };
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            if (&*connection).write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

fn request(reader: &mut impl BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end().to_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

/// `vitals,device=…[,site=…],vital=… value=…,quality=…i …`
fn parse(line: &str) -> ((String, String, i64), (String, String)) {
    let parts: Vec<&str> = line.split(' ').collect();
    let [head, fields, at] = parts[..] else {
        panic!("not a line: {line}");
    };
    let tag = |name: &str| {
        let mut tags = head.split(',').filter_map(|tag| tag.split_once('='));
        let (_, value) = tags
            .find(|(key, _)| *key == name)
            .expect("the tag is there");
        value.to_owned()
    };
    let (value, quality) = fields.split_once(',').expect("two fields");
    let value = value.strip_prefix("value=").expect("a value");
    let bits = quality.trim_start_matches("quality=").trim_end_matches('i');
    let quality = Quality::from_bits_retain(bits.parse().expect("a number"));
    let words: Vec<_> = quality
        .iter_names()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    let key = (tag("device"), tag("vital"), at.parse().expect("a time"));
    (key, (value.to_owned(), words.join("+")))
}
