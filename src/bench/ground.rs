//! Where runs take place: a data directory of its own for each, which is gone afterwards. What
//! several runs share is made once: the clock, the certificates, the record of the homes.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use veglia_wire::CareClock;

use super::care;
use super::load::Home;
use super::papers::{Door, Papers, Way};

/// A folder that may be thrown away, and what all runs in it share.
pub(super) struct Ground {
    folder: PathBuf,
    papers: Papers,
    pub(super) clock: CareClock,
}

impl Ground {
    /// With certificates for so many homes.
    pub(super) fn prepare(folder: &Path, certificates: usize) -> Result<Self> {
        if certificates > 0 {
            writeln!(io::stderr(), "certificates for {certificates} homes")?;
        }
        let papers = folder.join("papers");
        Ok(Self {
            folder: folder.to_owned(),
            papers: Papers::make(papers, certificates, crate::clock::unix())?,
            clock: CareClock::real(crate::clock::wall()),
        })
    }

    pub(super) fn papers(&self) -> &Papers {
        &self.papers
    }

    /// Where homes come who come by this way.
    pub(super) fn door(&self, way: Way) -> Door<'_> {
        match way {
            Way::Plain => Door::Plain,
            Way::Tls => Door::Tls(&self.papers),
        }
    }

    /// Runs something so many times, each time in a folder that holds the record of these homes.
    pub(super) async fn runs<T>(
        &self,
        name: &str,
        times: u64,
        homes: &[Home],
        run: impl AsyncFn(&Path) -> Result<T>,
    ) -> Result<Vec<T>> {
        care::write(&self.folder, homes, self.clock.now()).await?;
        let record = self.folder.join(care::RECORD);
        let mut runs = Vec::new();
        for number in 1..=times {
            writeln!(io::stderr(), "{name}: run {number} of {times}")?;
            let data = self.folder.join("run");
            fs::create_dir(&data).context("cannot make a folder for a run")?;
            fs::copy(&record, data.join(care::RECORD)).context("cannot copy the record")?;
            runs.push(run(&data).await?);
            fs::remove_dir_all(&data).context("cannot delete what a run left")?;
        }
        fs::remove_file(&record).context("cannot delete the record")?;
        Ok(runs)
    }
}
