//! The square on a box's label: a QR code, for the terminal and for the printer.

use anyhow::{Context, Result, ensure};
use qrcode::render::{svg, unicode};
use qrcode::{EcLevel, QrCode};
use veglia_identity::EnrolmentLink;

/// Smallest side of the picture in pixels; a printer scales it without loss.
const SVG_SIDE: u32 = 320;

/// Longest address of a centre on a label: a host name of 253 characters and what is around it.
/// Even if all of it had to be escaped, the square would hold it.
const MAX_CENTRE_BYTES: usize = 300;

/// Refuses what a box could not use, before a code is made for it.
pub(crate) fn check(centre: &str) -> Result<()> {
    let is_address = centre.starts_with("https://") || centre.starts_with("http://");
    ensure!(
        is_address && centre.len() <= MAX_CENTRE_BYTES,
        "--centre is the address of the centre's pages, such as https://centre.example, in at \
         most {MAX_CENTRE_BYTES} letters"
    );
    Ok(())
}

/// The square for a terminal of light letters on a dark ground, two rows a line.
pub(crate) fn unicode(link: &EnrolmentLink) -> Result<String> {
    let code = square(link)?;
    let mut drawn = code.render::<unicode::Dense1x2>();
    drawn.dark_color(unicode::Dense1x2::Light);
    drawn.light_color(unicode::Dense1x2::Dark);
    Ok(drawn.build())
}

/// The square as a picture.
pub(crate) fn svg(link: &EnrolmentLink) -> Result<String> {
    let code = square(link)?;
    let mut drawn = code.render::<svg::Color<'_>>();
    Ok(drawn.min_dimensions(SVG_SIDE, SVG_SIDE).build())
}

/// A label is rubbed and bent in a household: a quarter of it may be lost.
fn square(link: &EnrolmentLink) -> Result<QrCode> {
    QrCode::with_error_correction_level(link.to_string(), EcLevel::Q)
        .context("the label's square cannot be drawn")
}
