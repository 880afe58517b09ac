//! What the telephone's gateway must be told: where the broker is, and how it proves who it is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;
use veglia_link::{Access, AccessError, Address, AddressError, CertificateFiles, Secret};

/// The `[intake]` section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The broker; none: where ingest finds it.
    pub broker: Option<String>,
    /// The file of the gateway's secret: for a broker on this machine. It is made when there is
    /// none.
    pub secret_file: PathBuf,
    /// Its certificate, instead of a secret: for a broker anywhere, over TLS.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key.
    pub key: Option<PathBuf>,
    /// The root certificate of the centre.
    pub authority: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            broker: None,
            secret_file: PathBuf::from("phone.secret"),
            certificate: None,
            key: None,
            authority: None,
        }
    }
}

/// Why the section cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The broker's address is none.
    #[error("[intake] broker cannot be used")]
    Broker(#[source] AddressError),
    /// The broker's address promises otherwise than what is proved.
    #[error(
        "[intake] broker = {broker:?} cannot be used: a secret is for a broker on this machine; \
         elsewhere name certificate, key and authority"
    )]
    Access {
        /// What stands there.
        broker: String,
        /// Why not.
        #[source]
        source: AccessError,
    },
    /// Only some of the three files of a certificate are named.
    #[error("[intake] certificate, key and authority go together: name all three, or none")]
    Incomplete,
    /// The secret cannot be read.
    #[error("cannot read the secret of the telephone in {path}")]
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
        let files = [&mut self.certificate, &mut self.key, &mut self.authority];
        for file in files.into_iter().flatten() {
            *file = data.join(&*file);
        }
    }

    /// Whether the gateway proves who it is by a secret.
    #[must_use]
    pub fn is_by_secret(&self) -> bool {
        let files = [&self.certificate, &self.key, &self.authority];
        files.iter().all(|file| file.is_none())
    }

    /// Where the broker is, and how the gateway proves who it is there; `usual` is where ingest
    /// finds it.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn broker(&self, usual: &str) -> Result<(Address, Access), ConfigError> {
        let broker = self.broker.as_deref().unwrap_or(usual);
        let address: Address = broker.parse().map_err(ConfigError::Broker)?;
        let access = self.access()?;
        let checked = access.check(&address);
        checked.map_err(|source| ConfigError::Access {
            broker: broker.to_owned(),
            source,
        })?;
        Ok((address, access))
    }

    fn access(&self) -> Result<Access, ConfigError> {
        if self.is_by_secret() {
            let secret = fs::read_to_string(&self.secret_file);
            let secret = secret.map_err(|source| ConfigError::Secret {
                path: self.secret_file.clone(),
                source,
            })?;
            return Ok(Access::Secret(Secret::new(secret.trim())));
        }
        match (&self.certificate, &self.key, &self.authority) {
            (Some(certificate), Some(key), Some(authority)) => {
                Ok(Access::Certificate(CertificateFiles {
                    certificate: certificate.clone(),
                    key: key.clone(),
                    authority: authority.clone(),
                }))
            }
            _ => Err(ConfigError::Incomplete),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_certificate_is_refused_and_so_is_a_secret_for_a_broker_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.place(folder.path());
        let missing = config.broker("localhost:1883").unwrap_err();
        assert!(matches!(missing, ConfigError::Secret { .. }), "{missing}");
        fs::write(&config.secret_file, "sesame\n").unwrap();
        assert!(config.broker("localhost:1883").is_ok());
        let elsewhere = config.broker("mqtts://centre.example").unwrap_err();
        assert!(elsewhere.to_string().contains("certificate"), "{elsewhere}");
        config.key = Some("phone.key".into());
        let half = config.broker("localhost:1883").unwrap_err();
        assert!(matches!(half, ConfigError::Incomplete), "{half}");
    }
}
