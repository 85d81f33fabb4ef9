//! Brackets and rules.

use std::collections::HashSet;

use super::{Checker, relation_path};
use crate::ast::{GroupOp, Name, RelationDef, Rule, Span, TypeDef, Version};
use crate::diagnostic::{Diagnostic, Severity};
use crate::limits::MAX_RULE_DEPTH;

/// The relation whose rule is being checked, and the way down to the part at hand.
struct Place<'s> {
    ty: usize,
    def: &'s TypeDef,
    relation: &'s RelationDef,
    trail: Vec<usize>,
}

impl Place<'_> {
    fn path(&self, field: &str) -> String {
        let mut path = relation_path(self.ty, &self.relation.name.text);
        for at in &self.trail {
            path.push_str(&format!(".rules[{at}]"));
        }
        if !field.is_empty() {
            path.push('.');
            path.push_str(field);
        }
        path
    }
}

impl<'s> Checker<'s> {
    pub(super) fn relations(&mut self) {
        let schema = self.schema;
        for (ty, def) in schema.types.iter().enumerate() {
            for relation in &def.relations {
                self.brackets(ty, relation);
                let Some(rule) = &relation.rule else { continue };
                let mut place = Place {
                    ty,
                    def,
                    relation,
                    trail: Vec::new(),
                };
                self.rule(&mut place, rule);
                if only_itself(rule, &relation.name.text, 0) {
                    let name = &relation.name;
                    let message = format!("the rule of `{}` asks only for `{0}` itself", name.text);
                    let warning = Diagnostic::warning("self_recursive", message);
                    self.report(
                        warning.help("it never adds anything; leave it out"),
                        name.span,
                        || place.path(""),
                    );
                }
            }
        }
    }

    fn brackets(&mut self, ty: usize, relation: &'s RelationDef) {
        let Some(allowed) = &relation.allowed else { return };
        let name = &relation.name;
        if allowed.is_empty() && relation.rule.is_none() {
            let message = format!("nobody can ever have relation `{}`", name.text);
            let warning = Diagnostic::warning("empty_relation", message);
            let help = format!(
                "list its subjects in the brackets, or write `inherit {} if`",
                name.text
            );
            self.report(warning.help(help), name.span, || relation_path(ty, &name.text));
        }
        let mut seen = HashSet::new();
        for (at, subject) in allowed.iter().enumerate() {
            let path = || format!("{}.allowed_types[{at}]", relation_path(ty, &name.text));
            let of = &subject.resource_type;
            let group = subject.relation.as_ref();
            if !seen.insert((&of.text, group.map(|group| &group.text))) {
                let text = group.map(|group| format!("#{}", group.text)).unwrap_or_default();
                let message = format!("`{}{text}` is listed twice", of.text);
                self.report(Diagnostic::warning("duplicate_subject", message), of.span, path);
            }
            let Some(subject_ty) = self.index.type_at(&of.text) else {
                self.unknown_type(of, path);
                continue;
            };
            let Some(group) = group else { continue };
            if self.index.relation_at(&of.text, &group.text).is_none() {
                let message = format!("type `{}` has no relation `{}`", of.text, group.text);
                let help = self.similar_relation(Severity::Warning, subject_ty, &group.text);
                let warning = Diagnostic::warning("unknown_group", message).help_if(help);
                self.report(warning, group.span, path);
            }
        }
    }

    fn unknown_type(&mut self, ty: &Name, path: impl FnOnce() -> String) {
        let help = self.similar_type(Severity::Warning, &ty.text);
        let help = help.unwrap_or_else(|| format!("define it with `type {}`", ty.text));
        let message = format!("type `{}` is not defined", ty.text);
        self.report(
            Diagnostic::warning("unknown_type", message).help(help),
            ty.span,
            path,
        );
    }

    fn rule(&mut self, place: &mut Place<'s>, rule: &'s Rule) {
        match rule {
            Rule::Relation { relation } => self.known_relation(place, relation, "inherit_if"),
            Rule::On {
                relation,
                edge,
                resource_type,
            } => {
                self.known_relation(place, edge, "with_relation");
                self.far_relation(place, relation, resource_type);
                self.edge_leads_to(place, edge, resource_type);
            }
            Rule::Policy { policy } => self.known_policy(policy, || place.path("policy")),
            Rule::Group { op, rules, span } => {
                if rules.is_empty() {
                    let message = format!("`{}` has no rules", op.keyword());
                    self.report(Diagnostic::error("empty_operator", message), *span, || {
                        place.path("")
                    });
                }
                if place.trail.len() >= MAX_RULE_DEPTH {
                    let message = format!("more than {MAX_RULE_DEPTH} operators inside one another");
                    self.report(Diagnostic::error("nesting_too_deep", message), *span, || {
                        place.path("")
                    });
                    return;
                }
                for (at, rule) in rules.iter().enumerate() {
                    place.trail.push(at);
                    self.rule(place, rule);
                    place.trail.pop();
                }
            }
        }
    }

    /// A relation that must be one of the type the rule stands in.
    fn known_relation(&mut self, place: &Place<'s>, relation: &Name, field: &str) {
        if self
            .index
            .relation_at(&place.def.name.text, &relation.text)
            .is_none()
        {
            self.unknown_relation(place, place.ty, relation, field);
        }
    }

    /// The relation of `relation R on E [T]`, if T is known.
    fn far_relation(&mut self, place: &Place<'s>, relation: &Name, resource_type: &Name) {
        match self.index.type_at(&resource_type.text) {
            None => self.unknown_type(resource_type, || place.path("of_type")),
            Some(ty)
                if self
                    .index
                    .relation_at(&resource_type.text, &relation.text)
                    .is_none() =>
            {
                self.unknown_relation(place, ty, relation, "inherit_if");
            }
            Some(_) => {}
        }
    }

    fn unknown_relation(&mut self, place: &Place<'s>, ty: usize, relation: &Name, field: &str) {
        let def = &self.schema.types[ty];
        let message = format!("type `{}` has no relation `{}`", def.name.text, relation.text);
        let help = self.similar_relation(Severity::Error, ty, &relation.text);
        let error = Diagnostic::error("unknown_relation", message).help_if(help);
        self.report(error, relation.span, || place.path(field));
    }

    /// Warns where no warrant of the edge can lead to the type that the rule goes on with.
    fn edge_leads_to(&mut self, place: &Place<'s>, edge: &Name, resource_type: &Name) {
        if self.index.type_at(&resource_type.text).is_none() {
            return;
        }
        let Some((ty, at)) = self.index.relation_at(&place.def.name.text, &edge.text) else {
            return;
        };
        let Some(allowed) = &self.schema.types[ty].relations[at].allowed else {
            return;
        };
        let leads = allowed
            .iter()
            .any(|subject| subject.relation.is_none() && subject.resource_type.text == resource_type.text);
        if self.schema.version >= Version::V0_2 && !leads {
            let message = format!("`{}` never leads to a `{}`", edge.text, resource_type.text);
            let help = if allowed.is_empty() {
                format!(
                    "`on` follows warrants of `{}`, and its brackets allow none",
                    edge.text
                )
            } else {
                format!(
                    "add `{}` to the brackets of `relation {}`",
                    resource_type.text, edge.text
                )
            };
            let warning = Diagnostic::warning("edge_type_mismatch", message).help(help);
            self.report(warning, resource_type.span, || place.path("of_type"));
        }
    }

    fn known_policy(&mut self, policy: &Name, path: impl FnOnce() -> String + Clone) {
        if let Some(error) = self.needs_version("a `policy` rule", Version::V0_3) {
            self.report(error, policy.span, path.clone());
        }
        let schema = self.schema;
        if !self.has_policy(&policy.text) {
            let message = format!("policy `{}` is not defined", policy.text);
            let similar = self.sink.has_room(Severity::Error).then(|| {
                let names = schema.policies.iter().map(|policy| policy.name.text.as_str());
                rowgate_policy::suggest::did_you_mean(&policy.text, names)
            });
            let help = similar
                .flatten()
                .unwrap_or_else(|| format!("define it with `policy {}(…) {{ … }}`", policy.text));
            self.report(
                Diagnostic::error("missing_policy", message).help(help),
                policy.span,
                path,
            );
        }
    }
}

/// Whether a rule holds only where the relation it defines already does.
fn only_itself(rule: &Rule, relation: &str, depth: usize) -> bool {
    match rule {
        Rule::Relation { relation: asked } => asked.text == relation,
        Rule::Group { rules, .. } if rules.is_empty() || depth > MAX_RULE_DEPTH => false,
        Rule::Group {
            op: GroupOp::AnyOf,
            rules,
            ..
        } => rules.iter().all(|rule| only_itself(rule, relation, depth + 1)),
        Rule::Group {
            op: GroupOp::AllOf,
            rules,
            ..
        } => rules.iter().any(|rule| only_itself(rule, relation, depth + 1)),
        Rule::Group { .. } | Rule::On { .. } | Rule::Policy { .. } => false,
    }
}

/// Whether a subject that no warrant mentions may satisfy the rule or a part of it.
pub(super) fn holds_without_warrants(rule: &Rule) -> bool {
    match rule {
        Rule::Relation { .. } | Rule::On { .. } => false,
        Rule::Policy { .. }
        | Rule::Group {
            op: GroupOp::NoneOf, ..
        } => true,
        Rule::Group { rules, .. } => rules.iter().any(holds_without_warrants),
    }
}

/// The first place in a rule that depends on a relation by way of `none_of`.
pub(super) fn negative_place(
    checker: &Checker<'_>,
    def: &TypeDef,
    rule: &Rule,
    target: usize,
) -> Option<Span> {
    let mut place = None;
    checker
        .index
        .rule_dependencies(def, rule, false, &mut |to, negative, span| {
            if negative && to == target && place.is_none() {
                place = Some(span);
            }
        });
    place
}
