//! Every protocol's frame under one name. Only dispatch: a line a protocol in each match.

use alloc::vec::Vec;

use serde::ser::{Serialize, SerializeMap, Serializer};
use veglia_wire::DeviceStamp;

use crate::observe::Observation;
use crate::{
    Protocol, bci, choicemmed, contec, contec_ble, contec_v7, jumper, masimo, node, nonin,
    nonin_ble, nonin2, nonin7, nonin8, nonin13, o2ring, o2ring_file, pc60fw, plx_continuous,
    plx_spot, taidoc, thermometer,
};

/// What a device said, lossless, with its own flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The standard pulse oximeter, on and on.
    PlxContinuous(plx_continuous::Frame),
    /// The standard pulse oximeter, once.
    PlxSpot(plx_spot::Frame),
    /// The standard thermometer.
    Thermometer(thermometer::Frame),
    /// A Nonin oximeter, serial data format 2.
    Nonin2(nonin::Third),
    /// A Nonin oximeter, serial data format 7.
    Nonin7(nonin::Third),
    /// A Nonin oximeter, serial data format 8.
    Nonin8(nonin8::Frame),
    /// A Nonin oximeter, serial data format 13.
    Nonin13(nonin13::Frame),
    /// A Nonin oximeter over Bluetooth, data format 19.
    NoninBle(nonin_ble::Frame),
    /// A Masimo monitor, serial output "ASCII 1".
    Masimo(masimo::Frame),
    /// A Contec oximeter, older protocol.
    Contec(contec::Frame),
    /// A Contec oximeter, protocol V7.
    ContecV7(contec_v7::Frame),
    /// A Contec oximeter over Bluetooth.
    ContecBle(contec_ble::Frame),
    /// A BerryMed oximeter.
    Bci(bci::Frame),
    /// A Jumper oximeter.
    Jumper(jumper::Frame),
    /// A Viatom fingertip oximeter.
    Pc60Fw(pc60fw::Frame),
    /// A Viatom ring.
    O2Ring(o2ring::Frame),
    /// A part of what a Viatom ring has recorded.
    O2RingFile(o2ring_file::Frame),
    /// A TaiDoc thermometer or oximeter.
    TaiDoc(taidoc::Frame),
    /// A ChoiceMMed oximeter.
    ChoiceMmed(choicemmed::Frame),
    /// The reference sensor node.
    Node(veglia_firmware_core::NodeFrame),
}

/// The bytes of a frame, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::PlxContinuous(frame) => plx_continuous::encode(frame),
        Frame::PlxSpot(frame) => plx_spot::encode(frame),
        Frame::Thermometer(frame) => thermometer::encode(frame),
        Frame::Nonin2(frame) => nonin2::encode(frame),
        Frame::Nonin7(frame) => nonin7::encode(frame),
        Frame::Nonin8(frame) => nonin8::encode(frame).to_vec(),
        Frame::Nonin13(frame) => nonin13::encode(frame),
        Frame::NoninBle(frame) => nonin_ble::encode(frame),
        Frame::Masimo(frame) => masimo::encode(frame),
        Frame::Contec(frame) => contec::encode(frame),
        Frame::ContecV7(frame) => contec_v7::encode(frame).to_vec(),
        Frame::ContecBle(frame) => contec_ble::encode(frame),
        Frame::Bci(frame) => bci::encode(frame).to_vec(),
        Frame::Jumper(frame) => jumper::encode(frame),
        Frame::Pc60Fw(frame) => pc60fw::encode(frame),
        Frame::O2Ring(frame) => o2ring::encode(frame),
        Frame::O2RingFile(frame) => o2ring_file::encode(frame),
        Frame::TaiDoc(frame) => taidoc::encode(frame),
        Frame::ChoiceMmed(frame) => choicemmed::encode(frame),
        Frame::Node(frame) => node::encode(frame),
    }
}

impl Frame {
    /// The protocol it was said in.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::PlxContinuous(_) => Protocol::PlxContinuous,
            Self::PlxSpot(_) => Protocol::PlxSpot,
            Self::Thermometer(_) => Protocol::Thermometer,
            Self::Nonin2(_) => Protocol::Nonin2,
            Self::Nonin7(_) => Protocol::Nonin7,
            Self::Nonin8(_) => Protocol::Nonin8,
            Self::Nonin13(_) => Protocol::Nonin13,
            Self::NoninBle(_) => Protocol::NoninBle,
            Self::Masimo(_) => Protocol::Masimo,
            Self::Contec(_) => Protocol::Contec,
            Self::ContecV7(_) => Protocol::ContecV7,
            Self::ContecBle(_) => Protocol::ContecBle,
            Self::Bci(_) => Protocol::Bci,
            Self::Jumper(_) => Protocol::Jumper,
            Self::Pc60Fw(_) => Protocol::Pc60Fw,
            Self::O2Ring(_) => Protocol::O2Ring,
            Self::O2RingFile(_) => Protocol::O2RingFile,
            Self::TaiDoc(_) => Protocol::TaiDoc,
            Self::ChoiceMmed(_) => Protocol::ChoiceMmed,
            Self::Node(_) => Protocol::Node,
        }
    }

    /// The device's own stamp, raw: the node's milliseconds since its start, and of a device with
    /// a calendar the seconds of [`Observation::Measured`].
    #[must_use]
    pub fn stamp(&self) -> Option<DeviceStamp> {
        if let Self::Node(frame) = self {
            return Some(DeviceStamp(i64::from(frame.uptime_ms)));
        }
        self.said().into_iter().find_map(|said| match said {
            Observation::Measured(time) => Some(DeviceStamp(time.0)),
            _ => None,
        })
    }

    pub(crate) fn said(&self) -> Vec<Observation> {
        match self {
            Self::PlxContinuous(frame) => frame.observe(),
            Self::PlxSpot(frame) => frame.observe(),
            Self::Thermometer(frame) => frame.observe(),
            Self::Nonin2(frame) | Self::Nonin7(frame) => frame.observe(),
            Self::Nonin8(frame) => frame.observe(),
            Self::Nonin13(frame) => frame.observe(),
            Self::NoninBle(frame) => frame.observe(),
            Self::Masimo(frame) => frame.observe(),
            Self::Contec(frame) => frame.observe(),
            Self::ContecV7(frame) => frame.observe(),
            Self::ContecBle(frame) => frame.observe(),
            Self::Bci(frame) => frame.observe(),
            Self::Jumper(frame) => frame.observe(),
            Self::Pc60Fw(frame) => frame.observe(),
            Self::O2Ring(frame) => frame.observe(),
            Self::O2RingFile(frame) => frame.observe(),
            Self::TaiDoc(frame) => frame.observe(),
            Self::ChoiceMmed(frame) => frame.observe(),
            Self::Node(frame) => node::observe(frame),
        }
    }

    fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::PlxContinuous(frame) => frame.fields(map),
            Self::PlxSpot(frame) => frame.fields(map),
            Self::Thermometer(frame) => frame.fields(map),
            Self::Nonin2(frame) | Self::Nonin7(frame) => frame.fields(map),
            Self::Nonin8(frame) => frame.fields(map),
            Self::Nonin13(frame) => frame.fields(map),
            Self::NoninBle(frame) => frame.fields(map),
            Self::Masimo(frame) => frame.fields(map),
            Self::Contec(frame) => frame.fields(map),
            Self::ContecV7(frame) => frame.fields(map),
            Self::ContecBle(frame) => frame.fields(map),
            Self::Bci(frame) => frame.fields(map),
            Self::Jumper(frame) => frame.fields(map),
            Self::Pc60Fw(frame) => frame.fields(map),
            Self::O2Ring(frame) => frame.fields(map),
            Self::O2RingFile(frame) => frame.fields(map),
            Self::TaiDoc(frame) => frame.fields(map),
            Self::ChoiceMmed(frame) => frame.fields(map),
            Self::Node(frame) => node::fields(frame, map),
        }
    }
}

/// One flat object for people who look at a line: units in the names, absent values as null.
impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("protocol", self.protocol().name())?;
        self.fields(&mut map)?;
        map.end()
    }
}
