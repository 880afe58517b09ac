//! A centre with a nurse, a doctor and a family doctor, and Maria, whose readings are known.

use std::sync::{Arc, Mutex};

use askama::Template;
use tempfile::TempDir;
use veglia_diary::{assign_device, create_plan, record_verdicts};
use veglia_documents::{
    Desk, DocumentPage, DocumentQuery, Download, IssueForm, Issued, Kind, download, issue,
};
use veglia_people::background::{self, Background};
use veglia_people::care::Relation;
use veglia_people::contacts::{Address, Channel};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Hours, Password, PersonId};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Asked, Bedside, Bucket, DeviceState, Dot, Evidence, ExportAsk, Flag, FlagId, How, Lines,
    Outline, PatientId, Plan, Quality, Reading, Readings, ReadingsAsk, Row, Severity, Site,
    Standing, Status, Trend, TrendAsk, Trigger, Verdict, Version, View, ViewError, VitalKind,
    WallMs, Ward, Why,
};
use veglia_words::Language;

/// 2020-11-21 14:12:00 in Rome.
pub(crate) const NOW: WallMs = WallMs(1_605_964_320_000);

pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// When everything was set up: ten days ago.
pub(crate) const BEFORE: WallMs = WallMs(NOW.0 - 10 * DAY_MS);

pub(crate) const SETUP: Actor = Actor::System("test");

pub(crate) const OXIMETER: &str = "nonin:501234";

/// An ingest that knows these readings; none while it is away.
#[derive(Default)]
pub(crate) struct Known(Mutex<Option<Vec<(VitalKind, Reading)>>>);

impl Known {
    fn of(&self, vital: VitalKind, from: WallMs, to: WallMs) -> Result<Vec<Reading>, ViewError> {
        let known = self.0.lock().expect("no test panics here");
        let known = known.as_ref().ok_or(ViewError::Failed)?;
        let asked = known.iter().filter(|(of, it)| {
            let is_in = from <= it.at && it.at < to;
            *of == vital && is_in
        });
        let mut asked: Vec<Reading> = asked.map(|(_, it)| it.clone()).collect();
        asked.sort_by_key(|it| it.at);
        Ok(asked)
    }

    fn curve(&self, ask: TrendAsk) -> Result<Trend, ViewError> {
        let length = ask.to.since(ask.from) / i64::from(ask.buckets);
        let mut buckets = Vec::new();
        for place in 0..i64::from(ask.buckets) {
            let from = ask.from.plus_ms(place * length);
            let readings = self.of(ask.vital, from, from.plus_ms(length))?;
            let clean = readings.iter().filter(|it| it.quality.is_clean());
            let clean: Vec<Dot> = clean
                .map(|it| Dot {
                    at: it.at,
                    steps: it.steps,
                    quality: it.quality,
                })
                .collect();
            if readings.is_empty() {
                continue;
            }
            let n = u64::try_from(readings.len()).expect("few");
            let outline = clean
                .first()
                .zip(clean.last())
                .map(|(first, last)| Outline {
                    first: *first,
                    min: *clean.iter().min_by_key(|it| it.steps).expect("some"),
                    max: *clean.iter().rev().max_by_key(|it| it.steps).expect("some"),
                    last: *last,
                });
            buckets.push(Bucket {
                from,
                n,
                flagged: n - u64::try_from(clean.len()).expect("few"),
                clean: outline,
                doubtful: None,
            });
        }
        Ok(Trend {
            bucket_ms: length.unsigned_abs(),
            buckets,
            damaged: Vec::new(),
        })
    }
}

impl View for Known {
    fn ward(&self, _: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        let is_here = self.0.lock().expect("no test panics here").is_some();
        let mut row = Row::new(patient);
        let mut device = DeviceState::new(OXIMETER.parse().expect("a device"));
        device.measures = vec![VitalKind::SpO2, VitalKind::Pulse];
        row.devices.push(device);
        let status = Status {
            care_now: NOW,
            speed: 1,
            progress: None,
        };
        let row = Some(Arc::new(row));
        Box::pin(async move {
            match is_here {
                true => Ok(Bedside { row, status }),
                false => Err(ViewError::Failed),
            }
        })
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move { self.curve(ask) })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move {
            let mut readings = self.of(ask.vital, ask.from, ask.to)?;
            let more = readings.len() > ask.limit;
            readings.truncate(ask.limit);
            Ok(Readings {
                readings,
                more,
                damaged: Vec::new(),
            })
        })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async { Err(ViewError::Failed) })
    }
}

pub(crate) struct House {
    pub(crate) record: Database,
    pub(crate) view: Known,
    pub(crate) maria: PatientId,
    pub(crate) anna: Staff,
    pub(crate) dora: Staff,
    pub(crate) mario: Staff,
    _folder: TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_documents::SCHEMA,
        ];
        let record = veglia_trial::open(&folder.path().join("record.db"), &schemas).await;
        let maria = NewPerson {
            name: "Maria <Pia>".to_owned(),
            surname: "Rossi & C.".to_owned(),
            codice_fiscale: "RSSMRA85M01H501Q".parse().expect("a code"),
            phone: "333 1234567".parse().expect("a number"),
            address: "Via di Prova 1, 20100 Milano".to_owned(),
        };
        let maria = patients::register(&record, &SETUP, &maria, BEFORE).await;
        let maria = maria.expect("she is registered");
        let doctor = NewMmg {
            name: "Dott. Mario Verdi".to_owned(),
            hours: Hours::always(),
            contacts: vec![Address::new(Channel::Email, "m@prova.example").expect("an address")],
        };
        let doctor = mmg::add(&record, &SETUP, &doctor, BEFORE).await;
        let doctor = doctor.expect("he is registered");
        let assigned = mmg::assign(&record, &SETUP, maria, doctor, BEFORE).await;
        assigned.expect("he is hers");
        Self {
            view: Known(Mutex::new(Some(Vec::new()))),
            maria: PatientId::new(maria.get().unsigned_abs()),
            anna: employ(&record, "anna", Role::Nurse).await,
            dora: employ(&record, "dora", Role::Doctor).await,
            mario: employ(&record, "mario", Role::Mmg).await,
            record,
            _folder: folder,
        }
    }

    /// With a plan, an oximeter, a clinical sheet, a week of readings and a red.
    pub(crate) async fn followed() -> Self {
        let house = Self::new().await;
        house.plans(None).await;
        let device = OXIMETER.parse().expect("a device");
        let given = assign_device(&house.record, &SETUP, &device, house.maria, BEFORE, BEFORE);
        given.await.expect("nobody has it");
        let sheet = Background {
            conditions: "BPCO\nipertensione < controllata".to_owned(),
            therapy: "eparina".to_owned(),
            allergies: "penicillina".to_owned(),
            ..Background::default()
        };
        let person = PersonId::new(house.maria.get().cast_signed()).expect("a person");
        let written = background::write(&house.record, &SETUP, person, &sheet, 0, BEFORE).await;
        written.expect("it can be written");
        house.measures();
        house.raises(NOW.plus_ms(-2 * DAY_MS), 850).await;
        house
    }

    pub(crate) async fn plans(&self, until: Option<WallMs>) {
        let plan = Plan::template("home-covid", self.maria, BEFORE).expect("a template");
        let plan = Plan { until, ..plan };
        let written = create_plan(&self.record, &SETUP, &plan, BEFORE).await;
        written.expect("it can be written");
    }

    /// Saturation each ten minutes for a week, with a low of each day and artefacts below it; a
    /// temperature by hand and one on the telephone.
    fn measures(&self) {
        for place in 0..7 * 144 {
            let at = NOW.plus_ms(-place * 600_000);
            let (steps, quality) = match place % 144 {
                70 => (880 + 10 * i32::try_from(place / 144).expect("few"), None),
                71 => (600, Some(Quality::ARTEFACT)),
                place if place % 2 == 0 => (950, None),
                _ => (960, None),
            };
            self.hears(VitalKind::SpO2, at, steps, OXIMETER, quality);
        }
        // The reading that the red rests on.
        self.hears(
            VitalKind::SpO2,
            NOW.plus_ms(-2 * DAY_MS - 1_000),
            850,
            OXIMETER,
            None,
        );
        let hand = format!("hand:{}", self.maria);
        let phone = format!("phone:{}", self.maria);
        let at = NOW.plus_ms(-5 * HOUR_MS);
        self.hears(VitalKind::Temperature, at, 3665, &hand, None);
        self.hears(
            VitalKind::Temperature,
            at.plus_ms(HOUR_MS),
            3810,
            &phone,
            None,
        );
    }

    pub(crate) fn hears(
        &self,
        vital: VitalKind,
        at: WallMs,
        steps: i32,
        device: &str,
        quality: Option<Quality>,
    ) {
        let site = match vital {
            VitalKind::Temperature => Site::Armpit,
            _ => Site::Unknown,
        };
        self.hears_at(site, (vital, steps), at, device, quality);
    }

    pub(crate) fn hears_at(
        &self,
        site: Site,
        (vital, steps): (VitalKind, i32),
        at: WallMs,
        device: &str,
        quality: Option<Quality>,
    ) {
        let reading = Reading {
            at,
            steps,
            site,
            quality: quality.unwrap_or(Quality::empty()),
            device: device.parse().expect("a device"),
        };
        let mut known = self.view.0.lock().expect("no test panics here");
        known.get_or_insert_default().push((vital, reading));
    }

    /// Ingest goes away.
    pub(crate) fn loses_ingest(&self) {
        *self.view.0.lock().expect("no test panics here") = None;
    }

    /// The rules say that Maria's oxygen was low a second before.
    pub(crate) async fn raises(&self, at: WallMs, steps: i32) -> FlagId {
        let measured = at.plus_ms(-1_000);
        let id = "00000000000000aa-7".parse().expect("a record");
        let first = Evidence::reading(id, VitalKind::SpO2, steps, measured);
        let flag = Flag {
            id: FlagId {
                patient: self.maria,
                rule: "spo2-red".parse().expect("a rule's name"),
                rule_set: "home-2020-1".parse().expect("a rule set's name"),
                trigger: Trigger::Record(first.id),
            },
            severity: Severity::Red,
            about: About::Vital(VitalKind::SpO2),
            since: measured,
            evidence: vec![first],
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at: measured,
            },
            late: false,
            telling: 1,
        };
        let id = flag.id.clone();
        let said = record_verdicts(&self.record, &SETUP, &[Verdict::Raise(flag)], at).await;
        said.expect("the diary takes it");
        id
    }

    /// The rules say that it is over.
    pub(crate) async fn ends(&self, flag: &FlagId, why: Why, at: WallMs) {
        let end = Verdict::End {
            id: flag.clone(),
            why,
            at,
            telling: 2,
        };
        let said = record_verdicts(&self.record, &SETUP, &[end], at).await;
        said.expect("the diary takes it");
    }

    pub(crate) fn desk<'a>(&'a self, who: &'a Staff) -> Desk<'a> {
        Desk {
            view: &self.view,
            record: &self.record,
            who,
            relation: Some(match who.role {
                Role::Mmg => Relation::FamilyDoctor,
                _ => Relation::Centre,
            }),
            now: NOW,
            language: Language::It,
        }
    }

    pub(crate) async fn page(&self, who: &Staff, kind: Kind, query: &DocumentQuery) -> String {
        let page = DocumentPage::load(self.desk(who), self.maria, kind, query).await;
        shown(&page.expect("all answer").expect("there is a page"))
    }

    pub(crate) async fn file(&self, kind: Kind, query: &DocumentQuery) -> Option<Download> {
        let file = download(self.desk(&self.dora), self.maria, kind, query).await;
        file.expect("all answer")
    }

    pub(crate) async fn issues(&self, who: &Staff, kind: Kind, form: &IssueForm) -> Issued {
        let issued = issue(self.desk(who), self.maria, kind, form).await;
        issued.expect("all answer")
    }

    /// Issues what nobody has issued yet, and gives the file.
    pub(crate) async fn issued(&self, kind: Kind) -> Download {
        let form = IssueForm {
            visto: "0".to_owned(),
            conclusioni: match kind {
                Kind::Last => "Guarita.\nControllo fra < 30 giorni.".to_owned(),
                _ => String::new(),
            },
            ..IssueForm::default()
        };
        let issued = self.issues(&self.dora, kind, &form).await;
        assert!(
            matches!(issued, Issued::Kept(1)),
            "{kind:?}: {}",
            told(issued)
        );
        let file = self.file(kind, &DocumentQuery::default()).await;
        file.expect("it is kept")
    }
}

/// What became of a form, for a test that expected something else.
pub(crate) fn told(issued: Issued) -> String {
    match issued {
        Issued::Kept(version) => format!("version {version}"),
        Issued::Faulty(page) => format!("faulty: {}", shown(&*page)),
        Issued::Overtaken(page) => format!("overtaken: {}", shown(&*page)),
        Issued::NotAllowed => "not allowed".to_owned(),
        Issued::Unknown => "nobody".to_owned(),
    }
}

pub(crate) fn shown(page: &impl Template) -> String {
    page.render().expect("it renders").replace('\u{a0}', " ")
}

async fn employ(record: &Database, name: &str, role: Role) -> Staff {
    let account = NewStaff {
        username: name.parse().expect("a name"),
        name: format!("{name} & figlia"),
        role,
        password: Password::new("tre civette sul comò".to_owned()),
    };
    let username = account.username.clone();
    let id = staff::create(record, &SETUP, account, BEFORE).await;
    id.expect("an account");
    let found = staff::by_username(record, &SETUP, &username).await;
    found.expect("the record answers").expect("they are there")
}
