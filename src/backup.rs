//! `veglia backup --to DIR`: a copy of the centre's data directory, taken while everything runs.
//!
//! The copy is itself a data directory: restoring is putting it in place and starting. What makes
//! it hold together is the order, for nothing stops meanwhile:
//!
//! ```text
//! watch.db, series.db → journal → record.db → authority, identities, secrets → codes
//! ```
//! What `watch.db` and `series.db` have taken in is in the journal that is copied after them, so
//! they read on from there and nothing is missing or doubled. Every plan, assignment and flag that
//! these three know of is in the record, which is copied after them. The one-time codes come after
//! the identities that they brought in: a code that was used in between is used in the copy. The
//! databases are snapshots made by
//! the store; the journal is only ever appended to, and a write caught half way at its end is cut
//! off when the copy is opened, which is done here at once and the whole of it read.
//!
//! A record on a PostgreSQL server is not in it: it is that server's to copy, and whoever asks for
//! a backup is told so. It is copied at its place in the order, after the journal, by copying it
//! after this.
//!
//! Limits: `--to` must not exist; the copy is made beside it as `<DIR>.part` and gets its name
//! when it is on the disk. Files that the configuration puts elsewhere are named and not copied.
//!
//! Deliberately absent: the outboxes of gateways (an older outbox would give numbers again that
//! ingest has seen, and new readings would be taken for repetitions), copies of parts or of
//! changes only, compression, encryption (the copy holds names and secrets: keep it as such), and
//! a command to restore. `docs/backup.md` says how that is done and what is lost by it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use tokio_util::sync::CancellationToken;
use veglia_journal::{
    DamageReason, HostFilesystem, Item, Journal, JournalReader, Options, SegmentedLog,
};

use crate::config::{Config, RECORD};

/// Bytes of the copied journal read at once.
const READ_BYTES: usize = 1024 * 1024;

/// The derived databases: copied before the journal that they are derived from.
const DERIVED: [&str; 2] = ["ingest/watch.db", "ingest/series.db"];

const JOURNAL: &str = "ingest/journal";

/// Written when a frame arrived damaged, and never altered.
const QUARANTINE: &str = "ingest/quarantine";

/// What `veglia ca` makes in the authority's folder. Without its key no certificate can be renewed,
/// and every box must be enrolled again.
const AUTHORITY: [&str; 4] = ["authority.pem", "authority.key", "server.pem", "server.key"];

/// The one-time codes that are waiting for their box.
const CODES: &str = "enrolments.toml";

/// What a demonstration keeps beside it.
const DEMO: &str = "demo.json";
const DEMO_SECRETS: &str = "secrets";

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The folder to make: a data directory, ready to be started.
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// A backup under way.
struct Copy {
    data: PathBuf,
    /// Where it is made until it is whole.
    part: PathBuf,
    stop: CancellationToken,
}

/// What reading the copied journal through has shown.
#[derive(Default)]
struct Checked {
    entries: u64,
    damaged: u64,
}

impl Backup {
    /// Makes the backup, or leaves nothing.
    pub(crate) async fn run(self, config: Result<Config>, stop: CancellationToken) -> Result<()> {
        let config = config?;
        // Without a record, or without a journal beside one elsewhere, there is nothing to restore.
        let wanted = match config.record {
            None => RECORD,
            Some(_) => JOURNAL,
        };
        if !config.data.join(wanted).exists() {
            bail!(
                "there is no {wanted} in {}: name the data directory with --data",
                config.data.display()
            );
        }
        if self.to.exists() {
            bail!("{} is there already: name a new folder", self.to.display());
        }
        let copy = Copy {
            data: config.data.clone(),
            part: beside(&self.to),
            stop,
        };
        private_dir(&copy.part).with_context(|| {
            format!(
                "cannot make {}; if a backup was interrupted there, delete it",
                copy.part.display()
            )
        })?;
        let made = copy.make(&config).await.and_then(|checked| {
            fs::rename(&copy.part, &self.to)?;
            sync_dir(self.to.parent().unwrap_or(Path::new("")))?;
            Ok(checked)
        });
        match made {
            Ok(checked) => self.tell(&config, &checked),
            Err(error) => {
                fs::remove_dir_all(&copy.part)
                    .with_context(|| format!("cannot delete {}", copy.part.display()))
                    .with_context(|| format!("the backup failed ({error:#})"))?;
                Err(error.context("there is no backup"))
            }
        }
    }

    fn tell(&self, config: &Config, checked: &Checked) -> Result<()> {
        let Checked { entries, damaged } = checked;
        if *damaged > 0 {
            tracing::warn!(
                damaged,
                "entries of the journal are damaged, in the copy as well"
            );
        }
        let mut out = io::stdout().lock();
        let to = self.to.display();
        writeln!(
            out,
            "backup made in {to}, with {entries} entries of the journal"
        )?;
        for file in configured(config) {
            if file.strip_prefix(&config.data).is_err() {
                let file = file.display();
                writeln!(out, "not in it, because it lies elsewhere: {file}")?;
            }
        }
        if let Some(server) = &config.record {
            writeln!(
                out,
                "not in it: the record, {server}; copy it now with pg_dump and keep both together"
            )?;
        }
        Ok(())
    }
}

impl Copy {
    /// Everything, in the order that the header explains.
    async fn make(&self, config: &Config) -> Result<Checked> {
        private_dir(&self.part.join("ingest"))?;
        for database in DERIVED {
            if self.data.join(database).exists() {
                self.database(database).await?;
            }
        }
        self.folder(JOURNAL, "log")?;
        if config.record.is_none() {
            self.database(RECORD).await?;
        }
        self.folder(QUARANTINE, "frame")?;
        self.folder(DEMO_SECRETS, "")?;
        for file in configured(config) {
            if let Ok(inside) = file.strip_prefix(&self.data) {
                self.file(inside)?;
            }
        }
        self.file(Path::new(CODES))?;
        self.file(Path::new(DEMO))?;
        let checked = check(&self.part.join(JOURNAL))?;
        sync_dir(&self.part.join("ingest"))?;
        sync_dir(&self.part)?;
        Ok(checked)
    }

    async fn database(&self, name: &str) -> Result<()> {
        let (from, to) = (self.data.join(name), self.part.join(name));
        tokio::select! {
            () = self.stop.cancelled() => bail!("it was stopped"),
            done = veglia_store::snapshot(&from, &to) => Ok(done?),
        }
    }

    /// Copies the files of a folder that end in `extension`, in order of their names: for the
    /// journal, oldest first. A file that goes meanwhile is an old segment, which nobody needs.
    fn folder(&self, name: &str, extension: &str) -> Result<()> {
        let from = self.data.join(name);
        if !from.exists() {
            return Ok(());
        }
        private_dir(&self.part.join(name))?;
        let mut files = Vec::new();
        for file in fs::read_dir(&from).with_context(|| format!("in {}", from.display()))? {
            let file = PathBuf::from(file?.file_name());
            if file.extension().unwrap_or_default() == extension {
                files.push(file);
            }
        }
        files.sort_unstable();
        for file in files {
            self.file(&Path::new(name).join(file))?;
        }
        Ok(sync_dir(&self.part.join(name))?)
    }

    /// Copies a file as far as it goes now, with its permissions, if it is there.
    fn file(&self, name: &Path) -> Result<()> {
        if self.stop.is_cancelled() {
            bail!("it was stopped");
        }
        let (from, to) = (self.data.join(name), self.part.join(name));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        let copied = match fs::copy(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            copied => copied.and_then(|_| File::open(&to)?.sync_all()),
        };
        copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
    }
}

/// Files of the centre that the configuration names.
fn configured(config: &Config) -> Vec<PathBuf> {
    let mut files = vec![config.identities(), config.ingest.secret_file.clone()];
    let made = AUTHORITY.map(|file| config.authority().join(file));
    files.extend(made.into_iter().filter(|file| file.exists()));
    files
}

/// Opens the copied journal as ingest will, and reads all of it.
fn check(journal: &Path) -> Result<Checked> {
    let mut checked = Checked::default();
    if !journal.exists() {
        return Ok(checked);
    }
    let (log, _) = SegmentedLog::open(HostFilesystem, journal, Options::default())?;
    let mut reader = log.reader();
    let mut next = log.oldest();
    while next < log.next() {
        for item in reader.read(next, READ_BYTES)? {
            match item {
                Item::Entry(entry) => {
                    checked.entries += 1;
                    next = entry.position.next();
                }
                Item::Damaged { from, to, reason } => {
                    if reason != DamageReason::TornTail {
                        checked.damaged += to.get() - from.get() + 1;
                    }
                    next = to.next();
                }
            }
        }
    }
    Ok(checked)
}

fn beside(to: &Path) -> PathBuf {
    let mut name = OsString::from(to);
    name.push(".part");
    name.into()
}

/// A folder that only its owner enters: names and secrets are in it.
fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let path = if path.as_os_str().is_empty() {
        here
    } else {
        path
    };
    File::open(path)?.sync_all()
}
