//! Checks and lists in process: contenders take turns, so that what else the machine does meets all of them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Map, Value, json};

use crate::contender::{self, Contender};
use crate::measure::{self, Round, Times};
use crate::question::{self, Question, Sort};
use crate::world::World;

/// How much is asked.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds; contenders take turns within each.
    pub rounds: usize,
    /// Checks of each kind in a round.
    pub checks: usize,
    /// Users whose documents are listed.
    pub users: usize,
    /// Lists for each user in a round.
    pub lists: usize,
}

/// How long each contender works before its turn is measured: what the one before it did to the caches is not to count.
const WARM_UP: Duration = Duration::from_millis(300);

/// Questions for that.
const WARM_UP_CHECKS: usize = 200_000;

/// Loads the data into each contender and measures them against one another.
pub fn run(names: &[String], scale: u32, effort: Effort) -> Result<Value> {
    let world = World::new(scale);
    let mut facts = 0u64;
    world.facts(|_| facts += 1);
    let mut out = Map::new();
    out.insert("scale".into(), json!(scale));
    out.insert("warrants".into(), json!(facts));
    out.insert("clock_us".into(), json!(measure::clock() / 1e3));
    let mut contenders: Vec<Box<dyn Contender>> = Vec::new();
    for name in names {
        let before = measure::memory("self", "VmRSS:");
        let started = Instant::now();
        contenders.push(contender::load(name, &world)?);
        let (took, after) = (started.elapsed(), measure::memory("self", "VmRSS:"));
        eprintln!(
            "{name}: {facts} warrants loaded in {took:.1?}, {} MiB",
            after.saturating_sub(before) >> 20
        );
        out.insert(
            name.clone(),
            json!({"load_s": took.as_secs_f64(), "grown_bytes": after.saturating_sub(before)}),
        );
    }
    for sort in Sort::ALL {
        checks(&contenders, sort, &world, effort, &mut out)?;
    }
    lists(&contenders, &world, effort, &mut out)?;
    Ok(Value::Object(out))
}

fn checks(
    contenders: &[Box<dyn Contender>],
    sort: Sort,
    world: &World,
    effort: Effort,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let others = sort.questions(world, WARM_UP_CHECKS, u64::MAX);
    let mut rounds: Vec<Vec<Round>> = contenders.iter().map(|_| Vec::new()).collect();
    for number in 0..effort.rounds {
        let questions = sort.questions(world, effort.checks, number as u64);
        for at in turns(contenders.len(), number) {
            warm_up(&*contenders[at], &others, number)?;
            let mut round = contenders[at].checks(&questions)?;
            let wrong = questions
                .iter()
                .zip(&round.answers)
                .position(|(question, answer)| question.allowed != *answer);
            ensure!(
                wrong.is_none(),
                "{} answers wrongly: {:?}",
                contenders[at].name(),
                wrong.map(|wrong| &questions[wrong])
            );
            round.answers = Vec::new();
            rounds[at].push(round);
        }
    }
    for (contender, rounds) in contenders.iter().zip(&rounds) {
        let summary = measure::summary(rounds);
        eprintln!("{}: {}: {summary}", contender.name(), sort.name());
        put(out, contender.name(), sort.name(), summary);
    }
    Ok(())
}

fn lists(
    contenders: &[Box<dyn Contender>],
    world: &World,
    effort: Effort,
    out: &mut Map<String, Value>,
) -> Result<()> {
    let questions = question::lists(world, effort.users, 99);
    let mut times: Vec<Vec<ListTimes>> = contenders
        .iter()
        .map(|_| questions.iter().map(|_| ListTimes::default()).collect())
        .collect();
    // How many ids came back, of how many.
    let mut found = vec![0usize; contenders.len()];
    for number in 0..effort.rounds {
        found.fill(0);
        for (of, question) in questions.iter().enumerate() {
            for at in turns(contenders.len(), number) {
                let (took, mut ids) = contenders[at].list(question, effort.lists)?;
                times[at][of].add(&took);
                ids.sort_unstable();
                let extra = ids
                    .iter()
                    .find(|id| question.documents.binary_search(id).is_err());
                ensure!(
                    extra.is_none(),
                    "{} lists {extra:?} for {}",
                    contenders[at].name(),
                    question.user
                );
                ids.dedup();
                found[at] += ids.len();
            }
        }
    }
    let right: usize = questions.iter().map(|question| question.documents.len()).sum();
    for (at, contender) in contenders.iter().enumerate() {
        let mut summary = list_summary(&times[at]);
        summary["ids"] = json!(right as f64 / questions.len() as f64);
        summary["complete"] = json!(found[at] as f64 / right as f64);
        eprintln!("{}: list: {summary}", contender.name());
        ensure!(
            contender.name() != "rowgate" || found[at] == right,
            "a list lacks ids"
        );
        put(out, contender.name(), "list", summary);
    }
    Ok(())
}

/// What the lists of one user took.
#[derive(Default)]
struct ListTimes {
    all: Times,
    /// The first of each turn: the other contenders had theirs before it, so memory is cold.
    first: Times,
}

impl ListTimes {
    fn add(&mut self, turn: &Times) {
        self.all.extend(turn);
        self.first.extend(&turn.first());
    }
}

/// Medians over users of each user's median, and the slowest user's, in microseconds.
fn list_summary(users: &[ListTimes]) -> Value {
    let of = |times: fn(&ListTimes) -> &Times| -> Vec<f64> {
        users.iter().map(|user| times(user).quantile(0.5) / 1e3).collect()
    };
    let (all, first) = (of(|user| &user.all), of(|user| &user.first));
    let mut together = Times::default();
    users.iter().for_each(|user| together.extend(&user.all));
    json!({
        "median_us": measure::median(&all),
        "p99_us": together.quantile(0.99) / 1e3,
        "users": users.len(),
        "slowest_user_us": all.iter().copied().fold(0.0, f64::max),
        "first_us": measure::median(&first),
        "slowest_first_us": first.iter().copied().fold(0.0, f64::max),
    })
}

/// Asks other questions for a while, in each round from another place on.
fn warm_up(contender: &dyn Contender, others: &[Question], round: usize) -> Result<()> {
    let started = Instant::now();
    for chunk in others.chunks(2_000).cycle().skip(round * 20) {
        contender.checks(chunk)?;
        if started.elapsed() >= WARM_UP {
            break;
        }
    }
    Ok(())
}

/// In each round another one goes first.
fn turns(count: usize, round: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + round) % count)
}

fn put(out: &mut Map<String, Value>, contender: &str, what: &str, value: Value) {
    if let Some(Value::Object(of)) = out.get_mut(contender) {
        of.insert(what.to_owned(), value);
    }
}
