//! What stands behind the door in these tests: rumqttd. `tests/mosquitto` runs the same tests
//! before another broker.

use veglia_broker::{Backend, Rumqttd};

pub(crate) fn backend() -> Box<dyn Backend> {
    Box::new(Rumqttd)
}
