//! Who has a device: handing a kit over, sharing, "di chi è?", taking back, correcting, the paper.

// req: G3

use askama::Template;
use veglia_diary::{Whose, assignments};
use veglia_fleet::{
    AnswerForm, AssignForm, CorrectForm, FleetError, Handed, KitForm, Now, ReturnForm,
};
use veglia_people::patients;
use veglia_store::Database;
use veglia_view::{
    Latest, PatientId, Plan, Quality, Reading, Row, Site, Source, VitalKind, Waits, stand_in,
};
use veglia_wire::{DeviceId, WallMs};

use crate::house::{CARE, DEVICE, House, NOW, TEST, maria};

fn device() -> DeviceId {
    DeviceId::new(DEVICE).unwrap()
}

pub(crate) async fn followed(record: &Database, patient: PatientId) -> PatientId {
    let plan = Plan::template("home-covid", patient, CARE.plus_ms(-1)).unwrap();
    veglia_diary::create_plan(record, &TEST, &plan, CARE)
        .await
        .unwrap();
    patient
}

pub(crate) async fn ugo(record: &Database) -> PatientId {
    let ugo = patients::NewPerson {
        name: "Ugo".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85T10A562S".parse().unwrap(),
        phone: "+390212345678".parse().unwrap(),
        address: "via Larga 1, Milano".to_owned(),
    };
    let id = patients::register(record, &TEST, &ugo, CARE).await;
    id.unwrap().to_string().parse().unwrap()
}

/// A couple who share the oximeter.
pub(crate) async fn couple(house: &House) -> (PatientId, PatientId) {
    let (maria, ugo) = (maria(&house.record).await, ugo(&house.record).await);
    followed(&house.record, maria).await;
    followed(&house.record, ugo).await;
    let form = AssignForm {
        patient: maria.to_string(),
        with1: ugo.to_string(),
        ..AssignForm::default()
    };
    let refused = house.fleet.assign(&house.nurse, DEVICE, &form, NOW).await;
    assert!(refused.unwrap().is_none());
    (maria, ugo)
}

pub(crate) fn later(minutes: i64) -> Now {
    Now {
        care: CARE.plus_ms(minutes * 60_000),
        ..NOW
    }
}

/// A low value of somebody unknown, some minutes after the hand-over.
pub(crate) fn waits(minutes: i64) -> Row {
    let at = CARE.plus_ms(minutes * 60_000);
    let mut row = Row::new(stand_in(7));
    row.measure(Latest {
        vital: VitalKind::SpO2,
        steps: 880,
        site: Site::Unknown,
        at,
        quality: Quality::empty(),
        source: Source::Device,
    });
    row.waits = Some(Waits {
        device: device(),
        from: at,
        until: at.plus_ms(20_000),
        readings: 3,
        since: at,
    });
    row
}

pub(crate) fn answer(row: &Row, patient: &str) -> AnswerForm {
    let waits = row.waits.as_ref().unwrap();
    AnswerForm {
        device: waits.device.to_string(),
        from: waits.from.0,
        until: waits.until.0,
        patient: patient.to_owned(),
        why: String::new(),
        seen: 0,
    }
}

pub(crate) async fn whose(house: &House, at: WallMs) -> Whose {
    let all = assignments(&house.record, &TEST).await.unwrap();
    all.whose(&device(), at)
}

/// Taking back, now, what the sheet shows.
pub(crate) fn on_the_sheet(page: &str) -> ReturnForm {
    let number = page.split("name=\"assignment\" value=\"").nth(1);
    let number = number.and_then(|rest| rest.split('"').next());
    ReturnForm {
        assignment: number.unwrap().parse().unwrap(),
        when: String::new(),
    }
}

#[tokio::test]
async fn what_a_couple_measured_is_answered_with_one_touch_and_of_two_answers_the_first_holds() {
    let house = House::new().await;
    let (maria, ugo) = couple(&house).await;
    let row = waits(5);
    house.view.waiting.lock().unwrap().push(row.clone());
    let page = house.fleet.waiting(later(6)).await.unwrap();
    let page = page.render().unwrap();
    for words in [
        "Di chi è?",
        "SpO₂ 88 %",
        ">Rossi Maria</button>",
        ">Rossi Ugo</button>",
        "Nessuno di loro",
        "3 letture",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("in attesa da troppo"), "{page}");
    let old = house.fleet.waiting(later(6 * 60)).await.unwrap();
    // Its age is by the clock of ingest, which the test holds still.
    assert!(old.render().unwrap().contains("Di chi è?"));

    let at = row.waits.as_ref().unwrap().from;
    let form = answer(&row, &maria.to_string());
    let answered = house.fleet.answer(&house.nurse, &form, later(7)).await;
    assert!(answered.unwrap().is_none());
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
    let second = answer(&row, &ugo.to_string());
    let refused = house.fleet.answer(&house.admin, &second, later(7)).await;
    let page = refused.unwrap().expect("somebody was first");
    let page = page.render().unwrap();
    assert!(
        page.contains("Ferri Anna ha già risposto: Rossi Maria."),
        "{page}"
    );
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
    // What nobody of the two measured is asked no more.
    let row = waits(20);
    let at = row.waits.as_ref().unwrap().from;
    let form = answer(&row, "nessuno");
    let answered = house.fleet.answer(&house.nurse, &form, later(21)).await;
    assert!(answered.unwrap().is_none());
    assert_eq!(whose(&house, at).await, Whose::Dismissed);

    *house.view.is_dead.lock().unwrap() = true;
    let page = house.fleet.waiting(later(6)).await.unwrap();
    assert!(page.render().unwrap().contains("non sono note"));
}

#[tokio::test]
async fn what_a_device_of_nobody_measured_is_shown_until_its_new_wearer_or_a_test_explains_it() {
    let house = House::new().await;
    let row = waits(-5);
    house.view.waiting.lock().unwrap().push(row.clone());
    let page = house.fleet.waiting(NOW).await.unwrap().render().unwrap();
    for words in [
        "Nessuno ha questo dispositivo",
        "SpO₂ 88 %",
        "/dispositivi/assegna/nonin%3A501234",
        "Una prova, di nessuno",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    // On the ward it is a sentence: nobody must answer at once.
    let brief = house.fleet.waiting(NOW).await.unwrap().brief();
    let brief = brief.render().unwrap();
    assert!(!brief.contains("SpO₂"), "{brief}");
    assert!(
        brief.contains("Una misura di dispositivi senza paziente"),
        "{brief}"
    );
    // The device is given to Maria, and the measure turns out to have been hers already.
    let maria = maria(&house.record).await;
    followed(&house.record, maria).await;
    let form = AssignForm {
        patient: maria.to_string(),
        ..AssignForm::default()
    };
    let given = house.fleet.assign(&house.nurse, DEVICE, &form, NOW).await;
    assert!(given.unwrap().is_none());
    let page = house.fleet.waiting(NOW).await.unwrap().render().unwrap();
    assert!(page.contains("Misurata prima della consegna"), "{page}");
    assert!(page.contains(">Rossi Maria</button>"), "{page}");
    let form = answer(&row, &maria.to_string());
    let answered = house.fleet.answer(&house.nurse, &form, later(1)).await;
    assert!(answered.unwrap().is_none());
    let at = row.waits.as_ref().unwrap().from;
    assert_eq!(whose(&house, at).await, Whose::Patient(maria));
}

#[tokio::test]
async fn a_kit_is_handed_over_by_its_serial_number_and_the_first_measure_is_seen() {
    let house = House::new().await;
    house.speaks("casa-1", CARE);
    let maria = maria(&house.record).await;
    followed(&house.record, maria).await;
    let form = |label: &str| KitForm {
        label: label.to_owned(),
        patient: format!("Rossi Maria ({maria})"),
        with: String::new(),
        recognised: String::new(),
    };
    let nurse = &house.nurse;
    let unknown = house.fleet.hand_over_kit(nurse, form("999"), NOW).await;
    let Handed::Again(page) = unknown.unwrap() else {
        panic!("no device has this number")
    };
    let page = page.render().unwrap();
    assert!(
        page.contains("role=\"alert\"") && page.contains("«999»"),
        "{page}"
    );
    assert!(page.contains(&format!("Rossi Maria ({maria})")), "{page}");
    // Somebody has said that it is this one.
    let sure = KitForm {
        recognised: DEVICE.to_owned(),
        ..form("501234")
    };
    let over = house.fleet.hand_over_kit(nurse, sure, NOW).await;
    let Handed::Over(device_id) = over.unwrap() else {
        panic!("it was not handed over")
    };
    assert_eq!(device_id, DEVICE);
    let waiting = || async {
        let page = house.fleet.kit_waits(nurse, DEVICE, later(2)).await;
        page.unwrap().render().unwrap()
    };
    let page = waiting().await;
    assert!(page.contains("In attesa della prima misura"), "{page}");
    assert!(page.contains("casa-1 lo sente"), "{page}");
    let reading = |device: &str| Reading {
        at: CARE.plus_ms(60_000),
        steps: 970,
        site: Site::Unknown,
        quality: Quality::empty(),
        device: DeviceId::new(device).unwrap(),
    };
    let measured = |it| (maria, VitalKind::SpO2, it);
    let other = measured(reading("nonin:7"));
    house.view.readings.lock().unwrap().push(other);
    assert!(
        waiting().await.contains("In attesa"),
        "another device spoke"
    );
    house
        .view
        .readings
        .lock()
        .unwrap()
        .push(measured(reading(DEVICE)));
    let page = waiting().await;
    assert!(
        page.contains("SpO₂ 97 %") && page.contains("is-here"),
        "{page}"
    );
    assert!(page.contains("/dispositivi/tesserino/"), "{page}");
}

#[tokio::test]
async fn a_kit_that_somebody_has_is_not_handed_over_again_and_its_paper_says_whose_it_is() {
    let house = House::new().await;
    let nurse = &house.nurse;
    let maria = maria(&house.record).await;
    followed(&house.record, maria).await;
    // No box hears it yet: the whole label says which it is.
    let form = KitForm {
        label: DEVICE.to_owned(),
        patient: format!("Rossi Maria ({maria})"),
        with: String::new(),
        recognised: String::new(),
    };
    let over = house.fleet.hand_over_kit(nurse, form.clone(), NOW).await;
    assert!(matches!(over.unwrap(), Handed::Over(_)));
    let again = house.fleet.hand_over_kit(nurse, form, later(3)).await;
    let Handed::Again(page) = again.unwrap() else {
        panic!("she has it already")
    };
    let page = page.render().unwrap();
    assert!(page.contains("è già assegnato a Rossi Maria"), "{page}");
    assert!(page.contains("/dispositivi/scheda/nonin"), "{page}");
    let card = house
        .fleet
        .card(nurse, DEVICE, NOW)
        .await
        .unwrap()
        .render()
        .unwrap();
    for words in ["Rossi Maria", "501234", "<svg", "Ferri Anna", "21/11/2020"] {
        assert!(card.contains(words), "{words}: {card}");
    }
    assert!(!card.contains(" style="), "{card}");
}

#[tokio::test]
async fn a_device_is_taken_back_once_and_its_sheet_tells_who_had_it() {
    let house = House::new().await;
    let (maria, _) = couple(&house).await;
    let (fleet, nurse) = (&house.fleet, &house.nurse);
    let sheet = fleet.sheet(nurse, DEVICE, later(1)).await.unwrap();
    let sheet = sheet.render().unwrap();
    assert!(
        sheet.contains("condividono") && sheet.contains("(condiviso)"),
        "{sheet}"
    );
    let early = ReturnForm {
        when: "2020-11-20T10:00".to_owned(),
        ..on_the_sheet(&sheet)
    };
    let refused = fleet.take_back(nurse, DEVICE, &early, later(10)).await;
    let page = refused.unwrap().expect("it was given the day after");
    assert!(
        page.render()
            .unwrap()
            .contains("La consegna è del 21/11/2020")
    );
    let now = on_the_sheet(&sheet);
    let back = fleet.take_back(nurse, DEVICE, &now, later(10)).await;
    assert!(back.unwrap().is_none());
    let twice = fleet.take_back(nurse, DEVICE, &now, later(11)).await;
    let page = twice.unwrap().expect("nobody has it");
    let page = page.render().unwrap();
    assert!(page.contains("non è assegnato a nessuno"), "{page}");
    assert!(
        page.contains("Ferri Anna") && !page.contains("in corso"),
        "{page}"
    );

    // Afterwards it turns out that it was all Maria's.
    let correct = |seen, why: &str| CorrectForm {
        from: "2020-11-21T14:12".to_owned(),
        until: "2020-11-21T14:20".to_owned(),
        patient: maria.to_string(),
        why: why.to_owned(),
        seen,
    };
    let reasonless = fleet
        .correct(nurse, DEVICE, &correct(0, ""), later(20))
        .await;
    let page = reasonless.unwrap().expect("a reason is needed");
    assert!(page.render().unwrap().contains("Scrivere il motivo"));
    let form = correct(0, "il marito non l’ha usato");
    let corrected = fleet.correct(nurse, DEVICE, &form, later(20)).await;
    assert!(corrected.unwrap().is_none());
    assert_eq!(
        whose(&house, CARE.plus_ms(120_000)).await,
        Whose::Patient(maria)
    );
    let stale = fleet
        .correct(nurse, DEVICE, &correct(0, "di nuovo"), later(21))
        .await;
    assert!(stale.unwrap().is_some(), "the page did not know");
    let sheet = fleet.sheet(nurse, DEVICE, later(22)).await.unwrap();
    let sheet = sheet.render().unwrap();
    assert!(sheet.contains("il marito non l’ha usato"), "{sheet}");
    let unknown = fleet.card(nurse, "nonin:1", NOW).await;
    assert!(matches!(unknown, Err(FleetError::Unknown)));
}
