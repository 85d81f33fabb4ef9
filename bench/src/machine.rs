//! Where and when it was measured.

use std::process::Command;

use serde_json::{Value, json};

use crate::contender;

/// What a reader of the results has to know about the machine.
pub fn describe() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let models = || cpus.lines().filter(|line| line.starts_with("model name"));
    let model = models()
        .next()
        .and_then(|line| line.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    let memory = read("/proc/meminfo");
    let kib = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0);
    json!({
        "cpu": model,
        "cores": models().count(),
        "memory_gib": kib >> 20,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "rustc": said("rustc", &["--version"]),
        "date": said("date", &["--utc", "+%Y-%m-%d %H:%M UTC"]),
        "peers": contender::ALL[1..].iter().map(|name| version(name)).collect::<Vec<String>>(),
    })
}

/// How many processes wanted a core in the last minute.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().unwrap_or("?").to_owned()
}

/// Processor time of this process so far, in seconds.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in parentheses: user time is the 12th field, system time the 13th, in hundredths.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or("unknown".into(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

/// The version of a peer, as locked.
fn version(name: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let after = lock
        .split_once(&format!("name = \"{name}\"\nversion = \""))
        .map_or("?", |(_, after)| after);
    format!("{name} {}", after.split('"').next().unwrap_or("?"))
}
