//! Taking over from each other, against a real record: who is proposed, what is written and by whom
//! it is acknowledged, whose charge passes; and the night, there and back.

// req: B17, G8

mod board;
mod house;
mod night;
mod overdue;

use veglia_diary::{ActKind, CallOutcome, Whom, Written as Entry, diary_of, open_flags_of};
use veglia_diary::{record_call, snooze, take_charge};
use veglia_handover::{
    Acknowledged, HandedPage, Kind, Promise, Why, Written, acknowledge, waiting,
};
use veglia_people::staff::Staff;
use veglia_store::Actor;
use veglia_view::{PatientId, VitalKind, WallMs};
use veglia_words::Language;

use house::{HOUR_MS, House, MINUTE_MS, NOW, number, of, text};

const SHIFT: &[Kind] = &[Kind::Shift];

/// Five past two: the afternoon is here, and who had charge still has it.
const AFTER: WallMs = WallMs(NOW.0 + 25 * MINUTE_MS);

async fn holder(house: &House, patient: PatientId) -> Option<String> {
    let actor = Actor::System("test");
    let open = open_flags_of(&house.record, &actor, patient).await;
    let open = open.expect("the record answers");
    let alert = open.into_iter().find_map(|it| it.alert)?;
    alert.state.hold.map(|hold| hold.by)
}

async fn takes(house: &House, who: &Staff, id: i64, fields: &[String]) -> Acknowledged {
    let fields = fields.iter().map(|name| (name.clone(), "1".to_owned()));
    let form = fields.collect::<std::collections::BTreeMap<_, _>>().into();
    let done = acknowledge(house.desk(who, AFTER), SHIFT, id, &form).await;
    done.expect("the record answers")
}

async fn handed(house: &House, who: &Staff, id: i64) -> String {
    let page = HandedPage::load(house.desk(who, AFTER), SHIFT, id).await;
    let page = page.expect("the record answers");
    text(&page.expect("it is in the book"))
}

#[tokio::test]
async fn the_page_proposes_who_matters_with_what_is_known_filled_in() {
    let mut house = House::new().await;
    house.writes_sheet().await;
    let flag = house.raises_a_red(house.maria, NOW).await;
    let (record, anna) = (&house.record, house.anna.actor());
    let call = (Whom::Patient, CallOutcome::NoAnswer);
    let called = record_call(record, &anna, &flag, call, "", NOW).await;
    called.unwrap();
    let vital = VitalKind::SpO2;
    house
        .view
        .measured(house.maria, vital, 880, NOW.plus_ms(-2 * HOUR_MS));
    let at = NOW.plus_ms(HOUR_MS);
    let patient = house.luca;
    house.promised.push(Promise { patient, at });
    let page = text(&house.page(&house.anna, Kind::Shift, NOW).await);
    for said in [
        "Cambio turno del 20/11/2020 14:00: dal turno di mattina al turno di pomeriggio.",
        "Rosso Rossi Maria",
        "SpO₂ 88\u{a0}% dalle 13:39",
        "In carico a Ferri Anna",
        "Irraggiungibile: una telefonata senza risposta, alle 13:40",
        "Terapia: eparina",
        "Allergie: penicillina",
        "Malattie: non registrato",
        "Ossigeno a casa: 2 L/min di notte",
        "Piano di monitoraggio: SpO₂",
        "SpO₂ 88\u{a0}% alle 11:40 (2 h fa), dispositivo",
        "telefonata Paziente: non risponde (Ferri Anna)",
        "Cedo il mio carico a chi conferma",
        "Bianchi Luca",
        "Promesso: richiamare alle 14:40",
    ] {
        let said = said.replace('\u{a0}', " ");
        assert!(
            page.replace('\u{a0}', " ").contains(&said),
            "{said}: {page}"
        );
    }
    assert!(
        page.find("Rossi Maria") < page.find("Bianchi Luca"),
        "the gravest first"
    );
    assert!(
        !page.contains("via Larga"),
        "nobody of the centre goes there"
    );
    for patient in [house.maria, house.luca] {
        let logged = house.accesses(patient).await;
        let look = (anna.to_string(), "patient.handover".to_owned());
        assert_eq!(logged, [look]);
    }
}

#[tokio::test]
async fn whoever_takes_over_acknowledges_by_name_and_the_charge_passes_in_the_same_press() {
    let house = House::new().await;
    let flag = house.raises_a_red(house.maria, NOW).await;
    let (record, anna, bruno) = (&house.record, house.anna.actor(), house.bruno.actor());
    take_charge(record, &anna, &flag, NOW).await.unwrap();
    house
        .raises_a_red(house.luca, NOW.plus_ms(-5 * MINUTE_MS))
        .await;
    let fields = [
        (of("in", house.maria), "1"),
        (
            of("words", house.maria),
            "Risentirla alle 15,\r\npoi il medico",
        ),
        (of("offer", house.maria), "1"),
        (of("in", house.luca), "1"),
        ("words".to_owned(), "La stampante è guasta"),
    ];
    let written = house.sends(&house.anna, Kind::Shift, NOW, &fields).await;
    let id = number(written);
    let system = Actor::System("test");
    let ward = waiting(record, &system, AFTER, Language::It).await.unwrap();
    assert_eq!(
        ward,
        [
            "Consegne delle 14:00, scritte da Ferri Anna alle 13:40: nessuno le ha ancora \
          confermate. Vedere la pagina Consegne."
        ]
    );
    let page = handed(&house, &house.bruno, id).await;
    for said in [
        "Non ancora confermate",
        "Raccomandazione: Risentirla alle 15, poi il medico",
        "La stampante è guasta",
        "Adesso in carico a: Ferri Anna Lo prendo in carico io Rossi Maria",
        "Adesso in carico a: nessuno Lo prendo in carico io Bianchi Luca",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }

    // Nobody takes over from themselves.
    let own = takes(&house, &house.anna, id, &[]).await;
    let Acknowledged::Told(own) = own else {
        panic!("it is refused");
    };
    assert!(text(own.as_ref()).contains("non chi le ha scritte"));

    let both = [of("take", house.maria), of("take", house.luca)];
    let done = takes(&house, &house.bruno, id, &both).await;
    assert!(matches!(done, Acknowledged::Done(_)));
    for patient in [house.maria, house.luca] {
        assert_eq!(holder(&house, patient).await, Some(bruno.to_string()));
    }
    let page = handed(&house, &house.anna, id).await;
    assert!(
        page.contains("confermate da Verdi Bruno alle 14:05"),
        "{page}"
    );
    let ward = waiting(record, &system, AFTER, Language::It).await.unwrap();
    assert_eq!(ward, [""; 0]);
    // The diary says who gave it, and to whom.
    let ever = WallMs(0)..AFTER.plus_ms(1);
    let diary = diary_of(record, &system, house.maria, ever, 50)
        .await
        .unwrap();
    let given = diary.into_iter().find_map(|line| match line.what {
        Entry::Act(act) if matches!(act.kind, ActKind::HandedOver(_)) => Some(act),
        _ => None,
    });
    let given = given.unwrap();
    assert_eq!(given.by, anna.to_string());
    assert_eq!(given.kind, ActKind::HandedOver(house.bruno.id.get()));
    assert_eq!(given.words, "Con il passaggio di consegne.");
}

#[tokio::test]
async fn a_charge_that_was_not_offered_stays_whose_it_is_and_what_is_quiet_stays_quiet() {
    let house = House::new().await;
    let (record, anna) = (&house.record, house.anna.actor());
    let maria = house.raises_a_red(house.maria, NOW).await;
    take_charge(record, &anna, &maria, NOW).await.unwrap();
    let luca = house
        .raises_a_red(house.luca, NOW.plus_ms(-5 * MINUTE_MS))
        .await;
    let until = AFTER.plus_ms(-1);
    snooze(record, &anna, &luca, until, "dorme", NOW)
        .await
        .unwrap();
    let fields = [
        (of("in", house.maria), "1"),
        (of("in", house.luca), "1"),
        ("words".to_owned(), "Niente altro"),
    ];
    let id = number(house.sends(&house.anna, Kind::Shift, NOW, &fields).await);
    let page = handed(&house, &house.bruno, id).await;
    assert!(
        page.contains("la sospensione finisce nel prossimo turno"),
        "{page}"
    );
    assert!(!page.contains("Lo prendo in carico io Rossi"), "{page}");
    let both = [of("take", house.maria)];
    let done = takes(&house, &house.bruno, id, &both).await;
    assert!(matches!(done, Acknowledged::Done(_)));
    assert_eq!(holder(&house, house.maria).await, Some(anna.to_string()));
}

#[tokio::test]
async fn of_two_who_write_at_once_the_second_keeps_the_text_and_is_told_who_was_first() {
    let house = House::new().await;
    house.raises_a_red(house.maria, NOW).await;
    let fields = |words| {
        [
            (of("in", house.maria), "1"),
            (of("words", house.maria), words),
        ]
    };
    let (first, second) = (fields("La prima"), fields("La seconda"));
    let slow = house.form(&house.bruno, Kind::Shift, NOW, &second).await;
    let one = number(house.sends(&house.anna, Kind::Shift, NOW, &first).await);
    let refused = house
        .sends_form(&house.bruno, Kind::Shift, NOW, &slow)
        .await;
    let Written::Again(page, Why::Overtaken) = refused else {
        panic!("it is refused");
    };
    let page = text(page.as_ref());
    assert!(
        page.contains("Ferri Anna ha scritto la versione 1 alle 13:40"),
        "{page}"
    );
    assert!(
        page.contains("La seconda"),
        "what was typed is kept: {page}"
    );

    // Now he has read it: his is the next version, and hers stays.
    let two = number(house.sends(&house.bruno, Kind::Shift, NOW, &second).await);
    assert!(handed(&house, &house.anna, one).await.contains("La prima"));
    let old = takes(&house, &house.carla, one, &[]).await;
    assert!(
        matches!(old, Acknowledged::Told(_)),
        "a newer one is to be read"
    );
    let page = handed(&house, &house.anna, two).await;
    assert!(
        page.contains("versione 2") && page.contains("La seconda"),
        "{page}"
    );
    let listed = text(&house.page(&house.anna, Kind::Shift, NOW).await);
    assert!(listed.contains("versione 1") && listed.contains("versione 2"));
}

#[tokio::test]
async fn a_new_version_wants_to_be_acknowledged_again() {
    let house = House::new().await;
    let fields = [("words".to_owned(), "Turno tranquillo")];
    let one = number(house.sends(&house.anna, Kind::Shift, NOW, &fields).await);
    takes(&house, &house.bruno, one, &[]).await;
    let system = Actor::System("test");
    let ward = waiting(&house.record, &system, AFTER, Language::It).await;
    assert!(ward.unwrap().is_empty());
    number(house.sends(&house.anna, Kind::Shift, AFTER, &fields).await);
    let ward = waiting(&house.record, &system, AFTER, Language::En).await;
    let ward = ward.unwrap().join(" ");
    assert!(
        ward.starts_with("Handover of 14:00, written by Ferri Anna at 14:05"),
        "{ward}"
    );
}

#[tokio::test]
async fn a_red_that_came_up_while_the_page_was_open_is_shown_before_anything_is_written() {
    let house = House::new().await;
    let fields = [("words".to_owned(), "Turno tranquillo")];
    let form = house.form(&house.anna, Kind::Shift, NOW, &fields).await;
    house.raises_a_red(house.maria, NOW).await;
    let refused = house.sends_form(&house.anna, Kind::Shift, NOW, &form).await;
    let Written::Again(page, Why::Overtaken) = refused else {
        panic!("it is refused");
    };
    let page = text(page.as_ref());
    assert!(page.contains("Intanto è arrivato un rosso"), "{page}");
    assert!(
        page.contains("Rossi Maria") && page.contains("Turno tranquillo"),
        "{page}"
    );
}

#[tokio::test]
async fn a_page_of_another_handover_gives_what_was_typed_to_the_one_of_now() {
    let house = House::new().await;
    let fields = [("words".to_owned(), "Turno tranquillo")];
    let form = house.form(&house.anna, Kind::Shift, NOW, &fields).await;
    let later = NOW.plus_ms(13 * HOUR_MS);
    let refused = house
        .sends_form(&house.anna, Kind::Shift, later, &form)
        .await;
    let Written::Again(page, Why::Overtaken) = refused else {
        panic!("it is refused");
    };
    let page = text(page.as_ref());
    assert!(page.contains("di un altro passaggio"), "{page}");
    assert!(
        page.contains("21/11/2020 07:00") && page.contains("Turno tranquillo"),
        "{page}"
    );
}

#[tokio::test]
async fn somebody_else_is_added_by_name_and_nothing_typed_is_lost() {
    let house = House::new().await;
    for (sought, sentence) in [
        ("Verdi", "Nessun paziente seguito si chiama «Verdi»."),
        ("i", "Più pazienti: Bianchi Luca, Rossi Maria."),
    ] {
        let fields = [
            ("act".to_owned(), "add"),
            ("add".to_owned(), sought),
            ("words".to_owned(), "Intanto"),
        ];
        let asked = house.sends(&house.anna, Kind::Shift, NOW, &fields).await;
        let Written::Again(page, Why::Faulty) = asked else {
            panic!("nobody is added");
        };
        let page = text(page.as_ref());
        assert!(
            page.contains(sentence) && page.contains("Intanto"),
            "{page}"
        );
    }
    let fields = [("act".to_owned(), "add"), ("add".to_owned(), "bianchi")];
    let asked = house.sends(&house.anna, Kind::Shift, NOW, &fields).await;
    let Written::Again(page, Why::Asked) = asked else {
        panic!("he is added");
    };
    let page = text(page.as_ref());
    assert!(
        page.contains("Bianchi Luca") && page.contains("Aggiunto da chi scrive"),
        "{page}"
    );
    let fields = [
        (of("in", house.luca), "1"),
        (of("words", house.luca), "La moglie è preoccupata"),
    ];
    let id = number(house.sends(&house.anna, Kind::Shift, NOW, &fields).await);
    let page = handed(&house, &house.bruno, id).await;
    assert!(page.contains("La moglie è preoccupata"), "{page}");
}

#[tokio::test]
async fn what_cannot_be_taken_comes_back_with_a_sentence() {
    let house = House::new().await;
    let long = "è".repeat(2_001);
    for (words, sentence) in [("  ", "Scrivere almeno"), (long.as_str(), "2000 caratteri")] {
        let fields = [("words".to_owned(), words)];
        let refused = house.sends(&house.anna, Kind::Shift, NOW, &fields).await;
        let Written::Again(page, Why::Faulty) = refused else {
            panic!("it is refused");
        };
        let page = text(page.as_ref()).replace('.', "");
        assert!(page.contains(sentence), "{page}");
        assert!(page.contains(words.trim()), "what was typed is kept");
    }
}

#[tokio::test]
async fn the_same_handover_is_read_in_english() {
    let house = House::new().await;
    house.raises_a_red(house.maria, NOW).await;
    let fields = [
        (of("in", house.maria), "1"),
        (of("words", house.maria), "Rivederla"),
    ];
    let id = number(house.sends(&house.anna, Kind::Shift, NOW, &fields).await);
    let mut desk = house.desk(&house.bruno, AFTER);
    desk.language = Language::En;
    let page = HandedPage::load(desk, SHIFT, id).await.unwrap().unwrap();
    let page = text(&page).replace('\u{a0}', " ");
    for said in [
        "to the afternoon shift, version 1",
        "written by Ferri Anna at 13:40",
        "Recommendation: Rivederla",
        "SpO₂ 88 % since 13:39",
        "Nobody has charge",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
