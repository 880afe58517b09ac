//! Scores over several vital signs.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// National Early Warning Score 2 (Royal College of Physicians, 2017).
    News2,
    /// Modified Early Warning Score (Subbe 2001), read beside the oximeter.
    Mews,
}

impl Scale {
    /// Every score.
    pub const ALL: [Self; 2] = [Self::News2, Self::Mews];

    /// `news2`, `mews`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::News2 => "news2",
            Self::Mews => "mews",
        }
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
