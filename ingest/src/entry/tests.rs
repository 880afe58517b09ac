//! Entries there and back, and their bytes.

use proptest::prelude::*;

use super::*;

fn any_entry() -> impl Strategy<Value = Entry> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..64);
    let at = || any::<i64>().prop_map(WallMs);
    prop_oneof![
        (at(), any::<u8>(), bytes()).prop_map(|(at, skip, bytes)| Entry::Frame { at, skip, bytes }),
        at().prop_map(|at| Entry::Tick { at }),
        (at(), any::<i64>()).prop_map(|(at, id)| Entry::Change { at, id }),
        (at(), "[a-z]{1,64}", any::<u64>(), 1_u64.., 1_u64..).prop_map(
            |(at, gateway, epoch, from, to)| Entry::Gone {
                at,
                gateway: GatewayId::new(&gateway).unwrap(),
                epoch: Epoch(epoch),
                from: Sequence::new(from).unwrap(),
                to: Sequence::new(to).unwrap(),
            }
        ),
        (at(), bytes()).prop_map(|(at, bytes)| Entry::Refused {
            at,
            reason: RefusalReason::Undecodable,
            bytes
        }),
        (
            (at(), at(), any::<u64>(), any::<u32>()),
            (at(), any::<bool>(), any::<u8>(), bytes())
        )
            .prop_map(|((at, received, frame, boot), rest)| {
                let (zero, is_exact, skip, bytes) = rest;
                Entry::Dated {
                    at,
                    received,
                    frame,
                    boot: Boot(boot),
                    zero,
                    is_exact,
                    skip,
                    bytes,
                }
            }),
    ]
}

proptest! {
    #[test]
    fn every_entry_reads_back(entry in any_entry()) {
        prop_assert_eq!(Entry::decode(&entry.encode()).unwrap(), entry);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        drop(Entry::decode(&bytes));
    }
}

#[test]
fn an_entry_of_a_newer_version_is_refused_with_a_sentence() {
    let mut bytes = Entry::Tick { at: WallMs(1) }.encode();
    bytes[0] = 3;
    let error = Entry::decode(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the journal holds entries of version 3, this program reads 2; update it"
    );
}

#[test]
fn dated_entries_have_these_bytes() {
    let dated = Entry::Dated {
        at: WallMs(-2),
        received: WallMs(-3),
        frame: 5,
        boot: Boot(6),
        zero: WallMs(-4),
        is_exact: true,
        skip: 7,
        bytes: vec![0xaa, 0xbb],
    };
    let hex: String = dated
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "0206feffffffffffffff\
         fdffffffffffffff050000000000000006000000fcffffffffffffff0107aabb"
    );
}

#[test]
fn entries_of_version_1_have_these_bytes() {
    let gone = Entry::Gone {
        at: WallMs(-2),
        gateway: GatewayId::new("casa").unwrap(),
        epoch: Epoch(7),
        from: Sequence::new(3).unwrap(),
        to: Sequence::new(4).unwrap(),
    };
    let hex: String = gone
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "0104feffffffffffffff0463617361070000000000000003000000000000000400000000000000"
    );
}
