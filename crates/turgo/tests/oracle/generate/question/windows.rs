//! Queries where windows meet: windows over windows, conditions on them, unions of them.

use super::{Asker, all_shown, only};
use crate::model::Type;
use crate::query::{
    Body, Comparison, Expr, From, GroupWindow, Item, Pace, Query, Scope, Select, WINDOW_COLUMNS,
    Window, WindowStyle,
};

impl Asker<'_> {
    /// Windows over the results of windows.
    pub(super) fn cascade(&mut self) -> Query {
        let inner = self.inner_groups(true);
        let Query::Select(select) = &inner else { panic!("groups are a SELECT") };
        let scope = select.scope(&self.table);
        let time = scope.iter().position(|named| named.name == "window_time");
        let time = time.expect("inner windows show their time");
        // Names must differ from those of the outer window.
        let (input, time) = match self.random.percent(50) {
            true => {
                let names = WINDOW_COLUMNS.map(|_| self.name("w"));
                (self.nested(with_window_as(inner, names)), time)
            }
            false => {
                let mut items = vec![Item { expr: Expr::Column(time), name: self.name("t") }];
                for (column, named) in scope.iter().enumerate() {
                    if !named.name.starts_with("window_") {
                        items.push(Item { expr: Expr::Column(column), name: self.name("x") });
                    }
                }
                let from = self.nested(inner);
                let body = Body::Rows { items, distinct: false };
                let renamed = Query::Select(Box::new(Select { from, filter: None, body }));
                (self.nested(renamed), 0)
            }
        };
        let scope = input.scope(&self.table);
        let mut window = match self.random.percent(40) {
            true => self.session(input, time),
            false => self.window(input, time, true),
        };
        let window_columns = match window.written {
            WindowStyle::Grouping => GroupWindow::StartEndTime,
            _ => GroupWindow::StartEnd,
        };
        let keys = match time > 0 && self.random.percent(40) {
            true => vec![Item { expr: Expr::Column(time - 2), name: self.name("k") }],
            false => Vec::new(),
        };
        if window.pace == Pace::Session {
            window.partition = keys.iter().map(|key| key.expr.clone()).collect();
        }
        let calls = self.calls_of_each(&scope, time + 1);
        let body = all_shown(keys, window_columns, calls);
        Query::Select(Box::new(Select { from: From::Window(window), filter: None, body }))
    }

    /// Windows in a subquery, a condition on them, and the aggregate outside.
    pub(super) fn filtered_windows(&mut self) -> Query {
        self.limits = self.limits.safe();
        let by_end = self.random.percent(50);
        let mut window = self.bare_window(true);
        window.drops_late = by_end || matches!(window.pace, Pace::Slide(_));
        let from = From::Window(window);
        let scope = from.scope(&self.table);
        let first = scope.len() - 3;
        let mut items: Vec<Item> = Vec::new();
        for (column, named) in scope.iter().enumerate() {
            let name = if column < first { self.name("x") } else { named.name.clone() };
            if !matches!(named.ty, Type::Row(_)) {
                items.push(Item { expr: Expr::Column(column), name });
            }
        }
        let body = Body::Rows { items, distinct: false };
        let filter = self.filter(&scope[..first], 40);
        let inner = Query::Select(Box::new(Select { from, filter, body }));
        let from = self.nested(inner);
        let scope = from.scope(&self.table);
        let (start, end) = (scope.len() - 3, scope.len() - 2);
        let usable: Scope = scope[..start].to_vec();
        let mut keys = vec![Item { expr: Expr::Column(start), name: self.name("w") }];
        if by_end {
            keys.push(Item { expr: Expr::Column(end), name: self.name("w") });
        }
        if self.random.percent(50) {
            let column = self.random.below(usable.len());
            keys.push(Item { expr: Expr::Column(column), name: self.name("k") });
        }
        // Compares the window with a time of the row: only the window's operator can answer.
        let filter = self.random.percent(50).then(|| {
            let ty = &scope[start].ty;
            let times: Vec<usize> = (0..start).filter(|column| scope[*column].ty == *ty).collect();
            let time = Expr::Column(*self.random.pick(&times));
            Expr::Compare(Comparison::Different, Box::new(Expr::Column(start)), Box::new(time))
        });
        let calls = vec![self.call(&usable), self.call(&usable)];
        let body = all_shown(keys, GroupWindow::No, calls);
        Query::Select(Box::new(Select { from, filter, body }))
    }

    /// Windows over rows which an earlier window only labels.
    pub(super) fn labelled(&mut self) -> Query {
        self.limits = self.limits.safe();
        let mut window = self.bare_window(false);
        window.pace = Pace::Slide(window.size);
        let from = From::Window(window);
        let scope = from.scope(&self.table);
        let first = scope.len() - WINDOW_COLUMNS.len();
        let mut items = Vec::new();
        for column in 0..scope.len() {
            if column <= first || self.random.percent(50) {
                items.push(Item { expr: Expr::Column(column), name: self.name("x") });
            }
        }
        let filter = self.filter(&scope[..first], 30);
        let body = Body::Rows { items, distinct: false };
        let inner = Query::Select(Box::new(Select { from, filter, body }));
        let input = self.nested(inner);
        let window = self.window(input, self.time, true);
        self.groups(From::Window(window))
    }

    /// UNION ALL of windows, alike or not, grouped by them; or UNION of them alone.
    pub(super) fn windowed_union(&mut self) -> Query {
        self.limits = self.limits.safe();
        let (distinct, by_end) = (self.random.percent(30), self.random.percent(40));
        let mut windows = vec![self.bare_window(true)];
        for _ in 0..1 + self.random.below(2) {
            let window = match self.random.percent(40) {
                true => windows[0].clone(),
                false => self.bare_window(true),
            };
            windows.push(window);
        }
        let (size, pace) = (windows[0].size, windows[0].pace);
        let alike = windows.iter().all(|other| (other.size, other.pace) == (size, pace));
        // Of windows that start together, the start does not say which it is.
        let told_apart = alike && (by_end || matches!(pace, Pace::Slide(_)));
        let shown = if by_end { 2 } else { 1 };
        let value = self.random.below(self.table.len());
        let branches = windows.into_iter().map(|mut window| {
            window.drops_late = told_apart;
            let from = From::Window(window);
            let scope = from.scope(&self.table);
            let first = scope.len() - WINDOW_COLUMNS.len();
            let columns = (first..first + shown).chain((!distinct).then_some(value));
            let items = columns.map(|column| Item {
                expr: Expr::Column(column),
                name: scope[column].name.clone(),
            });
            let body = Body::Rows { items: items.collect(), distinct: false };
            let filter = self.filter(&scope[..first], 40);
            Query::Select(Box::new(Select { from, filter, body }))
        });
        let union = Query::Union { branches: branches.collect(), distinct };
        if distinct {
            return union;
        }
        let from = self.nested(union);
        let scope = from.scope(&self.table);
        let keys = (0..shown)
            .map(|column| Item { expr: Expr::Column(column), name: self.name("w") })
            .collect();
        let usable = only(&scope, |column| column >= shown);
        let calls = vec![self.call(&usable), self.call(&usable)];
        let body = all_shown(keys, GroupWindow::No, calls);
        Query::Select(Box::new(Select { from, filter: None, body }))
    }

    /// Sessions over the time column `time` of `input`; a table function is partitioned by some of
    /// its columns.
    pub(super) fn session(&mut self, input: From, time: usize) -> Window {
        let scope = input.scope(&self.table);
        let mut window = self.window(input, time, true);
        window.pace = Pace::Session;
        window.size = match scope[time].ty {
            Type::Timestamp(digits) if digits >= 3 && self.random.percent(20) => {
                self.random.between(300, 5_000) * 1_000
            }
            _ => *self.random.pick(&[1, 2, 5, 10, 20, 60]) * 1_000_000,
        };
        if window.partitions() {
            let plain: Vec<usize> = (0..scope.len())
                .filter(|column| !matches!(scope[*column].ty, Type::Row(_)))
                .collect();
            for _ in 0..self.random.below(3) {
                let column = *self.random.pick(&plain);
                let there = |expr: &Expr| matches!(expr, Expr::Column(other) if *other == column);
                if !window.partition.iter().any(there) {
                    window.partition.push(Expr::Column(column));
                }
            }
        }
        window
    }

    /// A condition that leaves out whole partitions.
    pub(super) fn filter_of_partition(&mut self, window: &Window, scope: &Scope) -> Option<Expr> {
        let columns = |column| {
            let is = |expr: &Expr| matches!(expr, Expr::Column(other) if *other == column);
            window.partition.iter().any(is)
        };
        let limits = self.limits;
        self.limits = limits.safe();
        let partition = only(scope, columns);
        let filter = if window.partition.is_empty() { None } else { self.filter(&partition, 40) };
        self.limits = limits;
        filter
    }

    /// A window of the table, as a table function.
    fn bare_window(&mut self, drops_late: bool) -> Window {
        let mut window = self.window(From::Table, self.time, drops_late);
        if window.written == WindowStyle::Grouping {
            window.written = WindowStyle::Bare;
        }
        window
    }
}

/// `query` with other names for its window's columns.
fn with_window_as(mut query: Query, names: [String; 3]) -> Query {
    if let Query::Select(select) = &mut query
        && let Body::Groups { window_as, .. } = &mut select.body
    {
        *window_as = Some(names);
    }
    query
}
