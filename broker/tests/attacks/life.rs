//! The life that goes on while the door is attacked: two homes and their ingest, over TLS, by
//! certificates from files as a box has them.

use std::fs;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use veglia_link::{Access, CertificateFiles};

use crate::client::PATIENCE;
use crate::grounds::Grounds;
use crate::homes::{Life, PORTION, PORTIONS, Plan, Stored};

/// Homes that measure; `casa-2` is left for whoever attacks.
const HOMES: [(&str, u8); 2] = [("casa-1", 7), ("casa-3", 8)];

fn access(at: &Grounds, name: &str) -> Access {
    let folder = at.folder.path().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let files = CertificateFiles {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
        authority: folder.join("authority.pem"),
    };
    let badge = at.badge(name);
    fs::write(&files.certificate, &badge.certificate).expect("written");
    fs::write(&files.authority, at.centre.authority.pem()).expect("written");
    badge.key.save(&files.key).expect("a new key file");
    Access::Certificate(files)
}

impl Life {
    pub(crate) fn begin(at: &Grounds) -> Self {
        let (_, paused) = watch::channel(false);
        Self::begin_with_pauses(at, paused)
    }

    /// Ingest looks at nothing while it is paused.
    pub(crate) fn begin_with_pauses(at: &Grounds, paused: watch::Receiver<bool>) -> Self {
        Self::of(&Plan {
            broker: at.address,
            homes: &HOMES,
            access: &|name| access(at, name),
            stalled: Duration::from_secs(5),
            paused,
        })
    }

    /// Waits until something more than now is stored of each home.
    pub(crate) async fn goes_on(&mut self) {
        let length = |stored: &Stored| stored.values().map(Vec::len).min().unwrap_or(0);
        let now = length(&self.stored.borrow());
        let all = usize::try_from(PORTIONS * PORTION).expect("it fits");
        let more = self
            .stored
            .wait_for(|it| it.len() == HOMES.len() && (length(it) > now || length(it) == all));
        timeout(PATIENCE, more)
            .await
            .expect("readings arrive")
            .expect("ingest runs");
    }
}
