//! The prose that must not lie: links that lead somewhere, and the table of requirements.
//!
//! `docs/requirements.md` has a row an id: id, requirement, tests. A test proves a requirement
//! when its file says `// req: <id>` and the row names it. `–` in the tests column means: not
//! yet proven. That the named tests really ran is checked by `.ci/requirements`, on the log.

use crate::tree::{Fault, File, root};
use std::collections::BTreeSet;

/// Where the table is.
pub(crate) const TABLE: &str = "docs/requirements.md";

/// The families of requirement ids, each with its last number.
const FAMILIES: &[(&str, u32)] = &[("G", 11), ("A", 15), ("B", 21)];

/// In place of tests: nothing proves this row yet.
const UNPROVEN: &str = "–";

/// One row of the table.
pub(crate) struct Row<'a> {
    line: usize,
    id: &'a str,
    requirement: &'a str,
    tests: Vec<&'a str>,
}

/// Links of a markdown file that lead to no file of the checkout. Anchors and addresses on the
/// network are not followed.
pub(crate) fn dead_links(file: &File) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fenced = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(&without_code(line)) {
            let path = target.split('#').next().unwrap_or_default();
            let elsewhere = path.is_empty() || path.contains(':');
            if !elsewhere && !root().join(file.folder()).join(path).exists() {
                let advice = format!("`{target}` leads nowhere: correct the link or remove it");
                faults.push(file.fault(number, advice));
            }
        }
    }
    faults
}

/// The rows of the table, the heading and its rule left out.
pub(crate) fn rows(table: &File) -> Vec<Row<'_>> {
    let lines = table.lines().filter(|(_, line)| line.starts_with('|'));
    lines.skip(2).map(|(line, text)| row(line, text)).collect()
}

/// Faults of the table itself: ids unknown or repeated, cells left empty.
pub(crate) fn malformed_rows(table: &File) -> Vec<Fault> {
    let mut seen = BTreeSet::new();
    let mut faults = Vec::new();
    for row in rows(table) {
        if !is_id(row.id) {
            faults.push(table.fault(row.line, format!("`{}` is no requirement id", row.id)));
        }
        if !seen.insert(row.id) {
            faults.push(table.fault(row.line, format!("`{}` has a row already", row.id)));
        }
        if row.requirement.is_empty() || row.tests.iter().any(|name| name.is_empty()) {
            let advice = "write three cells: id, requirement, tests in backticks or a single `–`";
            faults.push(table.fault(row.line, advice));
        }
    }
    faults
}

/// Rows that name a test which is not there, or whose file does not claim the requirement.
pub(crate) fn missing_tests(table: &File, files: &[File]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for row in rows(table) {
        let claiming = files
            .iter()
            .filter(|file| claims(file).any(|(_, id)| id == row.id));
        let claiming: Vec<&File> = claiming.collect();
        for name in row.tests.iter().filter(|name| !name.is_empty()) {
            if !claiming.iter().any(|file| has_test(file, name)) {
                let id = row.id;
                let advice = format!("no test `{name}` in a file that says `// req: {id}`");
                faults.push(table.fault(row.line, advice));
            }
        }
    }
    faults
}

/// Claims in the code that the table does not repeat.
pub(crate) fn unlisted_claims(table: &File, files: &[File]) -> Vec<Fault> {
    let rows = rows(table);
    let mut faults = Vec::new();
    for file in files {
        for (number, id) in claims(file) {
            let row = rows.iter().find(|row| row.id == id);
            if !row.is_some_and(|row| row.tests.iter().any(|name| has_test(file, name))) {
                let advice = format!("the row of `{id}` in {TABLE} must name a test of this file");
                faults.push(file.fault(number, advice));
            }
        }
    }
    faults
}

fn row(line: usize, text: &str) -> Row<'_> {
    let mut cells = text.trim_matches('|').split('|').map(str::trim);
    let mut cell = || cells.next().unwrap_or_default();
    let (id, requirement, tests) = (cell(), cell(), cell());
    let tests = if tests == UNPROVEN {
        Vec::new()
    } else {
        tests.split(',').map(name).collect()
    };
    Row {
        line,
        id,
        requirement,
        tests,
    }
}

/// A test's name out of its backticks; empty, which is a fault, when it has none.
fn name(cell: &str) -> &str {
    let bare = cell
        .trim()
        .strip_prefix('`')
        .and_then(|cell| cell.strip_suffix('`'));
    bare.unwrap_or_default()
}

fn is_id(id: &str) -> bool {
    FAMILIES.iter().any(|(family, last)| {
        let number = id.strip_prefix(family);
        number.is_some_and(|number| (1..=*last).any(|known| known.to_string() == number))
    })
}

/// The requirements a Rust file says it proves: `// req: G2` or `// req: G2, G4`.
fn claims(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let lines = file.lines().filter(|_| file.is_rust());
    let claims = lines
        .filter_map(|(number, line)| Some((number, line.trim_start().strip_prefix("// req:")?)));
    claims.flat_map(|(number, ids)| ids.split(',').map(move |id| (number, id.trim())))
}

/// True when the file holds `fn name`, under an attribute that makes it a test.
fn has_test(file: &File, name: &str) -> bool {
    let mut is_test = false;
    for (_, line) in file.lines() {
        let line = line.trim_start();
        if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else if let Some(rest) = line.split_once("fn ").map(|(_, rest)| rest) {
            if is_test
                && rest
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['(', '<']))
            {
                return true;
            }
            is_test = false;
        }
    }
    false
}

/// Inline code may show what a link looks like without being one.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

fn targets(line: &str) -> Vec<String> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let reference = line
        .strip_prefix('[')
        .and_then(|line| line.split_once("]: "));
    let all = inline.chain(reference.map(|(_, target)| target));
    let bare = all.filter_map(|target| target.split_whitespace().next());
    bare.map(|target| target.trim_matches(['<', '>']).to_owned())
        .collect()
}
