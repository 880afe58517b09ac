//! What the fuzzer of the decoders begins with: one seed a protocol, made of its samples.
//!
//! Seeds are named after protocols and begin with their place, so that another protocol moves
//! some of them: `VEGLIA_WRITE_SEEDS=1 cargo test -p veglia-codecs --test seeds` writes them anew.

use std::fs;
use std::path::Path;

use veglia_codecs::{Framing, Protocol, encode};

/// Times that the samples stand in a seed: enough for a protocol that wants frames on end.
const TIMES: usize = 4;

const FOLDER: &str = "../../broker/fuzz/corpus/devices";

fn seed(protocol: Protocol, place: u8) -> Vec<u8> {
    let wires: Vec<Vec<u8>> = protocol.samples().iter().map(encode).collect();
    let is_file = protocol.line().is_none() && protocol.gatt().is_none();
    let times = if is_file { 1 } else { TIMES };
    let mut seed = vec![place];
    for wire in wires.iter().cycle().take(times * wires.len()) {
        if protocol.framing() == Framing::Packets {
            seed.push(u8::try_from(wire.len()).expect("a short value"));
        }
        seed.extend(wire);
    }
    seed
}

#[test]
fn every_protocol_has_a_seed_for_the_fuzzer_made_of_its_samples() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let writes = std::env::var_os("VEGLIA_WRITE_SEEDS").is_some();
    for (protocol, place) in Protocol::ALL.into_iter().zip(0..) {
        let (file, seed) = (folder.join(protocol.name()), seed(protocol, place));
        if writes {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, &seed).unwrap();
        }
        let there = fs::read(&file).unwrap_or_default();
        assert!(
            there == seed,
            "{} is not what {protocol} says: see the head of this file",
            file.display()
        );
    }
}
