//! The policies of warrants and of the schema, and what they see.

use rowgate_graph::{Edge, ObjectId, Symbol};
use rowgate_policy::{CheckCtx, Env, Explanation, Outcome, Policy, Unknown, WarrantCtx};
use serde_json::Value as Json;

use super::Evaluator;
use crate::program::PolicyIndex;
use crate::{EngineError, Value};

/// So many steps of a policy count as one warrant looked at. Ordinary policies take fewer, and cost what their warrant costs.
const STEPS_PER_WORK: u64 = 16;

impl<'a> Evaluator<'a> {
    /// The value of a warrant met at the (sub-)check of `relation` on `object`.
    #[inline]
    pub(crate) fn warrant_value(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
    ) -> Result<Value, EngineError> {
        if edge.policy().is_none() {
            Ok(Value::True)
        } else {
            let outcome = self.warrant_outcome(object, relation, edge)?;
            Ok((&outcome).into())
        }
    }

    /// The outcome of the policy of a conditional warrant.
    pub(crate) fn warrant_outcome(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
    ) -> Result<Outcome, EngineError> {
        let outcome =
            self.with_warrant_env(object, relation, edge, |policy, env| policy.eval_counted(env))?;
        Ok(outcome.unwrap_or_else(|| {
            Outcome::Unknown(Unknown {
                keys: Vec::new(),
                message: "the stored policy of the warrant does not compile".into(),
            })
        }))
    }

    /// Why the policy of a conditional warrant does not hold.
    pub(crate) fn warrant_reason(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
    ) -> Result<Option<String>, EngineError> {
        let explained =
            self.with_warrant_env(object, relation, edge, |policy, env| policy.explain_counted(env))?;
        Ok(explained.and_then(|explanation| explanation.reason))
    }

    /// What `run` says of the policy of a warrant; it also says how many steps that took. `None` if there is no policy that compiles.
    fn with_warrant_env<R>(
        &mut self,
        object: ObjectId,
        relation: Symbol,
        edge: &Edge,
        run: impl FnOnce(&Policy, &Env<'_>) -> (R, u64),
    ) -> Result<Option<R>, EngineError> {
        let found = self
            .graph
            .policy(edge.policy())
            .and_then(|policy| policy.compiled())
            .zip(self.graph.warrant(edge.warrant()));
        let Some((policy, row)) = found else {
            return Ok(None);
        };
        let warrant = WarrantCtx {
            resource_type: self.graph.name(self.graph.type_of(row.resource)),
            resource_id: self.graph.id_of(row.resource),
            relation: self.graph.name(row.relation),
            subject_type: self.graph.name(self.graph.type_of(row.subject)),
            subject_id: self.graph.id_of(row.subject),
            created_at: rowgate_policy::Timestamp(row.created_at),
        };
        let (result, steps) = run(policy, &self.env(object, relation, Some(warrant)));
        self.spend(steps / STEPS_PER_WORK)?;
        Ok(Some(result))
    }

    /// The outcome of a schema policy on a resource.
    pub(crate) fn policy_outcome(
        &mut self,
        policy: PolicyIndex,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Outcome, EngineError> {
        self.with_policy_env(policy, object, relation, |policy, env| policy.eval_counted(env))
    }

    /// The outcome of a schema policy on a resource, and why.
    pub(crate) fn policy_explanation(
        &mut self,
        policy: PolicyIndex,
        object: ObjectId,
        relation: Symbol,
    ) -> Result<Explanation, EngineError> {
        self.with_policy_env(policy, object, relation, |policy, env| {
            policy.explain_counted(env)
        })
    }

    /// What `run` says of a schema policy on a resource; it also says how many steps that took. Attributes of the resource's row come
    /// before the request's context.
    fn with_policy_env<R>(
        &mut self,
        policy: PolicyIndex,
        object: ObjectId,
        relation: Symbol,
        run: impl FnOnce(&Policy, &Env<'_>) -> (R, u64),
    ) -> Result<R, EngineError> {
        let policy = &self.program.policy(policy).policy;
        let env = self.env(object, relation, None);
        let merged = self
            .rows
            .and_then(|rows| rows.context(object, self.ambient.context));
        let (result, steps) = match &merged {
            None => run(policy, &env),
            Some(context) => {
                // The context was copied, however little of it the policy reads.
                let (result, steps) = run(policy, &Env { context, ..env });
                (result, steps + context.values().map(size).sum::<u64>())
            }
        };
        self.spend(steps / STEPS_PER_WORK)?;
        Ok(result)
    }

    pub(crate) fn env(&self, object: ObjectId, relation: Symbol, warrant: Option<WarrantCtx<'a>>) -> Env<'a> {
        let who = self.who.words(self.graph);
        Env {
            context: self.ambient.context,
            check: Some(CheckCtx {
                resource_type: self.graph.name(self.type_of(object)),
                resource_id: self.id_of(object),
                relation: self.graph.name(relation),
                subject_type: who.resource_type,
                subject_id: who.id,
            }),
            warrant,
            metadata: Some(self.graph),
            claims: self.ambient.claims,
            now: self.ambient.now,
        }
    }
}

/// What it takes to copy a value, in steps: one for each value in it, and one for every 16 bytes of text.
fn size(value: &Json) -> u64 {
    let text = |text: &String| text.len() as u64 / 16;
    1 + match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(value) => text(value),
        Json::Array(items) => items.iter().map(size).sum(),
        Json::Object(entries) => entries.iter().map(|(key, value)| text(key) + size(value)).sum(),
    }
}
