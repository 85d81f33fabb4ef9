//! The tables.

mod reach;

use std::fmt::Write as _;

use serde_json::Value;

use super::check::{DATABASE_APART, ONE_CORE};
use super::data::Subject;
use super::way::{Operation, Shape, Way};
use reach::{judged, least};

/// How many times slower than the best `WHERE` Rowgate may be.
const TARGET: f64 = 1.2;
/// How long a grant may take, in microseconds.
const GRANT: f64 = 2_000.0;
/// How many times longer than reading the row a check on it may take.
const CHECK: f64 = 1.5;

/// Everything that was found, as a section of the page of results.
pub fn section(found: &Value) -> String {
    let mut out = String::from(
        "\n## Rows\n\nWritten by `make bench-rows`; see README.md for what is measured and how.\n\n",
    );
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let machine = &found["machine"];
    let settings: Vec<String> = items(&found["settings"]).map(text).collect();
    let _ = writeln!(
        out,
        "* date: {}\n* machine: {}, {} cores, {} GiB\n* PostgreSQL {}, {}\n* load average: {} before, {} after\n",
        text(&machine["date"]),
        text(&machine["cpu"]),
        machine["cores"],
        machine["memory_gib"],
        text(&found["postgres"]),
        settings.join(", "),
        text(&found["load_before"]),
        text(&found["load_after"]),
    );
    for size in items(&found["sizes"]) {
        subjects(size, &mut out);
        targets(size, &mut out);
        bound(size, &mut out);
        least(size, &mut out);
        ways(size, &mut out);
        lists(size, &mut out);
    }
    independent(&found["sizes"], &mut out);
    out
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn number(value: &Value) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Microseconds as milliseconds, with three digits.
fn ms(us: f64) -> String {
    let ms = us / 1e3;
    match ms {
        ms if ms < 1.0 => format!("{ms:.3}"),
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => format!("{ms:.0}"),
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "**missed**" }
}

fn subjects(size: &Value, out: &mut String) {
    let _ = writeln!(
        out,
        "### {} tickets\n\nLoaded in {:.0} s; {} other users with ten grants each.\n",
        number(&size["rows"]),
        size["load_s"].as_f64().unwrap_or(0.0),
        number(&size["others"])
    );
    out.push_str("| subject | tickets | of projects | granted projects | granted organizations |\n|---|---|---|---|---|\n");
    for subject in items(&size["subjects"]) {
        let _ = writeln!(
            out,
            "| sees {} | {} | {} | {} | {} |",
            subject["sees"].as_str().unwrap_or_default(),
            number(&subject["tickets"]),
            number(&subject["projects"]),
            number(&subject["granted_projects"]),
            number(&subject["granted_organizations"])
        );
    }
    out.push('\n');
}

fn cell(size: &Value, operation: Operation, subject: Subject) -> Option<&Value> {
    cell_of(&size["cells"], operation, subject)
}

fn cell_of(cells: &Value, operation: Operation, subject: Subject) -> Option<&Value> {
    items(cells).find(|cell| cell["operation"] == operation.name() && cell["subject"] == subject.id())
}

fn median(cell: &Value, way: Way) -> Option<f64> {
    cell[way.name()]["median_us"].as_f64()
}

fn targets(size: &Value, out: &mut String) {
    let _ = writeln!(
        out,
        "Rowgate's policy against the best `WHERE`; the target is {TARGET} times as long at most. It is out of reach where the best policy by hand that keeps \
         memberships private misses it, too, which was measured in the same turns, all of them on one core. Memberships are warrants for Rowgate, and in the application's tables for the others.\n"
    );
    verdicts(&size["cells"], out);
    other_targets(size, out);
}

/// The same where all read the same.
fn bound(size: &Value, out: &mut String) {
    if items(&size["bound"]).next().is_none() {
        return;
    }
    out.push_str(
        "The same where Rowgate reads what the others read: memberships are in the application's tables, which `bound.toml` binds, and there are no warrants.\n\n",
    );
    verdicts(&size["bound"], out);
    out.push('\n');
}

fn verdicts(cells: &Value, out: &mut String) {
    out.push_str(
        "| | subject sees | best `WHERE` | Rowgate | times as long | |\n|---|---|---|---|---|---|\n",
    );
    let hand = Way::Hand(Shape::Array);
    for operation in Operation::ALL {
        for subject in Subject::SHARES {
            let Some(cell) = cell_of(cells, operation, subject) else {
                continue;
            };
            let (best, own) = (median(cell, hand), median(cell, Way::Rowgate));
            let ratio = own.zip(best).map(|(own, best)| own / best);
            let shape = cell[hand.name()]["shape"].as_str().unwrap_or("?");
            let verdict = judged(own, best, median(cell, Way::least(operation)));
            let _ = writeln!(
                out,
                "| {} | {} | {} ms ({}) | {} | {} | {verdict} |",
                operation.name(),
                subject.sees(),
                best.map_or("–".to_owned(), ms),
                shape,
                own.map_or_else(|| over(&cell[Way::Rowgate.name()]), |us| format!("{} ms", ms(us))),
                ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"))
            );
        }
    }
}

/// Of grants and checks.
fn other_targets(size: &Value, out: &mut String) {
    let grant = &size["grant"];
    let figure = |of: &Value, what: &str| of[what]["median_us"].as_f64().unwrap_or(f64::NAN);
    let (statement, transaction) = (
        figure(&grant["grant"], "statement"),
        figure(&grant["grant"], "transaction"),
    );
    let _ = writeln!(
        out,
        "\n| what | target | measured | |\n|---|---|---|---|\n\
         | grant of a project in the application's transaction, the statement | ≤ 2 ms | {} ms | {} |\n\
         | the same, with `begin` and a durable `commit` | ≤ 2 ms | {} ms (with one plain row instead {} ms) | {} |",
        ms(statement),
        verdict(statement <= GRANT),
        ms(transaction),
        ms(figure(&grant["one plain row"], "transaction")),
        verdict(transaction <= GRANT),
    );
    checks(&size["check"], out);
}

/// Where the processes ran, in words, and under what name that was found; the first is found without one.
const PLACES: [(&str, &str); 3] = [
    ("all processes where the kernel puts them", ""),
    ("all processes on one core", ONE_CORE),
    ("the database on a core of its own", DATABASE_APART),
];

/// Of checks on a row, as rows of the same table and a table of their own.
fn checks(check: &Value, out: &mut String) {
    let places = PLACES.map(|(words, name)| (words, if name.is_empty() { check } else { &check[name] }));
    for (row, to) in [
        ("by the same libraries", "per row by libraries"),
        (
            "by a thread with two sockets and no HTTP library",
            "per row over HTTP",
        ),
    ] {
        for (words, found) in places {
            let ratio = found[to].as_f64().unwrap_or(f64::NAN);
            let _ = writeln!(
                out,
                "| check on a row over HTTP, against reading the row over HTTP {row}; {words} | ≤ {CHECK} times | {ratio:.2} times | {} |",
                verdict(ratio <= CHECK)
            );
        }
    }
    let columns = places.map(|(words, _)| format!(" {words} | p95 |"));
    let _ = writeln!(
        out,
        "\n| over one connection |{}\n|---|---|---|---|---|---|---|",
        columns.concat()
    );
    for name in super::check::WAYS {
        let of = |found: &Value, field: &str| found[name][field].as_f64().map_or("–".to_owned(), ms);
        let figures =
            places.map(|(_, found)| format!(" {} ms | {} ms |", of(found, "median_us"), of(found, "p95_us")));
        let _ = writeln!(out, "| {name} |{}", figures.concat());
    }
    out.push('\n');
}

fn over(found: &Value) -> String {
    found["over_s"]
        .as_f64()
        .map_or("–".to_owned(), |seconds| format!("over {seconds} s"))
}

/// All ways: median and p95 in milliseconds, and the median in times of the best `WHERE`.
fn ways(size: &Value, out: &mut String) {
    out.push_str(
        "All ways: median (p95) in ms, and the median in times of the best `WHERE`.\n\n| | subject sees |",
    );
    let ways = Way::all(Shape::Array);
    for way in ways {
        let _ = write!(out, " {} |", way.name());
    }
    let _ = writeln!(out, "\n|---|---|{}", "---|".repeat(ways.len()));
    for operation in Operation::ALL {
        for subject in Subject::ALL {
            let Some(cell) = cell(size, operation, subject) else {
                continue;
            };
            let best = median(cell, Way::Hand(Shape::Array));
            let _ = write!(out, "| {} | {} |", operation.name(), subject.sees());
            for way in ways {
                let found = &cell[way.name()];
                let text = match (found["median_us"].as_f64(), found["p95_us"].as_f64(), best) {
                    (Some(median), Some(p95), Some(best)) => {
                        let times = match way {
                            Way::Hand(_) => found["shape"].as_str().unwrap_or("?").to_owned(),
                            _ => format!("×{:.1}", median / best),
                        };
                        format!("{} ({}) {times}", ms(median), ms(p95))
                    }
                    _ => over(found),
                };
                let _ = write!(out, " {text} |");
            }
            out.push('\n');
        }
    }
    out.push('\n');
}

fn lists(size: &Value, out: &mut String) {
    out.push_str(
        "The list of ids by `query`, 100 to a page over HTTP, which the column \"list of ids\" is without:\n\n\
         | subject sees | ids | first page | the list |\n|---|---|---|---|\n",
    );
    for (list, subject) in items(&size["lists"]).zip(Subject::SHARES) {
        let took = list["took_s"].as_f64().unwrap_or(0.0);
        let whole = if list["found"] == list["ids"] {
            format!("{took:.2} s")
        } else {
            format!("over {took:.0} s, for {} of them", number(&list["found"]))
        };
        let _ = writeln!(
            out,
            "| {} | {} | {:.1} ms | {whole} |",
            subject.sees(),
            number(&list["ids"]),
            list["first_page_ms"].as_f64().unwrap_or(0.0)
        );
    }
    out.push('\n');
}

/// The subject whose rows are as many in each size, the first against the last.
fn independent(sizes: &Value, out: &mut String) {
    let all: Vec<&Value> = items(sizes).collect();
    let [first, .., last] = all.as_slice() else {
        return;
    };
    let _ = writeln!(
        out,
        "### Other users' rows\n\nThe same thousand rows of one project, among {} and among {} tickets, with as many times more grants of others.\n\n\
         | | Rowgate, among fewer | among more | times | best `WHERE`, times |\n|---|---|---|---|---|",
        number(&first["rows"]),
        number(&last["rows"])
    );
    for operation in [Operation::Count, Operation::Newest, Operation::Point] {
        let of = |size: &Value, way: Way| {
            cell(size, operation, Subject::Steady).and_then(|cell| median(cell, way))
        };
        let times = |way: Way| {
            let pair = of(first, way).zip(of(last, way));
            pair.map_or("–".to_owned(), |(few, many)| format!("{:.2}", many / few))
        };
        let text =
            |size: &Value| of(size, Way::Rowgate).map_or("–".to_owned(), |us| format!("{} ms", ms(us)));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            operation.name(),
            text(first),
            text(last),
            times(Way::Rowgate),
            times(Way::Hand(Shape::Array))
        );
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let shown: Vec<String> = [12.3, 1_234.0, 56_780.0, 1_234_000.0]
            .into_iter()
            .map(ms)
            .collect();
        assert_eq!(shown, ["0.012", "1.23", "56.8", "1234"]);
        assert_eq!(number(&serde_json::json!(1_234_567)), "1,234,567");
        assert_eq!(number(&serde_json::json!(100)), "100");
    }
}
