//! The pages of a patient's documents: the list of the four, one of them as paper, and issuing it.
//!
//! What is shown of a document is read out of its JSON, of one that is kept as of a draft: the page
//! has no words of its own for it. Its texts were escaped when it was made.

use askama::Template;
use serde::Deserialize;
use serde_json::Value;
use veglia_people::patients::Person;
use veglia_people::staff;
use veglia_view::PatientId;
use veglia_words::{Key, Words};

use crate::book::{self, Kept, Listed, New};
use crate::compose;
use crate::desk::{Desk, DocumentError};
use crate::gather::{self, NotYet, Said};
use crate::kind::Kind;
use crate::period::{DAYS_MAX, Period};

/// Longest conclusions, in characters: a page.
const CONCLUSIONS_CHARS_MAX: usize = 4_000;

/// What an address says of a document.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct DocumentQuery {
    /// A version that was issued.
    pub versione: String,
    /// Anything: the draft, though there is a version.
    pub bozza: String,
    /// Of a report: the first day, `2020-11-15`.
    pub da: String,
    /// The last day.
    pub a: String,
}

/// A form that issues.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct IssueForm {
    /// The version that was the newest when the form was made; 0 for none.
    pub visto: String,
    /// Of a report: the first day.
    pub da: String,
    /// The last day.
    pub a: String,
    /// Of a final report: what the doctor concludes.
    pub conclusioni: String,
}

/// What became of a form.
pub enum Issued {
    /// It is kept, as this version.
    Kept(i64),
    /// It is not: the page again, with why and with what was typed.
    Faulty(Box<DocumentPage>),
    /// Somebody else issued meanwhile: the page again.
    Overtaken(Box<DocumentPage>),
    /// Whoever asks does not issue.
    NotAllowed,
    /// Nobody is known under this number.
    Unknown,
}

/// A document as a file.
pub struct Download {
    /// What it is called.
    pub name: String,
    /// FHIR, as JSON.
    pub body: String,
}

/// The list of a patient's documents, to be framed by a door.
#[derive(Template)]
#[template(path = "list.html")]
pub struct ListPage {
    w: Words,
    patient: PatientId,
    name: String,
    kinds: Vec<KindNow>,
}

/// How it stands with one kind.
struct KindNow {
    kind: Kind,
    newest: Option<Line>,
}

/// A version, in a line.
struct Line {
    version: i64,
    at: String,
    by: String,
}

/// One document as paper, to be framed by a door.
#[derive(Template)]
#[template(path = "document.html")]
pub struct DocumentPage {
    w: Words,
    patient: PatientId,
    kind: Kind,
    /// What is shown, or why nothing is.
    shown: Result<Paper, Key>,
    /// All versions, the newest first.
    versions: Vec<Line>,
    may_issue: bool,
    is_draft: bool,
    /// The newest version, as the form says that it was seen.
    seen: i64,
    days: (String, String),
    days_max: i32,
    conclusions: String,
    conclusions_max: usize,
    fault: Option<Key>,
}

/// What stands on the paper.
struct Paper {
    title: String,
    /// In XHTML, as the document holds it.
    head: String,
    sections: Vec<Section>,
    /// Version and digest, of one that was issued.
    kept: Option<(i64, String)>,
}

struct Section {
    title: String,
    /// In XHTML, as the document holds it.
    text: String,
    parts: Vec<Section>,
}

impl ListPage {
    /// The list of a patient; none when nobody is registered under this number. Writes in the
    /// access log that it is read.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub async fn load(desk: Desk<'_>, patient: PatientId) -> Result<Option<Self>, DocumentError> {
        let Some(person) = desk.open(patient).await? else {
            return Ok(None);
        };
        let mut kinds = Vec::with_capacity(Kind::ALL.len());
        for kind in Kind::ALL {
            let lines = lines(desk, &person, kind).await?;
            let newest = lines.into_iter().next();
            kinds.push(KindNow { kind, newest });
        }
        Ok(Some(Self {
            w: desk.words(),
            patient,
            name: full_name(&person),
            kinds,
        }))
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.w.with("documents-title", "name", self.name.as_str());
        title.to_string()
    }
}

impl DocumentPage {
    /// A document of a patient: the version that is asked for, else the newest that was issued,
    /// else a draft. None when nobody is registered under this number, or there is no such version.
    /// Writes in the access log that it is read.
    ///
    /// # Errors
    /// See [`DocumentError`].
    pub async fn load(
        desk: Desk<'_>,
        patient: PatientId,
        kind: Kind,
        query: &DocumentQuery,
    ) -> Result<Option<Self>, DocumentError> {
        let Some(person) = desk.open(patient).await? else {
            return Ok(None);
        };
        let form = IssueForm {
            da: query.da.clone(),
            a: query.a.clone(),
            ..IssueForm::default()
        };
        let versions = lines(desk, &person, kind).await?;
        let wanted = match query.versione.parse() {
            Ok(version) => Some(version),
            Err(_) if !query.bozza.is_empty() => None,
            Err(_) => versions.first().map(|it| it.version),
        };
        let Some(version) = wanted else {
            let page = Self::draft(desk, (patient, &person), kind, &form, versions).await?;
            return Ok(Some(page));
        };
        let actor = desk.who.actor();
        let kept = book::get(desk.record, &actor, person.id, (kind, version)).await;
        let Some(kept) = kept.map_err(DocumentError::Book)? else {
            return Ok(None);
        };
        let paper = paper(&kept.body, Some(&kept))?;
        let page = Self::around(desk, (patient, kind), versions, &form, Ok(paper));
        Ok(Some(Self {
            is_draft: false,
            ..page
        }))
    }

    async fn draft(
        desk: Desk<'_>,
        (patient, person): (PatientId, &Person),
        kind: Kind,
        form: &IssueForm,
        versions: Vec<Line>,
    ) -> Result<Self, DocumentError> {
        let shown = match written(desk, (patient, person), kind, form, None).await? {
            Ok(body) => Ok(paper(&body, None)?),
            Err(fault) => Err(fault),
        };
        Ok(Self::around(desk, (patient, kind), versions, form, shown))
    }

    fn around(
        desk: Desk<'_>,
        (patient, kind): (PatientId, Kind),
        versions: Vec<Line>,
        form: &IssueForm,
        shown: Result<Paper, Key>,
    ) -> Self {
        let period = Period::read(&form.da, &form.a, desk.now);
        let days = period.map_or_else(
            || (form.da.clone(), form.a.clone()),
            |it| (it.first.to_string(), it.last.to_string()),
        );
        Self {
            w: desk.words(),
            patient,
            kind,
            may_issue: desk.may_issue(),
            is_draft: true,
            seen: versions.first().map_or(0, |it| it.version),
            shown,
            versions,
            days,
            days_max: DAYS_MAX,
            conclusions: form.conclusioni.clone(),
            conclusions_max: CONCLUSIONS_CHARS_MAX,
            fault: None,
        }
    }

    /// Whether the form that issues stands on the page.
    fn has_form(&self) -> bool {
        self.may_issue && self.is_draft && self.shown.is_ok()
    }

    fn is_report(&self) -> bool {
        self.kind == Kind::Report
    }

    fn is_last(&self) -> bool {
        self.kind == Kind::Last
    }

    /// What the page is called.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say(self.kind.name()).into_owned()
    }
}

/// A document as a file: the version that is asked for, else the newest that was issued, else a
/// draft that says so. None when there is nothing to be had. Writes in the access log that it is
/// read.
///
/// # Errors
/// See [`DocumentError`].
pub async fn download(
    desk: Desk<'_>,
    patient: PatientId,
    kind: Kind,
    query: &DocumentQuery,
) -> Result<Option<Download>, DocumentError> {
    let Some(person) = desk.open(patient).await? else {
        return Ok(None);
    };
    let listed = listed(desk, &person, kind).await?;
    let wanted = match query.versione.parse() {
        Ok(version) => Some(version),
        Err(_) if !query.bozza.is_empty() => None,
        Err(_) => listed.first().map(|it| it.version),
    };
    let code = kind.code();
    let Some(version) = wanted else {
        let form = IssueForm {
            da: query.da.clone(),
            a: query.a.clone(),
            ..IssueForm::default()
        };
        let body = written(desk, (patient, &person), kind, &form, None).await?;
        let name = format!("bozza-{code}-{patient}.json");
        return Ok(body.ok().map(|body| Download { name, body }));
    };
    let actor = desk.who.actor();
    let kept = book::get(desk.record, &actor, person.id, (kind, version)).await;
    let kept = kept.map_err(DocumentError::Book)?;
    Ok(kept.map(|kept| Download {
        name: format!("{code}-{patient}-v{}.json", kept.version),
        body: kept.body,
    }))
}

/// Issues a document in the name of whoever asks: it is kept for ever.
///
/// # Errors
/// See [`DocumentError`]; nothing was issued then.
pub async fn issue(
    desk: Desk<'_>,
    patient: PatientId,
    kind: Kind,
    form: &IssueForm,
) -> Result<Issued, DocumentError> {
    if !desk.may_issue() {
        return Ok(Issued::NotAllowed);
    }
    let Some(person) = desk.open(patient).await? else {
        return Ok(Issued::Unknown);
    };
    let versions = lines(desk, &person, kind).await?;
    let newest = versions.first().map_or(0, |it| it.version);
    let whom = (patient, &person);
    let Ok(seen) = form.visto.parse::<i64>() else {
        let page = DocumentPage::draft(desk, whom, kind, form, versions).await?;
        return Ok(Issued::Faulty(saying(page, Key("fault-form"))));
    };
    if seen != newest {
        let page = DocumentPage::draft(desk, whom, kind, form, versions).await?;
        return Ok(Issued::Overtaken(saying(page, Key("fault-overtaken"))));
    }
    if let Some(fault) = fault_of(kind, form) {
        let page = DocumentPage::draft(desk, whom, kind, form, versions).await?;
        return Ok(Issued::Faulty(saying(page, fault)));
    }
    let version = newest + 1;
    let body = match written(desk, whom, kind, form, Some(version)).await? {
        Ok(body) => body,
        Err(fault) => {
            let shown = Err(fault);
            let page = DocumentPage::around(desk, (patient, kind), versions, form, shown);
            return Ok(Issued::Faulty(Box::new(page)));
        }
    };
    let subject = patient.to_string();
    let new = New {
        kind,
        version,
        body: &body,
        at: desk.now,
        subject: &subject,
    };
    let kept = book::keep(desk.record, &desk.who.actor(), person.id, &new).await;
    match kept.map_err(DocumentError::Book)? {
        Ok(()) => Ok(Issued::Kept(version)),
        Err(book::Overtaken) => {
            let versions = lines(desk, &person, kind).await?;
            let page = DocumentPage::draft(desk, whom, kind, form, versions).await?;
            Ok(Issued::Overtaken(saying(page, Key("fault-overtaken"))))
        }
    }
}

fn saying(page: DocumentPage, fault: Key) -> Box<DocumentPage> {
    Box::new(DocumentPage {
        fault: Some(fault),
        ..page
    })
}

/// What is wrong with what was typed.
fn fault_of(kind: Kind, form: &IssueForm) -> Option<Key> {
    if kind != Kind::Last {
        return None;
    }
    let said = form.conclusioni.trim();
    let is_odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
    if said.is_empty() {
        Some(Key("fault-conclusions"))
    } else if said.chars().count() > CONCLUSIONS_CHARS_MAX || said.contains(is_odd) {
        Some(Key("fault-too-long"))
    } else {
        None
    }
}

/// The document as JSON, or why there is none.
async fn written(
    desk: Desk<'_>,
    whom: (PatientId, &Person),
    kind: Kind,
    form: &IssueForm,
    version: Option<i64>,
) -> Result<Result<String, Key>, DocumentError> {
    let Some(period) = Period::read(&form.da, &form.a, desk.now) else {
        return Ok(Err(Key("fault-days")));
    };
    let said = Said {
        period,
        conclusions: form.conclusioni.trim().replace('\r', ""),
    };
    let facts = match gather::facts(desk, whom, kind, &said).await? {
        Ok(facts) => facts,
        Err(NotYet::NoPlan) => return Ok(Err(Key("not-yet-plan"))),
        Err(NotYet::NoDevices) => return Ok(Err(Key("not-yet-devices"))),
        Err(NotYet::Goes) => return Ok(Err(Key("not-yet-over"))),
    };
    let frame = gather::frame(desk, whom, kind, version).await?;
    let bundle = compose::document(&frame, &facts);
    let body = serde_json::to_string_pretty(&bundle);
    Ok(Ok(body.map_err(DocumentError::Json)?))
}

async fn listed(desk: Desk<'_>, person: &Person, kind: Kind) -> Result<Vec<Listed>, DocumentError> {
    let listed = book::listed(desk.record, &desk.who.actor(), person.id, kind).await;
    listed.map_err(DocumentError::Book)
}

async fn lines(desk: Desk<'_>, person: &Person, kind: Kind) -> Result<Vec<Line>, DocumentError> {
    let listed = listed(desk, person, kind).await?;
    if listed.is_empty() {
        return Ok(Vec::new());
    }
    let names = staff::signatures(desk.record, &desk.who.actor()).await;
    let names = names.map_err(DocumentError::Names)?;
    let line = |it: Listed| Line {
        version: it.version,
        at: desk.language.moment(it.at),
        by: names.get(&it.by).unwrap_or(&it.by).clone(),
    };
    Ok(listed.into_iter().map(line).collect())
}

fn full_name(person: &Person) -> String {
    format!("{} {}", person.details.surname, person.details.name)
}

/// What a document says to people: the texts of its Composition.
fn paper(body: &str, kept: Option<&Kept>) -> Result<Paper, DocumentError> {
    let bundle: Value = serde_json::from_str(body).map_err(DocumentError::Json)?;
    let composition = &bundle["entry"][0]["resource"];
    Ok(Paper {
        title: text(&composition["title"]),
        head: text(&composition["text"]["div"]),
        sections: sections(&composition["section"]),
        kept: kept.map(|kept| (kept.version, kept.digest.clone())),
    })
}

fn sections(of: &Value) -> Vec<Section> {
    let all = of.as_array().map(Vec::as_slice).unwrap_or_default();
    let section = |it: &Value| Section {
        title: text(&it["title"]),
        text: text(&it["text"]["div"]),
        parts: sections(&it["section"]),
    };
    all.iter().map(section).collect()
}

fn text(of: &Value) -> String {
    of.as_str().unwrap_or_default().to_owned()
}
