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
