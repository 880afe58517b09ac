//! Pages that show some, one, or nobody's name.

// req: G8

use askama::Template;
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
    let mut wall = Screen::of(house.hub.wall_events().unwrap());
    let told = wall.until("event: tick").await;
    let page = WallPage::new(&house.hub, "Sala".to_owned(), "/wall/x/eventi".to_owned());
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
    let page = WallPage::new(&house.hub, "Sala".to_owned(), String::new());
    assert!(page.render().unwrap().contains("Collegamento interrotto"));
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
