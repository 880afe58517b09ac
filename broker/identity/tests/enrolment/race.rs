//! One code in several hands at the same time: exactly one of them comes in.

use std::env;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use veglia_identity::{Key, RefusalKind};

use crate::{NOW, ask, centre, key, registrar};

#[test]
fn of_many_boxes_with_one_code_exactly_one_comes_in() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let keys: Vec<Key> = (0..8).map(|_| key()).collect();
    let answers: Vec<_> = thread::scope(|scope| {
        let (centre, code) = (&centre, &code);
        let enrol = |key| scope.spawn(move || centre.enrol(code, key, NOW));
        let threads: Vec<_> = keys.iter().map(enrol).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let used = |answer: &&Result<_, _>| matches!(answer, Err(RefusalKind::Used));
    assert_eq!(answers.iter().filter(used).count(), 7, "{answers:?}");
    let let_in = keys
        .iter()
        .filter(|key| centre.standing("casa-12", key).is_ok());
    assert_eq!(let_in.count(), 1);
}

/// Where a process of the test below finds the centre.
const FOLDER: &str = "VEGLIA_TEST_CENTRE";

/// Takes part in the race below when it is started by it, as a process of its own.
#[test]
fn one_process_of_the_race() {
    let Some(folder) = env::var_os(FOLDER) else {
        return;
    };
    let registrar = registrar(Path::new(&folder));
    let key = key();
    let mut code = String::new();
    // The line comes when all are ready.
    std::io::stdin().read_line(&mut code).unwrap();
    let answer = match ask(&registrar, code.trim(), &key, NOW) {
        Ok(_) => "in".to_owned(),
        Err(refusal) => format!("{:?}", refusal.kind),
    };
    println!("\nanswer={answer}");
}

#[test]
fn of_many_processes_with_one_code_exactly_one_wins() {
    let centre = centre();
    let code = centre.code_for("casa-12", NOW);
    let race = || {
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--exact", "race::one_process_of_the_race", "--nocapture"]);
        process.env(FOLDER, centre.kept.path());
        process.stdin(Stdio::piped()).stdout(Stdio::piped());
        process.spawn().unwrap()
    };
    let mut processes: Vec<_> = (0..4).map(|_| race()).collect();
    for process in &mut processes {
        let mut stdin = process.stdin.take().unwrap();
        writeln!(stdin, "{code}").unwrap();
    }
    let mut answers: Vec<String> = processes
        .into_iter()
        .map(|process| {
            let output = process.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let answer = said.lines().find_map(|line| line.strip_prefix("answer="));
            answer.expect("it says how it went").to_owned()
        })
        .collect();
    answers.sort();
    assert_eq!(answers, ["Used", "Used", "Used", "in"]);
}
