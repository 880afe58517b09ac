//! What the box can say of itself at any moment: what hangs on its ports, and what became of the
//! last commands. Port tasks and the commander write it down; the link reads it for each state.
//!
//! A port is judged silent when it is read, not by a timer: until somebody asks nobody cares.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};
use veglia_codecs::Identity;
use veglia_link::Report;
use veglia_wire::state::{MAX_ANSWERS, MAX_PORT_BYTES, MAX_PORTS};
use veglia_wire::{
    Answered, Charge, DeviceId, MonoMs, PortFault, PortReport, PortState, Session, VitalKind,
};

use crate::clock::BoxClock;
use crate::commander::Ask;
use crate::config::PortConfig;
use crate::listener::Listener;
use crate::status::DeviceStatus;

/// A port that is open and says nothing for so long, in wall milliseconds, is silent. A node says
/// hello every minute even when nobody measures; twice that and half a minute forgive a lost one.
const SILENT_AFTER_MS: u64 = 150_000;

/// The name of a place that was given up, and is free.
const GIVEN_UP: &str = "";

/// Cheap to clone; all clones are the same desk.
#[derive(Clone)]
pub(crate) struct Desk {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<BoxClock>,
    papers: Mutex<Papers>,
    /// Counts the changes that are worth telling.
    changed: watch::Sender<u64>,
}

struct Papers {
    ports: Vec<PortPaper>,
    answers: VecDeque<(Session, Answered)>,
}

/// What is known of one port.
struct PortPaper {
    name: String,
    device: Option<DeviceId>,
    /// Who answers for a port that came while the box runs.
    asks: Option<mpsc::Sender<Ask>>,
    identity: Option<Identity>,
    is_open: bool,
    last_frame: Option<MonoMs>,
    last_reading: Option<MonoMs>,
    battery: Option<Charge>,
    fault: Option<PortFault>,
}

/// The place of one port's task at the desk.
#[derive(Clone)]
pub(crate) struct Place {
    desk: Desk,
    index: usize,
}

/// Where a device is, for whoever wants something of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// On this open port; whether it can measure what was asked is not known to be false.
    Port(usize),
    /// On an open port, and it does not measure that.
    CannotMeasure,
    /// Nowhere.
    Away,
}

impl Desk {
    /// A desk for these ports, none of them open.
    pub(crate) fn new(ports: &[PortConfig], clock: Arc<BoxClock>) -> Self {
        let paper = |port: &PortConfig| {
            let name = ending(&port.path.display().to_string());
            PortPaper::new(name, port.device.clone())
        };
        let papers = Papers {
            ports: ports.iter().map(paper).collect(),
            answers: VecDeque::new(),
        };
        Self {
            shared: Arc::new(Shared {
                clock,
                papers: Mutex::new(papers),
                changed: watch::channel(0).0,
            }),
        }
    }

    /// The place of the port that was given at this index.
    pub(crate) fn place(&self, index: usize) -> Place {
        Place {
            desk: self.clone(),
            index,
        }
    }

    /// The place of a port that came while the box runs: the one of that name, one that was given
    /// up, or a new one behind the others. None when a report can hold no more.
    pub(crate) fn add(
        &self,
        name: &str,
        device: Option<DeviceId>,
        asks: mpsc::Sender<Ask>,
    ) -> Option<Place> {
        let name = ending(name);
        let mut papers = self.papers();
        let place = |of: &str| papers.ports.iter().position(|paper| paper.name == of);
        let index = place(&name).or_else(|| place(GIVEN_UP));
        let index = index.unwrap_or(papers.ports.len());
        if index >= MAX_PORTS {
            return None;
        }
        if index == papers.ports.len() {
            papers.ports.push(PortPaper::new(name, device));
        } else if papers.ports[index].name != name {
            papers.ports[index] = PortPaper::new(name, device);
        }
        papers.ports[index].asks = Some(asks);
        drop(papers);
        self.tell();
        Some(self.place(index))
    }

    /// Gives up the place of a port that came while the box runs: nobody answers for it any more,
    /// and it is neither reported nor missed.
    pub(crate) fn give_up(&self, name: &str) {
        let name = ending(name);
        let mut papers = self.papers();
        let mut all = papers.ports.iter_mut();
        let Some(paper) = all.find(|it| it.asks.is_some() && it.name == name) else {
            return;
        };
        *paper = PortPaper::new(GIVEN_UP.to_owned(), None);
        drop(papers);
        self.tell();
    }

    /// Changes when there is something new to say.
    pub(crate) fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// How the box is.
    pub(crate) fn report(&self) -> Report {
        let papers = self.papers();
        let ports = papers.ports.iter().filter(|it| it.name != GIVEN_UP);
        Report {
            ports: ports.map(|it| self.port(it)).collect(),
            answers: papers.answers.iter().copied().collect(),
        }
    }

    /// How each device is, for the box's own page.
    pub(crate) fn devices(&self) -> Vec<DeviceStatus> {
        let papers = self.papers();
        let device = |paper: &PortPaper| {
            let PortReport {
                name,
                device,
                state,
                last_frame_ms,
                battery,
                fault,
            } = self.port(paper);
            DeviceStatus {
                port: name,
                device: device.map(|device| device.to_string()),
                state,
                fault,
                heard_ms: last_frame_ms,
                reading_ms: paper.last_reading.map(|at| self.shared.clock.since(at)),
                battery,
            }
        };
        let ports = papers.ports.iter().filter(|it| it.name != GIVEN_UP);
        ports.map(device).collect()
    }

    /// Where a device is that is to measure something.
    pub(crate) fn find(&self, device: &DeviceId, vital: VitalKind) -> Whereabouts {
        let papers = self.papers();
        let is_here = |port: &PortPaper| port.is_open && port.device.as_ref() == Some(device);
        let Some(index) = papers.ports.iter().position(is_here) else {
            return Whereabouts::Away;
        };
        match papers.ports[index].identity {
            Some(identity) if !identity.measures(vital) => Whereabouts::CannotMeasure,
            _ => Whereabouts::Port(index),
        }
    }

    /// What stands in the way of all ports that came while the box runs, or that nothing does.
    pub(crate) fn fault_added(&self, fault: Option<PortFault>) {
        self.change_added(|paper| paper.fault = fault);
    }

    /// All ports that came while the box runs are lost.
    pub(crate) fn lose_added(&self) {
        self.change_added(|paper| paper.is_open = false);
    }

    /// How many ports that came while the box runs are open.
    pub(crate) fn added_open(&self) -> usize {
        let papers = self.papers();
        let open = papers
            .ports
            .iter()
            .filter(|it| it.asks.is_some() && it.is_open);
        open.count()
    }

    fn change_added(&self, change: impl Fn(&mut PortPaper)) {
        let mut papers = self.papers();
        let added = papers.ports.iter_mut().filter(|it| it.asks.is_some());
        added.for_each(change);
        drop(papers);
        self.tell();
    }

    /// Who answers for a port that came while the box runs.
    pub(crate) fn asks(&self, index: usize) -> Option<mpsc::Sender<Ask>> {
        self.papers().ports.get(index)?.asks.clone()
    }

    /// Notes what became of a command.
    pub(crate) fn answer(&self, session: Session, answered: Answered) {
        let mut papers = self.papers();
        if papers.answers.len() == MAX_ANSWERS {
            papers.answers.pop_front();
        }
        papers.answers.push_back((session, answered));
        drop(papers);
        self.tell();
    }

    fn port(&self, paper: &PortPaper) -> PortReport {
        let last_frame_ms = paper.last_frame.map(|at| self.shared.clock.since(at));
        let silent_ms = SILENT_AFTER_MS.saturating_mul(self.shared.clock.speed());
        let state = match last_frame_ms {
            _ if !paper.is_open => PortState::Absent,
            Some(age_ms) if age_ms <= silent_ms => PortState::Speaking,
            _ => PortState::Silent,
        };
        PortReport {
            name: paper.name.clone(),
            device: paper.device.clone(),
            state,
            last_frame_ms,
            battery: paper.battery,
            fault: paper.fault,
        }
    }

    fn tell(&self) {
        self.shared
            .changed
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Who panicked while writing has at worst left one port as it was before.
    fn papers(&self) -> MutexGuard<'_, Papers> {
        let papers = self.shared.papers.lock();
        papers.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The port was opened.
    pub(crate) fn opened(&self, listener: &Listener) {
        self.change(|paper| {
            paper.is_open = true;
            paper.last_frame = None;
            paper.take(listener);
            true
        });
    }

    /// The port was lost. What hung on it last is still worth naming.
    pub(crate) fn lost(&self) {
        self.change(|paper| std::mem::replace(&mut paper.is_open, false));
    }

    /// Whether the port is open.
    pub(crate) fn is_open(&self) -> bool {
        let papers = self.desk.papers();
        papers
            .ports
            .get(self.index)
            .is_some_and(|paper| paper.is_open)
    }

    /// The battery was told beside the frames.
    pub(crate) fn charged(&self, listener: &Listener) {
        self.change(|paper| paper.take(listener));
    }

    /// What stands in the way of this port, or that nothing does any more.
    pub(crate) fn fault(&self, fault: Option<PortFault>) {
        self.change(|paper| std::mem::replace(&mut paper.fault, fault) != fault);
    }

    /// A frame was heard at this moment.
    pub(crate) fn heard(&self, at: MonoMs, listener: &Listener) {
        self.change(|paper| {
            let was_heard = paper.last_frame.replace(at).is_some();
            paper.take(listener) || !was_heard
        });
    }

    /// Changes the port's paper, and tells when that is worth telling.
    fn change(&self, change: impl FnOnce(&mut PortPaper) -> bool) {
        let mut papers = self.desk.papers();
        let is_news = papers.ports.get_mut(self.index).is_some_and(change);
        drop(papers);
        if is_news {
            self.desk.tell();
        }
    }
}

impl PortPaper {
    /// Nobody has opened it yet.
    fn new(name: String, device: Option<DeviceId>) -> Self {
        Self {
            name,
            device,
            asks: None,
            identity: None,
            is_open: false,
            last_frame: None,
            last_reading: None,
            battery: None,
            fault: None,
        }
    }

    /// Takes over who speaks and how full its battery is; answers whether that is news.
    fn take(&mut self, listener: &Listener) -> bool {
        let is_news =
            self.device.as_ref() != listener.device() || self.battery != listener.charge();
        if is_news {
            self.device = listener.device().cloned();
            self.battery = listener.charge();
        }
        self.identity = listener.identity();
        self.last_reading = listener.last_reading().or(self.last_reading);
        is_news
    }
}

/// The end of a long name: what tells ports apart stands there.
fn ending(name: &str) -> String {
    let from = name.ceil_char_boundary(name.len().saturating_sub(MAX_PORT_BYTES));
    name[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use veglia_codecs::Protocol;
    use veglia_wire::{Boot, CareClock, Clock, CommandId, Outcome, WallMs};

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> WallMs {
            WallMs(1_603_188_000_000)
        }
    }

    fn desk() -> Desk {
        let port = PortConfig {
            path: PathBuf::from("/dev/ttyUSB0"),
            protocol: Protocol::Nonin8,
            device: Some(DeviceId::new("nonin:1").unwrap()),
        };
        let clock = BoxClock::new(Boot(1), CareClock::real(Arc::new(Noon)));
        Desk::new(&[port], Arc::new(clock))
    }

    #[test]
    fn a_port_is_absent_then_silent_then_speaks_and_each_is_told_once() {
        let desk = desk();
        let (place, changed) = (desk.place(0), desk.changed());
        let listener = Listener::new(Some(DeviceId::new("nonin:1").unwrap()));
        let state = || desk.report().ports[0].state;
        let mut seen = vec![(state(), *changed.borrow())];
        place.opened(&listener);
        seen.push((state(), *changed.borrow()));
        for at in 1..=3 {
            place.heard(MonoMs(at), &listener);
            seen.push((state(), *changed.borrow()));
        }
        place.lost();
        place.lost();
        seen.push((state(), *changed.borrow()));
        let wanted = [
            (PortState::Absent, 0),
            (PortState::Silent, 1),
            (PortState::Speaking, 2),
            (PortState::Speaking, 2),
            (PortState::Speaking, 2),
            (PortState::Absent, 3),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_device_is_found_only_while_its_port_is_open() {
        let desk = desk();
        let device = DeviceId::new("nonin:1").unwrap();
        let find = || desk.find(&device, VitalKind::SpO2);
        assert_eq!(find(), Whereabouts::Away);
        desk.place(0).opened(&Listener::new(Some(device.clone())));
        assert_eq!(find(), Whereabouts::Port(0));
        desk.place(0).lost();
        assert_eq!(find(), Whereabouts::Away);
    }

    #[test]
    fn a_place_that_is_given_up_is_told_no_more_and_serves_the_next() {
        let desk = desk();
        let add = |name: &str| desk.add(name, None, mpsc::channel(1).0);
        for number in 0..1_000 {
            let name = format!("ble {number}");
            add(&name).unwrap().opened(&Listener::new(None));
            desk.give_up(&name);
        }
        assert_eq!(desk.report().ports.len(), 1);
        add("ble a").unwrap();
        add("ble b").unwrap();
        desk.give_up("/dev/ttyUSB0");
        let report = desk.report();
        let names: Vec<&str> = report.ports.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["/dev/ttyUSB0", "ble a", "ble b"]);
        assert_eq!(report.ports[1].state, PortState::Absent);
        assert_eq!(desk.added_open(), 0);
    }

    #[test]
    fn the_newest_answers_are_kept() {
        let desk = desk();
        for id in 1..=20 {
            let answered = Answered {
                id: CommandId(id),
                outcome: Outcome::Done,
            };
            desk.answer(Session(1), answered);
        }
        let report = desk.report();
        let ids: Vec<u64> = report.answers.iter().map(|(_, it)| it.id.0).collect();
        assert_eq!(ids, (5..=20).collect::<Vec<_>>());
    }

    #[test]
    fn of_a_long_name_the_end_is_kept() {
        let name = format!("{}\u{e8}-port0", "x".repeat(300));
        assert!(ending(&name).len() <= MAX_PORT_BYTES);
        assert!(ending(&name).ends_with("\u{e8}-port0"));
    }
}
