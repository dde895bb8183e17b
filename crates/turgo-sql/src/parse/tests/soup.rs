//! Whatever the text, reading it gives statements or an error inside the text, and never panics.
//!
//! The texts come from a seeded generator, so a failure names the seed that repeats it.

use crate::parse::parse;

/// Whole statements that use the whole grammar.
const SCRIPTS: [&str; 8] = [
    "CREATE OR REPLACE TABLE bid (auction BIGINT NOT NULL, r ROW<a INT, b ROW<c ARRAY<INT>>>, \
     ts TIMESTAMP(3), day AS CAST(ts AS DATE), WATERMARK FOR ts AS ts - INTERVAL '4' SECOND) \
     WITH ('connector' = 'filesystem', 'path' = 'bid.ndjson');",
    "INSERT INTO out (a, b) SELECT window_start, count(*) FROM \
     TABLE(TUMBLE(TABLE bid, DESCRIPTOR(ts), INTERVAL '10' SECOND)) AS w GROUP BY window_start \
     EMIT CHANGES;",
    "SELECT k, HOP_END(ts, INTERVAL '5' SECOND, INTERVAL '1' MINUTE) FROM bid AS b WHERE k > 0.5 \
     GROUP BY k, HOP(ts, INTERVAL '5' SECOND, INTERVAL '1' MINUTE) ORDER BY k EMIT FINAL;",
    "SELECT * FROM HOP(DATA => TABLE (SELECT * FROM t), TIMECOL => DESCRIPTOR(ts), \
     SLIDE => INTERVAL '1' SECOND, SIZE => INTERVAL '0 00:10:00' DAY TO SECOND) h;",
    "SELECT a, count(*) FROM SESSION(TABLE (SELECT * FROM t) PARTITION BY (a, b), DESCRIPTOR(ts), \
     INTERVAL '1' SECOND) GROUP BY a, b, window_start;",
    "CREATE VIEW \"Vüe\" AS WITH x AS (SELECT 'ä\n' || `b` AS emit FROM 'f.json') \
     SELECT CASE WHEN emit IS NULL THEN -1 ELSE r.b.c[1] END FROM x -- end\n;",
    "EXPLAIN SELECT DISTINCT a FROM t UNION ALL SELECT b FROM u HAVING count(*) > 1 LIMIT 3;",
    "SET 'a.b' = 'c'; SHOW CREATE TABLE t; DESCRIBE v; DROP VIEW IF EXISTS v; SHOW COLUMNS FROM t;",
];

const WORDS: [&str; 63] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "TUMBLE",
    "HOP",
    "SESSION",
    "PARTITION",
    "TABLE",
    "DESCRIPTOR",
    "EMIT",
    "FINAL",
    "CHANGES",
    "EVERY",
    "INTERVAL",
    "'10'",
    "SECOND",
    "DAY",
    "TO",
    "CREATE",
    "VIEW",
    "AS",
    "WATERMARK",
    "FOR",
    "WITH",
    "ROW",
    "ARRAY",
    "MAP",
    "DECIMAL",
    "TIMESTAMP",
    "INT",
    "NOT",
    "NULL",
    "INSERT",
    "INTO",
    "VALUES",
    "SET",
    "SHOW",
    "EXPLAIN",
    "CASE",
    "JOIN",
    "(",
    "(",
    ")",
    ")",
    ",",
    ",",
    "<",
    ">",
    ">>",
    "=",
    "=>",
    ".",
    ";",
    "*",
    "-",
    "[",
    "]",
    "\"q\"",
    "`b`",
    "ä",
    "1.5e3",
];

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below a usize")
    }
}

fn check(seed: u64, text: &str) {
    match parse(text) {
        Ok(statements) => {
            for statement in statements {
                assert!(text.get(statement.span).is_some(), "seed {seed}: {text}");
            }
        }
        Err(error) => {
            let span = error.span.unwrap_or_else(|| panic!("seed {seed}: no place: {text}"));
            assert!(text.get(span.clone()).is_some(), "seed {seed}: {span:?} of {text}");
            assert!(!error.message.contains("Line:"), "seed {seed}: {}", error.message);
        }
    }
}

#[test]
fn scripts_that_are_mutated_are_whole_to_begin_with() {
    for script in SCRIPTS {
        parse(script).unwrap_or_else(|error| panic!("{error}: {script}"));
    }
}

#[test]
fn word_soup_never_panics() {
    for seed in 1..3_000 {
        let mut random = Random::new(seed);
        let count = random.below(30);
        let words: Vec<_> = (0..count).map(|_| WORDS[random.below(WORDS.len())]).collect();
        check(seed, &words.join(" "));
    }
}

#[test]
fn mutated_scripts_never_panic() {
    for seed in 1..4_000 {
        let mut random = Random::new(seed);
        let mut text: Vec<char> = SCRIPTS[random.below(SCRIPTS.len())].chars().collect();
        for _ in 0..=random.below(4) {
            let at = random.below(text.len());
            let to = (at + random.below(12)).min(text.len());
            match random.below(4) {
                0 => drop(text.drain(at..to)),
                1 => {
                    let copy: Vec<char> = text[at..to].to_vec();
                    let into = random.below(text.len());
                    text.splice(into..into, copy);
                }
                2 => {
                    let word = WORDS[random.below(WORDS.len())];
                    text.splice(at..to, format!(" {word} ").chars());
                }
                _ => text.truncate(at + 1),
            }
            if text.is_empty() {
                break;
            }
        }
        check(seed, &text.into_iter().collect::<String>());
    }
}

#[test]
fn deep_and_long_texts_are_refused_and_do_not_use_up_the_stack() {
    let many = 20_000;
    for text in [
        format!("SELECT {}1", "(".repeat(many)),
        format!("SELECT 1{}", " + 1".repeat(many)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(many)),
        format!("SELECT {} 1", "NOT ".repeat(many)),
        format!("SELECT {} 1", "- ".repeat(many)),
        format!("SELECT CAST(a AS {}INT)", "ARRAY<".repeat(many)),
        format!("SELECT CAST(a AS INT{})", "[]".repeat(many)),
        format!("CREATE TABLE t (a {}INT)", "ARRAY<".repeat(many)),
        format!("SELECT {} 1", "CASE WHEN ".repeat(many)),
        format!("SELECT {} 1", "CASE WHEN ".repeat(49)),
        format!("SELECT {} 1", "CASE WHEN (a + f(".repeat(23)),
        format!("SELECT {} 1", "EXISTS (SELECT a IN (SELECT ".repeat(23)),
        format!("SELECT * FROM {}t", "(SELECT * FROM ".repeat(many)),
        format!("{}SELECT 1", "EXPLAIN ".repeat(many)),
    ] {
        let error = parse(&text).expect_err("it is too much");
        assert!(text.get(error.span.expect("it has a place")).is_some());
    }
    let deep = format!("SELECT {}1{}", "(".repeat(40), ")".repeat(40));
    parse(&deep).expect("forty parentheses are read");
    let wide = format!("SELECT a IN ({}1)", "1, ".repeat(many));
    parse(&wide).expect("a wide list is not deep");
    let long = format!("SELECT 1{}", " + 1".repeat(400));
    parse(&long).expect("a few hundred operators are read");
}
