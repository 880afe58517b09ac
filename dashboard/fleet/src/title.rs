//! What the tab of a browser says of each page, and in which language the page is.

use std::borrow::Cow;

use veglia_words::{Key, Language, Words};

use crate::assign::AssignPage;
use crate::card::CardPage;
use crate::invite::InvitePage;
use crate::kit::{KitPage, KitWaitPage};
use crate::label::LabelPage;
use crate::page::FleetPage;
use crate::revoke::RevokePage;
use crate::sheet::SheetPage;
use crate::waiting::WaitingPage;

/// A page's title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// The words.
    pub words: Cow<'static, str>,
    /// Of the whole page.
    pub language: Language,
}

impl Title {
    fn new(w: Words, key: Key) -> Self {
        Self {
            words: w.say(key),
            language: w.language,
        }
    }
}

/// A page that says what it is.
pub trait Titled: askama::Template {
    /// For the tab of a browser.
    fn title(&self) -> Title;
}

impl Titled for FleetPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("fleet-title"))
    }
}

impl Titled for WaitingPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("whose-title"))
    }
}

impl Titled for AssignPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("assign-page"))
    }
}

impl Titled for SheetPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("sheet-page"))
    }
}

impl Titled for CardPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("card-page"))
    }
}

impl Titled for KitPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("kit-title"))
    }
}

impl Titled for KitWaitPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("kit-wait-page"))
    }
}

impl Titled for InvitePage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("invite-title"))
    }
}

impl Titled for LabelPage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("label-page"))
    }
}

impl Titled for RevokePage {
    fn title(&self) -> Title {
        Title::new(self.w, Key("revoke-page"))
    }
}
