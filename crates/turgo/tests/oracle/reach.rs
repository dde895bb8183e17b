//! Which shapes a case has, for the guard that none of them dies out.

use crate::model::{Case, Emit, Verdict};
use crate::naive;
use crate::query::{
    Body, Expr, From, Named, OverCall, Pace, Query, Scope, Select, Window, WindowStyle,
};

/// The shapes that cases are made for, and whether `case` is of them.
pub(crate) fn shapes(case: &Case) -> Vec<(&'static str, bool)> {
    let mut shapes = grown_windows(case);
    shapes.extend(guards(case));
    shapes.extend(windows_over_windows(&case.query));
    shapes.extend(unions_of_windows(&case.query));
    shapes.extend(sessions(&case.query));
    shapes.extend(over(&case.query));
    shapes
}

fn over(query: &Query) -> Vec<(&'static str, bool)> {
    let selects = query.selects();
    let any = |holds: &dyn Fn(&Select, &[OverCall]) -> bool| {
        selects.iter().any(|select| match &select.body {
            Body::Over { calls, .. } => holds(select, calls),
            _ => false,
        })
    };
    let call = |holds: fn(&OverCall) -> bool| any(&|_, calls| calls.iter().any(holds));
    vec![
        ("OVER a table", any(&|select, _| matches!(select.from, From::Table))),
        ("OVER a query", any(&|select, _| matches!(select.from, From::Query { .. }))),
        ("OVER in a query", any(&|_, _| selects.len() > 1)),
        ("OVER some rows", call(|call| matches!(call, OverCall::Aggregate(_, Some(_))))),
        ("OVER all rows so far", call(|call| matches!(call, OverCall::Aggregate(_, None)))),
        ("the first row of OVER", call(|call| matches!(call, OverCall::First(..)))),
        ("a row before in OVER", call(|call| matches!(call, OverCall::Lag(..)))),
    ]
}

fn windows_over_windows(query: &Query) -> Vec<(&'static str, bool)> {
    let any = |holds: &dyn Fn(&Window, &Select) -> bool| {
        query.selects().iter().any(|select| match &select.from {
            From::Window(outer) => match &*outer.input {
                From::Query { query: Query::Select(inner), .. } => holds(outer, inner),
                _ => false,
            },
            _ => false,
        })
    };
    let renamed =
        |_: &Window, inner: &Select| matches!(&inner.body, Body::Groups { window_as: Some(_), .. });
    let labelled = |outer: &Window, inner: &Select| match &inner.from {
        From::Window(window) => outer.drops_late && !window.drops_late,
        _ => false,
    };
    vec![
        ("windows over the results of windows", any(&renamed)),
        ("windows over labelled rows", any(&labelled)),
    ]
}

fn sessions(query: &Query) -> Vec<(&'static str, bool)> {
    let windows = query.windows();
    let is = |window: &Window| window.pace == Pace::Session;
    let any = |holds: &dyn Fn(&Window) -> bool| windows.iter().any(|w| is(w) && holds(w));
    let over = |outer: bool, inner: bool| match &windows[..] {
        [first, second] => is(first) == outer && is(second) == inner,
        _ => false,
    };
    vec![
        ("sessions as a table", any(&Window::partitions)),
        ("sessions as a grouping", any(&|window| !window.partitions())),
        ("sessions of nothing", any(&|window| window.partition.is_empty())),
        ("sessions of two columns", any(&|window| window.partition.len() == 2)),
        ("windows over sessions", over(false, true)),
        ("sessions over windows", over(true, false)),
        ("sessions over sessions", over(true, true)),
    ]
}

fn unions_of_windows(query: &Query) -> Vec<(&'static str, bool)> {
    let (union, grouped) = match query {
        Query::Union { .. } => (Some(query), false),
        Query::Select(select) => match &select.from {
            From::Query { query: union @ Query::Union { .. }, .. } => {
                (Some(union), matches!(select.body, Body::Groups { .. }))
            }
            _ => (None, false),
        },
    };
    let windows = union.map_or(Vec::new(), Query::windows);
    let any = |unlike: bool| {
        windows.first().is_some_and(|first| {
            let differs = |w: &&Window| (w.size, w.pace) != (first.size, first.pace);
            windows.iter().any(differs) == unlike
        })
    };
    vec![
        ("UNION of unlike windows", any(true) && !grouped),
        ("UNION of like windows", any(false) && !grouped),
        ("groups of unlike windows", any(true) && grouped),
        ("groups of like windows", any(false) && grouped),
    ]
}

fn grown_windows(case: &Case) -> Vec<(&'static str, bool)> {
    let windows = case.query.windows();
    let any = |holds: &dyn Fn(WindowStyle, bool) -> bool| {
        windows.iter().any(|window| {
            let grows = matches!(window.pace, Pace::Step(step) if step < window.size);
            grows && holds(window.written, window.drops_late)
        })
    };
    vec![
        ("grows as a table", any(&|written, _| written != WindowStyle::Grouping)),
        ("grows as a grouping", any(&|written, _| written == WindowStyle::Grouping)),
        ("grows in a changelog", any(&|_, _| case.emit == Emit::Changes)),
        ("grows and drops no row", any(&|_, drops_late| !drops_late)),
    ]
}

/// Guards in all places, where the case as a whole does not fail.
fn guards(case: &Case) -> Vec<(&'static str, bool)> {
    let table = naive::table_scope(&case.table);
    let answers = matches!(naive::interpret(case), Verdict::Answers { .. });
    let selects = case.query.selects();
    let any = |holds: &dyn Fn(&Select, &Scope) -> bool| {
        answers && selects.iter().any(|select| holds(select, &select.from.scope(&table)))
    };
    let in_filter = |holds: fn(&Expr, &[Named]) -> bool| {
        any(&|select, scope| select.filter.as_ref().is_some_and(|filter| holds(filter, scope)))
    };
    let having = any(&|select, _| match &select.body {
        Body::Groups { having: Some(having), .. } => having.can_fail(&select.scope(&table)),
        _ => false,
    });
    let of_calls = |holds: fn(&Expr, &Option<Expr>, &[Named]) -> bool| {
        any(&|select, scope| match &select.body {
            Body::Groups { calls, .. } => calls.iter().any(|call| match &call.filter {
                Some(filter) => holds(filter, &call.argument, scope),
                None => false,
            }),
            Body::Rows { .. } | Body::Over { .. } => false,
        })
    };
    let shown = any(&|select, scope| match &select.body {
        Body::Rows { items, .. } => items.iter().any(|item| guards_itself(&item.expr, scope)),
        Body::Groups { .. } | Body::Over { .. } => false,
    });
    let nested = any(&|select, scope| {
        let inner = match &select.from {
            From::Query { query: Query::Select(inner), .. } => inner.filter.is_some(),
            _ => false,
        };
        inner && select.filter.as_ref().is_some_and(|filter| filter.can_fail(scope))
    });
    vec![
        (
            "AND in WHERE guards",
            in_filter(|f, scope| matches!(f, Expr::And(..)) && f.can_fail(scope)),
        ),
        (
            "OR in WHERE guards",
            in_filter(|f, scope| matches!(f, Expr::Or(..)) && f.can_fail(scope)),
        ),
        (
            "CASE in WHERE guards",
            in_filter(|f, scope| matches!(f, Expr::Case(..)) && f.can_fail(scope)),
        ),
        ("AND or OR in SELECT guards", shown),
        ("an inner WHERE guards", nested),
        ("HAVING guards", having),
        (
            "FILTER guards an argument",
            of_calls(|_, argument, scope| {
                argument.as_ref().is_some_and(|argument| argument.can_fail(scope))
            }),
        ),
        ("FILTER guards itself", of_calls(|filter, _, scope| guards_itself(filter, scope))),
    ]
}

/// Whether some AND or OR in `expr` has a right side that can fail and a left side that cannot.
fn guards_itself(expr: &Expr, scope: &[Named]) -> bool {
    let here = match expr {
        Expr::And(a, b) | Expr::Or(a, b) => !a.can_fail(scope) && b.can_fail(scope),
        _ => false,
    };
    here || expr.parts().into_iter().any(|part| guards_itself(part, scope))
}
