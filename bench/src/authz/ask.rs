//! Checks, lists and assignments in process.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use rowgate_engine::Ambient;
use rowgate_environment::Registry;
use rowgate_policy::{Context, Timestamp};
use rowgate_rbac::Target;
use rowgate_rbac::ask::{Asker, Reach};
use rowgate_rbac::change::assignments::{self, Placed};
use rowgate_rbac::page::Page;
use serde_json::{Value, json};

use super::data::{APPS, Organization, PROJECTS, WORKSPACES, app, external, names};
use crate::measure::{Times, clock, memory};
use crate::rng::Rng;

const CHECKS: usize = 200_000;
const LISTS: usize = 2_000;
const ASSIGNMENTS: usize = 500;

/// Opens a store and asks.
pub fn run(directory: &Path) -> Result<Value> {
    let all = names(directory)?;
    let before = memory("self", "VmRSS:");
    let started = Instant::now();
    let registry = Registry::open(directory)?;
    let ready = started.elapsed();
    let resident = memory("self", "VmRSS:");
    let environment = registry.environment("default").context("no environment")?;
    let published = environment.read();
    let context = Context::new();
    let ambient = Ambient {
        context: &context,
        claims: None,
        now: Timestamp(rowgate_environment::now()),
    };
    let asker = Asker::new(published.view(), &ambient);
    let (checks, decisions, granted) = checks(&asker, &all)?;
    let lists = lists(&asker, &all)?;
    let mut durable = Times::default();
    let mut random = Rng::new(3);
    for _ in 0..ASSIGNMENTS {
        let (_, om, placed) = placement(&mut random, &all);
        let from = Instant::now();
        rowgate_rbac::apply(&environment, move |draft| {
            assignments::assign(draft, &om, &placed, None)
        })?;
        durable.push(from.elapsed());
    }
    let figures = json!({
        "ready_s": ready.as_secs_f64(),
        "resident_bytes": resident,
        "own_bytes": resident.saturating_sub(before),
        "clock_us": clock() / 1e3,
        "granted": granted as f64 / CHECKS as f64,
        "check": figures(&checks),
        "of a check, the decision": figures(&decisions),
        "discovery, first page": figures(&lists[0]),
        "effective permissions, of 40": figures(&lists[1]),
        "memberships of a resource, first page": figures(&lists[2]),
        "durable assignment": figures(&durable),
    });
    registry.close()?;
    Ok(figures)
}

/// Medians and so on, in microseconds.
pub fn figures(times: &Times) -> Value {
    let at = |share: f64| times.quantile(share) / 1e3;
    json!({"count": times.len(), "median_us": at(0.5), "p95_us": at(0.95), "p99_us": at(0.99)})
}

/// A role that nobody has yet, most likely, for a member on an app.
pub fn placement<'a>(random: &mut Rng, all: &'a [Organization]) -> (&'a Organization, String, Placed) {
    let of = &all[random.below(all.len() as u32) as usize];
    let om = of.members[random.below(of.members.len() as u32) as usize].clone();
    let placed = Placed {
        role: "app-editor".into(),
        target: Some(external("app", &any_app(random))),
    };
    (of, om, placed)
}

pub fn any_app(random: &mut Rng) -> String {
    let mut below = |bound: usize| random.below(bound as u32) as usize;
    app(below(WORKSPACES), below(PROJECTS), below(APPS))
}

/// A question as a request asks it: by membership, type and external id, whose texts have just been read.
struct Question {
    om: String,
    target: Target,
    slug: String,
}

impl Question {
    fn random(random: &mut Rng, all: &[Organization]) -> Self {
        let of = &all[random.below(all.len() as u32) as usize];
        Self {
            om: of.members[random.below(of.members.len() as u32) as usize].clone(),
            target: external("app", &any_app(random)),
            slug: format!("app:{}", random.below(10)),
        }
    }
}

/// Whole checks; and, in turns with them, the part of others that decides, once both sides were looked up.
fn checks(asker: &Asker<'_>, all: &[Organization]) -> Result<(Times, Times, usize)> {
    let (mut times, mut decisions, mut granted) = (Times::default(), Times::default(), 0);
    let mut random = Rng::new(7);
    for _ in 0..CHECKS {
        let Question { om, target, slug } = Question::random(&mut random, all);
        let from = Instant::now();
        let yes = asker.check_named(&om, &slug, &target)?.value.grants();
        times.push(from.elapsed());
        granted += usize::from(yes);
        let Question { om, target, slug } = Question::random(&mut random, all);
        let read = asker.read();
        let membership = read.membership(&om)?;
        let resource = read.target(&membership.organization()?, &target)?;
        let from = Instant::now();
        asker.check(&membership, &slug, &resource)?;
        decisions.push(from.elapsed());
    }
    Ok((times, decisions, granted))
}

/// Resources of a membership under a workspace, its permissions there, and who has access to it.
fn lists(asker: &Asker<'_>, all: &[Organization]) -> Result<[Times; 3]> {
    let mut times = [Times::default(), Times::default(), Times::default()];
    let mut random = Rng::new(11);
    let page = Page {
        limit: 10,
        ..Page::default()
    };
    for _ in 0..LISTS {
        let of = &all[random.below(all.len() as u32) as usize];
        let om = &of.members[random.below(of.members.len() as u32) as usize];
        let read = asker.read();
        let (organization, membership) = (read.organization(&of.id)?, read.membership(om)?);
        let workspace = external("workspace", &format!("w{}", random.below(WORKSPACES as u32)));
        let workspace = read.target(&organization, &workspace)?;
        let from = Instant::now();
        let found = asker.children(&membership, "project:0", &workspace)?;
        let found = found.into_iter().map(|one| (one.created_at(), one));
        std::hint::black_box(page.of(found, |one| one.key()));
        times[0].push(from.elapsed());
        let from = Instant::now();
        std::hint::black_box(asker.effective(&membership, &workspace)?);
        times[1].push(from.elapsed());
        let from = Instant::now();
        std::hint::black_box(asker.memberships("project:0", &workspace, Reach::Indirect, &page)?);
        times[2].push(from.elapsed());
    }
    Ok(times)
}
