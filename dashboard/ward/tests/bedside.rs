//! The pages of one patient beside the first: the whole diary, the clinical sheet, who has seen
//! the data, what is marked beside curves; and the acts that move no alert.

// req: G8

#[path = "bedside/entrust.rs"]
mod entrust;
mod support;

use askama::Template;
use support::*;
use veglia_diary::write_note;
use veglia_people::staff::Role;
use veglia_store::Actor;
use veglia_view::{HttpView, PatientId, RuleSet, Trigger, Verdict, WallMs};
use veglia_ward::{
    ActForm, DiaryPage, DiaryQuery, Language, Link, MarksQuery, Outcome, PlanDesk, SeenPage,
    SeenQuery, SheetForm, SheetOutcome, SheetPage, Sources, marks, sheet,
};

impl House {
    fn desk<'a>(&'a self, rules: &'a RuleSet, actor: &'a Actor, role: Role) -> PlanDesk<'a> {
        PlanDesk {
            record: &self.record,
            rules,
            actor,
            role,
            now: NOW,
            language: Language::It,
        }
    }

    async fn diary(&self, query: DiaryQuery) -> DiaryPage {
        let view = HttpView::new(&self.folder.path().join("nobody.sock"));
        let sources = Sources {
            view: &view,
            record: &self.record,
            actor: &self.ada,
            last: Link::Never,
            fallback_now: NOW,
            language: Language::It,
        };
        let page = DiaryPage::load(sources, self.maria, &query).await;
        page.expect("the record answers")
            .expect("Maria is registered")
    }

    async fn sheet(&self, actor: &Actor, fields: &[(&str, &str)]) -> SheetOutcome {
        let fields = fields.iter().map(|(name, typed)| (*name, *typed));
        let form = serde_json::Value::from_iter(fields);
        let form: SheetForm = serde_json::from_value(form).expect("fields and texts");
        let rules = RuleSet::shipped();
        let desk = self.desk(&rules, actor, Role::Nurse);
        let done = sheet(desk, self.maria, &form).await;
        done.expect("the record answers")
    }
}

fn of(tipo: &str, prima: Option<i64>) -> DiaryQuery {
    DiaryQuery {
        tipo: tipo.to_owned(),
        prima,
    }
}

fn shown(page: &impl Template) -> String {
    page.render().expect("it renders").replace('\u{a0}', " ")
}

/// Reds of one patient, a minute apart.
async fn reds(house: &House, count: u64) {
    for number in 1..=count {
        let mut flag = low(house.maria);
        let record = format!("00000000000000aa-{number}");
        flag.id.trigger = Trigger::Record(record.parse().expect("a record id"));
        house.say(&[Verdict::Raise(flag)]).await;
    }
}

#[tokio::test]
async fn with_thirty_reds_one_is_unfolded_and_each_is_still_there() {
    let house = house().await;
    reds(&house, 30).await;
    house.say(&[Verdict::Raise(low(PatientId::new(7)))]).await;
    let page = house.page().await;
    assert_eq!(page.matches("<details class=\"flag flag-red\"").count(), 30);
    let unfolded = "<details class=\"flag flag-red\" name=\"flag\" open>";
    assert_eq!(page.matches(unfolded).count(), 1);
    assert!(page.contains("Altre 25 segnalazioni"), "{page}");
    let fold = page.find("flags-more").expect("there is a fold");
    assert!(page.find(unfolded).expect("one is unfolded") < fold);
    assert!(page.matches("<li class=\"entry").count() <= 15);

    // The one that was acted on is unfolded, wherever it stands.
    let about = page.split("name=\"flag\" value=\"").skip(1);
    let about = about.filter_map(|rest| rest.split('"').next());
    let id = about.filter(|id| !id.is_empty()).last();
    let id = id.expect("each flag has forms");
    let load = house.load().await.expect("Maria is registered");
    let again = shown(&load.opening(id));
    assert_eq!(again.matches(unfolded).count(), 1);
    assert!(again.contains("flags-more\" open"), "{again}");
}

#[tokio::test]
async fn what_moves_no_alert_is_written_with_its_author_and_the_ladder_goes_on() {
    let house = house().await;
    let flag = low(house.maria);
    let alert = [Verdict::Raise(flag.clone()), confirmed(&flag)];
    house.say(&alert).await;
    let repeat = ActForm {
        vital: "spo2".to_owned(),
        ..form("ask-repeat", &flag, 2, "Dito caldo, seduta.")
    };
    let refer = ActForm {
        service: "special-unit".to_owned(),
        ..form("refer", &flag, 2, "Fiato corto, d’accordo la figlia.")
    };
    let call = ActForm {
        act: "call".to_owned(),
        whom: "contact".to_owned(),
        outcome: "well".to_owned(),
        words: "Serve la spesa.".to_owned(),
        ..ActForm::default()
    };
    for form in [&repeat, &refer, &call] {
        assert_eq!(house.act(&house.ada, form).await, Outcome::Done);
    }
    let page = house.page().await;
    for words in [
        "Ada Bianchi ha chiesto di ripetere la misura: SpO₂",
        "Ada Bianchi ha richiesto un servizio: USCA (medico a domicilio)",
        "Telefonata di Ada Bianchi a persona di contatto: risponde, sta bene",
        "«Serve la spesa.»",
        // Nobody has taken charge by it.
        "Operatore alle 14:17 se nessuno prende in carico",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

#[tokio::test]
async fn a_form_with_nothing_chosen_comes_back_to_its_own_fields() {
    let house = house().await;
    let flag = low(house.maria);
    house.say(&[Verdict::Raise(flag.clone())]).await;
    let call = ActForm {
        whom: "key-holder".to_owned(),
        ..form("call", &flag, 1, "Non apre nessuno.")
    };
    let Outcome::Refused(sentence) = house.act(&house.ada, &call).await else {
        panic!("a call has an outcome");
    };
    assert!(sentence.contains("è ancora qui"), "{sentence}");
    let page = house.load().await.expect("Maria is registered");
    let page = shown(&page.refusing(sentence, call));
    let field = "<textarea id=\"call-0\" name=\"words\" rows=\"2\" maxlength=\"4000\">Non apre";
    assert!(page.contains(field), "{page}");
    assert!(
        page.contains("<option value=\"key-holder\" selected>"),
        "{page}"
    );
    assert!(page.contains("name=\"act-0\" open>"), "{page}");
}

#[tokio::test]
async fn the_diary_is_read_page_by_page_and_by_kind_and_nothing_is_left_out() {
    let house = house().await;
    for number in 0..120_i64 {
        // Three of a moment, so that a page would end between them.
        let at = NOW.plus_ms(-(number / 3) * 60_000);
        let note = format!("nota {number:03}");
        let written = write_note(&house.record, &house.ada, house.maria, None, &note, at);
        written.await.expect("the diary takes it");
    }
    house.say(&[Verdict::Raise(low(house.maria))]).await;
    let mut seen = String::new();
    let mut query = of("note", None);
    for _ in 0..4 {
        let page = shown(&house.diary(query).await);
        seen.push_str(&page);
        let older = page.split("prima=").nth(1);
        let older = older.and_then(|rest| rest.split('"').next());
        match older {
            Some(older) => query = of("note", older.parse().ok()),
            None => break,
        }
    }
    for number in 0..120 {
        let note = format!("«nota {number:03}»");
        assert_eq!(seen.matches(&note).count(), 1, "{note}");
    }
    assert!(!seen.contains("◆ ROSSO"), "notes alone");
    let alarms = shown(&house.diary(of("allarmi", None)).await);
    assert!(alarms.contains("◆ ROSSO"), "{alarms}");
    assert!(
        alarms.contains("Fonte: regola spo2-red (home-2020-1)"),
        "{alarms}"
    );
    assert!(!alarms.contains("«nota"), "alarms alone");
    let measures = shown(&house.diary(of("misure", None)).await);
    assert!(
        measures.contains("L’acquisizione non risponde"),
        "{measures}"
    );
}

#[tokio::test]
async fn a_correction_is_an_entry_of_its_own_and_the_wrong_one_stays() {
    let house = house().await;
    let note = ActForm {
        act: "note".to_owned(),
        words: "Temperatura 36,6 riferita.".to_owned(),
        ..ActForm::default()
    };
    assert_eq!(house.act(&house.ada, &note).await, Outcome::Done);
    let page = shown(&house.diary(DiaryQuery::default()).await);
    let entry = page.split("name=\"entry\" value=\"").nth(1);
    let entry = entry
        .and_then(|rest| rest.split('"').next())
        .expect("a note");
    let correct = ActForm {
        act: "correct".to_owned(),
        entry: entry.to_owned(),
        words: "Era 38,6.".to_owned(),
        ..ActForm::default()
    };
    assert_eq!(house.act(&house.bruno, &correct).await, Outcome::Done);
    let page = shown(&house.diary(DiaryQuery::default()).await);
    for words in [
        "«Temperatura 36,6 riferita.»",
        "Corretta alle 14:12",
        "Correzione di Bruno Verdi a una voce del diario, quella scritta alle 14:12",
        "«Era 38,6.»",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let nowhere = ActForm {
        entry: "999".to_owned(),
        ..correct
    };
    let refused = house.act(&house.bruno, &nowhere).await;
    assert!(matches!(&refused, Outcome::Refused(why) if why.contains("non è di questo diario")));
}

#[tokio::test]
async fn of_two_who_fill_in_the_sheet_the_second_keeps_what_was_typed_and_is_told_who_was_first() {
    let house = house().await;
    let empty = house.page().await;
    assert!(empty.contains("Non ancora compilata"), "{empty}");
    let first = [
        ("seen", "0"),
        ("allergies", "penicillina"),
        ("home-oxygen", "2 L/min di notte"),
        ("floor", "3º piano, scala B, Rossi"),
        ("key-holder", "Sig.ra Bo"),
        ("key-holder-phone", "02 5550 0002"),
        ("isolated-since", "2020-11-14"),
    ];
    let done = house.sheet(&house.ada, &first).await;
    assert!(matches!(done, SheetOutcome::Written), "{done:?}");
    let late = [("seen", "0"), ("therapy", "cortisone 25 mg")];
    let SheetOutcome::Overtaken(page) = house.sheet(&house.bruno, &late).await else {
        panic!("Ada was first");
    };
    let page = shown(&*page);
    assert!(
        page.contains("Versione 1, scritta alle 14:12 da Ada Bianchi"),
        "{page}"
    );
    assert!(page.contains("cortisone 25 mg</textarea>"), "{page}");
    let wrong = [("seen", "1"), ("other-1", "Luca"), ("other-1-phone", "boh")];
    let SheetOutcome::Faulty(page) = house.sheet(&house.bruno, &wrong).await else {
        panic!("nobody can call that");
    };
    let page = shown(&*page);
    assert!(page.contains("Non è un numero da chiamare"), "{page}");
    assert!(page.contains("value=\"boh\""), "{page}");
    let page = house.page().await;
    for words in [
        "penicillina",
        "2 L/min di notte",
        "3º piano, scala B, Rossi",
        "Sig.ra Bo <a href=\"tel:+390255500002\">",
        "In isolamento dal 14/11: 7 giorni compiuti",
        "Versione 1, scritta alle 14:12 da Ada Bianchi",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let rules = RuleSet::shipped();
    let desk = house.desk(&rules, &house.ada, Role::Nurse);
    let page = SheetPage::load(desk, house.maria)
        .await
        .expect("it answers");
    let page = shown(&page.expect("Maria is registered"));
    assert!(page.contains("value=\"2020-11-14\""), "{page}");
    let nobody = SheetPage::load(desk, PatientId::new(9)).await;
    assert!(nobody.expect("it answers").is_none());
}

#[tokio::test]
async fn the_log_of_looks_is_turned_over_by_number_and_names_nobody() {
    let house = house().await;
    for _ in 0..30 {
        house.opened(&house.bruno, NOW).await.expect("Maria");
    }
    let rules = RuleSet::shipped();
    let desk = house.desk(&rules, &house.ada, Role::Nurse);
    let page = async |prima| {
        let page = SeenPage::load(desk, house.maria, SeenQuery { prima }).await;
        shown(&page.expect("it answers").expect("Maria is registered"))
    };
    let newest = page(None).await;
    assert_eq!(newest.matches("Consultazione").count(), 50);
    assert!(newest.contains("Centrale Medica") && newest.contains("infermiere"));
    assert!(!newest.contains("Bruno"), "{newest}");
    let older = newest
        .split("prima=")
        .nth(1)
        .and_then(|it| it.split('"').next());
    let oldest = page(older.and_then(|number| number.parse().ok())).await;
    // Sixty looks in all: of each opening two. That Ada reads the log came after them.
    assert_eq!(oldest.matches("Consultazione").count(), 10, "{oldest}");
    assert!(!oldest.contains("prima="), "{oldest}");
}

#[tokio::test]
async fn marks_stand_where_it_was_measured_and_say_what_was_done() {
    let house = house().await;
    house.say(&[Verdict::Raise(low(house.maria))]).await;
    let note = ActForm {
        act: "note".to_owned(),
        words: "Sta bene.".to_owned(),
        ..ActForm::default()
    };
    assert_eq!(house.act(&house.ada, &note).await, Outcome::Done);
    let view = HttpView::new(&house.folder.path().join("nobody.sock"));
    let sources = Sources {
        view: &view,
        record: &house.record,
        actor: &house.ada,
        last: Link::Never,
        fallback_now: NOW,
        language: Language::It,
    };
    let query = |from: WallMs, to: WallMs| MarksQuery {
        from: from.0,
        to: to.0,
    };
    let stretch = query(NOW.plus_ms(-3_600_000), NOW.plus_ms(1)).check();
    let told = marks(sources, house.maria, stretch.expect("an hour")).await;
    let told = told.expect("the record answers");
    let said: Vec<(i64, &str, &str)> = told
        .marks
        .iter()
        .map(|it| (it.at - NOW.0, it.kind, it.mark))
        .collect();
    assert_eq!(said, [(-420_000, "red", "◆"), (0, "note", "●")]);
    assert!(told.marks[0].text.contains("ROSSO: SpO₂"), "{told:?}");
    assert!(query(NOW, NOW).check().is_err());
    let months = query(NOW, NOW.plus_ms(90 * 86_400_000));
    assert!(months.check().is_err());
}

#[tokio::test]
async fn whoever_only_reads_is_offered_no_act() {
    let house = house().await;
    reds(&house, 1).await;
    let page = async |role| {
        let page = house.load().await.expect("Maria is registered");
        shown(&page.read_by(role))
    };
    assert!(page(Role::Nurse).await.contains("<form"));
    assert!(!page(Role::Mmg).await.contains("<form"));
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
