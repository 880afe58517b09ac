//! `veglia bench`, small: it ends by itself, stores what it sends by either way and after a crash
//! of the broker, says it in JSON and in a table, and leaves nothing behind. Times are never
//! looked at: a test machine is no machine to measure on.

use std::fs;
use std::process::Command;

use serde_json::Value;

const FIGURES: [&str; 15] = [
    "readings_per_s",
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p99",
    "latency_ms_max",
    "wire_bytes_per_reading",
    "journal_bytes_per_reading",
    "series_bytes_per_reading",
    "broker_us_per_reading",
    "ingest_us_per_reading",
    "broker_peak_mib",
    "ingest_peak_mib",
    "series_behind_s",
    "watch_behind_s",
    "stop_s",
];

/// Nobody who is well is flagged, whatever the pace.
fn rules_are_measured(report: &Value) {
    let costs = report["triage"].as_array().expect("a list of costs");
    assert_eq!(costs.len(), 4);
    for cost in costs {
        assert_eq!(cost["patients"], 20);
        assert_eq!(cost["verdicts"], 0, "{cost}");
        assert!(cost["ns_per_reading"].is_f64() && cost["bytes_per_state"].is_f64());
    }
}

#[test]
fn the_rules_can_be_measured_alone() {
    let data = tempfile::tempdir().unwrap();
    let json = data.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_veglia"))
        .arg("--data")
        .arg(data.path())
        .args(["bench", "--only", "triage", "--patients", "20", "--json"])
        .arg(&json)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    rules_are_measured(&report);
    assert_eq!(report["loads"].as_array().unwrap().len(), 0);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("ns a reading"), "{table}");
}

#[test]
fn a_small_bench_stores_what_it_sends_and_leaves_nothing_behind() {
    let data = tempfile::tempdir().unwrap();
    let json = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_veglia"))
        .arg("--data")
        .arg(data.path())
        .args(["bench", "--connections", "8", "--runs", "1"])
        .args(["--patients", "20"])
        .args(["--per-frame", "10,128", "--readings", "4000"])
        .args(["--live", "1", "--journal", "50", "--handshakes", "1"])
        .args(["--idle", "8", "--idle-for", "1", "--storm", "8", "--json"])
        .arg(json.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");

    let report: Value = serde_json::from_slice(&fs::read(json.path()).unwrap()).unwrap();
    assert_eq!(report["connections"], 8);
    rules_are_measured(&report);
    assert_eq!(report["journal"].as_array().unwrap().len(), 3);
    assert!(report["machine"]["file_system"].is_string());
    let loads = report["loads"].as_array().unwrap();
    let said: Vec<_> = loads
        .iter()
        .map(|load| {
            let text = |name: &str| load[name].as_str().unwrap();
            (text("load"), text("way"), load["per_frame"].as_u64())
        })
        .collect();
    let wanted = ["plain", "tls"].map(|way| {
        [
            ("backlog", way, Some(10)),
            ("backlog", way, Some(128)),
            ("live", way, Some(2)),
        ]
    });
    assert_eq!(said, wanted.concat());
    for (load, sent) in loads.iter().zip([4000, 4000, 16].into_iter().cycle()) {
        let run = &load["runs"][0];
        assert_eq!(run["sent"], sent);
        assert_eq!(run["stored"], sent);
        assert_eq!(run["values_equal"], true);
        for figures in [&run["figures"], &load["median"]] {
            let has = |name: &&str| figures[*name].is_f64();
            assert!(FIGURES.iter().all(has), "{figures}");
        }
    }

    tls_is_measured(&report);

    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("readings/s"), "{table}");
    assert!(table.contains("backlog, 128 a frame, mTLS"), "{table}");
    assert!(table.contains("storm, 8 gateways, one address"), "{table}");
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
}

fn tls_is_measured(report: &Value) {
    let handshakes = &report["handshakes"]["runs"][0];
    assert!(handshakes["full"].as_u64() > Some(0), "{handshakes}");
    // A resumed session would not be judged again.
    assert_eq!(handshakes["resumed"], 0);

    for (place, way) in ["plain", "tls"].into_iter().enumerate() {
        let idle = &report["idle"][place];
        assert_eq!(idle["way"], way);
        assert_eq!(idle["connections"], 8);
        assert!(idle["broker_before_mib"].as_f64() > Some(0.0), "{idle}");
        assert!(idle["broker_kib_per_connection"].is_f64(), "{idle}");
    }

    for (place, places) in ["apart", "together"].into_iter().enumerate() {
        let storm = &report["storms"][place];
        assert_eq!(storm["places"], places);
        let run = &storm["runs"][0];
        assert_eq!(run["sent"], 32);
        assert_eq!(run["stored"], 32);
        assert_eq!(run["values_equal"], true);
        for name in ["away_s", "subscribed_s", "acknowledged_s"] {
            assert!(run["figures"][name].is_f64(), "{run}");
        }
    }
}
