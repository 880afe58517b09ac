//! A handover as it is read: by whoever takes over, who acknowledges it with their name, and by
//! anybody later. What stands in it is what was so when it was written; beside it, who has charge
//! now.
//!
//! **Charge in the same press.** Whoever wrote may have offered the charge they have; it passes
//! from them to whoever acknowledges and ticks the patient. What nobody has is taken. What somebody
//! else has stays theirs: they give it away themselves.

use askama::Template;
use veglia_diary::{ActRefused, OpenFlag, hand_over, open_flags_of, take_charge};
use veglia_store::Actor;
use veglia_view::{PatientId, WallMs};
use veglia_words::{Key, Words};

use crate::book::{self, AckRefused, Kind, Line, Version};
use crate::desk::{Desk, HandoverError};
use crate::form::Form;
use crate::lines::{self, LineView};
use crate::shown::VersionView;
use crate::task::Task;
use crate::tell::Names;

/// A handover to be read, framed by a door.
#[derive(Template)]
#[template(path = "handed.html")]
pub struct HandedPage {
    w: Words,
    recommendation: Key,
    address: &'static str,
    notices: Vec<String>,
    version: VersionView,
    words: String,
    lines: Vec<LineView>,
    /// The newer version, if there is one.
    newer: Option<i64>,
    is_own: bool,
    /// Whether the reader is one of those who take over with it.
    may_acknowledge: bool,
    /// Whether the reader has acknowledged it.
    is_mine: bool,
    /// Whether there is any charge to be taken with it.
    has_charge: bool,
}

/// What became of an acknowledgement.
pub enum Acknowledged {
    /// It is written, and all that was to be taken is taken; where it says so.
    Done(String),
    /// Something was not: the page, which says what.
    Told(Box<HandedPage>),
    /// There is no such handover.
    Unknown,
    /// This role takes over with no such handover.
    NotAllowed,
}

impl HandedPage {
    /// A version; none when there is none of this number.
    ///
    /// # Errors
    /// See [`HandoverError`].
    pub async fn load(
        desk: Desk<'_>,
        kinds: &[Kind],
        id: i64,
    ) -> Result<Option<Self>, HandoverError> {
        let version = read(desk, kinds, id).await?;
        match version {
            Some(version) => Ok(Some(Self::make(desk, &version).await?)),
            None => Ok(None),
        }
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.version.title
    }

    async fn make(desk: Desk<'_>, version: &Version) -> Result<Self, HandoverError> {
        let names = desk.signatures().await?;
        let reader = desk.actor().to_string();
        let about = (version.kind, version.change);
        let newest = book::newest(desk.record, &desk.actor(), about).await;
        let newest = newest.map_err(HandoverError::Record)?;
        let newer = newest.filter(|it| it.id != version.id).map(|it| it.id);
        let is_own = version.by == reader;
        let is_mine = version.acks.iter().any(|ack| ack.by == reader);
        let kind = version.kind;
        let may_acknowledge = kind.is_taken_by(desk.who.role);
        let is_next = newer.is_none() && !is_own && !is_mine && may_acknowledge;
        let may_take = is_next && kind == Kind::Shift;
        let lines = followed(desk, version).await?;
        let mut views = lines::views(desk, &lines, &names, kind.purpose()).await?;
        for (view, line) in views.iter_mut().zip(&lines) {
            let open = open(desk, line.patient).await?;
            let charges = charges(&open, desk.now);
            view.charge = charge_told(desk, &charges, &names);
            let is_to_take = |it: &Charge<'_>| it.is_to_take(version, line, &reader);
            view.may_take = may_take && charges.iter().any(is_to_take);
        }
        Ok(Self {
            w: desk.words(),
            recommendation: kind.labels().recommendation,
            address: kind.read_at(),
            notices: Vec::new(),
            version: VersionView::new(desk, version, &names),
            words: version.body.words.clone(),
            has_charge: views.iter().any(|view| view.may_take),
            lines: views,
            newer,
            is_own,
            may_acknowledge,
            is_mine,
        })
    }

    fn saying(mut self, notices: Vec<String>) -> Acknowledged {
        self.notices = notices;
        Acknowledged::Told(Box::new(self))
    }
}

/// Writes that whoever sent the form has read a handover and takes over, and takes the charge that
/// they ticked.
///
/// # Errors
/// See [`HandoverError`]; the acknowledgement is written before any charge is.
pub async fn acknowledge(
    desk: Desk<'_>,
    kinds: &[Kind],
    id: i64,
    form: &Form,
) -> Result<Acknowledged, HandoverError> {
    let Some(version) = read(desk, kinds, id).await? else {
        return Ok(Acknowledged::Unknown);
    };
    if !version.kind.is_taken_by(desk.who.role) {
        return Ok(Acknowledged::NotAllowed);
    }
    let done = book::acknowledge(desk.record, &desk.actor(), id, desk.now).await;
    if let Err(refused) = done.map_err(HandoverError::Record)? {
        let names = desk.signatures().await?;
        let Some(sentence) = refusal(desk, &refused, &names) else {
            return Ok(Acknowledged::Unknown);
        };
        let page = HandedPage::make(desk, &version).await?;
        return Ok(page.saying(vec![sentence]));
    }
    let here = format!("{}/{id}#confermate", version.kind.read_at());
    if version.kind != Kind::Shift {
        return Ok(Acknowledged::Done(here));
    }
    let mut left = Vec::new();
    for line in followed(desk, &version).await? {
        if form.takes(line.patient) {
            left.extend(take(desk, &version, &line).await?);
        }
    }
    if left.is_empty() {
        return Ok(Acknowledged::Done(here));
    }
    let Some(version) = read(desk, kinds, id).await? else {
        return Ok(Acknowledged::Unknown);
    };
    Ok(HandedPage::make(desk, &version).await?.saying(left))
}

fn refusal(desk: Desk<'_>, refused: &AckRefused, names: &Names) -> Option<String> {
    let w = desk.words();
    match refused {
        AckRefused::Unknown => None,
        AckRefused::Own => Some(w.say("notice-own").into_owned()),
        AckRefused::Superseded { by, at } => {
            let at = w.language.hour_of(*at, desk.now);
            let sentence = w.with("notice-superseded", "who", names.of(by));
            Some(sentence.and("at", at).to_string())
        }
    }
}

/// The version, if it is one of these kinds and the reader's to read: the centre reads all, whoever
/// watches at night reads of tonight, and only while they were given somebody of it.
async fn read(desk: Desk<'_>, kinds: &[Kind], id: i64) -> Result<Option<Version>, HandoverError> {
    let version = book::get(desk.record, &desk.actor(), id).await;
    let version = version.map_err(HandoverError::Record)?;
    let Some(version) = version.filter(|it| kinds.contains(&it.kind)) else {
        return Ok(None);
    };
    if desk.who.role.is_of_the_centre() {
        return Ok(Some(version));
    }
    let tonight = Task::near(Kind::Night, desk.now).map(|task| task.at);
    let is_given = !desk.followed().await?.is_empty();
    Ok(Some(version).filter(|it| is_given && Some(it.change) == tonight))
}

/// The lines of whom the reader may read today.
async fn followed(desk: Desk<'_>, version: &Version) -> Result<Vec<Line>, HandoverError> {
    let followed = desk.followed().await?;
    let lines = version.body.lines.iter();
    let lines = lines.filter(|line| followed.contains(&line.patient));
    Ok(lines.cloned().collect())
}

async fn open(desk: Desk<'_>, patient: PatientId) -> Result<Vec<OpenFlag>, HandoverError> {
    let open = open_flags_of(desk.record, &desk.actor(), patient).await;
    open.map_err(HandoverError::Diary)
}

/// Something open, and who has it.
struct Charge<'a> {
    open: &'a OpenFlag,
    holder: Option<&'a str>,
}

impl Charge<'_> {
    /// Whether whoever acknowledges may take it: it was offered with the handover, or it is
    /// nobody's.
    fn is_to_take(&self, version: &Version, line: &Line, reader: &str) -> bool {
        match self.holder {
            None => true,
            Some(holder) => holder != reader && line.offered && holder == version.by,
        }
    }
}

/// What is open and calls for people, each with who has it; what is kept quiet is left so.
fn charges(open: &[OpenFlag], now: WallMs) -> Vec<Charge<'_>> {
    open.iter().filter_map(|it| charge(it, now)).collect()
}

fn charge(open: &OpenFlag, now: WallMs) -> Option<Charge<'_>> {
    let state = &open.alert.as_ref()?.state;
    if state.snooze.as_ref().is_some_and(|it| now < it.until) {
        return None;
    }
    let hold = state.hold.as_ref().filter(|hold| now < hold.until);
    let holder = hold.map(|hold| hold.by.as_str());
    Some(Charge { open, holder })
}

fn charge_told(desk: Desk<'_>, charges: &[Charge<'_>], names: &Names) -> Option<String> {
    let w = desk.words();
    let mut holders: Vec<String> = Vec::new();
    for charge in charges {
        let holder = charge.holder.map(|by| names.of(by));
        let holder = holder.unwrap_or_else(|| w.say("charge-nobody").into_owned());
        if !holders.contains(&holder) {
            holders.push(holder);
        }
    }
    let told = w.with("charge-now", "who", holders.join(", "));
    (!holders.is_empty()).then(|| told.to_string())
}

/// Takes the charge of a patient over; a sentence for what somebody else was quicker with.
async fn take(
    desk: Desk<'_>,
    version: &Version,
    line: &Line,
) -> Result<Option<String>, HandoverError> {
    let (record, now) = (desk.record, desk.now);
    let reader = desk.actor();
    let number = desk.who.id.get();
    // Charge is of the patient: what is taken takes others along, so each is looked at anew.
    let flags = open(desk, line.patient).await?;
    for flag in flags.iter().map(|it| &it.flag.id) {
        let open = open(desk, line.patient).await?;
        let charges = charges(&open, now);
        let Some(charge) = charges.iter().find(|it| it.open.flag.id == *flag) else {
            continue;
        };
        if !charge.is_to_take(version, line, &reader.to_string()) {
            continue;
        }
        let done = match charge.holder {
            // In the name of whoever offered it, in writing.
            Some(holder) => {
                let Some(giver) = staff_of(holder) else {
                    continue;
                };
                hand_over(record, &giver, flag, number, WITH_HANDOVER, now).await
            }
            None => take_charge(record, &reader, flag, now).await,
        };
        match done {
            Ok(()) | Err(ActRefused::Closed { .. } | ActRefused::Over { .. }) => {}
            Err(ActRefused::Taken { by, at }) => {
                return Ok(Some(taken(desk, line.patient, &by, at).await?));
            }
            Err(ActRefused::Read(error)) => return Err(HandoverError::Diary(error)),
            Err(refused) => tracing::warn!(%refused, "a charge did not pass with its handover"),
        }
    }
    Ok(None)
}

/// What the diary says of a charge that passed; it is Italian in every language.
const WITH_HANDOVER: &str = "Con il passaggio di consegne.";

async fn taken(
    desk: Desk<'_>,
    patient: PatientId,
    by: &str,
    at: WallMs,
) -> Result<String, HandoverError> {
    let (w, names) = (desk.words(), desk.signatures().await?);
    let called = desk.names_of(&[patient]).await?.remove(&patient);
    let sentence = w
        .with("notice-taken", "name", called.unwrap_or_default())
        .and("who", names.of(by))
        .and("at", w.language.hour_of(at, desk.now));
    Ok(sentence.to_string())
}

fn staff_of(signature: &str) -> Option<Actor> {
    let number = signature.strip_prefix("staff:")?;
    number.parse().ok().map(Actor::Staff)
}
