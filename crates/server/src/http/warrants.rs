//! `/fga/v1/warrants`

use axum::extract::State;
use axum::response::Response;
use rowgate_engine::query::page::Order;
use rowgate_environment::{Published, Write};
use rowgate_graph::{Edge, ObjectId, Snapshot, Symbol, WarrantId, WarrantRef};

use super::by_number::{self, Position, number};
use super::write;
use crate::cursor::{List, Paging};
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Fresh, Params, Payload};
use crate::state::App;
use crate::wire;
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
    fn adjacent<'g>(&self, graph: &'g Snapshot) -> Option<Vec<(WarrantId, &'g WarrantRef)>> {
        let fitting = |edges: &mut dyn Iterator<Item = &Edge>| {
            let all = edges.filter_map(|edge| Some((edge.warrant(), graph.warrant(edge.warrant())?)));
            let mut fitting: Vec<_> = all.filter(|(_, row)| self.matches(graph, row)).collect();
            fitting.sort_unstable_by_key(|(id, _)| *id);
            fitting
        };
        let at_resource = self.resource.map(|resource| graph.subjects(resource));
        let at_subject = self.subject.map(|subject| graph.resources(subject));
        match (at_resource, at_subject) {
            (Some(resource), Some(subject)) if subject.len() < resource.len() => {
                Some(fitting(&mut subject.all()))
            }
            (Some(resource), _) => Some(match self.relation {
                Some(relation) => fitting(&mut resource.of(relation)),
                None => fitting(&mut resource.all()),
            }),
            (None, Some(subject)) => Some(fitting(&mut subject.all())),
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
    let next = |direction, wanted| match filters.find(graph) {
        None => Vec::new(),
        Some(filter) => match filter.adjacent(graph) {
            Some(all) => from_list(&all, direction, at, wanted),
            None => from_all(graph, &filter, direction, at, wanted),
        },
    };
    by_number::page(&filters.list(caller), published, paging, next, |warrant| {
        WarrantOut::stored(graph, warrant)
    })
}

/// The next of a sorted list of warrants.
fn from_list<'g>(
    all: &[(WarrantId, &'g WarrantRef)],
    direction: Order,
    at: Option<WarrantId>,
    wanted: usize,
) -> Vec<(u32, &'g WarrantRef)> {
    let numbered = |(id, row): &(WarrantId, &'g WarrantRef)| (id.get(), *row);
    match direction {
        Order::Asc => {
            let start = at.map_or(0, |at| all.partition_point(|(id, _)| *id <= at));
            all[start..].iter().take(wanted).map(numbered).collect()
        }
        Order::Desc => {
            let end = at.map_or(all.len(), |at| all.partition_point(|(id, _)| *id < at));
            all[..end].iter().rev().take(wanted).map(numbered).collect()
        }
    }
}

/// The next of all the warrants there are.
fn from_all<'g>(
    graph: &'g Snapshot,
    filter: &Filter,
    direction: Order,
    at: Option<WarrantId>,
    wanted: usize,
) -> Vec<(u32, &'g WarrantRef)> {
    let fits = |(_, row): &(WarrantId, &WarrantRef)| filter.matches(graph, row);
    let numbered = |(id, row): (WarrantId, &'g WarrantRef)| (id.get(), row);
    match direction {
        Order::Asc => {
            let rest = graph.warrants_oldest_first(at);
            rest.filter(fits).take(wanted).map(numbered).collect()
        }
        Order::Desc => {
            let rest = graph.warrants_newest_first(at);
            rest.filter(fits).take(wanted).map(numbered).collect()
        }
    }
}
