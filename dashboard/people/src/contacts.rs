//! How somebody who is called is reached: e-mail, mobile, browser, another program; in order.
//!
//! An address is checked when it is written down, so that the night on which it is needed is not
//! the first time that somebody looks at it. Whether it exists is not known here.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;
use url::Url;
use veglia_store::sea_orm::ActiveValue::{NotSet, Set};
use veglia_store::sea_orm::entity::prelude::*;
use veglia_store::sea_orm::{QueryOrder, QuerySelect};
use veglia_store::{Actor, Database, Tx, TxError};
use veglia_wire::WallMs;

use crate::reach_rows::contact::{ActiveModel, Column, Entity, Model};
use crate::{Party, Phone};

/// Longest e-mail address (RFC 5321, 4.5.3.1.3, without the angle brackets).
const MAX_EMAIL_CHARS: usize = 254;

/// Longest address of the others: subscriptions of browsers have about 500 characters.
const MAX_ADDRESS_CHARS: usize = 2_000;

/// Addresses of one person that are tried: more would only hide that none of them works.
pub const MAX_CONTACTS: usize = 8;

/// What carries a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Short messages to a telephone.
    Sms,
    /// Electronic mail.
    Email,
    /// A browser that subscribed.
    Push,
    /// Another program, by HTTP.
    Webhook,
}

impl Channel {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::Sms, Self::Email, Self::Push, Self::Webhook];

    /// The word stored, shown and used in figures.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Push => "push",
            Self::Webhook => "webhook",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A word that is no [`Channel`].
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a channel is one of sms, email, push, webhook")]
pub struct ChannelError;

impl FromStr for Channel {
    type Err = ChannelError;

    fn from_str(text: &str) -> Result<Self, ChannelError> {
        let named = Self::ALL.into_iter().find(|it| it.code() == text);
        named.ok_or(ChannelError)
    }
}

/// Where a message goes: the channel, and the address in the form that it has there. `Debug`
/// shows the channel alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    channel: Channel,
    to: String,
}

/// Why a text is no address. The text is personal data and is never repeated.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// No number that a message can be sent to.
    #[error("a mobile number has 8 to 15 digits with its prefix, such as +39 333 1234567")]
    Mobile,
    /// No e-mail address.
    #[error("an e-mail address is name@domain, in plain letters, without spaces")]
    Email,
    /// No subscription of a browser.
    #[error(
        "a subscription is the JSON that the browser gave: endpoint (https) and keys p256dh, auth"
    )]
    Push,
    /// No address of a program.
    #[error("a webhook is an https:// address; http:// is for this machine alone")]
    Webhook,
}

/// What a browser gave when somebody said that it may be called.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Subscription {
    /// Where its push service takes messages for it.
    pub endpoint: String,
    /// Its keys.
    pub keys: SubscriptionKeys,
}

/// With what messages to a browser are encrypted; both in URL-safe base64 (RFC 8291).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct SubscriptionKeys {
    /// Its public key.
    pub p256dh: String,
    /// The secret that it shares with us.
    pub auth: String,
}

impl Address {
    /// Checks an address of a channel.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn new(channel: Channel, to: &str) -> Result<Self, AddressError> {
        let to = to.trim();
        let to = match channel {
            Channel::Sms => to
                .parse::<Phone>()
                .map_err(|_| AddressError::Mobile)?
                .as_str()
                .to_owned(),
            Channel::Email => email(to).ok_or(AddressError::Email)?,
            Channel::Push => {
                subscription(to).ok_or(AddressError::Push)?;
                to.to_owned()
            }
            Channel::Webhook => {
                web(to).ok_or(AddressError::Webhook)?;
                to.to_owned()
            }
        };
        Ok(Self { channel, to })
    }

    /// What carries it.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// The address itself, for whoever sends.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.to
    }

    /// The browser behind an address of [`Channel::Push`].
    #[must_use]
    pub fn subscription(&self) -> Option<Subscription> {
        subscription(&self.to)
    }
}

/// Plain ASCII, one `@`, a domain with a dot: what every server takes.
fn email(text: &str) -> Option<String> {
    let (name, domain) = text.rsplit_once('@')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    let fits = !name.is_empty()
        && name.chars().all(plain)
        && domain.contains('.')
        && !domain.starts_with('.')
        && !domain.ends_with('.')
        && domain
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        && text.len() <= MAX_EMAIL_CHARS;
    fits.then(|| text.to_owned())
}

fn subscription(text: &str) -> Option<Subscription> {
    let subscription: Subscription = serde_json::from_str(text).ok()?;
    web(&subscription.endpoint)?;
    (text.len() <= MAX_ADDRESS_CHARS).then_some(subscription)
}

/// An address of the web that health data may be hinted to: encrypted, or on this machine.
fn web(text: &str) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    let here = match url.host()? {
        url::Host::Domain(name) => name == "localhost",
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    let safe = url.scheme() == "https" || (url.scheme() == "http" && here);
    let bare = url.username().is_empty() && url.password().is_none();
    (safe && bare && text.len() <= MAX_ADDRESS_CHARS).then_some(url)
}

/// Why an address was not written down.
#[derive(Debug, Error)]
pub enum ContactError {
    /// There are enough.
    #[error("{0} has {MAX_CONTACTS} addresses already: remove one first")]
    TooMany(Party),
    /// The database did not write.
    #[error("the address was not written")]
    Store(#[source] TxError),
}

/// Adds an address after those that somebody has, or moves a known one to the end.
///
/// # Errors
/// See [`ContactError`]; nothing was written then.
pub async fn add(
    record: &Database,
    actor: &Actor,
    party: Party,
    address: &Address,
    now: WallMs,
) -> Result<(), ContactError> {
    let fits = record
        .run_tx("contacts.add", actor, move |tx| {
            Box::pin(async move {
                end_in(tx, party, address, now).await?;
                let fits = of_in(tx, party).await?.len() < MAX_CONTACTS;
                if fits {
                    add_in(tx, party, address, now).await?;
                }
                Ok(fits)
            })
        })
        .await
        .map_err(ContactError::Store)?;
    fits.then_some(()).ok_or(ContactError::TooMany(party))
}

/// Takes an address away; `false` when it was not there.
///
/// # Errors
/// What the database reports.
pub async fn remove(
    record: &Database,
    actor: &Actor,
    party: Party,
    address: &Address,
    now: WallMs,
) -> Result<bool, TxError> {
    record
        .run_tx("contacts.remove", actor, move |tx| {
            Box::pin(async move { end_in(tx, party, address, now).await })
        })
        .await
}

/// The addresses of somebody, the first to be tried first.
///
/// # Errors
/// What the database reports.
pub async fn of(record: &Database, actor: &Actor, party: Party) -> Result<Vec<Address>, TxError> {
    record
        .read_tx("contacts.of", actor, move |tx| {
            Box::pin(async move { of_in(tx, party).await })
        })
        .await
}

pub(crate) async fn add_in(
    tx: &Tx<'_>,
    party: Party,
    address: &Address,
    now: WallMs,
) -> Result<(), TxError> {
    let row = ActiveModel {
        id: NotSet,
        party: Set(party.to_string()),
        channel: Set(address.channel.code().to_owned()),
        address: Set(address.to.clone()),
        added_at_ms: Set(now.0),
        added_by: Set(tx.actor().to_string()),
        ended_at_ms: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Takes an address away inside another's transaction; `false` when it was not there.
///
/// # Errors
/// What the database reports.
pub async fn end_in(
    tx: &Tx<'_>,
    party: Party,
    address: &Address,
    now: WallMs,
) -> Result<bool, TxError> {
    let ended = Entity::update_many()
        .col_expr(Column::EndedAtMs, Expr::value(now.0))
        .filter(Column::Party.eq(party.to_string()))
        .filter(Column::Channel.eq(address.channel.code()))
        .filter(Column::Address.eq(address.to.clone()))
        .filter(Column::EndedAtMs.is_null())
        .exec(tx)
        .await?;
    Ok(ended.rows_affected > 0)
}

pub(crate) async fn of_in(tx: &Tx<'_>, party: Party) -> Result<Vec<Address>, TxError> {
    let rows = Entity::find()
        .filter(Column::Party.eq(party.to_string()))
        .filter(Column::EndedAtMs.is_null())
        .order_by_asc(Column::Id)
        .limit(u64::try_from(MAX_CONTACTS).unwrap_or(u64::MAX))
        .all(tx)
        .await?;
    // What this program would not have written is not tried: the next address is.
    let read = |row: Model| Address::new(row.channel.parse().ok()?, &row.address).ok();
    Ok(rows.into_iter().filter_map(read).collect())
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}, …)", self.channel)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscription(…)")
    }
}

impl fmt::Debug for SubscriptionKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscriptionKeys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_the_form_that_its_channel_wants() {
        let kept = |channel, text: &str| Address::new(channel, text).unwrap().to;
        assert_eq!(kept(Channel::Sms, "333 123 45 67"), "+393331234567");
        let mail = "m.prova@ats.example";
        assert_eq!(kept(Channel::Email, " m.prova@ats.example "), mail);
        let hook = "http://127.0.0.1:9/x";
        assert_eq!(kept(Channel::Webhook, hook), hook);
        let browser = r#"{"endpoint":"https://push.example/1","keys":{"p256dh":"a","auth":"b"}}"#;
        let browser = Address::new(Channel::Push, browser).unwrap();
        let endpoint = browser.subscription().unwrap().endpoint;
        assert_eq!(endpoint, "https://push.example/1");
        assert_eq!(format!("{browser:?}"), "Address(push, …)");
    }

    #[test]
    fn what_nobody_could_deliver_to_is_refused() {
        let refused = |channel, text: &str| Address::new(channel, text).unwrap_err();
        assert_eq!(refused(Channel::Sms, "maria"), AddressError::Mobile);
        for text in [
            "",
            "a",
            "a@b",
            "a b@c.it",
            "a@b@c.it",
            "a@.it",
            "a@b.it\r\nBcc: x@y.it",
        ] {
            assert_eq!(refused(Channel::Email, text), AddressError::Email, "{text}");
        }
        for text in [
            "",
            "http://hook.example/",
            "https://u:p@hook.example/",
            "file:///etc",
        ] {
            assert_eq!(
                refused(Channel::Webhook, text),
                AddressError::Webhook,
                "{text}"
            );
        }
        let open = r#"{"endpoint":"http://push.example/1","keys":{"p256dh":"a","auth":"b"}}"#;
        assert_eq!(refused(Channel::Push, open), AddressError::Push);
        assert_eq!(refused(Channel::Push, "{}"), AddressError::Push);
    }
}
