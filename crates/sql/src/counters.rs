//! What is counted, for `/metrics`. Plain atomics: counting takes no lock.

use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::Error;
use crate::session::Gauge;

/// Upper ends of the buckets of the histogram, in microseconds.
const BUCKETS: [u64; 13] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000, 15_000_000,
];

/// What can become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Rows.
    Ok,
    /// Postgres says no.
    Database,
    /// Not let in, or not understood.
    Refused,
    TooLarge,
    Timeout,
    /// All sessions in use, or too many requests.
    Busy,
    /// The database is away, or says what nobody understands.
    Unreachable,
    /// The client went away before there was an answer.
    Abandoned,
}

/// With their names, in the order of [`Fate`].
const FATES: [&str; 8] = [
    "ok",
    "database_error",
    "refused",
    "too_large",
    "timeout",
    "busy",
    "unreachable",
    "abandoned",
];

impl Fate {
    fn of(error: &Error) -> Self {
        match error {
            Error::Database(_) => Self::Database,
            Error::Refused(_) | Error::Copy => Self::Refused,
            Error::RequestTooLarge(_) | Error::ResponseTooLarge(..) => Self::TooLarge,
            Error::Timeout(_) | Error::BodyTimeout => Self::Timeout,
            Error::Busy(_) => Self::Busy,
            Error::Unreachable(_) | Error::Answer(_) => Self::Unreachable,
        }
    }
}

/// All counters of a gateway.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    fates: [AtomicU64; FATES.len()],
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
    retries: AtomicU64,
    kept: AtomicU64,
    afresh: AtomicU64,
    closed: AtomicU64,
}

/// A request whose outcome is not known yet. Dropped like that, it was abandoned.
pub(crate) struct Pending<'a> {
    counters: &'a Counters,
    fate: Fate,
}

impl Pending<'_> {
    /// Counts a request by its result.
    pub(crate) fn done<T>(mut self, result: &Result<T, Error>) {
        self.fate = result.as_ref().map_or_else(Fate::of, |_| Fate::Ok);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.counters.fates[self.fate as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(crate) fn begin(&self) -> Pending<'_> {
        Pending {
            counters: self,
            fate: Fate::Abandoned,
        }
    }

    /// How long the database took for the SQL of a request.
    pub(crate) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|end| micros <= *end);
        self.buckets[bucket.unwrap_or(BUCKETS.len())].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// A statement that Postgres asked to repeat was repeated.
    pub(crate) fn retried(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// A request got the session of its token's last request, as that had left it.
    pub(crate) fn kept(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }

    /// What failed in a session that was kept was repeated in one that was reset.
    pub(crate) fn afresh(&self) {
        self.afresh.fetch_add(1, Ordering::Relaxed);
    }

    /// A session was closed because it could not be used again.
    pub(crate) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    /// All of it, with the sessions, in the Prometheus text format.
    pub(crate) fn write(&self, sessions: &[Gauge], out: &mut String) -> fmt::Result {
        let metric = "rowgate_sql_requests_total";
        head(
            out,
            metric,
            "counter",
            "Requests of SQL over HTTP, by what became of them.",
        )?;
        for (name, count) in FATES.iter().zip(&self.fates) {
            writeln!(
                out,
                "{metric}{{outcome=\"{name}\"}} {}",
                count.load(Ordering::Relaxed)
            )?;
        }
        for (metric, help, count) in [
            (
                "rowgate_sql_retries_total",
                "Statements repeated because Postgres asked for it.",
                &self.retries,
            ),
            (
                "rowgate_sql_kept_total",
                "Requests that got the session of their token's last request, as that had left it.",
                &self.kept,
            ),
            (
                "rowgate_sql_afresh_total",
                "Requests repeated in a session that was reset, because they failed before they began in one that was kept.",
                &self.afresh,
            ),
            (
                "rowgate_sql_sessions_closed_total",
                "Sessions closed because they could not be used again.",
                &self.closed,
            ),
        ] {
            head(out, metric, "counter", help)?;
            writeln!(out, "{metric} {}", count.load(Ordering::Relaxed))?;
        }
        self.write_times(out)?;
        write_sessions(sessions, out)
    }

    fn write_times(&self, out: &mut String) -> fmt::Result {
        let metric = "rowgate_sql_database_seconds";
        head(
            out,
            metric,
            "histogram",
            "Time that the database took for the SQL of a request.",
        )?;
        let counts = self.buckets.each_ref().map(|count| count.load(Ordering::Relaxed));
        let mut so_far = 0;
        for (end, count) in BUCKETS.iter().zip(&counts) {
            so_far += count;
            writeln!(out, "{metric}_bucket{{le=\"{}\"}} {so_far}", *end as f64 / 1e6)?;
        }
        let total: u64 = counts.iter().sum();
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        writeln!(
            out,
            "{metric}_bucket{{le=\"+Inf\"}} {total}\n{metric}_sum {seconds}\n{metric}_count {total}"
        )
    }
}

fn write_sessions(sessions: &[Gauge], out: &mut String) -> fmt::Result {
    let metric = "rowgate_sql_sessions";
    head(
        out,
        metric,
        "gauge",
        "Sessions of Postgres, by role and by what they do.",
    )?;
    for gauge in sessions {
        let role = &gauge.role;
        writeln!(
            out,
            "{metric}{{role=\"{role}\",state=\"in_use\"}} {}",
            gauge.in_use
        )?;
        writeln!(out, "{metric}{{role=\"{role}\",state=\"idle\"}} {}", gauge.idle)?;
    }
    for (metric, help, value) in [
        (
            "rowgate_sql_sessions_limit",
            "Most sessions at a time.",
            (|gauge| gauge.limit) as fn(&Gauge) -> usize,
        ),
        (
            "rowgate_sql_waiting",
            "Requests that wait for a session.",
            |gauge| gauge.waiting,
        ),
    ] {
        head(out, metric, "gauge", help)?;
        for gauge in sessions {
            writeln!(out, "{metric}{{role=\"{}\"}} {}", gauge.role, value(gauge))?;
        }
    }
    Ok(())
}

fn head(out: &mut String, metric: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {metric} {help}\n# TYPE {metric} {kind}")
}
