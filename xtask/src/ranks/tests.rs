//! Planted mistakes in the shape of the workspace.

use super::*;
use crate::tree::{here, lines};

/// The findings for a crate `name` with that dependency section and root file.
fn findings(name: &str, dependencies: &str, root: &str) -> String {
    let manifest = format!("[package]\nname = \"{name}\"\n{dependencies}\n");
    lines(&check(&Tree::of([("crates/x/Cargo.toml", &manifest), ("crates/x/src/lib.rs", root)])))
}

const SAFE: &str = "#![forbid(unsafe_code)]\n";

#[test]
fn this_workspace_keeps_its_shape() {
    assert_eq!(here(check), "");
}

#[test]
fn arrows_point_down() {
    let down = findings("turgo-sql", "[dependencies]\nturgo-engine.workspace = true", SAFE);
    assert_eq!(down, "");
    let up = findings("turgo-engine", "[dependencies]\nturgo-sql.workspace = true", SAFE);
    assert!(
        up.contains("x/Cargo.toml:4: `turgo-engine` (rank 3) depends on `turgo-sql` (rank 4)"),
        "{up}"
    );
    let across =
        findings("turgo-sql", "[dev-dependencies.turgo-connectors]\nworkspace = true", SAFE);
    assert!(across.contains("arrows point down"), "{across}");
    let workshop = findings("turgo", "[dependencies]\nxtask.workspace = true", SAFE);
    assert!(workshop.contains("workshop"), "{workshop}");
    let harness = "[dependencies]\nbench-harness.workspace = true";
    assert!(findings("turgo", harness, SAFE).contains("workshop"), "a room of the product");
    assert_eq!(findings("bench-core", harness, SAFE), "");
}

#[test]
fn an_unknown_crate_has_no_rank() {
    assert!(findings("turgo-extra", "", SAFE).contains("no rank"));
}

#[test]
fn only_turgo_sql_plans() {
    for planner in ["datafusion-sql", "datafusion-expr", "datafusion-optimizer", "sqlparser"] {
        let section = format!("[dependencies]\n{planner}.workspace = true");
        assert_eq!(findings("turgo-sql", &section, SAFE), "");
        for room in ["turgo-engine", "turgo-connectors", "turgo"] {
            assert!(
                findings(room, &section, SAFE).contains("belongs to turgo-sql"),
                "{room} {planner}"
            );
        }
    }
    let kernels = "[dependencies]\ndatafusion-physical-expr.workspace = true";
    assert_eq!(findings("turgo-engine", kernels, SAFE), "");
}

#[test]
fn atomics_come_from_the_machine() {
    for path in ["std::sync::atomic::AtomicBool", "core::sync::atomic"] {
        let root = format!("{SAFE}use {path};\n");
        assert!(findings("turgo-engine", "", &root).contains("come from turgo-machine"), "{path}");
        assert_eq!(findings("turgo-machine", "", &root), "");
    }
}

#[test]
fn the_umbrella_and_runtimes_stay_out_of_the_product() {
    for outsider in ["datafusion", "tokio"] {
        let section = format!("[dependencies]\n{outsider} = \"1\"");
        assert_ne!(findings("turgo", &section, SAFE), "", "{outsider}");
        assert_eq!(findings("turgo", &format!("[dev-{}", &section[1..]), SAFE), "", "{outsider}");
    }
}

#[test]
fn dependencies_keep_their_names() {
    let renamed = "[dependencies]\nrows = { package = \"tokio\", version = \"1\" }";
    assert!(findings("turgo", renamed, SAFE).contains("renames"));
}

#[test]
fn unsafe_is_forbidden_by_each_root() {
    assert!(findings("turgo-engine", "", "//! Says nothing.\n").contains("lacks"));
    assert!(findings("turgo-engine", "", "// #![forbid(unsafe_code)]\n").contains("lacks"));
    assert!(findings("turgo-engine", "", "#![deny(unsafe_code)]\n").contains("lacks"));
    assert_eq!(findings("turgo-connectors", "", "#![deny(unsafe_code)]\n"), "");
    assert_eq!(findings("turgo-lockfree", "", "//! Argues its own.\n"), "");
}

#[test]
fn one_unsafe_module_is_one() {
    let tree = Tree::of([
        ("c/Cargo.toml", "[package]\nname = \"turgo-connectors\"\n"),
        ("c/src/lib.rs", "#![deny(unsafe_code)]\n"),
        ("c/src/a.rs", "#![expect(unsafe_code, reason = \"x\")]\n"),
        ("c/src/b.rs", "#[allow(unsafe_code)] mod c {}\n"),
    ]);
    let found = lines(&check(&tree));
    assert_eq!(found, "c/src/b.rs:1: `unsafe` already has its module: c/src/a.rs\n");
}

#[test]
fn the_engine_performs_no_io() {
    let code = "#![forbid(unsafe_code)]\n// std::fs in words\nuse std::fs::File;\n#[cfg(test)]\nuse std::fs;\n";
    let found = findings("turgo-engine", "", code);
    assert_eq!(
        found,
        "crates/x/src/lib.rs:3: `std::fs`: operators perform no I/O: sources and sinks do\n"
    );
}
