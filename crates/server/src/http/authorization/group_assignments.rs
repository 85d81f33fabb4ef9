//! Role assignments of groups.

use rowgate_rbac::change::assignments::Placed;
use rowgate_rbac::change::group_assignments;
use rowgate_rbac::input::Fields;
use rowgate_rbac::{Error, GroupAssignment, Reader};

use super::request::{Body, Params, Ready, Segments, page};
use super::rows;
use super::{created, gone};
use crate::wire;
use crate::wire::authorization as out;
use crate::wire::authorization::error::Answer;
use crate::wire::authorization::list;

/// Most assignments of one request.
const MAX_ENTRIES: usize = 100;

/// A role, and a resource unless it is the organization.
fn placed(fields: &mut Fields) -> Placed {
    Placed {
        role: fields.required("role_slug"),
        target: fields.optional_target(),
    }
}

fn all_placed(fields: &mut Fields, name: &str) -> Answer<Option<Vec<Placed>>> {
    let Some(entries) = fields.objects(name) else {
        fields.check()?;
        return Ok(None);
    };
    let placed = entries.into_iter().map(|entry| {
        let mut entry = Fields::of(entry);
        let placed = placed(&mut entry);
        entry.check()?;
        Ok(placed)
    });
    placed.collect::<Answer<Vec<Placed>>>().map(Some)
}

/// Roles are not assigned on rows.
fn no_rows(ready: &Ready, placed: &[Placed]) -> Answer<()> {
    let published = ready.read();
    placed
        .iter()
        .try_for_each(|placed| rows::refuse_target(&published, placed.target.as_ref(), rows::ASSIGN_ABOVE))
}

fn at_most(count: usize) -> Answer<()> {
    if count <= MAX_ENTRIES {
        return Ok(());
    }
    let message = format!("{count} role assignments; at most {MAX_ENTRIES} are allowed");
    Err(Error::field("role_assignments", "too_many", message).into())
}

pub(crate) async fn list(ready: Ready, Segments(group): Segments<String>, params: Params) -> Answer {
    let page = page(&params)?;
    let published = ready.read();
    let all = Reader::new(&published.graph).group(&group)?.assignments();
    let listed = page.of(
        all.into_iter().map(|one| (one.created_at, one)),
        GroupAssignment::key,
    );
    Ok(wire::json(&list::page(
        &listed,
        out::group_assignment,
        GroupAssignment::wire_id,
    )))
}

pub(crate) async fn create(
    ready: Ready,
    Segments(group): Segments<String>,
    Body(mut fields): Body,
) -> Answer {
    ready.show(|read| read.group(&group).map(|_| ()))?;
    let placed = placed(&mut fields);
    fields.check()?;
    no_rows(&ready, std::slice::from_ref(&placed))?;
    let (id, wanted) = (group.clone(), placed.clone());
    ready
        .change(move |draft| group_assignments::assign(draft, &id, &wanted))
        .await?;
    created(ready.show(|read| {
        let found = group_assignments::find_one(read, &group, &placed)?;
        Ok(out::group_assignment(&found))
    })?)
}

pub(crate) async fn replace(
    ready: Ready,
    Segments(group): Segments<String>,
    params: Params,
    Body(mut fields): Body,
) -> Answer {
    ready.show(|read| read.group(&group).map(|_| ()))?;
    let all = all_placed(&mut fields, "role_assignments")?;
    let all =
        all.ok_or_else(|| Error::field("role_assignments", "required", "role_assignments is required"))?;
    at_most(all.len())?;
    no_rows(&ready, &all)?;
    let id = group.clone();
    ready
        .change(move |draft| group_assignments::replace(draft, &id, &all))
        .await?;
    list(ready, Segments(group), params).await
}

pub(crate) async fn patch(ready: Ready, Segments(group): Segments<String>, Body(mut fields): Body) -> Answer {
    ready.show(|read| read.group(&group).map(|_| ()))?;
    let add = all_placed(&mut fields, "add")?.unwrap_or_default();
    let remove = all_placed(&mut fields, "remove")?.unwrap_or_default();
    at_most(add.len() + remove.len())?;
    if add.is_empty() && remove.is_empty() {
        return Err(Error::field("add", "required", "give add, remove or both").into());
    }
    no_rows(&ready, &add)?;
    no_rows(&ready, &remove)?;
    ready
        .change(move |draft| group_assignments::patch(draft, &group, &add, &remove))
        .await?;
    Ok(gone())
}

pub(crate) async fn delete(
    ready: Ready,
    Segments(group): Segments<String>,
    Body(mut fields): Body,
) -> Answer {
    ready.show(|read| read.group(&group).map(|_| ()))?;
    let placed = placed(&mut fields);
    fields.check()?;
    no_rows(&ready, std::slice::from_ref(&placed))?;
    ready
        .change(move |draft| group_assignments::unassign(draft, &group, &placed))
        .await?;
    Ok(gone())
}

pub(crate) async fn get(ready: Ready, Segments((group, id)): Segments<(String, String)>) -> Answer {
    let found = ready.show(|read| {
        let found = group_assignments::by_id(&read.group(&group)?, &id)?;
        Ok(out::group_assignment(&found))
    })?;
    Ok(wire::json(&found))
}

pub(crate) async fn delete_by_id(ready: Ready, Segments((group, id)): Segments<(String, String)>) -> Answer {
    ready
        .change(move |draft| group_assignments::unassign_by_id(draft, &group, &id))
        .await?;
    Ok(gone())
}
