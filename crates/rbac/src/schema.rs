//! Types and permissions as types of the schema. This is the whole translation of what decides; the rest is warrants.
//!
//! ```text
//! type authz--role
//!     relation may_P [authz--membership]           a warrant for membership:*: the role carries P
//!
//! type authz--grant                                one role on one resource
//!     relation role   [authz--role]
//!     relation member [authz--membership, authz--group#member]
//!     relation may_P  []
//!     inherit may_P if
//!         all_of
//!             relation member
//!             relation may_P on role [authz--role]
//!
//! type authz-project
//!     relation parent [authz-workspace]
//!     relation grant  [authz--grant]
//!     relation may_P  []
//!     inherit may_P if
//!         any_of
//!             relation may_P on grant  [authz--grant]
//!             relation may_P on parent [authz-workspace]
//! ```
//!
//! Every type has every permission, because a check does not ask which type a permission was declared on. A type whose roles
//! cannot carry a permission only looks to its parents for it.

use rowgate_environment::reserved::is_reserved;
use rowgate_schema::ast::{GroupOp, Rule, Schema, SubjectType, TypeDef};
use rowgate_schema::build::{any, computed, edge, group, name, on, same, type_def};

use crate::hierarchy::Hierarchy;
use crate::names::{self, ORGANIZATION, relation};

/// A schema with its reserved types replaced by those of the types and permissions given.
pub(crate) fn with_types(schema: &Schema, hierarchy: &Hierarchy, permissions: &[(String, String)]) -> Schema {
    let mut schema = schema.clone();
    schema.types.retain(|ty| !is_reserved(&ty.name.text));
    schema.types.extend(types(hierarchy, permissions));
    schema
}

/// The reserved types. A permission is its slug and the type that it is declared on.
fn types(hierarchy: &Hierarchy, permissions: &[(String, String)]) -> Vec<TypeDef> {
    let environment = || edge(relation::ENVIRONMENT, &[names::ENVIRONMENT]);
    let organization = || edge(relation::ORGANIZATION, &[names::ORGANIZATION_TYPE]);
    let carried = permissions
        .iter()
        .map(|(slug, _)| edge(&names::permission_relation(slug), &[names::MEMBERSHIP]));
    let mut types = vec![
        type_def(names::ENVIRONMENT, vec![]),
        type_def(names::TYPE, vec![environment()]),
        type_def(names::PERMISSION, vec![environment()]),
        type_def(names::USER, vec![environment()]),
        type_def(
            names::MEMBERSHIP,
            vec![organization(), edge(relation::USER, &[names::USER])],
        ),
        type_def(
            names::GROUP,
            vec![
                organization(),
                edge(relation::MEMBER, &[names::MEMBERSHIP]),
                edge(relation::PARKED, &[names::MEMBERSHIP]),
            ],
        ),
        type_def(
            names::ROLE,
            [environment(), organization()]
                .into_iter()
                .chain(carried)
                .collect(),
        ),
        grant(permissions),
        resource_type(hierarchy, ORGANIZATION, permissions),
    ];
    let others = hierarchy.types();
    types.extend(others.map(|(slug, _)| resource_type(hierarchy, slug, permissions)));
    let mut named = vec![names::ORGANIZATION_TYPE.to_owned(), names::USER.to_owned()];
    named.extend(hierarchy.types().map(|(slug, _)| names::type_name(slug)));
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    types.push(type_def(names::NAME, vec![edge(relation::NAMES, &named)]));
    types
}

fn grant(permissions: &[(String, String)]) -> TypeDef {
    let mut member = edge(relation::MEMBER, &[names::MEMBERSHIP]);
    let members = SubjectType {
        resource_type: name(names::GROUP),
        relation: Some(name(relation::MEMBER)),
    };
    member.allowed.get_or_insert_default().push(members);
    let mut relations = vec![
        edge(relation::ROLE, &[names::ROLE]),
        member,
        edge(relation::PARKED, &[names::MEMBERSHIP]),
    ];
    relations.extend(permissions.iter().map(|(slug, _)| {
        let may = names::permission_relation(slug);
        // Membership comes first: it is one look-up, and it is where a search for everybody begins.
        let rules = vec![same(relation::MEMBER), on(&may, relation::ROLE, names::ROLE)];
        computed(&may, group(GroupOp::AllOf, rules))
    }));
    type_def(names::GRANT, relations)
}

fn resource_type(hierarchy: &Hierarchy, slug: &str, permissions: &[(String, String)]) -> TypeDef {
    let parents: Vec<String> = hierarchy
        .parents(slug)
        .iter()
        .map(|parent| names::type_name(parent))
        .collect();
    let mut relations = vec![edge(relation::GRANT, &[names::GRANT])];
    if slug == ORGANIZATION {
        relations.push(edge(relation::ENVIRONMENT, &[names::ENVIRONMENT]));
    } else {
        let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
        relations.push(edge(relation::PARENT, &parents));
    }
    relations.extend(permissions.iter().map(|(permission, of)| {
        let may = names::permission_relation(permission);
        let own = hierarchy
            .reaches(slug, of)
            .then(|| on(&may, relation::GRANT, names::GRANT));
        let inherited = parents.iter().map(|parent| on(&may, relation::PARENT, parent));
        let rules: Vec<Rule> = own.into_iter().chain(inherited).collect();
        computed(&may, any(rules))
    }));
    type_def(&names::type_name(slug), relations)
}
