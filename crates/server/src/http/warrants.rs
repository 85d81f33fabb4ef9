//! `/fga/v1/warrants`

use axum::extract::State;
use axum::response::Response;
use rowgate_engine::query::page::Order;
use rowgate_environment::{Published, Write};
use rowgate_graph::{Edge, ObjectId, Snapshot, Symbol, WarrantId, WarrantRef};

use super::resources::{Position, number};
use super::write;
use crate::cursor::{From, List, Paging};
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Fresh, Params, Payload};
use crate::state::App;
use crate::wire;
use crate::wire::list::{ListMetadata, ListOut};
use crate::wire::text::{AtMost, Object};
use crate::wire::warrant::{TokenOut, WarrantIn, WarrantOut};

/// Most warrants of a batch.
const MAX_BATCH: usize = rowgate_environment::write::MAX_BATCH;

/// Creates and deletes: one object, or an array of them that is carried out as a whole.
pub(crate) async fn change(caller: Caller, payload: Payload) -> Result<Response> {
    let warrants = if payload.text()?.trim_start().starts_with('[') {
        let batch: AtMost<Object<WarrantIn<'_>>, MAX_BATCH> = payload.json()?;
        if batch.total > MAX_BATCH {
            let message = format!(
                "the batch has {} entries; at most {MAX_BATCH} are allowed",
                batch.total
            );
            return Err(ApiError::invalid("warrants", message));
        }
        let entries = batch.items.iter().enumerate();
        entries
            .map(|(at, warrant)| warrant.0.read(&format!("[{at}].")))
            .collect::<Result<Vec<_>>>()?
    } else {
        vec![payload.object::<WarrantIn<'_>>()?.read("")?]
    };
    let written = write(&caller, Write::Warrants(warrants)).await?;
    Ok(wire::json(&TokenOut {
        warrant_token: caller.token(written.revision),
    }))
}

/// The filters of a list, in words.
#[derive(Hash)]
struct Filters {
    resource_type: Option<String>,
    resource_id: Option<String>,
    relation: Option<String>,
    subject_type: Option<String>,
    subject_id: Option<String>,
    subject_relation: Option<String>,
}

impl Filters {
    fn read(params: &Params) -> Result<Self> {
        let get = |name: &str| params.get(name).map(str::to_owned);
        let filters = Self {
            resource_type: get("resource_type"),
            resource_id: get("resource_id"),
            relation: get("relation"),
            subject_type: get("subject_type"),
            subject_id: get("subject_id"),
            subject_relation: get("subject_relation"),
        };
        if filters.resource_type.is_none() && (filters.resource_id.is_some() || filters.relation.is_some()) {
            return Err(ApiError::missing("resource_type"));
        }
        if filters.subject_type.is_none() && filters.subject_id.is_some() {
            return Err(ApiError::missing("subject_type"));
        }
        Ok(filters)
    }

    fn list<'c>(&self, caller: &'c Caller) -> List<'c> {
        List::new("warrants", caller, self)
    }

    /// In the graph's numbers. `None` if they name something that no warrant has.
    fn find(&self, graph: &Snapshot) -> Option<Filter> {
        let symbol = |name: &Option<String>| match name {
            None => Some(None),
            Some(name) => graph.symbol(name).map(Some),
        };
        let object = |resource_type: Option<Symbol>, id: &Option<String>| match (resource_type, id) {
            (Some(resource_type), Some(id)) => {
                let object = if id == "*" {
                    graph.wildcard(resource_type)
                } else {
                    graph.find(resource_type, id)
                };
                (object != ObjectId::ABSENT).then_some(Some(object))
            }
            _ => Some(None),
        };
        let resource_type = symbol(&self.resource_type)?;
        let subject_type = symbol(&self.subject_type)?;
        Some(Filter {
            resource_type,
            resource: object(resource_type, &self.resource_id)?,
            relation: symbol(&self.relation)?,
            subject_type,
            subject: object(subject_type, &self.subject_id)?,
            subject_relation: symbol(&self.subject_relation)?,
        })
    }
}

struct Filter {
    resource_type: Option<Symbol>,
    resource: Option<ObjectId>,
    relation: Option<Symbol>,
    subject_type: Option<Symbol>,
    subject: Option<ObjectId>,
    subject_relation: Option<Symbol>,
}

impl Filter {
    fn matches(&self, graph: &Snapshot, row: &WarrantRef) -> bool {
        self.resource.is_none_or(|resource| resource == row.resource)
            && self.subject.is_none_or(|subject| subject == row.subject)
            && self.relation.is_none_or(|relation| relation == row.relation)
            && self
                .subject_relation
                .is_none_or(|relation| relation == row.subject_relation)
            && self
                .resource_type
                .is_none_or(|wanted| wanted == graph.type_of(row.resource))
            && self
                .subject_type
                .is_none_or(|wanted| wanted == graph.type_of(row.subject))
    }

    /// The warrants at the resource or the subject that is named, oldest first. `None` when none is.
    fn adjacent(&self, graph: &Snapshot) -> Option<Vec<WarrantId>> {
        let ids = |edges: &mut dyn Iterator<Item = &Edge>| {
            let ids = edges.map(Edge::warrant);
            let fits = |id: &WarrantId| graph.warrant(*id).is_some_and(|row| self.matches(graph, row));
            let mut ids: Vec<WarrantId> = ids.filter(fits).collect();
            ids.sort_unstable();
            ids
        };
        let at_resource = self.resource.map(|resource| graph.subjects(resource));
        let at_subject = self.subject.map(|subject| graph.resources(subject));
        match (at_resource, at_subject) {
            (Some(resource), Some(subject)) if subject.len() < resource.len() => {
                Some(ids(&mut subject.all()))
            }
            (Some(resource), _) => Some(match self.relation {
                Some(relation) => ids(&mut resource.of(relation)),
                None => ids(&mut resource.all()),
            }),
            (None, Some(subject)) => Some(ids(&mut subject.all())),
            (None, None) => None,
        }
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    fresh: Fresh,
    params: Params,
) -> Result<Response> {
    let filters = Filters::read(&params)?;
    let paging = filters.list(&caller).paging::<Position>(&params)?;
    let published = fresh.read(&app, &caller).await?;
    let at = number(&published, &paging.from)?.map(WarrantId::from_number);
    app.long(move || page(&caller, &published, &filters, &paging, at))
        .await?
}

fn page(
    caller: &Caller,
    published: &Published,
    filters: &Filters,
    paging: &Paging<Position>,
    at: Option<WarrantId>,
) -> Result<Response> {
    let graph = &published.graph;
    let backwards = matches!(paging.from, From::Before(_));
    let ascending = (paging.order == Order::Asc) != backwards;
    let wanted = paging.limit + 1;
    let mut found = match filters.find(graph) {
        None => Vec::new(),
        Some(filter) => match filter.adjacent(graph) {
            Some(ids) => from_list(&ids, ascending, at, wanted),
            None => from_all(graph, &filter, ascending, at, wanted),
        },
    };
    let more = found.len() > paging.limit;
    found.truncate(paging.limit);
    if backwards {
        found.reverse();
    }
    let list = filters.list(caller);
    let cursor = |id: Option<&WarrantId>, wanted: bool| {
        let position = id.filter(|_| wanted).map(|id| Position {
            s: published.epoch,
            n: id.get(),
        });
        position
            .map(|position| list.write(paging.order, position))
            .transpose()
    };
    let (before, after) = paging.from.neighbours(more);
    let metadata = ListMetadata {
        before: cursor(found.first(), before)?,
        after: cursor(found.last(), after)?,
    };
    let rows = found.iter().filter_map(|id| graph.warrant(*id));
    Ok(wire::json(&ListOut::new(
        rows.map(|row| WarrantOut::stored(graph, row)).collect(),
        metadata,
    )))
}

/// The next warrants of a sorted list.
fn from_list(ids: &[WarrantId], ascending: bool, at: Option<WarrantId>, wanted: usize) -> Vec<WarrantId> {
    if ascending {
        let start = at.map_or(0, |at| ids.partition_point(|id| *id <= at));
        ids[start..].iter().copied().take(wanted).collect()
    } else {
        let end = at.map_or(ids.len(), |at| ids.partition_point(|id| *id < at));
        ids[..end].iter().rev().copied().take(wanted).collect()
    }
}

/// The next warrants of all there are.
fn from_all(
    graph: &Snapshot,
    filter: &Filter,
    ascending: bool,
    at: Option<WarrantId>,
    wanted: usize,
) -> Vec<WarrantId> {
    let fits = |(_, row): &(WarrantId, &WarrantRef)| filter.matches(graph, row);
    if ascending {
        let rest = graph.warrants_oldest_first(at);
        rest.filter(fits).take(wanted).map(|(id, _)| id).collect()
    } else {
        let rest = graph.warrants_newest_first(at);
        rest.filter(fits).take(wanted).map(|(id, _)| id).collect()
    }
}
