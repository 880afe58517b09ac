//! The patient's page and its forms, over a real record, and who is known to have read them.

// req: G8, G9

mod support;

use askama::Template;
use support::*;
use veglia_diary::create_plan;
use veglia_people::staff;
use veglia_store::Actor;
use veglia_view::{
    HttpView, Median, PatientId, Plan, RuleSet, Verdict, VitalKind, WallMs, What, Why,
};
use veglia_ward::{
    ActError, ActForm, CURVES_WINDOW_MS, Chart, CurveError, Language, Link, Outcome, PageError,
    PatientPage, Sources, TrendQuery, act, curve, who_has_seen,
};

impl House {
    /// A curve as the page's script asks for it. Nobody answers here: what counts is the log.
    async fn curve(&self, actor: &Actor, now: WallMs) -> Result<Chart, CurveError> {
        let view = HttpView::new(&self.folder.path().join("nobody.sock"));
        let sources = Sources {
            view: &view,
            record: &self.record,
            actor,
            last: Link::Never,
            fallback_now: now,
            language: Language::It,
        };
        let query = TrendQuery {
            vital: "spo2".to_owned(),
            from: now.plus_ms(-3_600_000).0,
            to: now.0,
            px: 800,
        };
        let ask = query.check(self.maria).expect("a chart asks so");
        curve(sources, &RuleSet::shipped(), ask).await
    }

    /// The entries of the access log about Maria, the earliest first.
    async fn accesses(&self) -> Vec<(String, String, i64)> {
        let subject = self.maria.to_string();
        let listed = self.record.accesses_to(&SETUP, &subject, None, 1_000);
        let listed = listed.await.expect("the log can be read");
        let check = self.record.check_access_log(&SETUP).await;
        assert_eq!(check.expect("the log can be checked").broken_at, None);
        let entries = listed.into_iter().rev();
        entries
            .map(|it| (it.actor, it.purpose, it.at_ms - NOW.0))
            .collect()
    }
}

#[tokio::test]
async fn an_open_flag_is_shown_with_the_exact_readings_behind_it() {
    let house = house().await;
    let flag = low(house.maria);
    house
        .say(&[Verdict::Raise(flag.clone()), confirmed(&flag)])
        .await;
    let page = house.page().await;
    for words in [
        "Rossi Maria",
        "<strong>01/08/1985 (35 anni)</strong>",
        "◆ ROSSO",
        "SpO₂ 91 % alle 14:05, confermato da 90 % alle 14:06",
        "91,4 %",
        "21/11/2020 14:05:00",
        "00000000000000aa-914",
        "Prendi in carico",
        "◆ ROSSO: SpO₂ 91 % alle 14:05, da confermare",
        "Confermato da una seconda misura: 90 % alle 14:06",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn of_two_who_take_charge_one_is_told_who_was_first() {
    let house = house().await;
    let flag = low(house.maria);
    house.say(&[Verdict::Raise(flag.clone())]).await;
    let take = form("take-charge", &flag, 1, "");
    assert_eq!(house.act(&house.ada, &take).await, Outcome::Done);
    let Outcome::Refused(sentence) = house.act(&house.bruno, &take).await else {
        panic!("two people cannot both be first");
    };
    let expected = "Ada Bianchi ha già preso in carico questa segnalazione alle 14:12. \
        Nulla è stato scritto.";
    assert_eq!(sentence, expected);
    assert_eq!(
        house.act(&house.ada, &take).await,
        Outcome::Done,
        "twice is no fault"
    );
    let page = house.page().await;
    assert!(
        page.contains("In carico a Ada Bianchi dalle 14:12"),
        "{page}"
    );
    assert!(!page.contains("Prendi in carico"), "{page}");
}

#[tokio::test]
async fn what_staff_do_about_an_alert_is_on_the_page_and_in_the_diary() {
    let house = house().await;
    let flag = low(house.maria);
    let alert = [Verdict::Raise(flag.clone()), confirmed(&flag)];
    house.say(&alert).await;
    let done = async |actor, form: &ActForm| {
        assert_eq!(house.act(actor, form).await, Outcome::Done);
    };
    let says = async |sentences: &[&str]| {
        let page = house.page().await;
        for words in sentences {
            assert!(page.contains(words), "{words}: {page}");
        }
    };
    says(&[
        "Operatore alle 14:17 se nessuno prende in carico",
        "«Chiami il 112.»",
        // A Saturday afternoon: the family doctor opens on Monday.
        "Medico di famiglia: sarà informato il 23/11 alle 08:00",
        "Per conoscenza: Continuità Assistenziale",
    ])
    .await;
    let call = ActForm {
        whom: "patient".to_owned(),
        outcome: "no-answer".to_owned(),
        ..form("call", &flag, 2, "")
    };
    done(&house.ada, &call).await;
    says(&[
        "In carico a Ada Bianchi dalle 14:12, fino alle 14:42",
        "Telefonata di Ada Bianchi a paziente: non risponde",
    ])
    .await;
    let snooze = |minutes: &str| ActForm {
        minutes: minutes.to_owned(),
        ..form("snooze", &flag, 2, "Cambia il dito.")
    };
    let refused = house.act(&house.ada, &snooze("31")).await;
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("massimo per 30 minuti")));
    done(&house.ada, &snooze("10")).await;
    says(&["Sospesa da Ada Bianchi fino alle 14:22", "Cambia il dito."]).await;
    done(&house.bruno, &form("escalate", &flag, 2, "")).await;
    says(&[
        "Medico di guardia alle 14:27 se nessuno prende in carico",
        "Bruno Verdi ha chiesto il medico di guardia",
        "Passaggio a: medico di guardia",
    ])
    .await;
    let Actor::Staff(bruno) = house.bruno else {
        panic!("Bruno is a nurse");
    };
    let hand_over = ActForm {
        to: bruno.to_string(),
        ..form("hand-over", &flag, 2, "")
    };
    done(&house.ada, &hand_over).await;
    says(&["Ada Bianchi ha passato la segnalazione a Bruno Verdi"]).await;
    let refused = house.act(&house.ada, &hand_over).await;
    assert!(matches!(&refused, Outcome::Refused(why) if why.starts_with("Bruno Verdi ha già")));
}

#[tokio::test]
async fn a_closed_account_is_offered_to_nobody_and_given_nothing() {
    let house = house().await;
    let flag = low(house.maria);
    let alert = [Verdict::Raise(flag.clone()), confirmed(&flag)];
    house.say(&alert).await;
    let Actor::Staff(bruno) = house.bruno else {
        panic!("Bruno is a nurse");
    };
    let offered = format!("<option value=\"{bruno}\">Bruno Verdi</option>");
    assert!(house.page().await.contains(&offered));
    let username = "bruno".parse().expect("a user name");
    let account = staff::by_username(&house.record, &SETUP, &username).await;
    let account = account.expect("the record answers").expect("it is open");
    let closed = staff::disable(&house.record, &SETUP, account.id, NOW).await;
    closed.expect("the account is there");
    assert!(!house.page().await.contains(&offered));
    // The page was opened before.
    let hand_over = ActForm {
        to: bruno.to_string(),
        ..form("hand-over", &flag, 2, "")
    };
    let refused = house.act(&house.ada, &hand_over).await;
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("non lavora più")));
}

#[tokio::test]
async fn nobody_closes_what_they_have_not_read_and_their_words_are_kept() {
    let house = house().await;
    let flag = low(house.maria);
    house
        .say(&[Verdict::Raise(flag.clone()), confirmed(&flag)])
        .await;
    let early = form("close", &flag, 1, "Era solo il freddo.");
    let Outcome::Refused(sentence) = house.act(&house.ada, &early).await else {
        panic!("the confirmation was not on the page");
    };
    assert!(sentence.contains("è cambiata"), "{sentence}");
    let page = house.load().await.expect("Maria is registered");
    let page = page.refusing(sentence, early).render().unwrap();
    assert!(page.contains("Era solo il freddo.</textarea>"), "{page}");
    assert!(page.contains("role=\"alert\""));

    let close = form(
        "close",
        &flag,
        2,
        "Chiamata: sta meglio.\r\nRichiamo alle 18.",
    );
    assert_eq!(house.act(&house.ada, &close).await, Outcome::Done);
    let page = house.page().await;
    assert!(page.contains("Nessuna segnalazione aperta."), "{page}");
    assert!(
        page.contains("Ada Bianchi ha chiuso la segnalazione"),
        "{page}"
    );
    assert!(page.contains("Chiamata: sta meglio."), "{page}");
}

#[tokio::test]
async fn a_confirmed_red_that_is_over_waits_for_a_person() {
    let house = house().await;
    let flag = low(house.maria);
    let over = Verdict::End {
        id: flag.id.clone(),
        why: Why::Recovered,
        at: NOW.plus_ms(-60_000),
        telling: 3,
    };
    house
        .say(&[Verdict::Raise(flag.clone()), confirmed(&flag), over])
        .await;
    let page = house.page().await;
    assert!(page.contains("Rientrato alle 14:11: da chiudere"), "{page}");
}

#[tokio::test]
async fn a_form_about_somebody_else_is_no_form_of_this_page() {
    let house = house().await;
    let strange = form("take-charge", &low(PatientId::new(7)), 1, "");
    let refused = act(
        &house.record,
        &house.ada,
        house.maria,
        &strange,
        (NOW, Language::It),
    )
    .await;
    assert!(matches!(refused, Err(ActError::Form)), "{refused:?}");
}

#[tokio::test]
async fn the_plan_is_said_and_its_absence_too() {
    let house = house().await;
    assert!(house.page().await.contains("Nessun piano"));
    let plan = Plan::template("home-covid", house.maria, NOW.plus_ms(-3_600_000));
    let plan = plan.expect("the template is shipped");
    create_plan(&house.record, &SETUP, &plan, NOW)
        .await
        .unwrap();
    let page = house.page().await;
    assert!(
        page.contains("Versione 1, in vigore fino a 05/12 13:12"),
        "{page}"
    );
    assert!(page.contains("SpO₂: "), "{page}");
}

#[tokio::test]
async fn nobody_is_shown_under_an_unknown_number() {
    let house = House {
        maria: PatientId::new(9),
        ..house().await
    };
    assert!(house.load().await.is_none());
}

#[tokio::test]
async fn a_median_is_shown_with_the_readings_it_is_the_median_of() {
    let house = house().await;
    let mut flag = low(house.maria);
    let median = Median {
        first: "00000000000000aa-1".parse().expect("a record id"),
        last: "00000000000000aa-120".parse().expect("a record id"),
        readings: 118,
    };
    flag.evidence[0].what = What::Value {
        vital: VitalKind::SpO2,
        steps: 914,
        median: Some(median),
    };
    house.say(&[Verdict::Raise(flag)]).await;
    let page = house.page().await;
    for words in [
        "SpO₂ 91 % alle 14:05 (mediana di 118 misure), da confermare",
        "mediana delle 118 misure valide da <code>00000000000000aa-1</code>",
        "a <code>00000000000000aa-120</code>",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn every_opening_of_the_page_is_in_the_access_log_before_it_is_shown() {
    let house = house().await;
    assert_eq!(house.accesses().await, []);
    let bruno = house.bruno.to_string();
    let ada = house.ada.to_string();
    house.opened(&house.ada, NOW).await.expect("Maria");
    house
        .opened(&house.ada, NOW.plus_ms(2_000))
        .await
        .expect("Maria");
    house
        .opened(&house.bruno, NOW.plus_ms(3_000))
        .await
        .expect("Maria");
    let entry = |by: &String, purpose: &str, at| (by.clone(), purpose.to_owned(), at);
    let expected = [
        entry(&ada, "patient.page", 0),
        entry(&ada, "patient.diary", 0),
        entry(&ada, "patient.page", 2_000),
        entry(&ada, "patient.diary", 2_000),
        entry(&bruno, "patient.page", 3_000),
        entry(&bruno, "patient.diary", 3_000),
    ];
    assert_eq!(house.accesses().await, expected);
    assert!(
        House {
            maria: PatientId::new(9),
            ..house
        }
        .accesses()
        .await
        .is_empty()
    );
}

#[tokio::test]
async fn curves_that_are_fetched_anew_are_one_entry_an_hour_for_each_reader() {
    let house = house().await;
    // Three charts every fifteen seconds for two hours, by one; once, by another.
    for quarter in 0..480 {
        for _ in 0..3 {
            let now = NOW.plus_ms(quarter * 15_000);
            let unanswered = house.curve(&house.ada, now).await;
            assert!(
                matches!(unanswered, Err(CurveError::View(_))),
                "{unanswered:?}"
            );
        }
    }
    assert!(house.curve(&house.bruno, NOW.plus_ms(1)).await.is_err());
    let entries = house.accesses().await;
    let by = |actor: &Actor| -> Vec<i64> {
        let ours = entries.iter().filter(|it| it.0 == actor.to_string());
        ours.map(|it| it.2).collect()
    };
    assert_eq!(by(&house.ada), [0, CURVES_WINDOW_MS]);
    assert_eq!(by(&house.bruno), [1]);
    assert!(entries.iter().all(|it| it.1 == "patient.curves"));
}

#[tokio::test]
async fn what_cannot_be_written_in_the_access_log_is_not_shown() {
    use veglia_store::sea_orm::ConnectionTrait;
    let house = house().await;
    let refusing = house.record.run_tx("test.refuse", &SETUP, |tx| {
        Box::pin(async move {
            let refuse = "ALTER TABLE access_log DROP COLUMN hash";
            tx.execute_unprepared(refuse).await?;
            Ok(())
        })
    });
    refusing.await.expect("the table is there");
    let view = HttpView::new(&house.folder.path().join("nobody.sock"));
    let sources = Sources {
        view: &view,
        record: &house.record,
        actor: &house.ada,
        last: Link::Never,
        fallback_now: NOW,
        language: Language::It,
    };
    let page = PatientPage::load(sources, house.maria).await;
    assert!(matches!(page, Err(PageError::Access(_))), "{page:?}");
    let chart = house.curve(&house.ada, NOW).await;
    assert!(matches!(chart, Err(CurveError::Access(_))), "{chart:?}");
}

#[tokio::test]
async fn who_has_seen_the_data_is_told_by_role_and_reason_and_without_names() {
    let house = house().await;
    house.opened(&house.bruno, NOW).await.expect("Maria");
    assert!(house.curve(&house.ada, NOW.plus_ms(1_000)).await.is_err());
    let later = NOW.plus_ms(60_000);
    let ask = async || {
        let seen = who_has_seen(
            &house.record,
            &house.ada,
            house.maria,
            None,
            10,
            (later, Language::It),
        );
        seen.await.expect("the record answers")
    };
    let seen = ask().await;
    let told: Vec<(i64, &str, &str)> = seen
        .iter()
        .map(|it| (it.at.0 - NOW.0, &*it.role, it.reason.as_str()))
        .collect();
    let expected = [
        (
            1_000,
            "infermiere",
            "Consultazione dell’andamento delle misure",
        ),
        (0, "infermiere", "Consultazione del diario"),
        (0, "infermiere", "Consultazione della scheda"),
    ];
    assert_eq!(told, expected);
    assert!(seen.iter().all(|it| it.unit == "Centrale Medica"));
    assert!(!format!("{seen:?}").contains("Verdi"));
    let last = house.accesses().await.pop().expect("asking is written too");
    assert_eq!(
        last,
        (house.ada.to_string(), "patient.accesses".to_owned(), 60_000)
    );
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
