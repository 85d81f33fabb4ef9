//! Keys and logins, which are in the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::config::Target;
use crate::seal::SealKey;
use crate::session::{Credentials, Logins};
use crate::wire::{Connection, Dialer, Login, WireError, connect};

/// How long what was read is used when the database cannot be asked.
const STALE: Duration = Duration::from_secs(300);

/// Longest message that is taken from the database here.
const LONGEST: usize = 1 << 20;

const ROLES: &str = "select role, pg_catalog.to_json(logins), password from rowgate.client_roles()";
/// Whether `auth` is that of the extension `pg_session_jwt`.
const SIGNED: &str = "select exists (select from pg_catalog.pg_extension e
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid = e.oid and d.deptype = 'e'
    join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and p.proname = 'jwt_session_init'
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = 'auth'
    where e.extname = 'pg_session_jwt')";
const KEY: &str = "select pg_catalog.encode(secret, 'hex') from rowgate.newest_seal_key()";

/// What a server has to know to act for clients.
pub(crate) struct Known {
    pub(crate) seal: SealKey,
    pub(crate) roles: HashMap<String, Credentials>,
}

/// Reads it, as the server's own role.
pub(crate) struct Directory {
    dialer: Arc<Dialer>,
    target: Target,
    /// How long what was read is used.
    fresh: Duration,
    known: RwLock<Option<(Instant, Arc<Known>)>>,
    connection: Mutex<Option<Connection>>,
}

impl Directory {
    pub(crate) fn new(dialer: Arc<Dialer>, target: Target, fresh: Duration) -> Self {
        Self {
            dialer,
            target,
            fresh,
            known: RwLock::default(),
            connection: Mutex::default(),
        }
    }

    /// What the database said a short while ago.
    pub(crate) async fn known(&self) -> Result<Arc<Known>, WireError> {
        if let Some(known) = self.recent(self.fresh) {
            return Ok(known);
        }
        let mut connection = self.connection.lock().await;
        // Somebody else may have asked meanwhile.
        if let Some(known) = self.recent(self.fresh) {
            return Ok(known);
        }
        match self.read(&mut connection).await {
            Ok(known) => {
                let known = Arc::new(known);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), Arc::clone(&known)));
                Ok(known)
            }
            Err(error) => {
                *connection = None;
                self.recent(STALE).ok_or(error)
            }
        }
    }

    fn recent(&self, age: Duration) -> Option<Arc<Known>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(since, _)| since.elapsed() < age)
            .map(|(_, known)| Arc::clone(known))
    }

    async fn read(&self, slot: &mut Option<Connection>) -> Result<Known, WireError> {
        let connection = self.connected(slot).await?;
        let (keys, _) = connection.simple(KEY).await?;
        let [Some(secret)] = keys.first().ok_or(WireError::Unexpected)?.as_slice() else {
            return Err(WireError::Unexpected);
        };
        let seal = SealKey::new(&from_hex(secret).ok_or(WireError::Unexpected)?);
        let (signed, _) = connection.simple(SIGNED).await?;
        let signed = signed
            .first()
            .is_some_and(|row| row.first() == Some(&Some("t".into())));
        let (rows, _) = connection.simple(ROLES).await?;
        let roles = rows
            .into_iter()
            .map(|row| client_role(row, signed).ok_or(WireError::Unexpected));
        Ok(Known {
            seal,
            roles: roles.collect::<Result<_, _>>()?,
        })
    }

    async fn connected<'a>(&self, slot: &'a mut Option<Connection>) -> Result<&'a mut Connection, WireError> {
        let usable = match slot {
            Some(connection) => connection.is_quiet().await,
            None => false,
        };
        if !usable {
            *slot = None;
        }
        match slot {
            Some(connection) => Ok(connection),
            empty => {
                let login = Login {
                    user: &self.target.user,
                    password: self.target.password.as_deref(),
                    database: &self.target.database,
                    settings: &[("search_path", "pg_catalog"), ("statement_timeout", "5000")],
                    proven: false,
                };
                Ok(empty.insert(connect(&self.dialer, &login, LONGEST).await?))
            }
        }
    }

    /// Ends a session, named as `auth.connection()` does, that does not heed a cancellation.
    pub(crate) async fn end_session(&self, name: &str) -> Result<(), WireError> {
        // Only what such a name consists of may become SQL.
        if !name.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ') {
            return Err(WireError::Unexpected);
        }
        let mut slot = self.connection.lock().await;
        let connection = self.connected(&mut slot).await?;
        let ended = connection
            .simple(&format!("select rowgate.end_session('{name}')"))
            .await;
        if ended.is_err() {
            *slot = None;
        }
        ended.map(drop)
    }
}

fn client_role(row: Vec<Option<String>>, signed: bool) -> Option<(String, Credentials)> {
    let [role, names, password]: [Option<String>; 3] = row.try_into().ok()?;
    let logins = Logins {
        names: serde_json::from_str(&names?).ok()?,
        password: password?,
        signed,
    };
    Some((role?, Credentials::Client(Arc::new(logins))))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks_exact(2);
    if !digits.remainder().is_empty() {
        return None;
    }
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
