//! The figures: as JSON for whoever compares, as a table for whoever reads.

use serde::Serialize;

#[cfg(feature = "gateway")]
use super::decode;
use super::handshakes::HandshakesReport;
use super::idle::Idle;
use super::journal::{Commits, ENTRY_BYTES};
use super::machine::Machine;
use super::papers::Way;
use super::storm::StormReport;
use super::table::{gib, median, milliseconds, table, whole};
use super::triage::{self, Cost};
#[cfg(feature = "dashboard")]
use super::ward;

/// Everything that one call of the command measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Report {
    pub(super) machine: Machine,
    pub(super) connections: usize,
    /// The rules by themselves.
    pub(super) triage: Vec<Cost>,
    /// The decoders by themselves.
    #[cfg(feature = "gateway")]
    pub(super) decoding: Vec<decode::Speed>,
    /// The live list by itself.
    #[cfg(feature = "dashboard")]
    pub(super) ward: Option<ward::Cost>,
    pub(super) journal: Vec<Commits>,
    pub(super) loads: Vec<LoadReport>,
    pub(super) handshakes: Option<HandshakesReport>,
    pub(super) idle: Vec<Idle>,
    pub(super) storms: Vec<StormReport>,
}

/// One kind of load.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LoadReport {
    /// `backlog` or `live`.
    pub(super) load: &'static str,
    /// How the homes came.
    pub(super) way: Way,
    /// Readings in a frame.
    pub(super) per_frame: usize,
    /// Each figure's median over the runs.
    pub(super) median: Median,
    pub(super) runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Run {
    /// Readings sent, and acknowledged.
    pub(super) sent: u64,
    /// Readings read back at the end.
    pub(super) stored: u64,
    /// Whether each of them is the reading that was sent.
    pub(super) values_equal: bool,
    /// Patients whose saturation was low.
    pub(super) ill: u64,
    /// Patients with a red flag at the end.
    pub(super) reds: u64,
    /// From the release of the load to the last acknowledgement.
    pub(super) seconds: f64,
    pub(super) figures: Figures,
}

/// What was measured. All of it may be compared between two runs of the same load.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Figures {
    /// Acknowledged after ingest's `fdatasync`.
    pub(super) readings_per_s: f64,
    /// From handed to the sender to acknowledged.
    pub(super) latency_ms_p50: f64,
    pub(super) latency_ms_p90: f64,
    pub(super) latency_ms_p99: f64,
    pub(super) latency_ms_max: f64,
    /// Of frames; MQTT and TCP add about sixty bytes a frame.
    pub(super) wire_bytes_per_reading: f64,
    pub(super) journal_bytes_per_reading: f64,
    pub(super) series_bytes_per_reading: f64,
    /// Processor time of the broker, in microseconds, whatever else the machine did.
    pub(super) broker_us_per_reading: f64,
    /// The same of ingest, series and rules included.
    pub(super) ingest_us_per_reading: f64,
    /// Most memory that the process held until everything was stored and judged.
    pub(super) broker_peak_mib: f64,
    pub(super) ingest_peak_mib: f64,
    /// From the last acknowledgement until the series could be asked for the last reading.
    pub(super) series_behind_s: f64,
    /// The same until the rules had judged every reading.
    pub(super) watch_behind_s: f64,
    /// Ingest's orderly end: what is in memory goes into `series.db`.
    pub(super) stop_s: f64,
}

/// Medians have the same names.
pub(super) type Median = Figures;

impl Figures {
    /// Each figure's median over some runs.
    pub(super) fn median(runs: &[Run]) -> Self {
        let of = |figure: fn(&Figures) -> f64| median(runs.iter().map(|run| figure(&run.figures)));
        Self {
            readings_per_s: of(|it| it.readings_per_s),
            latency_ms_p50: of(|it| it.latency_ms_p50),
            latency_ms_p90: of(|it| it.latency_ms_p90),
            latency_ms_p99: of(|it| it.latency_ms_p99),
            latency_ms_max: of(|it| it.latency_ms_max),
            wire_bytes_per_reading: of(|it| it.wire_bytes_per_reading),
            journal_bytes_per_reading: of(|it| it.journal_bytes_per_reading),
            series_bytes_per_reading: of(|it| it.series_bytes_per_reading),
            broker_us_per_reading: of(|it| it.broker_us_per_reading),
            ingest_us_per_reading: of(|it| it.ingest_us_per_reading),
            broker_peak_mib: of(|it| it.broker_peak_mib),
            ingest_peak_mib: of(|it| it.ingest_peak_mib),
            series_behind_s: of(|it| it.series_behind_s),
            watch_behind_s: of(|it| it.watch_behind_s),
            stop_s: of(|it| it.stop_s),
        }
    }
}

impl Report {
    /// Of nothing but the rules and the disk so far.
    pub(super) fn new(
        machine: Machine,
        connections: usize,
        journal: Vec<Commits>,
        triage: Vec<Cost>,
    ) -> Self {
        Self {
            machine,
            connections,
            triage,
            #[cfg(feature = "gateway")]
            decoding: Vec::new(),
            #[cfg(feature = "dashboard")]
            ward: None,
            journal,
            loads: Vec::new(),
            handshakes: None,
            idle: Vec::new(),
            storms: Vec::new(),
        }
    }

    /// Whether every run stored what was sent and flagged whom it had to.
    pub(super) fn is_sound(&self) -> bool {
        let mut runs = self.loads.iter().flat_map(|load| &load.runs);
        let is_quiet = self.triage.iter().all(|cost| cost.verdicts == 0);
        runs.all(Run::is_sound) && self.storms.iter().all(StormReport::is_sound) && is_quiet
    }

    /// The tables a person reads.
    pub(super) fn tables(&self) -> String {
        let machine = &self.machine;
        let optimised = if machine.optimised {
            "an optimised build"
        } else {
            "A BUILD WITHOUT OPTIMISATION: the times mean nothing"
        };
        let mut text = format!(
            "{}, {} cores, {:.1} GiB, Linux {}, {} on {}\nVeglia {}, {optimised}\n\n",
            machine.cpu,
            machine.cores,
            gib(machine.memory_bytes),
            machine.kernel,
            machine.file_system,
            machine.device,
            machine.version,
        );
        if !self.triage.is_empty() {
            text.push_str(&triage::rows(&self.triage));
        }
        #[cfg(feature = "gateway")]
        if !self.decoding.is_empty() {
            text.push_str(&decode::rows(&self.decoding));
        }
        #[cfg(feature = "dashboard")]
        text.extend(self.ward.as_ref().map(ward::rows));
        if self.journal.is_empty() {
            return text;
        }
        text.push('\n');
        text.push_str(&self.journal_table());
        text.push('\n');
        text.push_str(&self.load_table());
        text.push('\n');
        let each = self.loads.iter();
        text.extend(each.map(|load| format!("{}: {}\n", load.name(), load.each_run())));
        for table in [
            self.handshakes_table(),
            self.idle_table(),
            self.storm_table(),
        ] {
            text.extend(table.map(|table| format!("\n{table}")));
        }
        text
    }

    fn journal_table(&self) -> String {
        let heading = [
            "journal, entries a commit",
            "commits/s",
            "entries/s",
            "p50 ms",
            "p99 ms",
        ];
        let rows = self.journal.iter().map(|it| {
            vec![
                format!("{} × {ENTRY_BYTES} B", it.entries),
                whole(it.commits_per_s),
                whole(it.entries_per_s),
                milliseconds(it.p50_us),
                milliseconds(it.p99_us),
            ]
        });
        table(&heading, rows.collect())
    }

    fn load_table(&self) -> String {
        let heading = [
            "median of runs",
            "readings/s",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "max ms",
            "wire B",
            "journal B",
            "series B",
            "broker µs",
            "ingest µs",
            "broker MiB",
            "ingest MiB",
            "series +s",
            "watch +s",
            "stop s",
        ];
        let rows = self.loads.iter().map(|load| {
            let it = &load.median;
            vec![
                load.name(),
                whole(it.readings_per_s),
                format!("{:.1}", it.latency_ms_p50),
                format!("{:.1}", it.latency_ms_p90),
                format!("{:.1}", it.latency_ms_p99),
                format!("{:.1}", it.latency_ms_max),
                format!("{:.2}", it.wire_bytes_per_reading),
                format!("{:.2}", it.journal_bytes_per_reading),
                format!("{:.2}", it.series_bytes_per_reading),
                format!("{:.2}", it.broker_us_per_reading),
                format!("{:.2}", it.ingest_us_per_reading),
                format!("{:.0}", it.broker_peak_mib),
                format!("{:.0}", it.ingest_peak_mib),
                format!("{:.1}", it.series_behind_s),
                format!("{:.1}", it.watch_behind_s),
                format!("{:.1}", it.stop_s),
            ]
        });
        table(&heading, rows.collect())
    }
}

impl Report {
    fn handshakes_table(&self) -> Option<String> {
        let heading = [
            "TLS 1.3, certificates on both sides",
            "handshakes/s",
            "broker ms",
            "guest ms",
            "resumed",
        ];
        let it = self.handshakes.as_ref()?;
        let row = vec![
            format!("{} guests at once", it.guests),
            whole(it.median.handshakes_per_s),
            format!("{:.2}", it.median.broker_ms),
            format!("{:.2}", it.median.guest_ms),
            it.resumed().to_string(),
        ];
        Some(table(&heading, vec![row]))
    }

    fn idle_table(&self) -> Option<String> {
        let heading = [
            "connected, silent",
            "connected +s",
            "broker ms each",
            "before MiB",
            "connected MiB",
            "after MiB",
            "peak MiB",
            "KiB each",
            "broker %",
            "ingest %",
        ];
        let rows = self.idle.iter().map(|it| {
            vec![
                format!("{} for {} s, {}", it.connections, it.seconds, it.way),
                format!("{:.1}", it.connected_after_s),
                format!("{:.2}", it.connecting_broker_ms),
                format!("{:.1}", it.broker_before_mib),
                format!("{:.1}", it.broker_connected_mib),
                format!("{:.1}", it.broker_after_mib),
                format!("{:.1}", it.broker_peak_mib),
                format!("{:.1}", it.broker_kib_per_connection),
                format!("{:.2}", it.broker_percent),
                format!("{:.2}", it.ingest_percent),
            ]
        });
        (!self.idle.is_empty()).then(|| table(&heading, rows.collect()))
    }

    fn storm_table(&self) -> Option<String> {
        let heading = [
            "the broker crashes",
            "away s",
            "all subscribed s",
            "all acknowledged s",
            "slowest run s",
            "broker s",
            "broker MiB",
        ];
        let rows = self.storms.iter().map(|storm| {
            let it = &storm.median;
            let sound = if storm.is_sound() { "" } else { " (WRONG)" };
            vec![
                format!("{}{sound}", storm.name()),
                format!("{:.2}", it.away_s),
                format!("{:.2}", it.subscribed_s),
                format!("{:.2}", it.acknowledged_s),
                format!("{:.2}", storm.slowest_s()),
                format!("{:.2}", it.broker_s),
                format!("{:.0}", it.broker_peak_mib),
            ]
        });
        (!self.storms.is_empty()).then(|| table(&heading, rows.collect()))
    }
}

impl Run {
    fn is_sound(&self) -> bool {
        self.values_equal && self.stored == self.sent && self.reds == self.ill
    }
}

impl LoadReport {
    fn name(&self) -> String {
        format!("{}, {} a frame, {}", self.load, self.per_frame, self.way)
    }

    fn each_run(&self) -> String {
        let said = self.runs.iter().map(|run| {
            let sound = if run.is_sound() { "" } else { " (WRONG)" };
            format!("{}{sound}", whole(run.figures.readings_per_s))
        });
        let said: Vec<String> = said.collect();
        let sum = |count: fn(&Run) -> u64| self.runs.iter().map(count).sum::<u64>();
        format!(
            "{} readings/s; {} sent, {} read back; {} ill, {} flagged red",
            said.join(", "),
            sum(|run| run.sent),
            sum(|run| run.stored),
            sum(|run| run.ill),
            sum(|run| run.reds),
        )
    }
}
