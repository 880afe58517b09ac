//! What a demonstration remembers between two runs: the care time, the account, who lives where.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use veglia_triage::PatientId;
use veglia_wire::{CareClock, WallMs};

use crate::clock;

/// The first morning: 20 October 2020, 08:00 in Milan.
const FIRST_MORNING: WallMs = WallMs(1_603_173_600_000);

/// The account that a demonstration makes.
pub(super) const USERNAME: &str = "demo";

/// The seed of a demonstration that was not given one.
const FIRST_SEED: u64 = 1;

const VERSION: u32 = 1;

/// The file `demo.json` of the data directory.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    version: u32,
    care_ms: i64,
    password: String,
    /// Where chance began: the homes follow from it.
    pub(super) seed: u64,
    /// Whether the account was made.
    pub(super) account: bool,
    /// The patient of each home.
    pub(super) patients: BTreeMap<String, PatientId>,
}

impl Saved {
    /// What was saved, or a first morning with a password that nobody has seen. A seed that is
    /// asked for must be the one saved: another would put other devices into the same homes.
    pub(super) fn load(data: &Path, seed: Option<u64>) -> Result<Self> {
        let path = data.join("demo.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    version: VERSION,
                    care_ms: FIRST_MORNING.0,
                    password: password()?,
                    seed: seed.unwrap_or(FIRST_SEED),
                    account: false,
                    patients: BTreeMap::new(),
                });
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let saved: Self = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged; choose another --data", path.display()))?;
        if saved.version > VERSION {
            bail!(
                "{} was written by a newer Veglia; update this program",
                path.display()
            );
        }
        if let Some(seed) = seed.filter(|seed| *seed != saved.seed) {
            bail!(
                "the homes in {} were made with --seed {}, not {seed}; leave --seed out, or choose \
                 another --data",
                data.display(),
                saved.seed
            );
        }
        Ok(saved)
    }

    /// Writes everything, with the care time to go on from: none that was lived through is later.
    pub(super) fn store(&mut self, data: &Path, care: WallMs) -> Result<()> {
        self.care_ms = care.0;
        let path = data.join("demo.json");
        let fresh = data.join("demo.json.new");
        let written = (|| {
            let mut options = OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&fresh)?;
            file.write_all(serde_json::to_string_pretty(self)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            File::open(data)?.sync_all()
        })();
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Care time goes on from where it stood.
    pub(super) fn clock(&self, speed: u32) -> CareClock {
        let wall = clock::wall();
        let now = wall.now();
        CareClock::anchored(wall, now, WallMs(self.care_ms), speed)
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

/// Four groups of four letters and digits that cannot be taken for each other: 78 bits.
fn password() -> Result<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).context("the system gave no random bytes for a password")?;
    let letters: Vec<char> = random
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    Ok(groups.join("-"))
}
