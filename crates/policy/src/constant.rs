//! Dates and durations that are written as constants, for lowering to other languages.

use jiff::tz::TimeZone;

use crate::clock::{date, duration};

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Nanoseconds since the Unix epoch.
    pub nanos: i128,
    /// Whether its hours and days are those of UTC.
    pub is_utc: bool,
}

/// The first and the last moment that a computation can have, in nanoseconds since the Unix epoch.
#[must_use]
pub fn range() -> (i128, i128) {
    (
        jiff::Timestamp::MIN.as_nanosecond(),
        jiff::Timestamp::MAX.as_nanosecond(),
    )
}

/// What `date(text)` is, or `date(text, layout)`; `None` when it cannot be read.
#[must_use]
pub fn moment(text: &str, layout: Option<&str>) -> Option<Moment> {
    let date = date::parse(text, layout, &TimeZone::UTC).ok()?;
    Some(Moment {
        nanos: date.timestamp().as_nanosecond(),
        is_utc: *date.time_zone() == TimeZone::UTC,
    })
}

/// What `duration(text)` is, in nanoseconds; `None` when it cannot be read.
#[must_use]
pub fn nanos(text: &str) -> Option<i64> {
    duration::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_read_as_the_functions_read_them() {
        let noon = moment("2026-03-01T12:00:00Z", None).unwrap();
        assert_eq!(noon.nanos, 1_772_366_400_000_000_000);
        let later = moment("2026-03-01T12:00:00+02:00", None).unwrap();
        assert_eq!(noon.nanos - later.nanos, 7_200_000_000_000);
        assert!(!later.is_utc);
        assert!(moment("01.03.2026", Some("02.01.2006")).unwrap().is_utc);
        assert_eq!(moment("soon", None), None);
        assert_eq!(nanos("1h30m"), Some(5_400_000_000_000));
        assert_eq!(nanos("soon"), None);
    }
}
