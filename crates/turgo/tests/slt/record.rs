//! Reads an `.slt` file into records.

/// A record and the line it starts at.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

/// What a record says.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Write a file.
    File { name: String, text: String },
    /// Run the records of another file.
    Include(String),
    /// Run a statement; where there is a text, it must fail with it.
    Statement { sql: String, error: Option<String> },
    /// Run a query, in each of its ways of writing, and compare its rows.
    Query { types: String, sorted: bool, ways: Vec<String>, rows: Vec<String> },
    /// Compare what became of the rows of the last query.
    Counts(Vec<(String, u64)>),
}

/// The records of `text`.
///
/// # Errors
/// The line and what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((index, head)) = lines.next() {
        if head.trim().is_empty() || head.starts_with('#') {
            continue;
        }
        let mut body = Vec::new();
        while let Some((_, line)) = lines.next_if(|(_, line)| !line.trim().is_empty()) {
            body.push(line);
        }
        let line = index + 1;
        let kind = kind(head, &body).map_err(|problem| format!("{line}: {problem}"))?;
        records.push(Record { line, kind });
    }
    Ok(records)
}

fn kind(head: &str, body: &[&str]) -> Result<Kind, String> {
    let (word, rest) = head.split_once(' ').ok_or_else(|| format!("unknown record: {head}"))?;
    match word {
        "file" => {
            let text = body.iter().map(|line| format!("{line}\n")).collect();
            Ok(Kind::File { name: rest.into(), text })
        }
        "include" => Ok(Kind::Include(rest.into())),
        "statement" => {
            let error = match rest.split_once(' ') {
                None if rest == "ok" => None,
                Some(("error", text)) => Some(text.to_string()),
                _ => return Err(format!("`ok` or `error TEXT`, not {rest}")),
            };
            Ok(Kind::Statement { sql: body.join("\n"), error })
        }
        "query" => {
            let (types, sorted) = match rest.split_once(' ') {
                None => (rest, false),
                Some((types, "rowsort")) => (types, true),
                Some((_, other)) => return Err(format!("unknown order {other}")),
            };
            let split = body.iter().position(|line| *line == "----").ok_or("a query needs ----")?;
            let rows = body[split + 1..].iter().map(|row| row.to_string()).collect();
            Ok(Kind::Query { types: types.into(), sorted, ways: ways(&body[..split]), rows })
        }
        "counts" => {
            let count = |pair: &str| {
                let (name, value) = pair.split_once('=')?;
                Some((name.to_string(), value.parse().ok()?))
            };
            let pairs =
                rest.split(' ').map(|pair| count(pair).ok_or(format!("not a count: {pair}")));
            Ok(Kind::Counts(pairs.collect::<Result<_, _>>()?))
        }
        other => Err(format!("unknown record {other}")),
    }
}

/// The statement without its lines in brackets, and with them where there are any.
fn ways(lines: &[&str]) -> Vec<String> {
    let optional = |line: &str| line.starts_with('[') && line.ends_with(']');
    let without: Vec<&str> = lines.iter().copied().filter(|line| !optional(line)).collect();
    let with =
        lines.iter().map(|line| if optional(line) { &line[1..line.len() - 1] } else { line });
    let with: Vec<&str> = with.collect();
    let ways = if with.len() == without.len() { vec![without] } else { vec![without, with] };
    ways.iter().map(|lines| lines.join("\n")).collect()
}
