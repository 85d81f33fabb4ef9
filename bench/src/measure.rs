//! Times, and what is said of them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Questions between two looks at the clock where the clock is not to count.
const BATCH: usize = 64;

/// Times of single operations, in nanoseconds.
#[derive(Debug, Default, Clone)]
pub struct Times(Vec<u64>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, time: Duration) {
        self.0.push(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first one alone.
    pub fn first(&self) -> Times {
        Times(self.0.first().copied().into_iter().collect())
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Times) {
        self.0.extend_from_slice(&other.0);
    }

    /// The time that the fraction `q` of all operations does not exceed.
    pub fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 * q) as usize).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(0.0, |time| *time as f64)
    }
}

/// What one contender took for one round of checks.
#[derive(Debug, Default)]
pub struct Round {
    /// Each operation by itself; a look at the clock is included.
    pub single: Times,
    /// Nanoseconds per operation of each batch.
    pub batches: Vec<f64>,
    /// The answers.
    pub answers: Vec<bool>,
}

/// Asks every request twice: each by itself, and in batches so that the clock does not count.
pub fn round<R: Clone>(requests: &[R], ask: impl Fn(R) -> bool) -> Round {
    let mut round = Round::default();
    let ready = requests.to_vec();
    for request in ready {
        let started = Instant::now();
        let answer = ask(request);
        round.single.push(started.elapsed());
        round.answers.push(answer);
    }
    let mut yes = 0usize;
    for batch in requests.chunks_exact(BATCH) {
        let batch = batch.to_vec();
        let started = Instant::now();
        for request in batch {
            yes += usize::from(ask(request));
        }
        round
            .batches
            .push(started.elapsed().as_nanos() as f64 / BATCH as f64);
    }
    std::hint::black_box(yes);
    round
}

/// The median; zero of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        len if len % 2 == 1 => sorted[len / 2],
        len => f64::midpoint(sorted[len / 2 - 1], sorted[len / 2]),
    }
}

/// What a look at the clock takes, in nanoseconds.
pub fn clock() -> f64 {
    let mut times = Times::default();
    for _ in 0..10_000 {
        times.push(Instant::now().elapsed());
    }
    times.quantile(0.5)
}

/// Rounds of one contender and one kind of check: medians of the rounds' figures, in microseconds.
pub fn summary(rounds: &[Round]) -> Value {
    let of = |figure: &dyn Fn(&Round) -> f64| median(&rounds.iter().map(figure).collect::<Vec<f64>>()) / 1e3;
    json!({
        "median_us": of(&|round| round.single.quantile(0.5)),
        "p99_us": of(&|round| round.single.quantile(0.99)),
        "batch_us": of(&|round| median(&round.batches)),
        "rounds_us": rounds.iter().map(|round| round.single.quantile(0.5) / 1e3).collect::<Vec<f64>>(),
    })
}

/// A field of `/proc/PID/status`, in bytes.
pub fn memory(process: &str, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap_or("");
    line.split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
