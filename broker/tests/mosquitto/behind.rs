//! What stands behind the door in these tests: a mosquitto that lives as long as the door.

use tokio::sync::watch;
use veglia_broker::{Backend, BackendError, Link, Remedy, Standing};

use crate::mosquitto::Mosquitto;

pub(crate) fn backend() -> Box<dyn Backend> {
    let mosquitto = Mosquitto::start();
    Box::new(Owning {
        backend: mosquitto.backend(),
        _mosquitto: mosquitto,
    })
}

struct Owning {
    backend: Box<dyn Backend>,
    _mosquitto: Mosquitto,
}

impl Backend for Owning {
    fn open(&self) -> Result<Link, BackendError> {
        self.backend.open()
    }

    fn remedy(&self) -> Remedy {
        self.backend.remedy()
    }

    fn standing(&self) -> Option<watch::Receiver<Standing>> {
        self.backend.standing()
    }
}
