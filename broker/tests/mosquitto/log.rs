//! What the door says while a test runs, for the test to read: all of it happens on the test's
//! own thread.

use std::io;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::subscriber::DefaultGuard;

use crate::client::PATIENCE;

/// Set once, for somebody who listens always and keeps nothing: whether a line is worth logging is
/// decided for all threads at once, and a test that ends must not decide it for the others.
static ALWAYS: Once = Once::new();

pub(crate) struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

impl Log {
    /// Listens from now on, until it is dropped.
    pub(crate) fn start() -> Self {
        ALWAYS.call_once(|| {
            let nobody = tracing_subscriber::fmt().with_writer(io::sink).finish();
            tracing::subscriber::set_global_default(nobody).expect("it is the first");
        });
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// Waits until all these words were said.
    pub(crate) async fn says(&self, words: &[&str]) {
        let said = async {
            while !words.iter().all(|it| self.text().contains(it)) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let said = timeout(PATIENCE, said).await;
        assert!(said.is_ok(), "{words:?} in\n{}", self.text());
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.lines.0.lock().expect("nothing panics under this lock");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().expect("nothing panics under this lock");
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
