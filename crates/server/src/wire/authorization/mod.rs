//! The JSON shapes of `/authorization` and of the things around it. Every field that a client library requires is always there.

pub(crate) mod error;
pub(crate) mod identity;
pub(crate) mod list;

use rowgate_rbac::record::{Permission, Resource, Role};
use rowgate_rbac::{Assignment, GroupAssignment};
use serde_json::{Map, Value, json};

/// Microseconds since the Unix epoch as the clients expect it: UTC, to the millisecond.
pub(crate) fn time(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

pub(crate) fn permission(permission: &Permission<'_>) -> Value {
    json!({
        "object": "permission",
        "id": permission.wire_id(),
        "slug": permission.slug(),
        "name": permission.name(),
        "description": permission.description(),
        "system": false,
        "resource_type_slug": permission.resource_type(),
        "created_at": time(permission.created_at()),
        "updated_at": time(permission.updated_at()),
    })
}

pub(crate) fn role(role: &Role<'_>) -> Value {
    json!({
        "object": "role",
        "id": role.wire_id(),
        "slug": role.slug(),
        "name": role.name(),
        "description": role.description(),
        "type": if role.is_custom() { "OrganizationRole" } else { "EnvironmentRole" },
        "resource_type_slug": role.resource_type(),
        "permissions": role.permissions(),
        "created_at": time(role.created_at()),
        "updated_at": time(role.updated_at()),
    })
}

pub(crate) fn resource(resource: &Resource<'_>) -> Value {
    json!({
        "object": "authorization_resource",
        "id": resource.wire_id(),
        "external_id": resource.external_id(),
        "name": resource.name(),
        "description": resource.description(),
        "resource_type_slug": resource.resource_type(),
        "organization_id": resource.organization().map(|organization| organization.id()).unwrap_or_default(),
        "parent_resource_id": resource.parent().map(|parent| parent.wire_id()),
        "created_at": time(resource.created_at()),
        "updated_at": time(resource.updated_at()),
    })
}

fn short(resource: &Resource<'_>) -> Value {
    json!({
        "id": resource.wire_id(),
        "external_id": resource.external_id(),
        "resource_type_slug": resource.resource_type(),
    })
}

pub(crate) fn assignment(assignment: &Assignment<'_>) -> Value {
    let source = match &assignment.through {
        None => json!({"type": "direct", "group_role_assignment_id": null, "group": null}),
        Some(through) => json!({
            "type": "group",
            "group_role_assignment_id": through.wire_id(),
            "group": {"id": through.group.id(), "name": through.group.name()},
        }),
    };
    let mut fields = Map::new();
    fields.insert("object".into(), "role_assignment".into());
    fields.insert("id".into(), assignment.wire_id().into());
    fields.insert(
        "organization_membership_id".into(),
        assignment.membership.id().into(),
    );
    fields.insert("role".into(), json!({"slug": assignment.role.slug()}));
    fields.insert("resource".into(), short(&assignment.resource));
    fields.insert("source".into(), source);
    // Beyond the API, and only where there is something to say.
    let condition = assignment.condition();
    if let Some(expires_at) = condition.expires_at {
        fields.insert("expires_at".into(), expires_at.into());
    }
    if let Some(policy) = condition.policy {
        fields.insert("condition".into(), policy.into());
    }
    fields.insert("created_at".into(), time(assignment.created_at).into());
    fields.insert("updated_at".into(), time(assignment.created_at).into());
    Value::Object(fields)
}

pub(crate) fn group_assignment(assignment: &GroupAssignment<'_>) -> Value {
    json!({
        "object": "group_role_assignment",
        "id": assignment.wire_id(),
        "group_id": assignment.group.id(),
        "role": {"slug": assignment.role.slug()},
        "resource": short(&assignment.resource),
        "created_at": time(assignment.created_at),
        "updated_at": time(assignment.created_at),
    })
}
