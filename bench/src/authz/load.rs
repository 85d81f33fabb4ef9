//! The same over HTTP, on one connection, against the server as it ships.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use rowgate_rbac::Target;
use serde_json::{Value, json};

use super::ask::{any_app, figures, placement};
use super::data::{Organization, WORKSPACES, names};
use crate::http::client::{Connection, get, get_with_key, post};
use crate::http::server::Server;
use crate::measure::Times;
use crate::rng::Rng;

const CHECKS: usize = 20_000;
const LISTS: usize = 2_000;
const ASSIGNMENTS: usize = 500;

/// Starts a server on a store and asks it.
pub fn run(binary: &Path, store: &Path) -> Result<Value> {
    let all = names(store)?;
    let server = Server::on(binary, "off", &format!("file:{}", store.display()))?;
    let mut connection = Connection::open(server.address())?;
    let mut asked = |requests: Vec<Vec<u8>>| -> Result<Times> {
        let mut times = Times::default();
        for request in requests {
            let from = Instant::now();
            connection.exchange(&request)?;
            times.push(from.elapsed());
        }
        Ok(times)
    };
    let mut random = Rng::new(17);
    let healthz = asked(vec![get("/healthz"); CHECKS / 4])?;
    let checks = asked((0..CHECKS).map(|_| check(&mut random, &all)).collect())?;
    let lists = asked((0..LISTS).map(|_| list(&mut random, &all)).collect())?;
    let assigned = asked((0..ASSIGNMENTS).map(|_| assign(&mut random, &all)).collect())?;
    Ok(json!({
        "healthz": figures(&healthz),
        "check": figures(&checks),
        "discovery, first page": figures(&lists),
        "durable assignment": figures(&assigned),
        "resident_bytes": server.memory(),
    }))
}

fn member<'a>(random: &mut Rng, all: &'a [Organization]) -> (&'a Organization, &'a str) {
    let of = &all[random.below(all.len() as u32) as usize];
    (of, &of.members[random.below(of.members.len() as u32) as usize])
}

fn check(random: &mut Rng, all: &[Organization]) -> Vec<u8> {
    let (_, om) = member(random, all);
    let body = json!({
        "permission_slug": format!("app:{}", random.below(10)),
        "resource_type_slug": "app",
        "resource_external_id": any_app(random),
    });
    let path = format!("/authorization/organization_memberships/{om}/check");
    post(&path, "application/json", body.to_string().as_bytes())
}

fn list(random: &mut Rng, all: &[Organization]) -> Vec<u8> {
    let (_, om) = member(random, all);
    let workspace = random.below(WORKSPACES as u32);
    get_with_key(&format!(
        "/authorization/organization_memberships/{om}/resources?permission_slug=project:0&limit=10\
         &parent_resource_type_slug=workspace&parent_resource_external_id=w{workspace}"
    ))
}

fn assign(random: &mut Rng, all: &[Organization]) -> Vec<u8> {
    let (_, om, placed) = placement(random, all);
    let external_id = match placed.target {
        Some(Target::External { external_id, .. }) => external_id,
        _ => String::new(),
    };
    let body = json!({
        "role_slug": placed.role,
        "resource_type_slug": "app",
        "resource_external_id": external_id,
    });
    let path = format!("/authorization/organization_memberships/{om}/role_assignments");
    post(&path, "application/json", body.to_string().as_bytes())
}
