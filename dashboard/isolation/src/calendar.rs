//! Days of the calendar in Italy, and the moments at which they begin. All rules count days: a day
//! may have 23, 24 or 25 hours, and a swab at half past midnight is of another day in UTC.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use veglia_people::{CalendarError, TIME_ZONE};
use veglia_wire::WallMs;

/// The day on which somebody in Italy lives this moment.
///
/// # Errors
/// When the moment is outside every calendar.
pub fn day_of(at: WallMs) -> Result<Date, CalendarError> {
    let zone = TimeZone::get(TIME_ZONE).map_err(|_| CalendarError)?;
    let at = Timestamp::from_millisecond(at.0).map_err(|_| CalendarError)?;
    Ok(at.to_zoned(zone).date())
}

/// The first moment of a day in Italy.
pub(crate) fn start_of(day: Date) -> Result<WallMs, CalendarError> {
    let zone = TimeZone::get(TIME_ZONE).map_err(|_| CalendarError)?;
    let start = zone.to_zoned(day.at(0, 0, 0, 0));
    let start = start.map_err(|_| CalendarError)?.timestamp();
    Ok(WallMs(start.as_millisecond()))
}

/// So many days later, or earlier.
pub(crate) fn after(day: Date, days: i64) -> Result<Date, CalendarError> {
    let span = Span::new().try_days(days).map_err(|_| CalendarError)?;
    day.checked_add(span).map_err(|_| CalendarError)
}
