//! Which way is how fast: one subject, one operation, all ways in turns.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::data::{Subject, Tickets};
use super::session::{Outcome, Question, Sessions};
use super::way::{Operation, Shape, Way};
use crate::measure::Times;
use crate::rng::Rng;

/// Runs before it counts: Postgres settles on a plan of a prepared statement after five.
const WARM: usize = 7;
/// Tickets, or projects, that the turns go through.
const TARGETS: usize = 200;

/// Tickets on a page.
const PAGE: i64 = 50;

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Most turns of each way.
    pub rounds: usize,
    /// After so much time a way has no further turn, as soon as it had three.
    pub time: Duration,
    /// A statement that takes longer is cancelled, and its way has no further turn.
    pub patience: Duration,
}

/// One subject and all that is known of it without the database.
pub struct Asker {
    /// Who.
    pub subject: Subject,
    /// Ids of all tickets that the subject may see, in no order.
    pub list: Vec<i64>,
    tickets: Vec<i64>,
    projects: Vec<i64>,
}

impl Asker {
    /// Works out what the subject may see.
    pub fn new(tickets: Tickets, subject: Subject) -> Self {
        let visible = subject.grants().visible();
        let list = (1..=tickets.rows()).filter(|ticket| visible.contains(&tickets.project(*ticket)));
        Self {
            subject,
            list: list.collect(),
            tickets: tickets.some(&visible, true, TARGETS),
            projects: visible.into_iter().collect(),
        }
    }

    /// The target of a turn: something that the subject may see.
    fn question(&self, operation: Operation, turn: usize) -> Question<'_> {
        let targets: &[i64] = match operation {
            Operation::Insert | Operation::InsertSelect => &self.projects,
            Operation::NewestOf => &[PAGE],
            _ => &self.tickets,
        };
        Question {
            operation,
            subject: self.subject,
            // An odd step, so that neighbours are not neighbours.
            target: targets[turn * 37 % targets.len()],
            list: &self.list,
        }
    }

    /// What every way has to answer.
    fn answer(&self, operation: Operation) -> Vec<i64> {
        match operation {
            Operation::Count => vec![self.list.len() as i64],
            // Later tickets have larger numbers.
            Operation::Newest | Operation::NewestOf => {
                self.list.iter().rev().take(PAGE as usize).copied().collect()
            }
            Operation::Point => Vec::new(),
            Operation::Update | Operation::Insert | Operation::InsertSelect => vec![1],
        }
    }
}

/// One way and what it took.
struct Contender {
    way: Way,
    times: Times,
    spent: Duration,
    too_long: bool,
}

impl Contender {
    fn new(way: Way) -> Self {
        Self {
            way,
            times: Times::default(),
            spent: Duration::ZERO,
            too_long: false,
        }
    }

    fn has_turns(&self, effort: &Effort) -> bool {
        let left = self.times.len() < effort.rounds && (self.times.len() < 3 || self.spent < effort.time);
        left && !self.too_long
    }

    /// One turn; a wrong answer ends the run.
    fn turn(
        &mut self,
        sessions: &mut Sessions,
        asker: &Asker,
        operation: Operation,
        turn: usize,
    ) -> Result<Duration> {
        let question = asker.question(operation, turn);
        let (outcome, took) = sessions.ask(self.way, question)?;
        let Outcome::Answer(answer) = outcome else {
            self.too_long = true;
            return Ok(took);
        };
        let expected = match operation {
            Operation::Point => vec![question.target],
            _ => asker.answer(operation),
        };
        // "No policy" sees everything, and no ways agree with it.
        let open = self.way == Way::Open && operation.reads_many();
        ensure!(
            open || answer == expected,
            "{:?} of {} as {:?}: {} rows or ids, {} expected",
            operation,
            asker.subject.id(),
            self.way,
            answer.len(),
            expected.len()
        );
        Ok(took)
    }

    fn warm_up(
        &mut self,
        sessions: &mut Sessions,
        asker: &Asker,
        operation: Operation,
        effort: &Effort,
    ) -> Result<()> {
        let mut spent = Duration::ZERO;
        for turn in 0..WARM {
            if self.too_long || spent > effort.time {
                break;
            }
            spent += self.turn(sessions, asker, operation, turn)?;
        }
        Ok(())
    }

    fn found(&self, effort: &Effort) -> Value {
        if self.too_long {
            return json!({"over_s": effort.patience.as_secs_f64()});
        }
        let mut found = json!({
            "median_us": self.times.quantile(0.5) / 1e3,
            "p95_us": self.times.quantile(0.95) / 1e3,
            "turns": self.times.len(),
        });
        if let Way::Hand(shape) = self.way {
            found["shape"] = shape.name().into();
        }
        found
    }
}

/// Turns of all contenders, one after the other, until each had its own.
fn race(
    contenders: &mut [Contender],
    sessions: &mut Sessions,
    asker: &Asker,
    operation: Operation,
    effort: &Effort,
) -> Result<()> {
    for contender in contenders.iter_mut() {
        contender.warm_up(sessions, asker, operation, effort)?;
    }
    let mut rng = Rng::new(1);
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut round = 0;
    while contenders.iter().any(|contender| contender.has_turns(effort)) {
        // In each round another order, so that none has always the same before it, whose rows are what is left in the caches.
        order.sort_by_cached_key(|_| rng.next());
        for at in &order {
            let contender = &mut contenders[*at];
            if contender.has_turns(effort) {
                let took = contender.turn(sessions, asker, operation, round)?;
                contender.spent += took;
                if !contender.too_long {
                    contender.times.push(took);
                }
            }
        }
        round += 1;
    }
    Ok(())
}

/// The `WHERE` that is fastest for this subject and operation.
fn best(sessions: &mut Sessions, asker: &Asker, operation: Operation, effort: &Effort) -> Result<Shape> {
    let short = Effort {
        rounds: effort.rounds.min(9),
        time: effort.time / 3,
        ..*effort
    };
    let mut shapes = Shape::ALL.map(|shape| Contender::new(Way::Hand(shape)));
    race(&mut shapes, sessions, asker, operation, &short)?;
    let done = shapes.iter().filter(|shape| !shape.too_long);
    let fastest = done.min_by(|a, b| a.times.quantile(0.5).total_cmp(&b.times.quantile(0.5)));
    match fastest.map(|shape| shape.way) {
        Some(Way::Hand(shape)) => Ok(shape),
        _ => bail!("no WHERE ends in time: {operation:?} of {}", asker.subject.id()),
    }
}

/// The ways in turns, with the best `WHERE` in the place of any. Every answer is held against what the data says. Ways that are held against one another
/// have their turns among themselves: others read whole tables, and what they leave in the caches decided more than what is compared.
pub fn run(
    sessions: &mut Sessions,
    ways: &[Way],
    asker: &Asker,
    operation: Operation,
    effort: &Effort,
) -> Result<Value> {
    let shape = best(sessions, asker, operation, effort)?;
    let ways = ways.iter().map(|way| match way {
        Way::Hand(_) => Way::Hand(shape),
        other => *other,
    });
    let ways = ways.filter(|way| way.can(operation));
    let mut found = json!({
        "subject": asker.subject.id(),
        "operation": operation.name(),
    });
    let (held, others): (Vec<Way>, Vec<Way>) = ways.partition(|way| way.is_held_to_the_target());
    for ways in [held, others] {
        let mut contenders: Vec<Contender> = ways.into_iter().map(Contender::new).collect();
        race(&mut contenders, sessions, asker, operation, effort)?;
        for contender in &contenders {
            found[contender.way.name()] = contender.found(effort);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod agree;
