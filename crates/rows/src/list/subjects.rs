//! Which subjects: the row of the resource and those it leads to are read, and the engine lists.

use std::cmp::Ordering;

use rowgate_engine::query::page::Page;
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, EngineError};

use super::order::directed;
use super::{List, Listed};
use crate::Result;
use crate::reader::{Question, Reader};

/// `select RELATIONS of type TYPES for RESOURCE`: a page of all subjects, which are found at once. Too many of them are an error.
pub(super) fn subjects(
    reader: &Reader<'_>,
    query: &Query,
    (relations, types, resource): (&Names, &Names, &Reference),
    page: &Page,
    ambient: &Ambient<'_>,
) -> Result<List> {
    let model = &reader.published.model;
    let def = model
        .type_def(&resource.resource_type)
        .ok_or_else(|| EngineError::UnknownType(resource.resource_type.clone()))?;
    let declared = def.relations.iter().map(|relation| relation.name.text.as_str());
    let chosen: Vec<&str> = match relations {
        Names::All => declared.collect(),
        Names::These(names) => declared
            .filter(|name| names.iter().any(|other| other == name))
            .collect(),
    };
    let mut list = List::default();
    for relation in chosen {
        let question = Question {
            resource: (&resource.resource_type, &resource.id),
            relation,
            subject: None,
        };
        // One relation at a time, for each has rows of its own; together they are cut into pages.
        let one = Query {
            explicit: query.explicit,
            select: Select::Subjects {
                relations: Names::These(vec![relation.to_owned()]),
                types: types.clone(),
                resource: resource.clone(),
            },
        };
        let all = Page {
            limit: None,
            order: page.order,
            ..Page::default()
        };
        let found = reader.blocking_ask(&question, |view| {
            let found = view.query(&one, &all, ambient)?;
            let rows: Vec<Listed> = found.rows.iter().map(|row| Listed::of(view, row)).collect();
            Ok((rows, found.missing, found.problems))
        })?;
        list.rows.extend(found.0);
        list.missing.extend(found.1);
        list.problems.extend(found.2);
    }
    for words in [&mut list.missing, &mut list.problems] {
        words.sort_unstable();
        words.dedup();
    }
    list.cut(page);
    Ok(list)
}

impl List {
    /// From all rows to those of a page.
    fn cut(&mut self, page: &Page) {
        let order = page.order;
        self.rows.sort_by(|a, b| directed(order, a.key.cmp(&b.key)));
        if let Some(after) = &page.after {
            self.rows
                .retain(|row| directed(order, row.key.cmp(after)) == Ordering::Greater);
        }
        if let Some(before) = &page.before {
            self.rows
                .retain(|row| directed(order, row.key.cmp(before)) == Ordering::Less);
        }
        let limit = page.limit.unwrap_or(usize::MAX);
        self.more = self.rows.len() > limit;
        if page.before.is_some() {
            self.rows.drain(..self.rows.len().saturating_sub(limit));
        } else {
            self.rows.truncate(limit);
        }
    }
}
