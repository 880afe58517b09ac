//! What a Bluetooth device offers, as far as one protocol needs it.

use core::fmt;

/// A UUID of a service or a characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub u128);

impl Uuid {
    /// The base on which the short numbers of the Bluetooth SIG stand.
    const BASE: u128 = 0x0000_0000_0000_1000_8000_0080_5F9B_34FB;

    /// The UUID of a number that the Bluetooth SIG gave out, such as 0x1822.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "a widening that From cannot do in a constant"
    )]
    pub const fn sig(number: u16) -> Self {
        Self(Self::BASE | (number as u128) << 96)
    }
}

/// Lower case with hyphens, as BlueZ writes it.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e] = [96, 80, 64, 48, 0].map(|low| self.0 >> low);
        let (b, c, d) = (b & 0xFFFF, c & 0xFFFF, d & 0xFFFF);
        let e = e & 0xFFFF_FFFF_FFFF;
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d:04x}-{e:012x}")
    }
}

/// Where a protocol is spoken on a Bluetooth device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gatt {
    /// The service to look for, in advertisements and after connecting.
    pub service: Uuid,
    /// Characteristics to subscribe to, by notification or indication, whichever each offers. All
    /// their values go to one decoder, in the order of arrival.
    pub listen: &'static [Uuid],
    /// The characteristic that takes [`Protocol::greeting`](crate::Protocol::greeting) and what
    /// else is sent.
    pub write: Option<Uuid>,
    /// Beginnings of advertised names, for services that several makers' protocols share. Empty
    /// when the service alone says what is spoken.
    pub name_prefixes: &'static [&'static str],
}
