//! From a reading to somebody who acts, end to end: real devices on ptys, the real box, broker,
//! ingest and pages as processes of the real executable, a real mail server and a real SMS gateway
//! where one is needed. Only care time runs faster than the wall, with the shipped rules and
//! ladder unchanged.
//!
//! Every test waits for a level: what the ward shows, what the diary has, what was delivered. How
//! long it took is printed, never judged.

// req: B11, G7, G9

#[path = "alarm/bedside.rs"]
mod bedside;
#[path = "alarm/care.rs"]
mod care;
#[path = "alarm/centre.rs"]
mod centre;
#[path = "alarm/diary.rs"]
mod diary;
#[path = "../dashboard/notify/tests/delivery/exim.rs"]
#[expect(dead_code, reason = "encrypted lines are the deliveries' own tests'")]
mod exim;
#[path = "../dashboard/notify/tests/delivery/kannel.rs"]
mod kannel;
#[path = "alarm/nurse.rs"]
mod nurse;
#[path = "alarm/outside.rs"]
mod outside;
#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;
#[path = "alarm/telephone.rs"]
mod telephone;

use std::collections::BTreeSet;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use veglia_diary::{Callee, PageWhy, Paged};
use veglia_triage::{How, PatientId, Standing, Verdict};
use veglia_wire::{AnswerCode, VitalKind, WallMs};

use care::{MINUTE_MS, moment, wall};
use centre::{Centre, Running, Sent};
use diary::{Diary, assert_ladder, confirmed, due, raised, silence};
use exim::Exim;
use kannel::Kannel;
use nurse::Nurse;
use outside::{PATIENCE, by_mail, by_sms, free_port, program};
use process::{announce, wait_until};

/// A Tuesday morning in the family doctors' hours.
const MORNING: &str = "2020-10-20T09:05+02:00";

/// Words of the ward.
const UNCONFIRMED: &str = "da confermare";
const MISSED: &str = "nessuna seconda misura";

#[test]
fn an_unconfirmed_red_is_on_the_ward_and_calls_when_it_is_confirmed() {
    let centre = Centre::quiet(MORNING, 20);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let running = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));

    let spoken = clip.oximetry(91, 80);
    nurse.sees(ada, UNCONFIRMED);
    told("an unconfirmed red was on the ward", spoken, wall());

    clip.is_asked_to_measure();
    // Values within seconds of each other would be a stream, and no second measurement.
    wait_until("somebody takes the clip again", || {
        let passed = centre.care.now().since(centre.care.at(spoken));
        (passed > MINUTE_MS).then_some(())
    });
    let spoken = clip.oximetry(90, 80);
    let first = first_page(&diary, ada);
    told(
        "paged after the confirmation",
        spoken,
        sent(&centre, &first),
    );
    nurse.sees(ada, "confermato da 90");

    let said = diary.said(ada);
    let raised = raised(&said);
    assert!(
        matches!(raised, Some(Standing::Unconfirmed { .. })),
        "{said:?}"
    );
    let (how, at) = confirmed(&said).expect("it is confirmed");
    assert_eq!(how, How::Repeat);
    assert_eq!(first.page.at, at, "nobody was called before");
    running.home.end();
    running.centre.end();
}

#[test]
fn a_red_that_nobody_measures_again_calls_when_its_time_is_over() {
    let centre = Centre::quiet(MORNING, 120);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let _running = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));

    clip.oximetry(91, 80);
    let first = first_page(&diary, ada);
    let said = diary.said(ada);
    let Some(Standing::Unconfirmed { repeat_by }) = raised(&said) else {
        panic!("it waits for a repeat: {said:?}");
    };
    let over = centre.care.on_the_wall(repeat_by);
    told("paged after the missed repeat", over, sent(&centre, &first));
    let how = confirmed(&said).map(|(how, _)| how);
    assert_eq!(how, Some(How::MissedRepeat));
    assert!(first.page.at >= repeat_by, "nobody was called before");
    nurse.sees(ada, MISSED);
}

#[test]
fn eighty_eight_two_reds_and_a_red_symptom_call_at_once() {
    let centre = Centre::quiet(MORNING, 20);
    let (mut low, mut both) = (centre.plug(1), centre.plug(2));
    let patients = [
        centre.admit(0, &[1]),
        centre.admit(1, &[2]),
        centre.admit(2, &[]),
    ];
    centre.give(telephone::DEVICE, &patients[2].to_string());
    telephone::install(&centre);
    let _running = centre.start_all(2);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));
    let cases: [(&str, &str, &mut dyn FnMut() -> WallMs); 3] = [
        ("88 %", "88", &mut || low.oximetry(88, 80)),
        ("two reds", "91", &mut || both.oximetry(91, 140)),
        ("a red symptom", "fiato corto a riposo", &mut || {
            telephone::patient_says_yes(&centre, AnswerCode::BreathlessAtRest)
        }),
    ];
    for ((name, words, happens), patient) in cases.into_iter().zip(patients) {
        let spoken = happens();
        let first = first_page(&diary, patient);
        told(&format!("paged for {name}"), spoken, sent(&centre, &first));
        nurse.sees(patient, words);
        let at_once = diary.wait_for_words("it waits for nobody", patient, |said| {
            confirmed(said).filter(|(how, _)| *how == How::AtOnce)
        });
        assert_eq!(first.page.at, at_once.1, "{name}: in the same moment");
    }
}

#[test]
fn a_silent_thermometer_beside_a_talking_oximeter_is_on_the_ward_at_its_own_time() {
    let centre = Centre::quiet(MORNING, 240);
    let (mut clip, mut thermometer) = (centre.plug(1), centre.plug(2));
    let ada = centre.admit(0, &[1, 2]);
    let expected = [
        "edit",
        &ada.to_string(),
        "--why",
        "prova",
        "--expect",
        "spo2=20m~15",
        "--expect",
        "temperature=20m~15",
        "--drop",
        "pulse",
    ];
    centre.veglia("plan", &expected, "");
    let _running = centre.start_all(2);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));

    thermometer.temperature(3_680);
    let measured = centre.care.now();
    let silent = wait_until("the thermometer is told as silent", || {
        // Two care minutes apart: no stream, and never late.
        clip.oximetry(96, 72);
        sleep(Duration::from_millis(500));
        diary.said(ada).iter().find_map(silence)
    });
    let (vital, since, at) = silent;
    assert_eq!(vital, VitalKind::Temperature, "the oximeter talks");
    let own = since.plus_ms(15 * MINUTE_MS);
    assert!(
        since >= measured && at >= own,
        "at its own time, not before"
    );
    let own = centre.care.on_the_wall(own);
    told(
        "a silence was told after its time",
        own,
        centre.care.on_the_wall(at),
    );
    nurse.sees(ada, "Temperatura");
    let others = diary.said(ada);
    let others = others.iter().filter_map(silence);
    assert!(others.into_iter().all(|it| it.0 == VitalKind::Temperature));
}

#[test]
fn a_centre_that_was_down_for_twenty_minutes_calls_for_what_fell_into_them() {
    let centre = Centre::quiet(MORNING, 60);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let Running { centre: all, home } = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));
    clip.oximetry(91, 80);
    nurse.sees(ada, UNCONFIRMED);
    drop(all);
    let down = centre.care.now();
    let Some(Standing::Unconfirmed { repeat_by }) = raised(&diary.said(ada)) else {
        panic!("it waits for a repeat");
    };
    wait_until("twenty minutes pass", || {
        let passed = centre.care.now().since(down);
        (passed > 20 * MINUTE_MS).then_some(())
    });
    let _all = centre.start_centre();
    let up = wall();
    let first = first_page(&diary, ada);
    told("paged after the restart", up, sent(&centre, &first));
    nurse.sees(ada, MISSED);
    assert!(
        first.page.at.since(repeat_by) > 0,
        "the deadline was in between"
    );
    let said = diary.said(ada);
    assert_eq!(confirmed(&said).map(|it| it.0), Some(How::MissedRepeat));
    let only = said.iter().all(|it| silence(it).is_none());
    assert!(only, "the home talked all the while: {said:?}");
    drop(home);
}

#[test]
fn with_the_mail_server_dead_the_telephone_rings_and_the_ward_says_so() {
    let name = "with_the_mail_server_dead_the_telephone_rings_and_the_ward_says_so";
    let (Some(mut exim), Some(kannel)) = (Exim::start(), Kannel::start()) else {
        return support::skip(name, "exim4 and kannel are not both installed");
    };
    let mut telephone = kannel.telephone();
    let password = tempfile::NamedTempFile::new().expect("a scratch file");
    fs::write(password.path(), kannel::PASSWORD).expect("it can be written");
    let notify = by_mail(&exim) + &by_sms(&kannel, password.path());
    let centre = Centre::open(MORNING, 20, &notify, ["--email", "--mobile"]);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let _running = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));
    exim.kill();
    let spoken = clip.oximetry(86, 80);
    first_page(&diary, ada);
    let is_the_operators = |rung: &String| rung.contains("+393330000000");
    let rung = std::iter::repeat_with(|| telephone.rings()).find(is_the_operators);
    told(
        "with the mail server dead the telephone rang",
        spoken,
        wall(),
    );
    let rung = rung.expect("an endless row ends only when something is found");
    assert!(!rung.contains("86"), "nothing clinical leaves: {rung}");
    for page in ["/", "/reperibilita"] {
        nurse.reads(page, "Posta elettronica: gli avvisi non partono");
    }
    assert!(exim.run(), "the mail server comes back");
    nurse.reads("/", "Risolto: funziona di nuovo");
}

#[test]
fn when_nobody_answers_the_ladder_climbs_to_the_family_doctor() {
    let name = "when_nobody_answers_the_ladder_climbs_to_the_family_doctor";
    let Some(exim) = Exim::start() else {
        return support::skip(name, "exim4 is not installed");
    };
    // Before the family doctors' hours: theirs is the last step, at eight.
    let before_eight = "2020-10-20T07:36+02:00";
    let ways = ["--email", "--mobile"];
    let centre = Centre::open(before_eight, 60, &by_mail(&exim), ways);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let _running = centre.start_all(1);
    let diary = Diary::open(&centre);
    clip.oximetry(87, 80);
    let steps = diary.wait_for_pages("the family doctor is called", ada, |pages| {
        let is_last = |it: &Paged| it.page.callee == Callee::Mmg;
        pages.iter().any(is_last).then(|| pages.to_vec())
    });
    let began = due(&steps[0]);
    let eight = moment("2020-10-20T08:00+02:00").since(began);
    assert_ladder(
        &steps,
        &[
            (Callee::Doctor, PageWhy::Informed, 0),
            (Callee::Operator, PageWhy::New, 0),
            (Callee::OutOfHours, PageWhy::Informed, 0),
            (Callee::Operator, PageWhy::Again, 5 * MINUTE_MS),
            (Callee::SecondOperator, PageWhy::Escalated, 10 * MINUTE_MS),
            (Callee::Doctor, PageWhy::Escalated, 15 * MINUTE_MS),
            (Callee::Mmg, PageWhy::Informed, eight),
        ],
    );
    for whom in ["anna", "bruno", "dora", "elio", "mmg"] {
        let letter = wait_until(&format!("{whom} has mail"), || {
            let address = format!("{whom}@prova.example");
            exim.taken().into_iter().find(|it| it.contains(&address))
        });
        for clinical in ["87", "SpO", "Ada"] {
            let (_, body) = letter.split_once("-D\n").unwrap_or(("", &letter));
            assert!(
                !body.contains(clinical),
                "nothing clinical leaves: {letter}"
            );
        }
    }
}

#[test]
fn a_charge_lapses_while_the_red_lasts_and_somebody_is_called_again() {
    let centre = Centre::quiet(MORNING, 120);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let _running = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));
    clip.oximetry(87, 80);
    let first = first_page(&diary, ada);
    let taken = centre.care.now();
    nurse.takes_charge(&first.page.flag);
    nurse.sees(ada, "anna");
    let shown = centre.care.now();
    let lapsed = wait_until("the charge lapses", || {
        clip.oximetry(90, 80);
        sleep(Duration::from_millis(500));
        let pages = diary.paged(ada);
        pages
            .into_iter()
            .find(|it| it.page.why == PageWhy::ChargeLapsed)
    });
    let held = due(&lapsed).since(taken);
    assert!(held >= 30 * MINUTE_MS, "hers for half an hour: {held} ms");
    let over = centre.care.on_the_wall(due(&lapsed));
    told(
        "called again after the charge lapsed",
        over,
        sent(&centre, &lapsed),
    );
    assert_eq!(lapsed.page.callee, Callee::Operator);
    let pages = diary.paged(ada);
    let meanwhile: Vec<&Paged> = pages
        .iter()
        .filter(|it| it.page.at > shown && it.page.id < lapsed.page.id)
        .collect();
    assert!(
        meanwhile.is_empty(),
        "nobody while it was hers: {meanwhile:?}"
    );
}

#[test]
fn killing_everything_in_the_middle_of_a_ladder_loses_and_doubles_no_step() {
    let centre = Centre::quiet(MORNING, 60);
    let mut clip = centre.plug(1);
    let ada = centre.admit(0, &[1]);
    let mut running = centre.start_all(1);
    let diary = Diary::open(&centre);
    clip.oximetry(87, 80);
    first_page(&diary, ada);
    let mut kills = 0;
    let steps = loop {
        drop(running);
        kills += 1;
        running = centre.start_all(1);
        sleep(Duration::from_millis(fastrand::u64(..2_000)));
        let pages = diary.paged(ada);
        let is_last =
            |it: &Paged| (it.page.callee, it.page.why) == (Callee::Doctor, PageWhy::Escalated);
        if pages.iter().any(is_last) {
            break pages;
        }
    };
    announce(&format!(
        "everything was killed {kills} times in a quarter of an hour"
    ));
    assert_ladder(
        &steps,
        &[
            (Callee::Mmg, PageWhy::Informed, 0),
            (Callee::Operator, PageWhy::New, 0),
            (Callee::Operator, PageWhy::Again, 5 * MINUTE_MS),
            (Callee::SecondOperator, PageWhy::Escalated, 10 * MINUTE_MS),
            (Callee::Doctor, PageWhy::Escalated, 15 * MINUTE_MS),
        ],
    );
    for step in &steps {
        sent(&centre, step);
    }
    let messages = centre.messages().into_iter();
    let of_steps = |it: &Sent| steps.iter().any(|step| it.is_of(step.page.id.0));
    let people: BTreeSet<String> = messages.filter(of_steps).map(|it| it.to).collect();
    let called = ["mmg:1", "staff:1", "staff:2", "staff:3"].map(String::from);
    assert_eq!(people, BTreeSet::from(called));
    let said = diary.said(ada);
    let raised = said
        .iter()
        .filter(|it| matches!(it.verdict, Verdict::Raise(_)));
    assert_eq!(raised.count(), 1, "{said:?}");
}

#[test]
fn a_value_told_on_the_telephone_raises_the_flag_by_the_same_rules() {
    let centre = Centre::quiet(MORNING, 20);
    let mut clip = centre.plug(1);
    let (ada, bea) = (centre.admit(0, &[]), centre.admit(1, &[1]));
    let _running = centre.start_all(1);
    let (nurse, diary) = (Nurse::sign_in(&centre, "anna"), Diary::open(&centre));

    let spoken = wall();
    let call = nurse.writes_down(ada, &[("spo2", "88"), ("pulse", "80")]);
    let first = first_page(&diary, ada);
    told("paged for 88 % told", spoken, sent(&centre, &first));
    nurse.reads(&call, "Salvato e valutato, per telefono");
    nurse.sees(ada, "88");

    clip.oximetry(88, 80);
    first_page(&diary, bea);
    let judged = [ada, bea].map(|patient| {
        let said = diary.said(patient);
        let rule = said.first().map(|it| it.verdict.id().rule.clone());
        (rule, confirmed(&said).map(|it| it.0))
    });
    assert_eq!(judged[0], judged[1], "as if a device had said so");
    assert_eq!(judged[0].1, Some(How::AtOnce));
    let raised = |patient| {
        let said = diary.said(patient).into_iter();
        said.filter(|it| matches!(it.verdict, Verdict::Raise(_)))
            .count()
    };
    assert_eq!(
        raised(ada),
        raised(bea),
        "the repeated form doubled nothing"
    );
}

/// Tells how long something took on the wall.
fn told(what: &str, from: WallMs, to: WallMs) {
    announce(&format!("{what} after {} ms", to.since(from)));
}

/// The first page about a patient.
fn first_page(diary: &Diary, patient: PatientId) -> Paged {
    diary.wait_for_pages("somebody is called", patient, |pages| {
        pages.first().cloned()
    })
}

/// When the message of a page was written.
fn sent(centre: &Centre, paged: &Paged) -> WallMs {
    wait_until("the message of a page is sent", || {
        let messages = centre.messages();
        let mut messages = messages.iter().filter(|it| it.is_of(paged.page.id.0));
        messages.next().map(|it| it.at)
    })
}
