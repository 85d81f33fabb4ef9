//! Assignments that are over. They grant nothing from their end on, by their own condition; here they are taken away, so that nothing
//! shows them, nothing waits for them, and the audit log says that they ended.

use std::collections::BTreeSet;

use rowgate_graph::{PolicyId, Symbol};

use super::assignments;
use crate::condition::Condition;
use crate::draft::Draft;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::{Actor, Result};

/// An assignment by who has it and by which grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    membership: String,
    grant: String,
}

/// Who takes away what is over, in the audit log.
pub fn actor() -> Actor {
    Actor {
        name: Some("expiry".into()),
        ..Actor::default()
    }
}

/// At most so many assignments that are over at a moment, microseconds since the Unix epoch.
pub fn over(read: Reader<'_>, now: i64, most: usize) -> Vec<Over> {
    if !read.is_ready() {
        return Vec::new();
    }
    let policies = read.graph.policies();
    let ended: BTreeSet<PolicyId> = policies
        .filter(|(_, policy)| Condition::read(Some(policy.text())).is_over(now))
        .map(|(id, _)| id)
        .collect();
    // Most of the time nothing is over, and there is nothing to look through.
    if ended.is_empty() {
        return Vec::new();
    }
    let grants = read.of_type(names::GRANT);
    let all = grants.flat_map(|grant| {
        let edges = read.graph.subjects(grant.object());
        [relation::MEMBER, relation::PARKED]
            .into_iter()
            .flat_map(move |relation| edges.with(read.symbol(relation), Symbol::NONE))
            .map(move |edge| (grant, edge))
    });
    let over = all.filter(|(_, edge)| ended.contains(&edge.policy())).take(most);
    over.map(|(grant, edge)| Over {
        membership: read.graph.id_of(edge.other()).to_owned(),
        grant: grant.id().to_owned(),
    })
    .collect()
}

/// Takes away those of them that still are over, and says how many that were.
///
/// # Errors
/// None of its own.
pub fn end(draft: &mut Draft<'_>, found: &[Over], now: i64) -> Result<usize> {
    for over in found {
        let grant = draft.read.find(names::GRANT, &over.grant);
        let (Ok(membership), Some(grant)) = (draft.read.membership(&over.membership), grant) else {
            continue;
        };
        let assignment = membership.named_by(grant);
        if let Some(assignment) = assignment.filter(|assignment| assignment.condition().is_over(now)) {
            assignments::remove(draft, &assignment);
        }
    }
    Ok(draft.removed.assignments)
}
