//! What is offered where; `|` is the place of the cursor.

use std::collections::BTreeMap;

use super::*;

fn names() -> Names {
    let relation = |name: &str, kind, columns: &[&str]| Declared {
        name: name.to_owned(),
        kind,
        columns: columns.iter().map(|&column| column.to_owned()).collect(),
        options: BTreeMap::new(),
    };
    Names {
        relations: vec![
            relation("Big Table", "table", &["Größe"]),
            relation("bid", "table", &["auction", "price", "date_time"]),
            relation("bids_per_minute", "view", &["window_start", "n"]),
            relation("person", "table", &["id", "name"]),
        ],
        functions: ["abs", "array_agg", "count", "power"].map(str::to_owned).into(),
    }
}

/// What `text` becomes with each candidate.
fn offered(text: &str) -> Vec<String> {
    let at = text.find('|').expect("there is a cursor");
    let text = text.replacen('|', "", 1);
    let (start, found) = complete(&names(), &text, at);
    found.into_iter().map(|found| format!("{}{found}", &text[..start])).collect()
}

#[test]
fn tables_are_offered_where_one_is_read() {
    let tables = ["\"Big Table\"", "bid", "bids_per_minute", "person"];
    for before in ["SELECT * FROM ", "insert into ", "FROM TUMBLE(TABLE ", "DESCRIBE ", "\\d "] {
        let all: Vec<String> = tables.iter().map(|table| format!("{before}{table}")).collect();
        assert_eq!(offered(&format!("{before}|")), all);
    }
    assert_eq!(
        offered("SELECT * FROM bi|"),
        ["SELECT * FROM bid", "SELECT * FROM bids_per_minute"]
    );
    assert_eq!(offered("SELECT * FROM BIDS|"), ["SELECT * FROM bids_per_minute"]);
}

#[test]
fn columns_are_those_of_the_tables_named() {
    assert_eq!(offered("SELECT p| FROM bid")[..2], ["SELECT price", "SELECT person"]);
    assert_eq!(
        offered("SELECT | FROM bid"),
        ["SELECT auction", "SELECT price", "SELECT date_time"]
    );
    assert_eq!(offered("SELECT na|"), ["SELECT name"], "before a table is named, of all");
    assert!(offered("SELECT na| FROM bid").is_empty());
    // Other statements of the same line do not count.
    assert_eq!(
        offered("SELECT 1 FROM person; SELECT au| FROM bid"),
        ["SELECT 1 FROM person; SELECT auction"]
    );
    assert!(offered("SELECT na| FROM bid; SELECT 1 FROM person").is_empty());
}

#[test]
fn a_point_asks_for_the_columns_of_one() {
    let all =
        |owner: &str| ["auction", "price", "date_time"].map(|c| format!("SELECT {owner}.{c}"));
    assert_eq!(offered("SELECT bid.| FROM bid, person"), all("bid"));
    assert_eq!(offered("SELECT b.| FROM person p JOIN bid AS b"), all("b"));
    assert_eq!(offered("SELECT p.n| FROM person p JOIN bid AS b"), ["SELECT p.name"]);
    assert_eq!(offered("SELECT x.g| FROM \"Big Table\" x"), ["SELECT x.\"Größe\""; 0]);
    assert_eq!(offered("SELECT x.| FROM \"Big Table\" x"), ["SELECT x.\"Größe\""]);
    assert!(offered("SELECT nobody.| FROM bid").is_empty());
}

#[test]
fn keywords_take_the_case_that_is_typed() {
    assert_eq!(
        offered("SELECT 1 FROM bid WHE|"),
        ["WHEN", "WHERE"].map(|word| { format!("SELECT 1 FROM bid {word}") })
    );
    assert_eq!(offered("select 1 from bid gr|"), ["select 1 from bid group"]);
    assert_eq!(offered("crea|"), ["create"]);
    assert!(offered("|").iter().all(|text| {
        names()
            .relations
            .iter()
            .any(|relation| relation.columns.iter().any(|column| quoted(column) == *text))
    }));
}

#[test]
fn functions_open_their_parenthesis() {
    assert_eq!(offered("SELECT cou| FROM bid"), ["SELECT count("]);
    assert_eq!(offered("SELECT pow|"), ["SELECT power("]);
}

#[test]
fn nothing_is_offered_in_strings_and_comments() {
    for text in
        ["SELECT 'pri|", "SELECT 'pri|'", "SELECT 1 -- pri|", "SELECT /* pri|", "SELECT 'a'|"]
    {
        assert!(offered(text).is_empty(), "{text}");
    }
}

#[test]
fn commands_and_what_they_take_are_offered() {
    assert_eq!(offered("\\ti|"), ["\\timing"]);
    assert_eq!(offered("\\d|"), ["\\d", "\\dt"]);
    assert_eq!(offered("\\d per|"), ["\\d person"]);
    assert_eq!(offered("\\format c|"), ["\\format csv"]);
    assert!(offered("\\q |").is_empty());
}

#[test]
fn files_are_offered_where_one_is_read() {
    let place = tempfile::TempDir::new().unwrap();
    for name in ["bid.csv", "bid.json", ".bid", "other"] {
        std::fs::write(place.path().join(name), "").unwrap();
    }
    std::fs::create_dir(place.path().join("bids")).unwrap();
    let root = place.path().to_str().unwrap();
    let all: Vec<String> =
        ["bid.csv", "bid.json", "bids/"].iter().map(|name| format!("{root}/{name}")).collect();
    for before in ["SELECT * FROM '", "WITH ('path' = '", "\\i ", "\\i '"] {
        let found = offered(&format!("{before}{root}/b|"));
        let all: Vec<String> = all.iter().map(|path| format!("{before}{path}")).collect();
        assert_eq!(found, all);
    }
    assert!(offered(&format!("SELECT '{root}/b|")).is_empty());
    assert!(offered(&format!("SELECT * FROM '{root}/b'|")).is_empty());
}
