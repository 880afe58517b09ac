//! Everything that runs is killed (SIGKILL) at random moments under load, again and again; then
//! every reading that the simulated devices spoke is looked for in the export.
//!
//! A broker and an ingest that are killed lose nothing and double nothing. A gateway that is dead
//! cannot hear: what was spoken then is missing, in one piece for each death, and nothing else.
//!
//! `VEGLIA_KILLS` says how often, `VEGLIA_KILL_SEED` repeats a run's choices.
// req: G2, G4

#[path = "support/house.rs"]
mod house;
#[path = "support/journal.rs"]
mod journal;
#[path = "kill/killer.rs"]
mod killer;
#[path = "support/process.rs"]
mod process;
#[path = "support/readings.rs"]
mod readings;

use std::env;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use house::{BROKER_UP, House, INGEST_UP, PORT_OPEN, PORTS};
use killer::Subject;
use process::{announce, wait_until};
use readings::Run;

/// Homes, each with a gateway of its own.
const HOMES: usize = 2;

/// Readings a second of each device.
const HZ: u16 = 20;

/// Kills without being asked for more.
const KILLS: usize = 30;

/// Around a gateway's death and its port's reopening, in milliseconds: what was in the line and
/// on its way to the disk when it died, and what a decoder needs to be in step again.
const EDGE_MS: i64 = 1_000;

/// What a gateway says when it can no longer hear a port.
const PORT_LOST: &str = "port lost";

/// Nothing new is stored for this long: nothing more will come.
const SETTLED: Duration = Duration::from_secs(150);

/// What a dashboard says when it is up.
const DASHBOARD_UP: &str = "pages served";

/// Processes of the centre; the gateways come after them.
const CENTRE: usize = 3;

/// A third of the kills.
#[test]
fn killing_the_centre_loses_and_doubles_nothing() {
    let kills = asked("VEGLIA_KILLS", KILLS).div_ceil(3);
    story("centre", kills, 0..CENTRE);
}

/// The other two thirds.
#[test]
fn killing_everybody_loses_only_what_a_dead_gateway_could_not_hear() {
    let kills = asked("VEGLIA_KILLS", KILLS) * 2 / 3;
    story("everybody", kills, 0..CENTRE + HOMES);
}

fn story(name: &str, kills: usize, victims: Range<usize>) {
    let seed = asked("VEGLIA_KILL_SEED", fastrand::u64(..));
    announce(&format!("kill {name}: VEGLIA_KILL_SEED={seed}"));
    let house = House::new(HOMES, HZ);
    let mut subjects = vec![
        Subject::new("centre", "broker", (BROKER_UP, 1)),
        Subject::new("centre", "ingest", (INGEST_UP, 1)),
        Subject::new("centre", "dashboard", (DASHBOARD_UP, 1)),
    ];
    for home in &house.homes {
        subjects.push(Subject::new(&home.name, "gateway", (PORT_OPEN, PORTS)));
    }
    let homes = house.homes_speak(HZ);
    killer::raise(&house, &mut subjects);
    let mut chance = fastrand::Rng::with_seed(seed);
    killer::rage(&house, &mut subjects, victims, kills, &mut chance);
    homes.end();

    let verdict = settled(&house, &subjects);
    let killed = |it: &Subject| format!("{} {} {}", it.configuration, it.role, it.killed_ms.len());
    let killed: Vec<String> = subjects.iter().map(killed).collect();
    let killed = killed.join(", ");
    announce(&format!(
        "kill {name}: seed {seed}, killed {killed}: {verdict:?}"
    ));
    assert_eq!(verdict.unexplained, [], "what was heard and is not stored");
    assert_eq!((verdict.doubled, verdict.foreign), (0, 0), "{verdict:?}");

    // Gateways first: then nothing more can come, and what is stored is what there will ever be.
    let centre: Vec<Subject> = subjects.drain(..CENTRE).collect();
    subjects.into_iter().for_each(Subject::end);
    for home in &house.homes {
        journal::drain(&house, &home.name);
    }
    centre.into_iter().rev().for_each(Subject::end);
    let kept = journal::kept(&house.path("data/ingest"));
    assert_eq!(kept.disordered(), [], "no sequence came twice, none late");
}

/// What became of everything that was spoken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Verdict {
    spoken: usize,
    heard: usize,
    stored: usize,
    doubled: usize,
    foreign: usize,
    /// Pieces missing because a gateway was dead, and the heard readings at their edges.
    deaf: usize,
    heard_at_edges: usize,
    /// Pieces missing without that excuse, each with its device.
    unexplained: Vec<(String, Run)>,
}

/// Waits until all that could be heard is stored, or nothing more is coming.
fn settled(house: &House, subjects: &[Subject]) -> Verdict {
    let mut seen = (Verdict::default(), Instant::now());
    wait_until("stored readings settle", || {
        let verdict = Verdict::of(house, subjects)?;
        if verdict != seen.0 {
            seen = (verdict, Instant::now());
        }
        let is_settled = seen.0.unexplained.is_empty() || seen.1.elapsed() > SETTLED;
        is_settled.then(|| seen.0.clone())
    })
}

impl Verdict {
    /// Compares the simulator's log with an export; none while there is no export to be had.
    fn of(house: &House, subjects: &[Subject]) -> Option<Self> {
        let stored = readings::stored(house, &house.path("data"))?;
        let spoken = readings::spoken(&house.spoken());
        assert_eq!(spoken.len(), HOMES * PORTS, "every device has spoken");
        let mut verdict = Self::default();
        for (home, gateway) in house.homes.iter().zip(&subjects[CENTRE..]) {
            for device in &home.devices {
                let id = device.id.as_str();
                let spoken = &spoken[id];
                let stored = stored.get(id).map_or(&[][..], Vec::as_slice);
                let deaf = deaf(house, gateway, &house.port(home, device));
                verdict.spoken += spoken.len();
                verdict.heard += spoken.iter().filter(|it| it.heard).count();
                verdict.stored += stored.len();
                verdict.judge(id, readings::compare(spoken, stored), &deaf);
            }
        }
        Some(verdict)
    }

    /// Every piece that was heard in part and is missing needs a deaf time of its own, or several
    /// that follow each other so closely that nothing was stored between them.
    fn judge(&mut self, device: &str, compared: readings::Compared, deaf: &[Range<i64>]) {
        self.doubled += compared.doubled.len();
        self.foreign += compared.foreign.len();
        let mut deaf = deaf.iter();
        for run in compared.missing.into_iter().filter(|run| run.heard > 0) {
            let is_over = |deaf: &Range<i64>| deaf.end.saturating_add(EDGE_MS) < run.from_ms;
            let mut excuse = deaf.find(|deaf| !is_over(deaf));
            excuse = excuse.filter(|deaf| run.from_ms >= deaf.start.saturating_sub(EDGE_MS));
            while let Some(Range { end, .. }) = excuse
                && run.to_ms > end.saturating_add(EDGE_MS)
            {
                let touches = |next: &&Range<i64>| next.start <= end.saturating_add(2 * EDGE_MS);
                excuse = deaf.next().filter(touches);
            }
            if excuse.is_some() {
                self.deaf += 1;
                self.heard_at_edges += run.heard;
            } else {
                self.unexplained.push((device.to_owned(), run));
            }
        }
    }
}

/// When nobody could hear a port: before its gateway first opened it, and from each death or loss
/// of the port to the next opening. Who dies again before that is deaf once.
fn deaf(house: &House, gateway: &Subject, port: &Path) -> Vec<Range<i64>> {
    let mut opened = Vec::new();
    let mut closed = gateway.killed_ms.clone();
    for life in 0..gateway.lives {
        let log = house.log(&gateway.configuration, gateway.role, life);
        opened.extend(told_ms(&log, PORT_OPEN, port));
        closed.extend(told_ms(&log, PORT_LOST, port));
    }
    closed.push(i64::MIN);
    opened.sort_unstable();
    closed.sort_unstable();
    let mut deaf: Vec<Range<i64>> = Vec::new();
    for closed in closed {
        let until = opened.iter().find(|opened| **opened > closed);
        let until = until.copied().unwrap_or(i64::MAX);
        match deaf.last_mut() {
            Some(last) if last.end == until => {}
            _ => deaf.push(closed..until),
        }
    }
    deaf
}

/// When a log says something of a port, in milliseconds since 1970.
fn told_ms(log: &Path, what: &str, port: &Path) -> Vec<i64> {
    let text = fs::read_to_string(log).expect("a log can be read");
    let port = port.to_str().expect("scratch folders have plain names");
    let is_it = |line: &&str| line.contains(what) && line.contains(port);
    let moment = |line: &str| {
        let time = line.split_whitespace().next().unwrap_or_default();
        let time: jiff::Timestamp = time.parse().expect("a line begins with its time");
        time.as_millisecond()
    };
    text.lines().filter(is_it).map(moment).collect()
}

fn asked<T: FromStr>(name: &str, otherwise: T) -> T {
    match env::var(name) {
        Ok(text) => match text.parse() {
            Ok(value) => value,
            Err(_) => panic!("{name}={text} is not a number"),
        },
        Err(_) => otherwise,
    }
}

#[test]
fn each_missing_piece_needs_a_deaf_time_of_its_own() {
    let run = |from_ms, to_ms| Run {
        from_ms,
        to_ms,
        heard: 1,
    };
    let judged = |missing: &[Run]| {
        let compared = readings::Compared {
            missing: missing.to_vec(),
            ..readings::Compared::default()
        };
        let mut verdict = Verdict::default();
        verdict.judge(
            "",
            compared,
            &[10_000..11_000, 12_000..13_000, 30_000..31_000],
        );
        verdict
            .unexplained
            .into_iter()
            .map(|(_, run)| run)
            .collect::<Vec<Run>>()
    };
    let (first, second) = (run(9_900, 11_100), run(11_900, 13_100));
    assert_eq!(judged(&[first, second, run(30_000, 31_000)]), []);
    assert_eq!(judged(&[run(9_900, 13_100)]), [], "it died again at once");
    let third = run(13_200, 13_300);
    assert_eq!(
        judged(&[first, second, third]),
        [third],
        "two deaths, three pieces"
    );
    let long = run(12_000, 31_000);
    assert_eq!(
        judged(&[first, long]),
        [long],
        "it heard between these deaths"
    );
    let lone = run(20_000, 20_100);
    assert_eq!(judged(&[lone]), [lone]);
}
