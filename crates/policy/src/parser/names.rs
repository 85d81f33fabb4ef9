//! What a name means at the place where it stands.

use super::{Parsed, Parser};
use crate::ast::{Expr, ExprKind, Injected};
use crate::error::{ErrorCode, PolicyError};
use crate::lexer::TokenKind;
use crate::param::ParamType;
use crate::suggest::did_you_mean;

/// Words that are operators or begin a construct, and so cannot be variables.
const RESERVED: [&str; 14] = [
    "true",
    "false",
    "nil",
    "not",
    "in",
    "and",
    "or",
    "matches",
    "contains",
    "startsWith",
    "endsWith",
    "let",
    "if",
    "else",
];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

impl Parser<'_> {
    /// A name that is not called: a `let`, an injected map, a parameter or a context key.
    pub(super) fn name(&mut self) -> Parsed {
        let (name, span) = (self.text().to_owned(), self.span());
        self.next();
        let kind = if let Some(slot) = self.locals.iter().rposition(|local| *local == name) {
            ExprKind::Local { name, slot }
        } else if let Some(injected) = Injected::parse(&name) {
            ExprKind::Injected(injected)
        } else {
            self.variable(name, &span)?
        };
        self.node(kind, span)
    }

    /// A context key, or in a schema policy a declared parameter.
    pub(super) fn variable(&self, name: String, span: &std::ops::Range<usize>) -> Parsed<ExprKind> {
        let ty = self.declared(&name, span)?;
        Ok(ExprKind::Variable { name, ty })
    }

    fn declared(&self, name: &str, span: &std::ops::Range<usize>) -> Parsed<Option<ParamType>> {
        let Some(parameters) = self.parameters else {
            return Ok(None);
        };
        if let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) {
            return Ok(Some(parameter.ty));
        }
        let known = parameters.iter().map(|parameter| parameter.name.as_str());
        let names = known
            .chain(self.locals.iter().map(String::as_str))
            .chain(["check_ctx", "warrant_ctx"]);
        let help = match did_you_mean(name, names) {
            Some(suggestion) => suggestion,
            None if parameters.is_empty() => "this policy declares no parameters".to_owned(),
            None => {
                let list: Vec<_> = parameters.iter().map(|p| format!("`{}`", p.name)).collect();
                format!("the policy declares {}", list.join(", "))
            }
        };
        let message = format!("`{name}` is not a parameter of this policy");
        Err(PolicyError::new(ErrorCode::Undeclared, span.clone(), message).help(help))
    }

    /// `$env["key"]` and `$env.key` name a variable; any other use of `$env` would escape a schema policy's
    /// declarations.
    pub(super) fn env_key(&mut self, object: &Expr, key: &str) -> Parsed<Option<ExprKind>> {
        if !matches!(object.kind, ExprKind::Injected(Injected::Env)) {
            return Ok(None);
        }
        self.variable(key.to_owned(), &object.span).map(Some)
    }

    /// The name after `let`.
    pub(super) fn binding_name(&mut self) -> Parsed<String> {
        let name = self.text();
        if self.peek().kind != TokenKind::Word || is_reserved(name) {
            return Err(self.unexpected().help("a binding is written `let name = value;`"));
        }
        let hides = if self.locals.iter().any(|local| local == name) {
            Some("is already bound")
        } else if Injected::parse(name).is_some() {
            Some("is always defined and cannot be bound")
        } else if self
            .parameters
            .is_some_and(|all| all.iter().any(|parameter| parameter.name == name))
        {
            Some("is a parameter of this policy")
        } else {
            None
        };
        if let Some(why) = hides {
            let error = PolicyError::new(ErrorCode::Redeclared, self.span(), format!("`{name}` {why}"));
            return Err(error.help("choose another name for the binding"));
        }
        let name = name.to_owned();
        self.next();
        Ok(name)
    }
}
