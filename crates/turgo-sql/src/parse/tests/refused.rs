//! Scripts that are refused: every block of `refused.txt` is an error as the user sees it, with
//! the script in its second line.

use super::refusal;

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
