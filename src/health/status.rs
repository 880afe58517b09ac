//! `veglia status`: asks every role that has a socket in the data directory, and says a line each.
//!
//! A socket is there while its role runs, or was killed. So a role that was stopped in order is
//! not missed here: whoever starts roles knows which there should be.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{Kind, SOCKET, Told};
use crate::config::Config;

/// How long a role may take, the time that it gives itself included.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);

/// Largest answer: a few dozen figures fit a hundred times.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Roles asked at once: a demonstration may have a thousand gateways.
const AT_ONCE: usize = 16;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Prints one JSON document, with every figure.
    #[arg(long)]
    json: bool,
}

/// All roles, as JSON.
#[derive(Debug, Serialize)]
struct Report<'a> {
    ready: bool,
    roles: &'a [Line],
}

/// One role and what it said.
#[derive(Debug, Serialize)]
struct Line {
    /// Its folder in the data directory.
    role: String,
    #[serde(flatten)]
    told: Told,
}

impl Status {
    /// Asks, prints, and fails unless every role is ready.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let data = config?.data;
        let roles = sockets(&data)?;
        let asked = stream::iter(roles).map(|(role, socket)| async move {
            let told = ask(&socket).await.unwrap_or_else(|mute| Told {
                ready: false,
                why: Some(mute.to_string()),
                brief: Vec::new(),
                figures: Default::default(),
            });
            Line { role, told }
        });
        let lines: Vec<Line> = asked.buffered(AT_ONCE).collect().await;
        let unready = lines.iter().filter(|line| !line.told.ready).count();
        let ready = unready == 0 && !lines.is_empty();
        let mut out = io::stdout().lock();
        if self.json {
            let roles = &lines;
            serde_json::to_writer_pretty(&mut out, &Report { ready, roles })?;
            writeln!(out)?;
        } else {
            write_lines(&mut out, &lines)?;
        }
        out.flush()?;
        if lines.is_empty() {
            bail!(
                "no role runs in {}: start one, or name another directory with --data",
                data.display()
            );
        }
        if !ready {
            bail!("{unready} of {} roles not ready", lines.len());
        }
        Ok(())
    }
}

fn write_lines(out: &mut impl Write, lines: &[Line]) -> io::Result<()> {
    let width = lines.iter().map(|line| line.role.len()).max();
    let width = width.unwrap_or_default();
    for Line { role, told } in lines {
        let state = if told.ready { "ready" } else { "NOT READY" };
        let why = told.why.iter().map(String::as_str);
        let said: Vec<&str> = why.chain(told.brief.iter().map(String::as_str)).collect();
        writeln!(out, "{role:<width$}  {state:<9}  {}", said.join(" · "))?;
    }
    Ok(())
}

/// The roles that have a socket, the centre's first, each by its folder's name.
fn sockets(data: &Path) -> Result<Vec<(String, PathBuf)>> {
    let centre = [Kind::Broker, Kind::Ingest, Kind::Dashboard].map(|kind| kind.name().to_owned());
    let gateways = data.join(Kind::Gateway.name());
    let mut homes = BTreeSet::new();
    match std::fs::read_dir(&gateways) {
        Ok(folders) => {
            for folder in folders {
                let name = folder?.file_name().to_string_lossy().into_owned();
                homes.insert(format!("{}/{name}", Kind::Gateway.name()));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("cannot look in {}", gateways.display()));
        }
    }
    let roles = centre.into_iter().chain(homes);
    let sockets = roles.map(|role| {
        let socket = data.join(&role).join(SOCKET);
        (role, socket)
    });
    Ok(sockets.filter(|(_, socket)| socket.exists()).collect())
}

/// Why a role said nothing.
#[derive(Debug, thiserror::Error)]
enum Mute {
    #[error("it does not run, though it was not stopped: look at the end of its log, and start it")]
    Gone,
    #[error("it may be asked only by the user that runs it: run this command as that user")]
    Forbidden,
    #[error("it did not answer within {} s: it hangs; look in its log, and start it again",
        ANSWER_WITHIN.as_secs())]
    Late,
    #[error("it did not answer ({0}): look in its log")]
    Broken(String),
    #[error("its answer was not understood ({0}): run the same version of Veglia as it does")]
    Answer(String),
}

async fn ask(socket: &Path) -> Result<Told, Mute> {
    get(socket, "/status").await
}

/// What the gateway whose folder this is says of itself.
#[cfg(feature = "gateway")]
pub(crate) async fn of_box(dir: &Path) -> Result<veglia_gateway::BoxStatus> {
    let socket = dir.join(SOCKET);
    anyhow::ensure!(
        socket.exists(),
        "the gateway does not run: start it, or name its data directory with --data"
    );
    Ok(get(&socket, "/box").await?)
}

async fn get<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Mute> {
    timeout(ANSWER_WITHIN, answer(socket, path))
        .await
        .unwrap_or(Err(Mute::Late))
}

async fn answer<T: DeserializeOwned>(socket: &Path, path: &str) -> Result<T, Mute> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Mute::Gone,
            io::ErrorKind::PermissionDenied => Mute::Forbidden,
            _ => Mute::Broken(error.to_string()),
        })?;
    let broken = |error: hyper::Error| Mute::Broken(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    // Ends with the answer's last byte; what breaks it is seen by whoever reads the answer.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::get(path).header("host", "veglia");
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| Mute::Broken(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(broken)?;
    let status = response.status();
    if status != StatusCode::OK {
        return Err(Mute::Answer(status.to_string()));
    }
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    let body = body.collect().await;
    let body = body.map_err(|error| Mute::Broken(error.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| Mute::Answer(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(role: &str, why: Option<&str>, brief: &[&str]) -> Line {
        Line {
            role: role.into(),
            told: Told {
                ready: why.is_none(),
                why: why.map(str::to_owned),
                brief: brief.iter().map(|it| (*it).to_owned()).collect(),
                figures: Default::default(),
            },
        }
    }

    #[test]
    fn each_role_is_a_line_with_its_reason_and_its_numbers() {
        let lines = [
            line("broker", None, &["3 connections", "2 sessions"]),
            line(
                "gateway/casa-1",
                Some("the disk failed"),
                &["7 records waiting"],
            ),
        ];
        let mut out = Vec::new();
        write_lines(&mut out, &lines).unwrap();
        let expected = "broker          ready      3 connections · 2 sessions\n\
                        gateway/casa-1  NOT READY  the disk failed · 7 records waiting\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
