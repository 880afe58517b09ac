//! Asks a role over its socket or address as a stranger would, and reads figures as Prometheus
//! does: line by line, refusing what is not of the format.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Longest wait for one answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Status and body of a `GET` to a socket; `None` when nobody answers.
pub(crate) fn socket(socket: &Path, route: &str) -> Option<(u16, String)> {
    let stream = UnixStream::connect(socket).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    get(stream, route)
}

/// The same of an address.
pub(crate) fn address(address: SocketAddr, route: &str) -> Option<(u16, String)> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(ANSWER_WITHIN)).ok()?;
    get(stream, route)
}

fn get(mut stream: impl Read + Write, route: &str) -> Option<(u16, String)> {
    write!(stream, "GET {route} HTTP/1.1\r\nhost: veglia\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, body.to_owned()))
}

/// Figures as they were read: families by name, and samples with their labels.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// The kind of each family.
    pub(crate) families: BTreeMap<String, String>,
    /// Each number, by name and labels as they stand.
    pub(crate) samples: BTreeMap<String, f64>,
}

/// Reads figures, and panics at the first line that is none.
pub(crate) fn figures(text: &str) -> Figures {
    let mut figures = Figures::default();
    let mut family = String::new();
    let body = text.strip_suffix("# EOF\n").expect("the text has its end");
    for line in body.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a figure is explained");
            assert!(words.ends_with('.'), "a sentence: {line}");
            family = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a figure has a kind");
            assert_eq!(name, family, "help and kind are of one figure");
            let before = figures.families.insert(name.to_owned(), kind.to_owned());
            assert_eq!(before, None, "{name} comes twice");
        } else {
            let (sample, number) = line.rsplit_once(' ').expect("a name and a number");
            let name = sample.split('{').next().unwrap_or_default();
            let suffix = match figures.families.get(&family).map(String::as_str) {
                Some("counter") => "_total",
                Some("gauge") => "",
                kind => panic!("{kind:?}: {line}"),
            };
            assert_eq!(name, format!("{family}{suffix}"), "{line}");
            let number = number.parse().expect("a number");
            let before = figures.samples.insert(sample.to_owned(), number);
            assert_eq!(before, None, "{sample} comes twice");
        }
    }
    figures
}
