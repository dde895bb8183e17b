//! Names of columns that a query does not name: as the query writes them.
//!
//! DataFusion would name `sum(v * 2)` after its own tree, `sum(t.v * Int64(2))`. Here the text itself
//! becomes the name, in lower case where it is not quoted; a field of a row keeps the field's name.
//! A name that is taken in the same SELECT is not given twice.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    Expr, Ident, Query, Select, SelectItem, Spanned, VisitMut, VisitorMut,
};

use crate::parse::name_of;

/// Names the columns of every SELECT in `query`.
pub(super) fn name(query: &mut Query) {
    let _: ControlFlow<()> = query.visit(&mut Names);
}

struct Names;

impl VisitorMut for Names {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let relations = relations(select);
        let given = |item| given(item, &relations);
        let mut taken: BTreeSet<String> = select.projection.iter().filter_map(given).collect();
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else { continue };
            if let Some(name) = natural(expr, &relations)
                && taken.insert(name.clone())
            {
                let mut alias = Ident::with_quote('"', name);
                alias.span = expr.span();
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
            }
        }
        ControlFlow::Continue(())
    }
}

/// What the tables behind FROM are called.
fn relations(select: &Select) -> BTreeSet<String> {
    let tables = select.from.iter().flat_map(|from| {
        std::iter::once(&from.relation).chain(from.joins.iter().map(|join| &join.relation))
    });
    tables.filter_map(name_of).map(folded).collect()
}

/// The name an item has already.
fn given(item: &SelectItem, relations: &BTreeSet<String>) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(name)) => Some(folded(name)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) if is_column(names, relations) => {
            names.last().map(folded)
        }
        _ => None,
    }
}

/// Whether `names` are a table and its column, not a field of a row.
fn is_column(names: &[Ident], relations: &BTreeSet<String>) -> bool {
    matches!(names, [table, _] if relations.contains(&folded(table)))
}

/// The name an expression gets; `None` for columns, which have one.
fn natural(expr: &Expr, relations: &BTreeSet<String>) -> Option<String> {
    match expr {
        Expr::Identifier(_) => None,
        Expr::CompoundIdentifier(names) => {
            if is_column(names, relations) {
                None
            } else {
                names.last().map(folded)
            }
        }
        other => Some(lower(&other.to_string())),
    }
}

fn folded(name: &Ident) -> String {
    match name.quote_style {
        None => name.value.to_lowercase(),
        Some(_) => name.value.clone(),
    }
}

/// `text` in lower case, but for what stands between quotes.
fn lower(text: &str) -> String {
    let mut quote = None;
    text.chars()
        .map(|c| {
            match quote {
                None if c == '\'' || c == '"' => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => {}
            }
            if quote.is_none() { c.to_ascii_lowercase() } else { c }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::statement::StatementKind;

    fn named(text: &str) -> String {
        let mut statements = parse(text).unwrap();
        let StatementKind::Select(query) = statements.remove(0).kind else { panic!("{text}") };
        let mut query = query.query;
        name(&mut query);
        query.to_string()
    }

    #[test]
    fn columns_are_named_as_they_are_written() {
        for (text, expected) in [
            ("SELECT v FROM t", "SELECT v FROM t"),
            ("SELECT SUM(V * 2) FROM t", r#"SELECT SUM(V * 2) AS "sum(v * 2)" FROM t"#),
            (
                "SELECT Upper(\"N\" || 'X') FROM t",
                r#"SELECT Upper("N" || 'X') AS "upper(""N"" || 'X')" FROM t"#,
            ),
            ("SELECT t.v, r.v AS w, T.R.V FROM t", "SELECT t.v, r.v AS w, T.R.V FROM t"),
            ("SELECT r.price FROM t", r#"SELECT r.price AS "price" FROM t"#),
            ("SELECT r.a.b, v FROM t", r#"SELECT r.a.b AS "b", v FROM t"#),
            ("SELECT v + 1, v + 1 FROM t", r#"SELECT v + 1 AS "v + 1", v + 1 FROM t"#),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }
}
