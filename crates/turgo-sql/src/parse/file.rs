//! Files in the place of tables: `FROM 'bids.ndjson'`.
//!
//! Such a table is known by the name of its file up to the first dot, in lower case, where that is a
//! name; otherwise by the whole path.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Ident, ObjectName, Query, TableAlias, TableFactor, VisitMut, VisitorMut,
};
use datafusion_sql::sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::cursor::is_word;

/// The path where `relation` is a file, that is, written in single quotes.
pub(crate) fn path_of(relation: &ObjectName) -> Option<&Ident> {
    let [part] = relation.0.as_slice() else { return None };
    part.as_ident().filter(|ident| ident.quote_style == Some('\''))
}

/// What the table at `path` is known by; `None`: by the path.
pub(crate) fn table_name(path: &str) -> Option<String> {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let name = file.split('.').next().unwrap_or_default().to_lowercase();
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (begins && name.chars().all(word)).then_some(name)
}

/// Gives the files of `query`, which was read from `tokens`, their places, and those that have no
/// other name their own.
pub(super) fn name(query: &mut Query, tokens: &[TokenWithSpan]) {
    let _: ControlFlow<()> = query.visit(&mut Names { tokens });
}

struct Names<'a> {
    tokens: &'a [TokenWithSpan],
}

impl Names<'_> {
    /// Where `path` stands as a table: sqlparser forgets the place of a name in single quotes.
    fn place(&self, path: &str) -> Span {
        let is_path = |token: &Token| matches!(token, Token::SingleQuotedString(it) if it == path);
        let table = |before: &Token| ["FROM", "JOIN", "TABLE"].iter().any(|w| is_word(before, w));
        let found =
            self.tokens.windows(2).find(|pair| table(&pair[0].token) && is_path(&pair[1].token));
        found.map_or(Span::empty(), |pair| pair[1].span)
    }
}

impl VisitorMut for Names<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<()> {
        let TableFactor::Table { name, alias, .. } = table else {
            return ControlFlow::Continue(());
        };
        let Some(path) = path_of(name) else { return ControlFlow::Continue(()) };
        let path = Ident { span: self.place(&path.value), ..path.clone() };
        if let (None, Some(value)) = (&alias, table_name(&path.value)) {
            let name = Ident { value, quote_style: Some('"'), span: path.span };
            *alias = Some(TableAlias { explicit: true, name, columns: Vec::new(), at: None });
        }
        *name = ObjectName::from(vec![path]);
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_name_where_it_has_one() {
        for (path, name) in [
            ("bids.ndjson", Some("bids")),
            ("/data/2024/Bids.csv.gz", Some("bids")),
            ("logs/", Some("logs")),
            ("logs", Some("logs")),
            ("bids-1.ndjson", None),
            ("2024.csv", None),
            ("logs/*.json", None),
            ("größe.csv", None),
            (".hidden.json", None),
            ("", None),
        ] {
            assert_eq!(table_name(path).as_deref(), name, "{path}");
        }
    }
}
