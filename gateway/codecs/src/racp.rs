//! The Record Access Control Point: how a device is asked for what it has stored.
//!
//! A request is written, the stored records come as indications of the measurement's own
//! characteristic, then the answer as an indication of the control point. Sources: the
//! characteristic's public definition (oesmith/gatt-xml) and public implementations; that the
//! records come before the answer is inferred from both.
//!
//! Deleting is asked for here and decided elsewhere: only what the centre has acknowledged may be
//! deleted.

/// What is asked of the device: always all records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Send them.
    ReportAll,
    /// How many are there?
    CountAll,
    /// Delete them.
    DeleteAll,
    /// Stop what is under way.
    Abort,
}

impl Request {
    /// The bytes to write.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        match self {
            Self::ReportAll => [OP_REPORT, ALL],
            Self::CountAll => [OP_COUNT, ALL],
            Self::DeleteAll => [OP_DELETE, ALL],
            Self::Abort => [OP_ABORT, NULL],
        }
    }

    const fn of_op(op: u8) -> Option<Self> {
        match op {
            OP_REPORT => Some(Self::ReportAll),
            OP_COUNT => Some(Self::CountAll),
            OP_DELETE => Some(Self::DeleteAll),
            OP_ABORT => Some(Self::Abort),
            _ => None,
        }
    }
}

const OP_REPORT: u8 = 1;
const OP_DELETE: u8 = 2;
const OP_ABORT: u8 = 3;
const OP_COUNT: u8 = 4;
const OP_COUNT_ANSWER: u8 = 5;
const OP_ANSWER: u8 = 6;
const NULL: u8 = 0;
const ALL: u8 = 1;

/// What the device answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// So many records are stored.
    Count(u16),
    /// What was asked is done: after [`Request::ReportAll`], all records were sent.
    Done(Request),
    /// There is nothing stored.
    Nothing(Request),
    /// It was not done, with the device's reason (2 to 5 and 7 to 9 have names in the standard).
    Refused(Request, u8),
}

impl Response {
    /// Reads an indication of the control point; none when it is no answer.
    #[must_use]
    pub fn decode(value: &[u8]) -> Option<Self> {
        const SUCCESS: u8 = 1;
        const NO_RECORDS: u8 = 6;
        match *value {
            [OP_COUNT_ANSWER, NULL, low, high] => {
                Some(Self::Count(u16::from_le_bytes([low, high])))
            }
            [OP_ANSWER, NULL, op, result] => {
                let request = Request::of_op(op)?;
                match result {
                    0 => None,
                    SUCCESS => Some(Self::Done(request)),
                    NO_RECORDS => Some(Self::Nothing(request)),
                    reason => Some(Self::Refused(request, reason)),
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_golden_bytes() {
        assert_eq!(Request::ReportAll.bytes(), [0x01, 0x01]);
        assert_eq!(Request::CountAll.bytes(), [0x04, 0x01]);
        assert_eq!(Request::DeleteAll.bytes(), [0x02, 0x01]);
        assert_eq!(Request::Abort.bytes(), [0x03, 0x00]);
    }

    #[test]
    fn answers_are_read_and_nothing_else_is() {
        let table = [
            (&[6, 0, 1, 1][..], Some(Response::Done(Request::ReportAll))),
            (&[6, 0, 1, 6], Some(Response::Nothing(Request::ReportAll))),
            (
                &[6, 0, 2, 2],
                Some(Response::Refused(Request::DeleteAll, 2)),
            ),
            (&[6, 0, 3, 1], Some(Response::Done(Request::Abort))),
            (&[5, 0, 0x2C, 1], Some(Response::Count(300))),
            (&[6, 0, 1, 0], None),
            (&[6, 0, 9, 1], None),
            (&[6, 1, 1, 1], None),
            (&[6, 0, 1], None),
            (&[6, 0, 1, 1, 0], None),
            (&[5, 0, 1], None),
            (&[1, 1], None),
            (&[], None),
        ];
        for (bytes, response) in table {
            assert_eq!(Response::decode(bytes), response, "{bytes:02x?}");
        }
    }
}
