//! Date layouts: a reference date, `2006-01-02 15:04:05`, shows where each part stands.

/// A piece of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item<'l> {
    Literal(&'l str),
    Year,
    ShortYear,
    /// Minimum width of the number.
    Month(usize),
    MonthName,
    MonthAbbreviation,
    Day(usize),
    /// A day padded with a space.
    PaddedDay,
    YearDay,
    Hour,
    Hour12(usize),
    Minute(usize),
    Second(usize),
    /// Digits after the point, and whether trailing zeros are left out.
    Fraction(usize, bool),
    /// Whether it is written in capitals.
    HalfDay(bool),
    WeekdayName,
    WeekdayAbbreviation,
    ZoneName,
    Offset {
        colon: bool,
        minutes: bool,
        z: bool,
    },
}

/// Longest first among those that share a beginning.
const ELEMENTS: [(&str, Item<'static>); 33] = [
    ("January", Item::MonthName),
    ("Jan", Item::MonthAbbreviation),
    ("Monday", Item::WeekdayName),
    ("Mon", Item::WeekdayAbbreviation),
    ("MST", Item::ZoneName),
    ("2006", Item::Year),
    ("002", Item::YearDay),
    ("01", Item::Month(2)),
    ("02", Item::Day(2)),
    ("03", Item::Hour12(2)),
    ("04", Item::Minute(2)),
    ("05", Item::Second(2)),
    ("06", Item::ShortYear),
    ("15", Item::Hour),
    ("PM", Item::HalfDay(true)),
    ("pm", Item::HalfDay(false)),
    (
        "-07:00",
        Item::Offset {
            colon: true,
            minutes: true,
            z: false,
        },
    ),
    (
        "-0700",
        Item::Offset {
            colon: false,
            minutes: true,
            z: false,
        },
    ),
    (
        "-07",
        Item::Offset {
            colon: false,
            minutes: false,
            z: false,
        },
    ),
    (
        "Z07:00",
        Item::Offset {
            colon: true,
            minutes: true,
            z: true,
        },
    ),
    (
        "Z0700",
        Item::Offset {
            colon: false,
            minutes: true,
            z: true,
        },
    ),
    (
        "Z07",
        Item::Offset {
            colon: false,
            minutes: false,
            z: true,
        },
    ),
    (".000000000", Item::Fraction(9, false)),
    (".999999999", Item::Fraction(9, true)),
    (".000000", Item::Fraction(6, false)),
    (".999999", Item::Fraction(6, true)),
    (".000", Item::Fraction(3, false)),
    (".999", Item::Fraction(3, true)),
    ("1", Item::Month(1)),
    ("2", Item::Day(1)),
    ("3", Item::Hour12(1)),
    ("4", Item::Minute(1)),
    ("5", Item::Second(1)),
];

/// Splits a layout into its pieces.
pub(super) fn items(layout: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut literal = 0;
    let mut at = 0;
    while let Some(rest) = layout.get(at..).filter(|rest| !rest.is_empty()) {
        let (item, length) = if rest.starts_with("_2") && !rest.starts_with("_2006") {
            (Some(Item::PaddedDay), 2)
        } else {
            match ELEMENTS.iter().find(|(text, _)| rest.starts_with(text)) {
                Some((text, item)) => (Some(*item), text.len()),
                None => (None, rest.chars().next().map_or(1, char::len_utf8)),
            }
        };
        if let Some(item) = item {
            if let Some(text) = layout.get(literal..at).filter(|text| !text.is_empty()) {
                items.push(Item::Literal(text));
            }
            items.push(item);
            literal = at + length;
        }
        at += length;
    }
    if let Some(text) = layout.get(literal..).filter(|text| !text.is_empty()) {
        items.push(Item::Literal(text));
    }
    items
}
