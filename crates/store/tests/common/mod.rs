//! What the tests of the store share.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(clippy::unwrap_used, reason = "tests may say what must hold by panicking")]

pub mod pg;
pub mod proxy;

use std::io::Read;
use std::path::Path;

use rowgate_store::{
    Change, Commit, Embedded, EnvironmentId, NewEnvironment, Options, Result, Revision, Store, Warrant,
    WarrantKey,
};

pub fn open(dir: &Path) -> Embedded {
    try_open(dir).unwrap()
}

pub fn try_open(dir: &Path) -> Result<Embedded> {
    Embedded::open(dir, Options::default())
}

pub fn create_environment(store: &dyn Store, name: &str) -> EnvironmentId {
    let new = NewEnvironment {
        name: name.into(),
        uid: format!("uid-{name}"),
        created_at: 7,
    };
    store.create_environment(&new).unwrap().id
}

pub fn warrant(n: u64) -> Warrant {
    let key = WarrantKey {
        resource_type: "ticket".into(),
        resource_id: n.to_string(),
        relation: "viewer".into(),
        subject_type: "user".into(),
        subject_id: format!("ann-{n}"),
        subject_relation: n.is_multiple_of(2).then(|| "member".into()),
        policy: n.is_multiple_of(3).then(|| "clientIp in \"10.0.0.0/8\"".into()),
    };
    Warrant {
        key,
        created_at: n as i64,
    }
}

/// The commit that makes a revision. All of it follows from its number, so any copy can be checked.
pub fn commit(environment: EnvironmentId, number: u64) -> Commit {
    let mut changes = vec![Change::CreateWarrant(warrant(number))];
    if number.is_multiple_of(4) {
        changes.push(Change::DeleteWarrant(warrant(number.saturating_sub(1)).key));
    }
    if number.is_multiple_of(5) {
        changes.push(Change::PutResource {
            resource_type: "ticket".into(),
            resource_id: number.to_string(),
            meta: Some(format!("{{\"n\":{number}}}")),
            created_at: -1,
        });
    }
    if number.is_multiple_of(7) {
        changes.push(Change::DeleteResource {
            resource_type: "ticket".into(),
            resource_id: "x".repeat(100),
        });
    }
    if number.is_multiple_of(50) {
        changes.push(Change::Schema {
            json: format!(
                r#"{{"version":"0.3","resource_types":[{{"type":"n{number}","relations":{{}}}}]}}"#
            ),
        });
    }
    Commit {
        environment,
        revision: Revision::from_u64(number),
        at: number as i64,
        changes,
    }
}

pub fn commits(environment: EnvironmentId, numbers: impl IntoIterator<Item = u64>) -> Vec<Commit> {
    numbers
        .into_iter()
        .map(|number| commit(environment, number))
        .collect()
}

pub fn rev(number: u64) -> Revision {
    Revision::from_u64(number)
}

pub fn read_log(store: &dyn Store, environment: EnvironmentId, after: u64) -> Result<Vec<Commit>> {
    let mut read = Vec::new();
    store.commits_after(environment, rev(after), &mut |commit| {
        read.push(commit);
        Ok(())
    })?;
    Ok(read)
}

pub fn write_snapshot(
    store: &dyn Store,
    environment: EnvironmentId,
    revision: u64,
    payload: &[u8],
) -> Result<()> {
    store.write_snapshot(environment, rev(revision), &mut |to| to.write_all(payload))
}

pub fn read_snapshot(store: &dyn Store, environment: EnvironmentId) -> Option<(u64, Vec<u8>)> {
    let (revision, mut reader) = store.snapshot(environment).unwrap()?;
    let mut payload = Vec::new();
    reader.read_to_end(&mut payload).unwrap();
    Some((revision.get(), payload))
}

/// What a snapshot at a revision holds, in tests.
pub fn payload(revision: u64, len: usize) -> Vec<u8> {
    let mut state = revision.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        bytes.extend_from_slice(&random(&mut state).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// The next of a row of numbers that look random.
pub fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs one test of this test binary in a process of its own, with a variable set.
#[cfg(unix)]
pub fn child(test: &str, variable: &str, value: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, value);
    command
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    command
}
