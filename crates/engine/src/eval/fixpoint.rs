//! The least fixpoint: values that are remembered, and computed again while a cycle has not settled.

use rowgate_graph::Edges;

use super::{Evaluator, Partial, Point, SETTLED};
use crate::memo::State;
use crate::{EngineError, Value};

impl<'a> Evaluator<'a> {
    /// A value that needs groups or rules: remembered, and computed again while a cycle has not settled.
    pub(super) fn derived(
        &mut self,
        point: Point<'a>,
        edges: Edges<'a>,
        direct: Value,
    ) -> Result<Partial, EngineError> {
        let slot = self.memo.slot(point.object, point.relation);
        let pass = self.pass;
        let entry = self.memo.at(slot);
        match entry.state {
            State::Final => return Ok((entry.value, SETTLED)),
            State::Open(place) => {
                entry.read = true;
                return Ok((entry.value, place));
            }
            State::Provisional { pass: computed } if computed == pass => {
                entry.read = true;
                return Ok((entry.value, entry.low));
            }
            State::Provisional { .. } | State::Fresh => {}
        }
        let place = self.open;
        if place >= self.limits.depth {
            return Err(EngineError::TooDeep {
                limit: self.limits.depth,
            });
        }
        self.open += 1;
        let first = self.provisional.len();
        loop {
            let entry = self.memo.at(slot);
            entry.state = State::Open(place);
            entry.read = false;
            let rises = self.rises;
            let (value, low) = self.equation(point, edges, direct)?;
            let pass = self.pass;
            let entry = self.memo.at(slot);
            let value = value.max(entry.value);
            self.rises += u64::from(value > entry.value && entry.read);
            entry.value = value;
            if value == Value::True {
                entry.state = State::Final;
                self.forget(first);
                self.open -= 1;
                return Ok((value, SETTLED));
            }
            if low < place {
                entry.state = State::Provisional { pass };
                entry.low = low;
                self.rest_on(first, low);
                self.provisional.push(slot);
                self.open -= 1;
                return Ok((value, low));
            }
            if self.rises != rises {
                self.pass += 1;
                continue;
            }
            entry.state = State::Final;
            self.settle(first, place);
            self.open -= 1;
            return Ok((value, SETTLED));
        }
    }

    /// What was computed while a now-true entry counted as false is to be computed again when it is needed.
    fn forget(&mut self, first: usize) {
        for slot in self.provisional.drain(first..) {
            self.memo.at(slot).state = State::Fresh;
        }
    }

    /// An entry is no longer open: what may have rested on it rests on what it rests on. That is everything computed below it,
    /// also what rests on something further out besides, for `low` is only the outermost of all that an entry rests on.
    fn rest_on(&mut self, first: usize, low: u32) {
        for at in first..self.provisional.len() {
            let slot = self.provisional[at];
            let entry = self.memo.at(slot);
            entry.low = entry.low.min(low);
        }
    }

    /// The cycle closed by the entry at `place` has settled: what rests on nothing further out is final.
    fn settle(&mut self, first: usize, place: u32) {
        let mut kept = first;
        for at in first..self.provisional.len() {
            let slot = self.provisional[at];
            let pass = self.pass;
            let entry = self.memo.at(slot);
            if entry.state == (State::Provisional { pass }) && entry.low < place {
                self.provisional[kept] = slot;
                kept += 1;
            } else if entry.state == (State::Provisional { pass }) {
                entry.state = State::Final;
            } else if matches!(entry.state, State::Provisional { .. }) {
                entry.state = State::Fresh;
            }
        }
        self.provisional.truncate(kept);
    }
}
