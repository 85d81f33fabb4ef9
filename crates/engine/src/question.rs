//! What is asked, in words.

use rowgate_policy::{Context, Timestamp};

/// Who: `type:id`, `type:*`, or `type:id#relation`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject<'a> {
    /// Type.
    pub resource_type: &'a str,
    /// Id.
    pub id: &'a str,
    /// Relation, for a group.
    pub relation: Option<&'a str>,
}

/// May this subject do this?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Check<'a> {
    /// Type of the resource.
    pub resource_type: &'a str,
    /// Id of the resource.
    pub resource_id: &'a str,
    /// Relation asked for.
    pub relation: &'a str,
    /// Who asks.
    pub subject: Subject<'a>,
}

/// What policies may look at besides the graph.
#[derive(Debug, Clone, Copy)]
pub struct Ambient<'a> {
    /// The context of the request.
    pub context: &'a Context,
    /// The claims of the token that authenticated the request, if one did.
    pub claims: Option<&'a Context>,
    /// The time of the request.
    pub now: Timestamp,
}

impl std::fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.resource_type, self.id)?;
        self.relation.map_or(Ok(()), |relation| write!(f, "#{relation}"))
    }
}

impl std::fmt::Display for Check<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}#{}@{}",
            self.resource_type, self.resource_id, self.relation, self.subject
        )
    }
}
