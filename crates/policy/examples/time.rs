//! How long evaluations take: `cargo run --release -p rowgate-policy --example time`.

use std::hint::black_box;
use std::time::Instant;

use rowgate_policy::{Context, Env, Policy, Timestamp};

const CONTEXT: &str = r#"{
    "role": "manager", "amount": 800, "b": true, "name": "alice", "list": [1, 2, 3, 4, 5], "cost_center": "eng",
    "approved_cost_centers": ["ops", "hr", "eng"], "user": {"role": "manager", "ip": "10.0.0.1"}
}"#;

const SOURCES: [&str; 10] = [
    "role == 'manager' && amount <= 1000",
    "user.role == 'manager'",
    "cost_center in approved_cost_centers",
    "let ok = amount <= 1000; ok && b",
    "any(list, {# == 3})",
    "name startsWith 'al'",
    "name matches '^al[a-z]+$'",
    "role in ['admin', 'owner', 'manager']",
    "now() < date('2030-01-01')",
    "missing == 1",
];

const ROUNDS: u32 = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let context: Context = serde_json::from_str(CONTEXT)?;
    let env = Env::new(&context, Timestamp(1_769_860_800_000_000));
    for source in SOURCES {
        let policy = Policy::compile_warrant(source)?;
        // The least of many: whatever else the machine does can only add.
        let mut least = f64::INFINITY;
        for _ in 0..100 {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                black_box(black_box(&policy).eval(black_box(&env)));
            }
            least = least.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
        }
        println!("{least:>8.1} ns  {source}");
    }
    let start = Instant::now();
    for _ in 0..100_000 {
        black_box(Policy::compile_warrant(black_box(SOURCES[0]))?);
    }
    println!(
        "{:>8.1} ns  compile the first",
        start.elapsed().as_secs_f64() * 1e9 / 100_000.0
    );
    Ok(())
}
