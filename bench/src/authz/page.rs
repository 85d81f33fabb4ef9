//! The table of results.

use std::fmt::Write as _;

use serde_json::Value;

const MIB: f64 = 1024.0 * 1024.0;

/// What the targets are, in microseconds at the median.
const TARGETS: [(&str, &str, f64); 3] = [
    ("in process", "check", 2.0),
    ("http", "discovery, first page", 1_000.0),
    ("in process", "durable assignment", 5_000.0),
];

/// The hosted product's documented claim for a check, at p95.
const HOSTED_P95_MS: f64 = 50.0;

/// The results as a section of the page.
pub fn page(all: &Value) -> String {
    let built = &all["built"];
    let mut out = String::from("\n## The authorization API\n\n");
    let _ = writeln!(
        out,
        "{} organizations, {} memberships, {} resources four levels deep, {} role assignments; {}, load average {} before and {} after.\n",
        built["organizations"],
        built["memberships"],
        built["resources"],
        built["assignments"],
        all["machine"]["date"].as_str().unwrap_or("?"),
        all["load_before"].as_str().unwrap_or("?"),
        all["load_after"].as_str().unwrap_or("?"),
    );
    out.push_str("| target | wanted | measured | |\n|---|---|---|---|\n");
    for (place, what, limit) in TARGETS {
        let measured = all[place][what]["median_us"].as_f64().unwrap_or(f64::NAN);
        let verdict = if measured <= limit { "met" } else { "**missed**" };
        let _ = writeln!(
            out,
            "| {what}, {place}, median | ≤ {} | {} | {verdict} |",
            time(limit),
            time(measured)
        );
    }
    let p95 = all["http"]["check"]["p95_us"].as_f64().unwrap_or(f64::NAN);
    let _ = writeln!(
        out,
        "| check over loopback, p95, beside the hosted product's documented claim | < {HOSTED_P95_MS} ms | {} | {} |",
        time(p95),
        if p95 < HOSTED_P95_MS * 1e3 {
            "met"
        } else {
            "**missed**"
        }
    );
    for place in ["in process", "http"] {
        let _ = writeln!(out, "\n| {place} | median | p95 | p99 |\n|---|---|---|---|");
        for (what, of) in all[place].as_object().into_iter().flatten() {
            let at = |field: &str| time(of[field].as_f64().unwrap_or(f64::NAN));
            if of.is_object() {
                let _ = writeln!(
                    out,
                    "| {what} | {} | {} | {} |",
                    at("median_us"),
                    at("p95_us"),
                    at("p99_us")
                );
            }
        }
    }
    let (own, server) = (&all["in process"], &all["http"]["resident_bytes"]);
    let _ = writeln!(
        out,
        "\nMemory: {:.0} MiB for the data in process, {:.0} MiB resident in the server. Opened in {:.1} s. A look at the clock, {:.2} µs, is included.",
        own["own_bytes"].as_f64().unwrap_or(f64::NAN) / MIB,
        server.as_f64().unwrap_or(f64::NAN) / MIB,
        own["ready_s"].as_f64().unwrap_or(f64::NAN),
        own["clock_us"].as_f64().unwrap_or(f64::NAN),
    );
    out.push('\n');
    out
}

fn time(us: f64) -> String {
    if us < 1_000.0 {
        format!("{us:.2} µs")
    } else {
        format!("{:.2} ms", us / 1e3)
    }
}
