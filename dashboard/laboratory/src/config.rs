//! Where laboratories send to, and who may.

use std::net::{IpAddr, SocketAddr};

use jiff::civil::Date;
use serde::Deserialize;
use veglia_isolation::FIRST_DAY;

/// The `[laboratory]` section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where results are taken, in HL7 over MLLP; none: nowhere.
    pub listen: Option<SocketAddr>,
    /// A tunnel or a private line that encrypts stands in front: without it only this machine
    /// itself is listened to.
    pub behind_tunnel: bool,
    /// Addresses that may send; without any, whoever reaches the listener.
    pub from: Vec<IpAddr>,
    /// From which day on a positive swab opens a case.
    pub cases_from: StartDay,
}

/// A day, as `2020-10-20`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct StartDay(pub Date);

/// The day of the letter with which ATS Milano announced the portal.
impl Default for StartDay {
    fn default() -> Self {
        Self(FIRST_DAY)
    }
}

impl TryFrom<String> for StartDay {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
            .map(Self)
            .map_err(|_| "a day is written as 2020-10-20")
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Whether somebody there may send.
    pub(crate) fn admits(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.from.is_empty() || self.from.iter().any(|it| it.to_canonical() == from)
    }
}
