//! Every identity against every kind of topic and filter.

use std::collections::BTreeSet;

use veglia_identity::{Grants, PARTITIONS};
use veglia_wire::ids;

use super::*;

fn gateway() -> Peer {
    peer(&Identity::Gateway {
        id: "casa-12".to_owned(),
        partition: 7,
    })
}

fn service(partitions: Partitions, may: &[Grant]) -> Peer {
    peer(&Identity::Service {
        name: "ingest".to_owned(),
        grants: Grants {
            partitions,
            may: may.iter().copied().collect(),
        },
    })
}

fn peer(identity: &Identity) -> Peer {
    Peer::of(identity).expect("an identity of the wire")
}

fn peers() -> Vec<(&'static str, Peer)> {
    let seven = || Partitions::These(BTreeSet::from([7]));
    vec![
        ("gateway", gateway()),
        ("seven", service(seven(), &[Grant::Receive])),
        ("all", service(Partitions::All, &[Grant::Receive])),
        ("nothing", service(Partitions::All, &[])),
    ]
}

/// Who may do each thing, by channel and owner.
fn who_may(table: &[(&str, &[&str])], text: &str) -> BTreeSet<String> {
    let row = table.iter().find(|(topic, _)| *topic == text);
    let names = row.map_or(&[][..], |(_, names)| names);
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn all_topics() -> Vec<String> {
    let owners = [
        ("07", "casa-12"),
        ("07", "casa-13"),
        ("08", "casa-12"),
        ("08", "casa-13"),
    ];
    let channels = ["up", "hello", "ack", "cmd", "pres"];
    let topic =
        |(partition, id): (&str, &str), channel: &str| format!("v1/p/{partition}/g/{id}/{channel}");
    owners
        .into_iter()
        .flat_map(|owner| channels.map(|channel| topic(owner, channel)))
        .collect()
}

fn all_filters() -> Vec<String> {
    let partitions = ["07", "08"];
    let channels = ["up", "hello", "ack", "cmd", "pres"];
    let filter = |partition: &str, channel: &str| format!("v1/p/{partition}/g/+/{channel}");
    partitions
        .into_iter()
        .flat_map(|partition| channels.map(|channel| filter(partition, channel)))
        .collect()
}

const STRANGE: &[&str] = &[
    "",
    "#",
    "+",
    "+/+",
    "v1/#",
    "v1/p/07/#",
    "v1/p/07/g/#",
    "v1/p/07/g/casa-12/#",
    "v1/p/07/g/casa-12/+",
    "v1/p/+/g/casa-12/up",
    "v1/p/+/g/+/up",
    "v1/p/07/+/casa-12/up",
    "+/p/07/g/+/up",
    "v1/p/07/g/+/+",
    "v1/p/07/g/+/up/",
    "/v1/p/07/g/casa-12/up",
    "v1/p/07/g/casa-12/up/",
    "v1/p/07/g/casa-12",
    "v1/p/7/g/casa-12/up",
    "v1/p/64/g/casa-12/up",
    "v2/p/07/g/casa-12/up",
    "v1/p/07/g//up",
    "v1/p/07/g/casa 12/up",
    "v1/p/07/g/casa.12/up",
    "v1/p/07/g/casa-12/UP",
    "$SYS/broker",
    "$share/x/v1/p/07/g/+/up",
    "$share/x/v1/p/07/g/casa-12/ack",
    "v1/probe",
    "è",
    "v1/p/07/g/casà/up",
    "v1/p/07/g/casa-12/up\0",
];

#[test]
fn each_publishes_exactly_what_the_table_says() {
    let allowed: &[(&str, &[&str])] = &[
        ("v1/p/07/g/casa-12/up", &["gateway"]),
        ("v1/p/07/g/casa-12/hello", &["gateway"]),
        ("v1/p/07/g/casa-12/pres", &["gateway"]),
        ("v1/p/07/g/casa-12/ack", &["seven", "all"]),
        ("v1/p/07/g/casa-12/cmd", &["seven", "all"]),
        ("v1/p/07/g/casa-13/ack", &["seven", "all"]),
        ("v1/p/07/g/casa-13/cmd", &["seven", "all"]),
        ("v1/p/08/g/casa-12/ack", &["all"]),
        ("v1/p/08/g/casa-12/cmd", &["all"]),
        ("v1/p/08/g/casa-13/ack", &["all"]),
        ("v1/p/08/g/casa-13/cmd", &["all"]),
    ];
    for text in all_topics() {
        let may: BTreeSet<String> = peers()
            .into_iter()
            .filter(|(_, peer)| {
                let publish = Publish::new(&text, QoS::AtLeastOnce, "");
                let answer = peer.publish(&publish);
                assert!(
                    matches!(answer, Ok(_) | Err(Refusal::NotYourTopic)),
                    "{text}"
                );
                answer.is_ok_and(|topic| topic.to_string() == text)
            })
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(may, who_may(allowed, &text), "{text}");
    }
}

#[test]
fn each_subscribes_to_exactly_what_the_table_says() {
    let allowed: &[(&str, &[&str])] = &[
        ("v1/p/07/g/casa-12/ack", &["gateway"]),
        ("v1/p/07/g/casa-12/cmd", &["gateway"]),
        ("v1/p/07/g/+/up", &["seven", "all"]),
        ("v1/p/07/g/+/hello", &["seven", "all"]),
        ("v1/p/07/g/+/pres", &["seven", "all"]),
        ("v1/p/08/g/+/up", &["all"]),
        ("v1/p/08/g/+/hello", &["all"]),
        ("v1/p/08/g/+/pres", &["all"]),
    ];
    let texts = all_topics().into_iter().chain(all_filters());
    for text in texts {
        let may: BTreeSet<String> = peers()
            .into_iter()
            .filter(|(_, peer)| peer.subscribe(&text).is_ok())
            .map(|(name, _)| name.to_owned())
            .collect();
        assert_eq!(may, who_may(allowed, &text), "{text}");
    }
}

#[test]
fn what_is_no_topic_is_refused_to_everybody() {
    for (name, peer) in peers() {
        for text in STRANGE {
            let publish = Publish::new(*text, QoS::AtLeastOnce, "");
            assert_eq!(
                peer.publish(&publish),
                Err(Refusal::NotATopic),
                "{name} {text}"
            );
            assert_eq!(
                peer.subscribe(text),
                Err(Refusal::NotYourFilter),
                "{name} {text}"
            );
        }
    }
}

#[test]
fn nobody_retains_or_publishes_exactly_once() {
    let mut publish = Publish::new("v1/p/07/g/casa-12/up", QoS::AtMostOnce, "");
    assert!(gateway().publish(&publish).is_ok());
    publish.retain = true;
    assert_eq!(gateway().publish(&publish), Err(Refusal::Retained));
    publish.retain = false;
    publish.qos = QoS::ExactlyOnce;
    assert_eq!(gateway().publish(&publish), Err(Refusal::ExactlyOnce));
}

#[test]
fn a_will_is_a_plain_publish_of_a_gateway_to_its_own_pres() {
    let will = |topic: &str, qos, retain| LastWill::new(topic, "", qos, retain);
    let own = "v1/p/07/g/casa-12/pres";
    assert!(gateway().will(&will(own, QoS::AtMostOnce, false)).is_ok());
    assert!(gateway().will(&will(own, QoS::AtLeastOnce, false)).is_ok());
    let refused = [
        will(own, QoS::ExactlyOnce, false),
        will(own, QoS::AtLeastOnce, true),
        will("v1/p/07/g/casa-12/up", QoS::AtLeastOnce, false),
        will("v1/p/07/g/casa-13/pres", QoS::AtLeastOnce, false),
        will("è", QoS::AtLeastOnce, false),
    ];
    for will in refused {
        assert_eq!(gateway().will(&will), Err(Refusal::Will), "{}", will.topic);
    }
    for (name, peer) in peers().into_iter().filter(|(name, _)| *name != "gateway") {
        let ack = will("v1/p/07/g/casa-12/ack", QoS::AtLeastOnce, false);
        assert_eq!(peer.will(&ack), Err(Refusal::Will), "{name}");
    }
}

#[test]
fn the_identity_file_and_the_wire_have_the_same_bounds() {
    assert_eq!(PARTITIONS, ids::PARTITIONS);
    assert_eq!(veglia_identity::MAX_NAME_CHARS, ids::MAX_ID_CHARS);
}
