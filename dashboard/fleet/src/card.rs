//! The *tesserino*: a small paper with the device, on A6, black on white.
//!
//! It says who has what, since when and from whom, with the device's label to scan when it comes
//! back. Names are on it because it stays with the patient; values never are.

use askama::Template;
use qrcode::render::svg;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};
use veglia_diary::handovers_of_device;
use veglia_people::staff::Staff;
use veglia_wire::DeviceId;
use veglia_words::Words;

use crate::access;
use crate::assign::is_household;
use crate::book::signed;
use crate::fleet::{Fleet, FleetError, Now};
use crate::words;

/// Smallest side of the square in pixels; printers scale it without loss.
const SIDE: u32 = 160;

/// The paper of the device's last hand-over, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "card.html")]
pub struct CardPage {
    pub(crate) w: Words,
    device: String,
    /// What the id says of its make and of its serial number.
    make: String,
    serial: String,
    to: String,
    is_shared: bool,
    from: String,
    given_by: String,
    returned: Option<(String, String)>,
    /// Already safe: rectangles and numbers.
    square: String,
}

impl Fleet {
    /// The tesserino of the last hand-over of a device.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn card(
        &self,
        reader: &Staff,
        device: &str,
        now: Now,
    ) -> Result<CardPage, FleetError> {
        let device = DeviceId::new(device).map_err(|_| FleetError::Unknown)?;
        let handovers = handovers_of_device(&self.record, &reader.actor(), &device).await;
        let handovers = handovers.map_err(FleetError::Diary)?;
        let last = handovers.into_iter().next().ok_or(FleetError::Unknown)?;
        let named = last.assignment.holder.members().iter().copied().collect();
        access::opens_card(&self.record, reader, &named, now.care).await?;
        let names = self.book.signatures().await?;
        let (make, serial) = device
            .as_str()
            .split_once(':')
            .unwrap_or(("", device.as_str()));
        Ok(CardPage {
            w: self.w,
            make: make.to_owned(),
            serial: serial.to_owned(),
            to: self.book.called(&last.assignment.holder, self.w).await?,
            is_shared: is_household(&last.assignment.holder),
            from: words::time(last.assignment.from, self.w),
            given_by: signed(&names, &last.given_by, self.w),
            returned: last.returned.map(|it| {
                (
                    words::time(it.until, self.w),
                    signed(&names, &it.by, self.w),
                )
            }),
            square: square(device.as_str()).map_err(FleetError::Square)?,
            device: device.to_string(),
        })
    }
}

/// The label as a square; a quarter of it may be lost in a household.
fn square(text: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::Q)?;
    let mut drawn = code.render::<svg::Color<'_>>();
    let picture = drawn.min_dimensions(SIDE, SIDE).build();
    // A page is no XML document: the declaration before the element goes.
    let start = picture.find("<svg").unwrap_or_default();
    Ok(picture.get(start..).unwrap_or_default().to_owned())
}
