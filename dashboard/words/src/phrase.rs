//! Sentences with variables, and sentences with tags.

use std::borrow::Cow;
use std::fmt;

use askama::filters::HtmlSafe;
use fluent_bundle::{FluentArgs, FluentValue};

use crate::Words;

/// What can stand in a sentence: a text, or a whole number, which chooses the plural. Other numbers
/// and dates are written by [`crate::Language`] first.
pub trait Value {
    /// As Fluent takes it.
    fn value(&self) -> FluentValue<'static>;
}

impl<T: Value + ?Sized> Value for &T {
    fn value(&self) -> FluentValue<'static> {
        (**self).value()
    }
}

impl Value for str {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_owned())
    }
}

impl Value for String {
    fn value(&self) -> FluentValue<'static> {
        self.as_str().value()
    }
}

impl Value for Cow<'_, str> {
    fn value(&self) -> FluentValue<'static> {
        self.as_ref().value()
    }
}

impl Value for Phrase {
    fn value(&self) -> FluentValue<'static> {
        FluentValue::from(self.to_string())
    }
}

macro_rules! whole {
    ($($kind:ty),*) => {
        $(impl Value for $kind {
            fn value(&self) -> FluentValue<'static> {
                FluentValue::from(*self)
            }
        })*
    };
}

whole!(i32, i64, u8, u16, u32, u64, usize);

/// A sentence with its variables.
#[derive(Debug)]
pub struct Phrase {
    words: Words,
    key: String,
    args: FluentArgs<'static>,
}

impl Phrase {
    pub(crate) fn new(words: Words, key: &str, name: &'static str, value: &impl Value) -> Self {
        let mut args = FluentArgs::with_capacity(1);
        args.set(name, value.value());
        Self {
            words,
            key: key.to_owned(),
            args,
        }
    }

    /// With one variable more.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: impl Value) -> Self {
        self.args.set(name, value.value());
        self
    }

    /// With the tags that stand in the catalogue; what the variables hold is escaped.
    #[must_use]
    pub fn markup(self) -> Markup {
        let mut escaped = FluentArgs::new();
        for (name, value) in self.args {
            match value {
                FluentValue::String(text) => escaped.set(name, escape(&text)),
                other => escaped.set(name, other),
            }
        }
        Markup(say(self.words, &self.key, &escaped))
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&say(self.words, &self.key, &self.args))
    }
}

fn say(words: Words, key: &str, args: &FluentArgs<'_>) -> Cow<'static, str> {
    words.pack.say(words.language, key, Some(args))
}

/// As in text of HTML and between quotes of an attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A sentence of a catalogue with tags: `strong`, `em`, `code`, `br`, and `span` with `lang`. It is
/// not escaped again.
#[derive(Debug)]
pub struct Markup(pub(crate) Cow<'static, str>);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}
