//! A clock that is not the wall's: where it may run, and why nowhere else.
//!
//! A `[clock]` that runs faster lets a night of waiting be watched in a minute. On a real record it
//! would be a hazard: deadlines would pass too soon or never, and every reading would be dated
//! wrong. So it is refused at the start of every command, unless
//! - it says of itself that it is a demonstration;
//! - the data directory was empty when it began, or began with exactly this clock: a mark in it
//!   says so. A directory without the mark never gets such a clock, one with it never another;
//! - everything it listens on, hears and calls is on this machine: no home's readings get to a
//!   wrong clock, and nobody is called by one.
//!
//! Deliberately absent: doubt about the system's own clock, and `veglia demo`, whose directory
//! knows its time itself (`demo/saved.rs`) and whose messages go to a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use veglia_wire::time::MAX_SPEED;

use crate::clock;
use crate::config::Config;

/// The mark in a data directory.
const MARK: &str = "demonstration.toml";

/// Refuses a clock that may not run here. A directory that begins with one is marked.
pub(crate) fn admit(config: &Config) -> Result<()> {
    let (clock, mark) = (config.clock, config.data.join(MARK));
    let begun = begun_with(&mark)?;
    if clock.is_wall() {
        return match begun {
            None => Ok(()),
            Some(_) => bail!(
                "the data in {} are of a demonstration with a clock of its own: give its \
                 configuration with --config, or choose another directory with --data",
                config.data.display()
            ),
        };
    }
    if !clock.demonstration {
        bail!(
            "[clock] is not the time on the wall: take the section out; for a demonstration in a \
             directory of its own add demonstration = true"
        );
    }
    if !(1..=MAX_SPEED).contains(&clock.speed) {
        bail!("[clock] speed = {} is not 1 to {MAX_SPEED}", clock.speed);
    }
    if let Some(key) = abroad(config) {
        bail!(
            "{key} reaches beyond this machine, and a demonstration with a clock of its own does \
             not: take [clock] out, or name a place on this machine"
        );
    }
    match begun {
        Some(begun) if begun == clock => Ok(()),
        Some(_) => bail!(
            "the data in {} began with another [clock]; write it as in {}, or choose another \
             directory with --data",
            config.data.display(),
            mark.display()
        ),
        None if is_empty(&config.data)? => begin(clock, &mark),
        None => bail!(
            "the data in {} are of the time on the wall: take [clock] out, or choose a new \
             directory with --data",
            config.data.display()
        ),
    }
}

/// The clock that a directory began with, if not the wall's.
fn begun_with(mark: &Path) -> Result<Option<clock::Config>> {
    match fs::read_to_string(mark) {
        Ok(text) => toml::from_str(&text)
            .map(Some)
            .with_context(|| format!("{} is damaged; choose another --data", mark.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", mark.display())),
    }
}

fn is_empty(data: &Path) -> Result<bool> {
    match fs::read_dir(data) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", data.display())),
    }
}

fn begin(clock: clock::Config, mark: &PathBuf) -> Result<()> {
    let clock::Config {
        speed,
        wall_ms,
        care_ms,
        ..
    } = clock;
    let text = format!(
        "# These data are of a demonstration: their time is not the time on the wall.\n\
         demonstration = true\nspeed = {speed}\nwall_ms = {wall_ms}\ncare_ms = {care_ms}\n"
    );
    let written = (|| {
        if let Some(data) = mark.parent() {
            fs::create_dir_all(data)?;
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(mark)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    })();
    written.with_context(|| format!("cannot write {}", mark.display()))
}

/// The first key by which something beyond this machine would be reached.
fn abroad(config: &Config) -> Option<&'static str> {
    let mut places: Vec<(&'static str, bool)> = Vec::new();
    // Whose clock a record elsewhere goes by, no mark in this directory can tell.
    #[cfg(feature = "ingest")]
    places.push(("record", config.record.is_none()));
    #[cfg(feature = "gateway")]
    if let Some(broker) = &config.gateway.broker {
        places.push(("[gateway] broker", is_here(broker)));
    }
    #[cfg(feature = "broker")]
    {
        let listen = config.broker.listen.ip().is_loopback();
        places.push(("[broker] listen", listen));
        places.push(("[broker.tls]", config.broker.tls.is_none()));
    }
    #[cfg(feature = "ingest")]
    {
        places.push(("[ingest] broker", is_here(&config.ingest.broker)));
        let probe = config.probe.broker.as_deref().is_none_or(is_here);
        places.push(("[probe] broker", probe));
        let influxdb = config.ingest.influxdb.as_ref();
        let influxdb = influxdb.is_none_or(|it| is_here(&it.url));
        places.push(("[ingest.influxdb] url", influxdb));
    }
    #[cfg(feature = "dashboard")]
    {
        let (pages, notify) = (&config.dashboard, &config.notify);
        let intake = config.intake.broker.as_deref().is_none_or(is_here);
        places.push(("[intake] broker", intake));
        places.push(("[dashboard] listen", pages.listen.ip().is_loopback()));
        places.push(("[dashboard] behind_proxy", !pages.behind_proxy));
        let email = notify.email.as_ref();
        let email = email.is_none_or(|it| is_here(&it.server));
        places.push(("[notify.email] server", email));
        let sms = notify.sms.as_ref().is_none_or(|it| is_here(&it.gateway));
        places.push(("[notify.sms] gateway", sms));
        // Their addresses are those of the people who are called.
        places.push(("[notify.push]", notify.push.is_none()));
        places.push(("[notify.webhook]", notify.webhook.is_none()));
    }
    let mut abroad = places.into_iter().filter(|(_, is_here)| !is_here);
    abroad.next().map(|(key, _)| key)
}

/// Whether `host:port`, or a URL, is on this machine. What cannot be understood is not.
fn is_here(place: &str) -> bool {
    let place = place.split_once("://").map_or(place, |(_, place)| place);
    let place = place.split('/').next().unwrap_or_default();
    let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
    let is_port = port.is_empty() || port.parse::<u16>().is_ok();
    let bracketed = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let host = bracketed.unwrap_or(host);
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    is_port && (host == "localhost" || is_loopback)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const FAST: clock::Config = clock::Config {
        demonstration: true,
        speed: 60,
        wall_ms: 5,
        care_ms: 7,
    };

    fn config(data: &Path, clock: clock::Config) -> Config {
        Config {
            data: data.to_owned(),
            clock,
            ..Config::default()
        }
    }

    #[track_caller]
    fn refused(config: &Config, words: &str) {
        let error = format!("{:#}", admit(config).unwrap_err());
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn a_directory_has_one_clock_from_its_beginning() {
        let folder = TempDir::new().unwrap();
        let demonstration = folder.path().join("demonstration");
        admit(&config(&demonstration, FAST)).unwrap();
        admit(&config(&demonstration, FAST)).unwrap();
        let other = clock::Config { speed: 61, ..FAST };
        refused(&config(&demonstration, other), "began with another");
        let wall = clock::Config::default();
        refused(&config(&demonstration, wall), "are of a demonstration");

        let real = folder.path().join("real");
        fs::create_dir_all(real.join("ingest")).unwrap();
        admit(&config(&real, wall)).unwrap();
        refused(&config(&real, FAST), "are of the time on the wall");
    }

    #[test]
    fn a_wrong_clock_must_say_that_it_is_one() {
        let folder = TempDir::new().unwrap();
        for (clock, words) in [
            (
                clock::Config {
                    demonstration: false,
                    ..FAST
                },
                "demonstration = true",
            ),
            (
                clock::Config {
                    demonstration: false,
                    speed: 1,
                    ..FAST
                },
                "demonstration = true",
            ),
            (clock::Config { speed: 0, ..FAST }, "is not 1 to"),
            (
                clock::Config {
                    speed: 3_601,
                    ..FAST
                },
                "is not 1 to",
            ),
        ] {
            refused(&config(&folder.path().join("new"), clock), words);
        }
        assert!(!folder.path().join("new").exists(), "nothing was begun");
    }

    #[cfg(feature = "gateway")]
    #[test]
    fn a_wrong_clock_reaches_nobody_beyond_this_machine() {
        let folder = TempDir::new().unwrap();
        let mut config = config(&folder.path().join("new"), FAST);
        config.gateway.broker = Some("centre.example:8883".to_owned());
        refused(&config, "[gateway] broker");
    }

    #[test]
    fn this_machine_is_known_by_its_names_alone() {
        for here in [
            "localhost:1883",
            "127.0.0.1:25",
            "[::1]:25",
            "mqtt://localhost",
            "http://127.0.0.2:13013/cgi-bin/sendsms",
        ] {
            assert!(is_here(here), "{here}");
        }
        for there in [
            "",
            "posta.example:25",
            "192.0.2.1:25",
            "[2001:db8::1]:25",
            "http://localhost:1@sms.example/x",
            "http://localhost.example:80/",
        ] {
            assert!(!is_here(there), "{there}");
        }
    }
}
