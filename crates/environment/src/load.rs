//! From the store to the state in memory, and back into a snapshot.
//!
//! A snapshot is the schema and the bindings, each as a `u32` length and that many bytes of JSON, then the encoded graph. Without bindings
//! the second length is zero.

use std::io::{BufReader, BufWriter, Read, Write};
use std::sync::Arc;

use rowgate_graph::{Graph, GraphError, codec};
use rowgate_schema::Model;
use rowgate_store::{Change, EnvironmentId, Revision, Shared, Store};

use crate::bound::Bound;
use crate::prepare::resolve;
use crate::published::Published;
use crate::working::{self, Working};
use crate::{Error, Result};

/// Largest document that is believed when reading a snapshot back, in bytes.
const MAX_DOCUMENT: u32 = 64 << 20;

/// Rebuilds the newest state of an environment.
pub(crate) fn load(store: &dyn Store, environment: EnvironmentId) -> Result<Working> {
    if let Some(shared) = store.shared() {
        return from_tables(shared, environment);
    }
    let mut loaded = Loaded::default();
    let mut revision = Revision::ZERO;
    if let Some((at, input)) = store.snapshot(environment)? {
        let mut input = BufReader::with_capacity(1 << 20, input);
        loaded.schema = Some(read_document(&mut input)?);
        loaded.bindings = Some(read_document(&mut input)?).filter(|json| !json.is_empty());
        loaded.graph = codec::decode(&mut input)?;
        // Only the end of the file says that all of it was intact.
        if input.read(&mut [0]).map_err(GraphError::Io)? != 0 {
            return Err(GraphError::Malformed("more bytes than the graph has".into()).into());
        }
        revision = at;
    }
    store.commits_after(environment, revision, &mut |commit| {
        revision = commit.revision;
        commit.changes.into_iter().for_each(|change| loaded.add(change));
        Ok(())
    })?;
    loaded.finish(revision)
}

/// The same from a store that keeps the state itself.
pub(crate) fn from_tables(shared: &dyn Shared, environment: EnvironmentId) -> Result<Working> {
    let mut loaded = Loaded::default();
    let revision = shared.load(environment, &mut |change| {
        loaded.add(change);
        Ok(())
    })?;
    loaded.finish(revision)
}

/// What was read so far.
#[derive(Default)]
struct Loaded {
    schema: Option<String>,
    bindings: Option<String>,
    graph: Graph,
    /// The first change that could not be carried out.
    failure: Option<Error>,
}

impl Loaded {
    fn add(&mut self, change: Change) {
        match change {
            Change::Schema { json } => self.schema = Some(json),
            Change::Bindings { json } => self.bindings = json,
            change => {
                if let Err(error) = working::apply(&mut self.graph, &change) {
                    self.failure.get_or_insert(error);
                }
            }
        }
    }

    fn finish(self, revision: Revision) -> Result<Working> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let mut working = Working::new(self.graph, model(self.schema.as_deref())?, revision.get())?;
        if let Some(json) = self.bindings {
            let bound = Bound::read(&json, &working.model, working.graph.state())?;
            working.bound = Some(Arc::new(bound));
        }
        Ok(working)
    }
}

fn read_document(input: &mut impl Read) -> Result<String> {
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(GraphError::Io)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_DOCUMENT {
        return Err(GraphError::Malformed(format!("a schema or bindings of {length} bytes")).into());
    }
    let mut text = vec![0; length as usize];
    input.read_exact(&mut text).map_err(GraphError::Io)?;
    String::from_utf8(text)
        .map_err(|_| GraphError::Malformed("a schema or bindings that are not UTF-8".into()).into())
}

fn write_document(out: &mut impl Write, json: &str) -> std::io::Result<()> {
    out.write_all(&(json.len() as u32).to_le_bytes())?;
    out.write_all(json.as_bytes())
}

/// The stored schema; a fresh environment has the default one.
pub(crate) fn model(json: Option<&str>) -> Result<Model> {
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
    let bound = published.bound.as_ref();
    let bindings = bound.map(|bound| bound.bindings.bindings().to_json().to_string());
    let revision = Revision::from_u64(published.revision());
    store.write_snapshot(environment, revision, &mut |out| {
        let mut out = BufWriter::with_capacity(1 << 20, out);
        write_document(&mut out, &schema)?;
        write_document(&mut out, bindings.as_deref().unwrap_or_default())?;
        codec::encode(&published.graph, &mut out)?;
        out.flush()
    })?;
    Ok(())
}
