//! `veglia decode <protocol> [FILE]`: what a raw capture says, a line a frame.
//!
//! Frames go to standard output as JSON lines, rejects with their reason and place to standard
//! error, a count to standard error at the end. The decoder is the gateway's own.
//!
//! A capture of a serial line is its bytes. One of Bluetooth values is text, a line of hexadecimal
//! digits for each value, because nothing in the bytes says where a value ends; a stream may be
//! written so too, with `--hex`. Spaces between bytes and empty lines are passed over.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use veglia_codecs::{Decoder, Frame, Framing, Protocol, Reject};

/// Bytes taken from the capture at once.
const READ_BYTES: usize = 64 * 1024;

/// Longest line of digits: the longest attribute value has 512 bytes, each two digits and a space.
const MAX_LINE: u64 = 4_096;

/// The command's arguments.
#[derive(Debug, Args)]
pub(crate) struct Decode {
    /// What the capture speaks, such as nonin-8, plx-continuous or node; a wrong name is answered
    /// with all of them.
    protocol: Protocol,
    /// The capture; standard input when left out.
    file: Option<PathBuf>,
    /// The capture is lines of hexadecimal digits; those of Bluetooth values always are.
    #[arg(long)]
    hex: bool,
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
        let input = open(self.file.as_deref())?;
        let out = BufWriter::new(io::stdout().lock());
        let mut hearing = Hearing {
            decoder: self.protocol.decoder(),
            heard: Vec::new(),
            count: Count::default(),
            out,
        };
        if self.hex || self.protocol.framing() == Framing::Packets {
            hearing.lines(BufReader::new(input))?;
        } else {
            hearing.bytes(input)?;
        }
        let Count {
            frames,
            rejects,
            bytes,
        } = hearing.end()?;
        writeln!(
            io::stderr(),
            "{frames} frames, {rejects} rejects, {bytes} bytes"
        )?;
        Ok(())
    }
}

/// A capture on its way through a decoder.
struct Hearing<W> {
    decoder: Box<dyn Decoder>,
    heard: Vec<Result<Frame, Reject>>,
    count: Count,
    out: W,
}

impl<W: Write> Hearing<W> {
    fn bytes(&mut self, mut input: impl Read) -> Result<()> {
        let mut buffer = vec![0_u8; READ_BYTES];
        loop {
            let read = input.read(&mut buffer).context("cannot read the capture")?;
            if read == 0 {
                return Ok(());
            }
            self.push(&buffer[..read])?;
        }
    }

    fn lines(&mut self, mut input: impl BufRead) -> Result<()> {
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let mut within = Read::take(&mut input, MAX_LINE);
            let read = within.read_until(b'\n', &mut line);
            if read.context("cannot read the capture")? == 0 {
                break;
            }
            if line.len() >= usize::try_from(MAX_LINE)? && !line.ends_with(b"\n") {
                bail!("line {number} is longer than {MAX_LINE} characters: one value a line");
            }
            let Some(value) = bytes_of(&line) else {
                bail!(
                    "line {number} is not hexadecimal: this capture is text, two digits a byte, \
                     one value a line"
                );
            };
            if !value.is_empty() {
                self.push(&value)?;
            }
        }
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.count.bytes += u64::try_from(bytes.len())?;
        self.decoder.push(bytes, &mut self.heard);
        self.tell()
    }

    fn end(mut self) -> Result<Count> {
        self.decoder.finish(&mut self.heard);
        self.tell()?;
        self.out.flush().context("cannot write the frames")?;
        Ok(self.count)
    }

    fn tell(&mut self) -> Result<()> {
        for frame in self.heard.drain(..) {
            match frame {
                Ok(frame) => {
                    self.count.frames += 1;
                    serde_json::to_writer(&mut self.out, &frame).context("cannot write a frame")?;
                    self.out.write_all(b"\n").context("cannot write a frame")?;
                }
                Err(reject) => {
                    self.count.rejects += 1;
                    let line = serde_json::to_string(&reject)?;
                    writeln!(io::stderr(), "{line}").context("cannot write a reject")?;
                }
            }
        }
        Ok(())
    }
}

/// The bytes of a line of hexadecimal digits.
fn bytes_of(line: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(line).ok()?;
    let digits = text
        .chars()
        .filter(|character| !character.is_ascii_whitespace());
    let digits: Option<Vec<u32>> = digits.map(|digit| digit.to_digit(16)).collect();
    let bytes = digits?;
    let bytes = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    bytes.collect()
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
