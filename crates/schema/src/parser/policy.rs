//! `policy NAME(parameters) { expression }`

use rowgate_policy::{ParamType, suggest};

use super::words::A_STATEMENT;
use super::{Parse, Parser};
use crate::ast::{LineStarts, Parameter, PolicyDef, Span};
use crate::body;
use crate::diagnostic::{Diagnostic, shown};
use crate::lexer::Kind;

impl Parser<'_> {
    pub(super) fn policy_block(&mut self) -> Parse<()> {
        self.close_type();
        let description = self.description();
        self.take_keyword(A_STATEMENT);
        let name = self.name("a name after `policy`")?;
        if self.peek().kind != Kind::LParen {
            let help = format!(
                "a policy is written `policy {}(parameters) {{ expression }}`",
                name.text
            );
            return Err(self.expected_with_help("`(`", help));
        }
        let (parameters, all_known) = self.parameters()?;
        let token = self.peek();
        if token.kind != Kind::Body {
            return Err(self.expected("`{` and the policy's expression"));
        }
        self.next();

        let text = self.text(token);
        let inside = &text[1..text.len() - usize::from(text.len() > 1 && text.ends_with('}'))];
        let (expression, lines) = body::dedent(inside);
        let offset = token.span.start + 1;
        let trimmed = inside.trim();
        let start = offset + (inside.len() - inside.trim_start().len()) as u32;
        if !all_known {
            self.unreadable.push(token.span);
        }
        self.schema.policies.push(PolicyDef {
            name,
            description,
            parameters,
            expression,
            expression_span: Span {
                start,
                end: start + trimmed.len() as u32,
            },
            expression_lines: LineStarts(lines.into_iter().map(|line| line as u32 + offset).collect()),
        });
        Ok(())
    }

    /// The `///` lines directly above the current token.
    fn description(&self) -> Option<String> {
        let from = self.tokens.docs.partition_point(|(below, _)| *below < self.at);
        let lines: Vec<&str> = self.tokens.docs[from..]
            .iter()
            .take_while(|(below, _)| *below == self.at)
            .map(|(_, span)| &self.tokens.source[span.start as usize..span.end as usize])
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    /// The parameters, and whether that is all of them.
    fn parameters(&mut self) -> Parse<(Vec<Parameter>, bool)> {
        self.next();
        let mut parameters = Vec::new();
        let mut all_known = true;
        if self.eat(Kind::RParen) {
            return Ok((parameters, all_known));
        }
        loop {
            let name = self.name("a parameter")?;
            if matches!(self.peek().kind, Kind::Comma | Kind::RParen) {
                let message = format!("parameter `{}` has no type", name.text);
                let help = format!("write `{} string`, or another of {}", name.text, type_list());
                self.soft(
                    Diagnostic::error("syntax_error", message)
                        .at(name.span)
                        .help(help),
                );
                all_known = false;
            } else {
                let ty = self.name("the parameter's type")?;
                match ParamType::parse(&ty.text) {
                    Some(ty) => parameters.push(Parameter { name, ty }),
                    None => {
                        let mut error = unknown_type(&ty.text).at(ty.span);
                        if ParamType::parse(&name.text).is_some() {
                            error = error.help(format!("the name comes first: `{} {}`", ty.text, name.text));
                        }
                        self.soft(error);
                        all_known = false;
                    }
                }
            }
            match self.peek().kind {
                Kind::RParen => {
                    self.next();
                    return Ok((parameters, all_known));
                }
                Kind::Comma => {
                    self.next();
                }
                _ => return Err(self.expected("`,` or `)`")),
            }
        }
    }
}

/// The error for a parameter type that does not exist.
pub(crate) fn unknown_type(ty: &str) -> Diagnostic {
    let types = ParamType::ALL.map(|ty| ty.keyword());
    let help =
        suggest::did_you_mean(ty, types).unwrap_or_else(|| format!("parameter types are {}", type_list()));
    Diagnostic::error(
        "unknown_parameter_type",
        format!("unknown parameter type `{}`", shown(ty)),
    )
    .help(help)
}

fn type_list() -> String {
    ParamType::ALL.map(|ty| format!("`{ty}`")).join(", ")
}
