//! What a file of Fluent holds: its messages, with the variables and the tags of each.

use std::collections::BTreeSet;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser;

/// Tags that a word may hold.
const TAGS: [&str; 5] = ["strong", "em", "code", "br", "span"];

/// What a message needs, and what it is made of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) variables: BTreeSet<String>,
    pub(super) tags: BTreeSet<String>,
}

/// The messages of a text, and what is wrong with it.
pub(super) fn messages(text: &str) -> (Vec<(String, Message)>, Vec<String>) {
    let mut faults = Vec::new();
    let read = parser::parse(text).unwrap_or_else(|(read, errors)| {
        faults.extend(errors.iter().map(|error| {
            let before = text.get(..error.pos.start).unwrap_or_default();
            format!("line {}: {error}", before.lines().count())
        }));
        read
    });
    let mut messages = Vec::new();
    for entry in read.body {
        let Entry::Message(it) = entry else { continue };
        let mut message = Message::default();
        match &it.value {
            Some(pattern) => walk(pattern, &mut message),
            None => faults.push(format!("{} says nothing", it.id.name)),
        }
        if !it.attributes.is_empty() {
            faults.push(format!("{} has attributes: give them keys", it.id.name));
        }
        let strange = message.tags.iter().filter(|tag| {
            let name = tag.trim_start_matches('/').split(' ').next();
            !name.is_some_and(|name| TAGS.contains(&name))
        });
        faults.extend(strange.map(|tag| format!("{} holds the tag <{tag}>", it.id.name)));
        messages.push((it.id.name.to_owned(), message));
    }
    (messages, faults)
}

fn walk(pattern: &Pattern<&str>, message: &mut Message) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => message.tags.extend(tags(value)),
            PatternElement::Placeable { expression } => expressed(expression, message),
        }
    }
}

fn expressed(expression: &Expression<&str>, message: &mut Message) {
    match expression {
        Expression::Inline(inline) => needed(inline, message),
        Expression::Select { selector, variants } => {
            needed(selector, message);
            for variant in variants {
                walk(&variant.value, message);
            }
        }
    }
}

fn needed(inline: &InlineExpression<&str>, message: &mut Message) {
    match inline {
        InlineExpression::VariableReference { id } => {
            message.variables.insert(id.name.to_owned());
        }
        InlineExpression::Placeable { expression } => expressed(expression, message),
        _ => {}
    }
}

fn tags(text: &str) -> Vec<String> {
    let after = text.split('<').skip(1);
    let inside = after.filter_map(|rest| rest.split_once('>'));
    inside.map(|(tag, _)| tag.to_owned()).collect()
}
