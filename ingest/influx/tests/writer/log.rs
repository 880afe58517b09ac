//! What was logged, for a test that reads it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;

/// All that was logged by this thread since [`listen`].
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// As text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panicked")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Set once: see [`listen`].
static ALWAYS: Once = Once::new();

/// Listens until the guard is dropped. Tests run on one thread each, with all their tasks.
///
/// Somebody who listens always, and keeps nothing, stands behind: whether a line is worth logging
/// is decided for all threads at once, and a test that ends must not decide it for the others.
pub(crate) fn listen() -> (Log, DefaultGuard) {
    ALWAYS.call_once(|| {
        let nobody = tracing_subscriber::fmt().with_writer(io::sink).finish();
        tracing::subscriber::set_global_default(nobody).expect("it is the first");
    });
    let log = Log::default();
    let heard = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || heard.clone())
        .finish();
    (log, tracing::subscriber::set_default(subscriber))
}
