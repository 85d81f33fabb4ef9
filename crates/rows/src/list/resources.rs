//! Which resources: one statement for a relation finds the ids of a bound type, in the order of the key, and every one of them is in
//! the list. The rows of the page are read once more to say which warrant or which column led there.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rowgate_engine::query::page::{Order, Page, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, EngineError, Subject};
use rowgate_rls::Begin;
use serde_json::Value;

use super::order::{compare_ids, directed};
use super::{List, Listed};
use crate::compiled;
use crate::reader::{Question, Reader};
use crate::{Error, Result};

/// `select TYPES where SUBJECT is RELATIONS`
pub(super) struct Resources<'r, 'a> {
    pub(super) reader: &'r Reader<'a>,
    pub(super) relations: &'r Names,
    pub(super) subject: Subject<'r>,
    pub(super) explicit: bool,
    pub(super) ambient: &'r Ambient<'r>,
}

impl Resources<'_, '_> {
    pub(super) fn page(&self, types: &Names, page: &Page) -> Result<List> {
        let backwards = page.before.is_some();
        let order = match (page.order, backwards) {
            (Order::Asc, false) | (Order::Desc, true) => Order::Asc,
            (Order::Desc, false) | (Order::Asc, true) => Order::Desc,
        };
        let from = page.before.as_ref().or(page.after.as_ref());
        let limit = page.limit.unwrap_or(usize::MAX - 1);
        let mut types = self.types(types)?;
        if order == Order::Desc {
            types.reverse();
        }
        let mut list = List::default();
        for resource_type in types {
            let from = match from.map(|from| (directed(order, resource_type.cmp(&from.resource_type)), from))
            {
                Some((Ordering::Less, _)) => continue,
                Some((Ordering::Equal, from)) => Some(from),
                _ => None,
            };
            // One more than is wanted tells whether there are more.
            let wanted = limit + 1 - list.rows.len();
            if wanted == 0 {
                break;
            }
            let found = if self.reader.is_bound(&resource_type) {
                self.bound(&resource_type, from, order, wanted)?
            } else {
                self.in_memory(&resource_type, from, order, wanted, &mut list)?
            };
            list.rows.extend(found);
        }
        list.more = list.rows.len() > limit;
        list.rows.truncate(limit);
        if backwards {
            list.rows.reverse();
        }
        Ok(list)
    }

    fn types(&self, names: &Names) -> Result<Vec<String>> {
        let model = &self.reader.published.model;
        let mut types: Vec<String> = match names {
            Names::All => model
                .schema()
                .types
                .iter()
                .map(|def| def.name.text.clone())
                .collect(),
            Names::These(names) => names.clone(),
        };
        if let Some(unknown) = types.iter().find(|name| model.type_def(name).is_none()) {
            return Err(EngineError::UnknownType(unknown.clone()).into());
        }
        types.sort_unstable();
        types.dedup();
        Ok(types)
    }

    /// The relations that the type declares, of those named.
    fn relations(&self, resource_type: &str) -> Vec<String> {
        let def = self.reader.published.model.type_def(resource_type);
        let declared = def
            .into_iter()
            .flat_map(|def| &def.relations)
            .map(|relation| &relation.name.text);
        let named = |name: &&String| match self.relations {
            Names::All => true,
            Names::These(names) => names.contains(name),
        };
        let chosen: BTreeSet<String> = declared.filter(named).cloned().collect();
        chosen.into_iter().collect()
    }

    fn in_memory(
        &self,
        resource_type: &str,
        from: Option<&RowKey>,
        order: Order,
        wanted: usize,
        list: &mut List,
    ) -> Result<Vec<Listed>> {
        let query = Query {
            explicit: self.explicit,
            select: Select::Resources {
                types: Names::These(vec![resource_type.to_owned()]),
                subject: Reference {
                    resource_type: self.subject.resource_type.to_owned(),
                    id: self.subject.id.to_owned(),
                },
                relations: self.relations.clone(),
            },
        };
        let page = Page {
            limit: Some(wanted),
            order,
            after: from.cloned(),
            before: None,
        };
        let view = self.reader.published.view();
        let found = view.query(&query, &page, self.ambient).map_err(|error| match error {
            EngineError::InTables(bound) => Error::Unsupported(format!(
                "`{resource_type}` is not bound to a table, and what is asked of it depends on rows of type `{bound}`: such a list cannot be made; \
                 list `{bound}`, or check the resources one by one"
            )),
            error => error.into(),
        })?;
        list.missing.extend(found.missing);
        list.problems.extend(found.problems);
        Ok(found.rows.iter().map(|row| Listed::of(&view, row)).collect())
    }

    fn bound(
        &self,
        resource_type: &str,
        from: Option<&RowKey>,
        order: Order,
        wanted: usize,
    ) -> Result<Vec<Listed>> {
        let relations = self.relations(resource_type);
        let mut keys: Vec<RowKey> = Vec::new();
        // The relations of the last page's last resource that come after the one it ended with.
        for relation in from
            .iter()
            .flat_map(|from| relations.iter().map(move |relation| (from, relation)))
        {
            let (from, relation) = relation;
            if directed(order, relation.cmp(&from.relation)) == Ordering::Greater
                && self.holds(from, relation, order)?
            {
                keys.push(RowKey {
                    relation: relation.clone(),
                    ..(*from).clone()
                });
            }
        }
        if order == Order::Desc {
            keys.reverse();
        }
        let mut found = Vec::new();
        for relation in &relations {
            found.push(self.ids(relation, (resource_type, from, Begin::After), order, wanted)?);
        }
        keys.extend(self.merge(resource_type, &relations, found, order));
        keys.truncate(wanted);
        self.listed(keys)
    }

    /// Whether a relation holds, as the database says: what a server knows of warrants may be older than the pages before.
    fn holds(&self, key: &RowKey, relation: &str, order: Order) -> Result<bool> {
        let at = (key.resource_type.as_str(), Some(key), Begin::At);
        let found = self.ids(relation, at, order, 1)?;
        Ok(found.first() == Some(&key.id))
    }

    fn question<'q>(&'q self, resource_type: &'q str, id: &'q str, relation: &'q str) -> Question<'q> {
        Question {
            resource: (resource_type, id),
            relation,
            subject: Some(self.subject),
        }
    }

    /// The ids of a bound type for which a relation holds, from the database.
    fn ids(
        &self,
        relation: &str,
        (resource_type, from, begin): (&str, Option<&RowKey>, Begin),
        order: Order,
        wanted: usize,
    ) -> Result<Vec<String>> {
        let statement = self.reader.compiled.query(&compiled::Query {
            resource_type: resource_type.to_owned(),
            relation: relation.to_owned(),
            subject_type: self.subject.resource_type.to_owned(),
            order: match order {
                Order::Asc => rowgate_rls::Order::Ascending,
                Order::Desc => rowgate_rls::Order::Descending,
            },
            begin,
            explicit: self.explicit,
        })?;
        let context = Value::Object(self.ambient.context.clone());
        let claims = self.ambient.claims.map(|claims| Value::Object(claims.clone()));
        let from = from.map(|from| from.id.as_str());
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let lines = self.reader.blocking_list(
            &statement.sql,
            &[
                &self.subject.id,
                &context,
                &claims,
                &from,
                &wanted,
                &self.ambient.now.0,
            ],
        )?;
        Ok(lines.iter().map(|line| line.get(0)).collect())
    }

    /// Ids of several relations, each in order, as rows in order.
    fn merge(
        &self,
        resource_type: &str,
        relations: &[String],
        found: Vec<Vec<String>>,
        order: Order,
    ) -> Vec<RowKey> {
        let several = found.iter().filter(|ids| !ids.is_empty()).count() > 1;
        let mut rows: Vec<RowKey> = Vec::new();
        for (relation, ids) in relations.iter().zip(found) {
            rows.extend(ids.into_iter().map(|id| RowKey {
                resource_type: resource_type.to_owned(),
                id,
                relation: relation.clone(),
            }));
        }
        if several {
            let key = self.reader.compiled.key(resource_type);
            rows.sort_by(|a, b| {
                let by_id = compare_ids(&key, &a.id, &b.id);
                directed(order, by_id.then_with(|| a.relation.cmp(&b.relation)))
            });
        }
        rows
    }

    /// What led to each row. The database has said that it holds; where memory is a moment behind it, nothing more is known.
    fn listed(&self, keys: Vec<RowKey>) -> Result<Vec<Listed>> {
        let questions: Vec<Question<'_>> = keys
            .iter()
            .map(|key| self.question(&key.resource_type, &key.id, &key.relation))
            .collect();
        self.reader.blocking_prefetch(&questions)?;
        let mut listed = Vec::with_capacity(keys.len());
        for (question, key) in questions.iter().zip(&keys) {
            let row = self.reader.blocking_ask(question, |view| {
                let row = view.row(
                    question.resource,
                    &key.relation,
                    self.subject,
                    self.explicit,
                    self.ambient,
                )?;
                Ok(row.map(|row| Listed::of(view, &row)))
            })?;
            listed.push(row.unwrap_or_else(|| Listed {
                key: key.clone(),
                warrant: None,
                is_implicit: true,
                meta: None,
            }));
        }
        Ok(listed)
    }
}
