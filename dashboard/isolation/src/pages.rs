//! The frame of the citizen's pages, and those that anybody may open: signing in, and who gets
//! which swab. One style sheet, no script: the first page of somebody on a slow line is small.

use askama::Template;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::course::Standing;
use crate::refusal::{Asker, Counter, Swab, ask};

/// Around every page of the citizen.
#[derive(Template)]
#[template(path = "frame.html")]
pub struct Frame<'a> {
    /// In the reader's language.
    pub w: Words,
    /// What the browser's tab says, before the product's name.
    pub title: &'a str,
    /// The address of the style sheet.
    pub style: &'a str,
    /// The address of the mark.
    pub icon: &'a str,
    /// Whether somebody is in, and may leave.
    pub is_in: bool,
    /// The page's own address; none for the answer to a form, which another language would lose.
    pub here: Option<&'a str>,
    /// Already escaped, because a template made it.
    pub body: &'a str,
}

impl Frame<'_> {
    /// Its words.
    #[must_use]
    pub fn words(language: Language) -> Words {
        WORDS.speaking(language)
    }

    fn languages(&self) -> [Language; 2] {
        Language::ALL
    }
}

/// Where telephone and code are typed.
#[derive(Template)]
#[template(path = "entry.html")]
pub struct EntryPage<'a> {
    w: Words,
    /// As they were typed.
    phone: &'a str,
    code: &'a str,
    /// Of a personal link, which stands for the number.
    link: Option<&'a str>,
    phone_fault: Option<Key>,
    code_fault: Option<Key>,
    notice: Option<Key>,
}

/// What is said above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Too many codes were asked for.
    TooMany,
    /// Too many wait.
    Busy,
    /// The visit is over.
    Over,
}

impl<'a> EntryPage<'a> {
    /// An empty form; behind a personal link the number is not asked for.
    #[must_use]
    pub fn new(language: Language, link: Option<&'a str>) -> Self {
        Self {
            w: WORDS.speaking(language),
            phone: "",
            code: "",
            link,
            phone_fault: None,
            code_fault: None,
            notice: None,
        }
    }

    /// With what was typed.
    #[must_use]
    pub fn typed(mut self, phone: &'a str, code: &'a str) -> Self {
        (self.phone, self.code) = (phone, code);
        self
    }

    /// With a sentence beside each field that cannot be read.
    #[must_use]
    pub fn faulty(mut self, phone: bool, code: bool) -> Self {
        self.phone_fault = phone.then_some(Key("entry-phone-fault"));
        self.code_fault = code.then_some(Key("entry-code-fault"));
        self
    }

    /// With a sentence above the form.
    #[must_use]
    pub fn noting(mut self, notice: Notice) -> Self {
        self.notice = Some(match notice {
            Notice::TooMany => Key("entry-too-many"),
            Notice::Busy => Key("entry-busy"),
            Notice::Over => Key("entry-over"),
        });
        self
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("entry-title").into_owned()
    }
}

/// Where the one-time code is typed.
#[derive(Template)]
#[template(path = "code.html")]
pub struct CodePage {
    w: Words,
    fault: Option<Key>,
}

impl CodePage {
    /// The form; with a sentence when a code was refused.
    #[must_use]
    pub fn new(language: Language, is_refused: bool) -> Self {
        Self {
            w: WORDS.speaking(language),
            fault: is_refused.then_some(Key("code-refused")),
        }
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("code-title").into_owned()
    }
}

/// Who gets which swab where, and why others do not: what people ask, answered by the rules.
#[derive(Template)]
#[template(path = "swabs.html")]
pub struct SwabsPage {
    w: Words,
    questions: Vec<Question>,
}

struct Question {
    asked: Key,
    refused: Option<(Key, Key)>,
}

/// What people ask.
const QUESTIONS: [(Key, Swab, Counter, Asker); 12] = [
    (
        Key("ask-recovery-early"),
        Swab::Recovery,
        Counter::Portal,
        Asker::Case(Standing::Closed),
    ),
    (
        Key("ask-recovery-ill"),
        Swab::Recovery,
        Counter::Portal,
        Asker::Case(Standing::Symptoms),
    ),
    (
        Key("ask-recovery-booking"),
        Swab::Recovery,
        Counter::Booking,
        Asker::Case(Standing::Closed),
    ),
    (
        Key("ask-recovery-direct"),
        Swab::Recovery,
        Counter::Direct,
        Asker::Case(Standing::Closed),
    ),
    (
        Key("ask-diagnostic-reported"),
        Swab::Diagnostic,
        Counter::Booking,
        Asker::Reported,
    ),
    (
        Key("ask-diagnostic-unreported"),
        Swab::Diagnostic,
        Counter::Booking,
        Asker::Unreported,
    ),
    (
        Key("ask-contact-booking"),
        Swab::Contact,
        Counter::Booking,
        Asker::Contact,
    ),
    (
        Key("ask-school"),
        Swab::Diagnostic,
        Counter::Direct,
        Asker::School { has_paper: true },
    ),
    (
        Key("ask-school-paper"),
        Swab::Diagnostic,
        Counter::Direct,
        Asker::School { has_paper: false },
    ),
    (
        Key("ask-relative"),
        Swab::Diagnostic,
        Counter::Direct,
        Asker::Relative,
    ),
    (
        Key("ask-contact-direct"),
        Swab::Contact,
        Counter::Direct,
        Asker::Contact,
    ),
    (
        Key("ask-outside-school"),
        Swab::Diagnostic,
        Counter::Direct,
        Asker::Unreported,
    ),
];

impl SwabsPage {
    /// The page.
    #[must_use]
    pub fn new(language: Language) -> Self {
        let questions = QUESTIONS.into_iter().map(|(asked, swab, at, who)| {
            let refused = ask(swab, at, who).err();
            Question {
                asked,
                refused: refused.map(|it| (it.reason.sentence(), it.way.sentence())),
            }
        });
        Self {
            w: WORDS.speaking(language),
            questions: questions.collect(),
        }
    }

    /// For the browser's tab.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("swabs-title").into_owned()
    }
}
