//! Every document as others read it: the models of `fhir.resources`, fetched by pip below the
//! target folder, and `check.py`. Where Python, pip or the network is missing the test is skipped,
//! aloud. Documents that are wrong are given as well, and the checker must say so of each.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use veglia_diary::set_standing;
use veglia_documents::{DocumentQuery, Kind};
use veglia_view::Whereabouts;

use crate::house::{House, NOW, SETUP};
use crate::support;

/// Where the packages are, once they are there; or why they are not.
fn packages() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join("fhir");
    // These tests run in two processes, once on each database: the second waits for the first.
    let turn = File::create(target.join("fhir.lock")).map_err(|error| error.to_string())?;
    turn.lock().map_err(|error| error.to_string())?;
    let wanted = own("requirements.txt");
    let whole = folder.join("requirements.txt");
    if fs::read(&whole).is_ok_and(|held| Some(held) == fs::read(&wanted).ok()) {
        return Ok(folder);
    }
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-warn-script-location",
        "--upgrade",
        "--target",
    ]);
    let done = pip.arg(&folder).arg("--requirement").arg(&wanted).output();
    let done = done.map_err(|error| format!("python3 cannot be started: {error}"))?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(format!("pip failed: {said}"));
    }
    fs::copy(wanted, whole).map_err(|error| error.to_string())?;
    Ok(folder)
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/documents")
        .join(name)
}

/// The faults that the checker finds in each of these documents.
fn faults(packages: &Path, documents: &[String]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut python = Command::new("python3");
    python.arg(own("check.py"));
    for (place, document) in documents.iter().enumerate() {
        let path = folder.path().join(format!("{place}.json"));
        fs::write(&path, document).expect("it can be written");
        python.arg(path);
    }
    python.env("PYTHONPATH", packages);
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    let done = python.output().expect("python3 was there a moment ago");
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success(),
        "the checker itself failed: {complaint}"
    );
    let lines = said.lines();
    let faults: Vec<Vec<String>> = lines
        .map(|line| serde_json::from_str(line).expect("a list of faults"))
        .collect();
    assert_eq!(faults.len(), documents.len(), "{said}{complaint}");
    faults
}

/// A document, and what was done to it.
type Wrong = (&'static str, fn(&mut Value));

/// The first resource of a type.
fn first<'a>(document: &'a mut Value, kind: &str) -> &'a mut Value {
    let entries = document["entry"].as_array_mut().expect("entries");
    let resources = entries.iter_mut().map(|it| &mut it["resource"]);
    let mut found = resources.filter(|it| it["resourceType"] == kind);
    found.next().expect("there is one")
}

/// One thing wrong in each, of a report that was issued, and a part of what is to be said of it.
const WRONG: &[Wrong] = &[
    ("valueQuantity", |it| {
        first(it, "Observation")["valueQuantity"]["value"] = json!("alto");
    }),
    ("effectiveDateTime", |it| {
        first(it, "Observation")["effectiveDateTime"] = json!("ieri");
    }),
    ("no moment with an offset", |it| {
        first(it, "Observation")["effectiveDateTime"] = json!("2020-11-21");
    }),
    ("status", |it| {
        let observation = first(it, "Observation").as_object_mut();
        observation.expect("an object").remove("status");
    }),
    ("no code of LOINC", |it| {
        first(it, "Observation")["code"]["coding"][0]["system"] = json!("urn:oid:1.2.3");
        first(it, "Observation")["code"]["coding"][1]["system"] = json!("urn:oid:1.2.3");
    }),
    ("no unit of UCUM", |it| {
        first(it, "Observation")["valueQuantity"]["system"] = json!("urn:oid:1.2.3");
    }),
    ("xtra", |it| {
        first(it, "Patient")["nickname"] = json!("Mimì");
    }),
    ("which is not there", |it| {
        first(it, "Observation")["subject"]["reference"] = json!("urn:uuid:0");
    }),
    ("nothing leads to", |it| {
        let plan = first(it, "CarePlan").as_object_mut();
        plan.expect("an object").remove("activity");
    }),
    ("is attested", |it| {
        let composition = first(it, "Composition").as_object_mut();
        composition.expect("an object").remove("attester");
    }),
    ("first entry", |it| {
        it["entry"].as_array_mut().expect("entries").reverse();
    }),
    ("narrative holds", |it| {
        let text = &mut first(it, "Composition")["text"]["div"];
        let said = text.as_str().expect("a text");
        *text = json!(said.replace("</div>", "<script>1</script></div>"));
    }),
    ("no XML", |it| {
        first(it, "Composition")["text"]["div"] = json!("<div>&nbsp;</div>");
    }),
];

#[tokio::test]
async fn every_document_is_read_by_a_library_of_others_and_a_wrong_one_is_not() {
    let name = "every_document_is_read_by_a_library_of_others_and_a_wrong_one_is_not";
    let packages = match packages() {
        Ok(packages) => packages,
        Err(reason) => return support::skip(name, &reason),
    };
    let house = House::followed().await;
    let (record, maria) = (&house.record, house.maria);
    let gone = (Whereabouts::Discharged, NOW);
    let stood = set_standing(record, &SETUP, maria, gone, "guarita", NOW).await;
    stood.expect("it is written");
    let mut documents = Vec::new();
    for kind in Kind::ALL {
        let draft = house.file(kind, &DocumentQuery::default()).await;
        documents.push(draft.expect("there is a draft").body);
        documents.push(house.issued(kind).await.body);
    }
    let right = documents.len();
    let report = documents.get(5).expect("the third that was issued").clone();
    for (_, spoil) in WRONG {
        let mut document: Value = serde_json::from_str(&report).expect("JSON");
        spoil(&mut document);
        documents.push(document.to_string());
    }
    let faults = faults(&packages, &documents);
    for (document, faults) in documents.iter().zip(&faults).take(right) {
        assert!(faults.is_empty(), "{faults:#?}\n{document}");
    }
    for ((what, _), faults) in WRONG.iter().zip(faults.iter().skip(right)) {
        let is_said = faults.iter().any(|it| it.contains(what));
        assert!(is_said, "{what} is not among {faults:?}");
    }
}
