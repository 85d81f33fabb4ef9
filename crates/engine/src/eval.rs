//! The evaluator: `holds` of docs/semantics.md for one subject and one context.
//!
//! It walks from the resource towards the subject. Cycles are resolved as a least fixpoint: an entry met while it is still
//! being computed counts as false for the moment, whatever rests on that is provisional, and the entry that closes
//! the cycle computes again until nothing it provisionally used has risen. Values only ever rise, so this ends; and because an
//! under-estimate can make nothing true that is not (nothing inside a `none_of` is ever still open), a *true* found on
//! the way is final at once.

mod reach;
mod rows;

use rowgate_graph::{Edge, Edges, ObjectId, Snapshot, Symbol};
use rowgate_policy::{CheckCtx, Env, Outcome, WarrantCtx};
use rowgate_schema::ast::GroupOp;
use rustc_hash::FxHashSet;

use crate::memo::{Memo, Slot, State};
use crate::program::{PolicyIndex, Program, Rule};
use crate::rows::Rows;
use crate::who::Who;
use crate::{Ambient, EngineError, Limits, Value};
use reach::Reach;

/// Rests on nothing that is still open.
const SETTLED: u32 = u32::MAX;

/// A value and the outermost open entry it rests on.
type Partial = (Value, u32);

/// How a question is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Rules do not apply, only stored warrants and group membership.
    pub(crate) explicit: bool,
    /// Wildcard warrants do not count.
    pub(crate) without_wildcards: bool,
}

/// What is being decided: a relation of a resource, whose type is known wherever a rule led to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    object: ObjectId,
    resource_type: Symbol,
    relation: Symbol,
}

/// The resource a question starts at, which need not exist.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start<'a> {
    pub(crate) resource_type: Symbol,
    pub(crate) id: &'a str,
}

pub(crate) struct Evaluator<'a> {
    pub(crate) program: &'a Program,
    pub(crate) graph: &'a Snapshot,
    pub(crate) ambient: &'a Ambient<'a>,
    pub(crate) who: Who<'a>,
    pub(crate) mode: Mode,
    /// What [`ObjectId::ABSENT`] stands for.
    start: Start<'a>,
    rows: Option<&'a Rows>,
    /// Resources whose rows were needed and not read.
    unread: FxHashSet<(Symbol, ObjectId)>,
    limits: Limits,
    work: u64,
    memo: Memo,
    open: u32,
    pass: u32,
    /// How often a value rose after somebody had used the lower one.
    rises: u64,
    provisional: Vec<Slot>,
    /// What was found out about the subject so far.
    reaches: Vec<Reach<'a>>,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        program: &'a Program,
        graph: &'a Snapshot,
        ambient: &'a Ambient<'a>,
        who: Who<'a>,
        start: Start<'a>,
        rows: Option<&'a Rows>,
        limits: Limits,
    ) -> Self {
        Self {
            program,
            graph,
            ambient,
            who,
            mode: Mode::default(),
            start,
            rows,
            unread: FxHashSet::default(),
            limits,
            work: 0,
            memo: Memo::default(),
            open: 0,
            pass: 0,
            rises: 0,
            provisional: Vec::new(),
            reaches: Vec::new(),
        }
    }

    pub(crate) fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Starts over for another subject; memory is kept for reuse.
    pub(crate) fn ask_for(&mut self, who: Who<'a>) {
        self.who = who;
        self.memo.clear();
        self.provisional.clear();
        self.reaches.clear();
    }

    pub(crate) fn type_of(&self, object: ObjectId) -> Symbol {
        if object == ObjectId::ABSENT {
            self.start.resource_type
        } else {
            self.graph.type_of(object)
        }
    }

    pub(crate) fn id_of(&self, object: ObjectId) -> &'a str {
        if object == ObjectId::ABSENT {
            self.start.id
        } else {
            self.graph.id_of(object)
        }
    }

    /// `holds(object, relation, subject)`.
    pub(crate) fn holds(&mut self, object: ObjectId, relation: Symbol) -> Result<Value, EngineError> {
        let point = self.point(object, relation);
        self.node(point).map(|(value, _)| value)
    }

    pub(crate) fn point(&self, object: ObjectId, relation: Symbol) -> Point {
        Point {
            object,
            resource_type: self.type_of(object),
            relation,
        }
    }

    /// The error when a path of `depth` hops is one too long.
    pub(crate) fn within_depth(&self, depth: usize) -> Result<(), EngineError> {
        let limit = self.limits.depth;
        if depth > limit as usize {
            return Err(EngineError::TooDeep { limit });
        }
        Ok(())
    }

    /// How much work was done so far.
    pub(crate) fn work(&self) -> u64 {
        self.work
    }

    pub(crate) fn spend(&mut self, work: u64) -> Result<(), EngineError> {
        self.work += work;
        if self.work > self.limits.work {
            return Err(EngineError::TooMuchWork {
                limit: self.limits.work,
            });
        }
        Ok(())
    }

    /// Steps 1 and 2: the value by warrants that name the subject or its wildcard.
    #[inline]
    fn direct_among(
        &mut self,
        edges: Edges<'a>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        if edges.is_empty() {
            return Ok(Value::False);
        }
        let by_name = edges.to(relation, self.who.relation, self.who.object);
        let value = self.best_of(by_name, object, relation)?;
        match self.counting_wildcard() {
            Some(wildcard) if value != Value::True => {
                let by_wildcard = edges.to(relation, Symbol::NONE, wildcard);
                Ok(value.max(self.best_of(by_wildcard, object, relation)?))
            }
            _ => Ok(value),
        }
    }

    /// The best value of warrants that differ in their policies alone. An unconditional one comes first; the others can be many.
    #[inline]
    fn best_of(
        &mut self,
        edges: impl Iterator<Item = &'a Edge>,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        let mut value = Value::False;
        for edge in edges {
            if edge.policy().is_none() {
                return Ok(Value::True);
            }
            self.spend(1)?;
            value = value.max(self.warrant_value(object, relation, edge));
            if value == Value::True {
                break;
            }
        }
        Ok(value)
    }

    /// `holds(object, relation, subject)`, and whether steps 1 and 2 alone make it true.
    pub(crate) fn holds_directly(
        &mut self,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<(Value, bool), EngineError> {
        let point = self.point(object, relation);
        self.spend(1)?;
        if let Some(verdict) = self.by_row(point) {
            return Ok((verdict, false));
        }
        let edges = self.graph.subjects(object).about(relation);
        let direct = self.direct_among(edges, object, relation)?;
        if direct == Value::True {
            return Ok((direct, true));
        }
        let (value, _) = self.beyond(point, edges, direct)?;
        Ok((value, false))
    }

    #[inline]
    fn node(&mut self, point: Point) -> Result<Partial, EngineError> {
        self.spend(1)?;
        if let Some(verdict) = self.by_row(point) {
            return Ok((verdict, SETTLED));
        }
        let edges = self.graph.subjects(point.object).about(point.relation);
        let direct = self.direct_among(edges, point.object, point.relation)?;
        if direct == Value::True {
            return Ok((Value::True, SETTLED));
        }
        self.beyond(point, edges, direct)
    }

    /// What is not true by steps 1 and 2.
    #[inline]
    fn beyond(&mut self, point: Point, edges: Edges<'a>, direct: Value) -> Result<Partial, EngineError> {
        let rule = self.rule_at(point.resource_type, point.relation);
        if rule.is_none() && edges.of_with_second(point.relation).next().is_none() {
            return Ok((direct, SETTLED));
        }
        self.derived(point, edges, direct, rule)
    }

    /// The value of one rule of `relation` on `object`, by itself.
    pub(crate) fn rule_value(
        &mut self,
        rule: &Rule,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Value, EngineError> {
        let point = self.point(object, relation);
        self.rule(rule, point).map(|(value, _)| value)
    }

    /// The wildcard that stands for the subject, where wildcards count.
    pub(crate) fn counting_wildcard(&self) -> Option<ObjectId> {
        (self.who.wildcard != ObjectId::ABSENT && !self.mode.without_wildcards).then_some(self.who.wildcard)
    }

    pub(crate) fn rule_of(&self, object: ObjectId, relation: Symbol) -> Option<&'a Rule> {
        self.rule_at(self.type_of(object), relation)
    }

    #[inline]
    fn rule_at(&self, resource_type: Symbol, relation: Symbol) -> Option<&'a Rule> {
        if self.mode.explicit {
            return None;
        }
        self.program.relation(resource_type, relation)?.rule.as_ref()
    }

    /// A value that needs groups or rules: remembered, and computed again while a cycle has not settled.
    fn derived(
        &mut self,
        point: Point,
        edges: Edges<'a>,
        direct: Value,
        rule: Option<&Rule>,
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
            let (value, low) = self.equation(point, edges, direct, rule)?;
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

    /// Steps 3 and 4.
    fn equation(
        &mut self,
        point: Point,
        edges: Edges<'a>,
        direct: Value,
        rule: Option<&Rule>,
    ) -> Result<Partial, EngineError> {
        let (mut value, mut low) = (direct, SETTLED);
        for edge in edges.of_with_second(point.relation) {
            self.spend(1)?;
            let warrant = self.warrant_value(point.object, point.relation, edge);
            if warrant <= value {
                continue;
            }
            let group = self.point(edge.other(), edge.second());
            let (member, rests_on) = self.node(group)?;
            value = value.max(warrant.min(member));
            if value == Value::True {
                return Ok((value, SETTLED));
            }
            low = low.min(rests_on);
        }
        if let Some(rule) = rule {
            let (by_rule, rests_on) = self.rule(rule, point)?;
            value = value.max(by_rule);
            low = low.min(rests_on);
        }
        Ok((value, if value == Value::True { SETTLED } else { low }))
    }

    fn rule(&mut self, rule: &Rule, point: Point) -> Result<Partial, EngineError> {
        match rule {
            Rule::Relation(relation) => self.node(Point {
                relation: *relation,
                ..point
            }),
            Rule::On {
                relation,
                edge,
                resource_type,
            } => self.over(point, *relation, *edge, *resource_type),
            Rule::Policy(policy) => {
                let outcome = self.policy_outcome(*policy, point.object, point.relation);
                Ok(((&outcome).into(), SETTLED))
            }
            Rule::Group(op, rules) => self.group(*op, rules, point),
        }
    }

    fn over(
        &mut self,
        point: Point,
        relation: Symbol,
        edge: Symbol,
        resource_type: Symbol,
    ) -> Result<Partial, EngineError> {
        let (mut value, mut low) = (Value::False, SETTLED);
        let reach = self.reach(resource_type, relation);
        for edge in self.graph.subjects(point.object).with(edge, Symbol::NONE) {
            self.spend(1)?;
            // Before the far end is looked at, which costs more than all else.
            if self.is_out_of_reach(reach, edge.other()) || !is_far_end(self.graph, edge, resource_type) {
                continue;
            }
            let warrant = self.warrant_value(point.object, point.relation, edge);
            if warrant <= value {
                continue;
            }
            let far = Point {
                object: edge.other(),
                resource_type,
                relation,
            };
            let (far, rests_on) = self.node(far)?;
            value = value.max(warrant.min(far));
            if value == Value::True {
                return Ok((value, SETTLED));
            }
            low = low.min(rests_on);
        }
        Ok((value, low))
    }

    /// The stored edges that `relation … on EDGE [TYPE]` follows.
    pub(crate) fn far_ends(
        &self,
        object: ObjectId,
        edge: Symbol,
        resource_type: Symbol,
    ) -> impl Iterator<Item = &'a Edge> + use<'a> {
        let graph = self.graph;
        let edges = graph.subjects(object).with(edge, Symbol::NONE);
        edges.filter(move |edge| is_far_end(graph, edge, resource_type))
    }

    fn group(&mut self, op: GroupOp, rules: &[Rule], point: Point) -> Result<Partial, EngineError> {
        let mut low = SETTLED;
        match op {
            GroupOp::AnyOf => {
                let mut value = Value::False;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    value = value.max(next);
                    if value == Value::True {
                        return Ok((value, SETTLED));
                    }
                    low = low.min(rests_on);
                }
                Ok((value, low))
            }
            GroupOp::AllOf => {
                let mut value = Value::True;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    if next == Value::False {
                        return Ok((next, rests_on));
                    }
                    value = value.min(next);
                    low = low.min(rests_on);
                }
                Ok((value, low))
            }
            GroupOp::NoneOf => {
                let mut value = Value::False;
                for rule in rules {
                    let (next, rests_on) = self.rule(rule, point)?;
                    // INVARIANT: nothing inside a `none_of` rests on an open entry, because schemas and group warrants
                    // that would make it so are refused. Should one be stored all the same, the answer is unknown.
                    let next = if rests_on == SETTLED {
                        next
                    } else {
                        next.max(Value::Unknown)
                    };
                    value = value.max(next);
                    if value == Value::True {
                        break;
                    }
                }
                Ok((value.negated(), SETTLED))
            }
        }
    }

    /// The value of a warrant met at the (sub-)check of `relation` on `object`.
    #[inline]
    pub(crate) fn warrant_value(&self, object: ObjectId, relation: Symbol, edge: &Edge) -> Value {
        if edge.policy().is_none() {
            Value::True
        } else {
            (&self.warrant_outcome(object, relation, edge)).into()
        }
    }

    /// The outcome of the policy of a conditional warrant.
    pub(crate) fn warrant_outcome(&self, object: ObjectId, relation: Symbol, edge: &Edge) -> Outcome {
        self.with_warrant_env(object, relation, edge, |policy, env| policy.eval(env))
            .unwrap_or_else(|| {
                Outcome::Unknown(rowgate_policy::Unknown {
                    keys: Vec::new(),
                    message: "the stored policy of the warrant does not compile".into(),
                })
            })
    }

    pub(crate) fn with_warrant_env<R>(
        &self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
        run: impl FnOnce(&rowgate_policy::Policy, &Env<'_>) -> R,
    ) -> Option<R> {
        let policy = self.graph.policy(edge.policy())?.compiled()?;
        let row = self.graph.warrant(edge.warrant())?;
        let warrant = WarrantCtx {
            resource_type: self.graph.name(self.graph.type_of(row.resource)),
            resource_id: self.graph.id_of(row.resource),
            relation: self.graph.name(row.relation),
            subject_type: self.graph.name(self.graph.type_of(row.subject)),
            subject_id: self.graph.id_of(row.subject),
            created_at: rowgate_policy::Timestamp(row.created_at),
        };
        Some(run(policy, &self.env(object, relation, Some(warrant))))
    }

    pub(crate) fn policy_outcome(&self, policy: PolicyIndex, object: ObjectId, relation: Symbol) -> Outcome {
        self.with_policy_env(object, relation, |env| {
            self.program.policy(policy).policy.eval(env)
        })
    }

    /// The environment of a schema policy on a resource: attributes of its row come before the request's context.
    pub(crate) fn with_policy_env<R>(
        &self,
        object: ObjectId,
        relation: Symbol,
        run: impl FnOnce(&Env<'_>) -> R,
    ) -> R {
        let env = self.env(object, relation, None);
        let merged = self
            .rows
            .and_then(|rows| rows.context(object, self.ambient.context));
        match &merged {
            None => run(&env),
            Some(context) => run(&Env { context, ..env }),
        }
    }

    pub(crate) fn env(&self, object: ObjectId, relation: Symbol, warrant: Option<WarrantCtx<'a>>) -> Env<'a> {
        Env {
            context: self.ambient.context,
            check: Some(CheckCtx {
                resource_type: self.graph.name(self.type_of(object)),
                resource_id: self.id_of(object),
                relation: self.graph.name(relation),
                subject_type: self.who.words.resource_type,
                subject_id: self.who.words.id,
            }),
            warrant,
            metadata: Some(self.graph),
            claims: self.ambient.claims,
            now: self.ambient.now,
        }
    }
}

/// Whether `relation … on EDGE [TYPE]` goes on at the other end of an edge.
fn is_far_end(graph: &Snapshot, edge: &Edge, resource_type: Symbol) -> bool {
    graph.type_of(edge.other()) == resource_type && !graph.is_wildcard(edge.other())
}
