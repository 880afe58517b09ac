//! What an ingest must be told.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use veglia_link::{Access, AccessError, Address, AddressError, CertificateFiles, Secret};
use veglia_wire::{IdError, Partition};

/// The `[ingest]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The broker: `host:port`, or a URL with `mqtt://` or `mqtts://`.
    pub broker: String,
    /// The name of this ingest's identity at the broker.
    pub service: String,
    /// The file that holds its secret: for a broker on this machine.
    pub secret_file: PathBuf,
    /// Its certificate, instead of a secret: for a broker anywhere, over TLS.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
    /// The root certificate of the centre.
    pub authority: Option<PathBuf>,
    /// The partitions served: first and last.
    pub partitions: [u8; 2],
    /// A server that is given every reading as well.
    pub influxdb: Option<InfluxDb>,
}

/// The `[ingest.influxdb]` section as it is written. Whoever writes to the server checks it; this
/// room is built without.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InfluxDb {
    /// The server's address, without a path.
    pub url: String,
    /// The organisation.
    pub org: String,
    /// The bucket.
    pub bucket: String,
    /// The file that holds a token.
    pub token_file: PathBuf,
    /// Certificates to trust beside the public ones.
    pub authority_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            broker: "localhost:1883".into(),
            service: "ingest".into(),
            secret_file: PathBuf::from("ingest.secret"),
            certificate: None,
            key: None,
            authority: None,
            partitions: [0, 63],
            influxdb: None,
        }
    }
}

/// Why the section cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The broker's address is none.
    #[error("[ingest] broker cannot be used")]
    Broker(#[from] AddressError),
    /// The broker's address promises otherwise than what is proved.
    #[error("[ingest] broker = {broker:?} cannot be used")]
    Access {
        /// What stands there.
        broker: String,
        /// Why not.
        #[source]
        source: AccessError,
    },
    /// Only some of the three files of a certificate are named.
    #[error("[ingest] certificate, key and authority go together: name all three, or none")]
    Incomplete,
    /// The partitions are not a range from 0 to 63.
    #[error("[ingest] partitions = [{0}, {1}] must be a first and a last from 0 to 63")]
    Partitions(u8, u8, #[source] Option<IdError>),
    /// The secret cannot be read.
    #[error("cannot read the secret of ingest in {path}; `veglia identity ingest` makes one")]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        self.secret_file = data.join(&self.secret_file);
        if let Some(influxdb) = &mut self.influxdb {
            influxdb.token_file = data.join(&influxdb.token_file);
            if let Some(authority) = &mut influxdb.authority_file {
                *authority = data.join(&*authority);
            }
        }
        let files = [&mut self.certificate, &mut self.key, &mut self.authority];
        for file in files.into_iter().flatten() {
            *file = data.join(&*file);
        }
    }

    /// Where the broker is, and how this ingest proves who it is there.
    pub fn broker(&self) -> Result<(Address, Access), ConfigError> {
        let broker: Address = self.broker.parse()?;
        let access = self.access()?;
        let checked = access.check(&broker);
        checked.map_err(|source| ConfigError::Access {
            broker: self.broker.clone(),
            source,
        })?;
        Ok((broker, access))
    }

    fn access(&self) -> Result<Access, ConfigError> {
        match (&self.certificate, &self.key, &self.authority) {
            (Some(certificate), Some(key), Some(authority)) => {
                Ok(Access::Certificate(CertificateFiles {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    authority: authority.clone(),
                }))
            }
            (None, None, None) => {
                let secret = fs::read_to_string(&self.secret_file);
                let secret = secret.map_err(|source| ConfigError::Secret {
                    path: self.secret_file.clone(),
                    source,
                })?;
                Ok(Access::Secret(Secret::new(secret.trim())))
            }
            _ => Err(ConfigError::Incomplete),
        }
    }

    /// The partitions served.
    pub fn partitions(&self) -> Result<Vec<Partition>, ConfigError> {
        let [first, last] = self.partitions;
        let partitions: Result<Vec<_>, _> = (first..=last).map(Partition::new).collect();
        match partitions {
            Ok(partitions) if !partitions.is_empty() => Ok(partitions),
            Ok(_) => Err(ConfigError::Partitions(first, last, None)),
            Err(source) => Err(ConfigError::Partitions(first, last, Some(source))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(broker: &str) -> Config {
        Config {
            broker: broker.to_owned(),
            certificate: Some("ingest.pem".into()),
            key: Some("ingest.key".into()),
            authority: Some("authority.pem".into()),
            ..Config::default()
        }
    }

    #[test]
    fn a_certificate_takes_the_place_of_the_secret() {
        let mut config = config("mqtts://centre.example");
        config.place(Path::new("data"));
        let (broker, access) = config.broker().unwrap();
        assert_eq!(broker.to_string(), "centre.example:8883");
        let files = CertificateFiles {
            certificate: "data/ingest.pem".into(),
            key: "data/ingest.key".into(),
            authority: "data/authority.pem".into(),
        };
        assert_eq!(access, Access::Certificate(files));
    }

    #[test]
    fn half_a_certificate_and_a_wrong_address_are_refused_by_their_keys() {
        let half = Config {
            key: None,
            ..config("localhost:1883")
        };
        let error = half.broker().unwrap_err().to_string();
        assert!(error.contains("certificate, key and authority"), "{error}");

        let error = config("centre").broker().unwrap_err();
        assert!(error.to_string().contains("[ingest] broker"), "{error}");

        let error = config("mqtt://centre.example").broker().unwrap_err();
        assert!(matches!(error, ConfigError::Access { .. }), "{error}");
    }
}
