//! Worlds by hand, for tests that read like examples.
//!
//! ```
//! use rowgate_testkit::builder::{any_of, on, rel};
//! use rowgate_testkit::{Context, Oracle, Value, World};
//!
//! let world = World::default()
//!     .relation("folder", "viewer")
//!     .relation("doc", "parent")
//!     .rule("doc", "viewer", any_of([rel("editor"), on("viewer", "parent", "folder")]))
//!     .warrant("folder:f#viewer@user:ann")
//!     .warrant("doc:d#parent@folder:f");
//! let oracle = Oracle::new(&world, &Context::new(), 0);
//! assert_eq!(oracle.holds("doc:d", "viewer", "user:ann"), Ok(Value::True));
//! ```

use crate::names::Resource;
use crate::world::{Warrant, World};
use rowgate_policy::ParamType;
use rowgate_schema::ast::{
    GroupOp, Name, Parameter, PolicyDef, RelationDef, Rule, Span, SubjectType, TypeDef,
};

/// A name without a place in a source.
pub fn name(text: &str) -> Name {
    Name {
        text: text.to_owned(),
        span: Span::default(),
    }
}

/// `relation RELATION`
pub fn rel(relation: &str) -> Rule {
    Rule::Relation {
        relation: name(relation),
    }
}

/// `relation RELATION on EDGE [TYPE]`
pub fn on(relation: &str, edge: &str, resource_type: &str) -> Rule {
    Rule::On {
        relation: name(relation),
        edge: name(edge),
        resource_type: name(resource_type),
    }
}

/// `policy POLICY`
pub fn policy(policy: &str) -> Rule {
    Rule::Policy { policy: name(policy) }
}

/// `any_of`
pub fn any_of(rules: impl IntoIterator<Item = Rule>) -> Rule {
    group(GroupOp::AnyOf, rules)
}

/// `all_of`
pub fn all_of(rules: impl IntoIterator<Item = Rule>) -> Rule {
    group(GroupOp::AllOf, rules)
}

/// `none_of`
pub fn none_of(rules: impl IntoIterator<Item = Rule>) -> Rule {
    group(GroupOp::NoneOf, rules)
}

/// An operator over rules.
pub fn group(op: GroupOp, rules: impl IntoIterator<Item = Rule>) -> Rule {
    Rule::Group {
        op,
        rules: rules.into_iter().collect(),
        span: Span::default(),
    }
}

impl World {
    /// Declares a type.
    #[must_use]
    pub fn with_type(mut self, resource_type: &str) -> Self {
        self.type_mut(resource_type);
        self
    }

    /// Declares a relation without a rule, open to any subject.
    #[must_use]
    pub fn relation(mut self, resource_type: &str, relation: &str) -> Self {
        self.relation_mut(resource_type, relation);
        self
    }

    /// Declares a relation that is restricted to subjects such as `user` and `team#member`.
    #[must_use]
    pub fn restricted(mut self, resource_type: &str, relation: &str, subjects: &[&str]) -> Self {
        let subject_type = |text: &&str| {
            let (of, relation) = text
                .split_once('#')
                .map_or((*text, None), |(of, r)| (of, Some(name(r))));
            SubjectType {
                resource_type: name(of),
                relation,
            }
        };
        let allowed = subjects.iter().map(subject_type).collect();
        self.relation_mut(resource_type, relation).allowed = Some(allowed);
        self
    }

    /// Declares a relation, if it is not, and gives it a rule.
    #[must_use]
    pub fn rule(mut self, resource_type: &str, relation: &str, rule: Rule) -> Self {
        self.relation_mut(resource_type, relation).rule = Some(rule);
        self
    }

    /// Declares a schema policy.
    #[must_use]
    pub fn with_policy(mut self, policy: &str, params: &[(&str, ParamType)], expression: &str) -> Self {
        let parameter = |(key, ty): &(&str, ParamType)| Parameter {
            name: name(key),
            ty: *ty,
        };
        self.schema.policies.push(PolicyDef {
            name: name(policy),
            parameters: params.iter().map(parameter).collect(),
            expression: expression.to_owned(),
            ..PolicyDef::default()
        });
        self
    }

    /// Stores `resource#relation@subject`.
    #[must_use]
    pub fn warrant(self, tuple: &str) -> Self {
        self.store(tuple, None)
    }

    /// Stores a warrant with a policy.
    #[must_use]
    pub fn warrant_if(self, tuple: &str, policy: &str) -> Self {
        self.store(tuple, Some(policy))
    }

    /// Creates a resource.
    #[must_use]
    pub fn resource(mut self, resource: &str, meta: Option<serde_json::Value>) -> Self {
        self.resources.insert(Resource::from(resource), meta);
        self
    }

    fn store(mut self, tuple: &str, policy: Option<&str>) -> Self {
        let created_at = i64::try_from(self.warrants.len()).expect("a small world");
        self.warrants.push(Warrant {
            policy: policy.map(str::to_owned),
            ..Warrant::parse(tuple, created_at)
        });
        self
    }

    fn type_mut(&mut self, resource_type: &str) -> &mut TypeDef {
        let types = &mut self.schema.types;
        let at = types
            .iter()
            .position(|t| t.name.text == resource_type)
            .unwrap_or_else(|| {
                types.push(TypeDef {
                    name: name(resource_type),
                    relations: Vec::new(),
                });
                types.len() - 1
            });
        &mut types[at]
    }

    fn relation_mut(&mut self, resource_type: &str, relation: &str) -> &mut RelationDef {
        let relations = &mut self.type_mut(resource_type).relations;
        let at = relations
            .iter()
            .position(|r| r.name.text == relation)
            .unwrap_or_else(|| {
                relations.push(RelationDef {
                    name: name(relation),
                    allowed: None,
                    rule: None,
                });
                relations.len() - 1
            });
        &mut relations[at]
    }
}

impl Warrant {
    /// A warrant without a policy, written `type:id#relation@subject`.
    ///
    /// # Panics
    /// When it is not written like that.
    pub fn parse(tuple: &str, created_at: i64) -> Self {
        let (resource, rest) = tuple
            .split_once('#')
            .expect("a warrant is written `type:id#relation@subject`");
        let (relation, subject) = rest
            .split_once('@')
            .expect("a warrant is written `type:id#relation@subject`");
        Self {
            resource: Resource::from(resource),
            relation: relation.to_owned(),
            subject: subject.into(),
            policy: None,
            created_at,
        }
    }
}
