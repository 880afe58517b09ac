//! Where a patient stands among the others, and what filters look at: no words, because it is made
//! anew for every reading of everybody, while words are made for those who are shown.

use std::cmp::Reverse;
use std::sync::Arc;

use veglia_view::{OpenFlag, PatientId, Row, Severity, WallMs};

use crate::care::{self, Care};
use crate::line::{About, Lane, calm_until};
use crate::score;

/// Where a line stands among the others: the smallest first. Unattended severity, severity, who is
/// still getting worse before who has recovered and only waits to be closed, the higher score, then
/// who has waited longest; names last, so that equal lines do not jump.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    pub(crate) lane: Lane,
    pub(crate) unattended: Reverse<Option<Severity>>,
    pub(crate) severity: Reverse<Option<Severity>>,
    pub(crate) is_over: bool,
    score: Reverse<u8>,
    waiting_since: Option<WallMs>,
    /// As [`fold`] has it.
    pub(crate) name: Arc<str>,
    pub(crate) patient: PatientId,
}

/// A rank, and when it would be another though nothing arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ranked {
    pub(crate) rank: Rank,
    pub(crate) until: Option<WallMs>,
    /// Who has any of the patient's alerts, by signature.
    pub(crate) holders: Vec<String>,
    /// The gravest clinical alarm that is under way and that nobody has. The rank may be of a
    /// graver one that is over.
    pub(crate) waits: Option<Severity>,
}

/// The place of a patient who is called `name`, in small letters without accents.
pub(crate) fn rank(about: &About<'_>, name: &Arc<str>, now: WallMs) -> Ranked {
    let row = about.row;
    let calm_until = calm_until(about, now);
    let worst = worst(row);
    let is_calm = calm_until.is_some_and(|until| now < until);
    let score = score::least(row, now);
    let news = [calm_until, score.map(|(_, until)| until)];
    let holds = about
        .alerts
        .iter()
        .filter_map(|it| it.alert.state.hold.as_ref());
    let rank = Rank {
        lane: lane(worst, is_calm),
        unattended: Reverse(unattended(about).map(|flag| flag.flag.severity).max()),
        severity: Reverse(worst.map(|(severity, ..)| severity)),
        is_over: worst.is_some_and(|(_, is_over, _)| is_over),
        score: Reverse(score.map_or(0, |(least, _)| least)),
        waiting_since: worst.map(|(.., since)| since),
        name: Arc::clone(name),
        patient: row.patient,
    };
    Ranked {
        rank,
        until: news.into_iter().flatten().filter(|at| *at > now).min(),
        holders: holds.map(|hold| hold.by.clone()).collect(),
        waits: waits(about),
    }
}

/// The lane of a patient with this worst flag.
pub(crate) fn lane(worst: Option<(Severity, bool, WallMs)>, is_calm: bool) -> Lane {
    match worst {
        Some((Severity::Red | Severity::Amber, ..)) => Lane::Clinical,
        None if is_calm => Lane::Calm,
        Some((Severity::Technical, ..)) | None => Lane::Technical,
    }
}

/// The flags that nobody sees to.
pub(crate) fn unattended<'a>(about: &About<'a>) -> impl Iterator<Item = &'a OpenFlag> + use<'a> {
    let alerts = about.alerts;
    let is_attended =
        move |flag: &OpenFlag| care::of(alerts, &flag.flag.id).is_some_and(Care::is_attended);
    about
        .row
        .flags
        .iter()
        .filter(move |flag| !is_attended(flag))
}

/// The gravest clinical alarm that is under way and that nobody has.
fn waits(about: &About<'_>) -> Option<Severity> {
    let under_way = unattended(about).filter(|flag| flag.over.is_none());
    let severities = under_way.map(|flag| flag.flag.severity);
    severities
        .filter(|severity| *severity > Severity::Technical)
        .max()
}

/// The worst open severity, whether all its episodes are over, and since when the oldest of those
/// that count calls for somebody.
pub(crate) fn worst(row: &Row) -> Option<(Severity, bool, WallMs)> {
    let rank = |flag: &OpenFlag| {
        let is_over = flag.over.is_some();
        (Reverse(flag.flag.severity), is_over, flag.raised_at)
    };
    let (Reverse(severity), is_over, since) = row.flags.iter().map(rank).min()?;
    Some((severity, is_over, since))
}

/// A name as it is compared: small letters without accents, so that *Nicolò* is found by `nicolo`.
pub(crate) fn fold(name: &str) -> String {
    let plain = |letter: char| match letter {
        'à' | 'á' | 'â' | 'ä' | 'ã' | 'å' => 'a',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' | 'õ' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        'ç' => 'c',
        'ñ' => 'n',
        '’' => '\'',
        other => other,
    };
    name.chars()
        .flat_map(char::to_lowercase)
        .map(plain)
        .collect()
}
