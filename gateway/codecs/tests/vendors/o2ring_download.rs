//! Fetching a ring's files: a ring that answers as it should, and rings that do not.

use veglia_codecs::DateTime;
use veglia_codecs::o2ring::{Download, DownloadError, Info, Step, answer};
use veglia_codecs::o2ring_file::Header;

const LIST: &str = r#"{"Region":"CE","Model":"1652","SN":"2012004512","CurTIME":
    "2020-08-17,23:29:30","FileVer":"3","FileList":"20200817095111,20200817225251,"}"#;

fn recording(samples: u16) -> Vec<u8> {
    let start = DateTime {
        year: 2020,
        month: 8,
        day: 17,
        hour: 22,
        minute: 52,
        second: 51,
    };
    let header = Header::new(3, &start, samples, samples * 4);
    let samples = (0..samples).flat_map(|place| [95, 60 + place.to_le_bytes()[0] % 9, 0, 0, 0]);
    header.0.into_iter().chain(samples).collect()
}

/// A ring with two files, that answers in pieces of twenty bytes.
struct Ring {
    files: [(&'static str, Vec<u8>); 2],
    open: Option<usize>,
    asked: Vec<u8>,
}

impl Ring {
    fn new() -> Self {
        let files = [
            ("20200817095111", recording(342)),
            ("20200817225251", recording(7)),
        ];
        Self {
            files,
            open: None,
            asked: Vec::new(),
        }
    }

    fn answer(&mut self, question: &[u8]) -> Vec<u8> {
        let [0xAA, command, _, low, high, ..] = *question else {
            panic!("{question:02x?} is no question");
        };
        self.asked.push(command);
        let block = u16::from_le_bytes([low, high]);
        match command {
            0x14 => answer(0, 0, LIST.as_bytes()),
            0x03 => {
                let name = &question[7..question.len() - 2];
                assert_eq!(question[question.len() - 2], 0, "a name ends with zero");
                self.open = self
                    .files
                    .iter()
                    .position(|(known, _)| known.as_bytes() == name);
                let open = self.open.expect("a file of the list");
                let len = u32::try_from(self.files[open].1.len()).expect("a short file");
                answer(0, 0, &len.to_le_bytes())
            }
            0x04 => {
                let file = &self.files[self.open.expect("an open file")].1;
                let rest = &file[usize::from(block) * 512..];
                answer(0, block, &rest[..rest.len().min(512)])
            }
            0x05 => {
                self.open = None;
                answer(0, 0, &[])
            }
            other => panic!("{other:02x} was not to be asked"),
        }
    }
}

/// Downloads file by file until there is none that is wanted and was not tried; `tamper` may change
/// what the ring says.
fn fetch(
    ring: &mut Ring,
    wants: impl Fn(&str) -> bool,
    mut tamper: impl FnMut(u8, Vec<u8>) -> Vec<u8>,
) -> Vec<Step> {
    let (mut tried, mut told) = (Vec::new(), Vec::new());
    loop {
        let is_new = |name: &str| wants(name) && !tried.iter().any(|it| it == name);
        let steps = fetch_one(ring, is_new, &mut tamper);
        let of_file = steps.iter().find_map(|step| match step {
            Step::File { name, .. } | Step::Skipped { name, .. } => Some(name.clone()),
            _ => None,
        });
        told.extend(steps);
        match of_file {
            Some(name) => tried.push(name),
            None => return told,
        }
    }
}

/// Lets one download talk with a ring to its end.
fn fetch_one(
    ring: &mut Ring,
    wants: impl Fn(&str) -> bool,
    tamper: &mut impl FnMut(u8, Vec<u8>) -> Vec<u8>,
) -> Vec<Step> {
    let (mut download, first) = Download::start();
    let mut told = Vec::new();
    let mut questions = vec![first];
    while let Some(question) = questions.pop() {
        let said = tamper(question[1], ring.answer(&question));
        for piece in said.chunks(20) {
            for step in download.hear(piece, &wants) {
                match step {
                    Step::Send(bytes) => questions.push(bytes),
                    other => told.push(other),
                }
            }
        }
    }
    assert!(download.is_done(), "{told:?}");
    told
}

fn names(steps: &[Step]) -> Vec<&str> {
    let files = steps.iter().filter_map(|step| match step {
        Step::File { name, .. } => Some(name.as_str()),
        _ => None,
    });
    files.collect()
}

#[test]
fn all_files_of_the_list_come_whole_and_in_order_one_at_a_time() {
    let mut ring = Ring::new();
    let told = fetch(&mut ring, |_| true, |_, said| said);
    let info = Info {
        serial: Some("2012004512".to_string()),
        time: Some("2020-08-17,23:29:30".to_string()),
        files: vec!["20200817095111".to_string(), "20200817225251".to_string()],
    };
    let file = |(name, bytes): &(&str, Vec<u8>)| Step::File {
        name: (*name).to_string(),
        bytes: bytes.clone(),
    };
    let [long, short] = ring.files.each_ref().map(file);
    let (list, end) = (Step::Info(info), Step::Finished);
    let first = [list.clone(), long, end.clone()];
    let second = [list.clone(), short, end.clone()];
    assert_eq!(told, [&first[..], &second, &[list, end]].concat());
    // Listed, opened, four blocks, closed; listed, opened, one block, closed; listed.
    let asked = [0x14, 3, 4, 4, 4, 4, 5, 0x14, 3, 4, 5, 0x14];
    assert_eq!(ring.asked, asked);
}

#[test]
fn a_file_that_is_had_is_not_asked_for_again() {
    let mut ring = Ring::new();
    let told = fetch(&mut ring, |name| name != "20200817095111", |_, said| said);
    assert_eq!(names(&told), ["20200817225251"]);
    let mut ring = Ring::new();
    let told = fetch(&mut ring, |_| false, |_, said| said);
    assert_eq!((names(&told), ring.asked), (vec![], vec![0x14]));
}

#[test]
fn a_damaged_block_costs_its_file_and_no_other() {
    let mut blocks = 0;
    let damage = |command, mut said: Vec<u8>| {
        blocks += usize::from(command == 4);
        if command == 4 && blocks == 2 {
            said[30] ^= 1;
        }
        said
    };
    let mut ring = Ring::new();
    let told = fetch(&mut ring, |_| true, damage);
    let skipped = Step::Skipped {
        name: "20200817095111".to_string(),
        why: DownloadError::Damaged,
    };
    assert!(told.contains(&skipped), "{told:?}");
    assert_eq!(names(&told), ["20200817225251"]);
    assert_eq!(told.last(), Some(&Step::Finished));
}

#[test]
fn a_refused_file_costs_itself() {
    let refuse = |command, said| match command {
        3 => answer(9, 0, &[]),
        _ => said,
    };
    let told = fetch(&mut Ring::new(), |_| true, refuse);
    assert_eq!(names(&told), [""; 0]);
    let is_refused = |step: &&Step| {
        let why = DownloadError::Refused { status: 9 };
        matches!(step, Step::Skipped { why: it, .. } if *it == why)
    };
    assert_eq!(told.iter().filter(is_refused).count(), 2);
}

#[test]
fn another_block_than_was_asked_for_is_not_put_into_the_file() {
    let mut is_first = true;
    let shuffle = |command, said| match command {
        4 if std::mem::take(&mut is_first) => answer(0, 3, &[95; 512]),
        _ => said,
    };
    let told = fetch(&mut Ring::new(), |_| true, shuffle);
    assert_eq!(names(&told), ["20200817225251"]);
}

#[test]
fn a_file_longer_than_any_recording_is_not_fetched() {
    let stretch = |command, said| match command {
        3 => answer(0, 0, &u32::MAX.to_le_bytes()),
        _ => said,
    };
    let mut ring = Ring::new();
    let told = fetch(&mut ring, |_| true, stretch);
    assert_eq!(names(&told), [""; 0]);
    assert!(!ring.asked.contains(&4));
}

#[test]
fn a_list_that_does_not_come_is_the_end() {
    let refuse = |_, _| answer(1, 0, &[]);
    let told = fetch(&mut Ring::new(), |_| true, refuse);
    assert_eq!(told, [Step::Failed(DownloadError::Refused { status: 1 })]);
}

#[test]
fn names_that_are_none_are_not_asked_for() {
    let list = r#"{"FileList":"../../etc/passwd,2020,20200817225251,x0200817225251"}"#;
    let told = fetch(
        &mut Ring::new(),
        |_| true,
        |command, said| match command {
            0x14 => answer(0, 0, list.as_bytes()),
            _ => said,
        },
    );
    assert_eq!(names(&told), ["20200817225251"]);
}

#[test]
fn what_is_given_up_is_closed() {
    let mut ring = Ring::new();
    let (mut download, first) = Download::start();
    let steps = download.hear(&ring.answer(&first), |_| true);
    assert!(matches!(steps.last(), Some(Step::Send(_))));
    assert_eq!(download.under_way(), Some("20200817095111"));
    let close = download.abandon().expect("a file was being opened");
    assert_eq!(close[1], 5);
    assert_eq!(Download::start().0.abandon(), None);
}

#[test]
fn the_rings_clock_is_read_where_it_is_one() {
    let clock = |time: &str| {
        let time = Some(time.to_owned());
        let info = Info {
            time,
            ..Info::default()
        };
        info.clock().map(|time| time.to_string())
    };
    assert_eq!(
        clock("2020-08-17,23:29:30").as_deref(),
        Some("2020-08-17T23:29:30")
    );
    for none in ["", "0000-00-00,00:00:00", "2020-13-01,00:00:00", "noon"] {
        assert_eq!(clock(none), None, "{none}");
    }
}

#[test]
fn what_is_no_list_is_not_taken_for_an_empty_one() {
    let (mut download, _) = Download::start();
    let live = answer(0, 0, &[97, 72, 0, 0, 0, 0, 0, 83, 0, 4, 35, 1, 1]);
    let steps = download.hear(&live, |_| true);
    assert_eq!(steps, [Step::Failed(DownloadError::OutOfTurn)]);
}
