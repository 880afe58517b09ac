//! Pages that show some, one, or nobody's name.

// req: G8

use askama::Template;
use veglia_people::PersonId;
use veglia_people::care::{self, Holder};
use veglia_view::Why;
use veglia_ward::{Filter, Link, WallPage, WardQuery};

use super::*;

/// What an address asks for.
fn through(ask: impl FnOnce(&mut WardQuery)) -> Filter {
    let mut query = WardQuery::default();
    ask(&mut query);
    Filter::new(&query, "staff:1")
}

/// Maria in danger, and ten who are well.
async fn with_maria_in_danger() -> House {
    let house = house().await;
    let board = house.view.board();
    for stranger in 0x10..0x1a {
        let calm = |row: &mut Row| row.measure(reading(974));
        let room = board.update(PatientId::new(stranger), calm);
        room.expect("the board has room");
    }
    let flag = OpenFlag {
        flag: low(house.maria),
        raised_at: WallMs(NOW),
        over: None,
    };
    let in_danger = |row: &mut Row| {
        row.measure(reading(870));
        row.flag(flag);
    };
    let room = board.update(house.maria, in_danger);
    room.expect("the board has room");
    Screen::open(&house.hub).until("SpO₂ 87").await;
    house
}

#[tokio::test]
async fn a_view_shows_whom_it_asks_for_and_says_who_waits_outside() {
    let house = with_maria_in_danger().await;
    for (filter, maria) in [
        (through(|ask| ask.corsia = "clinici".to_owned()), true),
        (through(|ask| ask.corsia = "calmi".to_owned()), false),
        (through(|ask| ask.gravita = "rosso".to_owned()), true),
        (through(|ask| ask.gravita = "giallo".to_owned()), false),
        (through(|ask| ask.carico = "nessuno".to_owned()), true),
        (through(|ask| ask.carico = "me".to_owned()), false),
        (through(|ask| ask.mmg = "1".to_owned()), false),
        (through(|ask| ask.zona = "Milano".to_owned()), true),
        (through(|ask| ask.zona = "Municipio 3".to_owned()), false),
        (through(|ask| ask.cerca = "ROSSI mar".to_owned()), true),
        (through(|ask| ask.cerca = "bianchi".to_owned()), false),
        (through(|ask| ask.cerca = "000019".to_owned()), false),
    ] {
        let page = rendered(&house.hub, &filter);
        let href = format!("href=\"/pazienti/{}\"", house.maria);
        assert_eq!(page.contains(&href), maria, "{filter:?}");
        let said = page.contains("Fuori da questa vista, non presi in carico: 1 rosso.");
        assert_eq!(said, !maria, "{filter:?}");
        assert!(page.contains("Vista parziale"), "{filter:?}");
    }
    let found = rendered(&house.hub, &through(|ask| ask.cerca = "000019".to_owned()));
    assert!(found.contains("n. …000019"), "a number is found too");
}

#[tokio::test]
async fn pages_of_different_views_hear_each_their_own() {
    let house = with_maria_in_danger().await;
    let calm = through(|ask| ask.corsia = "calmi".to_owned());
    let mut some = Screen::open_through(&house.hub, &calm);
    let opening = some.until("event: tick").await;
    assert!(
        opening.contains(
            r#"event: alarms
data: {"red":1,"#
        ),
        "{opening}"
    );
    assert!(opening.contains("0000000000000011"), "{opening}");
    assert!(
        !opening.contains("event: row\ndata: {\"patient\":\"".to_owned().as_str())
            || !opening.contains("SpO₂ 87"),
        "Maria's line is not for this page: {opening}"
    );
    // Somebody falls silent no more: the line comes to those who look at the calm.
    let board = house.view.board();
    board
        .update(PatientId::new(0x20), |row| row.measure(reading(961)))
        .unwrap();
    some.until("0000000000000020").await;
    // Maria recovers, and waits to be closed: nothing waits outside any more.
    board.update(house.maria, |row| row.flags.clear()).unwrap();
    let after = some.until(r#""red":0"#).await;
    assert!(after.contains(r#""outside":"""#), "{after}");
}

#[tokio::test]
async fn a_page_about_one_patient_hears_of_nobody_else() {
    let house = with_maria_in_danger().await;
    let calm = PatientId::new(0x11);
    let mut alone = Screen::open_through(&house.hub, &Filter::alone(calm));
    let mut heard = alone.until("event: tick").await;
    let board = house.view.board();
    board
        .update(house.maria, |row| row.measure(reading(850)))
        .unwrap();
    board.update(PatientId::new(0x21), |_| ()).unwrap();
    board
        .update(calm, |row| {
            row.measure(Latest {
                at: WallMs(NOW),
                ..reading(963)
            })
        })
        .unwrap();
    heard += &alone.until("96\u{a0}%").await;
    for other in [
        "Rossi",
        "event: order",
        "event: alarms",
        "event: figures",
        "0000000000000021",
    ] {
        assert!(!heard.contains(other), "{other}: {heard}");
    }
}

#[tokio::test]
async fn a_wall_names_nobody() {
    let house = with_maria_in_danger().await;
    let mut wall = Screen::of(house.hub.wall_events(Language::It).unwrap());
    let told = wall.until("event: tick").await;
    let page = WallPage::new(
        &house.hub,
        "Sala".to_owned(),
        "/wall/x/eventi".to_owned(),
        Language::It,
    );
    let page = page.render().unwrap();
    let number = house.maria.to_string();
    for shown in [&told, &page] {
        assert!(
            !shown.contains("Rossi") && !shown.contains("Maria"),
            "{shown}"
        );
        assert!(
            !shown.contains(&number),
            "the whole number is in addresses: {shown}"
        );
        assert!(
            shown.contains(&number[10..]) && shown.contains("ROSSO"),
            "{shown}"
        );
        assert!(shown.contains("87\u{a0}%"), "{shown}");
    }
    house.view.become_(DEAD);
    wait(&house.hub, |link| matches!(link, Link::Lost(_))).await;
    let page = WallPage::new(&house.hub, "Sala".to_owned(), String::new(), Language::It);
    assert!(page.render().unwrap().contains("Collegamento interrotto"));
}

#[tokio::test]
async fn pages_of_two_languages_hear_the_same_each_in_its_own() {
    let house = with_maria_in_danger().await;
    let english = house.hub.events_through(Filter::default(), Language::En);
    let mut english = Screen::of(english.expect("the ward is not crowded"));
    let mut italian = Screen::open(&house.hub);
    let opening = english.until("event: tick").await;
    assert!(opening.contains("SpO₂ 87\u{a0}% at 14:12"), "{opening}");
    assert!(opening.contains(r#""word":"RED""#), "{opening}");
    // What changes is told to both, though the English page was the second.
    let board = house.view.board();
    let silent = |row: &mut Row| row.measure(reading(961));
    board.update(PatientId::new(0x20), silent).unwrap();
    let told = english.until("0000000000000020").await;
    assert!(told.contains("Unregistered patient …000020"), "{told}");
    assert!(!told.contains("registrato"), "{told}");
    let told = italian.until("Paziente non registrato …000020").await;
    assert!(!told.contains("Unregistered"), "{told}");
    drop(italian);
    raise(&house, house.maria, Vec::new());
    english.until(r#""red":0"#).await;
    let page = WardPage::new(&house.hub, &Filter::default(), "/eventi", Language::En);
    let page = page.render().expect("a page can be rendered");
    for said in [
        "Clinical alarms",
        "no alarm",
        "1 min ago",
        "21 Nov 2020 14:11:00",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    for wrong in ["⟦", "allarme", "Pazienti"] {
        assert!(!page.contains(wrong), "{wrong}: {page}");
    }
    let mut wall = Screen::of(house.hub.wall_events(Language::En).unwrap());
    wall.until(r#""clinical":0"#).await;
    raise(&house, house.maria, vec![red(house.maria)]);
    wall.until("SpO₂ 87\u{a0}% at 14:12").await;
}

#[tokio::test]
async fn a_line_is_drawn_with_its_last_day() {
    let house = with_maria_in_danger().await;
    let mut screen = Screen::open(&house.hub);
    screen.until(r#""spark":{"path":"M1 "#).await;
    let page = rendered(&house.hub, &Filter::default());
    assert!(
        page.contains("Ultime 24 ore: da 84\u{a0}% a 98\u{a0}%"),
        "{page}"
    );
    // A value that moves alone does not tell the drawing again.
    let board = house.view.board();
    let later = Latest {
        at: WallMs(NOW),
        ..reading(861)
    };
    board.update(house.maria, |row| row.measure(later)).unwrap();
    let told = screen.until("86\u{a0}%").await;
    let cells = told.rsplit("event: cells").next().unwrap();
    assert!(!cells.contains("spark"), "{told}");
}

/// Somebody's flags are now these.
fn raise(house: &House, patient: PatientId, flags: Vec<OpenFlag>) {
    let board = house.view.board();
    let raised = board.update(patient, |row| row.flags = flags);
    raised.expect("the board has room");
}

fn red(patient: PatientId) -> OpenFlag {
    OpenFlag {
        flag: low(patient),
        raised_at: WallMs(NOW),
        over: None,
    }
}

#[tokio::test]
async fn an_amber_under_way_is_counted_beside_a_red_that_is_over() {
    let house = with_maria_in_danger().await;
    let calm = through(|ask| ask.corsia = "calmi".to_owned());
    let mut some = Screen::open_through(&house.hub, &calm);
    some.until(r#""red":1,"amber":0"#).await;
    let over = OpenFlag {
        over: Some((Why::Recovered, WallMs(NOW))),
        ..red(house.maria)
    };
    let mut amber = red(house.maria);
    amber.flag.severity = Severity::Amber;
    amber.flag.id.rule = "pulse-amber".parse().expect("a rule's name");
    raise(&house, house.maria, vec![over, amber]);
    let told = some.until(r#""red":0,"amber":1"#).await;
    assert!(
        told.contains("Fuori da questa vista, non presi in carico: 1 giallo."),
        "{told}"
    );
    assert_eq!(house.hub.waiting().amber, 1);
}

#[tokio::test]
async fn open_pages_about_one_patient_shut_nobodys_list() {
    let house = with_maria_in_danger().await;
    let alone = |number| Filter::alone(PatientId::new(number));
    let pages: Vec<Screen> = (1..400)
        .map(|number| Screen::open_through(&house.hub, &alone(number)))
        .collect();
    let mut list = Screen::open_through(&house.hub, &through(|ask| ask.corsia = "clinici".into()));
    list.until("Rossi Maria").await;
    drop(pages);
}

#[tokio::test]
async fn many_searches_shut_nobodys_list_and_the_list_of_all_is_never_refused() {
    let house = with_maria_in_danger().await;
    let search = |word: usize| through(|ask| ask.cerca = format!("cerca {word}"));
    // Each is left again at once, as by somebody who types.
    for word in 0..400 {
        assert!(
            house.hub.events_through(search(word), Language::It).is_ok(),
            "{word}"
        );
    }
    let held: Vec<Screen> = (0..128)
        .map(|word| Screen::open_through(&house.hub, &search(word)))
        .collect();
    assert!(
        house
            .hub
            .events_through(search(1_000), Language::It)
            .is_err(),
        "they are open"
    );
    Screen::open(&house.hub).until("Rossi Maria").await;
    drop(held);
    assert!(
        house
            .hub
            .events_through(search(1_000), Language::It)
            .is_ok()
    );
}

#[tokio::test]
async fn the_centre_hears_at_the_bedside_how_many_wait_and_others_do_not() {
    let house = with_maria_in_danger().await;
    let calm = PatientId::new(0x11);
    let mut bedside = Screen::open_through(&house.hub, &Filter::bedside(calm));
    let mut heard = bedside
        .until(
            r#"event: alarms
data: {"red":1,"#,
        )
        .await;
    let mut bell = Screen::open_through(&house.hub, &Filter::bell());
    let rung = bell.until(r#"{"red":1,"amber":0"#).await;
    assert!(!rung.contains("event: row"), "{rung}");
    raise(&house, house.maria, Vec::new());
    heard += &bedside.until(r#""red":0"#).await;
    bell.until(r#""red":0"#).await;
    assert!(!heard.contains("event: order"), "{heard}");
    assert!(
        !heard.contains(
            r#"event: row
data: {"patient":"000000000000a11ce"#
        ),
        "{heard}"
    );
}

#[tokio::test]
async fn a_wall_that_was_dark_is_told_what_changed_while_it_was() {
    let house = with_maria_in_danger().await;
    raise(&house, house.maria, Vec::new());
    let mut wall = Screen::of(house.hub.wall_events(Language::It).unwrap());
    wall.until(r#""clinical":0"#).await;
    raise(&house, house.maria, vec![red(house.maria)]);
    wall.until(r#""clinical":1"#).await;
    raise(&house, house.maria, Vec::new());
    wall.until(r#""clinical":0"#).await;
    drop(wall);
    // It is dark while the red is raised, and lit while it lasts.
    raise(&house, house.maria, vec![red(house.maria)]);
    let mut screen = Screen::open(&house.hub);
    screen.until(r#""red":1"#).await;
    let mut wall = Screen::of(house.hub.wall_events(Language::It).unwrap());
    wall.until(r#""clinical":1"#).await;
    raise(&house, house.maria, Vec::new());
    wall.until(r#""clinical":0"#).await;
}

#[tokio::test]
async fn whom_the_centre_released_is_off_the_list_unless_an_alarm_is_open() {
    let house = with_maria_in_danger().await;
    let person = PersonId::new(i64::try_from(house.maria.get()).unwrap()).unwrap();
    let actor = Actor::System("test");
    let ended = care::release(&house.record, &actor, person, &Holder::Centre, WallMs(NOW)).await;
    assert_eq!(ended.expect("the record answers"), 1);
    let mut screen = Screen::open(&house.hub);
    let told = screen.until(r#""lane":"clinical","patients":["#).await;
    assert!(
        told.contains("Rossi Maria"),
        "an alarm is never off the list: {told}"
    );
    raise(&house, house.maria, Vec::new());
    // Her alarm was the only one; and she is not among the calm either.
    let off = Filter::new(
        &WardQuery {
            cerca: "rossi".to_owned(),
            ..WardQuery::default()
        },
        "staff:1",
    );
    let gone = async {
        while rendered(&house.hub, &off).contains("Rossi Maria") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, gone).await.expect("she leaves the list");
    assert!(house.hub.is_here(house.maria), "ingest still tells of her");
}
