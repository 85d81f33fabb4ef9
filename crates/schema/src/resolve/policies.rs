//! Policies: names, parameters, and whether they compile.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use rowgate_policy::{Param, Policy};

use super::{Checker, policy_path};
use crate::ast::{PolicyDef, Span, Version};
use crate::diagnostic::Diagnostic;
use crate::names;

impl<'s> Checker<'s> {
    /// Compiles every policy that can be.
    pub(super) fn policies(&mut self) -> HashMap<String, Arc<Policy>> {
        let schema = self.schema;
        let mut compiled = HashMap::new();
        let mut seen = HashSet::new();
        for policy in &schema.policies {
            let name = &policy.name;
            let path = || policy_path(&name.text);
            if let Some(error) = self.needs_version("a policy", Version::V0_3) {
                self.report(error, name.span, path);
            }
            if let Some(error) = names::check("policy", &name.text) {
                self.report(error, name.span, path);
            }
            if !seen.insert(name.text.as_str()) {
                let message = format!("policy `{}` is defined twice", name.text);
                let error = Diagnostic::error("duplicate_policy", message).help("rename one of the two");
                self.report(error, name.span, path);
            }
            if let Some(policy) = self.policy(policy) {
                compiled.entry(name.text.clone()).or_insert(Arc::new(policy));
            }
        }
        compiled
    }

    fn policy(&mut self, def: &'s PolicyDef) -> Option<Policy> {
        let path = |at: usize| format!("{}.parameters[{at}]", policy_path(&def.name.text));
        let mut seen = HashSet::new();
        let mut usable = true;
        for (at, parameter) in def.parameters.iter().enumerate() {
            let name = &parameter.name;
            let error = if seen.insert(name.text.as_str()) {
                names::check_parameter(&name.text)
            } else {
                let message = format!("parameter `{}` is declared twice", name.text);
                Some(Diagnostic::error("duplicate_parameter", message))
            };
            if let Some(error) = error {
                usable = false;
                self.report(error, name.span, || path(at));
            }
        }
        if !usable {
            return None;
        }
        let parameters: Vec<Param> = def
            .parameters
            .iter()
            .map(|parameter| Param {
                name: parameter.name.text.clone(),
                ty: parameter.ty,
            })
            .collect();
        match Policy::compile_schema(&parameters, &def.expression) {
            Ok(policy) => {
                for unused in policy.unused_parameters() {
                    let at = def
                        .parameters
                        .iter()
                        .position(|p| p.name.text == unused)
                        .unwrap_or(0);
                    let message = format!("policy `{}` never reads parameter `{unused}`", def.name.text);
                    let span = def.parameters.get(at).map(|p| p.name.span).unwrap_or_default();
                    self.report(Diagnostic::warning("unused_parameter", message), span, || {
                        path(at)
                    });
                }
                Some(policy)
            }
            Err(error) => {
                let message = format!("policy `{}`: {}", def.name.text, error.message);
                let span = in_source(def, &error.span);
                let mut diagnostic = Diagnostic::error("invalid_policy", message).help_if(error.help);
                if span.is_empty() {
                    let place = format!("line {}, column {} of the expression", error.line, error.column);
                    diagnostic = diagnostic.note(place);
                }
                self.report(diagnostic, span, || {
                    format!("{}.expression", policy_path(&def.name.text))
                });
                None
            }
        }
    }

    pub(super) fn has_policy(&self, name: &str) -> bool {
        self.policy_names.contains(name)
    }
}

/// A place in a policy's expression, as a place in the source. Empty when the schema came from JSON.
fn in_source(def: &PolicyDef, place: &Range<usize>) -> Span {
    let lines = &def.expression_lines.0;
    let offset = |at: usize| {
        let before = def.expression.get(..at).unwrap_or(&def.expression);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count();
        lines
            .get(line)
            .map(|start| start + (before.len() - line_start) as u32)
    };
    match (offset(place.start), offset(place.end)) {
        // Nothing to underline: the character there, or the last one where the expression ends too soon.
        (Some(start), Some(end)) if start >= end => {
            let past_the_end = u32::from(place.start >= def.expression.len());
            let start = start.saturating_sub(past_the_end).max(def.expression_span.start);
            Span {
                start,
                end: start + 1,
            }
        }
        (Some(start), Some(end)) => Span { start, end },
        _ => def.expression_span,
    }
}
