//! Addresses and what they show.

use super::*;

fn query(text: &str) -> WardQuery {
    let mut query = WardQuery::default();
    for (name, value) in text.split('&').filter_map(|it| it.split_once('=')) {
        let field = match name {
            "corsia" => &mut query.corsia,
            "gravita" => &mut query.gravita,
            "carico" => &mut query.carico,
            "mmg" => &mut query.mmg,
            "zona" => &mut query.zona,
            "cerca" => &mut query.cerca,
            _ => &mut query.pagina,
        };
        value.clone_into(field);
    }
    query
}

fn filter(text: &str) -> Filter {
    Filter::new(&query(text), "staff:7")
}

#[test]
fn a_view_is_its_address() {
    for address in [
        "corsia=clinici&gravita=rosso&carico=nessuno&mmg=3&cerca=rossi&pagina=2",
        "mmg=3&zona=Genova&cerca=rossi",
        "carico=me",
        "corsia=tecnici",
    ] {
        assert_eq!(filter(address).address(), format!("?{address}"));
    }
    assert_eq!(
        filter("cerca=d'Amico à").address(),
        "?cerca=d%27Amico%20%C3%A0"
    );
    assert_eq!(filter("").address(), "");
}

#[test]
fn what_is_not_understood_leaves_nobody_out() {
    for address in [
        "corsia=verde",
        "gravita=3",
        "carico=tutti",
        "mmg=Bianchi",
        "pagina=0",
        "pagina=-1",
        "cerca=   ",
    ] {
        assert!(filter(address).is_everybody(), "{address}");
    }
    assert_eq!(filter("pagina=100000").leaf, PAGES_MAX - 1);
    assert!(filter("pagina=3").leaves_nobody_out());
}

#[test]
fn my_alarms_are_those_of_whoever_asks() {
    let mine = filter("carico=me");
    assert_eq!(mine.charge, Charge::Held("staff:7".to_owned()));
    assert!(!mine.leaves_nobody_out());
}

#[test]
fn a_number_is_found_by_any_of_its_digits_and_by_nothing_else() {
    for number in [0, 1, 0x00ff_12ab, 0x221d_2dde_037c_f332, u64::MAX] {
        let written = format!("{number:016x}");
        for word in [
            "",
            "0",
            "f",
            "00",
            "12a",
            "f332",
            "221d2dde037cf332",
            "x",
            "7z",
            "+1",
            "0221d2dde037cf332",
        ] {
            let is_in = !word.is_empty() && written.contains(word);
            assert_eq!(has_digits(number, word), is_in, "{word} in {written}");
        }
    }
}
