//! The proof, for the tests of a room, that no word of it is missing.
//!
//! It reads the room's folder as it lies on the disk: `words/{it,en}/*.ftl` (of the shell, beside
//! which this crate is `words`, `src/words`), `templates` and `src`, tests left out. Keys are found
//! as they are written: in `.say("…")`, `.with("…", "…"`, `.markup("…")` and `Key("…")`. A key that
//! is put together from parts would not be found: there are none.

mod catalogue;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use catalogue::Message;
use source::Said;

use crate::{Language, Pack};

/// What is to be mended in a room, a line each; nothing when every word is there.
///
/// `folder` is the room's (`env!("CARGO_MANIFEST_DIR")`); `italian` names the templates, below
/// `templates`, that hold their Italian words still.
#[must_use]
pub fn of_room(folder: &str, pack: &'static Pack, italian: &[&str]) -> String {
    let folder = Path::new(folder);
    let mut faults = Vec::new();
    let it = read(folder, pack, Language::It, &mut faults);
    let en = read(folder, pack, Language::En, &mut faults);
    faults.extend(differences(&it, &en));

    let templates = files(&folder.join("templates"), "html");
    let sources = files(&folder.join("src"), "rs");
    let mut literals = BTreeSet::new();
    for file in templates.iter().chain(&sources) {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(fault) => {
                faults.push(format!("{}: {fault}", file.display()));
                continue;
            }
        };
        let text = if templates.contains(file) {
            text
        } else {
            source::without_tests(&text).to_owned()
        };
        let name = file.strip_prefix(folder).unwrap_or(file).display();
        for (line, said) in source::said(&text) {
            faults.extend(unsaid(&it, &said).map(|fault| format!("{name}:{line}: {fault}")));
        }
        literals.extend(source::literals(&text));
    }
    faults.extend(
        it.keys()
            .filter(|key| !literals.contains(*key))
            .map(|key| format!("{key}: nobody says it: remove it")),
    );
    faults.extend(raw(folder, &templates, italian));
    faults.join("\n")
}

/// The messages of one language, after a look at whether the pack is what the folder holds.
fn read(
    folder: &Path,
    pack: &'static Pack,
    language: Language,
    faults: &mut Vec<String>,
) -> BTreeMap<String, Message> {
    let texts = pack.of(language).texts;
    let folders = ["words", "src/words"].map(|it| folder.join(it).join(language.tag()));
    for file in folders.iter().flat_map(|it| files(it, "ftl")) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        if !texts.contains(&text.as_str()) {
            faults.push(format!("{}: it is not in the pack", file.display()));
        }
    }
    let mut messages = BTreeMap::new();
    for text in texts {
        let (read, amiss) = catalogue::messages(text);
        let said = |fault| format!("words/{language}: {fault}");
        faults.extend(amiss.into_iter().map(said));
        for (key, message) in read {
            if messages.insert(key.clone(), message).is_some() {
                faults.push(format!("words/{language}: {key} stands there twice"));
            }
        }
    }
    messages
}

fn differences(it: &BTreeMap<String, Message>, en: &BTreeMap<String, Message>) -> Vec<String> {
    let mut faults = Vec::new();
    for (key, message) in it {
        match en.get(key) {
            None => faults.push(format!("{key}: not in English")),
            Some(other) if other.variables != message.variables => faults.push(format!(
                "{key}: variables {:?} in Italian, {:?} in English",
                message.variables, other.variables
            )),
            Some(other) if other.tags != message.tags => faults.push(format!(
                "{key}: tags {:?} in Italian, {:?} in English",
                message.tags, other.tags
            )),
            Some(_) => {}
        }
    }
    let only = en.keys().filter(|key| !it.contains_key(*key));
    faults.extend(only.map(|key| format!("{key}: not in Italian")));
    faults
}

/// What is wrong with saying a key so.
fn unsaid(it: &BTreeMap<String, Message>, said: &Said) -> Option<String> {
    let (key, variable, is_whole) = match said {
        Said::Alone(key) => (key, None, true),
        Said::With(key, variable) => (key, Some(variable), true),
        Said::Chosen(key) => (key, None, false),
    };
    let Some(message) = it.get(key) else {
        return Some(format!("{key} is in no catalogue"));
    };
    match variable {
        Some(variable) if !message.variables.contains(variable) => {
            Some(format!("{key} has no variable {variable}"))
        }
        None if is_whole && !message.variables.is_empty() => {
            Some(format!("{key} needs {:?}", message.variables))
        }
        _ => None,
    }
}

/// Words that stand in templates; and templates that were converted and are still excused.
fn raw(folder: &Path, templates: &[PathBuf], italian: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    let root = folder.join("templates");
    for file in templates {
        let text = fs::read_to_string(file).unwrap_or_default();
        let name = file.strip_prefix(&root).unwrap_or(file);
        let is_excused = italian.iter().any(|it| Path::new(it) == name);
        let found = source::raw(&text);
        let name = name.display();
        if is_excused && found.is_empty() {
            faults.push(format!("{name}: it holds no words: no longer an exception"));
        }
        if !is_excused {
            let said = |(line, words)| format!("{name}:{line}: words in the template: {words}");
            faults.extend(found.into_iter().map(said));
        }
    }
    let is_gone = |it: &&&str| !templates.contains(&root.join(it));
    faults.extend(
        italian
            .iter()
            .filter(is_gone)
            .map(|it| format!("{it}: there is no such template: no longer an exception")),
    );
    faults
}

/// The files below a folder with this ending, in order; tests left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let stem = path.file_stem().and_then(|it| it.to_str());
        if stem == Some("tests") {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}
