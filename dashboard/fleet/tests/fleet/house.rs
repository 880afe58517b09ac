//! The centre of these tests: real files, a real record, and an ingest that the test plays.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use askama::Template;
use tempfile::TempDir;
use veglia_fleet::{Answer, Asked, Deed, Fleet, InviteForm, Invited, Now, Places, Wish, acts};
use veglia_identity::{
    Authority, EnrolRequest, IdentityFile, Key, Refusal, RefusalKind, UnixSeconds,
};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Password, SignIn, patients};
use veglia_store::{Actor, Database};
use veglia_view::{
    Asked as Answered, Bedside, CommandKind, ExportAsk, GatewayBoard, Gateways, GatewaysAsk, Lines,
    OrderAsk, Ordered, Outcome, PatientId, Reading, Readings, ReadingsAsk, Row, Status, Trend,
    TrendAsk, Version, View, ViewError, VitalKind, Waiting, Ward,
};
use veglia_wire::{
    Boot, ClockState, DeviceId, GatewayId, PortReport, PortState, Session, State, WallMs,
};

pub(crate) const WALL: WallMs = WallMs(1_790_000_000_000);
pub(crate) const CARE: WallMs = WallMs(1_605_964_320_000);
pub(crate) const NOW: Now = Now {
    wall: WALL,
    care: CARE,
};
pub(crate) const TEST: Actor = Actor::System("test");
pub(crate) const DEVICE: &str = "nonin:501234";

/// An ingest that knows what the test told its board, and notes what it is asked to do.
#[derive(Default)]
pub(crate) struct FakeView {
    pub(crate) board: GatewayBoard,
    pub(crate) is_dead: Mutex<bool>,
    pub(crate) ordered: Mutex<Vec<CommandKind>>,
    /// What waits to be told whose it is.
    pub(crate) waiting: Mutex<Vec<Row>>,
    /// What patients have measured.
    pub(crate) readings: Mutex<Vec<(PatientId, VitalKind, Reading)>>,
}

pub(crate) fn gone<T>() -> Result<T, ViewError> {
    Err(ViewError::Failed)
}

impl View for FakeView {
    fn ward(&self, _: Option<Version>) -> Answered<'_, Ward> {
        Box::pin(async { gone() })
    }

    fn status(&self) -> Answered<'_, Status> {
        Box::pin(async {
            Ok(Status {
                care_now: CARE,
                speed: 1,
                progress: None,
            })
        })
    }

    fn patient(&self, _: PatientId) -> Answered<'_, Bedside> {
        Box::pin(async { gone() })
    }

    fn trend(&self, _: TrendAsk) -> Answered<'_, Trend> {
        Box::pin(async { gone() })
    }

    fn readings(&self, ask: ReadingsAsk) -> Answered<'_, Readings> {
        Box::pin(async move {
            let known = self.readings.lock().unwrap();
            let asked = known.iter().filter(|(patient, vital, reading)| {
                (*patient, *vital) == (ask.patient, ask.vital)
                    && (ask.from..ask.to).contains(&reading.at)
            });
            Ok(Readings {
                readings: asked.map(|(_, _, reading)| reading.clone()).collect(),
                more: false,
                damaged: Vec::new(),
            })
        })
    }

    fn waiting(&self) -> Answered<'_, Waiting> {
        Box::pin(async move {
            if *self.is_dead.lock().unwrap() {
                return gone();
            }
            let rows = self.waiting.lock().unwrap();
            Ok(Waiting {
                rows: rows.iter().cloned().map(Arc::new).collect(),
                status: Status {
                    care_now: CARE,
                    speed: 1,
                    progress: None,
                },
            })
        })
    }

    fn export(&self, _: ExportAsk) -> Answered<'_, Lines> {
        Box::pin(async { gone() })
    }

    fn gateways(&self, ask: GatewaysAsk) -> Answered<'_, Gateways> {
        Box::pin(async move {
            if *self.is_dead.lock().unwrap() {
                return gone();
            }
            Ok(self.board.page(&ask))
        })
    }

    fn order(&self, ask: OrderAsk) -> Answered<'_, Ordered> {
        Box::pin(async move {
            self.ordered.lock().unwrap().push(ask.kind.clone());
            Ok(match ask.kind {
                CommandKind::MeasureAgain {
                    vital: VitalKind::SpO2,
                    ..
                } => Ordered::Answered(Outcome::NotSupported),
                _ => Ordered::Answered(Outcome::Done),
            })
        })
    }
}

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) record: Database,
    pub(crate) view: Arc<FakeView>,
    pub(crate) fleet: Fleet,
    pub(crate) admin: Staff,
    pub(crate) nurse: Staff,
}

impl House {
    pub(crate) async fn new() -> Self {
        let house = Self::without_authority().await;
        let at = UnixSeconds(WALL.0 / 1_000);
        Authority::create(&house.path("ca"), "prova", at).unwrap();
        house.list().create_if_missing().unwrap();
        house
    }

    pub(crate) async fn without_authority() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let schemas = [
            veglia_people::SCHEMA,
            veglia_diary::SCHEMA,
            veglia_fleet::SCHEMA,
        ];
        let path = folder.path().join("record.db");
        let record = veglia_trial::open(&path, &schemas).await;
        let view = Arc::new(FakeView::default());
        let places = Places {
            authority: folder.path().join("ca"),
            identities: folder.path().join("identities.toml"),
            enrolments: folder.path().join("enrolments.toml"),
        };
        let fleet = Fleet::new(record.clone(), view.clone(), places, None);
        let (admin, nurse) = (
            employ(&record, "carla", "Bo Carla", Role::Admin).await,
            employ(&record, "anna", "Ferri Anna", Role::Nurse).await,
        );
        Self {
            folder,
            record,
            view,
            fleet,
            admin,
            nurse,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn list(&self) -> IdentityFile {
        IdentityFile::new(self.path("identities.toml"))
    }

    pub(crate) async fn page(&self, reader: &Staff) -> String {
        let page = self.fleet.page(reader, "", NOW).await.unwrap();
        page.render().unwrap()
    }

    /// A page made by the administrator, and the code on it.
    pub(crate) async fn label(&self, gateway: &str) -> (String, String) {
        let invited = self.fleet.invite(&self.admin, invite(gateway), NOW).await;
        let Invited::Label(page) = invited.unwrap() else {
            panic!("no label was made");
        };
        let page = page.render().unwrap();
        let code = page.split("label-code\">").nth(1).unwrap();
        let code = code.split('<').next().unwrap().to_owned();
        (page, code)
    }

    pub(crate) async fn ask(&self, wish: Wish, body: &str) -> Answer {
        let asked = Asked {
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
            host: Some("centrale.example:8443"),
            body: body.as_bytes(),
        };
        self.fleet.reception().answer(wish, asked, WALL).await
    }

    pub(crate) async fn enrol(&self, code: &str, key: &Key) -> Answer {
        let asked = EnrolRequest {
            code: code.to_owned(),
            request: key.request("box").unwrap(),
        };
        let body = serde_json::to_string(&asked).unwrap();
        self.ask(Wish::Enrol, &body).await
    }

    /// A box says how it is, with one device on its port.
    pub(crate) fn speaks(&self, gateway: &str, heard_at: WallMs) {
        self.speaks_of(gateway, DEVICE, heard_at);
    }

    pub(crate) fn speaks_of(&self, gateway: &str, device: &str, heard_at: WallMs) {
        let gateway = GatewayId::new(gateway).unwrap();
        let port = PortReport {
            name: "ttyUSB0".to_owned(),
            device: Some(DeviceId::new(device).unwrap()),
            state: PortState::Speaking,
            last_frame_ms: Some(1_000),
            battery: None,
            fault: None,
        };
        let state = State {
            session: Session(1),
            software: "0.1.0".to_owned(),
            boot: Boot(1),
            clock: ClockState::Synchronised,
            waiting: 32,
            oldest_ms: Some(240_000),
            refused: 0,
            last_command: None,
            ports: vec![port],
            answers: Vec::new(),
        };
        self.view.board.heard(&gateway, state, heard_at);
    }

    pub(crate) async fn deeds(&self) -> Vec<(Deed, String, String)> {
        let all = acts(&self.record, &TEST, 50).await.unwrap();
        let told = all.into_iter().rev();
        told.map(|act| (act.deed.unwrap(), act.gateway, act.by))
            .collect()
    }
}

pub(crate) async fn employ(record: &Database, username: &str, name: &str, role: Role) -> Staff {
    let phrase = "tre civette sul comò";
    let account = NewStaff {
        username: username.parse().unwrap(),
        name: name.to_owned(),
        role,
        password: Password::new(phrase.to_owned()),
    };
    staff::create(record, &TEST, account, WALL).await.unwrap();
    let door = SignIn::new(record.clone(), WALL);
    let phrase = Password::new(phrase.to_owned());
    door.authenticate(username, phrase, WALL).await.unwrap()
}

pub(crate) async fn maria(record: &Database) -> PatientId {
    let maria = patients::NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(record, &TEST, &maria, CARE).await;
    id.unwrap().to_string().parse().unwrap()
}

pub(crate) fn invite(gateway: &str) -> InviteForm {
    InviteForm {
        gateway: gateway.to_owned(),
        hours: 24,
        centre: "https://centrale.example/".to_owned(),
        replace: None,
    }
}

pub(crate) fn refused(answer: &Answer) -> RefusalKind {
    let refusal: Refusal = serde_json::from_str(&answer.json).unwrap();
    assert!(!refusal.error.is_empty());
    refusal.kind
}
