//! Scenario files: what ships can be read, and what is wrong is refused at its line.

use std::collections::BTreeSet;

use veglia_homes::{Home, MAX_HOMES, Measures, Of, RULES, Scenario, homes};

const GOOD: &str = r#"title = "Prova"
expect = ["fever"]

[[device]]
name = "nodo"
protocol = "node"
measures = "both"

[[phase]]
minutes = 10
spo2 = 97.5

[noise]
spo2 = 0.5
pulse = 3
temperature = 0.05

[[event]]
kind = "silent"
device = "nodo"
from = 3
"#;

#[test]
fn every_shipped_scenario_has_a_title_and_expects_only_known_flags() {
    let shipped = Scenario::shipped();
    let names: Vec<&str> = shipped.iter().map(Scenario::name).collect();
    let wanted = [
        "stable",
        "slow-worsening",
        "sudden-desaturation",
        "fever",
        "artefacts",
        "finger-out",
        "silent-device",
        "home-offline",
        "wrong-device-clock",
    ];
    assert_eq!(names, wanted);
    for scenario in &shipped {
        assert!(!scenario.title().is_empty());
        assert!(
            scenario
                .expect()
                .iter()
                .all(|rule| RULES.contains(&rule.as_str()))
        );
        assert_eq!(Scenario::named(scenario.name()).as_ref(), Ok(scenario));
    }
}

#[test]
fn the_tenth_home_is_a_couples_who_share_an_oximeter() {
    let many = homes(12, 1);
    let people: Vec<usize> = many.iter().map(Home::people).collect();
    assert_eq!(people, [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1]);
    let couple = many[9].scenario().unwrap();
    assert_eq!(couple, &Scenario::couple());
    assert!(couple.expect().is_empty());
    let of: Vec<(Measures, Of)> = many[9]
        .devices
        .iter()
        .map(|device| (device.measures, device.of))
        .collect();
    let warmth = Measures::Temperature;
    let expected = [
        (Measures::Oximetry, Of::Both),
        (warmth, Of::First),
        (warmth, Of::Second),
    ];
    assert_eq!(of, expected);
}

#[test]
fn an_unknown_scenario_is_answered_with_those_there_are() {
    let error = Scenario::named("flood").unwrap_err().to_string();
    assert!(
        error.contains("\"flood\"") && error.contains("slow-worsening"),
        "{error}"
    );
}

#[test]
fn a_fault_is_refused_with_its_line() {
    assert!(Scenario::parse("prova", GOOD).is_ok());
    for (good, bad, line, word) in [
        ("title", "titel", 1, "titel"),
        ("\"Prova\"", "\" \"", 1, "title"),
        ("\"fever\"", "\"fevre\"", 2, "fevre"),
        ("name = \"nodo\"", "name = \"Il nodo\"", 4, "a-z"),
        ("\"node\"", "\"nonin-9\"", 4, "nonin-9"),
        ("\"node\"", "\"nonin-8\"", 4, "oximetry"),
        ("\"both\"", "\"all\"", 7, "all"),
        ("minutes = 10", "minutes = 0", 1, "minutes"),
        ("minutes = 10", "minutes = 10081", 1, "10081"),
        ("97.5", "97.55", 11, "digits"),
        ("97.5", "\"high\"", 11, "number"),
        ("97.5", "101", 9, "spo2"),
        ("0.05", "5", 13, "noise"),
        ("from = 3", "from = 3\nto = 3", 18, "ends"),
        ("from = 3", "from = 3\nvon = 3", 22, "von"),
        ("\"silent\"", "\"offline\"", 18, "whole home"),
        ("device = \"nodo\"", "device = \"orso\"", 18, "no device"),
        ("from = 3", "from = 3\nseconds = 5", 18, "clock-offset"),
        ("\"silent\"", "\"asleep\"", 19, "asleep"),
    ] {
        let text = GOOD.replacen(good, bad, 1);
        assert_ne!(text, GOOD);
        let error = Scenario::parse("prova", &text).unwrap_err();
        assert_eq!(
            (error.line, error.name.as_str()),
            (line, "prova"),
            "{bad}: {error}"
        );
        assert!(error.what.contains(word), "{bad}: {error}");
    }
}

#[test]
fn each_scenario_occurs_and_the_same_seed_makes_the_same_homes() {
    let all: BTreeSet<String> = Scenario::shipped()
        .iter()
        .map(|scenario| scenario.name().to_owned())
        .collect();
    let names = |n, seed| -> Vec<String> {
        let homes = homes(n, seed);
        homes
            .iter()
            .filter_map(|home| Some(home.scenario()?.name().to_owned()))
            .collect()
    };
    assert_eq!(
        names(all.len(), 3).into_iter().collect::<BTreeSet<_>>(),
        all
    );
    assert_eq!(names(200, 3), names(200, 3));
    assert_ne!(names(200, 3), names(200, 4));
    let stable = names(200, 3)
        .iter()
        .filter(|name| *name == "stable")
        .count();
    assert!(stable > 120, "{stable} of 200 are stable");
    assert_eq!(homes(MAX_HOMES + 5, 1).len(), MAX_HOMES);
}

#[test]
fn no_two_devices_share_a_name() {
    let homes = homes(MAX_HOMES, 9);
    let ids: Vec<&str> = homes
        .iter()
        .flat_map(|home| &home.devices)
        .map(|device| device.id.as_str())
        .collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let gateways: BTreeSet<&str> = homes.iter().map(|home| home.gateway.as_str()).collect();
    assert_eq!(gateways.len(), MAX_HOMES);
}
