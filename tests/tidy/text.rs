//! Rules that one file, or one line of it, can break alone.
//!
//! The words looked for are written in two halves, so that this file does not accuse itself.
//! What clippy can say (length of functions, `unwrap`, casts) is left to clippy.

use crate::tree::{Fault, File};

/// A longer file is asked about: it has probably become two things.
pub(crate) const AIM_LINES: usize = 400;

/// A longer file is refused.
const MOST_LINES: usize = 600;

/// rustfmt keeps code within it, but leaves comments and long strings as they are.
const MOST_COLUMNS: usize = 100;

/// What Rust code never holds, and what to write instead.
const NOT_IN_RUST: &[(&str, &str)] = &[
    (
        concat!("#[", "allow"),
        "say `expect` with a reason, on the smallest item",
    ),
    (
        concat!("#![", "allow"),
        "say `expect` with a reason, on the smallest item",
    ),
    (
        concat!("#[", "ignore"),
        "let the test run, or skip it through `support::skip`",
    ),
    (
        concat!("todo", "!("),
        "write it, or leave the whole thing out",
    ),
    (
        concat!("unimplemented", "!("),
        "write it, or leave the whole thing out",
    ),
    (
        concat!(".expect(", "\"\")"),
        "name the invariant that makes this impossible",
    ),
    ("\t", "indent with spaces"),
];

/// Words that promise work instead of doing it.
const PROMISES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Names that say nothing, and so collect everything.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "misc", "model", "models", "util", "utils",
];

/// Folders of somebody's machine: no committed line works only there.
const MACHINE_PATHS: &[&str] = &[
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("/", "work/"),
];

/// A folder that only a test may name, and better through `tempfile`.
const SCRATCH: &str = concat!("/", "tmp/");

/// Where packages come from is set on the machine that builds, never in the project.
const REGISTRIES: &[&str] = &[
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("crates.io", "-index"),
];

pub(crate) fn no_prose(file: &File) -> Option<Fault> {
    let advice = "open the file with `//!`: what it is, its limits, what is deliberately absent";
    (!file.text.starts_with("//!")).then(|| file.fault(1, advice))
}

/// Tests count too: a long test file hides which behaviour it is about.
pub(crate) fn too_long(file: &File) -> Option<Fault> {
    let lines = file.lines().count();
    let advice = format!("{lines} lines, at most {MOST_LINES}, aim at {AIM_LINES}: cut it in two");
    (lines > MOST_LINES).then(|| file.fault(lines, advice))
}

pub(crate) fn too_wide(file: &File) -> Vec<Fault> {
    let wide = file
        .lines()
        .filter(|(_, line)| line.chars().count() > MOST_COLUMNS);
    let advice = format!("break the line: at most {MOST_COLUMNS} columns");
    wide.map(|(number, _)| file.fault(number, advice.as_str()))
        .collect()
}

pub(crate) fn not_in_rust(file: &File) -> Vec<Fault> {
    each(
        file,
        NOT_IN_RUST,
        |line, (needle, _)| line.contains(needle),
        |(needle, instead)| {
            format!(
                "`{}` is not written here: {instead}",
                needle.escape_default()
            )
        },
    )
}

pub(crate) fn promises(file: &File) -> Vec<Fault> {
    each(
        file,
        PROMISES,
        |line, word| holds_word(line, word),
        |word| format!("`{word}`: do it now, or write it down outside the code"),
    )
}

pub(crate) fn trailing_space(file: &File) -> Vec<Fault> {
    let trailing = file
        .lines()
        .filter(|(_, line)| line.ends_with([' ', '\t', '\r']));
    trailing
        .map(|(number, _)| file.fault(number, "remove the space at the end"))
        .collect()
}

/// Features choose which rooms are built in; only the root package knows about them.
pub(crate) fn feature_switch(file: &File) -> Vec<Fault> {
    let switch = |line: &str| line.contains("cfg") && line.contains(concat!("feature", " = \""));
    let lines = file
        .lines()
        .filter(|(_, line)| !file.path.starts_with("src/") && switch(line));
    let advice = "`cfg` on features belongs in the root package's `src/`: move the choice there";
    lines
        .map(|(number, _)| file.fault(number, advice))
        .collect()
}

/// Crates are folders and modules are files: their names are the parts of the path. A module
/// written inside a file is found by its line.
pub(crate) fn empty_name(file: &File) -> Vec<Fault> {
    let advice = |name: &str| format!("`{name}` says nothing: name it after what it holds");
    let parts = file
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".rs"));
    let named = parts.filter(|part| EMPTY_NAMES.contains(part));
    let declared = file.lines().filter_map(|(number, line)| {
        let (_, name) = line
            .split_once("mod ")
            .filter(|(before, _)| is_visibility(before))?;
        let name = name.trim_end_matches([';', '{', ' ']);
        EMPTY_NAMES
            .contains(&name)
            .then(|| file.fault(number, advice(name)))
    });
    named
        .map(|name| file.fault(1, advice(name)))
        .chain(declared)
        .collect()
}

pub(crate) fn machine_path(file: &File) -> Vec<Fault> {
    let tests_begin = file.tests_begin();
    let guilty = file.lines().filter_map(|(number, line)| {
        let scratch = (number < tests_begin).then_some(&SCRATCH);
        let found = MACHINE_PATHS
            .iter()
            .chain(scratch)
            .find(|path| holds_path(line, path))?;
        let advice = format!("`{found}` is one machine's folder: take it as an argument");
        Some(file.fault(number, advice))
    });
    guilty.collect()
}

/// Cargo writes the registry's canonical name into its own lock file, whatever it really asks.
pub(crate) fn registry_host(file: &File) -> Vec<Fault> {
    if file.name() == "Cargo.lock" {
        return Vec::new();
    }
    each(
        file,
        REGISTRIES,
        |line, host| line.contains(host),
        |host| format!("`{host}`: a registry is set on the machine, not in the project"),
    )
}

/// npm writes the address it downloaded from unless told `omit-lockfile-registry-resolved`.
pub(crate) fn resolved_host(file: &File) -> Vec<Fault> {
    let advice = "npm must run with `omit-lockfile-registry-resolved=true`: remove the address";
    let hosts = file
        .lines()
        .filter(|(_, line)| line.trim_start().starts_with("\"resolved\""));
    hosts
        .map(|(number, _)| file.fault(number, advice))
        .collect()
}

fn each<T>(
    file: &File,
    needles: &[T],
    is_in: impl Fn(&str, &T) -> bool,
    advice: impl Fn(&T) -> String,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, line) in file.lines() {
        let found = needles.iter().filter(|needle| is_in(line, needle));
        faults.extend(found.map(|needle| file.fault(number, advice(needle))));
    }
    faults
}

fn is_visibility(before: &str) -> bool {
    let before = before.trim();
    before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'))
}

fn holds_word(line: &str, word: &str) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let after = line
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

/// True where a path begins, not in the middle of a longer one or of an address.
fn holds_path(line: &str, path: &str) -> bool {
    let joins = |letter: char| letter.is_alphanumeric() || "_-./}~".contains(letter);
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(joins)
    })
}
