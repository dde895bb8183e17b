//! Planted mistakes, one for each rule.

use super::*;
use crate::tree::{here, lines};

const HEADER: &str = "//! Says what it is.\n";

fn findings<const N: usize>(files: [(&str, &str); N]) -> String {
    lines(&check(&Tree::of(files)))
}

/// Findings for one Rust file with a good header and that text.
fn code(path: &str, text: &str) -> String {
    findings([(path, &format!("{HEADER}{text}"))])
}

#[test]
fn this_workspace_is_tidy() {
    assert_eq!(here(check), "");
}

#[test]
fn a_header_says_what_a_file_is() {
    assert_eq!(code("a.rs", "fn a() {}\n"), "");
    assert!(findings([("a.rs", "fn a() {}\n")]).contains("a.rs:1: does not open"));
    assert!(findings([("a.rs", "//! x\n")]).contains("does not open"));
    assert!(findings([("a.rs", "// Not a header at all.\n")]).contains("does not open"));
}

#[test]
fn files_have_a_limit() {
    assert_eq!(code("a.rs", &"\n".repeat(999)), "");
    assert!(code("a.rs", &"\n".repeat(1000)).contains("1001 lines"));
    assert!(findings([("a.md", &"\n".repeat(1001))]).contains("1001 lines"));
    assert_eq!(findings([("a.ndjson", &"\n".repeat(1001))]), "");
}

#[test]
fn names_come_from_the_domain() {
    assert!(code("crates/x/src/a/mod.rs", "").contains("beside"));
    assert!(code("crates/x/src/util.rs", "").contains("`util`"));
    assert!(code("crates/x/src/common/rows.rs", "").contains("`common`"));
    assert_eq!(code("crates/x/src/utility_rate.rs", ""), "");
}

#[test]
fn nothing_is_put_off() {
    for word in LEFTOVERS {
        let found = code("a.rs", &format!("fn a() {{\n    // {word} later\n}}\n"));
        assert!(found.starts_with("a.rs:3: "), "{word}: {found}");
    }
}

#[test]
fn links_lead_somewhere() {
    let page = "[a](b.md#part) [up](../README.md) [web](https://x.y) [here](#part) ![i](b.md)\n";
    let good = [("docs/a.md", page), ("docs/b.md", ""), ("README.md", "[docs](docs/) [d](docs)\n")];
    assert_eq!(findings(good), "");
    let nowhere = findings([("docs/a.md", "text\n[a](b.md)\n")]);
    assert_eq!(nowhere, "docs/a.md:2: `b.md` points nowhere\n");
    assert!(findings([("a.md", "[a](../b.md)\n"), ("b.md", "")]).contains("nowhere"));
    assert_eq!(findings([("a.md", "```\n[a](b.md)\n```\n")]), "", "code is not a link");
}

#[test]
fn cited_decisions_exist() {
    // Spelled apart, so that this file cites nothing itself.
    let cite = format!("// See {}-0007.\n", "ADR");
    assert!(code("a.rs", &cite).contains("a.rs:2: decision 0007 has no file"));
    let text = format!("{HEADER}{cite}");
    assert_eq!(findings([("a.rs", &text), ("docs/adr/0007-title.md", "")]), "");
}

#[test]
fn dependencies_and_their_list_agree() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\nserde = \"1\"\n";
    let missing = findings([("crates/x/Cargo.toml", manifest)]);
    assert_eq!(missing, "crates/x/Cargo.toml:4: `serde` has no line in docs/dependencies.md\n");
    let list = "| crate | why |\n|---|---|\n| `serde` | reads |\n";
    assert_eq!(findings([("crates/x/Cargo.toml", manifest), ("docs/dependencies.md", list)]), "");
    let stale = findings([("docs/dependencies.md", list)]);
    assert_eq!(stale, "docs/dependencies.md:3: `serde` is not a dependency any more\n");
}
