//! A ring that records: it answers one question at a time, in pieces of twenty bytes.

use std::time::{SystemTime, UNIX_EPOCH};

use veglia_codecs::o2ring::answer;
use veglia_codecs::{DateTime, DeviceTime};
use zbus::Connection;

use super::{World, hang_up, tell};

/// Numbers that stand for the ring's own, which are longer.
pub(crate) const SERVICE: u16 = 0xF001;
pub(crate) const ANSWERS: u16 = 0xF002;
pub(crate) const QUESTIONS: u16 = 0xF003;

/// Bytes of one block of a file.
const BLOCK: usize = 512;

pub(super) fn long(uuid: u16) -> Option<&'static str> {
    match uuid {
        SERVICE => Some("14839ac4-7d7e-415c-9a42-167340cf2339"),
        ANSWERS => Some("0734594a-a8e7-4b1a-a6b1-cd5243059a57"),
        QUESTIONS => Some("8b00ace7-eb0b-49b0-bbe9-9aee0a26e1a3"),
        _ => None,
    }
}

/// Takes a piece of a question, and hands it out when it is whole.
pub(super) fn hear(world: &World, address: &str, piece: &[u8]) -> Option<Vec<u8>> {
    world.peer(address, |peer| {
        peer.asked.extend_from_slice(piece);
        let len = match *peer.asked {
            [_, _, _, _, _, low, high, ..] => 8 + usize::from(u16::from_le_bytes([low, high])),
            _ => return None,
        };
        (peer.asked.len() >= len).then(|| peer.asked.drain(..len).collect())
    })
}

/// Answers a question, or hangs up.
pub(super) async fn reply(connection: &Connection, world: &World, address: &str, question: &[u8]) {
    match answered(world, address, question) {
        Some(said) => {
            for piece in said.chunks(20) {
                tell(connection, world, address, ANSWERS, piece).await;
            }
        }
        None => hang_up(connection, world, address).await,
    }
}

/// The answer to a question; none when it hangs up instead.
fn answered(world: &World, address: &str, question: &[u8]) -> Option<Vec<u8>> {
    let content = &question[7..question.len() - 1];
    let block = u16::from_le_bytes([question[3], question[4]]);
    world.peer(address, |peer| match question[1] {
        0x14 => {
            let names: Vec<&str> = peer.files.iter().map(|(name, _)| *name).collect();
            peer.reports += 1;
            let (clock, names) = (clock(peer.behind_s), names.join(","));
            let list = format!(
                "{{\"SN\":\"2012004512\",\"CurTIME\":\"{clock}\",\"FileList\":\"{names},\"}}"
            );
            Some(answer(0, 0, list.as_bytes()))
        }
        0x03 => {
            let named = |(name, _): &(&str, Vec<u8>)| [name.as_bytes(), &[0]].concat() == content;
            peer.opened = peer.files.iter().position(named);
            let name = peer.opened.map(|open| peer.files[open].0);
            if name == peer.keeps_shut {
                return Some(answer(1, 0, &[]));
            }
            peer.opens += 1;
            let len = peer.opened.map(|open| peer.files[open].1.len());
            let len = u32::try_from(len.expect("a file of the list")).expect("a short file");
            Some(answer(0, 0, &len.to_le_bytes()))
        }
        0x04 => {
            if peer.hangs_up_after == Some(peer.blocks) {
                peer.hangs_up_after = None;
                return None;
            }
            peer.blocks += 1;
            let file = &peer.files[peer.opened.expect("an open file")].1;
            let rest = &file[usize::from(block) * BLOCK..];
            Some(answer(0, block, &rest[..rest.len().min(BLOCK)]))
        }
        0x05 => {
            peer.opened = None;
            peer.closes += 1;
            if peer.put_on_after == Some(peer.closes) {
                peer.worn = Some((97, 72));
            }
            Some(answer(0, 0, &[]))
        }
        0x16 => {
            peer.written.push((QUESTIONS, content.to_vec()));
            Some(answer(0, 0, &[]))
        }
        0x17 => {
            peer.answers += 1;
            let (spo2, pulse) = peer.worn.unwrap_or((255, 255));
            let worn = u8::from(peer.worn.is_some());
            let values = [spo2, pulse, 0, 0, 0, 0, 0, 83, 0, 0, 0, worn, 1];
            Some(answer(0, 0, &values))
        }
        other => panic!("{other:02x} was not to be asked"),
    })
}

/// What a clock says that is so many seconds behind.
fn clock(behind_s: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = i64::try_from(now.expect("it is later than 1970").as_secs()).expect("a time");
    let time = DateTime::at(DeviceTime(now - behind_s)).expect("a date");
    time.to_string().replace('T', ",")
}
