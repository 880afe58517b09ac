//! Versions of handovers as pages list them.

use veglia_words::Key;

use crate::book::{Kind, Version};
use crate::desk::Desk;
use crate::tell::Names;
use crate::turns::turn_name;

/// A version, in words.
pub(crate) struct VersionView {
    pub(crate) id: i64,
    /// What it is for, and which version.
    pub(crate) title: String,
    /// Who wrote it, and when.
    pub(crate) written: String,
    /// Who acknowledged it, and when; none while nobody has.
    pub(crate) acks: Vec<String>,
}

impl VersionView {
    pub(crate) fn new(desk: Desk<'_>, version: &Version, names: &Names) -> Self {
        let (w, now) = (desk.words(), desk.now);
        let hour = |at| w.language.hour_of(at, now);
        let acks = version.acks.iter().map(|ack| {
            w.with("version-ack", "who", names.of(&ack.by))
                .and("at", hour(ack.at))
                .to_string()
        });
        Self {
            id: version.id,
            title: title(desk, version),
            written: w
                .with("version-written", "who", names.of(&version.by))
                .and("at", hour(version.at))
                .to_string(),
            acks: acks.collect(),
        }
    }
}

/// What a version is for, and which it is.
pub(crate) fn title(desk: Desk<'_>, version: &Version) -> String {
    let w = desk.words();
    let at = w.language.moment(version.change);
    let key = match version.kind {
        Kind::Shift => Key("version-shift"),
        Kind::Night => Key("version-night"),
        Kind::Morning => Key("version-morning"),
    };
    w.with(key, "at", at)
        .and("turn", w.say(turn_name(version.change)))
        .and("n", version.number)
        .to_string()
}
