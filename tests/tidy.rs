//! The house checks itself: what every room must keep, and no compiler can see.
//!
//! One test a rule; a failure names each place and what to do there. The tables below are the
//! design: a new edge between rooms, or a new holder of a privilege, is a decision made here,
//! in the open, and not in a manifest. What clippy, rustfmt and cargo-deny can say is left to
//! them. The rules read the checkout as it lies on the disk and change nothing.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/proof.rs"]
mod proof;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tree.rs"]
mod tree;

use manifests::{Graph, ROOT, Room};
use std::io::{self, Write};
use tree::{Fault, File};

/// Who may depend on whom. The root package is not in it: it alone knows every room.
const ALLOWED: &[(&str, &[&str])] = &[
    // what programs are told is made from what pages are made from
    (
        "api",
        &["diary", "intake", "people", "store", "view", "ward"],
    ),
    ("broker", &["identity", "wire"]),
    ("codecs", &["firmware-core", "wire"]),
    // store and wire: the shell is handed the record and the clock, and hands them on. diary and
    // notify: what the one decides, the other delivers; the bridge between them is the shell's.
    (
        "dashboard",
        &[
            "api",
            "diary",
            "doctor",
            "documents",
            "enrol",
            "fleet",
            "handover",
            "intake",
            "isolation",
            "laboratory",
            "notify",
            "people",
            "privacy",
            "store",
            "view",
            "ward",
            "wire",
            "words",
        ],
    ),
    ("diary", &["store", "triage", "wire"]),
    // notify: the digest is a message; diary: answers are acts, and acts are its
    (
        "doctor",
        &["diary", "notify", "people", "store", "view", "words"],
    ),
    // view: readings and limits; diary: plans, devices, alerts. Names stand in what it makes.
    ("documents", &["diary", "people", "store", "view", "words"]),
    ("firmware-core", &[]),
    (
        "enrol",
        &["diary", "people", "store", "view", "wire", "words"],
    ),
    // identity: who may come in; wire: partitions and ids of what is enrolled
    (
        "fleet",
        &[
            "diary", "identity", "people", "store", "view", "wire", "words",
        ],
    ),
    ("gateway", &["codecs", "identity", "link", "wire"]), // identity: its key, and how it enrols
    // notify: whoever is on duty is told that nobody wrote one
    (
        "handover",
        &["diary", "notify", "people", "store", "view", "words"],
    ),
    ("homes", &["codecs", "firmware-core", "wire"]), // codecs: the encoders of the true protocols
    ("identity", &[]),
    ("influx", &["journal", "series", "wire"]), // no ingest: it is handed samples and positions
    (
        "ingest",
        &[
            "diary", "journal", "link", "series", "store", "triage", "view", "wire",
        ],
    ),
    // link: an outbox of its own; view: what the score lacks, and whether the rules have heard
    (
        "intake",
        &["diary", "link", "people", "store", "view", "wire", "words"],
    ),
    // notify: links and one-time codes go by SMS; diary: nobody is written to in hospital
    (
        "isolation",
        &[
            "diary", "notify", "people", "store", "view", "wire", "words",
        ],
    ),
    ("journal", &[]),
    (
        "laboratory",
        &["isolation", "people", "store", "wire", "words"],
    ),
    ("link", &["identity", "journal", "wire"]), // identity: reads keys and certificates
    ("notify", &["people", "store", "wire"]),   // no diary: what it carries says nothing clinical
    ("people", &["store", "wire", "words"]),    // words: the names of roles in both languages
    // diary: it hides; view: readings come without what is hidden; enrol: a copy holds consents
    (
        "privacy",
        &["diary", "enrol", "people", "store", "view", "words"],
    ),
    ("series", &["store", "wire"]),
    ("store", &[]),
    ("triage", &["wire"]),
    ("trial", &["store"]), // only for tests: it gives them their record
    ("view", &["series", "triage", "wire"]), // no diary: rows and samples need no record
    ("ward", &["diary", "people", "store", "view", "words"]),
    ("wire", &[]),
    ("words", &["wire"]), // no people: it knows words, and moments to write
];

/// What tests may use beside it. Whatever lies below a room is free to its tests already: they
/// must be able to build what it is given.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    ("broker", &["journal", "link"]), // real clients at the door, and a journal behind them
    ("dashboard", &["identity"]),     // certificates to be served with
    ("doctor", &["trial"]),
    ("documents", &["trial"]),
    ("enrol", &["trial"]),
    ("diary", &["trial"]), // trial: a record on either engine, here and below
    ("fleet", &["trial"]),
    ("gateway", &["broker", "homes"]), // a real broker to be commanded through, devices to read
    ("handover", &["trial"]),
    ("intake", &["trial"]),
    ("isolation", &["trial"]),
    ("laboratory", &["trial"]),
    ("link", &["broker", "identity"]),  // a real broker to speak to
    ("notify", &["identity", "trial"]), // identity: certificates for a real mail server
    ("people", &["trial"]),
    // the rooms in whose tables somebody leaves traces
    (
        "privacy",
        &[
            "doctor",
            "documents",
            "fleet",
            "handover",
            "intake",
            "notify",
            "trial",
        ],
    ),
    ("store", &["identity", "trial"]), // identity: certificates for a real database server
    ("ward", &["trial"]),
];

/// The only room that knows names, and those that must never learn one.
const NAMES: &str = "people";
const NAMELESS: &[&str] = &[
    "gateway", "broker", "influx", "ingest", "triage", "diary", "series", "view",
];

/// What only some may hold, and why.
const HOLDERS: &[(&str, &[&str], &str)] = &[
    ("anyhow", &[ROOT], "rooms have typed errors"),
    (
        "bluer",
        &["gateway"],
        "pairing and what else btleplug does not know",
    ),
    (
        "bluez-async",
        &["gateway"],
        "what btleplug wraps: only to read its errors",
    ),
    ("btleplug", &["gateway"], "only gateway speaks Bluetooth"),
    ("ciborium", &["wire"], "only wire knows CBOR"),
    ("ciborium-ll", &["wire"], "only wire knows CBOR"),
    ("clap", &[ROOT], "only the executable has a command line"),
    ("dbus", &["gateway"], "libdbus, built in"),
    (
        "fluent-bundle",
        &["words"],
        "rooms hold words, and say them through words",
    ),
    (
        "fluent-syntax",
        &["words"],
        "only its proof reads catalogues",
    ),
    ("influxdb2", &["influx"], "only influx speaks to InfluxDB"),
    ("lettre", &["notify"], "only notify sends mail"),
    (
        "openidconnect",
        &["dashboard"],
        "only the door of the pages asks an identity provider",
    ),
    (
        "reqwest-of-influxdb2",
        &["influx"],
        "an old client of HTTP, kept to the crate that needs it",
    ),
    (
        "rumqttc",
        &["broker", "link"],
        "link is the client; broker needs the codec, and calls the broker behind it",
    ),
    (
        "rcgen",
        &["identity"],
        "only identity makes keys and certificates",
    ),
    (
        "ring",
        &["diary", "notify"],
        "signatures of calls and web push, sealed words; elsewhere TLS is rustls",
    ),
    ("rumqttd", &["broker"], "only broker runs the broker"),
    (
        "sea-orm",
        &["store"],
        "only store names the version; rooms with rows reach it through store",
    ),
    ("sea-orm-migration", &["store"], "only store migrates"),
    ("sqlx", &["store"], "SQL goes through store"),
    (
        "toml",
        &[
            "diary",
            "gateway",
            "homes",
            "identity",
            "isolation",
            ROOT,
            "triage",
        ],
        "only the root reads the configuration; gateway keeps its enrolment, diary its ladder, \
         isolation its circulars",
    ),
    (
        "webauthn-rs",
        &["people"],
        "passkeys are judged where accounts are",
    ),
];

/// Rooms that compute and do nothing else, and what would let them do more.
const PURE: &[&str] = &["codecs", "firmware-core", "triage", "wire"];
const EFFECTS: &[&str] = &[
    "fastrand",
    "getrandom",
    "rustix",
    "tempfile",
    "tokio",
    "tracing",
];

/// Kinds of file people write, line by line. The rest (fixtures, licence) is data.
const WRITTEN: &[&str] = &["css", "html", "js", "md", "rs", "sql", "toml", "ts", "yml"];

/// Fails with every fault at once, one a line.
#[track_caller]
fn demand(faults: impl IntoIterator<Item = Fault>) {
    let faults: Vec<String> = faults.into_iter().map(|fault| fault.to_string()).collect();
    assert!(
        faults.is_empty(),
        "{} to mend:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

fn rust_files() -> Vec<File> {
    tree::files().into_iter().filter(File::is_rust).collect()
}

fn written_files() -> Vec<File> {
    let is_written =
        |file: &File| WRITTEN.contains(&file.extension()) || file.path.starts_with(".ci/");
    tree::files()
        .into_iter()
        .filter(|file| !file.is_lock() && is_written(file))
        .collect()
}

fn requirements(files: &[File]) -> &File {
    let table = files.iter().find(|file| file.path == documents::TABLE);
    table.expect("docs/requirements.md lists what must be proven")
}

fn allowed(
    table: &[(&str, &'static [&'static str])],
    room: &str,
) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, below)| *below)
}

/// The table of allowed edges as a graph, to see what lies below a room.
fn allowed_graph() -> Graph {
    let owned = |below: &[&str]| below.iter().copied().map(String::from).collect();
    ALLOWED
        .iter()
        .map(|(room, below)| ((*room).to_owned(), owned(below)))
        .collect()
}

fn forbidden_edges(room: &Room<'_>) -> Vec<Fault> {
    let Some(below) = allowed(ALLOWED, &room.name) else {
        let advice = format!("give `{}` a row in ALLOWED, in tests/tidy.rs", room.name);
        return vec![room.file.fault(1, advice)];
    };
    let in_tests = allowed(ALLOWED_IN_TESTS, &room.name).unwrap_or_default();
    let graph = allowed_graph();
    let is_forbidden = |name: &str, for_tests: bool| {
        let for_tests = for_tests
            && (in_tests.contains(&name) || manifests::route(&graph, &room.name, name).is_some());
        !below.contains(&name) && !for_tests
    };
    let edges = room.dependencies.iter().filter(|it| it.is_room);
    let forbidden = edges.filter(|it| is_forbidden(&it.name, it.in_tests));
    let advice = |to: &str| {
        format!(
            "`{}` may not know `{to}`: see the table of edges in tests/tidy.rs",
            room.name
        )
    };
    forbidden
        .map(|it| room.file.fault(it.line, advice(&it.name)))
        .collect()
}

#[test]
fn rooms_depend_only_on_the_rooms_they_may_know() {
    let files = tree::files();
    let rooms = manifests::rooms(&files);
    demand(
        rooms
            .iter()
            .filter(|room| room.name != ROOT)
            .flat_map(forbidden_edges),
    );
}

#[test]
fn the_table_of_edges_names_only_rooms_that_exist() {
    let files = tree::files();
    let graph = manifests::graph(&manifests::rooms(&files));
    let named = ALLOWED.iter().chain(ALLOWED_IN_TESTS);
    let named = named.flat_map(|(room, below)| below.iter().chain([room]));
    let gone: Vec<&&str> = named.filter(|room| !graph.contains_key(**room)).collect();
    assert!(
        gone.is_empty(),
        "remove from the tables in tests/tidy.rs: {gone:?}"
    );
}

#[test]
fn the_clinical_path_never_learns_a_name() {
    let files = tree::files();
    let rooms = manifests::rooms(&files);
    let graph = manifests::graph(&rooms);
    let nameless = rooms
        .iter()
        .filter(|room| NAMELESS.contains(&room.name.as_str()));
    demand(nameless.filter_map(|room| {
        let way = manifests::route(&graph, &room.name, NAMES)?.join(" → ");
        Some(
            room.file
                .fault(1, format!("it reaches names ({way}): cut the way")),
        )
    }));
}

#[test]
fn privileges_stay_with_those_who_hold_them() {
    let files = tree::files();
    let mut faults = Vec::new();
    for room in manifests::rooms(&files) {
        for held in room.dependencies.iter().filter(|it| !it.in_tests) {
            let rule = HOLDERS.iter().find(|(name, _, _)| *name == held.name);
            let outsider = rule.filter(|(_, holders, _)| !holders.contains(&room.name.as_str()));
            faults.extend(outsider.map(|(name, _, reason)| {
                room.file
                    .fault(held.line, format!("remove `{name}`: {reason}"))
            }));
        }
    }
    demand(faults);
}

#[test]
fn pure_rooms_have_no_clock_no_chance_and_no_disk() {
    let files = tree::files();
    let mut faults = Vec::new();
    for room in manifests::rooms(&files)
        .iter()
        .filter(|it| PURE.contains(&it.name.as_str()))
    {
        let shipped = room.dependencies.iter().filter(|it| !it.in_tests);
        let effects = shipped.filter(|it| EFFECTS.contains(&it.name.as_str()));
        faults.extend(effects.map(|it| {
            room.file.fault(
                it.line,
                format!("remove `{}`: `{}` is pure", it.name, room.name),
            )
        }));
    }
    demand(faults);
}

#[test]
fn every_dependency_comes_from_the_one_table() {
    let files = tree::files();
    demand(
        manifests::rooms(&files)
            .iter()
            .flat_map(manifests::versions_outside_the_table),
    );
}

#[test]
fn every_package_inherits_the_lints() {
    let files = tree::files();
    demand(
        manifests::rooms(&files)
            .iter()
            .filter_map(manifests::own_lints),
    );
}

#[test]
fn every_package_is_a_member_listed_by_name() {
    demand(manifests::unlisted_members(&tree::files()));
}

#[test]
fn what_is_fuzzed_is_what_is_shipped() {
    demand(manifests::fuzzed_in_another_version(&tree::files()));
}

#[test]
fn every_file_opens_with_prose() {
    demand(rust_files().iter().filter_map(text::no_prose));
}

#[test]
fn no_file_is_too_long() {
    let files = rust_files();
    for file in files
        .iter()
        .filter(|file| file.lines().count() > text::AIM_LINES)
    {
        // libtest hides what a passing test prints; this is worth seeing before it fails.
        writeln!(
            io::stderr(),
            "LONG {}: {} lines",
            file.path,
            file.lines().count()
        )
        .unwrap();
    }
    demand(files.iter().filter_map(text::too_long));
}

#[test]
fn no_line_is_too_wide() {
    demand(rust_files().iter().flat_map(text::too_wide));
}

#[test]
fn no_code_silences_a_lint_or_skips_a_test() {
    demand(rust_files().iter().flat_map(text::not_in_rust));
}

#[test]
fn nothing_is_left_for_later() {
    demand(written_files().iter().flat_map(text::promises));
}

#[test]
fn no_line_ends_in_space() {
    demand(written_files().iter().flat_map(text::trailing_space));
}

#[test]
fn no_crate_or_module_has_an_empty_name() {
    demand(rust_files().iter().flat_map(text::empty_name));
}

#[test]
fn features_are_known_only_to_the_root_package() {
    demand(rust_files().iter().flat_map(text::feature_switch));
}

#[test]
fn no_text_names_a_folder_of_one_machine() {
    demand(tree::files().iter().flat_map(text::machine_path));
}

#[test]
fn no_text_names_a_registry() {
    let files = tree::files();
    let locks = files
        .iter()
        .filter(|file| file.name() == "package-lock.json");
    let resolved = locks.flat_map(text::resolved_host);
    demand(files.iter().flat_map(text::registry_host).chain(resolved));
}

#[test]
fn every_link_leads_to_a_file() {
    let files = tree::files();
    demand(
        files
            .iter()
            .filter(|it| it.extension() == "md")
            .flat_map(documents::dead_links),
    );
}

#[test]
fn the_table_of_requirements_is_well_formed() {
    demand(documents::malformed_rows(requirements(&tree::files())));
}

#[test]
fn every_requirement_names_tests_that_exist() {
    let files = tree::files();
    demand(documents::missing_tests(requirements(&files), &files));
}

#[test]
fn every_claim_in_the_code_is_in_the_table() {
    let files = tree::files();
    demand(documents::unlisted_claims(requirements(&files), &files));
}
