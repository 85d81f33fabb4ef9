//! `/organizations`

use axum::extract::State;
use rowgate_rbac::Reader;
use rowgate_rbac::change::organizations::{self, OrganizationFields};
use rowgate_rbac::input::{Fields, MAX_DOMAINS, MAX_LONG_NAME};
use rowgate_rbac::record::Organization;
use serde_json::Value;

use super::request::{Body, Params, Ready, Segments, page};
use super::{created, taken_along};
use crate::state::App;
use crate::wire;
use crate::wire::authorization::error::{Answer, Failure};
use crate::wire::authorization::{identity, list};

/// Longest name of a domain.
const MAX_DOMAIN: usize = 253;

pub(crate) async fn list(State(app): State<App>, ready: Ready, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    app.long(move || {
        let search = params.get("search").map(str::to_lowercase);
        let domains: Option<Vec<&str>> = params.get("domains").map(|list| list.split(',').collect());
        let all = Reader::new(&published.graph).organizations();
        let found = all.filter(|organization| {
            let named = |text: &String| organization.name().to_lowercase().contains(text);
            let has = |wanted: &Vec<&str>| {
                organization
                    .domains()
                    .iter()
                    .any(|(_, domain, _)| wanted.contains(domain))
            };
            search.as_ref().is_none_or(named) && domains.as_ref().is_none_or(has)
        });
        let listed = page.of(found.map(|one| (one.key().at(), one)), |one| one.key());
        let cursor = |one: &Organization<'_>| one.key().id("org");
        Ok::<_, Failure>(wire::json(&list::page(&listed, identity::organization, cursor)))
    })
    .await?
}

/// What a body says of an organization.
fn fields(body: &mut Fields, name: Option<String>) -> Answer<OrganizationFields> {
    let metadata = body.metadata()?;
    let mut said = OrganizationFields {
        name,
        external_id: body.new_external_id(),
        metadata,
        domains: domains(body),
        ..OrganizationFields::default()
    };
    if let Some(outside) = body.boolean("allow_profiles_outside_organization") {
        said.other
            .insert("allow_profiles_outside_organization".into(), outside.into());
    }
    if let Some(customer) = body.short_text("stripe_customer_id", MAX_LONG_NAME) {
        said.other.insert("stripe_customer_id".into(), customer.into());
    }
    body.check()?;
    Ok(said)
}

/// `domain_data`, or the older `domains` without states.
fn domains(body: &mut Fields) -> Option<Vec<(String, String)>> {
    let said = domain_names(body)?;
    if said.len() > MAX_DOMAINS {
        let message = format!("{} domains; at most {MAX_DOMAINS} are allowed", said.len());
        body.wrong("domains", "too_many", message);
    }
    if said
        .iter()
        .any(|(domain, state)| domain.len().max(state.len()) > MAX_DOMAIN)
    {
        let message = format!("a domain and its state have at most {MAX_DOMAIN} characters");
        body.wrong("domains", "too_long", message);
    }
    Some(said)
}

fn domain_names(body: &mut Fields) -> Option<Vec<(String, String)>> {
    if let Some(entries) = body.objects("domain_data") {
        let text = |entry: &serde_json::Map<String, Value>, name: &str| {
            entry.get(name).and_then(Value::as_str).map(str::to_owned)
        };
        let mut all = Vec::new();
        for entry in &entries {
            match text(entry, "domain") {
                Some(domain) => {
                    let state = text(entry, "state").unwrap_or_else(|| "pending".into());
                    all.push((domain, state));
                }
                None => body.wrong(
                    "domain_data",
                    "required",
                    "every entry of domain_data needs a domain",
                ),
            }
        }
        return Some(all);
    }
    let domains = body.texts("domains")?;
    Some(
        domains
            .into_iter()
            .map(|domain| (domain, "pending".into()))
            .collect(),
    )
}

pub(crate) async fn create(ready: Ready, Body(mut body): Body) -> Answer {
    let name = body.name(MAX_LONG_NAME);
    let said = fields(&mut body, Some(name))?;
    let id = ready
        .change(move |draft| organizations::create(draft, &said, None))
        .await?;
    created(ready.show(|read| Ok(identity::organization(&read.organization(&id)?)))?)
}

pub(crate) async fn get(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let found = ready.show(|read| Ok(identity::organization(&read.organization(&id)?)))?;
    Ok(wire::json(&found))
}

pub(crate) async fn get_by_external_id(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let found = ready.show(|read| Ok(identity::organization(&read.organization_by_external_id(&id)?)))?;
    Ok(wire::json(&found))
}

pub(crate) async fn update(ready: Ready, Segments(id): Segments<String>, Body(mut body): Body) -> Answer {
    ready.show(|read| read.organization(&id).map(|_| ()))?;
    let name = body.new_name(MAX_LONG_NAME);
    let said = fields(&mut body, name)?;
    let of = id.clone();
    ready
        .change(move |draft| organizations::update(draft, &of, &said))
        .await?;
    get(ready, Segments(id)).await
}

pub(crate) async fn delete(ready: Ready, Segments(id): Segments<String>) -> Answer {
    let removed = ready
        .change(move |draft| {
            organizations::delete(draft, &id)?;
            Ok(draft.removed())
        })
        .await?;
    Ok(taken_along(wire::empty(), &removed))
}
