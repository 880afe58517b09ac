//! A call from the form to the list and back, against a real record and a real outbox: what is
//! asked again, what is read back, what is kept, and that nothing typed is lost.

// req: B11, B20

mod board;
mod house;

use veglia_intake::{
    Answered, CallPage, CallsPage, ListForm, Listed, NeedsPage, SavedPage, SheetPage,
};
use veglia_people::background::{Background, Other};
use veglia_words::Language;

use house::{House, MINUTE_MS, NOW, form_of, text};

#[tokio::test]
async fn the_form_asks_what_the_score_lacks_and_opening_it_is_in_the_access_log() {
    let house = House::new().await;
    let page = CallPage::load(house.desk(&house.anna), house.maria).await;
    let page = text(&page.unwrap().unwrap());
    assert!(
        page.contains("NEWS2: nessun valore recente, li chieda tutti"),
        "{page}"
    );
    assert!(page.contains("href=\"tel:+390255500001\""), "{page}");
    assert!(page.contains("Dal piano"), "{page}");
    assert_eq!(house.accesses().await, ["patient.call"]);
}

#[tokio::test]
async fn three_hundred_and_sixty_six_comes_back_as_it_was_typed_with_a_question() {
    let house = House::new().await;
    let fields = [
        ("temperature", "366"),
        ("spo2", "93"),
        ("note", "È <stanca>"),
    ];
    let Answered::Asked(page) = house.sends("check", &fields).await else {
        panic!("it is asked again");
    };
    let page = text(page.as_ref());
    assert!(page.contains("Intendeva 36,6?"), "{page}");
    assert!(
        page.contains("value=\"366\"") && page.contains("value=\"93\""),
        "{page}"
    );
    assert!(page.contains("È &#60;stanca&#62;"), "{page}");
    assert_eq!(
        house.line.outbox().status().newest,
        None,
        "nothing is saved"
    );
}

#[tokio::test]
async fn what_was_said_is_read_back_before_it_is_saved_and_a_second_save_doubles_nothing() {
    let house = House::new().await;
    let fields = [
        ("spo2", "93"),
        ("temperature", "37.2"),
        ("site", "ear"),
        ("breathless", "0"),
    ];
    let Answered::ReadBack(page) = house.sends("check", &fields).await else {
        panic!("it is read back");
    };
    let page = text(page.as_ref());
    for words in [
        "93\u{a0}%",
        "37,2\u{a0}°C (orecchio)",
        "Le manca il fiato da fermo?",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    for _ in 0..2 {
        let saved = house.sends("save", &fields).await;
        assert!(matches!(saved, Answered::Saved(_)));
        let newest = house.line.outbox().status().newest;
        assert_eq!(newest.map(|it| it.get()), Some(3));
    }
    let call = house.call();
    let page = SavedPage::load(house.desk(&house.anna), house.maria, &call).await;
    let page = text(&page.unwrap().unwrap());
    assert!(page.contains("Salvato, in elaborazione"), "{page}");
    let notes = house.notes().await;
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("SpO₂ 93\u{a0}%"), "{notes:?}");
}

#[tokio::test]
async fn other_values_under_a_name_that_was_saved_are_a_new_call_after_asking() {
    let house = House::new().await;
    house.sends("save", &[("spo2", "93")]).await;
    let Answered::Other(page) = house.sends("save", &[("spo2", "96")]).await else {
        panic!("it is not the same call");
    };
    let page = text(page.as_ref());
    assert!(
        page.contains("già stata salvata con altri contenuti"),
        "{page}"
    );
    assert!(page.contains("value=\"96\""), "what was typed is there");
    assert!(!page.contains(house.call().as_str()), "under another name");
}

#[tokio::test]
async fn without_an_outbox_nothing_is_saved_and_nothing_typed_is_lost() {
    let house = House::new().await;
    let fields = [
        ("spo2", "93"),
        ("need_food", "1"),
        ("need_words", "Il pane"),
    ];
    let desk = veglia_intake::Desk {
        line: None,
        ..house.desk(&house.anna)
    };
    let Answered::Unsaved(page) = house.sends_to(desk, "save", &fields).await else {
        panic!("it cannot be saved");
    };
    let page = text(page.as_ref());
    assert!(page.contains("NON salvato"), "{page}");
    assert!(
        page.contains("value=\"93\"") && page.contains("Il pane"),
        "{page}"
    );
    let same = [house.call().to_string(), NOW.to_string()];
    for same in same {
        let hidden = format!("value=\"{same}\"");
        assert!(page.contains(&hidden), "the same call, to be tried again");
    }
    assert!(page.contains("value=\"save\"") && page.contains("value=\"correct\""));
}

#[tokio::test]
async fn what_is_corrected_after_a_failure_is_a_call_of_its_own() {
    let house = House::new().await;
    let values = [("spo2", "93")];
    // The outbox takes nothing: the call is kept, and not in it.
    house.line.outbox().close().await;
    let unsaved = house.sends("save", &values).await;
    assert!(matches!(unsaved, Answered::Unsaved(_)));
    let again = house.sends("save", &values).await;
    assert!(matches!(again, Answered::Unsaved(_)), "nobody says saved");
    assert_eq!(house.notes().await.len(), 1, "the diary tells of it, once");
    let needs = [("spo2", "93"), ("need_food", "1"), ("need_consent", "1")];
    let Answered::Other(page) = house.sends("save", &needs).await else {
        panic!("a need is not dropped because the values are the same");
    };
    let page = text(page.as_ref());
    assert!(
        page.contains("name=\"need_food\" value=\"1\" checked"),
        "{page}"
    );
    assert!(!page.contains(house.call().as_str()), "under another name");
    let Answered::Corrected(page) = house.sends("correct", &values).await else {
        panic!("it is to be corrected");
    };
    let page = text(page.as_ref());
    assert!(!page.contains(house.call().as_str()), "under another name");
}

#[tokio::test]
async fn what_was_said_and_does_not_arrive_is_said_to_be_late() {
    let house = House::new().await;
    house.sends("save", &[("spo2", "88")]).await;
    for (minutes, words) in [
        (1, "Salvato, in elaborazione"),
        (2, "Salvato alle 14:12 e NON ancora valutato"),
    ] {
        let desk = veglia_intake::Desk {
            now: NOW.plus_ms(minutes * MINUTE_MS),
            ..house.desk(&house.anna)
        };
        let page = SavedPage::load(desk, house.maria, &house.call()).await;
        let page = text(&page.unwrap().unwrap());
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_page_that_stood_open_for_hours_is_read_back_again() {
    let house = House::new().await;
    let at = NOW.plus_ms(-180 * MINUTE_MS).to_string();
    let fields = [("spo2", "93"), ("at", at.as_str())];
    let answer = house.sends("save", &fields).await;
    let Answered::ReadBack(page) = answer else {
        panic!("it is read back");
    };
    assert!(text(page.as_ref()).contains("rimasta aperta a lungo"));
}

#[tokio::test]
async fn a_need_is_kept_with_its_place_and_consent_and_listed() {
    let house = House::new().await;
    let fields = [
        ("need_food", "1"),
        ("need_words", "La spesa, una volta a settimana"),
        ("need_place", "via Larga 1, Milano"),
        ("need_consent", "1"),
    ];
    house.sends("save", &fields).await;
    let page = NeedsPage::load(house.desk(&house.anna), house.maria).await;
    let page = text(&page.unwrap().unwrap());
    for words in [
        "Spesa o pasti",
        "una volta a settimana",
        "via Larga 1",
        "Acconsente",
        "Anna",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(house.accesses().await.contains(&"patient.needs".to_owned()));
}

#[tokio::test]
async fn a_red_is_on_the_list_and_two_operators_never_have_it_at_once() {
    let house = House::new().await;
    house.raises_a_red().await;
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    assert!(
        page.contains("◆ ROSSO") && page.contains("Rossi Maria"),
        "{page}"
    );
    assert!(
        page.contains("NON recapitato"),
        "what became of the message: {page}"
    );
    assert!(
        !page.contains("+390255500001"),
        "no number before it is claimed"
    );
    assert_eq!(house.acts(&house.anna, "claim", "").await, Listed::Done);
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    assert!(page.contains("tel:+390255500001"), "{page}");
    let Listed::Refused(told) = house.acts(&house.bruno, "claim", "").await else {
        panic!("somebody has it");
    };
    assert!(told.contains("Ferri Anna sta già chiamando"), "{told}");
    let page = text(
        &CallsPage::load(house.desk(&house.bruno), None)
            .await
            .unwrap(),
    );
    assert!(page.contains("Sta chiamando Ferri Anna"), "{page}");
    assert!(!page.contains("tel:"), "{page}");
}

#[tokio::test]
async fn a_red_that_does_not_answer_leads_to_the_contact_the_keys_and_112() {
    let house = House::new().await;
    let daughter = Other {
        name: "Figlia Ada".to_owned(),
        phone: "+39 333 7654321".to_owned(),
    };
    let sheet = Background {
        floor: "4° piano, scala B".to_owned(),
        allergies: "Penicillina".to_owned(),
        others: vec![daughter],
        ..Background::default()
    };
    house.writes_sheet(&sheet).await;
    house.raises_a_red().await;
    let steps = [
        ("patient", "Chiamare il paziente"),
        ("patient", "Chiamare il paziente"),
        ("contact-0", "chiamare la persona di contatto"),
        ("112", "chiamare il 112"),
    ];
    for (whom, words) in steps {
        house.acts(&house.anna, "claim", "").await;
        let page = text(
            &CallsPage::load(house.desk(&house.anna), None)
                .await
                .unwrap(),
        );
        assert!(page.contains(words), "{words}: {page}");
        let came = house.acts(&house.anna, "no-answer", whom).await;
        assert_eq!(came, Listed::Done);
    }
    let page = SheetPage::load(house.desk(&house.anna), house.maria).await;
    let page = text(&page.unwrap().unwrap());
    for words in [
        "4° piano",
        "Penicillina",
        "non registrato",
        "Figlia Ada",
        "via Larga 1",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains("telefonata al 112, non risponde"), "{page}");
    assert!(
        house
            .accesses()
            .await
            .contains(&"patient.sheet-112".to_owned())
    );
}

#[tokio::test]
async fn a_time_that_was_agreed_is_kept_and_one_that_is_none_is_asked_for() {
    let house = House::new().await;
    house.raises_a_red().await;
    let later = |at: &str| ListForm {
        act: "later".to_owned(),
        whom: "patient".to_owned(),
        at: at.to_owned(),
        form: form_of(1),
    };
    let desk = house.desk(&house.anna);
    let refused = veglia_intake::act(desk, house.maria, &later("presto")).await;
    assert!(matches!(refused, Ok(Some(Listed::Refused(_)))));
    let kept = veglia_intake::act(desk, house.maria, &later("15.30")).await;
    assert!(matches!(kept, Ok(Some(Listed::Done))));
    let page = text(&CallsPage::load(desk, None).await.unwrap());
    assert!(page.contains("da richiamare alle 15:30"), "{page}");
}

#[tokio::test]
async fn whom_nobody_follows_any_more_is_called_only_for_what_is_open() {
    let [given_up, over] = [House::new().await, House::new().await];
    given_up.releases().await;
    over.ends_the_plan().await;
    for house in [given_up, over] {
        let desk = house.desk(&house.anna);
        let later = ListForm {
            act: "later".to_owned(),
            whom: "patient".to_owned(),
            at: "15.30".to_owned(),
            form: form_of(1),
        };
        let kept = veglia_intake::act(desk, house.maria, &later).await;
        assert!(matches!(kept, Ok(Some(Listed::Done))));
        let page = text(&CallsPage::load(desk, None).await.unwrap());
        assert!(!page.contains("Rossi Maria"), "{page}");
        house.raises_a_red().await;
        let page = text(&CallsPage::load(desk, None).await.unwrap());
        assert!(page.contains("Rossi Maria"), "{page}");
    }
}

#[tokio::test]
async fn what_came_of_a_call_is_written_once_however_often_its_form_is_sent() {
    let house = House::new().await;
    house.raises_a_red().await;
    let told = house.notes().await.len();
    let form = ListForm {
        act: "no-answer".to_owned(),
        whom: "patient".to_owned(),
        at: String::new(),
        form: form_of(1),
    };
    for _ in 0..3 {
        let done = veglia_intake::act(house.desk(&house.anna), house.maria, &form).await;
        assert!(matches!(done, Ok(Some(Listed::Done))));
    }
    assert_eq!(house.notes().await.len(), told + 1);
    house.acts(&house.anna, "claim", "").await;
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    assert!(
        page.contains("Chiamare il paziente"),
        "the second call: {page}"
    );
}

#[tokio::test]
async fn everybody_followed_by_telephone_is_looked_at_before_anybody_is_left_out() {
    let mut house = House::new().await;
    let board = house.follows_by_telephone(250).await;
    // All but the last have given their values.
    house.view = Box::new(board);
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    assert!(page.contains("1 da chiamare"), "{page}");
    assert!(
        page.contains("Misura attesa dal piano, per telefono: SpO₂"),
        "{page}"
    );
    assert!(
        page.contains(&format!("Paziente {}", house::followed(249))),
        "{page}"
    );
    assert!(!page.contains("non si possono leggere"), "{page}");
}

#[tokio::test]
async fn without_ingest_the_list_goes_by_the_plans_and_says_so() {
    let house = House::new().await;
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    // Maria has a plan and no device.
    assert!(page.contains("chi è seguito per telefono (1)"), "{page}");
    house.follows_by_telephone(250).await;
    let page = text(
        &CallsPage::load(house.desk(&house.anna), None)
            .await
            .unwrap(),
    );
    assert!(page.contains("chi è seguito per telefono (251)"), "{page}");
    assert!(page.contains("250 da chiamare"), "{page}");
}

#[tokio::test]
async fn whoever_reads_english_works_in_english_and_the_diary_stays_italian() {
    let house = House::new().await;
    house.raises_a_red().await;
    let desk = veglia_intake::Desk {
        language: Language::En,
        ..house.desk(&house.anna)
    };
    let list = CallsPage::load(desk, None).await.unwrap();
    let fields = [("spo2", "93"), ("breathless", "0"), ("need_food", "1")];
    let Answered::ReadBack(page) = house.sends_to(desk, "check", &fields).await else {
        panic!("it is read back");
    };
    let read_back = text(page.as_ref());
    let saved = house.sends_to(desk, "save", &fields).await;
    assert!(matches!(saved, Answered::Saved(_)));
    let maria = house.maria;
    let form = CallPage::load(desk, maria).await.unwrap().unwrap();
    let saved = SavedPage::load(desk, maria, &house.call()).await.unwrap();
    let needs = NeedsPage::load(desk, maria).await.unwrap().unwrap();
    let sheet = SheetPage::load(desk, maria).await.unwrap().unwrap();
    for (page, words) in [
        (read_back, "Are you short of breath at rest?"),
        (text(&form), "What do you need?"),
        (text(&saved.unwrap()), "Saved, being processed"),
        (text(&needs), "Shopping or meals"),
        (text(&sheet), "112 sheet: Rossi Maria"),
        (text(&list), "confirmed (88\u{a0}%)"),
    ] {
        assert!(page.contains(words), "{words}: {page}");
        assert!(!page.contains('⟦'), "{page}");
    }
    let notes = house.notes().await;
    let told = |it: &String| it.contains("Ha bisogno di: Spesa o pasti");
    assert!(notes.iter().any(told), "{notes:?}");
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
