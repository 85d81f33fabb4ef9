//! The policies of warrants and of the schema, and what they see.

use rowgate_graph::{Edge, ObjectId, Symbol};
use rowgate_policy::{CheckCtx, Env, Outcome, WarrantCtx};

use super::Evaluator;
use crate::Value;
use crate::program::PolicyIndex;

impl<'a> Evaluator<'a> {
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
