//! Order and pages: rows by (type, id, relation) as byte strings, from a cursor on, in either direction.

use std::cmp::Ordering;

use rowgate_graph::{ObjectId, Snapshot, Symbol, WarrantId};

use crate::EngineError;

/// Direction of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Smallest first.
    Asc,
    /// Greatest first.
    #[default]
    Desc,
}

/// Where a row stands in the order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey {
    /// Type of the row's resource.
    pub resource_type: String,
    /// Id of the row's resource.
    pub id: String,
    /// Relation of the row.
    pub relation: String,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// At most this many rows; all when `None`.
    pub limit: Option<usize>,
    /// Direction.
    pub order: Order,
    /// Only rows that come after this one in the requested order.
    pub after: Option<RowKey>,
    /// Only rows that come before this one in the requested order: those nearest to it.
    pub before: Option<RowKey>,
}

/// How much the search for candidates has found out about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Certainty {
    /// It must be asked.
    Maybe,
    /// The part of its `all_of` that led to it holds.
    Branch,
    /// It holds.
    Certain,
}

/// A possible row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) object: ObjectId,
    pub(crate) relation: Symbol,
    pub(crate) certainty: Certainty,
    /// The last warrant on the way to it, which is the one to report for it when that way holds.
    pub(crate) via: Option<WarrantId>,
}

struct Keyed<'g> {
    resource_type: &'g str,
    id: &'g str,
    relation: &'g str,
    /// The first eight bytes of the id: settles most comparisons without following a pointer.
    prefix: u64,
    candidate: Candidate,
}

impl Keyed<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        let by_type = || self.resource_type.cmp(other.resource_type);
        let by_id = || self.prefix.cmp(&other.prefix).then_with(|| self.id.cmp(other.id));
        by_type()
            .then_with(by_id)
            .then_with(|| self.relation.cmp(other.relation))
    }

    fn against(&self, key: &RowKey) -> Ordering {
        let mine = (self.resource_type, self.id, self.relation);
        mine.cmp(&(key.resource_type.as_str(), key.id.as_str(), key.relation.as_str()))
    }
}

fn prefix(id: &str) -> u64 {
    let mut bytes = [0; 8];
    let len = id.len().min(8);
    bytes[..len].copy_from_slice(&id.as_bytes()[..len]);
    u64::from_be_bytes(bytes)
}

/// The candidates of one page that hold, in order, and whether there are more beyond it in the direction of reading.
pub(crate) fn select(
    graph: &Snapshot,
    mut candidates: Vec<Candidate>,
    page: &Page,
    mut holds: impl FnMut(&Candidate) -> Result<bool, EngineError>,
) -> Result<(Vec<Candidate>, bool), EngineError> {
    let backwards = page.before.is_some();
    let ascending = (page.order == Order::Asc) != backwards;
    let compare = |a: &Keyed<'_>, b: &Keyed<'_>| if ascending { a.compare(b) } else { b.compare(a) };
    let beyond = |keyed: &Keyed<'_>, key: &RowKey, ascending: bool| {
        keyed.against(key)
            == if ascending {
                Ordering::Greater
            } else {
                Ordering::Less
            }
    };
    let in_order = page.order == Order::Asc;
    if page.limit.is_none() {
        // All are wanted: in the order in which they lie in memory, neighbours are asked about together.
        candidates.sort_unstable_by_key(|candidate| (candidate.object, candidate.relation));
        let mut held = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            if candidate.certainty == Certainty::Certain || holds(&candidate)? {
                held.push(candidate);
            }
        }
        candidates = held;
    }
    let asked = page.limit.is_none();
    let mut keyed: Vec<Keyed<'_>> = candidates
        .into_iter()
        .map(|candidate| {
            let id = graph.id_of(candidate.object);
            Keyed {
                resource_type: graph.name(graph.type_of(candidate.object)),
                id,
                relation: graph.name(candidate.relation),
                prefix: prefix(id),
                candidate,
            }
        })
        .filter(|keyed| {
            page.after
                .as_ref()
                .is_none_or(|after| beyond(keyed, after, in_order))
        })
        .filter(|keyed| {
            page.before
                .as_ref()
                .is_none_or(|before| beyond(keyed, before, !in_order))
        })
        .collect();

    let wanted = page.limit.unwrap_or(usize::MAX);
    let mut rows = Vec::with_capacity(keyed.len().min(wanted.saturating_add(1)));
    let mut rest = keyed.as_mut_slice();
    let mut chunk = wanted.saturating_mul(2).max(64);
    // Only as much is put in order as the page turns out to need.
    while !rest.is_empty() && rows.len() <= wanted {
        let size = chunk.min(rest.len());
        if size < rest.len() {
            rest.select_nth_unstable_by(size - 1, compare);
        }
        let (head, tail) = rest.split_at_mut(size);
        head.sort_unstable_by(compare);
        for keyed in head.iter() {
            if asked || keyed.candidate.certainty == Certainty::Certain || holds(&keyed.candidate)? {
                rows.push(keyed.candidate);
                if rows.len() > wanted {
                    break;
                }
            }
        }
        rest = tail;
        chunk = chunk.saturating_mul(2);
    }
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    if backwards {
        rows.reverse();
    }
    Ok((rows, more))
}
