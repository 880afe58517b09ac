//! The scores of a rule set as data: the shipped ones have their sources, and a faulty one is
//! refused with its line.

// req: G7

mod support;

use veglia_triage::{RuleSet, Scale, ScoreParameter};

const SHIPPED: &str = include_str!("../rules/home-2020.toml");

#[test]
fn every_table_class_age_and_rule_has_its_source() {
    let rules = RuleSet::shipped();
    let scales: Vec<Scale> = rules.scores().iter().map(|chart| chart.scale()).collect();
    assert_eq!(scales, Scale::ALL);
    for chart in rules.scores() {
        assert!(chart.source().len() > 20);
        assert!(
            chart
                .classes()
                .iter()
                .all(|class| class.source().len() > 10)
        );
        for parameter in chart.parameters() {
            assert!(chart.sources_of(parameter).all(|source| source.len() > 10));
            assert!(chart.sources_of(parameter).next().is_some());
        }
    }
    for parameter in ScoreParameter::ALL {
        let (age_ms, source) = rules.fresh(parameter).unwrap();
        assert!(age_ms > 0 && source.len() > 20);
    }
    for rule in ["news2-high", "news2-medium", "mews-high"] {
        let source = rules.source_of(&rule.parse().unwrap());
        assert!(source.is_some_and(|source| source.len() > 20), "{rule}");
    }
}

/// What is replaced by what, the line with the fault, and the reason given.
const FAULTS: &[(&str, &str, &str, &str)] = &[
    (
        "{ from = 9, to = 11, points = 1 }",
        "{ from = 8, to = 11, points = 1 }",
        "{ from = 8, to = 11, points = 1 }",
        "overlaps",
    ),
    (
        "{ from = 9, to = 11, points = 1 }",
        "{ from = 10, to = 11, points = 1 }",
        "{ from = 10, to = 11, points = 1 }",
        "gap",
    ),
    (
        "    { from = 220, points = 3 },\n",
        "",
        "name = \"systolic-pressure\"\nunit = \"mm[Hg]\"\nbands",
        "one above it is missing",
    ),
    (
        "    { to = 91, points = 3 },\n",
        "",
        "{ from = 92, to = 93, points = 2 }",
        "a band below it is missing",
    ),
    (
        "name = \"pulse\"\nunit = \"/min\"\nbands",
        "name = \"heart\"\nunit = \"/min\"\nbands",
        "name = \"heart\"",
        "\"heart\" is unknown",
    ),
    (
        "unit = \"Cel\"\nbands",
        "unit = \"degF\"\nbands",
        "unit = \"degF\"",
        "temperature is measured in \"Cel\"",
    ),
    (
        "{ from = 35.1, to = 36.0, points = 1 }",
        "{ from = 35.05, to = 36.0, points = 1 }",
        "{ from = 35.05, to = 36.0, points = 1 }",
        "finer than the rounding",
    ),
    (
        "answers = { no = 0, yes = 2 }",
        "answers = { no = 0 }",
        "name = \"oxygen\"\nanswers",
        "the points of \"yes\" are missing",
    ),
    (
        "answers = { no = 0, yes = 2 }",
        "answers = { no = 0, yes = 2, maybe = 1 }",
        "name = \"oxygen\"\nanswers",
        "\"maybe\" is no answer",
    ),
    (
        "scale = \"two\"\non = \"oxygen\"",
        "scale = \"two\"\non = \"air\"",
        "name = \"news2\"",
        "two tables of spo2",
    ),
    (
        "scale = \"one\"\n",
        "",
        "name = \"news2\"",
        "two tables of spo2",
    ),
    (
        "name = \"low\"\nfrom = 1\nto = 4",
        "name = \"low\"\nfrom = 1\nto = 3",
        "name = \"medium\"\nfrom = 5",
        "leaves a gap",
    ),
    (
        "name = \"high\"\nfrom = 7",
        "name = \"high\"\nfrom = 7\nto = 20",
        "name = \"news2\"",
        "one above it is missing",
    ),
    (
        "single = 3",
        "single = 3\nto = 4",
        "name = \"single-three\"",
        "single alone",
    ),
    (
        "class = \"single-three\"",
        "class = \"grave\"",
        "class = \"grave\"",
        "no class \"grave\"",
    ),
    (
        "name = \"mews\"",
        "name = \"news2\"",
        "name = \"news2\"\nsource = \"\"\"Modified",
        "has been described before",
    ),
    (
        "name = \"mews\"",
        "name = \"qsofa\"",
        "name = \"qsofa\"",
        "scores are news2, mews",
    ),
    (
        "yields_to = \"news2-high\"",
        "yields_to = \"spo2-red\"",
        "yields_to = \"spo2-red\"",
        "no rule \"spo2-red\" of a score",
    ),
    (
        "name = \"mews-high\"",
        "name = \"spo2-red\"",
        "name = \"spo2-red\"\nclass",
        "a rule spo2-red already",
    ),
    (
        "minutes = 720",
        "minutes = 0",
        "minutes = 0",
        "at least one minute",
    ),
    (
        "source = \"Subbe 2001.\"",
        "source = \" \"",
        "name = \"systolic-pressure\"\nunit = \"mm[Hg]\"\nbands = [\n    { to = 70",
        "the source is empty",
    ),
    (
        "points = 2 },\n    { from = 25",
        "points = 50 },\n    { from = 25",
        "name = \"news2\"",
        "at most 60",
    ),
];

#[test]
fn a_faulty_score_is_refused_with_its_line_and_a_reason() {
    for (from, to, place, reason) in FAULTS {
        assert!(SHIPPED.contains(from), "{from} stands in the file");
        let text = SHIPPED.replacen(from, to, 1);
        let fault = RuleSet::parse(&text).expect_err(from);
        assert!(fault.reason.contains(reason), "{from}: {fault}");
        let start = text
            .find(place)
            .unwrap_or_else(|| panic!("{place} stands there"));
        let line = text[..start].matches('\n').count() + 1;
        assert_eq!(fault.line, line, "{from}: {fault}");
    }
}

#[test]
fn an_age_that_is_missing_is_refused() {
    let start = SHIPPED.find("[[fresh]]\nname = \"pulse\"").unwrap();
    let end = start + SHIPPED[start..].find("[[fresh]]\nname = \"resp").unwrap();
    let text = format!("{}{}", &SHIPPED[..start], &SHIPPED[end..]);
    let fault = RuleSet::parse(&text).expect_err("pulse has no age");
    assert!(fault.reason.contains("how old pulse may be"), "{fault}");
}

#[test]
fn points_that_depend_on_oxygen_need_the_answer_to_count() {
    let start = SHIPPED
        .find("[[score.parameter]]\nname = \"oxygen\"")
        .unwrap();
    let end = start
        + SHIPPED[start..]
            .find("[[score.parameter]]\nname = \"systolic")
            .unwrap();
    let text = format!("{}{}", &SHIPPED[..start], &SHIPPED[end..]);
    let fault = RuleSet::parse(&text).expect_err("nobody counts oxygen");
    assert!(fault.reason.contains("depend on oxygen"), "{fault}");
}
