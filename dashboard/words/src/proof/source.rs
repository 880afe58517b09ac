//! Which keys a template or a file of Rust says, and which words a template holds itself.

use std::collections::BTreeSet;

/// Names and signs that are the same in every language.
const NEUTRAL: &[&str] = &[
    "112", "ASST", "ATS", "BLE", "C", "CSV", "HR", "IP", "MAC", "MMG", "MQTT", "NEWS", "NEWS2",
    "PDF", "PR", "QR", "SMS", "SpO", "SpO2", "USB", "Veglia", "bpm", "h", "min", "veglia",
];

/// Attributes whose values people read.
const READ: [&str; 5] = [
    "alt",
    "aria-label",
    "placeholder",
    "title",
    "aria-description",
];

/// A key, as it is said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Without variables.
    Alone(String),
    /// With this one, at least.
    With(String, String),
    /// Named here, said elsewhere.
    Chosen(String),
}

/// A file of Rust up to its tests.
pub(super) fn without_tests(text: &str) -> &str {
    let tests = text.find("#[cfg(test)]\nmod tests {");
    text.get(..tests.unwrap_or(text.len())).unwrap_or(text)
}

/// Each key that is said, with its line.
pub(super) fn said(text: &str) -> Vec<(usize, Said)> {
    let mut found = Vec::new();
    for (call, is_chosen) in [("say(", false), ("markup(", false), ("Key(", true)] {
        for (at, key, _) in calls(text, call) {
            let said = if is_chosen {
                Said::Chosen(key)
            } else {
                Said::Alone(key)
            };
            found.push((at, said));
        }
    }
    for (at, key, rest) in calls(text, "with(") {
        let variable = rest.trim_start().strip_prefix(',').map(str::trim_start);
        if let Some((variable, _)) = variable.and_then(quoted) {
            found.push((at, Said::With(key, variable.to_owned())));
        }
    }
    let line = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    found
        .into_iter()
        .map(|(at, said)| (line(at), said))
        .collect()
}

/// Calls of a method, or makings of a value, whose first argument is a key between quotes: where,
/// the key, and what follows.
fn calls<'a>(text: &'a str, call: &'a str) -> impl Iterator<Item = (usize, String, &'a str)> {
    text.match_indices(call).filter_map(move |(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        let is_method = before == Some('.');
        let is_value = call.starts_with('K') && !before.is_some_and(char::is_alphanumeric);
        let (key, rest) = quoted(text.get(at + call.len()..)?.trim_start())?;
        let is_key = key.chars().all(is_of_key) && !key.is_empty();
        (is_key && (is_method || is_value)).then(|| (at, key.to_owned(), rest))
    })
}

fn is_of_key(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// What stands between the quotes with which a text begins, and what follows them.
fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}

/// Everything between quotes that could be a key.
pub(super) fn literals(text: &str) -> BTreeSet<String> {
    let parts = text.split('"').filter(|it| it.chars().all(is_of_key));
    parts.map(str::to_owned).collect()
}

/// Words of a template that people would read, with their lines.
pub(super) fn raw(text: &str) -> Vec<(usize, String)> {
    let text = without_code(text);
    let mut pieces = Vec::new();
    for (at, part) in parts(&text, '<') {
        // What stands before the first tag has none.
        let (tag, after) = if at == 0 {
            ("", part)
        } else {
            part.split_once('>').unwrap_or((part, ""))
        };
        pieces.extend(
            READ.iter()
                .filter_map(|name| Some((at, attribute(tag, name)?))),
        );
        // What is typed into a terminal, and a key, is the same in every language.
        if !["code", "kbd"].contains(&tag.split(' ').next().unwrap_or_default()) {
            pieces.push((at + part.len() - after.len(), after));
        }
    }
    let mut found = Vec::new();
    for (at, piece) in pieces {
        let blank = piece.len() - piece.trim_start().len();
        let line = text
            .get(..at + blank)
            .unwrap_or_default()
            .matches('\n')
            .count()
            + 1;
        if piece.split(|c: char| !c.is_alphanumeric()).any(is_word) {
            found.push((line, piece.trim().to_owned()));
        }
    }
    found
}

/// The parts between separators, each with where it begins.
fn parts(text: &str, separator: char) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(separator).map(move |part| {
        let begins = at;
        at += part.len() + separator.len_utf8();
        (begins, part)
    })
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphabetic) && !NEUTRAL.contains(&word)
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let opening = format!(" {name}=\"");
    let (_, value) = tag.split_once(&opening)?;
    value.split('"').next()
}

/// The template without its expressions, and with entities read as signs; lines stay lines.
fn without_code(text: &str) -> String {
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let next = ["{{", "{%", "{#", "<!"].iter().filter_map(|it| {
            let at = rest.find(it)?;
            Some((at, *it))
        });
        let Some((at, opening)) = next.min() else {
            left.push_str(rest);
            return entities_gone(&left);
        };
        let closing = match opening {
            "{{" => "}}",
            "{%" => "%}",
            "{#" => "#}",
            _ => ">",
        };
        let (before, code) = rest.split_at(at);
        left.push_str(before);
        let (code, after) = code.split_once(closing).unwrap_or((code, ""));
        left.extend(code.chars().filter(|c| *c == '\n'));
        rest = after;
    }
}

fn entities_gone(text: &str) -> String {
    [
        "&amp;", "&nbsp;", "&lt;", "&gt;", "&quot;", "&middot;", "&times;",
    ]
    .iter()
    .fold(text.to_owned(), |text, entity| text.replace(entity, " "))
}
