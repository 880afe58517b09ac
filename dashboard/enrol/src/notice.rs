//! What people are told and asked, in versions. A text that somebody has agreed to is never edited:
//! a change is a new version, in a file of its own, and the old one stays readable.

use veglia_words::{Key, Language};

/// Something that somebody is told, or agrees to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item {
    /// The information notice (Regulation (EU) 2016/679, articles 13 and 14): told, not agreed to.
    Information,
    /// Being followed at home with devices: without it nobody is.
    Telemonitoring,
    /// That what somebody needs counts in the city's census: only with a word of their own.
    Census,
}

/// One text in one version, in both languages.
struct Text {
    item: Item,
    version: u16,
    it: &'static str,
    en: &'static str,
}

const TEXTS: [Text; 3] = [
    Text {
        item: Item::Information,
        version: 1,
        it: include_str!("../notices/information-1.it.txt"),
        en: include_str!("../notices/information-1.en.txt"),
    },
    Text {
        item: Item::Telemonitoring,
        version: 1,
        it: include_str!("../notices/telemonitoring-1.it.txt"),
        en: include_str!("../notices/telemonitoring-1.en.txt"),
    },
    Text {
        item: Item::Census,
        version: 1,
        it: include_str!("../notices/census-1.it.txt"),
        en: include_str!("../notices/census-1.en.txt"),
    },
];

impl Item {
    /// Everything that is told or asked, in the order in which it is.
    pub const ALL: [Self; 3] = [Self::Information, Self::Telemonitoring, Self::Census];

    /// As it is stored, and as forms name it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Telemonitoring => "telemonitoring",
            Self::Census => "census",
        }
    }

    /// Whether nobody is followed without it.
    #[must_use]
    pub fn is_needed(self) -> bool {
        !matches!(self, Self::Census)
    }

    /// Whether it can be refused and withdrawn: the information notice is told, not agreed to.
    pub(crate) fn is_agreed_to(self) -> bool {
        self != Self::Information
    }

    /// The version that people are given today.
    #[must_use]
    pub fn version(self) -> u16 {
        let versions = TEXTS.iter().filter(|text| text.item == self);
        versions.map(|text| text.version).max().unwrap_or(0)
    }

    /// The paragraphs of a version; none of one that there never was.
    #[must_use]
    pub fn paragraphs(self, version: u16, language: Language) -> Vec<&'static str> {
        let mut texts = TEXTS.iter();
        let text = texts.find(|text| text.item == self && text.version == version);
        let text = text.map_or("", |text| match language {
            Language::It => text.it,
            Language::En => text.en,
        });
        let paragraphs = text.split("\n\n").map(str::trim);
        paragraphs.filter(|text| !text.is_empty()).collect()
    }

    pub(crate) fn name(self) -> Key {
        match self {
            Self::Information => Key("consent-information"),
            Self::Telemonitoring => Key("consent-telemonitoring"),
            Self::Census => Key("consent-census"),
        }
    }

    /// What the person says, or was told.
    pub(crate) fn question(self) -> Key {
        match self {
            Self::Information => Key("ask-information"),
            Self::Telemonitoring => Key("ask-telemonitoring"),
            Self::Census => Key("ask-census"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_today_can_be_read_in_both_languages() {
        for item in Item::ALL {
            for language in Language::ALL {
                let text = item.paragraphs(item.version(), language);
                assert!(text.len() >= 2, "{item:?} {language:?}: {text:?}");
            }
        }
    }

    #[test]
    fn versions_of_a_text_are_different_numbers_and_different_words() {
        for (place, one) in TEXTS.iter().enumerate() {
            for other in TEXTS.iter().skip(place + 1) {
                assert!(one.item != other.item || one.version != other.version);
                assert_ne!(one.it, other.it);
            }
        }
        assert!(Item::Census.paragraphs(99, Language::It).is_empty());
    }
}
