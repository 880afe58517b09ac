//! What a browser says of itself, in the words by which its owner knows it: enough to tell one
//! session from another, nothing to be relied on.

use axum::http::{HeaderMap, header};
use veglia_words::Words;

/// The header, or nothing.
pub(crate) fn said(headers: &HeaderMap) -> &str {
    let said = headers.get(header::USER_AGENT);
    said.and_then(|said| said.to_str().ok()).unwrap_or_default()
}

/// "Firefox su Android"; the first word that fits counts, because browsers name their forerunners.
pub(crate) fn name(said: &str, w: Words) -> String {
    let first = |words: &[(&str, &'static str)]| {
        let found = words.iter().find(|(word, _)| said.contains(word));
        found.map(|(_, name)| *name)
    };
    let browser = first(&[
        ("Edg", "Edge"),
        ("Firefox", "Firefox"),
        ("Chrom", "Chrome"),
        ("Safari", "Safari"),
    ]);
    let system = first(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => w
            .with("browser-on", "browser", browser)
            .and("system", system)
            .to_string(),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => w.say("browser-unknown").into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use veglia_words::Language;

    use super::*;
    use crate::language::WORDS;

    #[test]
    fn a_browser_is_named_by_what_tells_it_from_others() {
        for (said, shown) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox su Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/129.0.0.0 Mobile Safari/537.36",
                "Chrome su Android",
            ),
            ("curl/8", "browser non riconosciuto"),
            ("<script>", "browser non riconosciuto"),
            ("", "browser non riconosciuto"),
        ] {
            assert_eq!(name(said, WORDS.speaking(Language::It)), shown);
        }
    }
}
