//! From the store to the state in memory, and back into a snapshot.
//!
//! A snapshot is a `u32` length and that many bytes of schema JSON, then the encoded graph.

use std::io::{BufReader, BufWriter, Read, Write};

use rowgate_graph::{Graph, GraphError, codec};
use rowgate_schema::Model;
use rowgate_store::{Change, EnvironmentId, Revision, Store};

use crate::prepare::resolve;
use crate::published::Published;
use crate::working::{self, Working};
use crate::{Error, Result};

/// Largest schema JSON that is believed when reading a snapshot back.
const MAX_SCHEMA: u32 = 64 << 20;

/// Rebuilds the newest state of an environment.
pub(crate) fn load(store: &dyn Store, environment: EnvironmentId) -> Result<Working> {
    let mut schema: Option<String> = None;
    let mut graph = Graph::default();
    let mut revision = Revision::ZERO;
    if let Some((at, input)) = store.snapshot(environment)? {
        let mut input = BufReader::with_capacity(1 << 20, input);
        let mut length = [0; 4];
        input.read_exact(&mut length).map_err(GraphError::Io)?;
        let length = u32::from_le_bytes(length);
        if length > MAX_SCHEMA {
            return Err(GraphError::Malformed(format!("a schema of {length} bytes")).into());
        }
        let mut text = vec![0; length as usize];
        input.read_exact(&mut text).map_err(GraphError::Io)?;
        let text = String::from_utf8(text)
            .map_err(|_| GraphError::Malformed("a schema that is not UTF-8".into()))?;
        schema = Some(text);
        graph = codec::decode(&mut input)?;
        // Only the end of the file says that all of it was intact.
        if input.read(&mut [0]).map_err(GraphError::Io)? != 0 {
            return Err(GraphError::Malformed("more bytes than the graph has".into()).into());
        }
        revision = at;
    }
    let mut failure: Option<Error> = None;
    store.commits_after(environment, revision, &mut |commit| {
        for change in &commit.changes {
            if let Change::Schema { json } = change {
                schema = Some(json.clone());
            } else if let Err(error) = working::apply(&mut graph, change) {
                failure.get_or_insert(error);
            }
        }
        revision = commit.revision;
        Ok(())
    })?;
    match failure {
        Some(error) => Err(error),
        None => Working::new(graph, model(schema.as_deref())?, revision.get()),
    }
}

/// The stored schema; a fresh environment has the default one.
fn model(json: Option<&str>) -> Result<Model> {
    let schema = match json {
        None => rowgate_schema::default_environment(),
        Some(json) => {
            let value = serde_json::from_str(json)
                .map_err(|error| GraphError::Malformed(format!("the stored schema: {error}")))?;
            let parsed = rowgate_schema::from_json(&value);
            parsed.schema.ok_or_else(|| Error::Schema {
                errors: parsed.diagnostics,
            })?
        }
    };
    Ok(resolve(schema)?.0)
}

/// Writes a snapshot of what is published.
pub(crate) fn snapshot(store: &dyn Store, environment: EnvironmentId, published: &Published) -> Result<()> {
    let schema = rowgate_schema::to_json(published.model.schema()).to_string();
    let revision = Revision::from_u64(published.revision());
    store.write_snapshot(environment, revision, &mut |out| {
        let mut out = BufWriter::with_capacity(1 << 20, out);
        out.write_all(&(schema.len() as u32).to_le_bytes())?;
        out.write_all(schema.as_bytes())?;
        codec::encode(&published.graph, &mut out)?;
        out.flush()
    })?;
    Ok(())
}
