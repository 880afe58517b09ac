//! The night: written by the day, read by whoever is on duty and was given somebody, handed back.

// req: B17

use askama::Template;
use std::collections::BTreeMap;
use veglia_diary::write_note;
use veglia_handover::{
    Acknowledged, HandedPage, Kind, NightPage, WritingPage, Written, acknowledge,
};
use veglia_people::PersonId;
use veglia_people::care::{self, Holder};
use veglia_people::staff::Staff;
use veglia_store::Actor;
use veglia_view::WallMs;
use veglia_words::Language;

use crate::house::{HOUR_MS, House, NOW, number, of, text};

const NIGHT: &[Kind] = &[Kind::Night, Kind::Morning];

/// Twenty to seven of a Friday evening: the weekend begins at eight.
const EVENING: WallMs = WallMs(NOW.0 + 5 * HOUR_MS);
/// Twenty to ten.
const LATE: WallMs = WallMs(NOW.0 + 8 * HOUR_MS);
/// Twenty to eight of Monday, and twenty to nine.
const DAWN: WallMs = WallMs(NOW.0 + 66 * HOUR_MS);
const DAY: WallMs = WallMs(NOW.0 + 67 * HOUR_MS);

async fn tonight(house: &House, who: &Staff, now: WallMs) -> String {
    let page = NightPage::load(house.desk(who, now)).await;
    text(&page.expect("the record answers"))
}

async fn acknowledges(house: &House, who: &Staff, id: i64, now: WallMs) -> Acknowledged {
    let form = BTreeMap::new().into();
    let done = acknowledge(house.desk(who, now), NIGHT, id, &form).await;
    done.expect("the record answers")
}

async fn ward(house: &House, now: WallMs) -> usize {
    let system = Actor::System("test");
    let said = veglia_handover::waiting(&house.record, &system, now, Language::It).await;
    said.expect("the record answers").len()
}

#[tokio::test]
async fn whom_the_day_lists_is_read_by_whoever_is_on_duty_and_by_nobody_else() {
    let house = House::new().await;
    house.writes_sheet().await;
    house.raises_a_red(house.maria, EVENING).await;
    let before = tonight(&house, &house.nora, LATE).await;
    assert!(before.contains("nessuno è stato affidato"), "{before}");
    let page = text(&house.page(&house.anna, Kind::Night, EVENING).await);
    let when = "Continuità Assistenziale dal 20/11/2020 20:00 al 23/11/2020 08:00.";
    assert!(
        page.contains(when) && page.contains("Rossi Maria"),
        "{page}"
    );
    let fields = [
        (of("in", house.maria), "1"),
        (of("words", house.maria), "Se scende sotto 88, 112"),
    ];
    let id = number(
        house
            .sends(&house.anna, Kind::Night, EVENING, &fields)
            .await,
    );

    assert_eq!(ward(&house, EVENING).await, 0, "the night has not begun");
    assert_eq!(ward(&house, LATE).await, 1);
    let early = tonight(&house, &house.nora, EVENING).await;
    assert!(
        !early.contains("Rossi"),
        "she is entrusted from eight: {early}"
    );
    let page = tonight(&house, &house.nora, LATE).await;
    for said in [
        "Rosso Rossi Maria",
        "Concordato: Se scende sotto 88, 112",
        "Indirizzo: via Larga 1, Milano",
        "Piano, scala, campanello: terzo, scala B",
        "Chiavi: dalla portinaia",
        "Persona di contatto: Luca, figlio +393337654321",
        "Ossigeno a casa: 2 L/min di notte",
        "Allergie: penicillina",
        "Non ancora confermate",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(!page.contains("Bianchi"), "he was not given: {page}");
    let looks = house.accesses(house.maria).await;
    let look = (house.nora.actor().to_string(), "patient.night".to_owned());
    assert!(looks.contains(&look), "{looks:?}");
    let elsewhere = tonight(&house, &house.otto, LATE).await;
    assert!(
        !elsewhere.contains("Rossi"),
        "not on the roster: {elsewhere}"
    );

    assert!(matches!(
        acknowledges(&house, &house.bruno, id, LATE).await,
        Acknowledged::NotAllowed
    ));
    let done = acknowledges(&house, &house.nora, id, LATE).await;
    assert!(matches!(done, Acknowledged::Done(_)));
    assert_eq!(ward(&house, LATE).await, 0);
    let page = HandedPage::load(house.desk(&house.anna, LATE), NIGHT, id).await;
    let page = text(&page.unwrap().unwrap());
    assert!(
        page.contains("confermate da Neri Nora alle 21:40"),
        "{page}"
    );
}

#[tokio::test]
async fn the_night_hands_back_what_it_did_and_the_day_acknowledges() {
    let house = House::new().await;
    let fields = [
        ("act".to_owned(), "write"),
        (of("in", house.maria), "1"),
        (of("words", house.maria), "Da sentire alle 23"),
    ];
    number(
        house
            .sends(&house.anna, Kind::Night, EVENING, &fields)
            .await,
    );
    let (record, nora) = (&house.record, house.nora.actor());
    let noted = write_note(record, &nora, house.maria, None, "Visitata, stabile", LATE).await;
    noted.unwrap();
    let page = text(&house.page(&house.nora, Kind::Morning, DAWN).await);
    assert!(
        page.contains("nota (Neri Nora): «Visitata, stabile»"),
        "{page}"
    );
    let fields = [
        (of("in", house.maria), "1"),
        (of("words", house.maria), "Avvisare il medico di famiglia"),
    ];
    let id = number(house.sends(&house.nora, Kind::Morning, DAWN, &fields).await);
    assert_eq!(
        ward(&house, DAWN).await,
        1,
        "nobody has acknowledged the list of the night"
    );
    assert_eq!(
        ward(&house, DAY).await,
        1,
        "the night is over: what it gave back"
    );
    let back = text(&house.page(&house.anna, Kind::Night, DAY).await);
    assert!(back.contains("La notte ha restituito i pazienti"), "{back}");
    let page = HandedPage::load(house.desk(&house.anna, DAY), NIGHT, id).await;
    let page = text(&page.unwrap().unwrap());
    assert!(
        page.contains("Che cosa resta da fare: Avvisare il medico di famiglia"),
        "{page}"
    );
    assert!(page.contains("«Visitata, stabile»"), "{page}");
    let done = acknowledges(&house, &house.anna, id, DAY).await;
    assert!(matches!(done, Acknowledged::Done(_)));
    assert_eq!(ward(&house, DAY).await, 0);
    // Whoever watched has nobody any more.
    let after = tonight(&house, &house.nora, DAY).await;
    assert!(!after.contains("Rossi"), "{after}");
    let gone = HandedPage::load(house.desk(&house.nora, DAY), NIGHT, id).await;
    assert!(gone.unwrap().is_none(), "the night is past");
}

#[tokio::test]
async fn who_is_taken_off_the_list_is_no_longer_entrusted() {
    let house = House::new().await;
    let both = [
        (of("in", house.maria), "1"),
        (of("in", house.luca), "1"),
        ("words".to_owned(), "Due"),
    ];
    number(house.sends(&house.anna, Kind::Night, EVENING, &both).await);
    let one = [(of("in", house.maria), "1"), ("words".to_owned(), "Una")];
    number(house.sends(&house.anna, Kind::Night, EVENING, &one).await);
    let page = tonight(&house, &house.nora, LATE).await;
    assert!(
        page.contains("Rossi Maria") && !page.contains("Bianchi"),
        "{page}"
    );
    let maria = PersonId::new(house.maria.get().cast_signed()).unwrap();
    let held = care::of(&house.record, &house.anna.actor(), maria)
        .await
        .unwrap();
    let given = held.iter().filter(|it| it.holder == "out-of-hours");
    assert_eq!(given.count(), 1, "she is entrusted once");
}

#[tokio::test]
async fn whom_somebody_gave_by_hand_stays_when_the_list_takes_its_own_back() {
    let house = House::new().await;
    let luca = PersonId::new(house.luca.get().cast_signed()).unwrap();
    let actor = house.anna.actor();
    let stretch = (EVENING, Some(WallMs(EVENING.0 + 72 * HOUR_MS)));
    let (holder, why) = (Holder::OutOfHours, "Solo a casa fino a venerdì");
    let given = care::entrust(&house.record, &actor, luca, &holder, stretch, why).await;
    given.unwrap();
    let both = [
        (of("in", house.maria), "1"),
        (of("in", house.luca), "1"),
        ("words".to_owned(), "Due"),
    ];
    number(house.sends(&house.anna, Kind::Night, EVENING, &both).await);
    let one = [(of("in", house.maria), "1"), ("words".to_owned(), "Una")];
    number(house.sends(&house.anna, Kind::Night, EVENING, &one).await);
    let held = care::of(&house.record, &actor, luca).await.unwrap();
    let of_night = held.iter().filter(|it| it.holder == "out-of-hours");
    let lasts: Vec<_> = of_night.map(|it| (it.why.as_str(), it.until)).collect();
    assert_eq!(lasts, [(why, stretch.1)]);
}

#[tokio::test]
async fn the_same_list_sent_twice_is_one_version_and_everybody_is_entrusted() {
    let house = House::new().await;
    let one = [(of("in", house.maria), "1"), ("words".to_owned(), "Una")];
    let first = house.form(&house.anna, Kind::Night, EVENING, &one).await;
    let id = number(
        house
            .sends_form(&house.anna, Kind::Night, EVENING, &first)
            .await,
    );
    let maria = PersonId::new(house.maria.get().cast_signed()).unwrap();
    let actor = house.anna.actor();
    let holder = Holder::OutOfHours;
    // As when it failed after the version stood and before anybody was entrusted.
    let ended = care::release(&house.record, &actor, maria, &holder, EVENING).await;
    assert_eq!(ended.unwrap(), 1);
    let again = number(
        house
            .sends_form(&house.anna, Kind::Night, EVENING, &first)
            .await,
    );
    assert_eq!(again, id);
    let held = care::of(&house.record, &actor, maria).await.unwrap();
    let lasts = held.iter().filter(|it| it.until > Some(EVENING));
    assert_eq!(lasts.count(), 1);
    let other = house
        .sends_form(&house.bruno, Kind::Night, EVENING, &first)
        .await;
    assert!(matches!(other, Written::Again(..)));
}

#[tokio::test]
async fn each_writes_only_what_is_theirs() {
    let house = House::new().await;
    for (who, kind) in [
        (&house.nora, Kind::Shift),
        (&house.nora, Kind::Night),
        (&house.anna, Kind::Morning),
    ] {
        let page = WritingPage::load(house.desk(who, LATE), kind)
            .await
            .unwrap();
        assert!(page.is_none(), "{kind:?}");
        let form = BTreeMap::from([("words".to_owned(), "x".to_owned())]).into();
        let written = veglia_handover::write(house.desk(who, LATE), kind, &form).await;
        assert!(matches!(written.unwrap(), Written::NotAllowed), "{kind:?}");
    }
    let page = NightPage::load(house.desk(&house.nora, LATE))
        .await
        .unwrap();
    let page = page.render().unwrap();
    assert!(!page.contains("<script"), "complete without scripts");
}
