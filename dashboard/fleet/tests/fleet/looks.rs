//! What is seen on these pages of what somebody measured, and who saw it.

// req: G3

use askama::Template;
use veglia_diary::Whose;
use veglia_fleet::{FIRST_WINDOW_MS, Handed, KitForm, Now};
use veglia_view::{Latest, PatientId, Quality, Row, Site, Source, VitalKind};
use veglia_wire::WallMs;

use crate::holders::{answer, couple, followed, later, ugo, waits, whose};
use crate::house::{CARE, DEVICE, House, NOW, TEST, maria};

/// The purposes for which somebody's data were looked at, the oldest first.
async fn looks(house: &House, patient: PatientId) -> Vec<String> {
    let subject = patient.to_string();
    let seen = house.record.accesses_to(&TEST, &subject, None, 50).await;
    let mut purposes: Vec<String> = seen.unwrap().into_iter().map(|it| it.purpose).collect();
    purposes.reverse();
    purposes
}

fn saturation(at: WallMs, percent: i32) -> Latest {
    Latest {
        vital: VitalKind::SpO2,
        steps: percent * 10,
        site: Site::Unknown,
        at,
        quality: Quality::empty(),
        source: Source::Device,
    }
}

/// What two people at one table measured: 97 %, and 85 % a minute later.
fn of_two() -> Row {
    let mut row = waits(5);
    let waits = row.waits.as_mut().unwrap();
    (waits.until, waits.readings) = (waits.from.plus_ms(60_000), 0);
    let from = waits.from;
    let values = [(0, 97), (1_000, 97), (60_000, 85)];
    row.measured = values
        .map(|(ms, percent)| saturation(from.plus_ms(ms), percent))
        .to_vec();
    row
}

#[tokio::test]
async fn the_values_of_a_session_stand_with_their_times_so_that_two_people_are_seen() {
    let house = House::new().await;
    couple(&house).await;
    house.view.waiting.lock().unwrap().push(of_two());
    let page = house.fleet.waiting(later(6)).await.unwrap();
    let page = page.render().unwrap();
    for words in [
        "<time>14:17:00</time> SpO₂ 97 %",
        "<time>14:18:00</time> SpO₂ 85 %",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("14:17:01"), "said twice: {page}");
    assert!(page.contains("1 lettura"), "{page}");
    assert!(!page.contains("0 letture"), "{page}");
    // One value needs no list.
    house.view.waiting.lock().unwrap()[0].measured.truncate(1);
    let page = house.fleet.waiting(later(6)).await.unwrap();
    assert!(!page.render().unwrap().contains("<time>"));
}

#[tokio::test]
async fn what_waits_around_a_word_is_answered_and_the_word_stays() {
    let house = House::new().await;
    let (maria, ugo) = couple(&house).await;
    let mut trial = waits(5);
    let amid = trial.waits.as_mut().unwrap();
    (amid.from, amid.until) = (amid.from.plus_ms(5_000), amid.from.plus_ms(6_000));
    let amid = amid.from;
    let form = answer(&trial, "nessuno");
    let answered = house.fleet.answer(&house.nurse, &form, later(6)).await;
    assert!(answered.unwrap().is_none());

    let row = waits(5);
    house.view.waiting.lock().unwrap().push(row.clone());
    let page = house.fleet.waiting(later(6)).await.unwrap();
    let page = page.render().unwrap();
    assert!(page.contains("name=\"seen\" value=\"1\""), "{page}");
    let mut form = answer(&row, &maria.to_string());
    // From a page that did not know of the word.
    let stale = house.fleet.answer(&house.nurse, &form, later(7)).await;
    assert!(stale.unwrap().is_some(), "it did not know");
    form.seen = 1;
    let answered = house.fleet.answer(&house.nurse, &form, later(7)).await;
    assert!(answered.unwrap().is_none());
    let at = row.waits.as_ref().unwrap().from;
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
    assert_eq!(whose(&house, amid).await, Whose::Dismissed);
    // Of two who touch at once one is told who was first, as ever.
    let late = answer(&row, &ugo.to_string());
    let refused = house.fleet.answer(&house.admin, &late, later(7)).await;
    let page = refused.unwrap().expect("somebody was first");
    assert!(page.render().unwrap().contains("ha già risposto"));
}

#[tokio::test]
async fn a_sheet_and_a_paper_are_entered_for_each_whose_name_is_on_them() {
    let house = House::new().await;
    let (maria, ugo) = couple(&house).await;
    assert!(looks(&house, maria).await.is_empty());
    let (fleet, nurse) = (&house.fleet, &house.nurse);
    fleet.sheet(nurse, DEVICE, later(1)).await.unwrap();
    fleet.card(nurse, DEVICE, later(2)).await.unwrap();
    for patient in [maria, ugo] {
        let seen = looks(&house, patient).await;
        assert_eq!(seen, ["device.sheet", "device.card"]);
    }
    // Lists of names to choose from, and what waits, are nobody's in particular.
    house.view.waiting.lock().unwrap().push(waits(5));
    fleet.waiting(later(6)).await.unwrap();
    fleet.kit(KitForm::default(), later(6)).await.unwrap();
    fleet.page(nurse, "", NOW).await.unwrap();
    assert_eq!(looks(&house, maria).await.len(), 2);
}

#[tokio::test]
async fn what_the_centre_speaks_through_itself_is_no_box() {
    let house = House::new().await;
    house.list().add_gateway("veglia-phone", 3).unwrap();
    house.speaks_of("veglia-phone", "phone:00000000000a11ce", CARE);
    house.speaks("casa-1", CARE);
    let page = house.page(&house.nurse).await;
    assert_eq!(page.matches("<article").count(), 1, "{page}");
    assert!(!page.contains("veglia-phone"), "{page}");
}

#[tokio::test]
async fn the_page_that_waits_for_a_first_measure_is_entered_once_an_hour() {
    let house = House::new().await;
    let nurse = &house.nurse;
    let maria = followed(&house.record, maria(&house.record).await).await;
    let form = KitForm {
        label: DEVICE.to_owned(),
        patient: maria.to_string(),
        ..KitForm::default()
    };
    let over = house.fleet.hand_over_kit(nurse, form, NOW).await;
    assert!(matches!(over.unwrap(), Handed::Over(_)));
    for ms in [2_000, 4_000, 6_000, FIRST_WINDOW_MS + 2_000] {
        let now = Now {
            care: CARE.plus_ms(ms),
            ..NOW
        };
        house.fleet.kit_waits(nurse, DEVICE, now).await.unwrap();
    }
    assert_eq!(looks(&house, maria).await, ["device.first"; 2]);
}

#[tokio::test]
async fn a_serial_number_of_two_makes_is_told_apart_before_anything_is_written() {
    let house = House::new().await;
    let nurse = &house.nurse;
    house.speaks("casa-1", CARE);
    house.speaks_of("casa-2", "taidoc:501234", CARE.plus_ms(-30 * 86_400_000));
    let ugo = followed(&house.record, ugo(&house.record).await).await;
    let form = |recognised: &str| KitForm {
        label: "501234".to_owned(),
        patient: ugo.to_string(),
        recognised: recognised.to_owned(),
        ..KitForm::default()
    };
    // A device that does not have this number is not taken either.
    for odd in ["", "nonin:7"] {
        let shown = house.fleet.hand_over_kit(nurse, form(odd), NOW).await;
        let Handed::Again(page) = shown.unwrap() else {
            panic!("nobody was asked")
        };
        let page = page.render().unwrap();
        for words in [
            "value=\"nonin:501234\"",
            "value=\"taidoc:501234\"",
            "nonin n. 501234",
            "casa-1, ultimo segnale adesso",
            "casa-2, ultimo segnale 30 giorni fa",
        ] {
            assert!(page.contains(words), "{words}: {page}");
        }
    }
    assert_eq!(whose(&house, later(1).care).await, Whose::Nobodys);
    let over = house.fleet.hand_over_kit(nurse, form(DEVICE), NOW).await;
    let Handed::Over(device) = over.unwrap() else {
        panic!("it was not handed over")
    };
    assert_eq!(device, DEVICE);
}
