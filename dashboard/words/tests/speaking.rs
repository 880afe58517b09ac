//! Words are said in the language of whoever reads, with their plurals; and a word that is missing
//! is never nothing.

use askama::Template;
use veglia_wire::WallMs;
use veglia_words::{Key, Language, Pack, Words};

static WORDS: Pack = Pack::new(
    &["ward-title = Reparto
ward-waiting = { $n ->
    [one] { $n } paziente in attesa
   *[other] { $n } pazienti in attesa
}
ward-call = Chiamare il <strong>112</strong> per { $who }.
ward-only-italian = Solo qui
"],
    &["ward-title = Ward
ward-waiting = { $n ->
    [one] { $n } patient waiting
   *[other] { $n } patients waiting
}
ward-call = Call <strong>112</strong> for { $who }.
"],
);

#[derive(Template)]
#[template(
    source = r#"<h1>{{ w.say("ward-title") }}</h1>
{%- for n in counts %}
<p>{{ w.with("ward-waiting", "n", n) }}</p>
{%- endfor %}
<p>{{ w.with("ward-call", "who", who).markup() }}</p>
<p>{{ w.with("ward-call", "who", who) }}</p>
<p>{{ w.say(chosen) }} {{ w.language.hour(at) }}</p>"#,
    ext = "html"
)]
struct Page {
    w: Words,
    counts: Vec<usize>,
    who: String,
    chosen: Key,
    at: WallMs,
}

fn page(language: Language) -> String {
    let page = Page {
        w: WORDS.speaking(language),
        counts: vec![1, 2],
        who: "<Rossi>".to_owned(),
        chosen: Key("ward-title"),
        at: WallMs(1_605_963_900_000),
    };
    page.render().expect("what it says is all there")
}

#[test]
fn a_page_is_said_in_either_language_with_its_plurals_and_what_people_typed_is_escaped() {
    assert_eq!(
        page(Language::It),
        "<h1>Reparto</h1>\n<p>1 paziente in attesa</p>\n<p>2 pazienti in attesa</p>\n\
         <p>Chiamare il <strong>112</strong> per &lt;Rossi&gt;.</p>\n\
         <p>Chiamare il &#60;strong&#62;112&#60;/strong&#62; per &#60;Rossi&#62;.</p>\n\
         <p>Reparto 14:05</p>"
    );
    assert_eq!(
        page(Language::En),
        "<h1>Ward</h1>\n<p>1 patient waiting</p>\n<p>2 patients waiting</p>\n\
         <p>Call <strong>112</strong> for &lt;Rossi&gt;.</p>\n\
         <p>Call &#60;strong&#62;112&#60;/strong&#62; for &#60;Rossi&#62;.</p>\n\
         <p>Ward 14:05</p>"
    );
}

#[test]
fn a_missing_word_is_said_in_italian_or_by_its_key_and_never_left_out() {
    let w = WORDS.speaking(Language::En);
    assert_eq!(w.say("ward-only-italian"), "Solo qui");
    assert_eq!(w.say("ward-nowhere"), "⟦ward-nowhere⟧");
    assert_eq!(w.say("ward-call"), "Call <strong>112</strong> for {$who}.");
}

#[test]
fn the_choice_stands_before_the_browser_and_the_browser_before_italian() {
    let (en, it) = (Language::En, Language::It);
    for (chosen, accepted, wanted) in [
        (Some("en"), Some("it"), en),
        (Some("it"), Some("en"), it),
        (Some("fr"), Some("en-GB,it;q=0.5"), en),
        (None, Some("de, en-GB;q=0.7, it;q=0.9"), it),
        (None, Some("fr-FR,fr;q=0.9"), it),
        (None, Some("en;q=0, it;q=0"), it),
        (None, Some(";;q=,,"), it),
        (None, None, it),
    ] {
        assert_eq!(
            Language::wanted(chosen, accepted),
            wanted,
            "{chosen:?} {accepted:?}"
        );
    }
}

#[test]
fn dates_and_numbers_are_written_as_each_language_writes_them() {
    let at = WallMs(1_605_963_900_000);
    let next_day = at.plus_ms(86_400_000);
    let (en, it) = (Language::En, Language::It);
    assert_eq!(
        (it.day(at), en.day(at)),
        ("21/11/2020".into(), "21 Nov 2020".into())
    );
    assert_eq!(it.moment(at), "21/11/2020 14:05");
    assert_eq!(en.moment(at), "21 Nov 2020 14:05");
    assert_eq!(it.hour_of(at, at), "14:05");
    assert_eq!(it.hour_of(at, next_day), "21/11 14:05");
    assert_eq!(en.hour_of(at, next_day), "21 Nov 14:05");
    assert_eq!(
        (it.decimal(36.75, 1), en.decimal(36.75, 1)),
        ("36,8".into(), "36.8".into())
    );
}
