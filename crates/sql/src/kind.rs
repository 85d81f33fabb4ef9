//! How values of a type look in JSON.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use postgres_protocol::Oid;

use crate::wire::{Connection, WireError};

/// How values of a type look in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    /// Exact in what JSON's readers take for numbers.
    Number,
    /// A number, if it is finite.
    Float,
    Json,
    /// Everything else.
    Text,
    Array(Box<Kind>),
}

impl Kind {
    /// Of the types that most columns have. Their numbers are fixed.
    pub(crate) fn of_builtin(oid: Oid) -> Option<Self> {
        let array_of = |kind| Some(Self::Array(Box::new(kind)));
        match oid {
            16 => Some(Self::Bool),
            21 | 23 => Some(Self::Number),
            700 | 701 => Some(Self::Float),
            114 | 3802 => Some(Self::Json),
            // bytea, "char", name, int8, int2vector, text, oid, oidvector, bpchar, varchar, date, time, timestamp, timestamptz, interval, timetz, numeric, uuid,
            // unknown, void
            17 | 18 | 19 | 20 | 22 | 25 | 26 | 30 | 705 | 1042 | 1043 | 1082 | 1083 | 1114 | 1184 | 1186
            | 1266 | 1700 | 2278 | 2950 => Some(Self::Text),
            1000 => array_of(Self::Bool),
            1005 | 1007 => array_of(Self::Number),
            1021 | 1022 => array_of(Self::Float),
            199 | 3807 => array_of(Self::Json),
            1001 | 1003 | 1009 | 1014 | 1015 | 1016 | 1115 | 1182 | 1185 | 1231 | 2951 => {
                array_of(Self::Text)
            }
            _ => None,
        }
    }
}

/// The types of the database that were asked for. They do not change.
#[derive(Debug, Default)]
pub(crate) struct Kinds(Mutex<HashMap<Oid, Kind>>);

/// Most types that are remembered: a client can make any number of temporary ones.
const MOST: usize = 10_000;

impl Kinds {
    pub(crate) fn get(&self, oid: Oid) -> Option<Kind> {
        Kind::of_builtin(oid).or_else(|| {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&oid)
                .cloned()
        })
    }

    /// Asks the database for those that are not known. What does not exist any more is text.
    pub(crate) async fn learn(&self, connection: &mut Connection, oids: &[Oid]) -> Result<(), WireError> {
        let list: Vec<String> = oids.iter().map(ToString::to_string).collect();
        // A domain is what it is made of; an array is one of what its elements are made of.
        let sql = format!(
            "with recursive base (oid, at, is_array) as (
                 select t.oid, case when t.typcategory = 'A' then t.typelem else t.oid end, t.typcategory = 'A'
                 from pg_catalog.pg_type t where t.oid in ({})
                 union all
                 select b.oid, t.typbasetype, b.is_array from base b join pg_catalog.pg_type t on t.oid = b.at where t.typtype = 'd'
             )
             select b.oid, t.oid, b.is_array from base b join pg_catalog.pg_type t on t.oid = b.at where t.typtype <> 'd'",
            list.join(",")
        );
        let (rows, _) = connection.simple(&sql).await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + rows.len() > MOST {
            known.clear();
        }
        for row in rows {
            let [Some(oid), Some(base), Some(is_array)] = row.as_slice() else {
                continue;
            };
            let (Ok(oid), Ok(base)) = (oid.parse(), base.parse()) else {
                continue;
            };
            let kind = Kind::of_builtin(base).unwrap_or(Kind::Text);
            known.insert(
                oid,
                if is_array == "t" {
                    Kind::Array(Box::new(kind))
                } else {
                    kind
                },
            );
        }
        Ok(())
    }
}
