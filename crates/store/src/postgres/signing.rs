//! The private keys of the built-in issuer, which the servers of a database share.

use super::Postgres;
use super::session::Session;
use crate::Result;

impl Postgres {
    /// What is kept under the name of a ring of keys.
    ///
    /// # Errors
    /// `store_unavailable` and the like.
    pub fn signing_keys(&self, ring: &str) -> Result<Option<Vec<u8>>> {
        self.pool.run("reading the signing keys", |session| {
            let sql = "select contents from rowgate.signing_key where ring = $1";
            let row = session.read()?.query_opt(sql, &[&ring])?;
            Ok(row.map(|row| row.try_get(0)).transpose()?)
        })
    }

    /// Keeps something in the place of what was loaded. False, and nothing is changed, if another server was faster.
    ///
    /// # Errors
    /// `store_unavailable` and the like.
    pub fn replace_signing_keys(&self, ring: &str, loaded: Option<&[u8]>, contents: &[u8]) -> Result<bool> {
        self.pool.write("storing signing keys", |session| {
            let mut tx = session.begin()?;
            let changed = match loaded {
                None => tx.execute(
                    "insert into rowgate.signing_key (ring, contents) values ($1, $2) on conflict do nothing",
                    &[&ring, &contents],
                )?,
                Some(loaded) => tx.execute(
                    "update rowgate.signing_key set contents = $3 where ring = $1 and contents = $2",
                    &[&ring, &loaded, &contents],
                )?,
            };
            tx.commit()?;
            Ok(changed > 0)
        })
    }

    /// Forgets a ring, if it is there.
    ///
    /// # Errors
    /// `store_unavailable` and the like.
    pub fn delete_signing_keys(&self, ring: &str) -> Result<()> {
        self.pool.write("deleting signing keys", |session| {
            let mut tx = session.begin()?;
            tx.execute("delete from rowgate.signing_key where ring = $1", &[&ring])?;
            tx.commit()
        })
    }

    /// Another text after each change of any ring.
    ///
    /// # Errors
    /// `store_unavailable` and the like.
    pub fn signing_keys_fingerprint(&self) -> Result<String> {
        self.pool.run("looking at the signing keys", fingerprint)
    }
}

fn fingerprint(session: &mut Session) -> super::failure::Result<String> {
    let sql = "select coalesce(string_agg(ring || ' ' || encode(sha256(contents), 'hex'), ',' order by ring), '') \
               from rowgate.signing_key";
    Ok(session.read()?.query_one(sql, &[])?.try_get(0)?)
}
