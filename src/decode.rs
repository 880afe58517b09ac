//! `veglia decode <protocol> [FILE]`: what a raw capture says, a line a frame.
//!
//! Frames go to standard output as JSON lines, rejects with their reason and place to standard
//! error, a count to standard error at the end. The decoder is the gateway's own.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use veglia_codecs::{Frame, Protocol, Reject};

/// Bytes taken from the capture at once.
const READ_BYTES: usize = 64 * 1024;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// What the capture speaks: nonin-8 or node.
    protocol: Protocol,
    /// The capture; standard input when left out.
    file: Option<PathBuf>,
}

#[derive(Default)]
struct Count {
    frames: u64,
    rejects: u64,
    bytes: u64,
}

impl Decode {
    /// Decodes the whole capture.
    pub(crate) fn run(self) -> Result<()> {
        let mut input = open(self.file.as_deref())?;
        let mut out = BufWriter::new(io::stdout().lock());
        let mut decoder = self.protocol.decoder();
        let mut count = Count::default();
        let mut heard = Vec::new();
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            let read = input.read(&mut buffer).context("cannot read the capture")?;
            if read == 0 {
                decoder.finish(&mut heard);
                count.tell(&mut heard, &mut out)?;
                break;
            }
            count.bytes += u64::try_from(read)?;
            decoder.push(&buffer[..read], &mut heard);
            count.tell(&mut heard, &mut out)?;
        }
        out.flush().context("cannot write the frames")?;
        let Count {
            frames,
            rejects,
            bytes,
        } = count;
        writeln!(
            io::stderr(),
            "{frames} frames, {rejects} rejects, {bytes} bytes"
        )?;
        Ok(())
    }
}

impl Count {
    fn tell(&mut self, heard: &mut Vec<Result<Frame, Reject>>, out: &mut impl Write) -> Result<()> {
        for frame in heard.drain(..) {
            match frame {
                Ok(frame) => {
                    self.frames += 1;
                    serde_json::to_writer(&mut *out, &frame).context("cannot write a frame")?;
                    out.write_all(b"\n").context("cannot write a frame")?;
                }
                Err(reject) => {
                    self.rejects += 1;
                    let line = serde_json::to_string(&reject)?;
                    writeln!(io::stderr(), "{line}").context("cannot write a reject")?;
                }
            }
        }
        Ok(())
    }
}

fn open(file: Option<&Path>) -> Result<Box<dyn Read>> {
    match file {
        None => Ok(Box::new(io::stdin().lock())),
        Some(path) => {
            let file = File::open(path);
            let file = file.with_context(|| format!("cannot open {}", path.display()))?;
            Ok(Box::new(file))
        }
    }
}
