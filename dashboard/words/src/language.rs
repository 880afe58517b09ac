//! Which language, and how it writes dates and numbers. Times are those of Italy, on a day of 24
//! hours, in both.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use veglia_wire::WallMs;

/// Where all hours and dates of the centre are told.
const TIME_ZONE: &str = "Europe/Rome";

/// Wishes that are read from a browser: it sends a handful.
const MAX_WISHES: usize = 16;

/// A language in which pages can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Italian, of which people here are sure to understand every word.
    #[default]
    It,
    /// English.
    En,
}

impl Language {
    /// Both, as they are offered.
    pub const ALL: [Self; 2] = [Self::It, Self::En];

    /// As HTML's `lang` has it, and the cookie.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::It => "it",
            Self::En => "en",
        }
    }

    /// Its name in itself: whoever looks for it reads no other.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::It => "Italiano",
            Self::En => "English",
        }
    }

    /// The language of a tag such as `en` or `en-GB`, if it is one of ours.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next().unwrap_or_default();
        let mut all = Self::ALL.into_iter();
        all.find(|it| it.tag().eq_ignore_ascii_case(primary))
    }

    /// What somebody chose, or else what their browser prefers (`Accept-Language`), or else
    /// Italian.
    #[must_use]
    pub fn wanted(chosen: Option<&str>, accepted: Option<&str>) -> Self {
        let chosen = chosen.and_then(Self::of_tag);
        chosen
            .or_else(|| accepted.and_then(preferred))
            .unwrap_or_default()
    }

    /// `22/11/2026`, `22 Nov 2026`.
    pub fn day(self, at: impl Told<WallMs>) -> String {
        self.written(at.told(), self.of_both("%d/%m/%Y", "%-d %b %Y"))
    }

    /// `22/11`, `22 Nov`.
    pub fn day_of_year(self, at: impl Told<WallMs>) -> String {
        self.written(at.told(), self.of_both("%d/%m", "%-d %b"))
    }

    /// `22/11/2026 14:05`, `22 Nov 2026 14:05`.
    pub fn moment(self, at: impl Told<WallMs>) -> String {
        let format = self.of_both("%d/%m/%Y %H:%M", "%-d %b %Y %H:%M");
        self.written(at.told(), format)
    }

    /// To the second: `22/11/2026 14:05:07`, `22 Nov 2026 14:05:07`.
    pub fn exactly(self, at: impl Told<WallMs>) -> String {
        let format = self.of_both("%d/%m/%Y %H:%M:%S", "%-d %b %Y %H:%M:%S");
        self.written(at.told(), format)
    }

    /// For a clock: `14:05:07`.
    pub fn clock(self, at: impl Told<WallMs>) -> String {
        self.written(at.told(), "%H:%M:%S")
    }

    /// `14:05`.
    pub fn hour(self, at: impl Told<WallMs>) -> String {
        self.written(at.told(), "%H:%M")
    }

    /// `14:05`, and `22/11 14:05` or `22 Nov 14:05` where it is another day than that of `now`.
    pub fn hour_of(self, at: impl Told<WallMs>, now: impl Told<WallMs>) -> String {
        let (at, now) = (at.told(), now.told());
        let date = |at| local(at).map(|local| local.date());
        if date(at) == date(now) {
            return self.hour(at);
        }
        self.written(at, self.of_both("%d/%m %H:%M", "%-d %b %H:%M"))
    }

    /// A day of the calendar, such as a birthday: `22/11/2026`, `22 Nov 2026`.
    pub fn date(self, date: impl Told<Date>) -> String {
        let format = self.of_both("%d/%m/%Y", "%-d %b %Y");
        date.told().strftime(format).to_string()
    }

    /// With a decimal comma, or point: `36,7`, `36.7`.
    pub fn decimal(self, value: impl Told<f64>, places: usize) -> String {
        self.number(&format!("{:.places$}", value.told()))
    }

    /// A number that is written with a point, as it is written here: `36,7`, `36.7`.
    #[must_use]
    pub fn number(self, written: &str) -> String {
        match self {
            Self::It => written.replace('.', ","),
            Self::En => written.to_owned(),
        }
    }

    fn of_both<T>(self, it: T, en: T) -> T {
        match self {
            Self::It => it,
            Self::En => en,
        }
    }

    fn written(self, at: WallMs, format: &str) -> String {
        local(at).map_or_else(
            || self.of_both("ora sconosciuta", "unknown time").to_owned(),
            |local| local.strftime(format).to_string(),
        )
    }
}

/// What is told by value or by reference: templates hand over either.
pub trait Told<T> {
    /// The value.
    fn told(&self) -> T;
}

macro_rules! told {
    ($($kind:ty),*) => {
        $(impl Told<$kind> for $kind {
            fn told(&self) -> $kind {
                *self
            }
        }

        impl<R: Told<$kind>> Told<$kind> for &R {
            fn told(&self) -> $kind {
                (**self).told()
            }
        })*
    };
}

told!(Date, WallMs, f64);

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

fn local(at: WallMs) -> Option<Zoned> {
    let zone = TimeZone::get(TIME_ZONE).ok()?;
    let at = Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone))
}

/// The one of ours that a browser wishes most; of equal wishes the first.
fn preferred(accepted: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for wish in accepted.split(',').take(MAX_WISHES) {
        let (tag, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
        let weight = weight.trim().strip_prefix("q=").unwrap_or("1");
        let weight: f32 = weight.parse().unwrap_or(0.0);
        let is_better = weight > best.map_or(0.0, |(_, weight)| weight);
        if let Some(language) = Language::of_tag(tag)
            && is_better
        {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}
