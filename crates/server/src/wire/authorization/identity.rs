//! Organizations, users, memberships and groups.

use rowgate_rbac::record::{Group, Membership, Organization, User};
use serde_json::{Map, Value, json};

use super::time;

pub(crate) fn organization(organization: &Organization<'_>) -> Value {
    let at = (time(organization.created_at()), time(organization.updated_at()));
    let domains = organization.domains();
    let domain = |(id, domain, state): &(&str, &str, &str)| {
        json!({
            "object": "organization_domain",
            "id": id,
            "organization_id": organization.id(),
            "domain": domain,
            "state": state,
            "verification_strategy": "manual",
            "created_at": at.0,
            "updated_at": at.1,
        })
    };
    let mut fields = Map::new();
    fields.insert("object".into(), "organization".into());
    fields.insert("id".into(), organization.id().into());
    fields.insert("name".into(), organization.name().into());
    fields.insert("domains".into(), domains.iter().map(domain).collect());
    fields.insert("metadata".into(), organization.object_field("metadata").into());
    fields.insert("external_id".into(), organization.external_id().into());
    let outside = organization.flag("allow_profiles_outside_organization");
    fields.insert("allow_profiles_outside_organization".into(), outside.into());
    if let Some(customer) = organization.text("stripe_customer_id") {
        fields.insert("stripe_customer_id".into(), customer.into());
    }
    fields.insert("created_at".into(), at.0.into());
    fields.insert("updated_at".into(), at.1.into());
    Value::Object(fields)
}

pub(crate) fn user(user: &User<'_>) -> Value {
    json!({
        "object": "user",
        "id": user.id(),
        "email": user.email(),
        "email_verified": user.flag("email_verified"),
        "first_name": user.text("first_name"),
        "last_name": user.text("last_name"),
        "name": user.text("name"),
        "profile_picture_url": null,
        "external_id": user.external_id(),
        "metadata": user.object_field("metadata"),
        "last_sign_in_at": null,
        "locale": user.text("locale"),
        "created_at": time(user.created_at()),
        "updated_at": time(user.updated_at()),
    })
}

/// Without roles, as lists of members have it.
pub(crate) fn base(membership: &Membership<'_>) -> Value {
    Value::Object(base_fields(membership))
}

fn base_fields(membership: &Membership<'_>) -> Map<String, Value> {
    let organization = membership.organization().ok();
    let owner = membership.user().ok();
    let fields = json!({
        "object": "organization_membership",
        "id": membership.id(),
        "user_id": owner.map(|user| user.id()),
        "organization_id": organization.map(|organization| organization.id()),
        "organization_name": organization.map(|organization| organization.name()),
        "status": membership.status().word(),
        "directory_managed": false,
        "custom_attributes": {},
        "user": owner.map(|owner| user(&owner)),
        "created_at": time(membership.created_at()),
        "updated_at": time(membership.updated_at()),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

pub(crate) fn membership(membership: &Membership<'_>) -> Value {
    let mut fields = base_fields(membership);
    let roles: Vec<Value> = membership
        .organization_roles(rowgate_environment::now())
        .iter()
        .map(|slug| json!({"slug": slug}))
        .collect();
    // Clients need one, also of a membership whose roles are all over.
    let none = || json!({"slug": membership.default_role()});
    fields.insert("role".into(), roles.first().cloned().unwrap_or_else(none));
    fields.insert("roles".into(), roles.into());
    Value::Object(fields)
}

pub(crate) fn group(group: &Group<'_>) -> Value {
    json!({
        "object": "group",
        "id": group.id(),
        "organization_id": group.organization().map(|organization| organization.id()).unwrap_or_default(),
        "name": group.name(),
        "description": group.description(),
        "created_at": time(group.created_at()),
        "updated_at": time(group.updated_at()),
    })
}
