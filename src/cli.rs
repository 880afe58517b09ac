//! The commands, and how each role is started and ended.
//!
//! A command's own work is in a file of its own; here is only which there are, the logging, the
//! signals, and the sentence that a person reads when something fails.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::open_files;
#[cfg(any(feature = "broker", feature = "ingest"))]
use crate::roles;

/// Telemedicine device ingestion: the watch kept over someone who is ill, at home.
/// Not a certified medical device.
#[derive(Debug, Parser)]
#[command(name = "veglia", version)]
pub(crate) struct Cli {
    /// The configuration; its absence is only an error when named here.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulated homes, real gateways, broker, ingest and ward, in one process.
    #[cfg(all(feature = "gateway", feature = "broker", feature = "dashboard"))]
    Demo(crate::demo::Demo),
    /// Broker, ingest and dashboard in one process: a centre on one machine.
    #[cfg(all(feature = "broker", feature = "dashboard"))]
    All,
    /// The box at home: reads devices, keeps readings until the centre has them.
    #[cfg(feature = "gateway")]
    Gateway(crate::enroll::Gateway),
    /// The front door and the broker behind it.
    #[cfg(feature = "broker")]
    Broker,
    /// Receives, stores, and applies the rules.
    #[cfg(feature = "ingest")]
    Ingest,
    /// The pages of the centre.
    #[cfg(feature = "dashboard")]
    Dashboard,
    /// How every role in the data directory is, a line each. Fails unless all are ready.
    Status(crate::health::Status),
    /// Simulated homes alone: devices on ptys, for gateways of other processes.
    #[cfg(feature = "gateway")]
    Homes(crate::homes::Homes),
    /// What a raw capture of a device says, a JSON line a frame.
    #[cfg(feature = "gateway")]
    Decode(crate::decode::Decode),
    /// Every stored reading, as CSV.
    #[cfg(feature = "ingest")]
    Export(crate::export::Export),
    /// A copy of the centre's data directory, taken while it runs.
    #[cfg(feature = "ingest")]
    Backup(crate::backup::Backup),
    /// The flags that the journal means, derived again from its beginning, a JSON line each.
    #[cfg(feature = "ingest")]
    Replay(crate::replay::Replay),
    /// The InfluxDB server that is given every reading as well.
    #[cfg(feature = "influxdb")]
    #[command(subcommand)]
    Influx(crate::influx::Influx),
    /// How much this machine takes, from many homes to the centre's disk.
    #[cfg(all(feature = "broker", feature = "ingest"))]
    Bench(crate::bench::Bench),
    /// Patients.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Patient(crate::record::Patient),
    /// Monitoring plans.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Plan(crate::plan::Plan),
    /// Devices and whom they are assigned to.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Device(crate::record::Device),
    /// People who have an account.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Staff(crate::staff::Staff),
    /// Who read whom, and whether that log is whole.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Audit(crate::audit::Audit),
    /// The roster: who is called, when and how.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Duty(crate::duty::Duty),
    /// Family doctors.
    #[cfg(feature = "dashboard")]
    #[command(subcommand)]
    Mmg(crate::duty::Mmg),
    /// Who may speak over the broker.
    #[command(subcommand)]
    Identity(crate::identity::Identity),
    /// The centre's own certificate authority.
    #[command(subcommand)]
    Ca(crate::authority::Ca),
    /// Prints the commented configuration with its defaults.
    Config,
}

/// Parses the command line, runs the command, and says what failed.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.command.usual_log());
    if let Err(error) = open_files::allow_all() {
        tracing::debug!(%error, "the limit of open files stays as it was");
    }
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when standard error is closed.
            drop(writeln!(io::stderr(), "veglia: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// `veglia export | head` ends early on purpose.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let io = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Logs go to standard error, so that standard output is only what was asked for. `RUST_LOG`
/// chooses; without it, what an operator needs to know.
fn log_to_stderr(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();
}

impl Command {
    /// What is logged when nobody chose.
    fn usual_log(&self) -> &'static str {
        match self {
            // A thousand gateways in one process would each say that they are connected, or not.
            #[cfg(all(feature = "broker", feature = "ingest"))]
            Self::Bench(_) => "warn,veglia_link=error",
            // The story is on the page; ports come and go with it.
            #[cfg(all(feature = "gateway", feature = "broker", feature = "dashboard"))]
            Self::Demo(_) => "warn,veglia_gateway::port=error,rumqttd=error",
            _ => "info,rumqttd=error,sea_orm_migration=warn,sqlx=warn",
        }
    }
}

impl Cli {
    fn run(self) -> Result<()> {
        let Self {
            config,
            data,
            command,
        } = self;
        let config = || Config::load(config.as_deref(), data.as_deref());
        match command {
            #[cfg(all(feature = "gateway", feature = "broker", feature = "dashboard"))]
            Command::Demo(demo) => until_stopped(|stop| demo.run(data, stop)),
            #[cfg(all(feature = "broker", feature = "dashboard"))]
            Command::All => until_stopped(|stop| roles::all::run(config(), stop)),
            #[cfg(feature = "dashboard")]
            Command::Dashboard => until_stopped(|stop| roles::dashboard::run(config(), stop)),
            #[cfg(feature = "dashboard")]
            Command::Patient(patient) => until_stopped(|_| patient.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Plan(plan) => until_stopped(|_| plan.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Device(device) => until_stopped(|_| device.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Staff(staff) => until_stopped(|_| staff.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Audit(audit) => until_stopped(|_| audit.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Duty(duty) => until_stopped(|_| duty.run(config())),
            #[cfg(feature = "dashboard")]
            Command::Mmg(mmg) => until_stopped(|_| mmg.run(config())),
            #[cfg(feature = "gateway")]
            Command::Gateway(gateway) => until_stopped(|stop| gateway.run(config(), stop)),
            #[cfg(feature = "broker")]
            Command::Broker => until_stopped(|stop| roles::broker::run(config(), stop)),
            #[cfg(feature = "ingest")]
            Command::Ingest => until_stopped(|stop| roles::ingest::run(config(), stop)),
            #[cfg(feature = "gateway")]
            Command::Homes(homes) => until_stopped(|stop| homes.run(config(), stop)),
            #[cfg(feature = "gateway")]
            Command::Decode(decode) => decode.run(),
            #[cfg(feature = "ingest")]
            Command::Export(export) => until_stopped(|_| export.run(config())),
            #[cfg(feature = "ingest")]
            Command::Backup(backup) => until_stopped(|stop| backup.run(config(), stop)),
            #[cfg(feature = "ingest")]
            Command::Replay(replay) => until_stopped(|_| replay.run(config())),
            #[cfg(feature = "influxdb")]
            Command::Influx(influx) => influx.run(&config()?),
            #[cfg(all(feature = "broker", feature = "ingest"))]
            Command::Bench(bench) => until_stopped(|stop| bench.run(data.clone(), stop)),
            Command::Status(status) => until_stopped(|_| status.run(config())),
            Command::Identity(identity) => identity.run(&config()?),
            Command::Ca(ca) => ca.run(&config()?),
            Command::Config => Ok(io::stdout().write_all(Config::template().as_bytes())?),
        }
    }
}

/// Runs a command until it is done, or until SIGTERM or SIGINT asks it to end: then it drains.
fn until_stopped<F>(start: impl FnOnce(CancellationToken) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let (mut terminate, mut interrupt) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            asked.cancel();
        });
        start(stop).await
    })
}
