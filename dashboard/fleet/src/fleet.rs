//! What the pages are made from, and what people do through them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use veglia_identity::{Credential, Entry, Identity, KeyHash, UnixSeconds};
use veglia_people::staff::Staff;
use veglia_people::{care, patients};
use veglia_store::{Database, TxError};
use veglia_view::{
    CommandKind, GatewayRow, GatewaysAsk, OrderAsk, Ordered, Outcome, PatientId, PortState, Status,
    View, ViewError, VitalKind,
};
use veglia_wire::{DeviceId, GatewayId, WallMs};
use veglia_words::{Language, Words};

use crate::book::{self, Book, Wearer};
use crate::files::{Files, FilesError, Known, Places, is_centres_own};
use crate::line::{Line, line};
use crate::log::{self, Deed};
use crate::page::{self, ACTS_SHOWN, FleetPage, LOOSE_MAX};
use crate::reception::{Reception, seconds};
use crate::standing::{Facts, grown};
use crate::{WORDS, story, words};

/// Answers of ingest read for one page: as many boxes as it keeps.
const ANSWERS_MAX: usize = 100;

/// What a device may be asked to measure, in the order in which it is tried: the box says at once
/// when a device does not measure the first.
const ASKED_FOR: [VitalKind; 2] = [VitalKind::SpO2, VitalKind::Temperature];

/// Why a page cannot be made, or an act cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Only an administrator may.
    #[error("this takes the role of an administrator")]
    NotAllowed,
    /// Ingest did not answer.
    #[error("ingest did not answer")]
    View(#[source] ViewError),
    /// No page of ours sends such a form.
    #[error("no page of ours sends such a form")]
    Form,
    /// Nothing is known under this name.
    #[error("there is no such gateway or device")]
    Unknown,
    /// The files of the centre could not be used.
    #[error("the files of the centre were not used")]
    Files(#[source] FilesError),
    /// The diary did not answer.
    #[error("the diary was not read")]
    Diary(#[source] veglia_diary::ReadError),
    /// The register of people did not answer.
    #[error("the names of patients were not read")]
    Names(#[source] patients::ReadError),
    /// The record did not answer.
    #[error("the log of the fleet was not read or written")]
    Record(#[source] TxError),
    /// The label's square cannot be drawn.
    #[error("the label's square was not drawn")]
    Square(#[source] qrcode::types::QrError),
}

/// The moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall time: certificates, codes and the log go by it.
    pub wall: WallMs,
    /// The clock of care: assignments go by it.
    pub care: WallMs,
}

/// What is asked of a box.
#[derive(Debug, Clone, Deserialize)]
pub struct OrderForm {
    /// `ping` or `measure`.
    pub ask: String,
    /// Of which device; only `measure` says.
    #[serde(default)]
    pub device: String,
}

/// Everything the pages of the fleet are made from; clones are the same.
#[derive(Clone)]
pub struct Fleet {
    pub(crate) record: Database,
    pub(crate) view: Arc<dyn View>,
    pub(crate) files: Files,
    pub(crate) book: Arc<Book>,
    reception: Arc<Reception>,
    /// What pages say, in the language of whoever reads them.
    pub(crate) w: Words,
}

/// A device that was meant by a label, as the box tells of it that heard it last.
#[derive(Debug, Clone)]
pub(crate) struct Called {
    pub(crate) device: DeviceId,
    pub(crate) gateway: String,
    /// How long ago it was heard; none when the box has not since it began.
    pub(crate) age_ms: Option<i64>,
}

/// What ingest says, or that it does not.
struct Heard {
    rows: BTreeMap<String, Arc<GatewayRow>>,
    unlisted: u64,
    status: Option<Status>,
}

impl Fleet {
    /// `broker` is where boxes reach the broker, as `host:port`; without it they are told the
    /// host by which they found the pages.
    #[must_use]
    pub fn new(
        record: Database,
        view: Arc<dyn View>,
        places: Places,
        broker: Option<String>,
    ) -> Self {
        let files = Files::new(places);
        Self {
            reception: Arc::new(Reception::new(files.clone(), record.clone(), broker)),
            book: Arc::new(Book::new(record.clone())),
            record,
            view,
            files,
            w: WORDS.speaking(Language::It),
        }
    }

    /// The same, for whoever reads this language.
    #[must_use]
    pub fn speaking(&self, language: Language) -> Self {
        Self {
            w: WORDS.speaking(language),
            ..self.clone()
        }
    }

    /// Where boxes ask to be let in.
    #[must_use]
    pub fn reception(&self) -> &Reception {
        &self.reception
    }

    /// The page of all boxes, for one reader; with something in `search`, of those whose name
    /// or device holds it.
    ///
    /// # Errors
    /// See [`FleetError`]; an ingest that does not answer is none, the page says so.
    pub async fn page(
        &self,
        reader: &Staff,
        search: &str,
        now: Now,
    ) -> Result<FleetPage, FleetError> {
        let at = seconds(now.wall);
        let known = self.files.known(at).await.map_err(FleetError::Files)?;
        let heard = self.heard().await;
        let actor = reader.actor();
        let certificates = log::certificates(&self.record, &actor).await;
        let certificates = certificates.map_err(FleetError::Record)?;
        let mut wearers = self.wearers(&heard, now).await?;
        let reads_patients = page::reads_patients(reader);
        if !reads_patients {
            // How many have a device is for whoever manages it; who they are is not.
            let all = wearers.values_mut().flatten();
            all.for_each(|it| *it = Wearer::default());
        }
        let mut lines = lines(&known, &heard, &certificates, &wearers, (at, self.w));
        let (summary, loose) = (page::summary(&lines, self.w), page::loose(&lines));
        let search = page::find(&mut lines, search);
        let hidden = page::arrange(&mut lines);
        let acts = log::acts(&self.record, &actor, ACTS_SHOWN).await;
        let acts = acts.map_err(FleetError::Record)?;
        let names = self.book.signatures().await?;
        let entry =
            |act: &log::Act| page::entry(act, &book::signed(&names, &act.by, self.w), self.w);
        Ok(FleetPage {
            w: self.w,
            clock: page::clock(heard.status.map(|status| status.care_now)),
            is_lost: heard.status.is_none(),
            notice: None,
            summary,
            search,
            loose_hidden: loose.len().saturating_sub(LOOSE_MAX),
            loose: loose.into_iter().take(LOOSE_MAX).collect(),
            lines,
            hidden,
            unlisted: heard.unlisted,
            codes: known
                .codes
                .into_iter()
                .map(|it| page::code(it, self.w))
                .collect(),
            log: acts.iter().map(entry).collect(),
            may_manage: page::may_manage(reader),
            reads_patients,
            can_enrol: known.can_enrol,
        })
    }

    /// Asks something of a box, and says in words what became of it.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn order(
        &self,
        who: &Staff,
        gateway: &str,
        form: &OrderForm,
        now: Now,
    ) -> Result<String, FleetError> {
        let id = GatewayId::new(gateway).map_err(|_| FleetError::Unknown)?;
        let (deed, answer) = match form.ask.as_str() {
            "ping" => {
                let answer = self.ask(&id, CommandKind::Ping).await;
                (Deed::Pinged, answer.map(|it| (it, None)))
            }
            "measure" => {
                let device = DeviceId::new(&form.device).map_err(|_| FleetError::Form)?;
                let answer = self.measure(&id, &device).await;
                (Deed::Measured, answer.map(|it| (it, Some(device))))
            }
            _ => return Err(FleetError::Form),
        };
        if let Err(fault) = &answer {
            tracing::warn!(error = %story(fault), "a box could not be asked");
        }
        let say = |w: Words| match &answer {
            Ok((answer, None)) => words::ping(gateway, *answer, w),
            Ok((answer, Some(device))) => words::measure(gateway, device.as_str(), *answer, w),
            Err(_) => w.say("unheard-centre").into_owned(),
        };
        // Nothing is changed by such a question, so it is written down with its answer; the log
        // is Italian, whoever asks.
        let said = say(WORDS.speaking(Language::It));
        let written = log::write(&self.record, &who.actor(), gateway, deed, &said, now.wall).await;
        written.map_err(FleetError::Record)?;
        Ok(say(self.w))
    }

    async fn measure(&self, gateway: &GatewayId, device: &DeviceId) -> Result<Ordered, ViewError> {
        let mut answer = Ordered::Answered(Outcome::NotSupported);
        for vital in ASKED_FOR {
            let device = device.clone();
            let kind = CommandKind::MeasureAgain { device, vital };
            answer = self.ask(gateway, kind).await?;
            if answer != Ordered::Answered(Outcome::NotSupported) {
                break;
            }
        }
        Ok(answer)
    }

    async fn ask(&self, gateway: &GatewayId, kind: CommandKind) -> Result<Ordered, ViewError> {
        let gateway = gateway.clone();
        self.view.order(OrderAsk { gateway, kind }).await
    }

    /// What ingest knows of the boxes.
    async fn heard(&self) -> Heard {
        let mut heard = Heard {
            rows: BTreeMap::new(),
            unlisted: 0,
            status: None,
        };
        let mut ask = GatewaysAsk::default();
        for _ in 0..ANSWERS_MAX {
            let page = match self.view.gateways(ask.clone()).await {
                Ok(page) => page,
                Err(error) => return heard.lost(&error),
            };
            heard.unlisted = page.unlisted;
            ask.after = page.rows.last().map(|row| row.gateway.clone());
            let boxes = page.rows.into_iter();
            let named = boxes.filter(|row| !is_centres_own(row.gateway.as_str()));
            heard
                .rows
                .extend(named.map(|row| (row.gateway.to_string(), row)));
            if !page.more {
                break;
            }
        }
        // Asked last: nothing on the page is of a later moment than its clock.
        match self.view.status().await {
            Ok(status) => heard.status = Some(status),
            Err(error) => return heard.lost(&error),
        }
        heard
    }

    async fn wearers(
        &self,
        heard: &Heard,
        now: Now,
    ) -> Result<HashMap<DeviceId, Vec<Wearer>>, FleetError> {
        let states = heard.rows.values().filter_map(|row| row.state.as_ref());
        let ports = states.flat_map(|state| &state.ports);
        let devices: BTreeSet<&DeviceId> = ports.filter_map(|it| it.device.as_ref()).collect();
        let at = heard.status.map_or(now.care, |status| status.care_now);
        self.book.wearers(&devices, at.max(now.care), self.w).await
    }

    /// The devices that boxes tell of whose id is, or ends in, what was scanned.
    pub(crate) async fn devices_called(&self, scanned: &str, now: Now) -> Vec<Called> {
        let heard = self.heard().await;
        let now = heard.status.map_or(now.care, |status| status.care_now);
        let serial = |device: &DeviceId| device.as_str().split_once(':').map(|it| it.1.to_owned());
        let scanned = scanned.to_lowercase();
        let is_meant = |device: &DeviceId| {
            let serial = serial(device).unwrap_or_default().to_lowercase();
            device.as_str().to_lowercase() == scanned || serial == scanned
        };
        let mut called: BTreeMap<DeviceId, Called> = BTreeMap::new();
        for (gateway, row) in &heard.rows {
            for port in row.state.iter().flat_map(|state| &state.ports) {
                let Some(device) = port.device.clone().filter(is_meant) else {
                    continue;
                };
                let age_ms = port.last_frame_ms.map(|ms| grown(ms, row, now));
                let one = Called {
                    device: device.clone(),
                    gateway: gateway.clone(),
                    age_ms,
                };
                let known = called.entry(device).or_insert_with(|| one.clone());
                let is_newer = known.age_ms.is_none_or(|known| age_ms < Some(known));
                if age_ms.is_some() && is_newer {
                    *known = one;
                }
            }
        }
        called.into_values().collect()
    }

    /// Whether somebody may say of a patient whose number came with a form that a device, or what
    /// it measured, is theirs: whoever may read them. Whom nobody registered is the centre's.
    pub(crate) async fn may_name(
        &self,
        who: &Staff,
        patient: PatientId,
        now: Now,
    ) -> Result<bool, FleetError> {
        let Some(person) = book::person_of(patient) else {
            return Ok(false);
        };
        let judged = care::may_read(&self.record, who, person, now.care).await;
        if judged.map_err(FleetError::Record)?.is_ok() {
            return Ok(true);
        }
        Ok(who.role.is_of_the_centre() && !self.book.is_on_file(patient).await?)
    }

    /// Which box tells of a device that speaks, if any does.
    pub(crate) async fn home_of(&self, device: &DeviceId) -> Option<String> {
        let heard = self.heard().await;
        let has = |row: &GatewayRow| {
            let ports = row.state.iter().flat_map(|state| &state.ports);
            let mut of_device = ports.filter(|port| port.device.as_ref() == Some(device));
            of_device.any(|port| port.state == PortState::Speaking)
        };
        let mut rows = heard.rows.iter();
        rows.find_map(|(id, row)| has(row).then(|| id.clone()))
    }
}

impl Heard {
    fn lost(self, error: &ViewError) -> Self {
        tracing::warn!(%error, "how the boxes are is not known");
        Self {
            status: None,
            ..self
        }
    }
}

/// A line for every box that is listed or heard.
fn lines(
    known: &Known,
    heard: &Heard,
    certificates: &HashMap<KeyHash, UnixSeconds>,
    wearers: &HashMap<DeviceId, Vec<Wearer>>,
    (now, w): (UnixSeconds, Words),
) -> Vec<Line> {
    let mut listed: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &known.gateways {
        if let Identity::Gateway { id, .. } = entry.identity() {
            listed.insert(id, entry);
        }
    }
    let ids: BTreeSet<&str> = listed
        .keys()
        .copied()
        .chain(heard.rows.keys().map(String::as_str))
        .collect();
    let one = |id: &str| {
        let entry = listed.get(id).copied();
        let key = match entry.map(Entry::credential) {
            Some(Credential::Key(key)) => Some(key),
            Some(Credential::Secret(_)) | None => None,
        };
        let facts = Facts {
            listed: entry,
            certified_until: key.and_then(|key| certificates.get(key).copied()),
            heard: heard
                .status
                .map(|status| (heard.rows.get(id).map(Arc::as_ref), status)),
            now,
        };
        line(id, &facts, wearers, w)
    };
    ids.into_iter().map(one).collect()
}
