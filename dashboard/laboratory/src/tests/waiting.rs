//! What keeps waiting until somebody has truly answered it, and what stops nothing else.

// req: A2

use veglia_store::sea_orm::entity::prelude::*;

use super::*;
use crate::rows::result;

/// A final positive without a readable telephone, which waits.
const NO_PHONE: (&str, &str) = ("^PRN^CP^^39^333^1234567", "non lo so");

#[tokio::test]
async fn only_what_truly_answers_settles_what_waits() {
    let preliminary = ("||||||F\rOBX|2", "||||||P\rOBX|2");
    let negative = ("10828004^Positivo", "260385009^Negativo");
    let other = ("RSSMRA85T10A562S", "STP0301234567890");
    for changes in [preliminary, negative, other] {
        let room = Room::open().await;
        room.send(&oru(&[NO_PHONE])).await;
        room.send(&oru(&[changes, ("M1|P", "M2|P")])).await;
        let faults = room.faults().await;
        assert!(faults.contains(&Fault::Phone), "{changes:?}: {faults:?}");
    }
}

#[tokio::test]
async fn a_contradiction_waits_whatever_comes_after_it() {
    let room = Room::open().await;
    let other = ("RSSMRA85T10A562S", "STP0301234567890");
    room.send(&oru(&[])).await;
    room.send(&oru(&[other, ("M1|P", "M2|P")])).await;
    assert_eq!(room.faults().await, [Fault::Contradiction]);
    let corrected = ("||||||F\rOBX|2", "||||||C\rOBX|2");
    room.send(&oru(&[other, corrected, ("M1|P", "M3|P")])).await;
    assert_eq!(room.faults().await, [Fault::Contradiction]);
}

#[tokio::test]
async fn mending_one_result_leaves_the_others_of_its_number_waiting() {
    let room = Room::open().await;
    room.send(&oru(&[NO_PHONE])).await;
    let nobody = ("RSSMRA85T10A562S", "RSSMRA85T10A562X");
    room.send(&oru(&[nobody, ("M1|P", "M2|P")])).await;
    assert_eq!(room.faults().await, [Fault::Phone, Fault::Person]);
    let first = Entry::Result(1);
    let opened = lists::open(&room.record, &TEST, first, NOW).await;
    let mut written = opened.unwrap().unwrap().written;
    written.phone = "333 1234567".to_owned();
    let actor = room.anna.actor();
    book::mend(&room.record, &actor, first, &written, NOW)
        .await
        .unwrap();
    assert_eq!(room.faults().await, [Fault::Person]);
}

#[tokio::test]
async fn one_result_mended_out_of_a_message_leaves_the_message_until_somebody_says_all_are() {
    let room = Room::open().await;
    room.send(&oru(&[("OBX|2", "a note\rPID|2|\rOBX|2")])).await;
    let (desk, named) = (room.desk(), (Shelf::Messages, "1"));
    let mut form = serde_json::json!({
        "laboratory": "SANPROVA", "order": "A1", "person": "RSSMRA85T10A562S",
        "phone": "333 1234567", "taken": "20/10/2020 10:30", "test": "molecolare",
        "outcome": "positivo", "status": "definitivo", "act": "mend",
    });
    let press = |form: &serde_json::Value| serde_json::from_value(form.clone()).unwrap();
    for (order, person) in [("A1", "RSSMRA85T10A562S"), ("A2", "STP0301234567890")] {
        (form["order"], form["person"]) = (order.into(), person.into());
        let done = mend(desk, named, &press(&form)).await.unwrap();
        assert!(matches!(done, Mended::More));
        assert_eq!(room.waiting().await.len(), 1);
    }
    let page = MendPage::load(desk, named).await.unwrap().unwrap();
    let page = page.render().unwrap();
    assert!(
        page.contains("Persone nel messaggio (PID): 2. Esiti già registrati: 2."),
        "{page}"
    );
    assert_eq!(room.follow().await, 2);
    form["act"] = "all".into();
    let done = mend(desk, named, &press(&form)).await.unwrap();
    assert!(matches!(done, Mended::Done));
    assert!(room.waiting().await.is_empty());
    let again = mend(desk, named, &press(&form)).await.unwrap();
    assert!(matches!(again, Mended::Unknown));
}

#[tokio::test]
async fn a_positive_that_is_corrected_away_waits_with_whom_to_call() {
    for changes in [
        ("10828004^Positivo", "260385009^Negativo"),
        ("RSSMRA85T10A562S", "STP0301234567890"),
    ] {
        let room = Room::open().await;
        room.send(&oru(&[])).await;
        let corrected = ("||||||F\rOBX|2", "||||||C\rOBX|2");
        let moved = ("333^1234567", "347^7654321");
        let sent = oru(&[changes, corrected, moved, ("M1|P", "M2|P")]);
        room.send(&sent).await;
        assert_eq!(room.follow().await, 2);
        let waiting = room.waiting().await;
        assert!(
            matches!(&waiting[..], [it] if it.why == Why::TakenBack),
            "{waiting:?}"
        );
        let page = MendPage::load(room.desk(), (Shelf::Results, "2")).await;
        let page = page.unwrap().unwrap().render().unwrap();
        for said in ["ROSSI MARIA", "RSSMRA85T10A562S", "3331234567"] {
            assert!(page.contains(said), "{said}: {page}");
        }
    }
}

#[tokio::test]
async fn the_telephone_of_an_employer_is_nobodys_number() {
    let room = Room::open().await;
    let work = (
        "^PRN^CP^^39^333^1234567",
        "^PRN^PH^^39^02^57781000|^WPN^CP^^39^333^1234567",
    );
    room.send(&oru(&[work])).await;
    let kept = book::to_pass_on(&room.record, &TEST).await.unwrap();
    let phone = kept[0].as_ref().unwrap().report.phone.as_ref().unwrap();
    assert_eq!(phone.as_str(), "+390257781000");
}

#[tokio::test]
async fn two_findings_of_one_order_that_disagree_are_none_and_wait() {
    let room = Room::open().await;
    let second = "OBX|2|CWE|94309-2^SARS-CoV-2 RNA^LN||260385009^Negativo^SCT||||||F\rOBX|3|NM";
    room.send(&oru(&[("OBX|2|NM", second)])).await;
    assert_eq!(room.faults().await, [Fault::Outcome]);
    assert_eq!(room.follow().await, 0);
}

#[tokio::test]
async fn a_result_that_can_no_longer_be_read_waits_and_does_not_stop_the_others() {
    let room = Room::open().await;
    room.send(&oru(&[])).await;
    let other = oru(&[
        ("RSSMRA85T10A562S", "STP0301234567890"),
        ("|P1|A1|94531", "|P2|A2|94531"),
        ("M1|P", "M2|P"),
    ]);
    room.send(&other).await;
    let broken = room.record.run_tx("test.breaks", &TEST, |tx| {
        Box::pin(async move {
            result::Entity::update_many()
                .col_expr(result::Column::Body, Expr::value("no longer"))
                .filter(result::Column::Id.eq(1))
                .exec(tx)
                .await?;
            Ok(())
        })
    });
    broken.await.unwrap();
    assert_eq!(room.follow().await, 2);
    let waiting = room.waiting().await;
    assert!(
        matches!(&waiting[..], [it] if it.why == Why::Refused),
        "{waiting:?}"
    );
    let page = MendPage::load(room.desk(), (Shelf::Results, "1")).await;
    assert!(page.unwrap().is_some(), "it can be opened, and set aside");
}
