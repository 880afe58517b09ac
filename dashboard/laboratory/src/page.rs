//! The page of laboratories: what waits for a person, sheets to upload, and how long swabs take.

use askama::Template;
use thiserror::Error;
use veglia_people::staff::Staff;
use veglia_store::{Database, TxError};
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Words};

use crate::WORDS;
use crate::book::{self, Arrived, Entry, Way};
use crate::lists::{self, Turnaround, Waiting, Why};
use crate::sheet::{self, SheetFault};
use crate::written::Fault;

/// What the page measures: a fortnight shows a week's trouble and forgets a year's.
const MEASURED_MS: i64 = 14 * 24 * 3_600_000;

/// Lines of a sheet that are shown with a fault: who has more mends the sheet.
const FAULTY_LINES_MAX: usize = 100;

/// What a page of this room is made of.
#[derive(Clone, Copy)]
pub struct Desk<'a> {
    /// The record.
    pub record: &'a Database,
    /// Who asks.
    pub who: &'a Staff,
    /// In which language.
    pub language: Language,
    /// By the clock of care.
    pub now: WallMs,
}

/// Why a page was not made.
#[derive(Debug, Error)]
pub enum LaboratoryError {
    /// The database did not answer.
    #[error("results of laboratories were not read or written")]
    Record(#[source] TxError),
    /// The form is none of ours.
    #[error("the form is not one of this page")]
    Form,
}

/// The page, to be framed by a door.
#[derive(Template)]
#[template(path = "laboratory.html")]
pub struct LaboratoryPage {
    w: Words,
    problem: Option<String>,
    done: Option<String>,
    typed: String,
    laboratory: String,
    columns: String,
    waiting: Vec<WaitingView>,
    more: u64,
    turnaround: Vec<TurnaroundView>,
    preview: Option<Preview>,
}

/// An entry in words.
struct WaitingView {
    address: String,
    laboratory: String,
    order: String,
    received: String,
    reasons: Vec<Key>,
}

struct TurnaroundView {
    laboratory: String,
    measured: usize,
    unmeasured: usize,
    median: String,
    tenth: String,
}

/// What would be kept of a sheet.
struct Preview {
    good: usize,
    faulty: Vec<(usize, Vec<Key>)>,
    more_faulty: usize,
}

/// What was sent of a sheet.
#[derive(Clone, Default)]
pub struct Upload {
    /// The file, if one was chosen.
    pub file: Vec<u8>,
    /// What was pasted instead.
    pub text: String,
    /// Whose it is, where no column says so.
    pub laboratory: String,
    /// Which button was pressed.
    pub act: String,
}

/// What became of a sheet.
pub enum Uploaded {
    /// It is kept.
    Kept(Box<LaboratoryPage>),
    /// It is shown, and nothing was written.
    Shown(Box<LaboratoryPage>),
    /// It cannot be read.
    Faulty(Box<LaboratoryPage>),
}

impl Desk<'_> {
    pub(crate) fn w(&self) -> Words {
        WORDS.speaking(self.language)
    }
}

impl LaboratoryPage {
    /// What there is now.
    ///
    /// # Errors
    /// See [`LaboratoryError`].
    pub async fn load(desk: Desk<'_>) -> Result<Self, LaboratoryError> {
        let (w, actor) = (desk.w(), desk.who.actor());
        let waiting = lists::waiting(desk.record, &actor).await;
        let (waiting, all) = waiting.map_err(LaboratoryError::Record)?;
        let since = desk.now.plus_ms(-MEASURED_MS);
        let times = lists::turnaround(desk.record, &actor, since).await;
        let times = times.map_err(LaboratoryError::Record)?;
        let shown = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        let columns = sheet::COLUMNS.map(|(name, _)| name);
        Ok(Self {
            w,
            problem: None,
            done: None,
            typed: String::new(),
            laboratory: String::new(),
            columns: columns.join(";"),
            waiting: waiting.iter().map(|it| waiting_view(it, w)).collect(),
            more: all.saturating_sub(shown),
            turnaround: times.into_iter().map(|it| turnaround_view(it, w)).collect(),
            preview: None,
        })
    }

    /// What the browser's tab says.
    #[must_use]
    pub fn title(&self) -> String {
        self.w.say("laboratory-title").into_owned()
    }
}

/// Shows what would be kept of a sheet, or keeps it: good lines as results, the others to be
/// mended.
///
/// # Errors
/// See [`LaboratoryError`]; nothing was written then.
pub async fn upload(desk: Desk<'_>, upload: &Upload) -> Result<Uploaded, LaboratoryError> {
    let keeps = match upload.act.as_str() {
        "preview" => false,
        "keep" => true,
        _ => return Err(LaboratoryError::Form),
    };
    let w = desk.w();
    let bytes = match upload.text.trim() {
        "" => upload.file.as_slice(),
        _ => upload.text.as_bytes(),
    };
    let lines = match sheet::read(bytes, &upload.laboratory) {
        Ok(lines) => lines,
        Err(fault) => {
            let mut page = LaboratoryPage::load(desk).await?;
            page.problem = Some(sheet_fault(fault, w));
            page.typed = typed(bytes);
            page.laboratory.clone_from(&upload.laboratory);
            return Ok(Uploaded::Faulty(Box::new(page)));
        }
    };
    if keeps {
        let arrived = Arrived {
            way: Way::Sheet,
            bytes,
            laboratory: &upload.laboratory,
            control: "",
            unreadable: None,
            at: desk.now,
        };
        let results: Vec<_> = lines.into_iter().map(|it| it.written).collect();
        let kept = book::keep(desk.record, &desk.who.actor(), &arrived, &results).await;
        let kept = kept.map_err(LaboratoryError::Record)?;
        let mut page = LaboratoryPage::load(desk).await?;
        let done = w.with("laboratory-kept", "new", kept.new);
        let known = results.len().saturating_sub(kept.new);
        page.done = Some(done.and("known", known).to_string());
        return Ok(Uploaded::Kept(Box::new(page)));
    }
    let judged = lines
        .iter()
        .map(|it| (it.number, it.written.read(desk.now)));
    let faulty = judged.filter_map(|(number, read)| Some((number, read.err()?)));
    let faulty: Vec<(usize, Vec<Key>)> = faulty
        .map(|(number, faults)| (number, reasons(&faults)))
        .collect();
    let mut page = LaboratoryPage::load(desk).await?;
    page.typed = typed(bytes);
    page.laboratory.clone_from(&upload.laboratory);
    page.preview = Some(Preview {
        good: lines.len() - faulty.len(),
        more_faulty: faulty.len().saturating_sub(FAULTY_LINES_MAX),
        faulty: faulty.into_iter().take(FAULTY_LINES_MAX).collect(),
    });
    Ok(Uploaded::Shown(Box::new(page)))
}

/// A sheet as it stands in the form again, whatever it was written in.
fn typed(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

fn sheet_fault(fault: SheetFault, w: Words) -> String {
    match fault {
        SheetFault::Empty => w.say("sheet-empty").into_owned(),
        SheetFault::Long => {
            let most = sheet::LINES_MAX;
            w.with("sheet-long", "most", most).to_string()
        }
        SheetFault::Missing(column) => w.with("sheet-missing", "column", column).to_string(),
        SheetFault::Broken(line) => w.with("sheet-broken", "line", line).to_string(),
    }
}

fn waiting_view(waiting: &Waiting, w: Words) -> WaitingView {
    WaitingView {
        address: address(waiting.entry),
        laboratory: waiting.laboratory.clone(),
        order: waiting.order.clone(),
        received: w.language.moment(waiting.received),
        reasons: why(&waiting.why),
    }
}

/// Where an entry is mended.
pub(crate) fn address(entry: Entry) -> String {
    match entry {
        Entry::Message(id) => format!("/laboratorio/messaggi/{id}"),
        Entry::Result(id) => format!("/laboratorio/risultati/{id}"),
    }
}

/// Why an entry waits, in words.
pub(crate) fn why(why: &Why) -> Vec<Key> {
    match why {
        Why::Unreadable(name) => vec![unreadable(name)],
        Why::Faults(faults) => reasons(faults),
        Why::Cancelled => vec![Key("why-cancelled")],
        Why::TakenBack => vec![Key("why-taken-back")],
        Why::Refused => vec![Key("why-refused")],
    }
}

fn unreadable(name: &str) -> Key {
    match name {
        "no-header" => Key("unreadable-no-header"),
        "charset" => Key("unreadable-charset"),
        "long" | "huge" => Key("unreadable-long"),
        "kind" => Key("unreadable-kind"),
        "no-result" => Key("unreadable-no-result"),
        "trial" => Key("unreadable-trial"),
        _ => Key("unreadable-segment"),
    }
}

fn reasons(faults: &[Fault]) -> Vec<Key> {
    faults.iter().map(|it| reason(*it)).collect()
}

/// What is wrong, and what to do.
pub(crate) fn reason(fault: Fault) -> Key {
    match fault {
        Fault::Laboratory => Key("fault-laboratory"),
        Fault::Order => Key("fault-order"),
        Fault::PersonMissing => Key("fault-person-missing"),
        Fault::Person => Key("fault-person"),
        Fault::Born => Key("fault-born"),
        Fault::PhoneMissing => Key("fault-phone-missing"),
        Fault::Phone => Key("fault-phone"),
        Fault::TakenMissing => Key("fault-taken-missing"),
        Fault::Taken => Key("fault-taken"),
        Fault::Reported => Key("fault-reported"),
        Fault::Test => Key("fault-test"),
        Fault::Outcome => Key("fault-outcome"),
        Fault::Status => Key("fault-status"),
        Fault::Contradiction => Key("fault-contradiction"),
        Fault::Text => Key("fault-text"),
    }
}

fn turnaround_view(it: Turnaround, w: Words) -> TurnaroundView {
    let lasting = |ms: i64| {
        let minutes = ms / 60_000;
        let lasting = w.with("lasting", "hours", minutes / 60);
        lasting.and("minutes", minutes % 60).to_string()
    };
    let or_none = |text| {
        if it.measured == 0 {
            "–".to_owned()
        } else {
            text
        }
    };
    TurnaroundView {
        median: or_none(lasting(it.median_ms)),
        tenth: or_none(lasting(it.tenth_ms)),
        laboratory: it.laboratory,
        measured: it.measured,
        unmeasured: it.unmeasured,
    }
}
