//! Functions that evaluate a predicate for each element of an array.

use std::cmp::Ordering;

use super::operators::compare;
use super::{Eval, Frame, Machine, combine};
use crate::ast::{Expr, ExprKind};
use crate::builtins::Builtin;
use crate::fail::Fail;
use crate::value::{Seq, Value};

impl<'a> Machine<'a> {
    /// A function with a predicate; `arguments` are the array, the predicate and perhaps one more.
    pub(crate) fn each(&mut self, expr: &'a Expr, function: Builtin, arguments: &'a [Expr]) -> Eval<'a> {
        let (Some(list), Some(body)) = (arguments.first(), arguments.get(1)) else {
            return Err(Fail::wrong([], "a predicate is missing".to_owned()));
        };
        let body = match &body.kind {
            ExprKind::Predicate(body) => body,
            _ => body,
        };
        let seq = match self.eval(list)? {
            Value::Array(seq) => seq,
            other => return Err(self.mismatch(expr, list, &other, "an array")),
        };
        let extra = match arguments.get(2) {
            Some(extra) => Some(self.eval(extra)?),
            None => None,
        };
        self.frames.push(Frame {
            item: Value::Nil,
            index: 0,
            acc: None,
            list,
        });
        let result = self.run(
            &Each {
                expr,
                function,
                body,
                seq,
                arguments,
            },
            extra,
        );
        self.frames.pop();
        result
    }

    fn run(&mut self, each: &Each<'a>, extra: Option<Value<'a>>) -> Eval<'a> {
        match each.function {
            Builtin::Any => self.decided(each, true, true),
            Builtin::All => self.decided(each, false, false),
            Builtin::None => self.decided(each, true, false),
            Builtin::One => self.one(each),
            Builtin::Count => self.select(each).map(|kept| length(kept.len())),
            Builtin::Filter => self.select(each).and_then(|kept| self.build(kept)),
            Builtin::Map => self.values(each).and_then(|values| self.build(values)),
            Builtin::Find => self
                .find(each, false)
                .map(|found| found.map_or(Value::Nil, |(_, item)| item)),
            Builtin::FindLast => self
                .find(each, true)
                .map(|found| found.map_or(Value::Nil, |(_, item)| item)),
            Builtin::FindIndex => self
                .find(each, false)
                .map(|found| found.map_or(Value::Nil, |(at, _)| at)),
            Builtin::FindLastIndex => self
                .find(each, true)
                .map(|found| found.map_or(Value::Nil, |(at, _)| at)),
            Builtin::Sum => {
                let values = self.values(each)?;
                self.total(each.expr, &each.arguments[0], values)
            }
            Builtin::GroupBy => self.group(each),
            Builtin::SortBy => self.sort_by(each, extra),
            Builtin::Reduce => self.reduce(each, extra),
            _ => Err(Fail::wrong([], "the function takes no predicate".to_owned())),
        }
    }

    fn at(&mut self, each: &Each<'a>, index: u64) -> Result<Option<Value<'a>>, Fail> {
        let Some(item) = each.seq.get(index) else {
            return Ok(None);
        };
        self.steps(1)?;
        if let Some(frame) = self.frames.last_mut() {
            frame.item = item.clone();
            frame.index = index;
        }
        Ok(Some(item))
    }

    /// Stops with `answer` at an element whose truth is `decisive`; an unknown element leaves the answer open.
    fn decided(&mut self, each: &Each<'a>, decisive: bool, answer: bool) -> Eval<'a> {
        let mut unknown = None;
        let mut index = 0;
        while self.at(each, index)?.is_some() {
            match self.truth(each.body) {
                Ok(truth) if truth == decisive => return Ok(Value::Bool(answer)),
                Ok(_) => {}
                Err(fail) => unknown = Some(combine(unknown, fail)?),
            }
            index += 1;
        }
        unknown.map_or(Ok(Value::Bool(!answer)), Err)
    }

    /// A second element that holds decides, whatever is unknown.
    fn one(&mut self, each: &Each<'a>) -> Eval<'a> {
        let mut unknown = None;
        let mut index = 0;
        let mut held = 0;
        while self.at(each, index)?.is_some() {
            match self.truth(each.body) {
                Ok(truth) => held += u32::from(truth),
                Err(fail) => unknown = Some(combine(unknown, fail)?),
            }
            if held > 1 {
                return Ok(Value::Bool(false));
            }
            index += 1;
        }
        unknown.map_or(Ok(Value::Bool(held == 1)), Err)
    }

    fn select(&mut self, each: &Each<'a>) -> Result<Vec<Value<'a>>, Fail> {
        let mut kept = Vec::new();
        let mut index = 0;
        while let Some(item) = self.at(each, index)? {
            if self.truth(each.body)? {
                kept.push(item);
            }
            index += 1;
        }
        Ok(kept)
    }

    fn values(&mut self, each: &Each<'a>) -> Result<Vec<Value<'a>>, Fail> {
        let mut values = Vec::new();
        let mut index = 0;
        while self.at(each, index)?.is_some() {
            values.push(self.eval(each.body).map_err(Fail::settle)?);
            index += 1;
        }
        Ok(values)
    }

    fn find(&mut self, each: &Each<'a>, last: bool) -> Result<Option<(Value<'a>, Value<'a>)>, Fail> {
        let length = each.seq.len();
        for step in 0..length {
            let index = if last { length - 1 - step } else { step };
            let Some(item) = self.at(each, index)? else { break };
            if self.truth(each.body)? {
                return Ok(Some((i64::try_from(index).map_or(Value::Nil, Value::Int), item)));
            }
        }
        Ok(None)
    }

    fn build(&mut self, items: Vec<Value<'a>>) -> Eval<'a> {
        self.list(items).map(|list| Value::Array(Seq::Built(list)))
    }

    fn group(&mut self, each: &Each<'a>) -> Eval<'a> {
        let mut groups: Vec<(Value<'a>, Vec<Value<'a>>)> = Vec::new();
        let mut index = 0;
        while let Some(item) = self.at(each, index)? {
            let key = self.eval(each.body).map_err(Fail::settle)?;
            if matches!(key, Value::Array(_) | Value::Map(_)) {
                return Err(self.mismatch(each.expr, each.body, &key, "a string, a number or a boolean"));
            }
            self.read_key(&key, groups.len() as u64)?;
            match groups.iter_mut().find(|(known, _)| known.same_scalar(&key)) {
                Some((_, items)) => items.push(item),
                None => groups.push((key, vec![item])),
            }
            index += 1;
        }
        let mut entries = Vec::with_capacity(groups.len());
        for (key, items) in groups {
            entries.push((key, self.build(items)?));
        }
        self.dict(entries).map(Value::Map)
    }

    fn sort_by(&mut self, each: &Each<'a>, order: Option<Value<'a>>) -> Eval<'a> {
        let keys = self.values(each)?;
        let items = each.seq.iter().collect::<Vec<_>>();
        let pairs = keys.into_iter().zip(items).collect();
        let sorted = self.sorted(each.expr, &each.arguments[0], pairs, order.as_ref())?;
        self.build(sorted)
    }

    /// Sorts by keys that are all numbers, all strings, all dates or all durations.
    pub(crate) fn sorted(
        &mut self,
        expr: &'a Expr,
        list: &'a Expr,
        mut pairs: Vec<(Value<'a>, Value<'a>)>,
        order: Option<&Value<'a>>,
    ) -> Result<Vec<Value<'a>>, Fail> {
        let descending = match order.map(|order| order.as_str()) {
            None | Some(Some("asc")) => false,
            Some(Some("desc")) => true,
            Some(_) => return Err(self.wrong(expr, [], "the order is `\"asc\"` or `\"desc\"`")),
        };
        let length = pairs.len() as u64;
        for (key, _) in &pairs {
            self.read_key(key, u64::from(length.max(1).ilog2() + 1))?;
        }
        let first = pairs.first().map(|(key, _)| key.clone());
        if let Some(first) = first
            && let Some((key, _)) = pairs.iter().find(|(key, _)| compare(&first, key).is_none())
        {
            let why = format!("{} and {} cannot be ordered", first.kind(), key.kind());
            return Err(self.wrong(expr, [list], why));
        }
        pairs.sort_by(|(a, _), (b, _)| {
            let order = compare(a, b).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        });
        Ok(pairs.into_iter().map(|(_, item)| item).collect())
    }

    fn reduce(&mut self, each: &Each<'a>, initial: Option<Value<'a>>) -> Eval<'a> {
        let (mut acc, start) = match initial {
            Some(initial) => (initial, 0),
            None => match each.seq.get(0) {
                Some(first) => (first, 1),
                None => return Err(self.wrong(each.expr, [&each.arguments[0]], "the array is empty")),
            },
        };
        let mut index = start;
        while self.at(each, index)?.is_some() {
            if let Some(frame) = self.frames.last_mut() {
                frame.acc = Some(acc);
            }
            acc = self.eval(each.body).map_err(Fail::settle)?;
            index += 1;
        }
        Ok(acc)
    }
}

/// One call of a function with a predicate.
struct Each<'a> {
    expr: &'a Expr,
    function: Builtin,
    body: &'a Expr,
    seq: Seq<'a>,
    arguments: &'a [Expr],
}

pub(crate) fn length<'a>(length: usize) -> Value<'a> {
    i64::try_from(length).map_or(Value::Nil, Value::Int)
}
