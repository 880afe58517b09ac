//! The CONNECT: who it is, and on which terms.
//!
//! The client id, the user name and the name in the identity file are one and the same text, so
//! that nobody can sit in another's seat. A persistent session is refused: it would be lost at
//! the next restart all the same, and a client that relied on it would wait for messages that
//! nobody kept. What must not be lost is repaired end to end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::mqttbytes::Protocol;
use rumqttc::mqttbytes::v4::{Connect, Packet};
use tokio::io::{AsyncRead, AsyncWrite};
use veglia_identity::{Entry, Identities};
use veglia_wire::Topic;

use crate::packets::{Fault, Packets};
use crate::rules::{Peer, Refusal};

/// A client that asks for no keep-alive, or for more than this, is held to this: a home that
/// was cut off must not look connected for hours. Our gateways ask for 30 s.
const LONGEST_KEEP_ALIVE_S: u16 = 300;

/// Somebody who proved who they are.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) entry: Arc<Entry>,
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

/// Reads the CONNECT and judges it.
pub(crate) async fn greet<S: AsyncRead + AsyncWrite + Unpin>(
    packets: &mut Packets<S>,
    identities: impl FnOnce() -> Arc<Identities>,
) -> Result<Guest, Fault> {
    match packets.read().await? {
        Packet::Connect(connect) => judge(&connect, &identities()).map_err(Fault::Refused),
        _ => Err(Fault::Refused(Refusal::Malformed)),
    }
}

/// Credentials first: a stranger learns nothing about what would have been wrong next.
fn judge(connect: &Connect, identities: &Identities) -> Result<Guest, Refusal> {
    if connect.protocol != Protocol::V4 {
        return Err(Refusal::Version);
    }
    let login = connect.login.as_ref().ok_or(Refusal::Credentials)?;
    let entry = identities
        .authenticate(&login.username, &login.password)
        .ok_or(Refusal::Credentials)?;
    if connect.client_id != login.username {
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
        entry: Arc::clone(entry),
        will: will.transpose()?,
        peer,
        patience: patience(connect.keep_alive),
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
