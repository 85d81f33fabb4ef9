//! Pages of lists in which rows have a part.
//!
//! *Which resources* of a bound type: one statement for a relation finds the ids, in the order of the key, and every one of them is in the
//! list. The rows of the page are read once more to say which warrant or which column led there.
//!
//! *Which subjects* for a resource: its row and those it leads to are read, and the engine lists.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rowgate_engine::query::Row;
use rowgate_engine::query::page::{Order, Page, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Subject, View};
use rowgate_rls::ColumnType;
use serde_json::Value;

use crate::compiled;
use crate::reader::{Question, Reader};
use crate::{Error, Result};

/// A row of a list, in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Type, id and relation.
    pub key: RowKey,
    /// The warrant or the edge of a row that ends the chain; `None` when it holds by a policy or `none_of` alone.
    pub warrant: Option<ListedWarrant>,
    /// Whether rules were needed.
    pub is_implicit: bool,
    /// The metadata of the resource.
    pub meta: Option<Value>,
}

/// A warrant, or the edge of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedWarrant {
    /// Type and id of the resource, and the relation.
    pub on: RowKey,
    /// Type of the subject.
    pub subject_type: String,
    /// Id of the subject.
    pub subject_id: String,
    /// Relation of the subject, for a group.
    pub subject_relation: Option<String>,
    /// Policy text.
    pub policy: Option<String>,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    /// The rows in the requested order.
    pub rows: Vec<Listed>,
    /// Whether there are more beyond the page in the direction of reading.
    pub more: bool,
    /// Context keys that were missing where something stayed unknown.
    pub missing: Vec<String>,
    /// What was wrong with them, in words.
    pub problems: Vec<String>,
}

/// Answers a query in which rows have a part.
///
/// # Errors
/// Those of reading; [`Error::Unsupported`] for what one statement cannot list.
pub fn query(reader: &Reader<'_>, query: &Query, page: &Page, ambient: &Ambient<'_>) -> Result<List> {
    match &query.select {
        Select::Resources {
            types,
            subject,
            relations,
        } => Resources {
            reader,
            relations,
            subject: Subject {
                resource_type: &subject.resource_type,
                id: &subject.id,
                relation: None,
            },
            explicit: query.explicit,
            ambient,
        }
        .page(types, page),
        Select::Subjects {
            relations,
            types,
            resource,
        } => subjects(reader, query, (relations, types, resource), page, ambient),
    }
}

struct Resources<'r, 'a> {
    reader: &'r Reader<'a>,
    relations: &'r Names,
    subject: Subject<'r>,
    explicit: bool,
    ambient: &'r Ambient<'r>,
}

impl Resources<'_, '_> {
    fn page(&self, types: &Names, page: &Page) -> Result<List> {
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
            return Err(rowgate_engine::EngineError::UnknownType(unknown.clone()).into());
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
            rowgate_engine::EngineError::InTables(bound) => Error::Unsupported(format!(
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
                && self.holds(from, relation)?
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
            found.push(self.ids(resource_type, relation, from, order, wanted)?);
        }
        keys.extend(self.merge(resource_type, &relations, found, order)?);
        keys.truncate(wanted);
        self.listed(keys)
    }

    fn holds(&self, key: &RowKey, relation: &str) -> Result<bool> {
        let question = self.question(&key.resource_type, &key.id, relation);
        let resource = (key.resource_type.as_str(), key.id.as_str());
        self.reader.ask(&question, |view| {
            let row = view.row(resource, relation, self.subject, self.explicit, self.ambient)?;
            Ok(row.is_some())
        })
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
        resource_type: &str,
        relation: &str,
        from: Option<&RowKey>,
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
            explicit: self.explicit,
        })?;
        let context = Value::Object(self.ambient.context.clone());
        let claims = self.ambient.claims.map(|claims| Value::Object(claims.clone()));
        let from = from.map(|from| from.id.as_str());
        let wanted = i64::try_from(wanted).unwrap_or(i64::MAX);
        let lines = self.reader.connections().read(|connection| {
            connection.query(
                &statement.sql,
                &[&self.subject.id, &context, &claims, &from, &wanted],
            )
        })?;
        Ok(lines.iter().map(|line| line.get(0)).collect())
    }

    /// Ids of several relations, each in order, as rows in order.
    fn merge(
        &self,
        resource_type: &str,
        relations: &[String],
        found: Vec<Vec<String>>,
        order: Order,
    ) -> Result<Vec<RowKey>> {
        let several = found.iter().filter(|ids| !ids.is_empty()).count() > 1;
        let mut rows: Vec<RowKey> = Vec::new();
        for (relation, ids) in relations.iter().zip(found) {
            rows.extend(ids.into_iter().map(|id| RowKey {
                resource_type: resource_type.to_owned(),
                id,
                relation: relation.clone(),
            }));
        }
        if !several {
            return Ok(rows);
        }
        // In the order of the database: integers by their values, everything else by bytes.
        let integers = match self.reader.compiled.key(resource_type)[..] {
            [ColumnType::Integer] => true,
            [_] => false,
            _ => {
                let message =
                    format!("list one relation of `{resource_type}` at a time: its id has several columns");
                return Err(Error::Unsupported(message));
            }
        };
        let value = |row: &RowKey| row.id.parse::<i64>().ok().filter(|_| integers);
        rows.sort_by(|a, b| {
            let by_id = value(a).cmp(&value(b)).then_with(|| a.id.cmp(&b.id));
            directed(order, by_id.then_with(|| a.relation.cmp(&b.relation)))
        });
        Ok(rows)
    }

    /// What led to each row. The database has said that it holds; where memory is a moment behind it, nothing more is known.
    fn listed(&self, keys: Vec<RowKey>) -> Result<Vec<Listed>> {
        let questions: Vec<Question<'_>> = keys
            .iter()
            .map(|key| self.question(&key.resource_type, &key.id, &key.relation))
            .collect();
        self.reader.prefetch(&questions)?;
        let mut listed = Vec::with_capacity(keys.len());
        for (question, key) in questions.iter().zip(&keys) {
            let row = self.reader.ask(question, |view| {
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

fn directed(order: Order, ordering: Ordering) -> Ordering {
    match order {
        Order::Asc => ordering,
        Order::Desc => ordering.reverse(),
    }
}

fn subjects(
    reader: &Reader<'_>,
    query: &Query,
    (relations, types, resource): (&Names, &Names, &Reference),
    page: &Page,
    ambient: &Ambient<'_>,
) -> Result<List> {
    let model = &reader.published.model;
    let def = model
        .type_def(&resource.resource_type)
        .ok_or_else(|| rowgate_engine::EngineError::UnknownType(resource.resource_type.clone()))?;
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
        let found = reader.ask(&question, |view| {
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

impl Listed {
    fn of(view: &View<'_>, row: &Row) -> Self {
        let graph = view.graph;
        let key = |object, relation| RowKey {
            resource_type: graph.name(graph.type_of(object)).to_owned(),
            id: graph.id_of(object).to_owned(),
            relation: graph.name(relation).to_owned(),
        };
        let warrant = row
            .warrant
            .and_then(|warrant| graph.warrant(warrant))
            .map(|stored| {
                let subject = key(stored.subject, stored.relation);
                let group = Some(stored.subject_relation).filter(|relation| !relation.is_none());
                ListedWarrant {
                    on: key(stored.resource, stored.relation),
                    subject_type: subject.resource_type,
                    subject_id: subject.id,
                    subject_relation: group.map(|relation| graph.name(relation).to_owned()),
                    policy: graph.policy(stored.policy).map(|policy| policy.text().to_owned()),
                }
            });
        Self {
            key: key(row.object, row.relation),
            warrant,
            is_implicit: row.is_implicit,
            meta: graph
                .resource(row.object)
                .and_then(|resource| resource.meta)
                .cloned(),
        }
    }
}
