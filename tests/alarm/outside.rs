//! What a scenario needs of the machine it runs on: ports, and programs of Debian's.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exim::Exim;
use crate::kannel::Kannel;

/// A party outside is waited for this long; only a failure takes it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The sections of a centre that calls by mail.
pub(crate) fn by_mail(exim: &Exim) -> String {
    format!(
        "[notify]\nfile = \"messages.jsonl\"\n[notify.email]\nserver = \"127.0.0.1:{}\"\n\
         tls = \"none\"\nfrom = \"veglia@prova.example\"\n",
        exim.port
    )
}

/// The section of a centre that calls by short message as well; the password is in a file.
pub(crate) fn by_sms(kannel: &Kannel, password: &Path) -> String {
    format!(
        "[notify.sms]\ngateway = \"http://127.0.0.1:{}/cgi-bin/sendsms\"\nuser = \"veglia\"\n\
         password_file = {password:?}\nfrom = \"Veglia\"\n",
        kannel.port
    )
}

/// A port that nobody listens on now, below those that the system gives to outgoing connections:
/// no client takes it while its owner is down.
pub(crate) fn free_port() -> u16 {
    let mut chance = fastrand::Rng::new();
    std::iter::repeat_with(|| chance.u16(10_000..32_000))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("an endless row ends only when something is found")
}

/// A program of Debian's, which is not on everybody's path.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut places = folders.map(|folder| folder.join(name));
    places.find(|place| Path::is_file(place))
}
