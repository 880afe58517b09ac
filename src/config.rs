//! `veglia.toml`: one section a room, each owned by its room. Only the executable reads it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
#[cfg(feature = "ingest")]
use veglia_store::Place;

/// The file looked for when none is named.
const DEFAULT_FILE: &str = "veglia.toml";

/// The clinical record in a data directory.
#[cfg(feature = "ingest")]
pub(crate) const RECORD: &str = "record.db";

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The data directory: one folder a role.
    pub(crate) data: PathBuf,
    /// Where the clinical record is, if it is no file there.
    #[cfg(feature = "ingest")]
    pub(crate) record: Option<veglia_store::Server>,
    pub(crate) clock: crate::clock::Config,
    pub(crate) health: crate::health::Config,
    #[cfg(feature = "gateway")]
    pub(crate) gateway: veglia_gateway::Config,
    #[cfg(feature = "broker")]
    pub(crate) broker: veglia_broker::Config,
    #[cfg(feature = "ingest")]
    pub(crate) ingest: veglia_ingest::Config,
    #[cfg(feature = "dashboard")]
    pub(crate) dashboard: veglia_dashboard::Config,
    #[cfg(feature = "dashboard")]
    pub(crate) intake: veglia_intake::Config,
    #[cfg(feature = "dashboard")]
    pub(crate) laboratory: veglia_laboratory::Config,
    #[cfg(feature = "dashboard")]
    pub(crate) notify: veglia_notify::Config,
    #[cfg(feature = "ingest")]
    pub(crate) probe: crate::probe::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            #[cfg(feature = "ingest")]
            record: None,
            clock: crate::clock::Config::default(),
            health: crate::health::Config::default(),
            #[cfg(feature = "gateway")]
            gateway: veglia_gateway::Config::default(),
            #[cfg(feature = "broker")]
            broker: veglia_broker::Config::default(),
            #[cfg(feature = "ingest")]
            ingest: veglia_ingest::Config::default(),
            #[cfg(feature = "dashboard")]
            dashboard: veglia_dashboard::Config::default(),
            #[cfg(feature = "dashboard")]
            intake: veglia_intake::Config::default(),
            #[cfg(feature = "dashboard")]
            laboratory: veglia_laboratory::Config::default(),
            #[cfg(feature = "dashboard")]
            notify: veglia_notify::Config::default(),
            #[cfg(feature = "ingest")]
            probe: crate::probe::Config::default(),
        }
    }
}

impl Config {
    /// Reads `file`, or `veglia.toml` if it is there, or takes the defaults. `data` overrides.
    pub(crate) fn load(file: Option<&Path>, data: Option<&Path>) -> Result<Self> {
        let named = file.is_some();
        let file = file.unwrap_or(Path::new(DEFAULT_FILE));
        let mut config = match fs::read_to_string(file) {
            Ok(text) => Self::parse(&text).with_context(|| format!("in {}", file.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Self::default(),
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot read the configuration {}", file.display()));
            }
        };
        if let Some(data) = data {
            config.data = data.to_owned();
        }
        #[cfg(feature = "ingest")]
        {
            config.record = config.record.map(|record| record.within(&config.data));
        }
        #[cfg(feature = "gateway")]
        config.gateway.place(&config.data);
        #[cfg(feature = "ingest")]
        config.ingest.place(&config.data);
        #[cfg(feature = "dashboard")]
        config.dashboard.place(&config.data);
        #[cfg(feature = "dashboard")]
        config.intake.place(&config.data);
        #[cfg(feature = "dashboard")]
        config.notify.place(&config.data);
        #[cfg(feature = "ingest")]
        config.probe.place(&config.data);
        crate::demonstration::admit(&config)?;
        Ok(config)
    }

    /// The clinical record.
    #[cfg(feature = "ingest")]
    pub(crate) fn record(&self) -> Place {
        match &self.record {
            Some(server) => Place::Server(server.clone()),
            None => Place::File(self.data.join(RECORD)),
        }
    }

    /// The identity file.
    pub(crate) fn identities(&self) -> PathBuf {
        #[cfg(feature = "broker")]
        return self.data.join(&self.broker.identities);
        #[cfg(not(feature = "broker"))]
        self.data.join("identities.toml")
    }

    /// The folder of the centre's certificate authority.
    pub(crate) fn authority(&self) -> PathBuf {
        #[cfg(feature = "dashboard")]
        return self.dashboard.authority.clone();
        #[cfg(not(feature = "dashboard"))]
        self.data.join("ca")
    }

    /// The one-time codes of enrolment.
    pub(crate) fn enrolments(&self) -> PathBuf {
        self.data.join("enrolments.toml")
    }

    fn parse(text: &str) -> Result<Self> {
        match toml::from_str(text) {
            Ok(config) => Ok(config),
            Err(error) => bail!("{}", in_words(text, &error)),
        }
    }

    /// The commented configuration with its defaults.
    pub(crate) fn template() -> String {
        let mut sections = vec![
            "# The data directory: one folder a role. Relative paths below start there.\n\
             data = \"data\"\n",
            #[cfg(feature = "ingest")]
            veglia_store::Server::TEMPLATE,
            crate::clock::Config::TEMPLATE,
            crate::health::Config::TEMPLATE,
        ];
        #[cfg(feature = "gateway")]
        sections.push(veglia_gateway::Config::TEMPLATE);
        #[cfg(feature = "broker")]
        sections.push(veglia_broker::Config::TEMPLATE);
        #[cfg(feature = "ingest")]
        sections.push(veglia_ingest::Config::TEMPLATE);
        #[cfg(feature = "dashboard")]
        sections.push(veglia_dashboard::Config::TEMPLATE);
        #[cfg(feature = "dashboard")]
        sections.push(veglia_intake::Config::TEMPLATE);
        #[cfg(feature = "dashboard")]
        sections.push(veglia_laboratory::Config::TEMPLATE);
        #[cfg(feature = "dashboard")]
        sections.push(veglia_notify::Config::TEMPLATE);
        #[cfg(feature = "ingest")]
        sections.push(crate::probe::Config::TEMPLATE);
        sections.join("\n")
    }
}

/// What is wrong, with its line and the key there. What stands behind the key is not repeated,
/// as the library would: it may be a URL with a password.
fn in_words(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else {
        return error.message().to_owned();
    };
    let number = before.matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let key = line.split_once('=').map(|(key, _)| key.trim());
    let is_plain = |it: &&str| {
        it.chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
    };
    match key.filter(is_plain) {
        Some(key) => format!("line {number}, {key}: {}", error.message()),
        None => format!("line {number}: {}", error.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_configuration_says_the_defaults() {
        assert_eq!(
            Config::parse(&Config::template()).unwrap(),
            Config::default()
        );
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Config::parse("data = \"x\"\n[clock]\nspeeed = 2\n").unwrap_err();
        let text = format!("{error:#}");
        assert!(text.contains("line 3") && text.contains("speeed"), "{text}");
        let error = Config::parse("[clock]\nspeed = \"fast\"\n").unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("line 2, speed: "), "{text}");
    }

    #[cfg(feature = "ingest")]
    #[test]
    fn a_record_elsewhere_is_named_by_its_address_and_never_by_a_password() {
        let config = Config::parse("record = \"postgres://v@db.example/veglia\"\n").unwrap();
        let place = config.record().to_string();
        assert_eq!(place, "postgres://v@db.example/veglia");
        for wrong in [
            "record = \"postgres://v:sesame@db.example/veglia\"",
            "record = { url = \"postgres://v@db.example/v\", password = \"sesame\" }",
            "record = \"sesame.db\"",
        ] {
            let error = Config::parse(&format!("{wrong}\n")).unwrap_err();
            let text = format!("{error:#} {error:?}");
            assert!(!text.contains("sesame"), "{text}");
            assert!(text.contains("line 1, record: "), "{text}");
        }
    }

    #[cfg(feature = "broker")]
    #[test]
    fn a_password_in_the_url_of_a_backend_is_never_shown_with_what_is_wrong_about_it() {
        for wrong in [
            "backend = { url = \"http://door:sesame@localhost\" }",
            "backend = { url = \"mqtt://door:sesame\" }",
            "backend = { url = \"mqtt://door:sesame@192.0.2.1\" }",
            "backend = { url = \"mqtt://door:sesame@localhost\", ca = 5 }",
            "backend = { url = \"mqtt://door:sesame@localhost\", pasword_file = \"x\" }",
            "backend = { url = \"mqtt://door:sesame@localhost\" }, x",
            "backend = { url = \"mqtt://door:sesame@localhost }",
            "backend = { url = mqtt://door:sesame@localhost }",
            "backend = { \"mqtt://door:sesame=@localhost\" }",
            "backend = \"mqtt://door:sesame@localhost\"",
            "backend = [\"mqtt://door:sesame@localhost\"]",
            "url = \"mqtt://door:sesame@localhost\"",
            "backend = \"\"\"\nmqtt://door:sesame@localhost\"\"\"",
        ] {
            let error = Config::parse(&format!("[broker]\n{wrong}\n")).unwrap_err();
            let text = format!("{error:#} {error:?}");
            assert!(!text.contains("sesame"), "{text}");
            assert!(text.contains("line "), "{text}");
        }
    }
}
