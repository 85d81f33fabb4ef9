//! What an evaluation may read. Everything is borrowed; nothing here does IO or reads a clock.

use std::fmt;

/// The context of a request: the variables of a warrant policy, the parameters of a schema policy.
pub type Context = serde_json::Map<String, serde_json::Value>;

/// A moment, in microseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

/// Everything one evaluation may read.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The request's context.
    pub context: &'a Context,
    /// The check being answered; `None` outside a check, where `check_ctx` is `{}`.
    pub check: Option<CheckCtx<'a>>,
    /// The warrant that carries the policy; `None` for a schema policy, where `warrant_ctx` is `{}`.
    pub warrant: Option<WarrantCtx<'a>>,
    /// Where `get_metadata` looks; `None` makes every use of it unknown.
    pub metadata: Option<&'a dyn Metadata>,
    /// The claims of the token that authenticated the request, for `jwt_claim`.
    pub claims: Option<&'a Context>,
    /// The moment `now()` and `expiresIn()` use.
    pub now: Timestamp,
}

impl<'a> Env<'a> {
    /// An environment with a context and a moment and nothing else.
    #[must_use]
    pub fn new(context: &'a Context, now: Timestamp) -> Env<'a> {
        Env {
            context,
            check: None,
            warrant: None,
            metadata: None,
            claims: None,
            now,
        }
    }
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env")
            .field("context", self.context)
            .field("check", &self.check)
            .field("warrant", &self.warrant)
            .field("metadata", &self.metadata.is_some())
            .field("claims", &self.claims.is_some())
            .field("now", &self.now)
            .finish()
    }
}

/// The check, or sub-check, that evaluates the policy: `check_ctx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckCtx<'a> {
    /// `check_ctx.resource_type`
    pub resource_type: &'a str,
    /// `check_ctx.resource_id`
    pub resource_id: &'a str,
    /// `check_ctx.relation`
    pub relation: &'a str,
    /// `check_ctx.subject_type`
    pub subject_type: &'a str,
    /// `check_ctx.subject_id`
    pub subject_id: &'a str,
}

/// The warrant that carries the policy: `warrant_ctx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarrantCtx<'a> {
    /// `warrant_ctx.resource_type`
    pub resource_type: &'a str,
    /// `warrant_ctx.resource_id`
    pub resource_id: &'a str,
    /// `warrant_ctx.relation`
    pub relation: &'a str,
    /// `warrant_ctx.subject_type`
    pub subject_type: &'a str,
    /// `warrant_ctx.subject_id`
    pub subject_id: &'a str,
    /// `warrant_ctx.created_at`, seen by expressions as an RFC 3339 string.
    pub created_at: Timestamp,
}

/// Where `get_metadata(type, id)` finds the metadata of a resource.
pub trait Metadata {
    /// The metadata of one resource, or `None` when the resource is absent or has none.
    fn get(&self, resource_type: &str, resource_id: &str) -> Option<&serde_json::Value>;
}
