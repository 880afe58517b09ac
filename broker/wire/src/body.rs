//! The body of a frame: when it was made, the devices it speaks of, and the records in columns.
//!
//! Two columns are rewritten first so that they become flat: a wall time is kept as its distance
//! from the monotonic time (constant while no clock steps), and a value as its difference from
//! the last value of the same kind and device in the frame.

use alloc::vec::Vec;

use crate::cbor::{DecodeError, Reader, Writer};
use crate::columns::{self, read, read_full};
use crate::frame::{FrameHeader, MAX_RECORDS, UpFrame};
use crate::ids::{DeviceId, MAX_ID_CHARS};
use crate::record::{Body, Cells, Record};
use crate::time::{Boot, ClockState, DeviceStamp, MonoMs, WallMs, When};

/// Fields of a body: sent at, clock, devices, then nine columns.
const BODY_FIELDS: usize = 12;

pub(crate) fn encode(frame: &UpFrame) -> Vec<u8> {
    let mut devices: Vec<&DeviceId> = Vec::new();
    let places: Vec<i64> = frame
        .records
        .iter()
        .map(|r| place_of(&mut devices, r))
        .collect();
    let cells: Vec<Cells> = frame
        .records
        .iter()
        .map(|r| r.body.cells(r.when.device))
        .collect();

    let mut out = Writer::new();
    out.map(BODY_FIELDS);
    out.uint(1);
    out.int_or_null(frame.sent_at.map(|at| at.0));
    out.uint(2);
    out.uint(u64::from(frame.clock.code()));
    out.uint(3);
    out.array(devices.len());
    for device in &devices {
        out.text(device.as_str());
    }

    let mut last = LastValues::default();
    column(&mut out, 4, cells.iter().map(|c| Some(i64::from(c.kind))));
    column(&mut out, 5, places.iter().map(|place| Some(*place)));
    let whens = || frame.records.iter().map(|record| record.when);
    column(
        &mut out,
        6,
        whens().map(|when| Some(i64::from(when.boot.0))),
    );
    column(
        &mut out,
        7,
        whens().map(|when| Some(when.mono.0.cast_signed())),
    );
    column(&mut out, 8, whens().map(wall_offset));
    let values = cells
        .iter()
        .zip(&places)
        .map(|(c, place)| Some(last.difference(c, *place)));
    column(&mut out, 9, values);
    column(&mut out, 10, cells.iter().map(|c| Some(c.detail)));
    column(
        &mut out,
        11,
        cells.iter().map(|c| Some(i64::from(c.quality))),
    );
    column(&mut out, 12, cells.iter().map(|c| c.stamp));
    out.finish()
}

fn column(out: &mut Writer, key: u64, values: impl Iterator<Item = Option<i64>>) {
    out.uint(key);
    columns::write(out, &values.collect::<Vec<_>>());
}

fn wall_offset(when: When) -> Option<i64> {
    when.wall
        .map(|wall| wall.0.wrapping_sub(when.mono.0.cast_signed()))
}

/// Place of a record's device in the table, from 1; 0 is the gateway itself.
fn place_of<'a>(devices: &mut Vec<&'a DeviceId>, record: &'a Record) -> i64 {
    let Some(device) = &record.device else {
        return 0;
    };
    let place = devices
        .iter()
        .position(|known| *known == device)
        .unwrap_or_else(|| {
            devices.push(device);
            devices.len() - 1
        });
    i64::try_from(place).map_or(0, |place| place + 1)
}

/// The last value of each kind and device, 0 before the first. A frame knows few of them, so a
/// list is the fastest map.
#[derive(Default)]
struct LastValues(Vec<((u8, i64), i64)>);

impl LastValues {
    fn slot(&mut self, kind: u8, place: i64) -> &mut i64 {
        let key = (kind, place);
        let index = self
            .0
            .iter()
            .position(|(known, _)| *known == key)
            .unwrap_or_else(|| {
                self.0.push((key, 0));
                self.0.len() - 1
            });
        &mut self.0[index].1
    }

    fn difference(&mut self, cell: &Cells, place: i64) -> i64 {
        let last = self.slot(cell.kind, place);
        let difference = cell.value.wrapping_sub(*last);
        *last = cell.value;
        difference
    }

    fn sum(&mut self, cell: &Cells, place: i64, difference: i64) -> i64 {
        let last = self.slot(cell.kind, place);
        *last = last.wrapping_add(difference);
        *last
    }
}

pub(crate) fn decode(header: &FrameHeader, body: &[u8]) -> Result<UpFrame, DecodeError> {
    let count = usize::from(header.count);
    let mut input = Reader::new(body);
    input.map("body", BODY_FIELDS)?;
    input.key("sent at", 1)?;
    let sent_at = input.int_or_null("sent at")?.map(WallMs);
    input.key("clock", 2)?;
    let clock = clock_state(input.uint("clock")?)?;
    input.key("devices", 3)?;
    let devices = read_devices(&mut input)?;
    let columns = Columns::read(&mut input, count)?;
    input.end("body")?;
    let records = columns.records(&devices)?;
    Ok(UpFrame {
        header: header.clone(),
        sent_at,
        clock,
        records,
    })
}

pub(crate) fn clock_state(code: u64) -> Result<ClockState, DecodeError> {
    u8::try_from(code)
        .ok()
        .and_then(ClockState::from_code)
        .ok_or(DecodeError::Range {
            field: "clock",
            value: i128::from(code),
            allowed: "0 to 2",
        })
}

fn read_devices(input: &mut Reader<'_>) -> Result<Vec<DeviceId>, DecodeError> {
    let count = input.array("devices", MAX_RECORDS, "0 to 128 devices")?;
    let mut devices = Vec::with_capacity(count);
    for _ in 0..count {
        let text = input.text("device", MAX_ID_CHARS)?;
        let device = DeviceId::new(&text).map_err(|source| DecodeError::Id {
            field: "device",
            source,
        })?;
        devices.push(device);
    }
    Ok(devices)
}

struct Columns {
    cells: Vec<Cells>,
    places: Vec<i64>,
    boots: Vec<i64>,
    monos: Vec<i64>,
    offsets: Vec<Option<i64>>,
}

impl Columns {
    fn read(input: &mut Reader<'_>, count: usize) -> Result<Self, DecodeError> {
        let mut full = |field, key| {
            input.key(field, key)?;
            read_full(input, field, count)
        };
        let kinds = full("kind", 4)?;
        let places = full("device place", 5)?;
        let boots = full("boot", 6)?;
        let monos = full("mono", 7)?;
        input.key("wall offset", 8)?;
        let offsets = read(input, "wall offset", count)?;
        let mut full = |field, key| {
            input.key(field, key)?;
            read_full(input, field, count)
        };
        let differences = full("value", 9)?;
        let details = full("detail", 10)?;
        let qualities = full("quality", 11)?;
        input.key("stamp", 12)?;
        let stamps = read(input, "stamp", count)?;

        let mut cells = Vec::with_capacity(count);
        for (((kind, detail), quality), stamp) in
            kinds.into_iter().zip(details).zip(qualities).zip(stamps)
        {
            let kind = narrow(kind, "kind")?;
            let quality = narrow(quality, "quality")?;
            cells.push(Cells {
                kind,
                value: 0,
                detail,
                quality,
                stamp,
            });
        }
        let mut last = LastValues::default();
        for ((cell, place), difference) in cells.iter_mut().zip(&places).zip(differences) {
            cell.value = last.sum(cell, *place, difference);
        }
        Ok(Self {
            cells,
            places,
            boots,
            monos,
            offsets,
        })
    }

    fn records(self, devices: &[DeviceId]) -> Result<Vec<Record>, DecodeError> {
        let Self {
            cells,
            places,
            boots,
            monos,
            offsets,
        } = self;
        let mut records = Vec::with_capacity(cells.len());
        for ((((cell, place), boot), mono), offset) in cells
            .into_iter()
            .zip(places)
            .zip(boots)
            .zip(monos)
            .zip(offsets)
        {
            let body = Body::from_cells(cell)?;
            let when = When {
                boot: Boot(narrow(boot, "boot")?),
                mono: MonoMs(mono.cast_unsigned()),
                wall: offset.map(|offset| WallMs(offset.wrapping_add(mono))),
                device: cell
                    .stamp
                    .filter(|_| body.stamp_is_devices())
                    .map(DeviceStamp),
            };
            records.push(Record {
                device: device_at(devices, place)?,
                when,
                body,
            });
        }
        Ok(records)
    }
}

fn device_at(devices: &[DeviceId], place: i64) -> Result<Option<DeviceId>, DecodeError> {
    if place == 0 {
        return Ok(None);
    }
    let index = usize::try_from(place.saturating_sub(1)).ok();
    index
        .and_then(|index| devices.get(index))
        .cloned()
        .map(Some)
        .ok_or(DecodeError::Range {
            field: "device place",
            value: i128::from(place),
            allowed: "the table of devices",
        })
}

fn narrow<T: TryFrom<i64>>(value: i64, field: &'static str) -> Result<T, DecodeError> {
    T::try_from(value).map_err(|_| DecodeError::Range {
        field,
        value: i128::from(value),
        allowed: "the range of its column",
    })
}
