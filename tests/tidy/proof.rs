//! The rules tried on made-up files: a rule that cannot fail keeps nothing.

use crate::tree::{Fault, File};
use crate::{documents, manifests, text};

fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn places(faults: impl IntoIterator<Item = Fault>) -> Vec<String> {
    let places = faults.into_iter().map(|fault| fault.to_string());
    places
        .map(|place| place.split(": ").next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_fault_names_its_file_and_line() {
    let wide = file(
        "gateway/src/lib.rs",
        &format!("//! Prose.\n{}\n", "x".repeat(101)),
    );
    assert_eq!(places(text::too_wide(&wide)), ["gateway/src/lib.rs:2"]);
}

#[test]
fn words_are_found_whole_and_not_inside_others() {
    let word = concat!("TO", "DO");
    let left = file(
        "a.rs",
        &format!("// {word}: later\n// MAS{word} is a name\n"),
    );
    assert_eq!(places(text::promises(&left)), ["a.rs:1"]);
}

#[test]
fn machine_paths_are_found_and_routes_are_not() {
    let home = concat!("/", "home/");
    let lines = format!("read(\"{home}me\")\nget(\"{{base}}{home}me\")\nhttps://x.it{home}\n");
    assert_eq!(
        places(text::machine_path(&file("src/main.rs", &lines))),
        ["src/main.rs:1"]
    );
}

#[test]
fn scratch_folders_are_free_to_tests() {
    let line = concat!("open(\"/", "tmp/x\")\n");
    let both = file("src/main.rs", &format!("{line}#[cfg(test)]\n{line}"));
    assert_eq!(places(text::machine_path(&both)), ["src/main.rs:1"]);
    assert_eq!(
        places(text::machine_path(&file("link/tests/a.rs", line))),
        [""; 0]
    );
}

#[test]
fn silenced_lints_are_found() {
    let silenced = file(
        "a.rs",
        concat!("#[", "allow(dead_code)]\n", "x.expect(", "\"\")\n"),
    );
    assert_eq!(places(text::not_in_rust(&silenced)), ["a.rs:1", "a.rs:2"]);
}

#[test]
fn empty_names_are_found_in_paths_and_in_declarations() {
    let declared = file(
        "ingest/src/lib.rs",
        "//! x\npub(crate) mod utils;\nmod utilsation;\n",
    );
    assert_eq!(places(text::empty_name(&declared)), ["ingest/src/lib.rs:2"]);
    let folder = file("ingest/common/src/lib.rs", "//! x\n");
    assert_eq!(
        places(text::empty_name(&folder)),
        ["ingest/common/src/lib.rs:1"]
    );
}

#[test]
fn features_are_refused_outside_the_root_sources() {
    let switch = concat!("#[cfg(", "feature", " = \"broker\")]\n");
    assert_eq!(
        places(text::feature_switch(&file("src/main.rs", switch))),
        [""; 0]
    );
    assert_eq!(
        places(text::feature_switch(&file("link/src/lib.rs", switch))),
        ["link/src/lib.rs:1"]
    );
}

#[test]
fn dead_links_are_found_and_code_is_not_a_link() {
    let links = "[map](Cargo.toml) `[x](y.md)` [web](https://a.it)\n[gone](gone.md#part)\n";
    assert_eq!(
        places(documents::dead_links(&file("README.md", links))),
        ["README.md:2"]
    );
}

#[test]
fn requirement_rows_are_checked() {
    let table = "| id | requirement | tests |\n|---|---|---|\n\
                 | G2 | reads | – |\n| G12 | reads | – |\n| G2 | reads | bare_name |\n";
    let faults = places(documents::malformed_rows(&file("t.md", table)));
    assert_eq!(faults, ["t.md:4", "t.md:5", "t.md:5"]);
}

#[test]
fn claims_and_rows_must_name_each_other() {
    let table = "| id | requirement | tests |\n|---|---|---|\n\
                 | G2 | reads | `reads_it`, `not_a_test` |\n| G4 | keeps | – |\n";
    let table = file("t.md", table);
    let claim = concat!(
        "// req",
        ": G2, G4\n#[tokio::test]\nasync fn reads_it() {}\nfn not_a_test() {}\n"
    );
    let files = [file("tests/a.rs", claim)];
    assert_eq!(places(documents::missing_tests(&table, &files)), ["t.md:3"]);
    assert_eq!(
        places(documents::unlisted_claims(&table, &files)),
        ["tests/a.rs:1"]
    );
}

#[test]
fn stray_packages_and_versions_are_found() {
    let files = [
        file("Cargo.toml", "[workspace]\nmembers = [\"link\"]\n"),
        file("boards/Cargo.toml", "[workspace]\nmembers = [\"nrf\"]\n"),
        file("boards/nrf/Cargo.toml", "[package]\nname = \"nrf\"\n"),
        file(
            "link/Cargo.toml",
            "[package]\nname = \"veglia-link\"\n\n[dependencies]\ncrc = \"3\"\n",
        ),
        file("stray/Cargo.toml", "[package]\nname = \"veglia-stray\"\n"),
    ];
    assert_eq!(
        places(manifests::unlisted_members(&files)),
        ["stray/Cargo.toml:1"]
    );
    let rooms = manifests::rooms(&files);
    let link = rooms.iter().find(|room| room.name == "link").unwrap();
    assert_eq!(
        places(manifests::versions_outside_the_table(link)),
        ["link/Cargo.toml:5"]
    );
    assert_eq!(places(manifests::own_lints(link)), ["link/Cargo.toml:1"]);
}

#[test]
fn a_crate_that_is_fuzzed_in_another_version_is_found() {
    let lock = |path, version| {
        let packages = [("bytes", "1.0.0"), ("rumqttc", version)];
        let package =
            |(name, version)| format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        file(path, &packages.map(package).concat())
    };
    let files = |fuzzed| {
        [
            lock("Cargo.lock", "0.25.1"),
            lock("broker/fuzz/Cargo.lock", fuzzed),
        ]
    };
    assert!(manifests::fuzzed_in_another_version(&files("0.25.1")).is_empty());
    let found = manifests::fuzzed_in_another_version(&files("0.25.0"));
    assert_eq!(places(found), ["broker/fuzz/Cargo.lock:1"]);
}

#[test]
fn a_way_through_other_rooms_is_found() {
    let edges = [("gateway", "link"), ("link", "wire"), ("wire", "people")];
    let graph = edges
        .map(|(from, to)| (from.to_owned(), [to.to_owned()].into()))
        .into();
    let way = manifests::route(&graph, "gateway", "people").unwrap();
    assert_eq!(way, ["gateway", "link", "wire", "people"]);
    assert_eq!(manifests::route(&graph, "people", "gateway"), None);
}
