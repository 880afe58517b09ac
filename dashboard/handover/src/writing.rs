//! The page on which whoever goes writes, and where whoever comes finds what is written.
//!
//! It proposes who matters, each with what is known filled in; the recommendation is a person's.
//! What was typed is never lost: it comes back with a sentence when something is amiss, when
//! somebody else was quicker, and when a red came up that the page did not show yet.

use askama::Template;
use veglia_people::care::{self, Holder};
use veglia_view::{PatientId, Severity};
use veglia_words::Words;

use crate::book::{self, Body, Kind, Line, Version};
use crate::desk::{Desk, HandoverError, person_of};
use crate::fact::Fact;
use crate::form::{Form, LINE_CHARS_MAX, WORDS_CHARS_MAX};
use crate::gather::{Case, Gathered, Wanted, gather};
use crate::lines::{self, LineView};
use crate::shown::VersionView;
use crate::task::{Labels, Task};
use crate::tell::Names;

/// Patients of one handover: more are not read, and a form of more is not taken.
const LINES_MAX: usize = 60;

/// People named to somebody whose search finds several.
const FOUND_MAX: usize = 5;

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "writing.html")]
pub struct WritingPage {
    w: Words,
    labels: Labels,
    /// What it is for, in words.
    when: String,
    address: &'static str,
    read_at: &'static str,
    notice: Option<String>,
    /// Whether its moment has passed and nobody has written it.
    is_missing: bool,
    /// The newest version.
    newest: Option<VersionView>,
    /// What else nobody has acknowledged yet: an earlier handover, or what the night gave back.
    waiting: Option<VersionView>,
    lines: Vec<LineView>,
    left_out: usize,
    is_promised_lost: bool,
    /// Whether patients can be added: back in the morning come those who were given.
    may_add: bool,
    words: String,
    sought: String,
    change: i64,
    seen: i64,
    shown: String,
    old: Vec<VersionView>,
    line_chars: usize,
    words_chars: usize,
}

/// What became of a form.
pub enum Written {
    /// It is written; the address of the version.
    Done(String),
    /// It is not, or more was asked for: the page again, with what was typed.
    Again(Box<WritingPage>, Why),
    /// This role writes no such handover.
    NotAllowed,
}

/// Why a page comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Somebody was added, as was asked.
    Asked,
    /// Something typed cannot be taken.
    Faulty,
    /// Somebody else has written, or something grave came up.
    Overtaken,
}

impl WritingPage {
    /// The page as it is now; none for a role that writes no such handover.
    ///
    /// # Errors
    /// See [`HandoverError`].
    pub async fn load(desk: Desk<'_>, kind: Kind) -> Result<Option<Self>, HandoverError> {
        if !kind.is_written_by(desk.who.role) {
            return Ok(None);
        }
        let task = Task::near(kind, desk.now).ok_or(HandoverError::Calendar)?;
        let newest = newest(desk, task).await?;
        let cases = cases(desk, task, newest.as_ref(), &[]).await?;
        Self::make(desk, task, cases, newest, None).await.map(Some)
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say(self.labels.title).into_owned()
    }

    async fn make(
        desk: Desk<'_>,
        task: Task,
        Gathered { cases, left_out }: Gathered,
        newest: Option<Version>,
        form: Option<&Form>,
    ) -> Result<Self, HandoverError> {
        let (w, kind) = (desk.words(), task.kind);
        let names = desk.signatures().await?;
        let typed = filled(&cases, newest.as_ref(), form);
        let mut lines = lines::views(desk, &typed, &names, kind.purpose()).await?;
        let shown_before = form.map(Form::shown).unwrap_or_default();
        for (line, case) in lines.iter_mut().zip(&cases) {
            line.may_offer = case.is_mine && kind == Kind::Shift;
            line.is_in = match (form, &newest) {
                (Some(form), _) => form.has(line.patient) || !shown_before.contains(&line.patient),
                (None, Some(newest)) => {
                    line_of(newest, line.patient).is_some() || case.severity.is_some()
                }
                (None, None) => true,
            };
        }
        let words = match (form, &newest) {
            (Some(form), _) => form.words(),
            (None, Some(newest)) => newest.body.words.clone(),
            (None, None) => String::new(),
        };
        let kinds: &[Kind] = match kind {
            Kind::Shift => &[Kind::Shift],
            Kind::Night | Kind::Morning => &[Kind::Night, Kind::Morning],
        };
        let old = book::recent(desk.record, &desk.actor(), kinds).await;
        let mut old = old.map_err(HandoverError::Record)?;
        let waiting = waiting(task, newest.as_ref(), &old).cloned();
        if !desk.who.role.is_of_the_centre() {
            // Whoever watches tonight reads this night; the others are the centre's.
            old.retain(|version| version.change == task.at);
        }
        let told = |version: &Version| VersionView::new(desk, version, &names);
        let shown = lines.iter().map(|line| line.patient.to_string());
        let shown: Vec<String> = shown.collect();
        Ok(Self {
            w,
            labels: kind.labels(),
            when: task.when(w),
            address: task.address(),
            read_at: kind.read_at(),
            notice: None,
            is_missing: newest.is_none() && kind != Kind::Morning && task.at <= desk.now,
            waiting: waiting.as_ref().map(told),
            old: old.iter().map(told).collect(),
            seen: newest.as_ref().map_or(0, |it| it.number),
            newest: newest.as_ref().map(told),
            lines,
            left_out,
            is_promised_lost: desk.promised.is_none() && kind == Kind::Shift,
            may_add: kind != Kind::Morning,
            words,
            sought: String::new(),
            change: task.at.0,
            shown: shown.join(" "),
            line_chars: LINE_CHARS_MAX,
            words_chars: WORDS_CHARS_MAX,
        })
    }

    fn saying(mut self, notice: String, why: Why) -> Written {
        self.notice = Some(notice);
        Written::Again(Box::new(self), why)
    }
}

/// What stands unacknowledged beside what is being written.
fn waiting<'a>(task: Task, newest: Option<&Version>, old: &'a [Version]) -> Option<&'a Version> {
    let mut old = old.iter();
    let last = match task.kind {
        Kind::Shift => old
            .find(|it| it.change < task.at)
            .filter(|_| newest.is_none()),
        Kind::Night => old.find(|it| it.kind == Kind::Morning),
        Kind::Morning => None,
    };
    last.filter(|it| it.acks.is_empty())
}

/// Writes what a form of the page says, in the name of whoever sent it; or adds somebody to it.
///
/// # Errors
/// See [`HandoverError`]; nothing was written then.
pub async fn write(desk: Desk<'_>, kind: Kind, form: &Form) -> Result<Written, HandoverError> {
    if !kind.is_written_by(desk.who.role) {
        return Ok(Written::NotAllowed);
    }
    if form.is_empty() {
        return Err(HandoverError::Form);
    }
    let Some(task) = form.change().and_then(|at| Task::at(kind, at, desk.now)) else {
        return stale(desk, kind, form).await;
    };
    if form.act() == "add" {
        return add(desk, task, form).await;
    }
    let newest = newest(desk, task).await?;
    let cases = cases(desk, task, newest.as_ref(), &form.ticked()).await?;
    if let Some((sentence, why)) = refusal(desk, form, &cases.cases) {
        let page = WritingPage::make(desk, task, cases, newest, Some(form)).await?;
        return Ok(page.saying(sentence, why));
    }
    let mut lines = filled(&cases.cases, None, Some(form));
    lines.retain(|line| form.has(line.patient));
    let body = Body {
        words: form.words(),
        lines,
    };
    let (record, about) = (desk.record, (task.kind, task.at));
    let written = book::write(record, &desk.actor(), about, form.seen(), &body, desk.now).await;
    match written.map_err(HandoverError::Record)? {
        Ok(id) => {
            if kind == Kind::Night {
                entrust(desk, task, &body).await?;
            }
            Ok(Written::Done(format!("{}/{id}", kind.read_at())))
        }
        Err(book::Overtaken) => {
            let newest = self::newest(desk, task).await?;
            if let Some(own) = newest.as_ref().filter(|it| is_ones_own(desk, it, &body)) {
                if kind == Kind::Night {
                    entrust(desk, task, &own.body).await?;
                }
                return Ok(Written::Done(format!("{}/{}", kind.read_at(), own.id)));
            }
            let sentence = overtaken(desk, newest.as_ref(), &desk.signatures().await?);
            let page = WritingPage::make(desk, task, cases, newest, Some(form)).await?;
            Ok(page.saying(sentence, Why::Overtaken))
        }
    }
}

/// Whether the newest version is what is being written: the form came twice, or the first time it
/// failed after the version stood and before everybody was entrusted.
fn is_ones_own(desk: Desk<'_>, newest: &Version, body: &Body) -> bool {
    newest.by == desk.actor().to_string() && newest.body.says_the_same(body)
}

/// A page so old that its handover is past gives what was typed to the page of now.
async fn stale(desk: Desk<'_>, kind: Kind, form: &Form) -> Result<Written, HandoverError> {
    let task = Task::near(kind, desk.now).ok_or(HandoverError::Calendar)?;
    let newest = newest(desk, task).await?;
    let cases = cases(desk, task, newest.as_ref(), &form.ticked()).await?;
    let page = WritingPage::make(desk, task, cases, newest, Some(form)).await?;
    let sentence = desk.words().say("notice-stale").into_owned();
    Ok(page.saying(sentence, Why::Overtaken))
}

/// The page again with whoever was looked for.
async fn add(desk: Desk<'_>, task: Task, form: &Form) -> Result<Written, HandoverError> {
    let mut chosen = form.ticked();
    let sought = form.sought();
    let found = find(desk, &sought).await?;
    chosen.extend(found.as_ref().ok());
    let newest = newest(desk, task).await?;
    let cases = cases(desk, task, newest.as_ref(), &chosen).await?;
    let page = WritingPage::make(desk, task, cases, newest, Some(form)).await?;
    Ok(match found {
        Ok(_) => Written::Again(Box::new(page), Why::Asked),
        Err(sentence) => WritingPage { sought, ..page }.saying(sentence, Why::Faulty),
    })
}

/// Why a form is not written, before anybody else is looked at.
fn refusal(desk: Desk<'_>, form: &Form, cases: &[Case]) -> Option<(String, Why)> {
    let w = desk.words();
    if let Some(most) = form.fault() {
        let sentence = w.with("notice-too-long", "n", most).to_string();
        return Some((sentence, Why::Faulty));
    }
    if form.ticked().len() > LINES_MAX {
        let sentence = w.with("notice-too-many", "n", LINES_MAX).to_string();
        return Some((sentence, Why::Faulty));
    }
    if form.is_mute() {
        return Some((w.say("notice-mute").into_owned(), Why::Faulty));
    }
    let shown = form.shown();
    let is_news =
        |case: &&Case| case.severity == Some(Severity::Red) && !shown.contains(&case.patient);
    let news = cases.iter().filter(is_news).count();
    (news > 0).then(|| {
        let sentence = w.with("notice-news", "n", news).to_string();
        (sentence, Why::Overtaken)
    })
}

/// Who was quicker, in words.
fn overtaken(desk: Desk<'_>, newest: Option<&Version>, names: &Names) -> String {
    let w = desk.words();
    newest.map_or_else(
        || w.say("notice-overtaken-who").into_owned(),
        |newest| {
            w.with("notice-overtaken", "who", names.of(&newest.by))
                .and("at", w.language.hour_of(newest.at, desk.now))
                .and("n", newest.number)
                .to_string()
        },
    )
}

/// The one followed patient whose name holds what was typed; or a sentence.
async fn find(desk: Desk<'_>, sought: &str) -> Result<Result<PatientId, String>, HandoverError> {
    let w = desk.words();
    if sought.is_empty() {
        return Ok(Err(w.say("notice-sought-empty").into_owned()));
    }
    let followed: Vec<PatientId> = desk.followed().await?.into_iter().collect();
    let names = desk.names_of(&followed).await?;
    let wanted = sought.to_lowercase();
    let fits = |(_, name): &(&PatientId, &String)| name.to_lowercase().contains(&wanted);
    let found = names.iter().filter(fits);
    let mut found: Vec<(&str, PatientId)> = found
        .map(|(patient, name)| (name.as_str(), *patient))
        .collect();
    found.sort_unstable();
    Ok(match found.as_slice() {
        [(_, patient)] => Ok(*patient),
        [] => Err(w.with("notice-sought-nobody", "name", sought).to_string()),
        several => {
            let named = several.iter().take(FOUND_MAX).map(|(name, _)| *name);
            let named: Vec<&str> = named.collect();
            let sentence = w.with("notice-sought-several", "names", named.join(", "));
            Err(sentence.to_string())
        }
    })
}

async fn newest(desk: Desk<'_>, task: Task) -> Result<Option<Version>, HandoverError> {
    let newest = book::newest(desk.record, &desk.actor(), (task.kind, task.at)).await;
    newest.map_err(HandoverError::Record)
}

/// Who matters: who is proposed, who was in the version before, who is chosen; in the morning
/// everybody who was given for the night.
async fn cases(
    desk: Desk<'_>,
    task: Task,
    newest: Option<&Version>,
    chosen: &[PatientId],
) -> Result<Gathered, HandoverError> {
    let followed = desk.followed().await?;
    let before = newest.map_or(&[][..], |it| it.body.lines.as_slice());
    let before = before.iter().map(|line| line.patient);
    let chosen: Vec<PatientId> = chosen.iter().copied().chain(before).collect();
    let is_morning = task.kind == Kind::Morning;
    let given: Vec<PatientId> = match is_morning {
        true => followed.iter().copied().collect(),
        false => Vec::new(),
    };
    let wanted = Wanted {
        chosen: &chosen,
        given: &given,
        because: match is_morning {
            true => Fact::Given,
            false => Fact::Chosen,
        },
        most: LINES_MAX,
    };
    gather(desk, task.span, &followed, &wanted).await
}

pub(crate) fn line_of(version: &Version, patient: PatientId) -> Option<&Line> {
    let mut lines = version.body.lines.iter();
    lines.find(|line| line.patient == patient)
}

/// The lines of a form: what is so now, with what was typed, or what the version before says.
pub(crate) fn filled(cases: &[Case], newest: Option<&Version>, form: Option<&Form>) -> Vec<Line> {
    let line = |case: &Case| {
        let before = newest.and_then(|it| line_of(it, case.patient));
        let (recommendation, offered) = match (form, before) {
            (Some(form), _) => (
                form.recommendation(case.patient),
                case.is_mine && form.offers(case.patient),
            ),
            (None, Some(before)) => (before.recommendation.clone(), before.offered),
            (None, None) => (String::new(), false),
        };
        Line {
            patient: case.patient,
            situation: case.situation.clone(),
            assessment: case.assessment.clone(),
            recommendation,
            offered,
        }
    };
    cases.iter().map(line).collect()
}

/// Entrusts whom a list names to the out-of-hours doctors for the night, and takes back whom a list
/// before it named. What somebody gave them by hand stays. Done twice it changes nothing more.
async fn entrust(desk: Desk<'_>, task: Task, body: &Body) -> Result<(), HandoverError> {
    let (record, actor) = (desk.record, desk.actor());
    let (from, until) = (task.at, task.span.until);
    for person in body.lines.iter().filter_map(|line| person_of(line.patient)) {
        let held = care::of(record, &actor, person).await;
        let held = held.map_err(HandoverError::Care)?;
        let is_given = held.iter().any(|it| {
            let lasts = it.until.is_none_or(|end| end >= until);
            it.holder == Holder::OutOfHours.to_string() && it.from <= from && lasts
        });
        if !is_given {
            let (holder, stretch) = (Holder::OutOfHours, (from, Some(until)));
            let given = care::entrust(record, &actor, person, &holder, stretch, ENTRUSTED).await;
            given.map_err(HandoverError::Entrust)?;
        }
    }
    let named = book::named(record, &actor, (task.kind, task.at)).await;
    let named = named.map_err(HandoverError::Record)?;
    let is_gone = |patient: &PatientId| body.lines.iter().all(|it| it.patient != *patient);
    for person in named.into_iter().filter(is_gone).filter_map(person_of) {
        let from_whom = (person, &Holder::OutOfHours);
        let ended = care::take_back(record, &actor, from_whom, ENTRUSTED, desk.now).await;
        ended.map_err(HandoverError::Care)?;
    }
    Ok(())
}

/// Why somebody is entrusted, as their care relation says it.
const ENTRUSTED: &str = "Elenco della notte";
