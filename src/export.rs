//! `veglia export`: every stored reading as CSV, asked of the ingest that runs on the same data
//! directory. It fails rather than end early: a file without an error is whole.

use std::io::{self, BufWriter, Write};

use anyhow::{Context, Result};
use clap::Args;
use veglia_view::{ExportAsk, HttpView, PatientId, Scope, View, WallMs};

use crate::config::Config;
use crate::roles::ingest::view_socket;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Only what this patient's devices measured while they were the patient's.
    #[arg(long)]
    patient: Option<PatientId>,
    /// From this moment of measuring on, in milliseconds since 1970.
    #[arg(long, value_name = "MS", default_value_t = i64::MIN, allow_negative_numbers = true)]
    from: i64,
    /// Until this moment of measuring, excluded.
    #[arg(long, value_name = "MS", default_value_t = i64::MAX, allow_negative_numbers = true)]
    to: i64,
}

impl Export {
    /// Writes the export to standard output.
    pub(crate) async fn run(self, config: Result<Config>) -> Result<()> {
        let socket = view_socket(&config?);
        let scope = self.patient.map_or(Scope::Everything, Scope::Patient);
        let ask = ExportAsk {
            scope,
            from: WallMs(self.from),
            to: WallMs(self.to),
        };
        let mut lines = HttpView::new(&socket).export(ask).await?;
        let mut out = BufWriter::new(io::stdout().lock());
        while let Some(piece) = lines.next().await {
            out.write_all(&piece?)?;
        }
        out.flush().context("cannot write the export")
    }
}
