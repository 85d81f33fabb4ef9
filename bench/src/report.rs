//! The page of results.

use std::fmt::Write as _;

use serde_json::Value;

const MIB: f64 = 1024.0 * 1024.0;

/// All results as a page.
pub fn page(all: &Value) -> String {
    let mut out = String::from(
        "# Results\n\nWritten by `rowgate-bench all`; see README.md for what is measured and how.\n\n",
    );
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let machine = &all["machine"];
    let peers: Vec<String> = machine["peers"]
        .as_array()
        .map_or(Vec::new(), |peers| peers.iter().map(text).collect());
    let facts = [
        ("date", text(&machine["date"])),
        (
            "machine",
            format!(
                "{}, {} cores, {} GiB",
                text(&machine["cpu"]),
                machine["cores"],
                machine["memory_gib"]
            ),
        ),
        ("kernel", text(&machine["kernel"])),
        ("compiler", text(&machine["rustc"])),
        ("peers", peers.join(", ")),
        (
            "load average",
            format!(
                "{} before, {} after",
                text(&all["load_before"]),
                text(&all["load_after"])
            ),
        ),
    ];
    for (name, value) in facts {
        let _ = writeln!(out, "* {name}: {value}");
    }
    targets(all, &mut out);
    out.push_str("\n## In process\n\nMicroseconds; medians of rounds in which the contenders take turns.\n");
    for part in ["peer 1", "peer 29", "engine 290"] {
        in_process(&all[part], &mut out);
    }
    http(&all["http"], &mut out);
    writes(&all["writes"], &mut out);
    start(&all["start 290"], &mut out);
    out
}

/// SQL over HTTP beside a driver, with its targets.
pub fn sql(part: &Value, out: &mut String) {
    let Some(statements) = part.as_object() else {
        return;
    };
    out.push_str(
        "\n## SQL over HTTP\n\nMicroseconds and answers per second; medians of rounds in which the ways take turns. Server, Postgres and load share \
         the cores.\nRatio and added time are those of `/sql` to the line, by connections that ask alike: as another user with every request, or as the \
         connection's own user.\nThe processor time of an answer is that of Postgres, server and client together.\n\n",
    );
    out.push_str("| what | target | measured | |\n|---|---|---|---|\n");
    for (name, ways) in statements.iter().filter(|(name, _)| *name != "identity") {
        for (driver, users) in [
            ("driver", "another user with every request"),
            ("driver, own user", "a user for each connection"),
        ] {
            sql_target(name, users, &ways[driver], out);
        }
    }
    let identity = part["identity"]["statement_us"].as_f64();
    let measured = identity.map(|us| (us, format!("{us:.1} µs")));
    target(
        out,
        "sealed identity, per statement",
        "≤ 50 µs",
        measured,
        |us| us <= 50.0,
    );
    out.push_str(
        "\n| statement, connections | way | per s | median | p99 | ratio | added | processors |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (name, ways) in statements.iter().filter(|(name, _)| *name != "identity") {
        for (way, of) in ways.as_object().into_iter().flatten() {
            let show = |field: &str, digits: usize| {
                let value = of[field].as_f64();
                value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
            };
            let (rate, median, p99) = (show("per_s", 0), show("median_us", 0), show("p99_us", 0));
            let (ratio, added) = (show("sql_ratio", 2), show("sql_added_us", 0));
            let processors = of["processor_us"]["together"].as_f64().unwrap_or(0.0);
            let _ = writeln!(
                out,
                "| {name} | {way} | {rate} | {median} | {p99} | {ratio} | {added} | {processors:.0} |"
            );
        }
    }
}

/// The target of a statement and a number of connections, for those who ask alike.
fn sql_target(name: &str, users: &str, bare: &Value, out: &mut String) {
    let figure =
        |field: &str, show: fn(f64) -> String| bare[field].as_f64().map(|value| (value, show(value)));
    if name.ends_with(", 1") {
        let added = figure("sql_added_us", |us| format!("{us:.0} µs"));
        let what = format!("added to a driver's query, median: {name} connection, {users}");
        target(out, &what, "≤ 500 µs", added, |us| us <= 500.0);
    } else {
        let ratio = figure("sql_ratio", |ratio| format!("{ratio:.2}"));
        let what = format!("answers per driver's answer: {name} connections, {users}");
        target(out, &what, "≥ 0.7", ratio, |ratio| ratio >= 0.7);
    }
}

/// One line of the table of targets; lines whose part did not run are left out.
fn target(
    out: &mut String,
    what: &str,
    wanted: &str,
    measured: Option<(f64, String)>,
    met: impl Fn(f64) -> bool,
) {
    if let Some((value, text)) = measured {
        let verdict = if met(value) { "met" } else { "**missed**" };
        let _ = writeln!(out, "| {what} | {wanted} | {text} | {verdict} |");
    }
}

fn targets(all: &Value, out: &mut String) {
    out.push_str("\n## Targets\n\n| what | target | measured | |\n|---|---|---|---|\n");
    let large = &all["peer 29"];
    for (sort, limit) in [("direct", 0.5), ("nested, allowed", 5.0), ("nested, denied", 5.0)] {
        let own = large["rowgate"][sort]["median_us"].as_f64();
        let what = format!("check, {sort}, 1 M warrants");
        let measured = own.map(|us| (us, format!("{us:.2} µs")));
        target(out, &what, &format!("≤ {limit} µs median"), measured, |us| {
            us <= limit
        });
        let fastest = peers(large)
            .filter_map(|(_, of)| of[sort]["median_us"].as_f64())
            .min_by(f64::total_cmp);
        let ratio = fastest
            .zip(own)
            .map(|(peer, own)| (peer / own, format!("{:.1} times", peer / own)));
        target(
            out,
            &format!("{what}, against the fastest peer"),
            "≥ 4 times faster",
            ratio,
            |ratio| ratio >= 4.0,
        );
    }
    let list = large["rowgate"]["list"]["median_us"].as_f64();
    let ids = large["rowgate"]["list"]["ids"].as_f64().unwrap_or(0.0);
    let list_figure = |field: &str| large["rowgate"]["list"][field].as_f64().unwrap_or(0.0);
    let measured = list.map(|us| {
        let text = format!(
            "{:.2} ms for {ids:.0} ids, median over {} users (slowest {:.2} ms)",
            us / 1e3,
            list_figure("users"),
            list_figure("slowest_user_us") / 1e3
        );
        (us, text)
    });
    let wanted = "≤ 1 ms";
    target(out, "list of 1,000 ids, 1 M warrants", wanted, measured, |us| {
        us <= 1_000.0
    });
    let first = list.map(|_| list_figure("first_us"));
    let measured = first.map(|us| {
        let text = format!(
            "{:.2} ms (slowest user {:.2} ms)",
            us / 1e3,
            list_figure("slowest_first_us") / 1e3
        );
        (us, text)
    });
    let what = "the same, first list of a user after the peers had their turn";
    target(out, what, wanted, measured, |us| us <= 1_000.0);
    let opened = all["start 290"]["opened"].as_array().cloned().unwrap_or_default();
    let figure = |field: &str| {
        let values: Vec<f64> = opened.iter().filter_map(|one| one[field].as_f64()).collect();
        (!values.is_empty()).then(|| crate::measure::median(&values))
    };
    let measured = figure("most_resident_bytes")
        .map(|bytes| (bytes, format!("{:.2} GiB at most", bytes / MIB / 1024.0)));
    target(
        out,
        "memory, 10 M warrants",
        "≤ 1.5 GiB resident",
        measured,
        |bytes| bytes <= 1.5 * 1024.0 * MIB,
    );
    let measured = figure("ready_s").map(|seconds| {
        (
            seconds,
            format!(
                "{seconds:.1} s ({:.1} s of processor time)",
                figure("cpu_s").unwrap_or(0.0)
            ),
        )
    });
    target(
        out,
        "ready after start, 10 M warrants",
        "≤ 20 s",
        measured,
        |seconds| seconds <= 20.0,
    );
    for (name, of) in all["http"].as_object().into_iter().flatten() {
        let measured = of["ratio"].as_f64().map(|ratio| (ratio, format!("{ratio:.2}")));
        target(
            out,
            &format!("checks over HTTP per `/healthz`, {name}"),
            "≥ 0.6",
            measured,
            |ratio| ratio >= 0.6,
        );
    }
    for (name, of) in all["writes"].as_object().into_iter().flatten() {
        let measured = of["ratio"].as_f64().map(|ratio| (ratio, format!("{ratio:.2}")));
        if name.starts_with("batches") {
            let what = format!("durable writes per bare store's, {name}");
            target(out, &what, "≥ 0.5", measured, |ratio| ratio >= 0.5);
        }
    }
}

fn contenders(part: &Value) -> impl Iterator<Item = (&String, &Value)> {
    part.as_object()
        .into_iter()
        .flatten()
        .filter(|(_, of)| of.is_object())
}

fn peers(part: &Value) -> impl Iterator<Item = (&String, &Value)> {
    contenders(part).filter(|(name, _)| *name != "rowgate")
}

fn in_process(part: &Value, out: &mut String) {
    if part.is_null() {
        return;
    }
    let _ = writeln!(
        out,
        "\n### {} warrants\n\nA look at the clock, included in medians and p99: {:.3} µs. `batch` is without it.\n",
        part["warrants"],
        part["clock_us"].as_f64().unwrap_or(0.0)
    );
    out.push_str("| | question | median | p99 | batch | ratio of medians |\n|---|---|---|---|---|---|\n");
    for (name, of) in contenders(part) {
        for sort in ["direct", "nested, allowed", "nested, denied", "list"] {
            let figure = |field: &str| of[sort][field].as_f64();
            let show = |field: &str| figure(field).map_or("–".to_owned(), |us| format!("{us:.2}"));
            let own = part["rowgate"][sort]["median_us"].as_f64();
            let ratio = figure("median_us")
                .zip(own)
                .map_or("–".to_owned(), |(us, own)| format!("{:.1}", us / own));
            let more = match figure("complete") {
                Some(complete) => format!(
                    " ({:.0} ids, {:.0} % of them found)",
                    figure("ids").unwrap_or(0.0),
                    complete * 100.0
                ),
                None => String::new(),
            };
            let (median, p99, batch) = (show("median_us"), show("p99_us"), show("batch_us"));
            let _ = writeln!(
                out,
                "| {name} | {sort}{more} | {median} | {p99} | {batch} | {ratio} |"
            );
        }
    }
    out.push('\n');
    for (name, of) in contenders(part) {
        let (seconds, bytes) = (
            of["load_s"].as_f64().unwrap_or(0.0),
            of["grown_bytes"].as_f64().unwrap_or(0.0),
        );
        let _ = writeln!(out, "* {name}: loaded in {seconds:.1} s, {:.0} MiB", bytes / MIB);
    }
}

fn http(part: &Value, out: &mut String) {
    let Some(part) = part.as_object() else { return };
    out.push_str("\n## Over HTTP\n\nKeep-alive connections from the same machine; the load generator uses the same cores.\n\n");
    out.push_str(
        "| | /healthz per s | checks per s | ratio | check median µs | p99 µs |\n|---|---|---|---|---|---|\n",
    );
    for (name, of) in part {
        let show = |field: &str| {
            of[field]
                .as_f64()
                .map_or("–".to_owned(), |value| format!("{value:.0}"))
        };
        let ratio = of["ratio"].as_f64().unwrap_or(0.0);
        let (healthz, checks) = (show("healthz_per_s"), show("checks_per_s"));
        let (median, p99) = (show("check_median_us"), show("check_p99_us"));
        let _ = writeln!(
            out,
            "| {name} | {healthz} | {checks} | {ratio:.2} | {median} | {p99} |"
        );
    }
}

fn writes(part: &Value, out: &mut String) {
    let Some(part) = part.as_object() else { return };
    out.push_str(
        "\n## Durable writes\n\nThe bare store appends commits of the same size, as many to a flush.\n\n",
    );
    out.push_str("| | warrants per s | bare store | ratio | flushes per s |\n|---|---|---|---|---|\n");
    for (name, of) in part {
        let show = |field: &str| {
            of[field]
                .as_f64()
                .map_or("–".to_owned(), |value| format!("{value:.0}"))
        };
        let ratio = of["ratio"].as_f64().unwrap_or(0.0);
        let (through, bare, flushes) = (show("warrants_per_s"), show("bare_per_s"), show("flushes_per_s"));
        let _ = writeln!(out, "| {name} | {through} | {bare} | {ratio:.2} | {flushes} |");
    }
}

fn start(part: &Value, out: &mut String) {
    let Some(opened) = part["opened"].as_array() else {
        return;
    };
    let built = &part["built"];
    let _ = writeln!(
        out,
        "\n## Start\n\n{} warrants, imported in {:.0} s; the store takes {:.0} MiB on disk. Each start is a process of its own.\n",
        built["warrants"],
        built["import_s"].as_f64().unwrap_or(0.0),
        built["store_bytes"].as_f64().unwrap_or(0.0) / MIB
    );
    out.push_str(
        "| ready after | processor time | resident | at most | bytes per warrant |\n|---|---|---|---|---|\n",
    );
    for one in opened {
        let figure = |field: &str| one[field].as_f64().unwrap_or(0.0);
        let _ = writeln!(
            out,
            "| {:.1} s | {:.1} s | {:.0} MiB | {:.0} MiB | {:.0} |",
            figure("ready_s"),
            figure("cpu_s"),
            figure("resident_bytes") / MIB,
            figure("most_resident_bytes") / MIB,
            figure("bytes_per_warrant")
        );
    }
}
