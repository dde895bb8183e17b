//! Reading option values: what connectors share in saying that one is wrong.

use turgo_engine::io::{OptionError, TableSpec};

/// A value that an option cannot have.
pub(crate) fn wrong(key: &str, value: &str, help: impl Into<String>) -> OptionError {
    OptionError {
        key: Some(key.into()),
        message: format!("'{key}' cannot be '{value}'"),
        help: Some(help.into()),
    }
}

/// One of several values, regardless of case.
pub(crate) fn one_of<T: Copy>(
    key: &str,
    value: &str,
    choices: &[(&str, T)],
) -> Result<T, OptionError> {
    if let Some((_, choice)) = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(value)) {
        return Ok(*choice);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let choices = format!("one of {}", quoted.join(", "));
    Err(wrong(
        key,
        value,
        match nearest(value, &names) {
            Some(near) => format!("did you mean '{near}'? It is {choices}"),
            None => choices,
        },
    ))
}

/// `true` or `false`.
pub(crate) fn boolean(key: &str, value: &str) -> Result<bool, OptionError> {
    one_of(key, value, &[("true", true), ("false", false)])
}

/// The name most like `wanted`, where one is like it at all.
pub(crate) fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    const LIKENESS_MIN: f64 = 0.7;
    let likeness = |name: &str| strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase());
    names
        .iter()
        .map(|name| (likeness(name), *name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// A whole number from `min` to `max`, where the option is given.
pub(crate) fn number(
    table: &TableSpec,
    key: &str,
    min: u64,
    max: u64,
) -> Result<Option<u64>, OptionError> {
    let Some(value) = table.options.get(key) else { return Ok(None) };
    // `1_000_000` reads better than `1000000`.
    match value.replace('_', "").parse() {
        Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
        _ => Err(wrong(key, value, format!("a whole number from {min} to {max}"))),
    }
}
