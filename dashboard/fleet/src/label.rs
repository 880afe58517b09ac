//! The label of a box: its code in letters that can be read aloud, and as a square to scan.
//!
//! The code is shown once, in the answer to the form; nothing here keeps it.

use askama::Template;
use qrcode::render::svg;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};
use veglia_identity::{EnrolmentCode, EnrolmentLink, UnixSeconds};
use veglia_words::Words;

use crate::page;

/// Smallest side of the square in pixels; printers scale it without loss.
const SIDE: u32 = 320;

/// A label to print, to be framed by a door.
#[derive(Template)]
#[template(path = "label.html")]
pub struct LabelPage {
    pub(crate) w: Words,
    gateway: String,
    code: String,
    centre: String,
    expires_at: String,
    /// Already safe: rectangles and numbers.
    square: String,
}

impl LabelPage {
    pub(crate) fn new(
        gateway: &str,
        code: EnrolmentCode,
        centre: &str,
        (expires_at, w): (UnixSeconds, Words),
    ) -> Result<Self, QrError> {
        let said = code.to_string();
        let link = EnrolmentLink {
            centre: Some(centre.to_owned()),
            code,
        };
        Ok(Self {
            w,
            gateway: gateway.to_owned(),
            code: said,
            centre: centre.to_owned(),
            expires_at: page::until(expires_at, w),
            square: square(&link)?,
        })
    }
}

impl std::fmt::Debug for LabelPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LabelPage({})", self.gateway)
    }
}

/// The square as an element of a page. A label is rubbed and bent in a household: a quarter of it
/// may be lost.
fn square(link: &EnrolmentLink) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(link.to_string(), EcLevel::Q)?;
    let mut drawn = code.render::<svg::Color<'_>>();
    let picture = drawn.min_dimensions(SIDE, SIDE).build();
    // A page is no XML document: the declaration before the element goes.
    let start = picture.find("<svg").unwrap_or_default();
    Ok(picture.get(start..).unwrap_or_default().to_owned())
}
