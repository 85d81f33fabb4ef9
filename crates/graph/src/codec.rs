//! The encoded graph: what a store keeps so that the next start need not replay every change.
//!
//! All integers are little-endian. `text` is a `u32` length and that many bytes of UTF-8.
//!
//! ```text
//! u16 names      then per name:      text
//! u32 policies   then per policy:    text                       (numbered from 1 in this order)
//! u32 resources  then per resource:  u16 type, i64 created_at, text id, text meta (empty: none)
//! u32 warrants   then per warrant:   u32 resource, u32 subject, u16 relation, u16 subject relation,
//!                                    u32 policy, i64 created_at  (24 bytes, oldest first)
//! ```
//!
//! Resources and warrants that no longer exist are left out and the rest is numbered anew, so this is also the compaction.

use std::io::{Read, Write};

use crate::adjacency::{Lined, Packed};
use crate::graph::edges_of;
use crate::warrants::WarrantRef;
use crate::{Graph, GraphError, ObjectId, PolicyId, Snapshot, Symbol};

/// The longest text that is believed when reading back.
const MAX_TEXT: u32 = 1 << 20;

fn write_text(out: &mut dyn Write, text: &str) -> std::io::Result<()> {
    out.write_all(&(text.len() as u32).to_le_bytes())?;
    out.write_all(text.as_bytes())
}

/// Writes the graph. Wrap `out` in a buffer.
///
/// # Errors
/// Those of `out`.
pub fn encode(snapshot: &Snapshot, out: &mut dyn Write) -> std::io::Result<()> {
    let names: Vec<&str> = snapshot.names.iter().collect();
    out.write_all(&(names.len() as u16).to_le_bytes())?;
    for name in names {
        write_text(out, name)?;
    }

    let mut policy_numbers = rustc_hash::FxHashMap::default();
    out.write_all(&(snapshot.policies.iter().count() as u32).to_le_bytes())?;
    for (number, (policy, entry)) in snapshot.policies.iter().enumerate() {
        policy_numbers.insert(policy, number as u32 + 1);
        write_text(out, entry.text())?;
    }

    // Wildcard subjects are numbered like resources, but only while a warrant uses them.
    let kept = |object: ObjectId| {
        snapshot.resource(object).is_some()
            || (snapshot.is_wildcard(object) && !snapshot.resources(object).is_empty())
    };
    let mut numbers = vec![u32::MAX; snapshot.objects.len()];
    let mut count = 0u32;
    for object in 0..numbers.len() as u32 {
        if kept(ObjectId(object)) {
            numbers[object as usize] = count;
            count += 1;
        }
    }
    out.write_all(&count.to_le_bytes())?;
    for object in (0..numbers.len() as u32).map(ObjectId) {
        if numbers[object.0 as usize] == u32::MAX {
            continue;
        }
        let resource = snapshot.resource(object);
        out.write_all(&snapshot.type_of(object).0.to_le_bytes())?;
        out.write_all(&resource.map_or(0, |resource| resource.created_at).to_le_bytes())?;
        write_text(out, snapshot.id_of(object))?;
        let meta = resource
            .and_then(|resource| resource.meta)
            .map(ToString::to_string);
        write_text(out, &meta.unwrap_or_default())?;
    }

    out.write_all(&(snapshot.warrants.alive() as u32).to_le_bytes())?;
    for (_, row) in snapshot.warrants_oldest_first(None) {
        let policy = if row.policy.is_none() {
            0
        } else {
            policy_numbers.get(&row.policy).copied().unwrap_or(0)
        };
        let mut bytes = [0u8; ROW];
        bytes[0..4].copy_from_slice(&numbers[row.resource.0 as usize].to_le_bytes());
        bytes[4..8].copy_from_slice(&numbers[row.subject.0 as usize].to_le_bytes());
        bytes[8..10].copy_from_slice(&row.relation.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&row.subject_relation.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&policy.to_le_bytes());
        bytes[16..24].copy_from_slice(&row.created_at.to_le_bytes());
        out.write_all(&bytes)?;
    }
    Ok(())
}

const ROW: usize = 24;

struct Reader<'a> {
    input: &'a mut dyn Read,
    text: Vec<u8>,
}

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], GraphError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GraphError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn text(&mut self) -> Result<&str, GraphError> {
        let len = self.u32()?;
        if len > MAX_TEXT {
            return Err(GraphError::Malformed(format!("a text of {len} bytes")));
        }
        self.text.resize(len as usize, 0);
        self.input.read_exact(&mut self.text)?;
        std::str::from_utf8(&self.text).map_err(|_| GraphError::Malformed("a text that is not UTF-8".into()))
    }
}

/// Reads a graph back. Wrap `input` in a buffer. The revision is the caller's to set.
///
/// # Errors
/// [`GraphError::Io`] from `input`, [`GraphError::Malformed`] when the bytes do not describe a graph.
pub fn decode(input: &mut dyn Read) -> Result<Graph, GraphError> {
    let mut reader = Reader {
        input,
        text: Vec::new(),
    };
    let mut graph = Graph::default();
    let names = u16::from_le_bytes(reader.bytes()?);
    for _ in 0..names {
        let name = reader.text()?;
        graph.intern(name)?;
    }
    let policies = reader.u32()?;
    let mut policy_texts = Vec::new();
    for _ in 0..policies {
        policy_texts.push(reader.text()?.to_owned());
    }
    let resources = reader.u32()?;
    read_resources(&mut reader, &mut graph, resources)?;
    let warrants = reader.u32()?;
    read_warrants(&mut reader, &mut graph, warrants, resources, &policy_texts)?;
    Ok(graph)
}

fn read_resources(reader: &mut Reader<'_>, graph: &mut Graph, count: u32) -> Result<(), GraphError> {
    // The count is not believed before the resources are there: room is made as they come.
    for number in 0..count {
        let symbol = Symbol(u16::from_le_bytes(reader.bytes()?));
        let created_at = i64::from_le_bytes(reader.bytes()?);
        let state = &mut graph.state;
        if symbol.is_none() || state.names.text(symbol).is_empty() {
            return Err(GraphError::Malformed(format!("resource {number} has no type")));
        }
        let id = reader.text()?;
        let object = state
            .objects
            .push(symbol, id, created_at)
            .ok_or(GraphError::Full)?;
        let wildcard = id == "*";
        state.lookup.reserve(
            &state.objects,
            (number as usize + 1).next_power_of_two().min(count as usize),
        );
        state.lookup.insert(&state.objects, object, symbol, id);
        if wildcard {
            let wildcards = std::sync::Arc::make_mut(&mut state.wildcards);
            wildcards.resize(wildcards.len().max(symbol.index() + 1), ObjectId::ABSENT);
            wildcards[symbol.index()] = object;
        }
        let meta = reader.text()?;
        if !meta.is_empty() {
            let meta = serde_json::from_str(meta)
                .map_err(|error| GraphError::Malformed(format!("metadata of resource {number}: {error}")))?;
            state.objects.set_meta(object, Some(std::sync::Arc::new(meta)));
        }
    }
    Ok(())
}

fn read_warrants(
    reader: &mut Reader<'_>,
    graph: &mut Graph,
    count: u32,
    resources: u32,
    policy_texts: &[String],
) -> Result<(), GraphError> {
    for number in 0..count {
        let bytes: [u8; ROW] = reader.bytes()?;
        let u32_at = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let u16_at = |at: usize| Symbol(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        let (resource, subject) = (u32_at(0), u32_at(4));
        let (relation, subject_relation) = (u16_at(8), u16_at(10));
        let known = |symbol: Symbol| !graph.state.names.text(symbol).is_empty();
        let policy = u32_at(12) as usize;
        if resource >= resources
            || subject >= resources
            || !known(relation)
            || !(subject_relation.is_none() || known(subject_relation))
            || policy > policy_texts.len()
        {
            return Err(GraphError::Malformed(format!(
                "warrant {number} names something that is not there"
            )));
        }
        let mut created = [0; 8];
        created.copy_from_slice(&bytes[16..24]);
        let policy = match policy.checked_sub(1).and_then(|index| policy_texts.get(index)) {
            Some(text) => graph.policies.acquire(&mut graph.state.policies, text),
            None => PolicyId::NONE,
        };
        let row = WarrantRef {
            resource: ObjectId(resource),
            subject: ObjectId(subject),
            relation,
            subject_relation,
            policy,
            created_at: i64::from_le_bytes(created),
        };
        graph.state.warrants.push(row).ok_or(GraphError::Full)?;
        graph.count_kind(&row);
    }
    let side = |pick: fn(&WarrantRef) -> ObjectId, which: usize| {
        let rows = graph.state.warrants_oldest_first(None);
        let mut edges: Vec<_> = rows
            .map(|(warrant, row)| (pick(row), edges_of(row, warrant)[which]))
            .collect();
        edges.sort_unstable();
        edges
    };
    let objects = graph.state.objects.len();
    let subjects = Lined::from_sorted(objects, &side(|row| row.resource, 0));
    let by_subject = Packed::from_sorted(objects, &side(|row| row.subject, 1));
    graph.state.subjects = subjects;
    graph.state.resources = by_subject;
    Ok(())
}
