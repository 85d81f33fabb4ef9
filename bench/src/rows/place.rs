//! Where processes run: on which of the machine's cores.
//!
//! Three processes that wait for one another by turns run on one core or on several, as the kernel finds, for a while each way, and to be woken on
//! another core can take longer than all that is measured. Two measurements that fell different ways cannot be compared.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// This process and all that come from it, on cores of our choice, until it is dropped.
#[derive(Debug)]
pub struct Place {
    before: String,
}

impl Place {
    /// On one core, all of them. With `taskset`, a program of util-linux.
    pub fn one_core() -> Result<Self> {
        let before = allowed()?;
        let core = first(&before);
        let place = Self { before };
        set(|_| &core)?;
        Ok(place)
    }

    /// The database on one core, everything else on another: as if it were on another machine.
    pub fn database_apart() -> Result<Self> {
        let before = allowed()?;
        let (first, last) = (first(&before), last(&before));
        ensure!(first != last, "there is one core only");
        let place = Self { before };
        set(|process| if is_database(process) { &last } else { &first })?;
        Ok(place)
    }
}

/// The first of a list of cores.
fn first(cores: &str) -> String {
    cores.split([',', '-']).next().unwrap_or("0").to_owned()
}

fn last(cores: &str) -> String {
    cores.rsplit([',', '-']).next().unwrap_or("0").to_owned()
}

fn is_database(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim() == "postgres")
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = set(|_| &self.before) {
            eprintln!("everything stays where it is: {error:#}");
        }
    }
}

/// The cores that this process may run on, as `0-3,8`.
fn allowed() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status").context("only Linux tells where processes run")?;
    let cores = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    Ok(cores.context("no list of cores")?.trim().to_owned())
}

/// Puts each process onto the cores that are said for its id.
fn set<'c>(cores_of: impl Fn(u32) -> &'c str) -> Result<()> {
    for process in family()? {
        let cores = cores_of(process);
        let done = Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", cores, &process.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("cannot run `taskset`")?;
        // It may have ended meanwhile.
        let is_gone = || fs::metadata(format!("/proc/{process}")).is_err();
        ensure!(
            done.success() || is_gone(),
            "`taskset` failed for process {process}"
        );
    }
    Ok(())
}

/// This process and those that come from it, by their ids.
fn family() -> Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(process) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name, in parentheses, can hold anything; behind it come the state and the parent.
        let parent = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut family = vec![std::process::id()];
    let mut at = 0;
    while let Some(process) = family.get(at) {
        let own = children.remove(process).unwrap_or_default();
        family.extend(own);
        at += 1;
    }
    Ok(family)
}
