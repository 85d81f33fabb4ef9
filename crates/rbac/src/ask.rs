//! Questions, put to the engine. What is worked out here is whom and what to ask about; every yes is the engine's.

use rowgate_engine::query::page::{Order as EngineOrder, Page as EnginePage, RowKey};
use rowgate_engine::query::text::{Names, Query, Reference, Select};
use rowgate_engine::{Ambient, Decision, Value, View};
use rowgate_graph::Symbol;

use crate::Result;
use crate::names::{self, MEMBERSHIP};
use crate::page::{From, Listed, Order, Page};
use crate::read::{Reader, Target};
use crate::record::{Membership, Permission, Record, Resource};

/// Questions about one revision.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    read: Reader<'a>,
    view: View<'a>,
    ambient: &'a Ambient<'a>,
}

/// Which memberships a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those with a role on exactly this resource.
    Direct,
    /// Everybody with access.
    Indirect,
}

impl<'a> Asker<'a> {
    /// About the revision that a view is of.
    pub fn new(view: View<'a>, ambient: &'a Ambient<'a>) -> Self {
        Self {
            read: Reader::new(view.graph),
            view,
            ambient,
        }
    }

    /// The same, with a bound on the work of each decision.
    #[must_use]
    pub fn at_most(mut self, work: u64) -> Self {
        self.view.limits.work = work;
        self
    }

    /// Reads the same revision.
    pub fn read(&self) -> Reader<'a> {
        self.read
    }

    /// Whether a membership has a permission on a resource, by the names of a request. A permission that does not exist is one that nobody has.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for a membership or a resource that does not exist, and the limits of a decision.
    pub fn check_named(&self, membership: &str, permission: &str, target: &Target) -> Result<Decision> {
        let sought = self.read.seek_membership(membership);
        // Worked out while the membership is on its way from memory.
        let relation = self.read.permission_symbol(permission);
        let target = self.read.sought(target);
        let membership = sought.found()?;
        let organization = membership.organization()?;
        let resource = self.read.found(&organization, target, || {
            // Its warrants, which are on their way while the resource is waited for.
            self.read.graph.touch_resources(membership.object());
        })?;
        self.check_on(&membership, relation, &resource)
    }

    /// The same for a membership and a resource that were looked up.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn check(
        &self,
        membership: &Membership<'_>,
        permission: &str,
        resource: &Resource<'_>,
    ) -> Result<Decision> {
        self.check_on(membership, self.read.permission_symbol(permission), resource)
    }

    fn check_on(
        &self,
        membership: &Membership<'_>,
        relation: Option<Symbol>,
        on: &Record<'_>,
    ) -> Result<Decision> {
        let decision = self
            .view
            .check_found(on.object, relation, membership.object, self.ambient);
        Ok(decision?)
    }

    pub(crate) fn has(
        &self,
        membership: &Membership<'_>,
        relation: Option<Symbol>,
        on: &Record<'_>,
    ) -> Result<bool> {
        Ok(self.check_on(membership, relation, on)?.value == Value::True)
    }

    /// The permissions that a membership has on a resource, in any order.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn effective(&self, membership: &Membership<'_>, on: &Resource<'_>) -> Result<Vec<Permission<'a>>> {
        let mut held = Vec::new();
        for permission in self.read.permissions() {
            if self.has(membership, self.read.permission_symbol(&permission.slug()), on)? {
                held.push(permission);
            }
        }
        Ok(held)
    }

    /// What is directly under a resource and a membership has a permission on, in any order.
    ///
    /// Who has it on the parent has it on all of them. Otherwise only a role on the child itself can give it, so only those
    /// children are asked about on which the membership has one.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn children(
        &self,
        membership: &Membership<'a>,
        permission: &str,
        parent: &Resource<'a>,
    ) -> Result<Vec<Resource<'a>>> {
        let relation = self.read.permission_symbol(permission);
        if self.has(membership, relation, parent)? {
            return Ok(parent.children().collect());
        }
        let mut held: Vec<Resource<'a>> = Vec::new();
        for assignment in membership.assignments() {
            let child = assignment.resource;
            let is_child = child.parent().is_some_and(|up| up.object() == parent.object());
            let known = held.iter().any(|known| known.object() == child.object());
            if is_child && !known && self.has(membership, relation, &child)? {
                held.push(child);
            }
        }
        Ok(held)
    }

    /// The memberships that have a permission on a resource.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn memberships(
        &self,
        permission: &str,
        on: &Resource<'a>,
        reach: Reach,
        page: &Page,
    ) -> Result<Listed<Membership<'a>>> {
        let relation = names::permission_relation(permission);
        match reach {
            Reach::Indirect => self.holders(&relation, &[on.0], page),
            Reach::Direct => self.holders(&relation, &on.grants().collect::<Vec<_>>(), page),
        }
    }

    /// Who has a relation on any of these. Ids of memberships sort by creation, which is the order of the engine's pages.
    fn holders(&self, relation: &str, on: &[Record<'a>], page: &Page) -> Result<Listed<Membership<'a>>> {
        let from = page.plain_from();
        let key = |key: crate::Key| RowKey {
            resource_type: MEMBERSHIP.into(),
            id: key.id("om"),
            relation: relation.into(),
        };
        let engine_page = EnginePage {
            limit: Some(page.limit),
            order: match page.order {
                Order::Asc => EngineOrder::Asc,
                Order::Desc | Order::Normal => EngineOrder::Desc,
            },
            after: match from {
                From::After(cursor) => Some(key(cursor)),
                From::Start | From::Before(_) => None,
            },
            before: match from {
                From::Before(cursor) => Some(key(cursor)),
                From::Start | From::After(_) => None,
            },
        };
        let mut found: Vec<Membership<'a>> = Vec::new();
        let mut more = false;
        for record in on {
            let query = Query {
                explicit: false,
                select: Select::Subjects {
                    relations: Names::These(vec![relation.to_owned()]),
                    types: Names::These(vec![MEMBERSHIP.to_owned()]),
                    resource: Reference {
                        resource_type: record.type_name().to_owned(),
                        id: record.id().to_owned(),
                    },
                },
            };
            let rows = self.view.query(&query, &engine_page, self.ambient)?;
            more |= rows.more;
            let members = rows.rows.iter().filter_map(|row| self.read.record(row.object));
            found.extend(members.map(Membership));
        }
        found.sort_unstable_by(|a, b| match engine_page.order {
            EngineOrder::Asc => a.id().cmp(b.id()),
            EngineOrder::Desc => b.id().cmp(a.id()),
        });
        found.dedup_by_key(|membership| membership.object());
        more |= found.len() > page.limit;
        let backwards = matches!(from, From::Before(_));
        if backwards {
            found.drain(..found.len().saturating_sub(page.limit));
        } else {
            found.truncate(page.limit);
        }
        let continued = from != From::Start;
        Ok(Listed {
            rows: found,
            more_before: if backwards { more } else { continued },
            more_after: if backwards { continued } else { more },
            swapped: page.order == Order::Normal,
        })
    }
}

/// Where a permission comes from: a role on the resource or above it that carries it.
#[derive(Debug, Clone, Copy)]
pub struct Reason<'a> {
    /// The assignment that grants.
    pub assignment: crate::Assignment<'a>,
}

impl<'a> Asker<'a> {
    /// The assignments by which a membership has a permission on a resource: each is one that the engine says yes to by itself.
    ///
    /// # Errors
    /// The limits of a decision.
    pub fn reasons(
        &self,
        membership: &Membership<'a>,
        permission: &str,
        resource: &Resource<'a>,
    ) -> Result<Vec<Reason<'a>>> {
        let relation = self.read.permission_symbol(permission);
        let mut up = Some(*resource);
        let mut path = Vec::new();
        while let Some(at) = up {
            path.push(at.object());
            up = at.parent();
        }
        let mut reasons = Vec::new();
        for assignment in membership.assignments() {
            if path.contains(&assignment.resource.object())
                && self.has(membership, relation, &assignment.grant)?
            {
                reasons.push(Reason { assignment });
            }
        }
        reasons.sort_by_key(|reason| {
            path.iter()
                .position(|at| *at == reason.assignment.resource.object())
        });
        Ok(reasons)
    }

    /// What the membership can reach: every resource of the types given on which it has the permission.
    ///
    /// # Errors
    /// The limits of a decision, 404 for an unknown type.
    pub fn everywhere(
        &self,
        membership: &Membership<'a>,
        permission: &str,
        resource_type: &str,
    ) -> Result<Vec<Resource<'a>>> {
        if resource_type != names::ORGANIZATION {
            self.read.resource_type(resource_type)?;
        }
        let query = Query {
            explicit: false,
            select: Select::Resources {
                types: Names::These(vec![names::type_name(resource_type)]),
                subject: Reference {
                    resource_type: MEMBERSHIP.to_owned(),
                    id: membership.id().to_owned(),
                },
                relations: Names::These(vec![names::permission_relation(permission)]),
            },
        };
        let rows = self.view.query(&query, &EnginePage::default(), self.ambient)?;
        let found = rows.rows.iter().filter_map(|row| self.read.record(row.object));
        Ok(found.map(Resource).collect())
    }
}
