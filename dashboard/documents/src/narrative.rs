//! What a person reads: Italian XHTML, escaped, within what FHIR allows in a narrative.
//!
//! The printed page shows these same texts, so that paper and file cannot say different things.

use std::fmt::Write;

/// A `div` under way.
pub(crate) struct Xhtml(String);

impl Xhtml {
    pub(crate) fn new() -> Self {
        let div = r#"<div xmlns="http://www.w3.org/1999/xhtml" lang="it" xml:lang="it">"#;
        Self(div.to_owned())
    }

    pub(crate) fn paragraph(mut self, text: &str) -> Self {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.element("p", line);
        }
        self
    }

    /// In bold: what must not be overlooked.
    pub(crate) fn warning(mut self, text: &str) -> Self {
        self.0.push_str("<p>");
        self.element("b", text);
        self.0.push_str("</p>");
        self
    }

    /// A list; nothing for none.
    pub(crate) fn list<T: AsRef<str>>(mut self, lines: &[T]) -> Self {
        if !lines.is_empty() {
            self.0.push_str("<ul>");
            for line in lines {
                self.element("li", line.as_ref());
            }
            self.0.push_str("</ul>");
        }
        self
    }

    /// A table with a caption; nothing without rows.
    pub(crate) fn table<const N: usize>(
        mut self,
        caption: &str,
        heads: [&str; N],
        rows: &[[String; N]],
    ) -> Self {
        if rows.is_empty() {
            return self;
        }
        self.0.push_str("<table>");
        self.element("caption", caption);
        self.0.push_str("<thead><tr>");
        for head in heads {
            self.element("th", head);
        }
        self.0.push_str("</tr></thead><tbody>");
        for row in rows {
            self.0.push_str("<tr>");
            for cell in row {
                self.element("td", cell);
            }
            self.0.push_str("</tr>");
        }
        self.0.push_str("</tbody></table>");
        self
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push_str("</div>");
        self.0
    }

    fn element(&mut self, name: &str, text: &str) {
        // Writing into a text does not fail.
        write!(self.0, "<{name}>{}</{name}>", escaped(text)).unwrap_or_default();
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no way to say them.
            letter if letter.is_control() && !matches!(letter, '\n' | '\t') => {}
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_typed_stays_text() {
        let div = Xhtml::new()
            .paragraph("a < b & \"c\"\u{7}\n\n<script>")
            .list(&["<i>"])
            .end();
        assert!(
            div.contains("<p>a &lt; b &amp; &quot;c&quot;</p><p>&lt;script&gt;</p>"),
            "{div}"
        );
        assert!(div.ends_with("<ul><li>&lt;i&gt;</li></ul></div>"), "{div}");
    }
}
