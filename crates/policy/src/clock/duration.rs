//! Durations: nanoseconds in an `i64`, written `1h30m` or `90d`.

const UNITS: [(&str, i128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a duration; the error is one line for people.
pub(crate) fn parse(text: &str) -> Result<i64, String> {
    let refuse = || {
        let quoted = crate::quote::abbreviate(text);
        format!("`{quoted}` is not a duration such as `1h30m` (units ns, us, ms, s, m, h, d)")
    };
    let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if unsigned == "0" {
        return Ok(0);
    }
    if unsigned.is_empty() {
        return Err(refuse());
    }
    let mut total: i128 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let (amount, after) = quantity(rest).ok_or_else(refuse)?;
        total = total.checked_add(amount).ok_or_else(refuse)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| refuse())
}

/// One number with its unit, in nanoseconds, and what follows it.
fn quantity(text: &str) -> Option<(i128, &str)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if (whole.is_empty() && fraction.is_empty()) || whole.len() > 18 {
        return None;
    }
    let unit_length = rest
        .find(|c: char| c.is_ascii_digit() || c == '.')
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(unit_length);
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let mut total = whole.parse::<i128>().unwrap_or(0).checked_mul(*scale)?;
    // Digits beyond the fifteenth are less than a nanosecond of any unit.
    let fraction = fraction.get(..fraction.len().min(15))?;
    if !fraction.is_empty() {
        total += fraction.parse::<i128>().ok()? * scale / 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    }
    Some((total, rest))
}

/// Writes a duration the way it can be read again: `1h30m0s`, `1.5s`, `20ms`.
pub(crate) fn format(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let abs = nanos.unsigned_abs();
    if abs == 0 {
        return "0s".to_owned();
    }
    let (unit, scale) = match abs {
        0..1_000 => ("ns", 1),
        1_000..1_000_000 => ("µs", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    if unit != "s" {
        return format!("{sign}{}{unit}", decimal(abs, scale));
    }
    let minute = 60 * scale;
    let (hours, minutes, rest) = (abs / (60 * minute), abs / minute % 60, abs % minute);
    let seconds = decimal(rest, scale);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `value / scale` in decimal, without trailing zeros.
fn decimal(value: u64, scale: u64) -> String {
    let (whole, rest) = (value / scale, value % scale);
    if rest == 0 {
        return whole.to_string();
    }
    let width = scale.to_string().len() - 1;
    let fraction = format!("{rest:0width$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_write() {
        for (text, nanos, written) in [
            ("0", 0, "0s"),
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("90d", 90 * 86_400_000_000_000, "2160h0m0s"),
            ("1d12h", 36 * 3_600_000_000_000, "36h0m0s"),
            ("-1.5h", -5_400_000_000_000, "-1h30m0s"),
            ("1.5s", 1_500_000_000, "1.5s"),
            ("20ms", 20_000_000, "20ms"),
            ("1µs", 1_000, "1µs"),
            ("3ns", 3, "3ns"),
            (".5m", 30_000_000_000, "30s"),
        ] {
            assert_eq!(parse(text), Ok(nanos), "{text}");
            assert_eq!(format(nanos), written, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "-",
            "1",
            "h",
            "1x",
            "1.h1",
            "1 h",
            "99999999999999999999h",
            "300000000d",
            "1h-2m",
            "é",
            ".",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
