//! The page *Dispositivi e gateway*: how the boxes at home are, who may come in, and what can be
//! asked of them; and the counter at which a box enrols.
//!
//! ```text
//! allow-list, codes, authority ─┐
//! View::gateways ───────────────┼─▶ Fleet ─▶ FleetPage
//! View::waiting ────────────────┤     ├─▶ WaitingPage, SheetPage, KitPage, CardPage
//! diary, people, log ───────────┘     ├─▶ LabelPage, RevokePage, AssignPage
//! a person ─▶ InviteForm, OrderForm … ┘
//! a box ─▶ POST /enrol ─▶ Reception ─▶ registrar, log
//! ```
//! Pages and functions, in Italian and English; no routes: a door mounts them, frames them and says
//! who acts. Every page is complete as links and forms; `js/fleet.js` keeps the list fresh.
//!
//! **Rules.** Whoever needs somebody stands first. No data is never green. A device that measures
//! and that nobody wears is said on top: its readings reach no patient. What it measured, and
//! what a shared device measured, waits as *di chi è?* with a touch for each who may have
//! (`waiting.rs`).
//!
//! **Who may what.** Everybody on duty sees the page, asks a box to answer or to measure, and
//! gives a device to a patient: a reading without a patient must not wait for an office to open.
//! Only [`Role::Admin`](veglia_people::staff::Role::Admin) makes codes, withdraws them and revokes
//! boxes. Each of these acts is in the log ([`acts`]) before it is done; who gave which device to
//! whom is in the diary. Who looked at one patient's devices and first measure is in the access
//! log before they are shown (`access.rs`, which says what is not).
//!
//! **Limits**: [`LINES_MAX`] boxes and [`LOOSE_MAX`] unworn devices on a page, the others found by
//! looking for them; [`ACTS_SHOWN`] lines of the log. Devices are those that boxes tell of: a box
//! that does not say how it is shows none.
//!
//! **Deliberately absent**: a history of each box, a camera that reads labels (a scanner types),
//! and what was done at the command line (the allow-list says when a box was revoked there).

mod access;
mod assign;
mod book;
mod card;
mod files;
mod fleet;
mod invite;
mod kit;
mod label;
mod limit;
mod line;
mod log;
mod page;
mod reception;
mod revoke;
mod rows;
mod schema;
mod sheet;
mod standing;
mod stretch;
mod title;
mod waiting;
mod words;

use std::error::Error;

use veglia_words::Pack;

pub use access::FIRST_WINDOW_MS;
pub use assign::{AssignForm, AssignPage};
pub use card::CardPage;
pub use files::{FilesError, Places};
pub use fleet::{Fleet, FleetError, Now, OrderForm};
pub use invite::{InviteForm, InvitePage, Invited};
pub use kit::{Handed, KitForm, KitPage, KitWaitPage};
pub use label::LabelPage;
pub use log::{Act, Deed, acts};
pub use page::{ACTS_SHOWN, FleetPage, LINES_MAX, LOOSE_MAX};
pub use reception::{Answer, Asked, MAX_BODY_BYTES, Reception, Wish, not_understood};
pub use revoke::{RevokeForm, RevokePage};
pub use schema::SCHEMA;
pub use sheet::{CorrectForm, ReturnForm, SheetPage};
pub use title::{Title, Titled};
pub use waiting::{AnswerForm, WaitingPage};

/// What these pages say.
pub(crate) static WORDS: Pack = Pack::new(
    &[
        include_str!("../words/it/boxes.ftl"),
        include_str!("../words/it/pages.ftl"),
    ],
    &[
        include_str!("../words/en/boxes.ftl"),
        include_str!("../words/en/pages.ftl"),
    ],
);

/// An error and its causes, for one line of log.
pub(crate) fn story(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use crate::WORDS;

    #[test]
    fn every_word_of_the_fleet_stands_in_both_languages() {
        let folder = env!("CARGO_MANIFEST_DIR");
        assert_eq!(veglia_words::proof::of_room(folder, &WORDS, &[]), "");
    }
}
