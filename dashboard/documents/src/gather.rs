//! What a document is made of, read where it lies: people, diary, and ingest's readings.
//!
//! A report and a final report are nothing without readings: while ingest does not answer there is
//! none. A plan and a card are the record's; then they only do not say what devices measure.

mod hours;
mod readings;

use std::collections::BTreeMap;

use veglia_diary::{
    Holder, LINES_MAX, Line, PlanWritten, Stood, Told, Written, diary_of, handovers_of_patient,
    plans_of, standings_of,
};
use veglia_people::background::{self, Background};
use veglia_people::patients::Person;
use veglia_people::{roll, staff};
use veglia_view::{
    About, Flag, FlagId, PatientId, Plan, RuleSet, Severity, Standing, WallMs, Whereabouts, Why,
};

use crate::desk::{Desk, DocumentError};
use crate::facts::{
    AlertTold, Alerts, Author, CardFacts, Ending, Facts, Frame, Held, How, LastFacts, PlanFacts,
    ReportFacts, Subject,
};
use crate::kind::Kind;
use crate::limits::Limits;
use crate::period::Period;
use crate::vitals::{self, IT};

/// How long before its end a plan may be reported on: on its last day.
const LAST_DAY_MS: i64 = 86_400_000;

/// How many pages of the diary are looked through for what was told of flags: those of a year in
/// which fifty things a day were written.
const DIARY_PAGES_MAX: usize = 20;

/// Why a document cannot be made of a patient yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotYet {
    NoPlan,
    NoDevices,
    /// It is not over.
    Goes,
}

/// What a form says of a document, beside which.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) period: Period,
    pub(crate) conclusions: String,
}

/// What all documents say.
pub(crate) async fn frame(
    desk: Desk<'_>,
    (patient, person): (PatientId, &Person),
    kind: Kind,
    version: Option<i64>,
) -> Result<Frame, DocumentError> {
    let roll = roll::call(desk.record, &desk.who.actor(), &[person.id], desk.now).await;
    let roll = roll.map_err(DocumentError::Names)?;
    let doctor = roll.into_iter().find(|(id, _)| *id == person.id);
    let doctor = doctor.and_then(|(_, it)| it.doctor).map(|(_, name)| name);
    let details = &person.details;
    Ok(Frame {
        kind,
        now: desk.now,
        subject: Subject {
            number: patient,
            surname: details.surname.clone(),
            name: details.name.clone(),
            code: Some(details.codice_fiscale.as_str().to_owned()),
            phone: details.phone.as_str().to_owned(),
            address: details.address.clone(),
            doctor,
        },
        author: Author {
            number: desk.who.id.to_string(),
            name: desk.who.name.clone(),
            role: desk.who.role,
        },
        version,
    })
}

/// What one kind says, or why it cannot be said yet.
pub(crate) async fn facts(
    desk: Desk<'_>,
    (patient, person): (PatientId, &Person),
    kind: Kind,
    said: &Said,
) -> Result<Result<Facts, NotYet>, DocumentError> {
    match kind {
        Kind::Plan => plan(desk, patient, person).await,
        Kind::Card => card(desk, patient).await,
        Kind::Report => report(desk, patient, said.period).await,
        Kind::Last => last(desk, patient, person, said).await,
    }
}

async fn plans(desk: Desk<'_>, patient: PatientId) -> Result<Vec<PlanWritten>, DocumentError> {
    let plans = plans_of(desk.record, &desk.who.actor(), patient).await;
    plans.map_err(DocumentError::Diary)
}

async fn sheet(desk: Desk<'_>, person: &Person) -> Result<Background, DocumentError> {
    let sheet = background::current(desk.record, &desk.who.actor(), person.id).await;
    let sheet = sheet.map_err(DocumentError::Sheet)?;
    Ok(sheet.map(|it| it.says).unwrap_or_default())
}

/// The name behind a signature.
async fn signed(desk: Desk<'_>, by: &str) -> Result<String, DocumentError> {
    let names = staff::signatures(desk.record, &desk.who.actor()).await;
    let mut names = names.map_err(DocumentError::Names)?;
    Ok(names
        .remove(by)
        .unwrap_or_else(|| "un comando del sistema".to_owned()))
}

async fn plan(
    desk: Desk<'_>,
    patient: PatientId,
    person: &Person,
) -> Result<Result<Facts, NotYet>, DocumentError> {
    let Some(newest) = plans(desk, patient).await?.into_iter().next() else {
        return Ok(Err(NotYet::NoPlan));
    };
    let rules = RuleSet::shipped();
    let limits = newest.plan.parameters.iter();
    let limits = limits.map(|it| (it.vital, Limits::of(&rules, &newest.plan, it.vital)));
    Ok(Ok(Facts::Plan(Box::new(PlanFacts {
        limits: limits.collect(),
        rules: rules.version().to_string(),
        written_by: signed(desk, &newest.by).await?,
        written_at: newest.at,
        why: newest.why,
        devices: held(desk, patient).await?,
        conditions: sheet(desk, person).await?.conditions,
        plan: newest.plan,
    }))))
}

async fn card(desk: Desk<'_>, patient: PatientId) -> Result<Result<Facts, NotYet>, DocumentError> {
    let devices = held(desk, patient).await?;
    Ok(match devices.is_empty() {
        true => Err(NotYet::NoDevices),
        false => Ok(Facts::Card(CardFacts { devices })),
    })
}

/// The devices that the patient has now.
async fn held(desk: Desk<'_>, patient: PatientId) -> Result<Vec<Held>, DocumentError> {
    let given = handovers_of_patient(desk.record, &desk.who.actor(), patient).await;
    let given = given.map_err(DocumentError::Diary)?;
    let known = match desk.view.patient(patient).await {
        Ok(bedside) => bedside.row.map(|row| row.devices.clone()),
        Err(error) => {
            tracing::warn!(%error, "a document does not say what devices measure");
            None
        }
    };
    let known = known.unwrap_or_default();
    let now = desk.now;
    let here = given.into_iter().filter(|it| {
        let until = it.returned.as_ref().map(|returned| returned.until);
        // What stands for their own words is no device, and was theirs for ever.
        let is_device = it.assignment.from > WallMs(0);
        is_device && it.assignment.from <= now && until.is_none_or(|until| now < until)
    });
    let here = here.map(|it| {
        let device = it.assignment.device;
        let state = known.iter().find(|state| state.device == device);
        Held {
            from: it.assignment.from,
            is_shared: matches!(it.assignment.holder, Holder::Household(_)),
            measures: state.map_or_else(Vec::new, |state| state.measures.clone()),
            device,
        }
    });
    let mut here: Vec<Held> = here.collect();
    here.sort_by_key(|it| (it.from, it.device.clone()));
    Ok(here)
}

async fn report(
    desk: Desk<'_>,
    patient: PatientId,
    period: Period,
) -> Result<Result<Facts, NotYet>, DocumentError> {
    let to = period.to.min(desk.now.plus_ms(1));
    let flags = flags(desk, patient, period.from, to).await?;
    let measured = readings::report(desk.view, patient, (period.from, to), &flags.raised).await;
    Ok(Ok(Facts::Report(ReportFacts {
        from: period.from,
        to,
        measured: measured.map_err(DocumentError::View)?,
        alerts: flags.alerts((period.from, to)),
    })))
}

async fn last(
    desk: Desk<'_>,
    patient: PatientId,
    person: &Person,
    said: &Said,
) -> Result<Result<Facts, NotYet>, DocumentError> {
    let plans = plans(desk, patient).await?;
    let Some(plan) = plans.first().map(|it| it.plan.clone()) else {
        return Ok(Err(NotYet::NoPlan));
    };
    let stood = standings_of(desk.record, &desk.who.actor(), patient).await;
    let stood = stood.map_err(DocumentError::Diary)?;
    let Some(mut end) = ending(&stood, &plan, desk.now) else {
        return Ok(Err(NotYet::Goes));
    };
    if !end.by.is_empty() {
        end.by = signed(desk, &end.by).await?;
    }
    let from = plans.iter().map(|it| it.plan.from).min();
    let from = from.unwrap_or(plan.from).min(desk.now);
    // What was measured on the way out still belongs to it.
    let to = end.at.min(desk.now).max(from).plus_ms(1);
    let flags = flags(desk, patient, from, to).await?;
    let measured = readings::whole(desk.view, patient, (from, to)).await;
    let sheet = sheet(desk, person).await?;
    Ok(Ok(Facts::Last(Box::new(LastFacts {
        plan,
        from,
        to,
        end,
        measured: measured.map_err(DocumentError::View)?,
        alerts: flags.alerts((from, to)),
        conditions: sheet.conditions,
        therapy: sheet.therapy,
        allergies: sheet.allergies,
        conclusions: said.conclusions.clone(),
    }))))
}

/// How it ended, if it has: by somebody's word, or because the plan's last day is here.
fn ending(stood: &[Stood], plan: &Plan, now: WallMs) -> Option<Ending> {
    let current = stood.iter().find(|it| it.standing.from <= now);
    let how = current.and_then(|it| match it.standing.whereabouts {
        Whereabouts::Discharged => Some(How::Discharged),
        Whereabouts::Deceased => Some(How::Deceased),
        Whereabouts::AtHome | Whereabouts::InHospital | Whereabouts::Suspended => None,
    });
    if let Some((it, how)) = current.zip(how) {
        return Some(Ending {
            how,
            at: it.standing.from,
            by: it.by.clone(),
            why: it.why.clone(),
        });
    }
    let until = plan.until?;
    (until <= now.plus_ms(LAST_DAY_MS)).then(|| Ending {
        how: How::PlanOver,
        at: until,
        by: String::new(),
        why: String::new(),
    })
}

/// A confirmed flag, with when it was raised and when it was over.
struct Raised {
    flag: Flag,
    at: WallMs,
    ended: Option<WallMs>,
}

/// The confirmed alerts of a stretch of time, and whether there were more than could be read.
struct Flags {
    raised: Vec<Raised>,
    is_cut: bool,
}

impl Flags {
    fn alerts(&self, (from, to): (WallMs, WallMs)) -> Alerts {
        let told = self.raised.iter().map(|it| AlertTold {
            at: it.at,
            severity: it.flag.severity,
            about: about(&it.flag),
            ended: it.ended,
            began_before: it.at < from,
            ended_after: it.ended.is_some_and(|ended| to <= ended),
        });
        Alerts {
            told: told.collect(),
            is_cut: self.is_cut,
        }
    }
}

/// The confirmed alerts whose episode meets a stretch of time: as they were told until its end, and
/// over or taken back as is known now.
async fn flags(
    desk: Desk<'_>,
    patient: PatientId,
    from: WallMs,
    to: WallMs,
) -> Result<Flags, DocumentError> {
    let (lines, is_cut) = tellings(desk, patient).await?;
    let mut now = told(&lines);
    let until_then: Vec<Line> = lines.into_iter().filter(|line| line.at < to).collect();
    let raised = told(&until_then).into_iter().filter_map(|(id, then)| {
        let now = now.remove(&id)?;
        // One that was over then stays so, even if it began again later.
        let ended = then.ended.or(now.ended).map(|(_, at)| at);
        let is_shown = is_told(&then) && !is_explained(&now) && ended.is_none_or(|at| from <= at);
        is_shown.then_some(Raised {
            flag: then.flag,
            at: then.raised_at,
            ended,
        })
    });
    let mut raised: Vec<Raised> = raised.collect();
    raised.sort_by(|one, other| (one.at, &one.flag.id).cmp(&(other.at, &other.flag.id)));
    Ok(Flags { raised, is_cut })
}

/// All that was told of flags up to now, the newest first, and whether there was more than is read.
async fn tellings(desk: Desk<'_>, patient: PatientId) -> Result<(Vec<Line>, bool), DocumentError> {
    let mut said = Vec::new();
    let mut until = desk.now.plus_ms(1);
    for _ in 0..DIARY_PAGES_MAX {
        let range = WallMs(0)..until;
        let lines = diary_of(desk.record, &desk.who.actor(), patient, range, LINES_MAX).await;
        let mut lines = lines.map_err(DocumentError::Diary)?;
        let is_full = u64::try_from(lines.len()).is_ok_and(|lines| lines >= LINES_MAX);
        // Of the last moment of a full page more may come: it is asked for again.
        let oldest = lines.last().filter(|_| is_full).map(|line| line.at);
        if let Some(oldest) = oldest {
            lines.retain(|line| oldest < line.at);
        }
        let is_stuck = oldest.is_some() && lines.is_empty();
        let only_said = |line: &Line| matches!(line.what, Written::Said(_));
        said.extend(lines.into_iter().filter(only_said));
        match oldest {
            None => return Ok((said, false)),
            Some(_) if is_stuck => return Ok((said, true)),
            Some(oldest) => until = oldest.plus_ms(1),
        }
    }
    Ok((said, true))
}

/// What was confirmed and stands.
fn is_told(it: &Told) -> bool {
    let is_confirmed = matches!(it.flag.standing, Standing::Confirmed { .. });
    is_confirmed && !is_explained(it) && it.flag.severity > Severity::Technical
}

/// Whether late data or another wearer explained it away.
fn is_explained(it: &Told) -> bool {
    let explained = [Why::ExplainedByLateData, Why::NotTheirs, Why::NotConfirmed];
    it.ended.is_some_and(|(why, _)| explained.contains(&why))
}

/// The flags that were raised in these lines, which stand newest first.
fn told(lines: &[Line]) -> BTreeMap<FlagId, Told> {
    let said = lines.iter().rev().filter_map(|line| match &line.what {
        Written::Said(verdict) => Some((verdict, line.at)),
        _ => None,
    });
    let mut verdicts: Vec<_> = said.collect();
    // Of one moment the order is that of the tellings.
    verdicts.sort_by_key(|(verdict, at)| (*at, verdict.telling()));
    let mut all: BTreeMap<FlagId, Told> = BTreeMap::new();
    for (verdict, at) in verdicts {
        let known = all.remove(verdict.id());
        if let Some(told) = Told::after(known, verdict.clone(), at) {
            all.insert(verdict.id().clone(), told);
        }
    }
    all
}

/// What an alert is about, with the first value it rests on.
fn about(flag: &Flag) -> String {
    let what = match flag.about {
        About::Vital(vital) => vitals::name(vital).to_owned(),
        About::Score(scale) => format!("punteggio {}", scale.name().to_uppercase()),
        About::Symptoms => "sintomo riferito".to_owned(),
        About::Together => "più parametri insieme".to_owned(),
        About::Home => "la casa non trasmette".to_owned(),
    };
    let mut values = flag.evidence.iter().filter_map(|it| {
        let (vital, steps) = it.value()?;
        Some(format!(
            "{} ({})",
            vitals::value(vital, steps),
            IT.moment(it.at)
        ))
    });
    match values.next() {
        Some(value) => format!("{what}: {value}"),
        None => what,
    }
}
