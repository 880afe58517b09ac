//! The proof of a room finds each way in which a word can be missing.

use std::fs;

use veglia_words::{Pack, proof};

const IT: &str = "title = Reparto
count = { $n } pazienti
call = Chiamare il <strong>112</strong>
unsaid = Nessuno mi dice
";
const EN: &str = "title = Ward
count = { $number } patients
call = Call 112
foreign = Nobody here
";

static WORDS: Pack = Pack::new(&[IT], &[EN]);

#[test]
fn each_way_of_missing_a_word_is_named_with_its_place() {
    let room = tempfile::tempdir().unwrap();
    let root = room.path();
    for folder in ["words/it", "words/en", "templates/part", "src/tests"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    let write = |path: &str, text: &str| fs::write(root.join(path), text).unwrap();
    write("words/it/room.ftl", IT);
    write("words/en/room.ftl", EN);
    write("words/en/other.ftl", "title = Other\n");
    write(
        "templates/page.html",
        "<h1 title=\"{{ w.say(\"title\") }}\">{{ w.say(\"absent\") }}</h1>\n<p\n  class=\"a\">\
         {{ w.say(\"count\") }}</p>\n<p>{{ w.with(\"count\", \"m\", m) }} 112 bpm</p>\n\
         <p>Ciao {{ name }}</p>\n<img alt=\"Una foto\" src=\"x\">{{ w.markup(\"call\") }}\n",
    );
    write("templates/part/old.html", "<p>Parole</p>\n");
    write(
        "templates/part/done.html",
        "<p>{{ w.say(\"title\") }}</p>\n",
    );
    write("src/lib.rs", "fn key() -> Key {\n    Key(\"lost\")\n}\n");
    write("src/tests/words.rs", "Key(\"of-a-test\")\n");

    let found = proof::of_room(
        &root.display().to_string(),
        &WORDS,
        &["part/old.html", "part/done.html", "gone.html"],
    );
    let expected = [
        "words/en/other.ftl: it is not in the pack",
        "call: tags {\"/strong\", \"strong\"} in Italian, {} in English",
        "count: variables {\"n\"} in Italian, {\"number\"} in English",
        "unsaid: not in English",
        "foreign: not in Italian",
        "templates/page.html:1: absent is in no catalogue",
        "templates/page.html:3: count needs {\"n\"}",
        "templates/page.html:4: count has no variable m",
        "src/lib.rs:2: lost is in no catalogue",
        "unsaid: nobody says it: remove it",
        "page.html:5: words in the template: Ciao",
        "page.html:6: words in the template: Una foto",
        "part/done.html: it holds no words: no longer an exception",
        "gone.html: there is no such template: no longer an exception",
    ];
    for fault in expected {
        assert!(found.contains(fault), "{fault}: not found in\n{found}");
    }
    assert_eq!(found.lines().count(), expected.len(), "{found}");
}

#[test]
fn a_room_whose_words_are_all_there_has_nothing_to_mend() {
    static WHOLE: Pack = Pack::new(&["title = Reparto\n"], &["title = Ward\n"]);
    let room = tempfile::tempdir().unwrap();
    let root = room.path();
    fs::create_dir_all(root.join("templates")).unwrap();
    let page =
        "{# a comment #}<code>veglia ca init</code><p class=\"x\">{{ w.say(\"title\") }}</p>\n";
    fs::write(root.join("templates/page.html"), page).unwrap();
    assert_eq!(proof::of_room(&root.display().to_string(), &WHOLE, &[]), "");
}
