//! The files of the centre that say who may come in: the allow-list, the codes, the authority.
//!
//! They belong to `veglia-identity`; here they are only read and changed off the runtime's
//! threads. The authority is opened anew each time, so that one made by `veglia ca init` counts at
//! once.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::{JoinError, spawn_blocking};
use veglia_identity::{
    Authority, AuthorityError, EditError, EnrolmentCode, EnrolmentError, EnrolmentFile, Entry,
    Identity, IdentityFile, LoadError, OpenCode, Registrar, UnixSeconds,
};
use veglia_wire::{GatewayId, Partition};

/// Where they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The folder of the centre's certificate authority.
    pub authority: PathBuf,
    /// The allow-list.
    pub identities: PathBuf,
    /// The one-time codes.
    pub enrolments: PathBuf,
}

/// Why the files could not be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The allow-list could not be read.
    #[error(transparent)]
    List(#[from] LoadError),
    /// The allow-list could not be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The codes could not be read or changed.
    #[error(transparent)]
    Codes(#[from] EnrolmentError),
    /// The authority is there and cannot be used.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The thread that did it died.
    #[error("the files were not read to the end")]
    Died(#[from] JoinError),
}

/// Everybody who is known, and how.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The gateways in the allow-list, revoked ones too.
    pub(crate) gateways: Vec<Arc<Entry>>,
    /// The codes that wait, the oldest first.
    pub(crate) codes: Vec<OpenCode>,
    /// Whether there is an authority to enrol boxes with.
    pub(crate) can_enrol: bool,
}

/// The files; clones share the count of wrong codes.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    places: Places,
    list: IdentityFile,
    codes: EnrolmentFile,
}

/// How the gateways are named that are the centre's own: the probe of the alarm path, the
/// telephone. They are no boxes that somebody has.
const OF_THE_CENTRE: &str = "veglia-";

/// Whether a gateway is the centre's own, and no box.
pub(crate) fn is_centres_own(name: &str) -> bool {
    name.starts_with(OF_THE_CENTRE)
}

impl Files {
    pub(crate) fn new(places: Places) -> Self {
        Self {
            list: IdentityFile::new(&places.identities),
            codes: EnrolmentFile::new(places.enrolments.clone()),
            places,
        }
    }

    /// What they say now. A list that is not there yet holds nobody.
    pub(crate) async fn known(&self, now: UnixSeconds) -> Result<Known, FilesError> {
        self.apart(move |files| {
            let entries = match files.list.load() {
                Ok(list) => list.entries().map(Arc::clone).collect(),
                Err(LoadError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    Vec::new()
                }
                Err(fault) => return Err(fault.into()),
            };
            let is_gateway = |entry: &Arc<Entry>| {
                let identity = entry.identity();
                matches!(identity, Identity::Gateway { .. }) && !is_centres_own(identity.name())
            };
            Ok(Known {
                gateways: entries.into_iter().filter(is_gateway).collect(),
                codes: files.codes.open_codes(now)?,
                can_enrol: files.open_authority()?.is_some(),
            })
        })
        .await
    }

    /// Makes a code for a gateway; `None` without an authority.
    pub(crate) async fn invite(
        &self,
        gateway: &GatewayId,
        expires_at: UnixSeconds,
        now: UnixSeconds,
    ) -> Result<Option<EnrolmentCode>, FilesError> {
        let (id, partition) = (gateway.to_string(), Partition::of(gateway).number());
        self.apart(move |files| {
            let Some(authority) = files.open_authority()? else {
                return Ok(None);
            };
            let root = authority.fingerprint();
            let code = files.codes.make(root, &id, partition, expires_at, now)?;
            Ok(Some(code))
        })
        .await
    }

    /// Takes back a code. Says whether there was one.
    pub(crate) async fn withdraw(&self, gateway: &str) -> Result<bool, FilesError> {
        let gateway = gateway.to_owned();
        self.apart(move |files| Ok(files.codes.withdraw(&gateway)?))
            .await
    }

    /// Shuts a gateway out. Says whether it was in the list.
    pub(crate) async fn revoke(&self, gateway: &str, now: UnixSeconds) -> Result<bool, FilesError> {
        let gateway = gateway.to_owned();
        self.apart(move |files| {
            // The code first: it must not bring the box back in between.
            files.codes.withdraw(&gateway)?;
            Ok(files.list.revoke(&gateway, now)?)
        })
        .await
    }

    /// Does something as the registrar of this centre; `None` without an authority.
    pub(crate) async fn as_registrar<T: Send + 'static>(
        &self,
        broker: String,
        work: impl FnOnce(&Registrar) -> T + Send + 'static,
    ) -> Result<Option<T>, FilesError> {
        self.apart(move |files| {
            let Some(authority) = files.open_authority()? else {
                return Ok(None);
            };
            let registrar = Registrar {
                authority,
                identities: files.list.clone(),
                enrolments: files.codes.clone(),
                broker,
            };
            Ok(Some(work(&registrar)))
        })
        .await
    }

    fn open_authority(&self) -> Result<Option<Authority>, AuthorityError> {
        match Authority::open(&self.places.authority) {
            Ok(authority) => Ok(Some(authority)),
            Err(AuthorityError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, FilesError> + Send + 'static,
    ) -> Result<T, FilesError> {
        let files = self.clone();
        spawn_blocking(move || work(&files)).await?
    }
}
