//! One of something for each language.

use crate::Language;

/// One of something for each language, such as what is told to all who read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Each<T> {
    it: T,
    en: T,
}

impl<T> Each<T> {
    /// The Italian and the English one.
    #[must_use]
    pub const fn new(it: T, en: T) -> Self {
        Self { it, en }
    }

    /// One for each, as `made` makes it.
    pub fn make(mut made: impl FnMut(Language) -> T) -> Self {
        Self {
            it: made(Language::It),
            en: made(Language::En),
        }
    }

    /// The one of a language.
    #[must_use]
    pub const fn of(&self, language: Language) -> &T {
        match language {
            Language::It => &self.it,
            Language::En => &self.en,
        }
    }

    /// The same, to be changed.
    pub const fn of_mut(&mut self, language: Language) -> &mut T {
        match language {
            Language::It => &mut self.it,
            Language::En => &mut self.en,
        }
    }
}
