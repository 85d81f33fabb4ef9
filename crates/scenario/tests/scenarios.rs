//! Every scenario file of the repository holds on the engine.

// Helpers of tests may say what must hold by panicking.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use rowgate_scenario::{EngineSurface, find, read, run};

#[test]
fn every_scenario_holds_on_the_engine() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = find(&directory).unwrap();
    assert!(files.len() >= 20, "only {} scenario files found", files.len());
    let mut wrong = String::new();
    for file in files {
        let scenario = read(&file).unwrap_or_else(|error| panic!("{error}"));
        let report = run(&scenario, &mut EngineSurface::new().unwrap());
        if !report.passed() {
            wrong.push_str(&report.to_string());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
