//! Dates: read by a layout, written by a layout.

use std::sync::LazyLock;

use jiff::civil::{Date, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

use super::layout::{Item, items};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// What a date without a layout may look like.
const COMMON: [&str; 8] = [
    "2006-01-02T15:04:05Z07:00",
    "2006-01-02",
    "2006-01-02 15:04:05",
    "15:04:05",
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 -0700",
];

static COMMON_ITEMS: LazyLock<Vec<Vec<Item<'static>>>> =
    LazyLock::new(|| COMMON.into_iter().map(items).collect());

/// The RFC 3339 layout, which is also how dates are printed.
pub(crate) const RFC_3339: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// A moment in UTC.
pub(crate) fn from_micros(micros: i64) -> Option<Zoned> {
    Timestamp::from_microsecond(micros)
        .ok()
        .map(|moment| moment.to_zoned(TimeZone::UTC))
}

/// A zone by its IANA name.
pub(crate) fn zone(name: &str) -> Result<TimeZone, String> {
    let known = if name.is_empty() || name == "UTC" {
        Some(TimeZone::UTC)
    } else {
        TimeZone::get(name).ok()
    };
    known.ok_or_else(|| {
        format!(
            "`{}` is not a time zone such as `Europe/Zurich`",
            crate::quote::abbreviate(name)
        )
    })
}

/// Reads a date in a layout, or in any common one; without an offset it is in `zone`.
pub(crate) fn parse(text: &str, layout: Option<&str>, zone: &TimeZone) -> Result<Zoned, String> {
    let quoted = || crate::quote::abbreviate(text);
    match layout {
        None => COMMON_ITEMS
            .iter()
            .find_map(|items| read(text, items, zone))
            .ok_or_else(|| {
                format!(
                    "`{}` is not a date such as `2006-01-02` or `2006-01-02T15:04:05Z`",
                    quoted()
                )
            }),
        Some(layout) => {
            let items = items(layout);
            check(&items, layout)?;
            read(text, &items, zone).ok_or_else(|| {
                format!(
                    "`{}` is not a date of the form `{}`",
                    quoted(),
                    crate::quote::abbreviate(layout)
                )
            })
        }
    }
}

/// A layout without any part of a date reads nothing.
pub(crate) fn check_layout(layout: &str) -> Result<(), String> {
    check(&items(layout), layout)
}

fn check(items: &[Item<'_>], layout: &str) -> Result<(), String> {
    if items.iter().all(|item| matches!(item, Item::Literal(_))) {
        let quoted = crate::quote::abbreviate(layout);
        return Err(format!(
            "`{quoted}` is not a date layout; write the reference date, as in `2006-01-02 15:04:05`"
        ));
    }
    Ok(())
}

/// The parts of a date as they are read.
struct Parts {
    year: i16,
    month: i8,
    day: i8,
    year_day: Option<i16>,
    hour: i8,
    afternoon: Option<bool>,
    minute: i8,
    second: i8,
    nanosecond: i32,
    offset: Option<Offset>,
}

fn read(text: &str, items: &[Item<'_>], zone: &TimeZone) -> Option<Zoned> {
    let mut parts = Parts {
        year: 0,
        month: 1,
        day: 1,
        year_day: None,
        hour: 0,
        afternoon: None,
        minute: 0,
        second: 0,
        nanosecond: 0,
        offset: None,
    };
    let mut reader = Reader(text);
    for (at, item) in items.iter().enumerate() {
        reader.item(*item, &mut parts)?;
        // A fraction may follow the seconds even where the layout has none.
        let fraction_follows = matches!(items.get(at + 1), Some(Item::Fraction(..)));
        if matches!(item, Item::Second(_)) && !fraction_follows {
            reader.fraction(&mut parts)?;
        }
    }
    if reader.0.is_empty() {
        parts.build(zone)
    } else {
        None
    }
}

impl Parts {
    fn build(self, zone: &TimeZone) -> Option<Zoned> {
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let mut date = Date::new(self.year, self.month, self.day).ok()?;
        if let Some(day) = self.year_day {
            date = date.with().day_of_year(day).build().ok()?;
        }
        let time = Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        let zone = self.offset.map_or_else(
            || zone.clone(),
            |offset| {
                if offset == Offset::UTC {
                    TimeZone::UTC
                } else {
                    TimeZone::fixed(offset)
                }
            },
        );
        date.to_datetime(time).to_zoned(zone).ok()
    }
}

struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn item(&mut self, item: Item<'_>, parts: &mut Parts) -> Option<()> {
        match item {
            Item::Literal(text) => self.0 = self.0.strip_prefix(text)?,
            Item::Year => parts.year = self.number(4, 4)?,
            Item::ShortYear => {
                let year: i16 = self.number(2, 2)?;
                parts.year = if year >= 69 { 1900 + year } else { 2000 + year };
            }
            Item::Month(min) => parts.month = self.number(min, 2)?,
            Item::MonthName => parts.month = self.name(&MONTHS, usize::MAX)? + 1,
            Item::MonthAbbreviation => parts.month = self.name(&MONTHS, 3)? + 1,
            Item::Day(min) => parts.day = self.number(min, 2)?,
            Item::PaddedDay => {
                self.0 = self.0.strip_prefix(' ').unwrap_or(self.0);
                parts.day = self.number(1, 2)?;
            }
            Item::YearDay => parts.year_day = Some(self.number(3, 3)?),
            Item::Hour => parts.hour = self.number(1, 2)?,
            Item::Hour12(min) => parts.hour = self.number(min, 2)?,
            Item::Minute(min) => parts.minute = self.number(min, 2)?,
            Item::Second(min) => parts.second = self.number(min, 2)?,
            Item::Fraction(..) => self.fraction(parts)?,
            Item::HalfDay(_) => parts.afternoon = Some(self.name(&["AM", "PM"], usize::MAX)? == 1),
            Item::WeekdayName => drop(self.name(&WEEKDAYS, usize::MAX)?),
            Item::WeekdayAbbreviation => drop(self.name(&WEEKDAYS, 3)?),
            Item::ZoneName => {
                self.name(&["UTC", "GMT", "Z"], usize::MAX)?;
                parts.offset = Some(Offset::UTC);
            }
            Item::Offset { colon, minutes, z } => parts.offset = Some(self.offset(colon, minutes, z)?),
        }
        Some(())
    }

    fn number<N: std::str::FromStr>(&mut self, min: usize, max: usize) -> Option<N> {
        let digits = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if digits < min {
            return None;
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        number.parse().ok()
    }

    /// The index of the name that comes next, of which only the first `length` letters are written.
    fn name(&mut self, names: &[&str], length: usize) -> Option<i8> {
        let (index, used) = names.iter().enumerate().find_map(|(index, name)| {
            let name = name.get(..length.min(name.len()))?;
            let written = self.0.get(..name.len())?;
            written.eq_ignore_ascii_case(name).then_some((index, name.len()))
        })?;
        self.0 = self.0.get(used..)?;
        i8::try_from(index).ok()
    }

    fn fraction(&mut self, parts: &mut Parts) -> Option<()> {
        let Some(rest) = self.0.strip_prefix(['.', ',']) else {
            return Some(());
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        let (fraction, rest) = rest.split_at(digits);
        self.0 = rest;
        parts.nanosecond = format!("{fraction:0<9}").parse().ok()?;
        Some(())
    }

    fn offset(&mut self, colon: bool, minutes: bool, z: bool) -> Option<Offset> {
        if z && let Some(rest) = self.0.strip_prefix(['Z', 'z']) {
            self.0 = rest;
            return Some(Offset::UTC);
        }
        let sign = if self.0.starts_with('-') { -1 } else { 1 };
        self.0 = self.0.strip_prefix(['-', '+'])?;
        let hours: i32 = self.number(2, 2)?;
        if colon {
            self.0 = self.0.strip_prefix(':')?;
        }
        let minutes: i32 = if minutes { self.number(2, 2)? } else { 0 };
        Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
    }
}

/// Writes a date in a layout.
pub(crate) fn format(date: &Zoned, layout: &str) -> String {
    let name = |names: &[&'static str], index: i8| -> &'static str {
        usize::try_from(index)
            .ok()
            .and_then(|index| names.get(index).copied())
            .unwrap_or_default()
    };
    let month = name(&MONTHS, date.month() - 1);
    let weekday = name(&WEEKDAYS, date.weekday().to_sunday_zero_offset());
    let mut out = String::new();
    for item in items(layout) {
        out.push_str(&match item {
            Item::Literal(text) => text.to_owned(),
            Item::Year => format!("{:04}", date.year()),
            Item::ShortYear => format!("{:02}", date.year().rem_euclid(100)),
            Item::Month(width) => format!("{:0width$}", date.month()),
            Item::MonthName => month.to_owned(),
            Item::MonthAbbreviation => month.get(..3).unwrap_or_default().to_owned(),
            Item::Day(width) => format!("{:0width$}", date.day()),
            Item::PaddedDay => format!("{:2}", date.day()),
            Item::YearDay => format!("{:03}", date.day_of_year()),
            Item::Hour => format!("{:02}", date.hour()),
            Item::Hour12(width) => format!("{:0width$}", (date.hour() + 11) % 12 + 1),
            Item::Minute(width) => format!("{:0width$}", date.minute()),
            Item::Second(width) => format!("{:0width$}", date.second()),
            Item::Fraction(digits, short) => fraction(date.subsec_nanosecond(), digits, short),
            Item::HalfDay(true) => (if date.hour() >= 12 { "PM" } else { "AM" }).to_owned(),
            Item::HalfDay(false) => (if date.hour() >= 12 { "pm" } else { "am" }).to_owned(),
            Item::WeekdayName => weekday.to_owned(),
            Item::WeekdayAbbreviation => weekday.get(..3).unwrap_or_default().to_owned(),
            Item::ZoneName => date
                .time_zone()
                .to_offset_info(date.timestamp())
                .abbreviation()
                .to_owned(),
            Item::Offset { z: true, .. } if date.offset() == Offset::UTC => "Z".to_owned(),
            Item::Offset { colon, minutes, .. } => {
                let seconds = date.offset().seconds();
                let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
                let separator = if colon { ":" } else { "" };
                let tail = if minutes {
                    format!("{separator}{:02}", seconds / 60 % 60)
                } else {
                    String::new()
                };
                format!("{sign}{:02}{tail}", seconds / 3600)
            }
        });
    }
    out
}

fn fraction(nanosecond: i32, digits: usize, short: bool) -> String {
    let all = format!("{nanosecond:09}");
    let kept = all.get(..digits).unwrap_or_default();
    let kept = if short { kept.trim_end_matches('0') } else { kept };
    if kept.is_empty() {
        String::new()
    } else {
        format!(".{kept}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, layout: Option<&str>) -> Result<String, String> {
        parse(text, layout, &TimeZone::UTC).map(|date| format(&date, RFC_3339))
    }

    #[test]
    fn common_dates_need_no_layout() {
        for (text, expected) in [
            ("2024-02-29", "2024-02-29T00:00:00Z"),
            ("2024-02-29 13:14:15", "2024-02-29T13:14:15Z"),
            ("2024-02-29T13:14:15Z", "2024-02-29T13:14:15Z"),
            ("2024-02-29T13:14:15.25Z", "2024-02-29T13:14:15.25Z"),
            ("2024-02-29T13:14:15+02:00", "2024-02-29T13:14:15+02:00"),
            ("Thu, 29 Feb 2024 13:14:15 GMT", "2024-02-29T13:14:15Z"),
            ("29 Feb 24 13:14 UTC", "2024-02-29T13:14:00Z"),
        ] {
            assert_eq!(read(text, None).as_deref(), Ok(expected), "{text}");
        }
        for text in [
            "",
            "today",
            "2023-02-29",
            "2024-13-01",
            "2024-02-29T25:00:00Z",
            "2024-02-29x",
            "é",
        ] {
            assert!(read(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn layouts_show_the_reference_date() {
        for (text, layout, expected) in [
            ("29.02.2024", "02.01.2006", "2024-02-29T00:00:00Z"),
            ("2/9/24 3:04 PM", "1/2/06 3:04 PM", "2024-02-09T15:04:00Z"),
            ("12:30 AM", "3:04 PM", "0000-01-01T00:30:00Z"),
            ("February  3, 2024", "January _2, 2006", "2024-02-03T00:00:00Z"),
            ("2024-060", "2006-002", "2024-02-29T00:00:00Z"),
            (
                "20240229T131415-0130",
                "20060102T150405-0700",
                "2024-02-29T13:14:15-01:30",
            ),
        ] {
            assert_eq!(read(text, Some(layout)).as_deref(), Ok(expected), "{text}");
            let date = parse(text, Some(layout), &TimeZone::UTC).unwrap();
            assert_eq!(format(&date, layout), text);
        }
        assert!(read("x", Some("x")).is_err(), "a layout without a date");
    }
}
