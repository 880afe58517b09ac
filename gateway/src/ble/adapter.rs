//! The ways to BlueZ that a session has: the adapter, and beside it a second connection for what
//! btleplug does not know, bonds and an agent that lets this home's devices make one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use btleplug::api::{BDAddr, Central, Manager as _};
use btleplug::platform::{Adapter, Manager};
use futures_util::FutureExt;
use tokio::sync::{Semaphore, mpsc};

use super::device::Broken;
use super::radio::{ASK, Trouble, call, call_bluer};
use super::roster::Member;

/// Whose devices may bond.
type Members = Arc<Mutex<BTreeSet<bluer::Address>>>;

/// What devices share in a session.
#[derive(Clone)]
pub(crate) struct Air {
    /// Whose turn it is to connect.
    pub(super) turn: Arc<Semaphore>,
    search: mpsc::Sender<()>,
    pub(super) side: Option<bluer::Adapter>,
    members: Members,
}

/// Keeps the agent with BlueZ for as long as it lives.
pub(super) struct Agent {
    _handle: Option<bluer::agent::AgentHandle>,
}

impl Air {
    /// A second way to BlueZ for the adapter of this name; `search` wishes for a search. Without
    /// it the rest still works.
    pub(super) async fn open(name: &str, search: mpsc::Sender<()>) -> (Self, Agent) {
        let members = Members::default();
        let (side, handle) = side(name, &members).await;
        let air = Self {
            turn: Arc::new(Semaphore::new(1)),
            search,
            side,
            members,
        };
        (air, Agent { _handle: handle })
    }

    /// A device was lost: what it advertises from now on is news.
    pub(super) fn search_again(&self) {
        if self.search.try_send(()).is_err() {
            tracing::trace!("one wish waiting is enough");
        }
    }

    /// The device may bond without a question.
    pub(super) fn admit(&self, address: BDAddr) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.insert(bluer::Address::new(address.into_inner()));
    }

    /// It is served no more.
    pub(super) fn dismiss(&self, address: BDAddr) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.remove(&bluer::Address::new(address.into_inner()));
    }

    /// Whether BlueZ keeps a key for the device.
    pub(super) async fn is_bonded(&self, member: &Member) -> bool {
        let address = bluer::Address::new(member.address.into_inner());
        let Some(Ok(device)) = self.side.as_ref().map(|side| side.device(address)) else {
            return false;
        };
        let paired = call_bluer("tell of a bond", ASK, device.is_paired()).await;
        matches!(paired, Ok(true))
    }
}

/// The adapter of this name, or the first one, with its name.
pub(super) async fn choose(
    manager: &Manager,
    wanted: Option<&str>,
) -> Result<(Adapter, String), Broken> {
    let adapters = call("name its adapters", ASK, manager.adapters()).await;
    let mut found = None;
    for adapter in adapters.map_err(Broken::Session)? {
        let info = call("tell of an adapter", ASK, adapter.adapter_info()).await;
        let info = info.map_err(Broken::Session)?;
        let name = info.split(' ').next().unwrap_or_default().to_owned();
        let is_better = match wanted {
            Some(wanted) => name == wanted,
            None => found.as_ref().is_none_or(|(_, best)| name < *best),
        };
        if is_better {
            found = Some((adapter, name));
        }
    }
    found.ok_or_else(|| {
        Broken::Session(match wanted {
            Some(wanted) => Trouble::NoSuchAdapter(wanted.to_owned()),
            None => Trouble::NoAdapter,
        })
    })
}

async fn side(
    name: &str,
    members: &Members,
) -> (Option<bluer::Adapter>, Option<bluer::agent::AgentHandle>) {
    let opened = async {
        let session = call_bluer("open the bus", ASK, bluer::Session::new()).await?;
        let agent = session.register_agent(agent(Arc::clone(members)));
        let agent = call_bluer("take an agent", ASK, agent).await?;
        let adapter = call_bluer("find the adapter", ASK, async { session.adapter(name) }).await?;
        Ok::<_, Trouble>((adapter, agent))
    };
    match opened.await {
        Ok((adapter, agent)) => (Some(adapter), Some(agent)),
        Err(error) => {
            tracing::warn!(%error, "devices that need a bond cannot make one now");
            (None, None)
        }
    }
}

/// Lets the devices of this home bond without a question, and nobody else.
fn agent(members: Members) -> bluer::agent::Agent {
    bluer::agent::Agent {
        request_default: true,
        request_authorization: Some(Box::new(move |request| {
            let members = members.lock().unwrap_or_else(PoisonError::into_inner);
            let is_ours = members.contains(&request.device);
            std::future::ready(if is_ours {
                Ok(())
            } else {
                Err(bluer::agent::ReqError::Rejected)
            })
            .boxed()
        })),
        ..bluer::agent::Agent::default()
    }
}
