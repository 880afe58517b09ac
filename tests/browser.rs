//! The pages in a real browser, against real processes: who is let in, how soon a reading is seen,
//! what is said when the data stand still, acts of two people at once, two weeks of curve, boxes
//! from their label to their revocation, a working day from sign-in to sign-out, and whether
//! everybody can read and reach every page there is.
//!
//! Debian's Chromium is driven by the scripts beside this file, with Playwright's core and axe
//! from npm: fetched into the target folder by the committed lock, never into the tree. Where
//! Chromium, Node or npm is missing the tests are skipped, aloud. Pictures of every page are left
//! under the target folder for people to look at; the tests say where.

// req: B3, B11, B17, G8

#[path = "browser/centre.rs"]
mod centre;
#[path = "browser/chromium.rs"]
mod chromium;
#[path = "support/house.rs"]
mod house;
#[path = "support/process.rs"]
mod process;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::process::Command;

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use veglia_homes::Entry;

use centre::{A_DAY, A_FORTNIGHT, Centre};
use chromium::Chromium;
use process::{Process, announce};

/// Every route, and who may come in where.
const RIGHTS: &str = include_str!("../dashboard/src/tests/rights.txt");

/// Readings a second of each device: no multiple of how often ingest is asked, so that delays are
/// of every length that there is.
const HZ: u16 = 3;

/// Reds of one patient, all open: more than anybody should see, and the page must stand it.
const REDS: u64 = 12;

/// Homes of the demonstration: one of each story, and a couple's.
const HOMES: usize = 12;

/// Who lives in them: in one home there are two.
const PEOPLE: usize = HOMES + 1;

/// How long the demonstration runs before it is judged: an hour of care time and more.
const WATCH_MS: u64 = 60_000;

/// Between the moment a device spoke and the gateway's time of the reading, at most.
const APART_MS: i64 = 1_000;

#[test]
fn nobody_enters_without_a_password_and_the_page_says_why() {
    let Some(chromium) = chromium("nobody_enters_without_a_password_and_the_page_says_why") else {
        return;
    };
    let centre = Centre::new(HZ);
    let _pages = centre.serve_pages();
    chromium.run("door.mjs", &centre.told(), |_| {});
    chromium.run("accounts.mjs", &centre.told(), |_| {});
}

#[test]
fn a_passkey_is_made_stands_for_password_and_code_and_is_withdrawn() {
    let name = "a_passkey_is_made_stands_for_password_and_code_and_is_withdrawn";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    let _pages = centre.serve_pages();
    chromium.run("passkey.mjs", &centre.told(), |_| {});
}

#[test]
fn a_reading_is_seen_at_once_a_dead_ingest_is_said_and_acts_have_one_author() {
    let name = "a_reading_is_seen_at_once_a_dead_ingest_is_said_and_acts_have_one_author";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    let _pages = centre.serve_pages();
    let _broker = centre.start("broker", house::BROKER_UP);
    let mut ingest = Some(centre.start("ingest", house::INGEST_UP));
    let mut homes = Some(centre.house.homes_speak(HZ));
    let _gateway = centre.start_gateway();
    let said = chromium.run("watch.mjs", &centre.told(), |wish| match wish {
        "kill ingest" => drop(ingest.take()),
        "start ingest" => ingest = Some(centre.start("ingest", house::INGEST_UP)),
        "silence homes" => drop(homes.take()),
        other => panic!("nobody can {other}"),
    });
    let readings = said.iter().find_map(|line| line.strip_prefix("readings "));
    let readings = readings.expect("the script tells what it saw");
    let readings: Vec<Seen> = serde_json::from_str(readings).unwrap();
    judge_delays(&centre, &readings);
}

#[test]
fn one_second_at_84_percent_is_seen_in_fourteen_days() {
    let Some(chromium) = chromium("one_second_at_84_percent_is_seen_in_fourteen_days") else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.remember(A_FORTNIGHT);
    centre.raise_reds(REDS);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("fortnight.mjs", &centre.told(), |_| {});
}

#[test]
fn a_patients_page_is_worked_by_keyboard_and_no_word_that_was_typed_is_lost() {
    let name = "a_patients_page_is_worked_by_keyboard_and_no_word_that_was_typed_is_lost";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.raise_reds(REDS);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("patient.mjs", &centre.told(), |_| {});
}

#[test]
fn the_ward_says_who_is_worst_and_everybody_can_read_it() {
    let Some(chromium) = chromium("the_ward_says_who_is_worst_and_everybody_can_read_it") else {
        return;
    };
    let dir = TempDir::new().unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_veglia"));
    demo.arg("--data").arg(dir.path().join("data"));
    demo.args(["demo", "--listen", "127.0.0.1:0"]);
    demo.args(["--homes", &HOMES.to_string()]);
    let mut demo = Process::start(&mut demo, &dir.path().join("log"));
    demo.wait_for("starting again continues", 1);
    let said = demo.said();
    let told = |key: &str| {
        let line = said
            .lines()
            .find_map(|line| line.trim().strip_prefix(key))
            .expect("the demonstration says where it is and how to sign in");
        line.trim().to_owned()
    };
    let told = json!({
        "base": told("page"),
        "nurse": { "username": told("user"), "password": told("password") },
        "homes": HOMES,
        "people": PEOPLE,
        "watchMs": WATCH_MS,
    });
    chromium.run("demo.mjs", &told, |_| {});
    demo.end();
}

#[test]
fn boxes_are_seen_enrolled_asked_and_revoked_and_everybody_can_read_it() {
    let name = "boxes_are_seen_enrolled_asked_and_revoked_and_everybody_can_read_it";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.certify();
    let _pages = centre.serve_pages();
    let _broker = centre.start("broker", house::BROKER_UP);
    let mut ingest = Some(centre.start("ingest", house::INGEST_UP));
    let _homes = centre.house.homes_speak(HZ);
    let _gateway = centre.start_gateway();
    chromium.run("fleet.mjs", &centre.told(), |wish| match wish {
        "kill ingest" => drop(ingest.take()),
        "start ingest" => ingest = Some(centre.start("ingest", house::INGEST_UP)),
        other => match other.strip_prefix("enrol ") {
            Some(code) => centre.enrol_a_box(code),
            None => panic!("nobody can {other}"),
        },
    });
}

#[test]
fn a_call_goes_from_the_list_to_the_rules_and_a_wrong_number_is_asked_and_not_corrected() {
    let name =
        "a_call_goes_from_the_list_to_the_rules_and_a_wrong_number_is_asked_and_not_corrected";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("phone.mjs", &centre.told(), |_| {});
}

#[test]
fn a_shift_hands_over_and_the_night_reads_whom_it_was_given() {
    let name = "a_shift_hands_over_and_the_night_reads_whom_it_was_given";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.raise_reds(1);
    let night = centre.entrust_the_night();
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    let mut told = centre.told();
    told["night"] = night;
    chromium.run("handover.mjs", &told, |_| {});
}

#[test]
fn the_family_doctor_sees_and_answers() {
    let Some(chromium) = chromium("the_family_doctor_sees_and_answers") else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.has_family_doctor();
    centre.raise_reds(1);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("family.mjs", &centre.told(), |_| {});
}

#[test]
fn a_patient_is_put_on_file_on_a_page_and_nothing_typed_is_lost() {
    let name = "a_patient_is_put_on_file_on_a_page_and_nothing_typed_is_lost";
    let Some(chromium) = chromium(name) else {
        return;
    };
    let centre = Centre::new(HZ);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("enrol.mjs", &centre.told(), |_| {});
}

#[test]
fn a_working_day_goes_from_the_sign_in_to_the_sign_out() {
    let Some(chromium) = chromium("a_working_day_goes_from_the_sign_in_to_the_sign_out") else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.has_family_doctor();
    centre.remember(A_DAY);
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _pages = centre.serve_pages();
    chromium.run("day.mjs", &centre.told(), |_| {});
}

#[test]
fn everybody_can_read_and_reach_every_page_there_is() {
    let Some(chromium) = chromium("everybody_can_read_and_reach_every_page_there_is") else {
        return;
    };
    let centre = Centre::new(HZ);
    centre.has_family_doctor();
    centre.raise_reds(2);
    let night = centre.entrust_the_night();
    let _broker = centre.start("broker", house::BROKER_UP);
    let _ingest = centre.start("ingest", house::INGEST_UP);
    let _homes = centre.house.homes_speak(HZ);
    let _gateway = centre.start_gateway();
    let _pages = centre.serve_pages();
    let mut told = centre.told();
    told["night"] = night;
    told["routes"] = json!(routes());
    chromium.run("every.mjs", &told, |wish| match wish {
        "code" => centre.code_by_sms(),
        other => panic!("nobody can {other}"),
    });
}

/// The addresses that can be visited, as the reviewed list of rights has them.
fn routes() -> Vec<&'static str> {
    let lines = RIGHTS.lines().filter_map(|line| line.strip_prefix("GET "));
    let mut routes: Vec<_> = lines
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    routes.dedup();
    routes
}

/// The browser, or a loud word that there is none.
fn chromium(test: &str) -> Option<Chromium> {
    match Chromium::find() {
        Ok(chromium) => Some(chromium),
        Err(reason) => {
            support::skip(test, &reason);
            None
        }
    }
}

/// A reading as the page saw it, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Seen {
    /// When it was measured.
    at: i64,
    /// When it stood on the page.
    seen: i64,
}

/// Every reading that the page showed was spoken, and how long it took from mouth to eye.
fn judge_delays(centre: &Centre, readings: &[Seen]) {
    let log = fs::read_to_string(centre.house.spoken()).expect("the simulator's log can be read");
    let entries = log.lines().map(serde_json::from_str::<Entry>);
    let spoken: Vec<i64> = entries
        .map(|entry| entry.expect("each line is an entry"))
        .filter(|entry| entry.device.as_ref() == Some(centre.device()))
        .map(|entry| entry.wall_ms)
        .collect();
    let delay = |reading: &Seen| {
        let spoken = spoken.iter().rfind(|spoken| **spoken <= reading.at);
        let spoken = *spoken.expect("what is shown was spoken");
        assert!(
            reading.at - spoken <= APART_MS,
            "{reading:?} was not spoken"
        );
        reading.seen - spoken
    };
    let mut delays: Vec<i64> = readings.iter().map(delay).collect();
    delays.sort_unstable();
    let (middle, last) = (delays[delays.len() / 2], delays[delays.len() - 1]);
    announce(&format!(
        "measured: a reading is seen {middle} ms after it was spoken (median), {last} ms at most"
    ));
}
