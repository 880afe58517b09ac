//! What lines say and where they stand, as tables of sentences.

use veglia_diary::ladder::{Hold, State};
use veglia_diary::{Alert, AlertId};
use veglia_view::{
    About as FlagAbout, Calling, DeviceId, Evidence, Expected, Flag, FlagId, How, Latest, OpenFlag,
    OxygenScale, Parameter, PatientId, Plan, PlanVersion, Quality, Row, RuleSet, Scale, Scored,
    Severity, Site, Source, Standing, Trigger, Unjudged, VitalKind, WallMs, Why,
};

use super::*;

/// 2020-11-21 14:12:00 in Rome.
const NOW: WallMs = WallMs(1_605_964_320_000);
const MINUTE: i64 = 60_000;
const IT: Words = WORDS.speaking(Language::It);

/// So many minutes past 14:00.
fn at(minute: i64) -> WallMs {
    NOW.plus_ms((minute - 12) * MINUTE)
}

fn evidence(vital: VitalKind, steps: i32, minute: i64) -> Evidence {
    Evidence::reading(
        format!("00000000000000aa-{steps}").parse().unwrap(),
        vital,
        steps,
        at(minute),
    )
}

fn measured(severity: Severity, standing: Standing, evidence: Vec<Evidence>) -> OpenFlag {
    let first = evidence[0];
    let rule = match severity {
        Severity::Red => "spo2-red",
        _ => "fever",
    };
    OpenFlag {
        flag: Flag {
            id: FlagId {
                patient: PatientId::new(1),
                rule: rule.parse().unwrap(),
                rule_set: "home-2020-1".parse().unwrap(),
                trigger: Trigger::Record(first.id),
            },
            severity,
            about: FlagAbout::Vital(first.value().unwrap().0),
            since: first.at,
            evidence,
            standing,
            late: false,
            telling: 1,
        },
        raised_at: first.at,
        over: None,
    }
}

fn silent(vital: VitalKind, expected_minute: i64) -> OpenFlag {
    let trigger = Trigger::SilentSince(vital, at(expected_minute));
    let mut flag = measured(
        Severity::Technical,
        confirmed(How::AtOnce, expected_minute),
        vec![evidence(vital, 1, expected_minute)],
    );
    flag.flag.id.trigger = trigger;
    flag.flag.evidence.clear();
    flag
}

fn confirmed(how: How, minute: i64) -> Standing {
    Standing::Confirmed {
        how,
        at: at(minute),
    }
}

fn latest(vital: VitalKind, steps: i32, minute: i64) -> Latest {
    Latest {
        vital,
        steps,
        site: Site::Unknown,
        at: at(minute),
        quality: Quality::empty(),
        source: Source::Device,
    }
}

fn row(patient: u64, latest: &[Latest], flags: Vec<OpenFlag>) -> Row {
    let mut row = Row::new(PatientId::new(patient));
    latest.iter().for_each(|latest| row.measure(*latest));
    row.flags = flags;
    row
}

fn plan() -> Plan {
    Plan {
        patient: PatientId::new(1),
        version: PlanVersion(1),
        from: at(-600),
        until: None,
        parameters: vec![Parameter {
            vital: VitalKind::SpO2,
            expected: Expected::EveryMinutes(15),
            grace_minutes: 5,
        }],
        spo2: None,
        oxygen_scale: OxygenScale::One,
        guards: Vec::new(),
        limits: Vec::new(),
        calling: Calling::default(),
    }
}

fn placed(row: &Row, alerts: &[Care]) -> Placed {
    let name = format!("Rossi {}", row.patient.get());
    let about = About {
        row,
        name: Some(&name),
        plan: Some(&plan()),
        alerts,
    };
    place(&about, NOW, Language::It)
}

fn line(row: &Row) -> Line {
    placed(row, &[]).line
}

#[test]
fn every_flag_is_explained_in_words() {
    let low = |steps, minute| evidence(VitalKind::SpO2, steps, minute);
    let red = |standing, evidence| measured(Severity::Red, standing, evidence);
    let unconfirmed = Standing::Unconfirmed { repeat_by: at(15) };
    let mut late = red(confirmed(How::AtOnce, 5), vec![low(860, 5)]);
    late.flag.late = true;
    let mut over = red(confirmed(How::Repeat, 6), vec![low(914, 5), low(900, 6)]);
    over.over = Some((Why::Recovered, at(10)));
    let fever = vec![evidence(VitalKind::Temperature, 3_864, 5)];
    let values = vec![low(914, 5), evidence(VitalKind::Temperature, 3_864, 6)];
    let mut score = measured(Severity::Amber, confirmed(How::Repeat, 6), values);
    score.flag.about = FlagAbout::Score(Scale::News2);
    let table = [
        (
            score,
            "NEWS2: SpO₂ 91 % alle 14:05, Temperatura 38,6 °C alle 14:06, confermato",
        ),
        (
            red(unconfirmed, vec![low(914, 5)]),
            "SpO₂ 91 % alle 14:05, da confermare: si attende la seconda misura entro le 14:15",
        ),
        (
            red(
                confirmed(How::AtOnce, 7),
                vec![low(914, 5), low(905, 6), low(850, 7)],
            ),
            "SpO₂ 91 % alle 14:05, poi 85 % alle 14:07",
        ),
        (
            red(confirmed(How::Repeat, 6), vec![low(914, 5), low(900, 6)]),
            "SpO₂ 91 % alle 14:05, confermato da 90 % alle 14:06",
        ),
        (
            red(confirmed(How::MissedRepeat, 15), vec![low(914, 5)]),
            "SpO₂ 91 % alle 14:05, confermato: nessuna seconda misura entro le 14:15",
        ),
        (late, "SpO₂ 86 % alle 14:05 (arrivata in ritardo)"),
        (
            over,
            "SpO₂ 91 % alle 14:05, confermato da 90 % alle 14:06. \
             Rientrato alle 14:10: da chiudere",
        ),
        (
            measured(Severity::Amber, confirmed(How::AtOnce, 5), fever),
            "Febbre 38,6 °C alle 14:05",
        ),
        (
            silent(VitalKind::SpO2, -60),
            "Nessuna misura di SpO₂ dalle 12:40 (attesa ogni 15 min)",
        ),
        (
            silent(VitalKind::Temperature, -60),
            "Nessuna misura di temperatura finora: era attesa alle 13:00",
        ),
    ];
    for (flag, words) in table {
        let row = row(1, &[latest(VitalKind::SpO2, 960, -80)], vec![flag]);
        assert_eq!(line(&row).why[0].text.replace('\u{a0}', " "), words);
    }
}

#[test]
fn no_data_is_never_well() {
    let clean = latest(VitalKind::SpO2, 970, 10);
    let mut held = clean;
    held.quality = Quality::HELD;
    let mut skin = latest(VitalKind::Temperature, 3_350, 10);
    skin.site = Site::Skin;
    let ahead = latest(VitalKind::SpO2, 970, 24 * 60);
    let table: [(&[Latest], &str, &str); 7] = [
        (&[], "none", "NESSUN DATO"),
        (&[clean], "calm", "nessun allarme"),
        (&[held], "none", "NESSUN DATO VALIDO"),
        (&[skin], "none", "NESSUN DATO VALIDO"),
        (&[latest(VitalKind::SpO2, 970, -168)], "still", "DATI FERMI"),
        (&[ahead], "still", "DATI FERMI"),
        (
            &[latest(VitalKind::SpO2, 970, -7)],
            "calm",
            "nessun allarme",
        ),
    ];
    for (values, kind, word) in table {
        let line = line(&row(1, values, Vec::new()));
        assert_eq!(
            (line.chip.kind, &*line.chip.word),
            (kind, word),
            "{values:?}"
        );
        let calm = line.lane == Lane::Calm;
        assert_eq!(calm, kind == "calm", "blind is never among the calm");
    }
    let still = line(&row(1, &[latest(VitalKind::SpO2, 970, -168)], Vec::new()));
    assert_eq!(still.chip.lasting(&IT, &NOW), "da 3 h");
    assert_eq!(still.why[0].text, "Ultima misura valida alle 11:12");
}

#[test]
fn a_calm_line_tells_when_it_stops_being_calm() {
    let row = row(1, &[latest(VitalKind::SpO2, 970, 10)], Vec::new());
    let until = placed(&row, &[]).until.unwrap();
    assert_eq!(
        until,
        at(30),
        "fifteen minutes of the plan and five of grace"
    );
    let about = About {
        row: &row,
        name: None,
        plan: Some(&plan()),
        alerts: &[],
    };
    assert_eq!(
        place(&about, until.plus_ms(-1), Language::It)
            .line
            .chip
            .kind,
        "calm"
    );
    assert_eq!(place(&about, until, Language::It).line.chip.kind, "still");
}

#[test]
fn a_value_is_greyed_when_it_is_old_silent_or_doubtful() {
    let fresh = line(&row(1, &[latest(VitalKind::SpO2, 974, 10)], Vec::new()));
    let cell = &fresh.values[0];
    assert_eq!(cell.text, "97\u{a0}%");
    assert_eq!(
        (cell.age(&IT, &NOW).as_str(), cell.note.as_str()),
        ("2 min fa", "dispositivo")
    );
    assert_eq!(cell.full, "21/11/2020 14:10:00");
    assert!(!cell.is_stale(&NOW) && !cell.doubtful);
    assert_eq!(cell.stale_at, Some(at(30).0));

    let old = line(&row(1, &[latest(VitalKind::SpO2, 974, -10)], Vec::new()));
    assert!(old.values[0].is_stale(&NOW));

    let flags = vec![silent(VitalKind::SpO2, 0)];
    let silent = line(&row(1, &[latest(VitalKind::SpO2, 974, 11)], flags));
    assert!(
        silent.values[0].is_stale(&NOW),
        "the rules know better than the interval"
    );

    let mut held = latest(VitalKind::SpO2, 974, 10);
    held.quality = Quality::HELD | Quality::WEAK_SIGNAL;
    held.source = Source::ByHand;
    let held = line(&row(1, &[held], Vec::new()));
    assert!(held.values[0].doubtful);
    let note = "inserita a mano, segnale debole, valore precedente";
    assert_eq!(held.values[0].note, note);

    let never = &fresh.values[1];
    assert_eq!((never.text.as_str(), &*never.full), ("–", "mai misurata"));
}

#[test]
fn who_needs_somebody_most_stands_first() {
    let low = |minute| vec![evidence(VitalKind::SpO2, 900, minute)];
    let red = |patient: u64, minute| {
        let mut flag = measured(Severity::Red, confirmed(How::AtOnce, minute), low(minute));
        flag.flag.id.patient = PatientId::new(patient);
        flag
    };
    let recovered = |mut flag: OpenFlag| {
        flag.over = Some((Why::Recovered, at(10)));
        flag
    };
    let fever = |minute| {
        let hot = vec![evidence(VitalKind::Temperature, 3_900, minute)];
        measured(Severity::Amber, confirmed(How::AtOnce, minute), hot)
    };
    let value = latest(VitalKind::SpO2, 970, 10);
    let rows = [
        row(1, &[value], Vec::new()),
        row(2, &[], Vec::new()),
        row(3, &[value], vec![silent(VitalKind::Temperature, 0)]),
        row(4, &[value], vec![red(4, 2)]),
        row(5, &[value], vec![fever(1)]),
        row(6, &[value], vec![red(6, 8)]),
        row(7, &[value], vec![red(7, 5), silent(VitalKind::Pulse, 0)]),
        row(8, &[value], vec![recovered(red(8, 1))]),
    ];
    let hold = Hold {
        by: "staff:1".to_owned(),
        since: at(9),
        until: at(39),
    };
    let state = State {
        hold: Some(hold),
        is_confirmed: true,
        ..State::new(Severity::Red)
    };
    let held = Care {
        alert: Alert {
            id: AlertId(1),
            patient: PatientId::new(4),
            flag: rows[3].flags[0].flag.id.clone(),
            opened_at: at(2),
            state,
            closed: None,
        },
        by: "Bianchi Ada".to_owned(),
    };
    let alerts = [held];
    let mut lines: Vec<Placed> = rows.iter().map(|row| placed(row, &alerts)).collect();
    lines.sort_by(|one, other| one.rank.cmp(&other.rank));
    let order: Vec<&str> = lines.iter().map(|it| it.line.name.as_str()).collect();
    // Unattended reds, the one that waits longest first, then the one that has recovered; amber;
    // the red that somebody has; then the blind and the silent; the calm last.
    let expected = [7, 6, 8, 5, 4, 3, 2, 1].map(|number| format!("Rossi {number}"));
    assert_eq!(order, expected);
    let said = lines[4].line.why[0].charge.as_deref();
    assert_eq!(
        said,
        Some("In carico a Bianchi Ada dalle 14:09, fino alle 14:39")
    );
}

#[test]
fn of_two_equally_grave_the_sicker_by_score_stands_first_whoever_waits_longer() {
    let rules = RuleSet::shipped();
    let red = |patient: u64, minute, steps| {
        let reading = evidence(VitalKind::SpO2, steps, minute);
        let partial = rules.partial(Scale::News2, OxygenScale::One, &[reading]);
        let mut flag = measured(Severity::Red, confirmed(How::AtOnce, minute), vec![reading]);
        flag.flag.id.patient = PatientId::new(patient);
        let mut row = row(
            patient,
            &[latest(VitalKind::SpO2, steps, minute)],
            vec![flag],
        );
        row.scores = vec![Scored::Counted(partial.unwrap())];
        row
    };
    let longer = placed(&red(1, 2, 970), &[]);
    let sicker = placed(&red(2, 8, 880), &[]);
    assert!(sicker.rank < longer.rank);
    assert!(longer.line.chip.waits && longer.line.take.is_some());
    assert_eq!(longer.line.chip.lasting(&IT, &NOW), "attende da 10 min");
}

#[test]
fn in_the_list_who_is_called_next_and_who_has_it_stand_once() {
    let said = |charge: Option<&str>, next: Option<&str>| Reason {
        kind: "red",
        text: String::new(),
        charge: charge.map(str::to_owned),
        next: next.map(str::to_owned),
    };
    let mut why = [
        said(None, Some("Medico alle 14:20")),
        said(None, Some("Operatore alle 14:30")),
        said(Some("In carico ad Ada"), None),
        said(Some("In carico ad Ada"), None),
        said(Some("In carico a Ugo"), None),
    ];
    say_once(&mut why);
    let next: Vec<_> = why.iter().filter_map(|it| it.next.as_deref()).collect();
    let charge: Vec<_> = why.iter().filter_map(|it| it.charge.as_deref()).collect();
    assert_eq!(next, ["Medico alle 14:20"]);
    assert_eq!(charge, ["In carico ad Ada", "In carico a Ugo"]);
}

#[test]
fn a_value_that_the_rules_do_not_judge_is_grey_with_the_word_why() {
    let table = [
        (Unjudged::NoMeasurement, "valore fermo, non è una misura"),
        (Unjudged::Implausible, "valore impossibile, non considerato"),
        (Unjudged::Ahead, "orario futuro, non considerata"),
    ];
    for (why, words) in table {
        let mut shown = row(1, &[latest(VitalKind::SpO2, 974, 10)], Vec::new());
        shown.unjudged = vec![(VitalKind::SpO2, why)];
        let line = line(&shown);
        let cell = &line.values[0];
        assert!(cell.doubtful, "{why:?}");
        assert_eq!(cell.note, format!("dispositivo, {words}"));
        assert_eq!(line.chip.word, "NESSUN DATO VALIDO", "it calms nobody");
    }
}

#[test]
fn a_score_stands_on_an_alarm_with_what_is_missing_and_on_nobody_who_may_have_none() {
    let rules = RuleSet::shipped();
    let scored = |steps| {
        let known = [evidence(VitalKind::SpO2, steps, 10)];
        let partial = rules.partial(Scale::News2, OxygenScale::One, &known);
        let mut row = row(1, &[latest(VitalKind::SpO2, steps, 10)], Vec::new());
        row.scores = vec![Scored::Counted(partial.unwrap())];
        row
    };
    let low = line(&scored(930)).score.unwrap();
    assert!(low.text.starts_with("NEWS2 almeno 2; mancano"), "{low:?}");
    assert!(low.ask.starts_with("Chiederli"), "{low:?}");
    assert_eq!(line(&scored(970)).score, None, "calm, and it may be zero");
    let mut alarm = scored(970);
    alarm.flags = vec![measured(
        Severity::Red,
        confirmed(How::AtOnce, 5),
        vec![evidence(VitalKind::SpO2, 860, 5)],
    )];
    let score = line(&alarm).score.unwrap();
    assert!(
        score.text.starts_with("NEWS2 almeno 0; mancano"),
        "{score:?}"
    );
}

#[test]
fn a_patient_whom_nobody_registered_is_shown_all_the_same() {
    let row = row(0xABC_DEF0_1234, &[], Vec::new());
    let about = About {
        row: &row,
        name: None,
        plan: None,
        alerts: &[],
    };
    assert_eq!(
        place(&about, NOW, Language::It).line.name,
        "Paziente non registrato …f01234"
    );
}

#[test]
fn a_line_as_json_is_what_the_page_script_reads() {
    let mut shown = row(1, &[latest(VitalKind::SpO2, 974, 10)], Vec::new());
    assert!(shown.device(&DeviceId::new("nonin:1").unwrap()).is_some());
    let json = serde_json::to_value(line(&shown)).unwrap();
    assert_eq!(json["lane"], "calm");
    assert_eq!(json["chip"]["mark"], "●");
    assert_eq!(json["values"][0]["text"], "97\u{a0}%");
    assert_eq!(json["values"][0]["at"], at(10).0);
    assert!(json["values"][0].get("age").is_none());
}
