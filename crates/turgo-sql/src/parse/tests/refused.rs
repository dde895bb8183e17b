//! x
use super::*;
#[test]
fn dump() {
    for line in std::fs::read_to_string("/tmp/front_inputs.txt").unwrap().lines() {
        match parse(line) {
            Ok(s) => println!("OK {s:?}\n"),
            Err(e) => println!("{}\n", render(line, &e)),
        }
    }
}
