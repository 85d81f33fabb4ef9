//! What a schema says about the resource types and permissions of the authorization API.

use std::collections::BTreeSet;

use rowgate_schema::Model;
use rowgate_schema::ast::{RelationDef, Rule};

use crate::authz::{self, ORGANIZATION, ORGANIZATION_TYPE, relation};

/// The resource types of a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Types<'m> {
    model: &'m Model,
}

impl<'m> Types<'m> {
    pub(super) fn of(model: &'m Model) -> Self {
        Self { model }
    }

    /// The slugs, `organization` included.
    pub(super) fn slugs(self) -> impl Iterator<Item = &'m str> {
        let all = self.model.schema().types.iter();
        all.filter_map(|def| authz::type_slug(&def.name.text))
    }

    pub(super) fn has(self, slug: &str) -> bool {
        !slug.starts_with('-') && self.model.type_def(&authz::type_name(slug)).is_some()
    }

    /// The slugs of the types that resources of a type can be under.
    pub(super) fn parents(self, slug: &str) -> Vec<&'m str> {
        let parent = self.relation(slug, relation::PARENT);
        let allowed = parent.and_then(|def| def.allowed.as_ref());
        let allowed = allowed.into_iter().flatten();
        allowed
            .filter_map(|subject| authz::type_slug(&subject.resource_type.text))
            .collect()
    }

    /// A type and everything above it.
    pub(super) fn above<'s>(self, slug: &'s str) -> BTreeSet<&'s str>
    where
        'm: 's,
    {
        let mut found = BTreeSet::new();
        let mut open = vec![slug];
        while let Some(slug) = open.pop() {
            if found.insert(slug) {
                open.extend(self.parents(slug));
            }
        }
        found
    }

    /// The slugs of all permissions.
    pub(super) fn permissions(self) -> Vec<String> {
        let organization = self.model.type_def(ORGANIZATION_TYPE);
        let relations = organization.into_iter().flat_map(|def| &def.relations);
        relations
            .filter_map(|def| authz::permission_slug(&def.name.text))
            .collect()
    }

    /// The type that a permission is declared on: the lowest one whose roles can carry it. `None` for one that does not exist.
    pub(super) fn declared_on(self, permission: &str) -> Option<&'m str> {
        let may = authz::permission_relation(permission);
        self.relation(ORGANIZATION, &may)?;
        let carries = |slug: &&str| {
            let def = self.relation(slug, &may);
            def.and_then(|def| def.rule.as_ref()).is_some_and(on_grant)
        };
        let carrying: Vec<&str> = self.slugs().filter(carries).collect();
        let above: BTreeSet<&str> = carrying.iter().flat_map(|slug| self.parents(slug)).collect();
        carrying.into_iter().find(|slug| !above.contains(slug))
    }

    fn relation(self, slug: &str, relation: &str) -> Option<&'m RelationDef> {
        self.model.relation(&authz::type_name(slug), relation)
    }
}

/// Whether a rule looks at the grants on the resource itself.
fn on_grant(rule: &Rule) -> bool {
    match rule {
        Rule::On { edge, .. } => edge.text == relation::GRANT,
        Rule::Group { rules, .. } => rules.iter().any(on_grant),
        Rule::Relation { .. } | Rule::Policy { .. } => false,
    }
}
