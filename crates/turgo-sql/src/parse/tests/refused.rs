//! Scripts that are refused: every block of `refused.txt` is an error as the user sees it, with
//! the script in its second line.

use super::refusal;
use crate::parse::parse;

#[test]
fn every_refusal_has_its_caret_and_remedy() {
    let blocks = include_str!("refused.txt").trim_end().split("\n\n");
    let mut wrong = Vec::new();
    for block in blocks {
        let script = block.lines().nth(1).expect("a block has a message and a script");
        let found = refusal(script);
        if found != block {
            wrong.push(format!("expected:\n{block}\nfound:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn the_first_error_in_the_text_is_reported() {
    let second = "SELECT 1;\n  SELCT 2;\nSELECT 'open";
    assert_eq!(
        refusal(second),
        "expected a statement, found `SELCT`\n  SELCT 2;\n  ^^^^^\ndid you mean SELECT?"
    );
    let last = "SELECT 1;\nSELECT ä, 'open";
    assert_eq!(
        refusal(last),
        "a string is never closed\nSELECT ä, 'open\n          ^\nclose it with '"
    );
}

#[test]
fn an_error_at_the_end_points_behind_the_last_word() {
    let text = "SELECT a FROM t WHERE\n\n-- the end\n";
    assert_eq!(
        refusal(text),
        "expected an expression, found the end of the statement\nSELECT a FROM t WHERE\n                     ^"
    );
}

#[test]
fn cases_within_cases_are_counted_like_brackets() {
    let nested = |open: &str, close: &str, depth: usize| {
        format!("SELECT {}1{} FROM t", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [
        ("CASE WHEN a THEN 2 ELSE ", " END"),
        ("CASE WHEN ", " THEN 2 END"),
        ("CASE ", " WHEN 1 THEN 2 END"),
        ("(CASE b WHEN 1 THEN ", " END)"),
    ] {
        let levels = 1 + usize::from(open.starts_with('('));
        parse(&nested(open, close, 47 / levels)).expect("this is deep, but not too deep");
        let refused = refusal(&nested(open, close, 49));
        assert!(refused.starts_with("the statement is nested too deeply\n"), "{refused}");
    }
    // One behind the other is not nested, and `end` may be the name of a column.
    let flat = vec!["CASE WHEN t.end THEN 1 END"; 100].join(", ");
    parse(&format!("SELECT {flat} FROM t")).expect("nothing is nested");
}
