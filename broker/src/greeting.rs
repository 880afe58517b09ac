//! The CONNECT: who it is, and on which terms.
//!
//! The client id and the name in the identity file are one and the same text, so that nobody can
//! sit in another's seat. Whoever came over TLS has shown a certificate for that name, and needs
//! no user name and no password: if they are sent all the same, nobody looks. Whoever came the
//! plain way shows the name and its secret. A persistent session is refused: it would be lost at
//! the next restart all the same, and a client that relied on it would wait for messages that
//! nobody kept. What must not be lost is repaired end to end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::mqttbytes::Protocol;
use rumqttc::mqttbytes::v4::{Connect, Packet};
use tokio::io::{AsyncRead, AsyncWrite};
use veglia_identity::{Denied, Entry, Identities};
use veglia_wire::Topic;

use crate::packets::{Fault, Packets};
use crate::refusal::Refusal;
use crate::rules::Peer;
use crate::takeover::Sitter;
use crate::tls::Papers;

/// A client that asks for no keep-alive, or for more than this, is held to this: a home that
/// was cut off must not look connected for hours. Our gateways ask for 30 s.
const LONGEST_KEEP_ALIVE_S: u16 = 300;

/// Somebody who proved who they are.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) sitter: Sitter,
    pub(crate) peer: Peer,
    pub(crate) will: Option<Will>,
    /// How long may pass without a packet: one and a half times what was asked, as MQTT says.
    pub(crate) patience: Duration,
}

/// What to say when the session ends without a DISCONNECT.
#[derive(Debug)]
pub(crate) struct Will {
    pub(crate) topic: Topic,
    pub(crate) payload: Bytes,
}

/// Reads the CONNECT and judges it. `papers` are those of whoever came over TLS.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    packets: &mut Packets<S>,
    papers: Option<Arc<Papers>>,
    identities: impl FnOnce() -> Arc<Identities>,
) -> Result<Guest, Fault> {
    match packets.read().await? {
        Packet::Connect(connect) => judge(&connect, papers, &identities()).map_err(Fault::Refused),
        _ => Err(Fault::Refused(Refusal::Malformed)),
    }
}

/// Credentials first: a stranger learns nothing about what would have been wrong next.
fn judge(
    connect: &Connect,
    papers: Option<Arc<Papers>>,
    identities: &Identities,
) -> Result<Guest, Refusal> {
    if connect.protocol != Protocol::V4 {
        return Err(Refusal::Version);
    }
    let entry = match &papers {
        Some(papers) => by_certificate(papers, identities),
        None => by_secret(connect, identities),
    }?;
    if connect.client_id != entry.identity().name() {
        return Err(Refusal::ClientId);
    }
    if !connect.clean_session {
        return Err(Refusal::PersistentSession);
    }
    let peer = Peer::of(entry.identity())?;
    let will = connect.last_will.as_ref().map(|will| {
        let topic = peer.will(will)?;
        let payload = Bytes::copy_from_slice(&will.message);
        Ok(Will { topic, payload })
    });
    Ok(Guest {
        sitter: Sitter {
            entry: Arc::clone(entry),
            papers,
        },
        will: will.transpose()?,
        peer,
        patience: patience(connect.keep_alive),
    })
}

/// The list may have changed since the handshake.
fn by_certificate<'a>(
    papers: &Papers,
    identities: &'a Identities,
) -> Result<&'a Arc<Entry>, Refusal> {
    let facts = papers.facts();
    identities
        .authenticate_key(&facts.name, &facts.key)
        .map_err(|denied| match denied {
            Denied::Revoked { .. } => Refusal::Revoked,
            _ => Refusal::NotEnrolled,
        })
}

fn by_secret<'a>(connect: &Connect, identities: &'a Identities) -> Result<&'a Arc<Entry>, Refusal> {
    let login = connect.login.as_ref().ok_or(Refusal::Credentials)?;
    identities
        .authenticate_secret(&login.username, &login.password)
        .map_err(|denied| match denied {
            Denied::Revoked { .. } => Refusal::Revoked,
            _ => Refusal::Credentials,
        })
}

fn patience(keep_alive_s: u16) -> Duration {
    let kept_to = match keep_alive_s {
        0 => LONGEST_KEEP_ALIVE_S,
        asked => asked.min(LONGEST_KEEP_ALIVE_S),
    };
    Duration::from_secs(kept_to.into()) * 3 / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_one_and_a_half_keep_alives_within_a_bound() {
        assert_eq!(patience(30), Duration::from_secs(45));
        assert_eq!(patience(1), Duration::from_millis(1500));
        assert_eq!(patience(0), Duration::from_secs(450));
        assert_eq!(patience(u16::MAX), Duration::from_secs(450));
    }
}
