//! Time series: chunk codec, sealing, queries.

mod bits;
mod codec;
pub use codec::*;
