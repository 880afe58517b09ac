//! What must not happen to the wrong patient at the desk: a device taken back from whoever has it
//! next, a correction that takes more or less than it says, a red that ends without a word.

use askama::Template;
use veglia_diary::Whose;
use veglia_fleet::{AssignForm, CorrectForm, Now};
use veglia_view::{
    About, Evidence, Flag, FlagId, How, OpenFlag, PatientId, Row, Severity, Standing, Trigger,
    VitalKind, Why,
};

use crate::holders::{answer, couple, followed, later, on_the_sheet, ugo, waits, whose};
use crate::house::{CARE, DEVICE, House, NOW, maria};

fn to(patient: PatientId) -> AssignForm {
    AssignForm {
        patient: patient.to_string(),
        ..AssignForm::default()
    }
}

/// Two patients, of whom none has the device.
async fn both(house: &House) -> (PatientId, PatientId) {
    let (maria, ugo) = (maria(&house.record).await, ugo(&house.record).await);
    followed(&house.record, maria).await;
    followed(&house.record, ugo).await;
    (maria, ugo)
}

/// So many seconds after the beginning.
fn moment(seconds: i64) -> Now {
    Now {
        care: CARE.plus_ms(seconds * 1000),
        ..NOW
    }
}

async fn give(house: &House, patient: PatientId, seconds: i64) {
    let (form, now) = (to(patient), moment(seconds));
    let given = house.fleet.assign(&house.nurse, DEVICE, &form, now).await;
    assert!(given.unwrap().is_none());
}

async fn sheet(house: &House) -> String {
    let sheet = house
        .fleet
        .sheet(&house.nurse, DEVICE, later(19))
        .await
        .unwrap();
    sheet.render().unwrap()
}

async fn take_back(house: &House, seconds: i64) {
    let (form, now) = (on_the_sheet(&sheet(house).await), moment(seconds));
    let back = house
        .fleet
        .take_back(&house.nurse, DEVICE, &form, now)
        .await;
    assert!(back.unwrap().is_none());
}

fn correction(from: &str, until: &str, patient: PatientId) -> CorrectForm {
    CorrectForm {
        from: from.to_owned(),
        until: until.to_owned(),
        patient: patient.to_string(),
        why: "lo ha usato un altro".to_owned(),
        seen: 100,
    }
}

/// What is said of a correction that was not written; nothing when it was.
async fn corrected(house: &House, form: &CorrectForm) -> Option<String> {
    let page = house.fleet.correct(&house.nurse, DEVICE, form, later(20));
    page.await.unwrap().map(|page| page.render().unwrap())
}

#[tokio::test]
async fn a_sheet_that_was_open_before_does_not_take_the_device_from_its_next_wearer() {
    let house = House::new().await;
    let (maria, ugo) = both(&house).await;
    give(&house, maria, 20).await;
    // Two have the sheet open: "Adesso lo ha Rossi Maria".
    let open = sheet(&house).await;
    assert!(open.contains("Rossi Maria"), "{open}");
    take_back(&house, 130).await;
    give(&house, ugo, 190).await;
    // The other sheet, still Maria's, is sent.
    let (form, nurse) = (on_the_sheet(&open), &house.nurse);
    let second = house.fleet.take_back(nurse, DEVICE, &form, later(4)).await;
    let page = second.unwrap().expect("Maria has it no more");
    let page = page.render().unwrap();
    assert!(
        page.contains("Rossi Ugo lo ha dal 21/11/2020 14:15"),
        "{page}"
    );
    assert!(page.contains("Nulla è stato scritto"), "{page}");
    let at = later(5).care;
    assert_eq!(whose(&house, at).await, Whose::Patient(ugo));
}

#[tokio::test]
async fn a_correction_until_a_minute_holds_what_the_page_shows_with_that_minute() {
    let house = House::new().await;
    let (maria, ugo) = couple(&house).await;
    let mut row = waits(5);
    let waits = row.waits.as_mut().unwrap();
    (waits.from, waits.until) = (waits.from.plus_ms(20_000), waits.until.plus_ms(20_000));
    let from = waits.from;
    house.view.waiting.lock().unwrap().push(row.clone());
    let page = house.fleet.waiting(later(6)).await.unwrap();
    let page = page.render().unwrap();
    assert!(page.contains("alle 14:17"), "{page}");
    let form = answer(&row, &ugo.to_string());
    let answered = house.fleet.answer(&house.nurse, &form, later(6)).await;
    assert!(answered.unwrap().is_none());
    let form = correction("2020-11-21T14:17", "2020-11-21T14:17", maria);
    assert_eq!(corrected(&house, &form).await, None);
    assert_eq!(whose(&house, from).await, Whose::Patient(maria));
    // Nothing is said of what is yet to be measured.
    let form = correction("2020-11-21T14:17", "2020-11-21T14:33", maria);
    let page = corrected(&house, &form).await.expect("it is in the future");
    assert!(page.contains("non nel futuro"), "{page}");
    let form = correction("2020-11-21T14:17", "2020-11-21T14:32", maria);
    assert_eq!(corrected(&house, &form).await, None);
    assert_eq!(whose(&house, later(20).care).await, Whose::Somebodys);
}

#[tokio::test]
async fn a_correction_before_the_first_wearer_or_over_two_of_them_is_refused_with_the_way() {
    let house = House::new().await;
    let (maria, ugo) = both(&house).await;
    let never = correction("2020-11-21T14:10", "", ugo);
    let page = corrected(&house, &never).await.expect("nobody had it");
    assert!(page.contains("Non lo ha mai avuto nessuno"), "{page}");
    give(&house, maria, 20).await;
    take_back(&house, 130).await;
    give(&house, maria, 200).await;
    // A wrong year: all that was ever measured with it would be Ugo's.
    let form = correction("1920-11-21T14:10", "", ugo);
    let page = corrected(&house, &form).await.expect("too early");
    assert!(
        page.contains("Fino al 21/11/2020 14:12 non lo aveva nessuno"),
        "{page}"
    );
    assert!(page.contains("Nulla è stato scritto"), "{page}");
    take_back(&house, 510).await;
    give(&house, ugo, 520).await;
    let form = correction("2020-11-21T14:13", "", ugo);
    let page = corrected(&house, &form).await.expect("two had it");
    assert!(page.contains("una consegna per volta"), "{page}");
    // The times of the table hold one hand-over, with its last minute.
    let form = correction("2020-11-21T14:15", "2020-11-21T14:20", ugo);
    assert_eq!(corrected(&house, &form).await, None);
    // Its first wearer got it within the minute that the table shows.
    let form = correction("2020-11-21T14:12", "2020-11-21T14:12", ugo);
    assert_eq!(corrected(&house, &form).await, None);
    let last = moment(509).care;
    assert_eq!(whose(&house, last).await, Whose::Patient(ugo));
    assert_eq!(whose(&house, moment(521).care).await, Whose::Patient(ugo));
    assert_eq!(whose(&house, moment(90).care).await, Whose::Patient(maria));
    assert_eq!(whose(&house, moment(20).care).await, Whose::Patient(ugo));
}

#[tokio::test]
async fn what_was_said_of_a_measure_before_the_first_wearer_can_be_corrected() {
    let house = House::new().await;
    let (maria, _) = both(&house).await;
    let row = waits(-5);
    let at = row.waits.as_ref().unwrap().from;
    let form = answer(&row, "nessuno");
    let answered = house.fleet.answer(&house.nurse, &form, NOW).await;
    assert!(answered.unwrap().is_none());
    give(&house, maria, 20).await;
    let form = correction("2020-11-21T14:07", "2020-11-21T14:07", maria);
    assert_eq!(corrected(&house, &form).await, None);
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
}

/// A row whose red was confirmed, and is over.
fn red(mut row: Row) -> Row {
    let at = row.waits.as_ref().unwrap().from;
    let id = "00000000000000aa-1".parse().unwrap();
    let low = Evidence::reading(id, VitalKind::SpO2, 820, at);
    row.flag(OpenFlag {
        flag: Flag {
            id: FlagId {
                patient: row.patient,
                rule: "spo2-red".parse().unwrap(),
                rule_set: "home-2020-1".parse().unwrap(),
                trigger: Trigger::Record(id),
            },
            severity: Severity::Red,
            about: About::Vital(VitalKind::SpO2),
            since: at,
            evidence: vec![low],
            standing: Standing::Confirmed {
                how: How::AtOnce,
                at,
            },
            late: false,
            telling: 1,
        },
        raised_at: at,
        over: Some((Why::Recovered, at)),
    });
    row
}

#[tokio::test]
async fn a_red_is_nobodys_only_with_a_reason_that_the_sheet_tells() {
    let house = House::new().await;
    let (maria, _) = couple(&house).await;
    let row = red(waits(5));
    let at = row.waits.as_ref().unwrap().from;
    house.view.waiting.lock().unwrap().push(row.clone());
    let page = house.fleet.waiting(later(6)).await.unwrap();
    let page = page.render().unwrap();
    assert!(page.contains("ROSSO, rientrato"), "{page}");
    assert!(page.contains("Perché il rosso non è di nessuno"), "{page}");

    let mut form = answer(&row, "nessuno");
    for is_dead in [false, true] {
        *house.view.is_dead.lock().unwrap() = is_dead;
        let refused = house.fleet.answer(&house.nurse, &form, later(7)).await;
        let page = refused.unwrap().expect("a red takes a reason");
        let page = page.render().unwrap();
        assert!(page.contains("non si chiude con un tocco"), "{page}");
        assert_eq!(whose(&house, at).await, Whose::Somebodys);
    }
    *house.view.is_dead.lock().unwrap() = false;
    form.why = "provato dal tecnico".to_owned();
    let answered = house.fleet.answer(&house.nurse, &form, later(7)).await;
    assert!(answered.unwrap().is_none());
    assert_eq!(whose(&house, at).await, Whose::Dismissed);
    assert!(sheet(&house).await.contains("provato dal tecnico"));

    // Whose it is takes no more than a touch.
    let row = red(waits(20));
    let at = row.waits.as_ref().unwrap().from;
    house.view.waiting.lock().unwrap().push(row.clone());
    let form = answer(&row, &maria.to_string());
    let answered = house.fleet.answer(&house.nurse, &form, later(21)).await;
    assert!(answered.unwrap().is_none());
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
}
