//! What is counted. Counters are plain atomics in tables made at the start: counting a request takes no lock.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use rowgate_engine::Value;
use rowgate_environment::Registry;

/// Upper ends of the buckets of the latency histogram, in microseconds.
const BUCKETS: [u64; 14] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000, 10_000_000,
];

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "OTHER"];

const STATUSES: [u16; 14] = [200, 400, 401, 403, 404, 405, 408, 409, 413, 500, 503, 504, 507, 0];

/// The route of requests to paths that lead nowhere.
pub(crate) const NOWHERE: &str = "(none)";

#[derive(Debug, Default)]
struct Route {
    answers: [[AtomicU64; STATUSES.len()]; METHODS.len()],
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

/// All counters of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: Instant,
    routes: OnceLock<HashMap<&'static str, Route>>,
    /// By [`Value`]: no, unknown, yes.
    decisions: [AtomicU64; 3],
    in_flight: AtomicU64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            routes: OnceLock::new(),
            decisions: Default::default(),
            in_flight: AtomicU64::new(0),
        }
    }
}

/// A request that is being answered.
pub(crate) struct InFlight<'a>(&'a AtomicU64);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// The routes that there are. Once, before the first request.
    pub(crate) fn set_routes(&self, routes: impl IntoIterator<Item = &'static str>) {
        self.routes.get_or_init(|| {
            routes
                .into_iter()
                .chain([NOWHERE])
                .map(|route| (route, Route::default()))
                .collect()
        });
    }

    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(&self.in_flight)
    }

    pub(crate) fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let Some(route) = self.routes.get().and_then(|routes| routes.get(route)) else {
            return;
        };
        let method = METHODS
            .iter()
            .position(|name| *name == method.as_str())
            .unwrap_or(METHODS.len() - 1);
        let status = status.as_u16();
        let status = STATUSES
            .iter()
            .position(|known| *known == status)
            .unwrap_or(STATUSES.len() - 1);
        route.answers[method][status].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS
            .iter()
            .position(|end| micros <= *end)
            .unwrap_or(BUCKETS.len());
        route.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        route.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn decided(&self, value: Value) {
        let at = match value {
            Value::False => 0,
            Value::Unknown => 1,
            Value::True => 2,
        };
        self.decisions[at].fetch_add(1, Ordering::Relaxed);
    }

    /// All of it in the Prometheus text format.
    pub(crate) fn render(&self, registry: &Registry) -> String {
        let mut out = String::with_capacity(16 * 1024);
        // Writing to a string does not fail.
        let _ = self.write(registry, &mut out);
        out
    }

    fn write(&self, registry: &Registry, out: &mut String) -> std::fmt::Result {
        head(out, "rowgate_build_info", "gauge", "The version that runs.")?;
        writeln!(out, "rowgate_build_info{{version=\"{}\"}} 1", crate::VERSION)?;
        head(out, "rowgate_uptime_seconds", "gauge", "Time since the start.")?;
        writeln!(
            out,
            "rowgate_uptime_seconds {:.3}",
            self.started.elapsed().as_secs_f64()
        )?;
        if let Some(bytes) = resident_bytes() {
            head(out, "process_resident_memory_bytes", "gauge", "Memory in use.")?;
            writeln!(out, "process_resident_memory_bytes {bytes}")?;
        }
        self.write_requests(out)?;
        head(
            out,
            "rowgate_checks_total",
            "counter",
            "Decisions, by how they came out.",
        )?;
        for (name, count) in ["not_authorized", "unknown", "authorized"]
            .iter()
            .zip(&self.decisions)
        {
            writeln!(
                out,
                "rowgate_checks_total{{decision=\"{name}\"}} {}",
                count.load(Ordering::Relaxed)
            )?;
        }
        write_environments(registry, out)
    }

    fn write_requests(&self, out: &mut String) -> std::fmt::Result {
        head(
            out,
            "rowgate_http_requests_in_flight",
            "gauge",
            "Requests being answered.",
        )?;
        writeln!(
            out,
            "rowgate_http_requests_in_flight {}",
            self.in_flight.load(Ordering::Relaxed)
        )?;
        let mut routes: Vec<(&str, &Route)> = self
            .routes
            .get()
            .into_iter()
            .flatten()
            .map(|(name, route)| (*name, route))
            .collect();
        routes.sort_unstable_by_key(|(name, _)| *name);
        head(
            out,
            "rowgate_http_requests_total",
            "counter",
            "Answers, by route, method and status.",
        )?;
        for (name, route) in &routes {
            for (method, answers) in METHODS.iter().zip(&route.answers) {
                for (status, count) in STATUSES.iter().zip(answers) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let status = if *status == 0 {
                            "other".to_owned()
                        } else {
                            status.to_string()
                        };
                        let labels = format!("route=\"{name}\",method=\"{method}\",status=\"{status}\"");
                        writeln!(out, "rowgate_http_requests_total{{{labels}}} {count}")?;
                    }
                }
            }
        }
        let metric = "rowgate_http_request_duration_seconds";
        head(
            out,
            metric,
            "histogram",
            "Time from the head of a request to the head of its answer.",
        )?;
        for (name, route) in &routes {
            let counts: Vec<u64> = route
                .buckets
                .iter()
                .map(|bucket| bucket.load(Ordering::Relaxed))
                .collect();
            let total: u64 = counts.iter().sum();
            if total == 0 {
                continue;
            }
            let mut so_far = 0;
            for (end, count) in BUCKETS.iter().zip(&counts) {
                so_far += count;
                let end = *end as f64 / 1e6;
                writeln!(out, "{metric}_bucket{{route=\"{name}\",le=\"{end}\"}} {so_far}")?;
            }
            writeln!(out, "{metric}_bucket{{route=\"{name}\",le=\"+Inf\"}} {total}")?;
            let seconds = route.micros.load(Ordering::Relaxed) as f64 / 1e6;
            writeln!(out, "{metric}_sum{{route=\"{name}\"}} {seconds}")?;
            writeln!(out, "{metric}_count{{route=\"{name}\"}} {total}")?;
        }
        Ok(())
    }
}

fn write_environments(registry: &Registry, out: &mut String) -> std::fmt::Result {
    let environments: Vec<_> = registry
        .environments()
        .into_iter()
        .map(|environment| (environment.name().to_owned(), environment.read()))
        .collect();
    let mut gauge = |metric: &str, help: &str, value: &dyn Fn(&rowgate_environment::Published) -> u64| {
        head(out, metric, "gauge", help)?;
        environments
            .iter()
            .try_for_each(|(name, read)| writeln!(out, "{metric}{{environment=\"{name}\"}} {}", value(read)))
    };
    gauge("rowgate_warrants", "Stored warrants.", &|read| {
        read.graph.warrant_count() as u64
    })?;
    gauge("rowgate_resources", "Existing resources.", &|read| {
        read.graph.resource_count() as u64
    })?;
    gauge("rowgate_revision", "The newest revision.", &|read| {
        read.revision()
    })
}

fn head(out: &mut String, metric: &str, kind: &str, help: &str) -> std::fmt::Result {
    writeln!(out, "# HELP {metric} {help}\n# TYPE {metric} {kind}")
}

/// The second number of `statm` is the resident set in pages, which are 4 KiB wherever that file is.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
