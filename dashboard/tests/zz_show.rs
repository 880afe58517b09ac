//! Temporary look at the pages.
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use veglia_dashboard::{Config, Deps, serve};
use veglia_diary::*;
use veglia_people::{Password, patients, staff::{self, NewStaff, Role}};
use veglia_series::{Sample, Series};
use veglia_store::{Actor, Database, Purpose};
use veglia_view::*;

struct Wall;
impl Clock for Wall {
    fn now(&self) -> WallMs {
        WallMs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn show() {
    let folder = tempfile::tempdir().unwrap();
    let a = Actor::System("show");
    let record = Database::open(&folder.path().join("record.db"), Purpose::Record, &[veglia_people::SCHEMA, veglia_diary::SCHEMA]).await.unwrap();
    let sdb = Database::open(&folder.path().join("series.db"), Purpose::Series, &[veglia_series::SCHEMA]).await.unwrap();
    let (series, mut writer) = Series::open(sdb).await.unwrap();
    let now = Wall.now();
    staff::create(&record, &a, NewStaff { username: "anna".parse().unwrap(), name: "Anna Ferri".into(), role: Role::Nurse, password: Password::new("tre civette sul comò".into()) }, now).await.unwrap();
    let people = [("Maria","Rossi","RSSMRA85M01H501Q"),("Carlo","Bianchi","BNCCRL50A01F205"),("Lucia","Verdi","VRDLCU60A41F205"),("Pietro","Neri","NREPTR45A01F205"),("Ada","Galli","GLLDAA70A41F205")];
    let board = Board::new(Edition(1));
    let mut ids = vec![];
    for (n, s, cf) in people {
        let cf = if cf.len() == 16 { cf.parse().unwrap() } else {
            ('A'..='Z').find_map(|c| format!("{cf}{c}").parse().ok()).unwrap()
        };
        let id = patients::register(&record, &a, &patients::NewPerson { name: n.into(), surname: s.into(), codice_fiscale: cf, phone: "+390212345678".parse().unwrap(), address: "via Larga 1, Milano".into() }, now).await.unwrap();
        ids.push(PatientId::new(id.get().unsigned_abs()));
    }
    for id in &ids {
        let plan = Plan::template("home-covid", *id, now.plus_ms(-86_400_000)).unwrap();
        create_plan(&record, &a, &plan, now.plus_ms(-86_000_000)).await.unwrap();
    }
    let dev = DeviceId::new("nonin:501234").unwrap();
    assign_device(&record, &a, &dev, ids[0], now.plus_ms(-86_400_000), now.plus_ms(-86_000_000)).await.unwrap();
    for s in 0..86_400_i64 {
        let ms = now.0 - 86_400_000 + s * 1000;
        if (30_000..36_000).contains(&s) { continue; }
        let q = if s % 997 == 0 { Quality::ARTEFACT } else { Quality::empty() };
        let drop = if s == 50_000 { 120 } else { 0 };
        let spo2 = 955 - i32::try_from(s / 1500).unwrap() - drop + i32::try_from((s * 7919) % 10).unwrap();
        for (vital, value, site) in [(VitalKind::SpO2, spo2, Site::Unknown), (VitalKind::Pulse, 780 + i32::try_from((s * 31) % 60).unwrap(), Site::Unknown)] {
            let _ = writer.push(&Sample { device: dev.clone(), vital, site, at: WallMs(ms), value, quality: q });
        }
        if s % 14_400 == 0 {
            let _ = writer.push(&Sample { device: dev.clone(), vital: VitalKind::Temperature, site: Site::Armpit, at: WallMs(ms), value: 3_780 + i32::try_from(s / 1000).unwrap(), quality: q });
        }
    }
    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    let ev = |v, steps: i32, min: i64| Evidence { id: format!("00000000000000aa-{}", steps + 1).parse().unwrap(), vital: v, steps, at: now.plus_ms(-min * 60_000) };
    let flag = |p, rule: &str, sev, v, e: Vec<Evidence>, standing| Flag { id: FlagId { patient: p, rule: rule.parse().unwrap(), rule_set: "home-2020-1".parse().unwrap(), trigger: e.first().map_or(Trigger::SilentSince(v, now.plus_ms(-3_600_000)), |e| Trigger::Record(e.id)) }, severity: sev, vital: v, since: now.plus_ms(-420_000), evidence: e, standing, late: false, telling: 1 };
    let flags = [
        flag(ids[0], "spo2-red", Severity::Red, VitalKind::SpO2, vec![ev(VitalKind::SpO2, 914, 7), ev(VitalKind::SpO2, 900, 6)], Standing::Confirmed { how: How::Repeat, at: now.plus_ms(-360_000) }),
        flag(ids[1], "fever", Severity::Amber, VitalKind::Temperature, vec![ev(VitalKind::Temperature, 3864, 30)], Standing::Confirmed { how: How::AtOnce, at: now.plus_ms(-1_800_000) }),
        flag(ids[2], "silence-spo2", Severity::Technical, VitalKind::SpO2, vec![], Standing::Confirmed { how: How::AtOnce, at: now.plus_ms(-3_600_000) }),
    ];
    for f in &flags {
        record_verdicts(&record, &a, &[Verdict::Raise(f.clone())], f.since).await.unwrap();
        board.update(f.id.patient, |row| row.flag(veglia_view::OpenFlag { flag: f.clone(), raised_at: f.since, over: None })).unwrap();
    }
    let l = |v, steps, min: i64, q| Latest { vital: v, steps, site: Site::Armpit, at: now.plus_ms(-min * 60_000), quality: q, source: Source::Device };
    let e = Quality::empty();
    for (i, vals) in [vec![l(VitalKind::SpO2, 905, 0, e), l(VitalKind::Pulse, 982, 0, e), l(VitalKind::Temperature, 3780, 90, e)], vec![l(VitalKind::SpO2, 955, 3, e), l(VitalKind::Pulse, 882, 3, Quality::ARTEFACT), l(VitalKind::Temperature, 3864, 30, e)], vec![l(VitalKind::SpO2, 965, 190, e)], vec![], vec![l(VitalKind::SpO2, 975, 1, e), l(VitalKind::Pulse, 700, 1, e), l(VitalKind::Temperature, 3650, 60, e)]].into_iter().enumerate() {
        board.update(ids[i], |row| { vals.into_iter().for_each(|v| row.measure(v)); if i == 0 { let d = row.device(&dev).unwrap(); d.up = true; d.battery = Some(Battery::Percent(80)); d.touch(Sensor::Oximeter, Contact::On); d.last_heard = Some(now); } }).unwrap();
    }
    let worn_id = ids[0];
    let worn: WornBy = Arc::new(move |p| if p == worn_id { vec![veglia_view::Worn { device: DeviceId::new("nonin:501234").unwrap(), from: WallMs(0), until: None }] } else { vec![] });
    let care = CareClock::real(Arc::new(Wall));
    let view = LocalView::new(board.clone(), series, worn, care.clone());
    let stop_file = std::path::PathBuf::from("/tmp/h10-stop");
    let die_file = std::path::PathBuf::from("/tmp/h10-die");
    let b = board.clone();
    let (adaid, carlo) = (ids[4], ids[1]);
    tokio::spawn(async move {
        let mut i = 0;
        loop {
            if !die_file.exists() { b.report(Progress { position: 1, waiting_since: None, at: Wall.now() }); }
            if std::path::Path::new("/tmp/h10-worse").exists() {
                let _ = std::fs::remove_file("/tmp/h10-worse");
                b.update(adaid, |row| { let mut f = row.flags.first().cloned().unwrap_or_else(|| b2(adaid)); f.raised_at = Wall.now(); row.flag(f); }).unwrap();
            }
            i += 1;
            b.update(carlo, |row| row.measure(Latest { vital: VitalKind::SpO2, steps: 950 + i % 10, site: Site::Unknown, at: Wall.now(), quality: Quality::empty(), source: Source::Device })).unwrap();
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
    let listener = TcpListener::bind("127.0.0.1:18081").await.unwrap();
    std::fs::write("/tmp/h10-ids", ids.iter().map(|i| i.to_string()).collect::<Vec<_>>().join("\n")).unwrap();
    let deps = Deps { record, view: Arc::new(view), clock: Arc::new(Wall), care };
    serve(Config::default(), deps, listener, async move {
        for _ in 0..1200 { if stop_file.exists() { return; } tokio::time::sleep(Duration::from_millis(500)).await; }
    }).await.unwrap();
}

fn b2(p: PatientId) -> veglia_view::OpenFlag {
    let now = Wall.now();
    let e = Evidence { id: "00000000000000bb-5".parse().unwrap(), vital: VitalKind::SpO2, steps: 870, at: now };
    veglia_view::OpenFlag { flag: Flag { id: FlagId { patient: p, rule: "spo2-red".parse().unwrap(), rule_set: "home-2020-1".parse().unwrap(), trigger: Trigger::Record(e.id) }, severity: Severity::Red, vital: VitalKind::SpO2, since: now, evidence: vec![e], standing: Standing::Confirmed { how: How::AtOnce, at: now }, late: false, telling: 1 }, raised_at: now, over: None }
}
