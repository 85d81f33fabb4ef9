//! Strings. Positions are counted in characters.

use super::Builtin;
use super::call::Call;
use crate::eval::{Eval, Machine};
use crate::fail::Fail;
use crate::value::{Seq, Str, Value};

pub(super) fn call<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>) -> Eval<'a> {
    if function == Builtin::Join {
        return join(machine, call);
    }
    let text = call.text(machine, 0)?;
    machine.read_text(&text)?;
    match function {
        Builtin::Upper => built(machine, text.len(), || text.to_uppercase()),
        Builtin::Lower => built(machine, text.len(), || text.to_lowercase()),
        Builtin::Trim => {
            let trimmed = if call.has(1) {
                let cut = call.text(machine, 1)?;
                // Every character of a text is looked for among those to cut.
                machine.steps((text.len() as u64).saturating_mul(cut.len() as u64) / 16)?;
                text.trim_matches(|c| cut.contains(c))
            } else {
                text.trim()
            };
            part(&text, trimmed)
        }
        Builtin::TrimPrefix => {
            let prefix = affix(machine, call)?;
            part(&text, text.strip_prefix(&*prefix).unwrap_or(&text))
        }
        Builtin::TrimSuffix => {
            let suffix = affix(machine, call)?;
            part(&text, text.strip_suffix(&*suffix).unwrap_or(&text))
        }
        Builtin::Split | Builtin::SplitAfter => split(machine, function, call, &text),
        Builtin::Replace => replace(machine, call, &text),
        Builtin::Repeat => {
            let count = call.int(machine, 1)?;
            let count = u64::try_from(count).map_err(|_| call.mismatch(machine, 1, "a number of times"))?;
            machine.steps(count.saturating_mul(text.len() as u64).saturating_add(count / 16))?;
            let count = if text.is_empty() {
                0
            } else {
                usize::try_from(count).unwrap_or(0)
            };
            Ok(Value::text(text.repeat(count)))
        }
        Builtin::IndexOf | Builtin::LastIndexOf => {
            let wanted = call.text(machine, 1)?;
            let found = if function == Builtin::IndexOf {
                text.find(&*wanted)
            } else {
                text.rfind(&*wanted)
            };
            let before = found
                .and_then(|at| text.get(..at))
                .map(|before| before.chars().count());
            Ok(Value::Int(
                before.and_then(|before| i64::try_from(before).ok()).unwrap_or(-1),
            ))
        }
        Builtin::HasPrefix => Ok(Value::Bool(text.starts_with(&*call.text(machine, 1)?))),
        Builtin::HasSuffix => Ok(Value::Bool(text.ends_with(&*call.text(machine, 1)?))),
        _ => Err(call.wrong(machine, "not a function of strings")),
    }
}

/// What to trim from one end: a space unless it is given.
fn affix<'a>(machine: &Machine<'a>, call: &Call<'a>) -> Result<Str<'a>, Fail> {
    if call.has(1) {
        call.text(machine, 1)
    } else {
        Ok(Str::Borrowed(" "))
    }
}

/// A text whose building is paid for first. Changing the case can at most triple the length.
fn built<'a>(machine: &mut Machine<'a>, bytes: usize, build: impl FnOnce() -> String) -> Eval<'a> {
    machine.build_text(bytes.saturating_mul(3))?;
    Ok(Value::text(build()))
}

/// A part of a text, borrowed if the text is.
fn part<'a>(text: &Str<'a>, part: &str) -> Eval<'a> {
    let Str::Borrowed(whole) = text else {
        return Ok(Value::text(part));
    };
    let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
    Ok(match whole.get(start..start.saturating_add(part.len())) {
        Some(part) => Value::Str(Str::Borrowed(part)),
        None => Value::text(part),
    })
}

fn split<'a>(machine: &mut Machine<'a>, function: Builtin, call: &Call<'a>, text: &Str<'a>) -> Eval<'a> {
    let separator = call.text(machine, 1)?;
    let limit = if call.has(2) { call.int(machine, 2)? } else { -1 };
    machine.build_text(text.len())?;
    let limit = if limit < 0 {
        usize::MAX
    } else {
        usize::try_from(limit).unwrap_or(usize::MAX)
    };
    let parts = pieces(text, &separator, limit, function == Builtin::SplitAfter);
    let parts = parts.into_iter().map(Value::text).collect();
    Ok(Value::Array(Seq::Built(machine.list(parts)?)))
}

/// At most `limit` pieces, the last with what is left. An empty separator splits characters.
fn pieces<'t>(text: &'t str, separator: &str, limit: usize, keep: bool) -> Vec<&'t str> {
    let mut pieces = Vec::new();
    if limit == 0 || (separator.is_empty() && text.is_empty()) {
        return pieces;
    }
    let mut rest = text;
    while pieces.len() + 1 < limit {
        let (end, next) = if separator.is_empty() {
            match rest.char_indices().nth(1) {
                Some((at, _)) => (at, at),
                None => break,
            }
        } else {
            match rest.find(separator) {
                Some(at) => (if keep { at + separator.len() } else { at }, at + separator.len()),
                None => break,
            }
        };
        pieces.push(rest.get(..end).unwrap_or_default());
        rest = rest.get(next..).unwrap_or_default();
    }
    pieces.push(rest);
    pieces
}

fn replace<'a>(machine: &mut Machine<'a>, call: &Call<'a>, text: &Str<'a>) -> Eval<'a> {
    let (old, new) = (call.text(machine, 1)?, call.text(machine, 2)?);
    let limit = if call.has(3) { call.int(machine, 3)? } else { -1 };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // An empty text is found before every character and at the end.
    let found = if old.is_empty() {
        text.chars().count() + 1
    } else {
        text.matches(&*old).count()
    };
    let growth = found.min(limit).saturating_mul(new.len());
    machine.build_text(text.len().saturating_add(growth))?;
    Ok(Value::text(text.replacen(&*old, &new, limit)))
}

fn join<'a>(machine: &mut Machine<'a>, call: &Call<'a>) -> Eval<'a> {
    let seq = call.seq(machine, 0)?;
    let separator = if call.has(1) {
        call.text(machine, 1)?
    } else {
        Str::Borrowed("")
    };
    let mut joined = String::new();
    for (at, item) in seq.iter().enumerate() {
        let Value::Str(text) = &item else {
            return Err(call.wrong(
                machine,
                format!("an element is {}, expected a string", item.kind()),
            ));
        };
        machine.build_text(1 + text.len() + separator.len())?;
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(text);
    }
    Ok(Value::text(joined))
}
