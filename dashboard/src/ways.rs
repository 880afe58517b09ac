//! The ways in beside password and code, as they are configured: passkeys, and an identity
//! provider. Either is there or is not; the password is always there.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum_extra::extract::cookie::CookieJar;
use thiserror::Error;
use url::Url;
use veglia_people::passkeys::{OriginError, Passkeys};
use veglia_people::sessions::{self, Way};
use veglia_people::staff::Staff;
use veglia_people::{codes, passkeys};
use veglia_store::TxError;

use crate::federated::{Elsewhere, FederatedFault};
use crate::{Config, Shell};

/// The doors themselves.
#[derive(Clone, Default)]
pub(crate) struct Ways {
    /// None where the address of the pages is not known.
    pub(crate) passkeys: Option<Arc<Passkeys>>,
    /// None where none is configured.
    pub(crate) elsewhere: Option<Arc<Elsewhere>>,
}

/// Why a way in cannot be opened.
#[derive(Debug, Error)]
pub enum WaysError {
    /// The address of the pages is none.
    #[error("[dashboard] address {0:?} cannot be used")]
    Address(String, #[source] OriginError),
    /// The identity provider is not usable as it is configured.
    #[error("[dashboard.federated] cannot be used")]
    Federated(#[source] FederatedFault),
}

impl Ways {
    /// What is configured.
    pub(crate) fn open(config: &Config) -> Result<Self, WaysError> {
        let passkeys = match &config.address {
            Some(address) => Some(Arc::new(passkeys_at(address)?)),
            None => None,
        };
        let origin = passkeys.as_ref().map(|it| it.origin());
        let elsewhere = match &config.federated {
            Some(federated) => {
                let opened = Elsewhere::open(federated, origin);
                Some(Arc::new(opened.map_err(WaysError::Federated)?))
            }
            None => None,
        };
        Ok(Self {
            passkeys,
            elsewhere,
        })
    }

    /// The address at which passkeys are offered.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.passkeys.as_ref().map(|it| it.origin())
    }
}

fn passkeys_at(address: &str) -> Result<Passkeys, WaysError> {
    let unfit = |fault| WaysError::Address(address.to_owned(), fault);
    let origin = Url::parse(address).map_err(|_| unfit(OriginError))?;
    Passkeys::new(&origin).map_err(unfit)
}

/// Whether somebody shows more than a password at every sign-in, or did at this one.
pub(crate) async fn shows_more(
    shell: &Shell,
    user: &Staff,
    headers: &HeaderMap,
) -> Result<bool, TxError> {
    let (record, actor) = (&shell.record, &user.actor());
    if codes::is_enrolled(record, actor, user.id).await?
        || passkeys::any(record, actor, user.id).await?
    {
        return Ok(true);
    }
    match shell.cookie.token(&CookieJar::from_headers(headers)) {
        Some(token) => Ok(sessions::way(record, user, &token).await? == Some(Way::Federated)),
        None => Ok(false),
    }
}
