//! Shutting a box out: a page that says what happens, and the act.

use askama::Template;
use serde::Deserialize;
use veglia_identity::Entry;
use veglia_people::staff::Staff;
use veglia_words::Words;

use crate::fleet::{Fleet, FleetError, Now};
use crate::log::{self, Deed};
use crate::page;
use crate::reception::seconds;

/// Longest reason, in characters: a sentence.
const WHY_CHARS_MAX: usize = 200;

/// Why a box is shut out.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct RevokeForm {
    /// In the words of whoever does it.
    #[serde(default)]
    pub why: String,
}

/// The question before it is done, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "revoke.html")]
pub struct RevokePage {
    pub(crate) w: Words,
    gateway: String,
    why_max: usize,
}

impl Fleet {
    /// The page that asks.
    ///
    /// # Errors
    /// [`FleetError::Unknown`] for a box that is not listed or is revoked already, and others.
    pub async fn revocation(
        &self,
        who: &Staff,
        gateway: &str,
        now: Now,
    ) -> Result<RevokePage, FleetError> {
        if !page::may_manage(who) {
            return Err(FleetError::NotAllowed);
        }
        let known = self.files.known(seconds(now.wall)).await;
        let known = known.map_err(FleetError::Files)?;
        let is_this =
            |entry: &Entry| entry.identity().name() == gateway && entry.revoked_at().is_none();
        if !known.gateways.iter().any(|entry| is_this(entry)) {
            return Err(FleetError::Unknown);
        }
        Ok(RevokePage {
            w: self.w,
            gateway: gateway.to_owned(),
            why_max: WHY_CHARS_MAX,
        })
    }

    /// Shuts a box out, and withdraws a code that waits for it.
    ///
    /// # Errors
    /// As [`Fleet::revocation`]; when the allow-list could not be changed, the log says so.
    pub async fn revoke(
        &self,
        who: &Staff,
        gateway: &str,
        form: &RevokeForm,
        now: Now,
    ) -> Result<(), FleetError> {
        self.revocation(who, gateway, now).await?;
        let why: String = form.why.trim().chars().take(WHY_CHARS_MAX).collect();
        let actor = who.actor();
        let written = log::write(&self.record, &actor, gateway, Deed::Revoked, &why, now.wall);
        written.await.map_err(FleetError::Record)?;
        match self.files.revoke(gateway, seconds(now.wall)).await {
            Ok(true) => Ok(()),
            // Somebody removed it in that moment: it cannot connect, which was the wish.
            Ok(false) => self.failed(who, gateway, now).await,
            Err(fault) => {
                self.failed(who, gateway, now).await?;
                Err(FleetError::Files(fault))
            }
        }
    }
}
