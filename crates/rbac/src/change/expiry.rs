//! Assignments that are over. They grant nothing from their end on, by their own condition; here they are taken away, so that nothing
//! shows them, nothing waits for them, and the audit log says that they ended.

use rowgate_graph::Symbol;

use super::assignments;
use crate::assignment::Assignment;
use crate::draft::Draft;
use crate::names::{self, relation};
use crate::read::Reader;
use crate::record::Membership;
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
    let ended = |assignment: &Assignment<'_>| assignment.condition().is_over(now);
    let grants = read.of_type(names::GRANT);
    let all = grants.flat_map(|grant| {
        let edges = read.graph.subjects(grant.object());
        [relation::MEMBER, relation::PARKED]
            .into_iter()
            .flat_map(move |relation| edges.with(read.symbol(relation), Symbol::NONE))
            .filter(|edge| !edge.policy().is_none())
            .filter_map(move |edge| Membership(read.record(edge.other())?).named_by(grant))
    });
    let found = all.filter(ended).take(most);
    found
        .map(|assignment| Over {
            membership: assignment.membership.id().to_owned(),
            grant: assignment.grant.id().to_owned(),
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
