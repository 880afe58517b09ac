//! A week at home in a minute: the real gateway on simulated devices, with the time in the test's
//! hands. The line to the centre is away every night and for a day, the power is cut again and
//! again (SIGKILL), the clock forgets and steps, a battery runs down, devices are pulled out and
//! put in elsewhere. In the end every reading that went into a line that somebody held is at the
//! centre once, and each hole has its reason beside it: the box was started again, or the device
//! was away.
// req: G3, G4

#[path = "week/boxed.rs"]
mod boxed;
#[path = "week/centre.rs"]
mod centre;
#[path = "week/node.rs"]
mod node;
#[path = "support/process.rs"]
mod process;
#[path = "week/time.rs"]
mod time;
#[path = "week/verdict.rs"]
mod verdict;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use boxed::{Power, Progress, Told};
use centre::Centre;
use node::Node;
use process::{announce, wait_until};
use tempfile::TempDir;
use time::Hands;
use tokio::runtime::Runtime;
use veglia_homes::{Relay, RelayHandle};
use veglia_wire::WallMs;
use verdict::Story;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Devices of the home.
const NODES: u64 = 4;

/// What the box says when it has thrown away what it found in a line, and listens.
const PORT_OPEN: &str = "port open";

/// A care minute takes about this long.
const PACE: Duration = Duration::from_millis(2);

/// How much of the box's log a failure shows.
const LOG_LINES: usize = 60;

/// Nothing by itself: the process that is the box.
#[test]
fn the_box() {
    if let Some(dir) = std::env::var_os(boxed::FOLDER) {
        boxed::run(&PathBuf::from(dir));
    }
}

#[test]
fn a_week_at_home_loses_and_doubles_nothing_and_explains_every_hole() {
    let seed = fastrand::u64(..);
    announce(&format!("week: seed {seed}"));
    let dir = TempDir::new().expect("a scratch folder can be made");
    let mut home = Home::new(dir.path());
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut cuts = power_cuts(&mut chance);
    for minute in 0..WEEK {
        home.happen(minute, &mut cuts);
        home.minute(minute);
    }
    home.end(seed);
}

/// When the power goes and for how long, in minutes: twice a day, and where the story needs it.
fn power_cuts(chance: &mut fastrand::Rng) -> Vec<(i64, i64)> {
    let random = |time: i64| (time + chance.i64(0..5 * HOUR), chance.i64(1..3 * HOUR));
    let mut cuts: Vec<(i64, i64)> = (0..14)
        .map(|half| half * DAY / 2 + HOUR)
        .map(random)
        .filter(|(from, _)| !CALM.iter().any(|calm| calm.contains(from)))
        .collect();
    cuts.extend([(2 * DAY + 9 * HOUR, 5), (3 * DAY + 15 * HOUR, 5)]);
    cuts.push((3 * DAY + 15 * HOUR + 45, 5));
    cuts.sort_unstable();
    cuts
}

/// No other power cuts while the story looks at something else.
const CALM: [std::ops::Range<i64>; 4] = [
    DAY + 7 * HOUR..DAY + 13 * HOUR,
    2 * DAY + 6 * HOUR..2 * DAY + 12 * HOUR,
    3 * DAY + 8 * HOUR..3 * DAY + 18 * HOUR,
    4 * DAY + 10 * HOUR..4 * DAY + 20 * HOUR,
];

/// How many minutes the box's wall clock is ahead; none while it knows no time.
fn clock(minute: i64) -> Option<i64> {
    let at = |day: i64, hour: i64, minutes: i64| day * DAY + hour * HOUR + minutes;
    match minute {
        // Somebody sets it, wrong, and the network sets it right.
        it if (at(1, 10, 0)..at(1, 12, 0)).contains(&it) => Some(-6 * HOUR),
        it if (at(5, 8, 0)..at(5, 9, 0)).contains(&it) => Some(5 * HOUR),
        // The power was cut: no battery keeps it, and the network answers late, or never.
        it if (at(2, 9, 0)..at(2, 9, 50)).contains(&it) => None,
        it if (at(3, 15, 0)..at(3, 15, 45)).contains(&it) => None,
        _ => Some(0),
    }
}

/// The home and all that the test holds of it.
struct Home {
    dir: PathBuf,
    hands: Hands,
    centre: Centre,
    nodes: Vec<Node>,
    /// The minute of the story.
    now: i64,
    power: Option<Power>,
    /// The power comes back then.
    off_until: i64,
    story: Story,
    line: RelayHandle,
    _runtime: Runtime,
}

impl Home {
    fn new(dir: &Path) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = i64::try_from(now.expect("it is after 1970").as_millis());
        // All of the week lies in the past, whatever the box's clock says of it.
        let origin = WallMs(now.expect("a time fits") - (8 * DAY + 6 * HOUR) * 60_000);
        let hands = Hands::new(dir, origin);
        let centre = Centre::start(dir);
        let runtime = Runtime::new().expect("a runtime can be made");
        let relay = runtime.block_on(Relay::start(centre.broker));
        let (address, line) = relay.expect("a relay can be made");
        let port = |number| dir.join(format!("port-{number}"));
        let told = Told {
            broker: address.to_string(),
            secret: centre.secret.clone(),
            ports: (0..NODES).map(port).collect(),
            origin,
        };
        told.write(dir);
        let mut nodes: Vec<Node> = (0..NODES)
            .zip(0..)
            .map(|(number, place)| Node::new(0xA0 + number, place, &port(number)))
            .collect();
        nodes.iter_mut().for_each(Node::plug);
        Self {
            dir: dir.to_owned(),
            hands,
            centre,
            nodes,
            now: 0,
            power: None,
            off_until: 0,
            story: Story::new(origin),
            line,
            _runtime: runtime,
        }
    }

    /// What happens at this minute, before anybody measures.
    fn happen(&mut self, minute: i64, cuts: &mut Vec<(i64, i64)>) {
        let (day, of_day) = (minute / DAY, minute % DAY);
        self.now = minute;
        self.hands.set(minute, clock(minute));
        let away = !(6 * HOUR..23 * HOUR).contains(&of_day) || day == 4;
        if away == self.line.is_whole() {
            if away {
                self.line.cut();
            } else {
                self.line.restore();
            }
        }
        if cuts.first().is_some_and(|(from, _)| *from <= minute) {
            let (_, lasts) = cuts.remove(0);
            self.off_until = self.off_until.max(minute + lasts);
            self.power_goes();
        }
        if self.power.is_none() && minute >= self.off_until {
            self.power_comes();
        }
        match (day, of_day) {
            (3, 660) => (0..2).for_each(|node| self.pull(node)),
            (3, 670) => {
                let (first, rest) = self.nodes.split_at_mut(1);
                first[0].exchange_ports(&mut rest[0]);
                (0..2).for_each(|node| self.plug(node));
            }
            (4, 720 | 780) => self.nodes[2].battery(minute, 15),
            (4, 830) => self.nodes[2].battery(minute, 4),
            (4, 840) => self.pull(2),
            (4, 1_140) => {
                self.plug(2);
                self.nodes[2].battery(minute, 100);
            }
            (_, 1_200) => self.pull(3),
            (_, 1_230) => self.plug(3),
            _ => {}
        }
        if minute % HOUR == 0
            && let Some(power) = &mut self.power
        {
            assert!(power.is_on(), "{}", self.log());
            self.settle();
        }
    }

    /// Everybody measures.
    fn minute(&mut self, minute: i64) {
        for node in &mut self.nodes {
            node.measure(minute);
        }
        if minute % 5 == 0 {
            self.nodes[3].temperature(minute);
        }
        if self.power.is_some() {
            thread::sleep(PACE);
        }
    }

    fn power_goes(&mut self) {
        let Some(power) = self.power.take() else {
            return;
        };
        power.cut();
        // What was not read from a serial port is gone with whoever had it open.
        for node in self.nodes.iter_mut().filter(|node| node.is_plugged()) {
            node.pull();
            node.plug();
        }
    }

    fn power_comes(&mut self) {
        let opened = self.opened();
        self.power = Some(Power::on(&self.dir));
        let plugged = self.nodes.iter().filter(|node| node.is_plugged());
        let plugged = plugged.count();
        self.listened_to(opened + plugged);
    }

    fn pull(&mut self, node: usize) {
        self.settle();
        self.nodes[node].pull();
    }

    fn plug(&mut self, node: usize) {
        if !self.nodes[node].is_plugged() {
            let opened = self.opened();
            self.nodes[node].plug();
            self.listened_to(opened + 1);
        }
    }

    /// How often the box has opened a port.
    fn opened(&self) -> usize {
        let said = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        said.matches(PORT_OPEN).count()
    }

    /// Time stands still until the box has opened a port so often, and listens to each device.
    fn listened_to(&mut self, opened: usize) {
        let Some(mut power) = self.power.take() else {
            return;
        };
        wait_until("every port is open", || {
            assert!(power.is_on(), "the box ended: {}", self.log());
            let mut plugged = self.nodes.iter().filter(|node| node.is_plugged());
            let is_open = plugged.all(Node::has_listener) && self.opened() >= opened;
            is_open.then_some(())
        });
        self.power = Some(power);
    }

    /// Waits until the box has heard all that was said, if it is on.
    fn settle(&mut self) {
        if self.power.is_none() {
            return;
        }
        let now = self.now;
        let marks = self.nodes.iter_mut().filter_map(|node| node.mark(now));
        let marks: Vec<(usize, u8)> = marks.collect();
        wait_until("the box has heard all", || {
            let charges = Progress::read(&self.dir).charges;
            let is_heard = |(place, percent): &(usize, u8)| charges.get(*place) == Some(percent);
            marks.iter().all(is_heard).then_some(())
        });
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn end(mut self, seed: u64) {
        self.line.restore();
        if self.power.is_none() {
            self.power_comes();
        }
        self.settle();
        wait_until("the centre has everything", || {
            (Progress::read(&self.dir).waiting == Some(0)).then_some(())
        });
        let last: Vec<(String, u64)> = self
            .nodes
            .iter()
            .map(|node| (node.id(), node.heard.last().expect("it was heard").0))
            .collect();
        let dated = wait_until("the last readings are stored", || {
            let dated = verdict::dated(self.centre.export());
            let has = |(device, number): &(String, u64)| {
                dated
                    .get(device)
                    .is_some_and(|stored| stored.contains_key(number))
            };
            last.iter().all(has).then_some(dated)
        });
        drop(self.power.take());
        let records = self.centre.end();
        let summary = self.story.judge(&self.nodes, &records, &dated);
        announce(&format!("week: seed {seed}: {summary}"));
    }
}
