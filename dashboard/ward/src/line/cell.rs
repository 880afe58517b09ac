//! The cells of latest values on a line and on the patient's page.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use veglia_view::{Expected, Latest, Row, Trigger, VitalKind, WallMs};
use veglia_words::Words;

use crate::line::About;
use crate::spark::{Arrow, Spark};
use crate::{reason, words};

/// How old a value may be that no plan asks for, in milliseconds: half an hour, as for monitors
/// that report by themselves.
const UNPLANNED_STALE_MS: i64 = 30 * 60_000;

/// One cell of latest values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Value {
    /// The vital sign, by its stored name.
    pub vital: &'static str,
    /// The column's heading, repeated for narrow screens.
    pub label: Cow<'static, str>,
    /// The value with its unit, or a dash.
    pub text: String,
    /// When it was measured, in milliseconds.
    pub at: Option<i64>,
    /// The same, absolute and in words.
    pub full: Cow<'static, str>,
    /// By which way it came and what speaks against it.
    pub note: String,
    /// Whether something speaks against it.
    pub doubtful: bool,
    /// From when on it is too old, in milliseconds.
    pub stale_at: Option<i64>,
    /// How it has moved in the last hours, where that says anything.
    pub arrow: Option<Arrow>,
    /// The last day, where it is known. Absent from an event, it is as it was.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "drawn")]
    pub spark: Option<Arc<Spark>>,
}

fn drawn<S: Serializer>(spark: &Option<Arc<Spark>>, to: S) -> Result<S::Ok, S::Error> {
    spark.as_deref().serialize(to)
}

impl Value {
    /// How long ago it was measured; empty for none.
    #[must_use]
    pub fn age(&self, w: &Words, now: &WallMs) -> String {
        self.at
            .map_or_else(String::new, |at| words::age(*w, WallMs(at), *now))
    }

    /// Whether it is too old to rely on; none is.
    #[must_use]
    pub fn is_stale(&self, now: &WallMs) -> bool {
        self.stale_at.is_none_or(|stale_at| stale_at <= now.0)
    }
}

/// Whether a value says anything of the patient: whether the rules judge it.
pub(super) fn is_usable(row: &Row, latest: &Latest) -> bool {
    latest.quality.is_clean()
        && row.unjudged(latest.vital).is_none()
        && !(latest.vital == VitalKind::Temperature && latest.site == veglia_view::Site::Skin)
}

/// Until when the freshest clean value keeps a line calm.
pub(crate) fn calm_until(about: &About<'_>, now: WallMs) -> Option<WallMs> {
    let usable = about
        .row
        .latest
        .iter()
        // A value from a clock that runs ahead must not keep a silent patient calm.
        .filter(|latest| is_usable(about.row, latest) && latest.at.since(now) < UNPLANNED_STALE_MS);
    usable.map(|latest| stale_at(about, latest)).max()
}

/// From when on a value is too old: when its plan would have had the next one.
fn stale_at(about: &About<'_>, latest: &Latest) -> WallMs {
    let after =
        reason::parameter(about.plan, latest.vital).map_or(UNPLANNED_STALE_MS, |parameter| {
            let minutes = match &parameter.expected {
                Expected::EveryMinutes(minutes) => *minutes,
                // The rules know the hour and flag the silence; this bounds what they miss.
                Expected::DailyAt(_) | Expected::Within(_) => 24 * 60,
            };
            i64::from(minutes.saturating_add(parameter.grace_minutes)).saturating_mul(60_000)
        });
    latest.at.plus_ms(after)
}

/// The cell of a vital sign.
pub(crate) fn cell(w: Words, about: &About<'_>, vital: VitalKind) -> Value {
    let label = words::vital_name(w, vital);
    let Some(latest) = about.row.latest(vital) else {
        return Value {
            vital: vital.name(),
            label,
            text: "–".to_owned(),
            at: None,
            full: w.say("value-never"),
            note: String::new(),
            doubtful: true,
            stale_at: None,
            arrow: None,
            spark: None,
        };
    };
    let is_silent = about.row.flags.iter().any(|flag| {
        let silent = match flag.flag.id.trigger {
            Trigger::SilentSince(of, _) => of == vital,
            Trigger::HomeSilentSince(since) => latest.at <= since,
            Trigger::Record(_) => false,
        };
        silent && flag.over.is_none()
    });
    let stale_at = if is_silent {
        latest.at
    } else {
        stale_at(about, latest)
    };
    let mut note = vec![words::source(latest.source)];
    note.extend(words::doubts(vital, latest.quality, latest.site));
    let unjudged = about.row.unjudged(vital);
    note.extend(unjudged.map(words::unjudged));
    let note: Vec<_> = note.into_iter().map(|key| w.say(key)).collect();
    Value {
        vital: vital.name(),
        label,
        text: words::value(w, vital, latest.steps),
        at: Some(latest.at.0),
        full: w.language.exactly(latest.at).into(),
        note: note.join(", "),
        doubtful: !is_usable(about.row, latest),
        stale_at: Some(stale_at.0),
        arrow: None,
        spark: None,
    }
}
