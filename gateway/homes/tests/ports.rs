//! A port as the gateway meets it: bytes come through, a pulled cable is a hang-up, and the past
//! is never read as the present.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use veglia_codecs::{Frame, Protocol};
use veglia_firmware_core::{Body, MAX_WIRE, NodeFrame, encode};
use veglia_homes::{Heard, Pty};

fn listen(port: &Path) -> File {
    let opened = open(port, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    File::from(opened.expect("the port is there"))
}

/// What is read until the hang-up, which a pty tells as an end or as an error.
fn read_to_hangup(mut reader: File) -> Vec<u8> {
    let mut all = Vec::new();
    if let Err(error) = reader.read_to_end(&mut all) {
        assert_eq!(
            error.raw_os_error(),
            Some(rustix::io::Errno::IO.raw_os_error())
        );
    }
    all
}

fn battery(sequence: u16) -> Vec<u8> {
    let body = Body::Battery { percent: 50 };
    let mut out = [0; MAX_WIRE];
    let len = encode(
        &NodeFrame {
            sequence,
            uptime_ms: 0,
            body,
        },
        &mut out,
    );
    out[..len].to_vec()
}

#[test]
fn every_byte_comes_through_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let pty = Pty::plug(&port).unwrap();
    let mut reader = listen(&port);
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(pty.write(&all).unwrap(), Heard::Whole);
    let mut read = [0; 256];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(read.as_slice(), all);
}

#[test]
fn what_the_reader_sends_is_there_to_be_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let pty = Pty::plug(&port).unwrap();
    assert_eq!(pty.sent::<4>().unwrap(), b"");
    let mut reader = listen(&port);
    assert_eq!(pty.sent::<4>().unwrap(), b"");
    reader.write_all(b"who?!").unwrap();
    assert_eq!(pty.sent::<4>().unwrap(), b"who?");
    assert_eq!(pty.sent::<4>().unwrap(), b"!");
}

#[test]
fn what_is_said_to_nobody_is_never_heard() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let pty = Pty::plug(&port).unwrap();
    assert_eq!(pty.write(b"past").unwrap(), Heard::Not);
    let mut reader = listen(&port);
    assert_eq!(pty.write(b"now!").unwrap(), Heard::Whole);
    let mut read = [0; 4];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"now!");
    drop(reader);
    assert!(!pty.has_reader().unwrap());
    assert_eq!(pty.write(b"past").unwrap(), Heard::Not);
}

#[test]
fn a_pulled_cable_hangs_up_and_a_new_one_speaks_at_the_same_place() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let pty = Pty::plug(&port).unwrap();
    let reader = listen(&port);
    drop(pty);
    assert_eq!(read_to_hangup(reader), b"");
    assert!(fs::symlink_metadata(&port).is_err());

    let again = Pty::plug(&port).unwrap();
    let mut reader = listen(&port);
    assert_eq!(again.write(b"back").unwrap(), Heard::Whole);
    let mut read = [0; 4];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"back");
}

#[test]
fn a_link_left_by_a_killed_simulator_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let old = Pty::plug(&port).unwrap();
    let new = Pty::plug(&port).unwrap();
    drop(old);
    let mut reader = listen(&port);
    assert_eq!(new.write(b"new!").unwrap(), Heard::Whole);
    let mut read = [0; 4];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"new!");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn a_reader_who_does_not_read_loses_what_finds_no_room_and_nothing_waits() {
    let dir = tempfile::tempdir().unwrap();
    let port = dir.path().join("casa-001-nodo");
    let pty = Pty::plug(&port).unwrap();
    let mut reader = listen(&port);
    let mut sent = 0;
    let last = loop {
        match pty.write(&battery(sent)).unwrap() {
            Heard::Whole => sent += 1,
            lost => break lost,
        }
        assert!(sent < 60_000, "the line never filled");
    };
    assert_ne!(last, Heard::Whole);

    let mut decoder = Protocol::Node.decoder();
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while heard.len() < usize::from(sent) {
        let count = reader.read(&mut buffer).unwrap();
        decoder.push(&buffer[..count], &mut heard);
    }
    let sequences: Vec<u16> = heard
        .iter()
        .map(|answer| match answer {
            Ok(Frame::Node(frame)) => frame.sequence,
            other => panic!("only whole frames were promised: {other:?}"),
        })
        .collect();
    assert_eq!(sequences, (0..sent).collect::<Vec<_>>());
}
