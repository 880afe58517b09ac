//! The bell: how many wait for somebody, in the bar of every page of the centre, and the sound for
//! them. Whoever writes a plan or looks for a device hears a red as whoever watches the list does.
//!
//! The number stands there without scripts too, as of the moment of the page. The list of patients
//! has a bell of its own.

use veglia_people::staff::Staff;
use veglia_ward::{Link, Waiting};

use crate::Shell;
use crate::centre::ALARMS;

/// The script of the list, which has a bell of its own.
const LIST: &str = "js/ward.js";

/// The script of a page whose stream tells of alarms beside its patient.
const BEDSIDE: &str = "js/patient.js";

/// The script of every other page.
const ALONE: &str = "js/alarms.js";

/// What the bar shows of it.
pub(crate) struct Bell {
    /// Where the script hears it.
    pub(crate) events: &'static str,
    /// The clock of care of the last word from ingest; empty before the first.
    pub(crate) now: String,
    pub(crate) waiting: Waiting,
    pub(crate) is_lost: bool,
}

impl Bell {
    /// The bell of a page with these scripts, and the scripts with its own; none where it is not
    /// for its reader, or stands on the page itself.
    pub(crate) fn hung(
        shell: &Shell,
        reader: Option<&Staff>,
        scripts: &mut Vec<String>,
    ) -> Option<Self> {
        let has = |script: &str| scripts.iter().any(|it| it == script);
        if !reader?.role.is_of_the_centre() || has(LIST) {
            return None;
        }
        if !has(BEDSIDE) {
            scripts.push(ALONE.to_owned());
        }
        let link = shell.hub.link();
        Some(Self {
            events: ALARMS,
            now: link.now().map_or_else(String::new, |now| now.to_string()),
            waiting: shell.hub.waiting(),
            is_lost: !matches!(link, Link::Alive(_)),
        })
    }
}
