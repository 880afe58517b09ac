//! Plans to start from: data files with their sources, one for each reason to be watched.

use veglia_wire::WallMs;

use super::Plan;
use super::file::Draft;
use crate::patient::PatientId;

const FILES: [(&str, &str); 4] = [
    ("home-covid", include_str!("../../plans/home-covid.toml")),
    ("copd", include_str!("../../plans/copd.toml")),
    (
        "heart-failure",
        include_str!("../../plans/heart-failure.toml"),
    ),
    (
        "post-discharge",
        include_str!("../../plans/post-discharge.toml"),
    ),
];

/// A plan to start from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name: `home-covid`.
    pub name: &'static str,
    /// Its title, in the words of the centre's staff.
    pub title: String,
    /// Where its times and numbers come from.
    pub source: String,
}

impl Template {
    /// Every template.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let template = |(name, text)| {
            let draft = read(text);
            Self {
                name,
                title: draft.title,
                source: draft.source,
            }
        };
        FILES.into_iter().map(template).collect()
    }
}

impl Plan {
    /// Names of the plans that [`Plan::template`] knows.
    pub const TEMPLATES: &'static [&'static str] =
        &["home-covid", "copd", "heart-failure", "post-discharge"];

    /// A plan to start from: what a named template asks, version 1.
    #[must_use]
    pub fn template(name: &str, patient: PatientId, from: WallMs) -> Option<Self> {
        let (_, text) = FILES.into_iter().find(|(known, _)| *known == name)?;
        Some(read(text).plan(patient, from))
    }
}

fn read(text: &str) -> Draft {
    let draft = Draft::read(text).ok();
    draft.expect("a test reads every shipped template")
}
