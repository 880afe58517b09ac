//! The section `[dashboard.federated]`: which identity provider, and what counts of what it says.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// An identity provider that vouches for staff.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Federated {
    /// Its address, under which it says what it offers.
    pub issuer: String,
    /// As what it knows this centre.
    pub client_id: String,
    /// The file with the secret that it shares with this centre.
    pub secret_file: PathBuf,
    /// What stands on the button.
    pub label: String,
    /// Which claim names the person: accounts are linked by it.
    #[serde(default = "subject")]
    pub claim: String,
    /// What is asked for besides `openid`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// How somebody must have been recognised, any of these (`acr`).
    #[serde(default)]
    pub acr: Vec<String>,
    /// By what means, any of these (`amr`).
    #[serde(default)]
    pub amr: Vec<String>,
    /// A certificate authority that the operating system does not know.
    #[serde(default)]
    pub authority: Option<PathBuf>,
}

fn subject() -> String {
    "sub".to_owned()
}

impl Federated {
    /// Lets relative paths start in the data directory.
    pub(crate) fn place(&mut self, data: &Path) {
        self.secret_file = data.join(&self.secret_file);
        self.authority = self.authority.take().map(|path| data.join(path));
    }

    /// Whether the provider's word stands for password and code together: it is asked for more
    /// than a name.
    pub(crate) fn asks_how(&self) -> bool {
        !self.acr.is_empty() || !self.amr.is_empty()
    }
}
