//! A strict imitation of what InfluxDB 2 does with `POST /api/v2/write`, and of what goes wrong
//! on the way there.
//!
//! It takes nothing that InfluxDB would not take: the path, the three parameters, the token and
//! every line are checked, and whatever is wrong is kept for the test to see ([`Server::faults`]).
//! What it was given it remembers by its identity (tags and time), as InfluxDB does: the same
//! point again takes the place of the first, and must be equal to it.
//!
//! Absent: any other endpoint, and HTTP beyond what a client of writes says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// The token it knows, the organisation and the bucket.
pub(crate) const TOKEN: &str = "s3cr3t-t0ken==";
/// See [`TOKEN`].
pub(crate) const ORG: &str = "centro di Milano";
/// See [`TOKEN`].
pub(crate) const BUCKET: &str = "readings";

/// Lines in a request, at most.
const MAX_LINES: usize = 5_000;

/// What happens to a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// 204, or 400 when a line is refused: then the others are written all the same.
    Usual,
    /// This status, these headers, this text; nothing is written.
    Status(u16, &'static str, &'static str),
    /// It is written, and the connection ends before the answer.
    WrittenThenCut,
    /// The connection ends without an answer, and nothing is written.
    Cut,
    /// It is written and answered only after so long.
    Late(Duration),
}

/// Identity of a point: device, vital sign, site, time.
pub(crate) type Key = (String, String, Option<String>, i64);

/// A point's fields: value as it was written, quality.
pub(crate) type Fields = (String, u16);

/// Answers one request, by its number from 0 and its lines.
type Script = Box<dyn FnMut(usize, &str) -> Answer + Send>;

/// Which status refuses a line, if any.
type Judge = Box<dyn FnMut(&Key) -> Option<u16> + Send>;

/// What the server has seen.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) points: BTreeMap<Key, Fields>,
    /// Points that came again, equal.
    pub(crate) repeated: usize,
    /// What InfluxDB would never have been sent.
    pub(crate) faults: Vec<String>,
    pub(crate) requests: usize,
    /// Requests under way now, and the most there ever were.
    pub(crate) open: usize,
    pub(crate) most_open: usize,
    pub(crate) most_lines: usize,
}

struct Shared {
    seen: Mutex<Seen>,
    script: Mutex<Script>,
    judge: Mutex<Judge>,
}

/// A running server; it ends when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Listens on a port of its own and answers by `script`.
    pub(crate) async fn start(script: impl FnMut(usize, &str) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it listens");
        let shared = Arc::new(Shared {
            seen: Mutex::default(),
            script: Mutex::new(Box::new(script)),
            judge: Mutex::new(Box::new(|_| None)),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, Arc::clone(&serving)));
            }
        });
        Self {
            address,
            shared,
            task: task.abort_handle(),
        }
    }

    /// Refuses the lines that `judge` gives a status to.
    pub(crate) fn refuse(&self, judge: impl FnMut(&Key) -> Option<u16> + Send + 'static) {
        *self.shared.judge.lock().expect("no test panicked here") = Box::new(judge);
    }

    /// Answers by another script from now on.
    pub(crate) fn answer(&self, script: impl FnMut(usize, &str) -> Answer + Send + 'static) {
        *self.shared.script.lock().expect("no test panicked here") = Box::new(script);
    }

    /// What it has seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().expect("no test panicked here")
    }

    /// What was wrong in requests.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.seen().faults.clone()
    }
}

struct Request {
    head: String,
    body: String,
}

async fn serve(connection: TcpStream, shared: Arc<Shared>) {
    let mut connection = BufReader::new(connection);
    while let Some(head) = read_head(&mut connection).await {
        let (answer, body) = match read_body(&mut connection, &head).await {
            Some(body) => (shared.choose(&body), body),
            None => return,
        };
        if matches!(answer, Answer::Cut) {
            return;
        }
        shared.open(1);
        if let Answer::Late(wait) = answer {
            tokio::time::sleep(wait).await;
        }
        let (status, headers, text) = match answer {
            Answer::Status(status, headers, text) => (status, headers, text.to_owned()),
            _ => shared.write(&Request { head, body }),
        };
        let response = format!(
            "HTTP/1.1 {status} X\r\n{headers}Content-Length: {}\r\n\r\n{text}",
            text.len()
        );
        // Counted before the answer goes out: the client may ask again the moment it has it.
        shared.close();
        if matches!(answer, Answer::WrittenThenCut) {
            return;
        }
        if connection
            .get_mut()
            .write_all(response.as_bytes())
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn read_head(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

async fn read_body(connection: &mut BufReader<TcpStream>, head: &str) -> Option<String> {
    let mut body = vec![0; header(head, "content-length")?.parse().ok()?];
    connection.read_exact(&mut body).await.ok()?;
    String::from_utf8(body).ok()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

impl Shared {
    fn choose(&self, body: &str) -> Answer {
        let number = {
            let mut seen = self.seen.lock().expect("no test panicked here");
            seen.requests += 1;
            seen.requests - 1
        };
        self.script.lock().expect("no test panicked here")(number, body)
    }

    fn open(&self, requests: usize) {
        let mut seen = self.seen.lock().expect("no test panicked here");
        seen.open += requests;
        seen.most_open = seen.most_open.max(seen.open);
    }

    fn close(&self) {
        self.seen.lock().expect("no test panicked here").open -= 1;
    }

    /// Writes what can be written, and answers as InfluxDB does.
    fn write(&self, request: &Request) -> (u16, &'static str, String) {
        let mut seen = self.seen.lock().expect("no test panicked here");
        if let Some(fault) = fault_of_head(&request.head) {
            seen.faults.push(fault);
        }
        let lines: Vec<&str> = request.body.split_inclusive('\n').collect();
        seen.most_lines = seen.most_lines.max(lines.len());
        if lines.is_empty() || lines.len() > MAX_LINES {
            seen.faults
                .push(format!("{} lines in a request", lines.len()));
        }
        let mut refused = None;
        for line in lines {
            let Some((key, fields)) = parse(line) else {
                seen.faults.push(format!("not a line: {line:?}"));
                continue;
            };
            let judged = self.judge.lock().expect("no test panicked here")(&key);
            if judged.is_some() {
                refused = refused.or(judged.map(|status| (status, line.trim().to_owned())));
                continue;
            }
            let before = seen.points.insert(key.clone(), fields.clone());
            match before {
                Some(before) if before != fields => {
                    seen.faults
                        .push(format!("{key:?} was {before:?} and became {fields:?}"));
                }
                Some(_) => seen.repeated += 1,
                None => {}
            }
        }
        match refused {
            None => (204, "", String::new()),
            Some((status, line)) => {
                let message = format!("partial write: unable to parse '{line}'");
                let text = format!("{{\"code\":\"invalid\",\"message\":\"{message}\"}}");
                (status, "Content-Type: application/json\r\n", text)
            }
        }
    }
}

fn fault_of_head(head: &str) -> Option<String> {
    let target = head
        .lines()
        .next()?
        .strip_prefix("POST ")?
        .strip_suffix(" HTTP/1.1")?;
    let (path, query) = target.split_once('?')?;
    let mut query: Vec<String> = query.split('&').map(|it| it.replace('+', " ")).collect();
    query.sort();
    let expected = [
        format!("bucket={BUCKET}"),
        format!("org={ORG}"),
        "precision=ms".into(),
    ];
    let token = format!("Token {TOKEN}");
    let is_right = path == "/api/v2/write"
        && query == expected
        && header(head, "authorization") == Some(token.as_str());
    (!is_right).then(|| format!("not a write of ours: {head:?}"))
}

/// A line in the one form in which this project writes them.
pub(crate) fn parse(line: &str) -> Option<(Key, Fields)> {
    let mut parts = line.strip_suffix('\n')?.split(' ');
    let (head, fields, at) = (parts.next()?, parts.next()?, parts.next()?);
    let mut tags = head.split(',');
    if parts.next().is_some() || tags.next()? != "vitals" {
        return None;
    }
    let device = tags.next()?.strip_prefix("device=")?;
    let mut tag = tags.next()?;
    let site = tag.strip_prefix("site=");
    if site.is_some() {
        tag = tags.next()?;
    }
    let vital = tag.strip_prefix("vital=")?;
    let (value, quality) = fields.strip_prefix("value=")?.split_once(",quality=")?;
    let (whole, part) = value.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if tags.next().is_some() || !digits(whole.trim_start_matches('-')) || !digits(part) {
        return None;
    }
    let key = (
        device.into(),
        vital.into(),
        site.map(Into::into),
        at.parse().ok()?,
    );
    Some((
        key,
        (value.into(), quality.strip_suffix('i')?.parse().ok()?),
    ))
}
