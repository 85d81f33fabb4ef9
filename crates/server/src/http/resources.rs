//! `/fga/v1/resources`

use axum::extract::State;
use axum::response::Response;
use rowgate_engine::query::page::Order;
use rowgate_environment::{NewResource, Published, StoredResource, Write};
use rowgate_graph::{ObjectId, Resource, Symbol};

use super::by_number::{self, Position, number};
use super::write;
use crate::cursor::{List, Paging};
use crate::error::{ApiError, Result};
use crate::extract::{Caller, Params, Payload, Segments};
use crate::state::App;
use crate::wire;
use crate::wire::resource::{BatchIn, BatchOut, MAX_BATCH, MetaIn, ResourceIn, ResourceOut};
use crate::wire::text::given;

pub(crate) async fn create(caller: Caller, payload: Payload) -> Result<Response> {
    let new = payload.object::<ResourceIn<'_>>()?.create("")?;
    one(write(&caller, Write::CreateResources(vec![new])).await?.resources)
}

pub(crate) async fn get(
    caller: Caller,
    Segments((resource_type, id)): Segments<(String, String)>,
) -> Result<Response> {
    let published = caller.read();
    let graph = &published.graph;
    let symbol = graph.symbol(&resource_type);
    let resource = symbol.and_then(|symbol| graph.resource(graph.find(symbol, &id)));
    match resource {
        Some(resource) => Ok(wire::json(&ResourceOut::stored(graph, &resource))),
        None => Err(ApiError::NotFound("Resource", format!("{resource_type}:{id}"))),
    }
}

pub(crate) async fn update(
    caller: Caller,
    Segments((resource_type, resource_id)): Segments<(String, String)>,
    payload: Payload,
) -> Result<Response> {
    let MetaIn { meta } = payload.object()?;
    one(write(
        &caller,
        Write::UpdateResource {
            resource_type,
            resource_id,
            meta,
        },
    )
    .await?
    .resources)
}

pub(crate) async fn delete(
    caller: Caller,
    Segments(resource): Segments<(String, String)>,
) -> Result<Response> {
    write(&caller, Write::DeleteResources(vec![resource])).await?;
    Ok(wire::empty())
}

pub(crate) async fn batch(caller: Caller, payload: Payload) -> Result<Response> {
    let BatchIn { op, resources } = payload.object()?;
    let resources = resources.ok_or_else(|| ApiError::missing("resources"))?;
    if resources.total > MAX_BATCH {
        let message = format!(
            "the batch has {} entries; at most {MAX_BATCH} are allowed",
            resources.total
        );
        return Err(ApiError::invalid("resources", message));
    }
    let entries = resources.items.into_iter().enumerate();
    let batch = match given(&op) {
        None => return Err(ApiError::missing("op")),
        Some("create") => {
            let new = entries.map(|(at, entry)| entry.0.create(&format!("resources[{at}].")));
            Write::CreateResources(new.collect::<Result<Vec<NewResource>>>()?)
        }
        Some("delete") => {
            let names = entries.map(|(at, entry)| entry.0.name(&format!("resources[{at}].")));
            Write::DeleteResources(names.collect::<Result<Vec<_>>>()?)
        }
        Some(_) => return Err(ApiError::invalid("op", "must be `create` or `delete`")),
    };
    let written = write(&caller, batch).await?;
    Ok(wire::json(&BatchOut {
        data: written.resources.iter().map(ResourceOut::from).collect(),
    }))
}

fn one(resources: Vec<StoredResource>) -> Result<Response> {
    let resource = resources
        .first()
        .ok_or_else(|| ApiError::Internal("a write without its resource".into()))?;
    Ok(wire::json(&ResourceOut::from(resource)))
}

struct Filter {
    resource_type: Option<String>,
    search: Option<String>,
}

impl Filter {
    fn list<'c>(&self, caller: &'c Caller) -> List<'c> {
        List::new("resources", caller, (&self.resource_type, &self.search))
    }
}

pub(crate) async fn list(State(app): State<App>, caller: Caller, params: Params) -> Result<Response> {
    let filter = Filter {
        resource_type: params.get("resource_type").map(str::to_owned),
        search: params.get("search").map(str::to_owned),
    };
    let paging = filter.list(&caller).paging::<Position>(&params)?;
    let published = caller.read();
    let at = number(&published, &paging.from)?.map(ObjectId::from_number);
    app.long(move || page(&caller, &published, &filter, &paging, at))
        .await?
}

fn page(
    caller: &Caller,
    published: &Published,
    filter: &Filter,
    paging: &Paging<Position>,
    at: Option<ObjectId>,
) -> Result<Response> {
    let graph = &published.graph;
    // No resource is of the type that has no name.
    let symbol = |name: &String| graph.symbol(name).unwrap_or(Symbol::NONE);
    let wanted_type = filter.resource_type.as_ref().map(symbol);
    let matches = |resource: &Resource<'_>| {
        filter.search.as_deref().is_none_or(|search| {
            resource.id.contains(search) || graph.name(resource.resource_type).contains(search)
        })
    };
    let next = |direction, wanted| {
        let rest: Box<dyn Iterator<Item = Resource<'_>>> = match (direction, wanted_type) {
            (Order::Asc, None) => Box::new(graph.resources_oldest_first(at)),
            (Order::Desc, None) => Box::new(graph.resources_newest_first(at)),
            (Order::Asc, Some(of)) => Box::new(graph.resources_of_type_oldest_first(of, at)),
            (Order::Desc, Some(of)) => Box::new(graph.resources_of_type_newest_first(of, at)),
        };
        rest.filter(matches).take(wanted).map(numbered).collect()
    };
    by_number::page(&filter.list(caller), published, paging, next, |resource| {
        ResourceOut::stored(graph, &resource)
    })
}

fn numbered(resource: Resource<'_>) -> (u32, Resource<'_>) {
    (resource.object.get(), resource)
}
