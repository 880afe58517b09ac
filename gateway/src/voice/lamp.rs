//! A lamp that the kernel keeps under `/sys/class/leds`: it blinks while somebody is asked to
//! measure, and shines otherwise.

use std::fs;
use std::io;
use std::path::PathBuf;

/// The lamp's folder, for as long as it can be written to.
#[derive(Debug)]
pub(super) struct Lamp {
    dir: Option<PathBuf>,
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    On,
    Blinking,
    Off,
}

impl Lamp {
    pub(super) fn new(dir: Option<PathBuf>) -> Self {
        Self { dir }
    }

    pub(super) fn set(&mut self, light: Light) {
        let Some(dir) = &self.dir else {
            return;
        };
        let shown =
            match light {
                // The kernel blinks by itself.
                Light::Blinking => write(dir.join("trigger"), "timer"),
                Light::On => write(dir.join("trigger"), "none")
                    .and_then(|()| write(dir.join("brightness"), "1")),
                Light::Off => write(dir.join("trigger"), "none")
                    .and_then(|()| write(dir.join("brightness"), "0")),
            };
        if let Err(error) = shown {
            tracing::warn!(
                lamp = %dir.display(), %error,
                "the box goes on without its lamp: see [gateway.voice] lamp, and that this user \
                 may write there"
            );
            self.dir = None;
        }
    }
}

/// The file is the kernel's: it is written, never made.
fn write(path: PathBuf, text: &str) -> io::Result<()> {
    let mut file = fs::File::options().write(true).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}
