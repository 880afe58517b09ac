//! The documentation is held to the program: every command line in it parses, every command is in
//! it, and the rooms it names are the rooms there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest a map may be that somebody reads to its end.
const README_LINES: usize = 300;

/// How the program is called by somebody who has built nothing yet.
const THROUGH_CARGO: &str = "cargo run --release -- ";

#[test]
fn every_command_line_in_the_documentation_is_one_of_the_program() {
    let mut faults = Vec::new();
    let mut checked = 0;
    for document in documents() {
        let text = read(&document);
        for line in command_lines(&text) {
            checked += 1;
            let missing = unknown(&line);
            faults.extend(missing.map(|what| format!("{}: {line}: {what}", document.display())));
        }
    }
    assert!(checked > 0, "the documentation shows no command at all");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = read(Path::new("README.md"));
    let shown: Vec<String> = command_lines(&readme);
    let mut leaves = Vec::new();
    walk(&[], &mut leaves);
    let is_missing = |leaf: &&String| {
        let begins = |line: &String| line == *leaf || line.starts_with(&format!("{leaf} "));
        !shown.iter().any(begins)
    };
    let missing: Vec<&String> = leaves.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "README.md does not show {missing:?}");
}

#[test]
fn the_rooms_of_the_readme_are_the_members_of_the_workspace() {
    let manifest: toml::Table = toml::from_str(&read(Path::new("Cargo.toml"))).unwrap();
    let members = manifest["workspace"]["members"].as_array().unwrap();
    let members: BTreeSet<&str> = members.iter().filter_map(|it| it.as_str()).collect();
    let readme = read(Path::new("README.md"));
    let section = readme.split("\n## ").find(|it| it.starts_with("Rooms"));
    let rows = section.expect("README.md has a section Rooms").lines();
    let rooms = rows.filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rooms: BTreeSet<&str> = rooms.filter(|room| *room != "src").collect();
    assert_eq!(rooms, members);
}

#[test]
fn the_readme_is_not_too_long_to_be_read() {
    let lines = read(Path::new("README.md")).lines().count();
    assert!(
        lines <= README_LINES,
        "README.md has {lines} lines, of {README_LINES}"
    );
}

fn documents() -> Vec<PathBuf> {
    let mut documents = vec![PathBuf::from("README.md")];
    let docs = fs::read_dir(root().join("docs")).expect("there are documents");
    let docs =
        docs.map(|file| PathBuf::from("docs").join(file.expect("it can be listed").file_name()));
    documents.extend(docs.filter(|file| file.extension().is_some_and(|it| it == "md")));
    documents
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(document: &Path) -> String {
    fs::read_to_string(root().join(document)).expect("a document can be read")
}

/// Calls of the program, in fenced blocks and in backticks, each from `veglia` on.
fn command_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let spans: Vec<&str> = match fenced {
            true => vec![line],
            false => line.split('`').skip(1).step_by(2).collect(),
        };
        lines.extend(spans.into_iter().filter_map(call));
    }
    lines
}

/// A call without what the shell does around it.
fn call(line: &str) -> Option<String> {
    let line = line.trim().trim_start_matches("$ ");
    let line = line
        .rsplit(" | ")
        .find(|part| is_call(part))
        .unwrap_or(line);
    if !is_call(line) {
        return None;
    }
    let line = line.replace(THROUGH_CARGO, "veglia ");
    let until = line.find(" #").or(line.find(" >")).unwrap_or(line.len());
    Some(
        line[..until]
            .trim_end_matches([' ', '&', '\\', '…'])
            .to_owned(),
    )
}

fn is_call(line: &str) -> bool {
    line.starts_with("veglia ") || line.starts_with(THROUGH_CARGO)
}

/// What of a call the program does not know.
fn unknown(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    let mut path: Vec<&str> = Vec::new();
    let mut below = commands(&help(&path));
    for word in &words {
        if below.iter().any(|name| name == word) {
            path.push(word);
            below = commands(&help(&path));
        } else if path.is_empty() && !word.starts_with('-') {
            return Some(format!("there is no command {word}"));
        }
    }
    let help = help(&path);
    if !below.is_empty() && !is_complete(&help) {
        return Some("it ends before the command does".into());
    }
    let known = |word: &&&str| !help.split([' ', ',', '\n']).any(|it| it == **word);
    let options = words.iter().filter(|word| word.starts_with("--"));
    options
        .filter(known)
        .map(|word| format!("there is no option {word}"))
        .next()
}

/// The program's own description of a command.
fn help(path: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_veglia"));
    let done = command
        .args(path)
        .arg("--help")
        .output()
        .expect("it can be started");
    assert!(done.status.success(), "{path:?}: {done:?}");
    String::from_utf8(done.stdout).expect("it says text")
}

/// The commands below one, as its description lists them.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = list.map_while(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !name.is_empty() && *name != "help");
    names.map(str::to_owned).collect()
}

/// Whether a command does something by itself although there are others below it.
fn is_complete(help: &str) -> bool {
    help.lines()
        .any(|line| line.starts_with("Usage:") && line.ends_with("[COMMAND]"))
}

/// Every command that does something by itself.
fn walk(path: &[&str], leaves: &mut Vec<String>) {
    let help = help(path);
    let below = commands(&help);
    if below.is_empty() || is_complete(&help) {
        leaves.push(format!("veglia {}", path.join(" ")));
    }
    for name in &below {
        walk(&[path, &[name]].concat(), leaves);
    }
}
