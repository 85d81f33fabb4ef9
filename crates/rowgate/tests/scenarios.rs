//! Every scenario file holds over HTTP and through the real binary.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::{Path, PathBuf};

use rowgate::client::{Ask, Client};
use rowgate::surface::HttpSurface;
use rowgate_scenario::{find, read, run};
use serde_json::json;
use support::{Server, rowgate};

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// An environment of its own on a server.
fn environment(server: &Server, name: &str) -> Client {
    let admin = server.0.client().unwrap();
    let body = json!({"name": name});
    admin
        .post(&Ask {
            path: &["rowgate", "v1", "environments"],
            body: Some(&body),
            ..Ask::default()
        })
        .unwrap();
    let query = [("environment", name)];
    let path: &[&str] = &["rowgate", "v1", "keys"];
    let key = admin
        .post(&Ask {
            path,
            query: &query,
            body: Some(&body),
            ..Ask::default()
        })
        .unwrap();
    Client::new(server.0.url(), key["key"].as_str().unwrap()).unwrap()
}

#[test]
fn every_scenario_holds_over_http() {
    let server = Server::start();
    let mut wrong = String::new();
    for (number, file) in find(&scenarios()).unwrap().into_iter().enumerate() {
        let scenario = read(&file).unwrap();
        let client = environment(&server, &format!("scenario-{number}"));
        let report = run(&scenario, &mut HttpSurface::new(client));
        if !report.passed() {
            wrong.push_str(&report.to_string());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_scenario_holds_through_the_binary() {
    let scenarios = scenarios().display().to_string();
    let run = rowgate(&["test", &scenarios]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("✔ Ticketing"), "{}", run.out);
    assert!(run.out.contains("All tests passed"), "{}", run.out);
}

#[test]
fn every_scenario_holds_through_the_binary_on_a_server() {
    let server = Server::start();
    let scenarios = scenarios().display().to_string();
    let run = server.rowgate(&["test", &scenarios, "--url", server.0.url(), "--json"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let report = run.json();
    assert_eq!(report["passed"], true);
    assert_eq!(report["right"], report["questions"]);
    assert!(report["scenarios"].as_array().unwrap().len() >= 20);
}
