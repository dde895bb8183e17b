//! Planning errors that DataFusion words for its own developers, worded for whoever wrote the query.
//!
//! They come as text only, so the text is what is looked at; what is not known here stays as it is.

use arrow::datatypes::DataType;
use turgo_engine::types::sql_type;

use crate::error::SqlError;

/// The error in our words, where the message is one of those known.
pub(super) fn reword(message: &str) -> Option<SqlError> {
    no_such_call(message)
        .or_else(|| not_grouped(message))
        .or_else(|| no_condition(message))
        .or_else(|| no_operation(message))
        .or_else(|| substring(message))
}

fn no_such_call(message: &str) -> Option<SqlError> {
    let call = after(message, "No function matches the given name and argument types '")?;
    let (name, arguments) = call.split_once("'.")?.0.strip_suffix(')')?.split_once('(')?;
    let types: Vec<String> = arguments_of(arguments).into_iter().map(in_sql).collect();
    let said = match types.as_slice() {
        [] => format!("`{name}` needs arguments"),
        types => format!("`{name}` does not take {}", types.join(", ")),
    };
    Some(SqlError::new(said).help("give it other arguments, or convert them with CAST"))
}

fn not_grouped(message: &str) -> Option<SqlError> {
    let column = after(message, "While expanding wildcard, column \"")?;
    let (column, _) = column.split_once("\" must appear in the GROUP BY clause")?;
    let name = column.rsplit('.').next().unwrap_or(column);
    Some(
        SqlError::new(format!("`{name}` is neither grouped by nor inside an aggregate"))
            .help(format!("add it to GROUP BY, or take one of its values, as in min({name})")),
    )
}

fn no_condition(message: &str) -> Option<SqlError> {
    let rest = after(message, "Cannot create filter with non-boolean predicate '")?;
    let (_, data_type) = rest.rsplit_once("' returning ")?;
    Some(
        SqlError::new(format!(
            "a condition is a BOOLEAN, this one is of type {}",
            in_sql(data_type)
        ))
        .help("compare it with something, as in v > 0"),
    )
}

fn no_operation(message: &str) -> Option<SqlError> {
    let arithmetic = after(message, "Cannot coerce arithmetic expression ")
        .and_then(|rest| rest.strip_suffix(" to valid types"));
    let types = arithmetic.or_else(|| {
        after(message, "Cannot infer common argument type for comparison operation ")
    })?;
    let mut words = arguments_at(types, ' ').into_iter();
    let (left, operator) = (words.next()?, words.next()?);
    let right = words.collect::<Vec<_>>().join(" ");
    let said = format!("there is no {} {operator} {}", in_sql(left), in_sql(&right));
    Some(SqlError::new(said).help("convert one side with CAST"))
}

fn substring(message: &str) -> Option<SqlError> {
    message
        .starts_with("Substring without for/from is not valid")
        .then(|| SqlError::new("SUBSTR needs a place to start").help("write substr(text, 1, 3)"))
}

fn after<'a>(message: &'a str, start: &str) -> Option<&'a str> {
    message.split_once(start).map(|(_, rest)| rest)
}

/// A type as SQL names it.
fn in_sql(name: &str) -> String {
    let name = name.trim();
    name.parse::<DataType>().map_or_else(|_| name.to_owned(), |data_type| sql_type(&data_type))
}

fn arguments_of(list: &str) -> Vec<&str> {
    arguments_at(list, ',')
}

/// The parts between separators that stand in no parentheses.
fn arguments_at(list: &str, separator: char) -> Vec<&str> {
    let mut depth = 0;
    list.split(|c: char| {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        c == separator && depth == 0
    })
    .filter(|part| !part.trim().is_empty())
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_sql_names_them() {
        let said = |message: &str| reword(message).unwrap().message;
        assert_eq!(
            said(
                "Internal error: Function 'sum' failed. No function matches the given name and \
                 argument types 'sum(Decimal128(10, 2), Utf8)'. You might need casts."
            ),
            "`sum` does not take DECIMAL(10, 2), VARCHAR"
        );
        assert_eq!(
            said("Cannot coerce arithmetic expression Utf8 + Int64 to valid types"),
            "there is no VARCHAR + BIGINT"
        );
        assert_eq!(
            said(
                "Cannot infer common argument type for comparison operation Timestamp(ms) = Int64"
            ),
            "there is no TIMESTAMP(3) = BIGINT"
        );
        assert_eq!(
            said("Cannot create filter with non-boolean predicate 'ev.v' returning Int64"),
            "a condition is a BOOLEAN, this one is of type BIGINT"
        );
        assert!(reword("something else").is_none());
    }
}
