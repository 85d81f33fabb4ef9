//! The policies of a world, compiled, and their values for one context.

use crate::names::{Resource, Subject};
use crate::value::Value;
use crate::world::{Warrant, World};
use rowgate_policy::{CheckCtx, Env, Metadata, Outcome, Param, Policy, Timestamp, WarrantCtx};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use rowgate_policy::Context;

/// The value of a policy and, when it is unknown, the keys it lacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    pub(crate) value: Value,
    pub(crate) keys: BTreeSet<String>,
}

/// The (sub-)check at which a policy was met: its `check_ctx`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Met<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) relation: &'a str,
    pub(crate) subject: &'a Subject,
}

/// The compiled policies.
pub(crate) struct Policies {
    /// In the order of the world's warrants.
    warrants: Vec<(Warrant, Option<Policy>)>,
    /// By name.
    schema: BTreeMap<String, Policy>,
    context: Context,
    metadata: Meta,
    now: Timestamp,
}

struct Meta(BTreeMap<Resource, Option<serde_json::Value>>);

impl Metadata for Meta {
    fn get(&self, resource_type: &str, resource_id: &str) -> Option<&serde_json::Value> {
        self.0.get(&Resource::new(resource_type, resource_id))?.as_ref()
    }
}

impl Policies {
    pub(crate) fn compile(world: &World, context: &Context, now: i64) -> Self {
        let of_warrant = |w: &Warrant| {
            let compile = |text: &String| match Policy::compile_warrant(text) {
                Ok(policy) => policy,
                Err(error) => panic!("the policy of the warrant {w} does not compile: {error}"),
            };
            (w.clone(), w.policy.as_ref().map(compile))
        };
        let of_schema = |p: &rowgate_schema::ast::PolicyDef| {
            let params: Vec<Param> = p
                .parameters
                .iter()
                .map(|param| Param::new(param.name.text.clone(), param.ty))
                .collect();
            match Policy::compile_schema(&params, &p.expression) {
                Ok(policy) => (p.name.text.clone(), policy),
                Err(error) => panic!("the policy `{}` does not compile: {error}", p.name.text),
            }
        };
        Self {
            warrants: world.warrants.iter().map(of_warrant).collect(),
            schema: world.schema.policies.iter().map(of_schema).collect(),
            context: context.clone(),
            metadata: Meta(world.resources.clone()),
            now: Timestamp(now),
        }
    }

    /// The value of a warrant: that of its policy, or true when it has none.
    pub(crate) fn of_warrant(&self, index: usize, met: Met<'_>) -> Judgement {
        let (warrant, policy) = &self.warrants[index];
        let Some(policy) = policy else {
            return Judgement {
                value: Value::True,
                keys: BTreeSet::new(),
            };
        };
        let warrant_ctx = WarrantCtx {
            resource_type: &warrant.resource.resource_type,
            resource_id: &warrant.resource.id,
            relation: &warrant.relation,
            subject_type: &warrant.subject.resource_type,
            subject_id: &warrant.subject.id,
            created_at: Timestamp(warrant.created_at),
        };
        self.judge(policy, met, Some(warrant_ctx), &self.context)
    }

    /// The value of a schema policy.
    pub(crate) fn of_schema(&self, name: &str, met: Met<'_>, context: &Context) -> Judgement {
        let Some(policy) = self.schema.get(name) else {
            panic!("the schema has no policy `{name}`")
        };
        self.judge(policy, met, None, context)
    }

    fn judge(
        &self,
        policy: &Policy,
        met: Met<'_>,
        warrant: Option<WarrantCtx<'_>>,
        context: &Context,
    ) -> Judgement {
        let check = CheckCtx {
            resource_type: &met.resource.resource_type,
            resource_id: &met.resource.id,
            relation: met.relation,
            subject_type: &met.subject.resource_type,
            subject_id: &met.subject.id,
        };
        let env = Env {
            check: Some(check),
            warrant,
            metadata: Some(&self.metadata),
            ..Env::new(context, self.now)
        };
        let (value, keys) = match policy.eval(&env) {
            Outcome::True => (Value::True, BTreeSet::new()),
            Outcome::False => (Value::False, BTreeSet::new()),
            Outcome::Unknown(unknown) => (Value::Unknown, unknown.keys.into_iter().collect()),
        };
        Judgement { value, keys }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policies")
            .field("context", &self.context)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
