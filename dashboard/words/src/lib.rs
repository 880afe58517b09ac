//! Italian and English, for every page.
//!
//! ```text
//! <room>/words/it/*.ftl ┐
//! <room>/words/en/*.ftl ┴─► Pack, one a room ─► Words, in one Language ─► a template, a title
//! ```
//! Words are written in Fluent, in the folder of the room that says them, and are part of the
//! executable. A template holds [`Words`] and says a word by its key; it holds no words of its own.
//! Whose language it is, the shell knows ([`Language::wanted`]).
//!
//! [`proof`] is one line in the tests of each room: the same keys with the same variables in both
//! languages, every key that is said is there, every key that is there is said, and no template
//! holds words. Should a word be missing all the same, the Italian one is said, or else its key in
//! double brackets: never nothing.
//!
//! Deliberately absent: words that go into the record, which stay as they were written, and the
//! languages of patients' own pages beyond these two.

mod each;
mod language;
mod phrase;
pub mod proof;

use std::borrow::Cow;
use std::sync::OnceLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

pub use each::Each;
pub use language::{Language, Told};
pub use phrase::{Markup, Phrase, Value};

/// The name of a word that Rust code chooses, for the template that says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub &'static str);

impl AsRef<str> for Key {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// The words of one room.
#[derive(Debug)]
pub struct Pack {
    it: Catalogue,
    en: Catalogue,
}

/// The words of one room in one language.
struct Catalogue {
    language: Language,
    /// Files in Fluent's notation.
    texts: &'static [&'static str],
    /// Made of them when the first word is said.
    bundle: OnceLock<FluentBundle<FluentResource>>,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Catalogue({})", self.language.tag())
    }
}

impl Catalogue {
    const fn new(language: Language, texts: &'static [&'static str]) -> Self {
        Self {
            language,
            texts,
            bundle: OnceLock::new(),
        }
    }

    fn bundle(&self) -> &FluentBundle<FluentResource> {
        self.bundle.get_or_init(|| {
            // Without a language only the plurals would be wrong; both of ours parse.
            let language: LanguageIdentifier = self.language.tag().parse().unwrap_or_default();
            let mut bundle = FluentBundle::new_concurrent(vec![language]);
            // Marks around each variable are for mixed directions of writing: ours have one.
            bundle.set_use_isolating(false);
            for text in self.texts {
                // What cannot be read is left out here and named by the proof of its room.
                let read = FluentResource::try_new((*text).to_owned());
                bundle.add_resource_overriding(read.unwrap_or_else(|(read, _)| read));
            }
            bundle
        })
    }

    fn find(&'static self, key: &str, args: Option<&FluentArgs<'_>>) -> Option<Cow<'static, str>> {
        let bundle = self.bundle();
        let pattern = bundle.get_message(key)?.value()?;
        let mut faults = Vec::new();
        let said = bundle.format_pattern(pattern, args, &mut faults);
        if !faults.is_empty() {
            tracing::error!(key, ?faults, "a word was said without all its parts");
        }
        Some(said)
    }
}

impl Pack {
    /// The words of a room: its files in Italian, and the same in English.
    ///
    /// ```text
    /// pub(crate) static WORDS: Pack = Pack::new(
    ///     &[include_str!("../words/it/room.ftl")],
    ///     &[include_str!("../words/en/room.ftl")],
    /// );
    /// ```
    #[must_use]
    pub const fn new(it: &'static [&'static str], en: &'static [&'static str]) -> Self {
        Self {
            it: Catalogue::new(Language::It, it),
            en: Catalogue::new(Language::En, en),
        }
    }

    /// The words in one language.
    #[must_use]
    pub const fn speaking(&'static self, language: Language) -> Words {
        Words {
            pack: self,
            language,
        }
    }

    fn of(&'static self, language: Language) -> &'static Catalogue {
        match language {
            Language::It => &self.it,
            Language::En => &self.en,
        }
    }

    fn say(
        &'static self,
        language: Language,
        key: &str,
        args: Option<&FluentArgs<'_>>,
    ) -> Cow<'static, str> {
        let said = self.of(language).find(key, args);
        let said = said.or_else(|| {
            tracing::error!(key, language = language.tag(), "a word is missing");
            self.it.find(key, args)
        });
        said.unwrap_or_else(|| Cow::Owned(format!("⟦{key}⟧")))
    }
}

/// The words of a room in one language: what a template holds as `w`.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    pack: &'static Pack,
    /// Which language; it also writes dates and numbers.
    pub language: Language,
}

impl Words {
    /// A word, or a sentence, that has no variables.
    #[must_use]
    pub fn say(&self, key: impl AsRef<str>) -> Cow<'static, str> {
        self.pack.say(self.language, key.as_ref(), None)
    }

    /// A sentence with a variable; [`Phrase::and`] adds another.
    #[must_use]
    pub fn with(&self, key: impl AsRef<str>, name: &'static str, value: impl Value) -> Phrase {
        Phrase::new(*self, key.as_ref(), name, &value)
    }

    /// A sentence that holds tags, without variables ([`Markup`]).
    #[must_use]
    pub fn markup(&self, key: impl AsRef<str>) -> Markup {
        Markup(self.say(key))
    }
}
