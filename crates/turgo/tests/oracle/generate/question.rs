//! Random queries: one shape out of many, filled with random expressions.
//!
//! In nested queries an outer query uses every aggregate of the inner one, because an optimiser
//! may leave out what nobody reads, and with it the error it would have been.

mod over;
mod windows;

use crate::generate::expression::{
    Limits, comparison, condition, expression, filter, leaves, literal,
};
use crate::generate::guard::{self, Guarded};
use crate::model::{Table, Type, Value};
use crate::query::{
    Arithmetic, Body, Call, Comparison, Expr, From, Function, GroupWindow, Item, Named, Nesting,
    Pace, Query, Scope, Select, Window, WindowStyle,
};
use crate::random::Random;

/// A query over `table`, and whether its results may be asked for as a changelog.
pub(super) fn query(random: &mut Random, table: &Table, extremes: bool) -> (Query, bool) {
    let mut asker = Asker {
        random,
        table: crate::naive::table_scope(table),
        time: table.time,
        limits: Limits { depth: 2, fallible: true, extremes },
        names: 0,
    };
    asker.query()
}

/// `scope` in which only the columns that are `visible` can be picked; they keep their places.
fn only(scope: &[Named], visible: impl Fn(usize) -> bool) -> Scope {
    let mut scope = scope.to_vec();
    for (column, named) in scope.iter_mut().enumerate() {
        if !visible(column) {
            named.ty = Type::Row(Vec::new());
        }
    }
    scope
}

/// Groups without HAVING that show their keys.
fn all_shown(keys: Vec<Item>, window: GroupWindow, calls: Vec<Call>) -> Body {
    Body::Groups { keys, window, window_as: None, calls, having: None, keys_shown: true }
}

struct Asker<'a> {
    random: &'a mut Random,
    table: Scope,
    /// The time column of the table.
    time: usize,
    limits: Limits,
    names: usize,
}

impl Asker<'_> {
    fn query(&mut self) -> (Query, bool) {
        match self.random.below(25) {
            0 | 1 => (self.rows(From::Table), true),
            2 | 3 => (self.groups(From::Table), true),
            4..=8 => {
                let window = self.window(From::Table, self.time, true);
                (self.groups(From::Window(window)), true)
            }
            9 => {
                let window = self.window(From::Table, self.time, false);
                (self.rows(From::Window(window)), true)
            }
            10 => {
                let (input, _) = self.plain_rows();
                (self.groups(input), true)
            }
            11 => {
                let (input, time) = self.plain_rows();
                let window = self.window(input, time, true);
                (self.groups(From::Window(window)), true)
            }
            12 => (self.union(), true),
            13 => (self.over_groups(), false),
            14 | 22 => (self.cascade(), false),
            15 => (self.guarded_rows(), true),
            16 => (self.labelled(), true),
            17 | 18 => (self.windowed_union(), true),
            19 | 20 => {
                let window = self.session(From::Table, self.time);
                (self.groups(From::Window(window)), false)
            }
            21 => {
                let (input, time) = self.plain_rows();
                let window = self.session(input, time);
                (self.groups(From::Window(window)), false)
            }
            23 => (self.filtered_windows(), true),
            _ => (self.over(), true),
        }
    }

    fn name(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }

    /// A query as something to read from. What can fail stays out of nested queries.
    fn nested(&mut self, query: Query) -> From {
        let written = *self.random.pick(&[Nesting::Derived, Nesting::Cte, Nesting::View]);
        From::Query { query, name: self.name("q"), written }
    }

    fn filter(&mut self, scope: &[Named], percent: usize) -> Option<Expr> {
        let chosen = self.random.percent(percent);
        chosen.then(|| filter(self.random, scope, self.limits))
    }

    /// Of the columns a window adds, a filter names none: it belongs before the window.
    fn filterable(&self, from: &From, scope: &Scope) -> Scope {
        match from {
            From::Window(window) => window.input.scope(&self.table),
            _ => scope.clone(),
        }
    }

    /// `SELECT expressions FROM from`.
    fn rows(&mut self, from: From) -> Query {
        let scope = from.scope(&self.table);
        let filter = self.filter(&self.filterable(&from, &scope), 60);
        let mut items = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            let (_, ty) = self.random.pick(&leaves(&scope)).clone();
            let expr = expression(self.random, &scope, &ty, self.limits);
            items.push(Item { expr, name: self.name("x") });
        }
        // DISTINCT over window columns would be a windowed aggregate; that is written as GROUP BY.
        let distinct = !matches!(from, From::Window(_)) && self.random.percent(25);
        Query::Select(Box::new(Select { from, filter, body: Body::Rows { items, distinct } }))
    }

    /// A subquery of plain rows that keeps the time column, and where it is.
    fn plain_rows(&mut self) -> (From, usize) {
        let limits = self.limits.safe();
        let scope = self.table.clone();
        let mut items = Vec::new();
        for column in 0..scope.len() {
            if column == self.time {
                items.push(Item { expr: Expr::Column(column), name: self.name("t") });
            } else if self.random.percent(70) {
                let plain = matches!(scope[column].ty, Type::Row(_));
                let expr = match plain {
                    true => Expr::Column(column),
                    false => expression(self.random, &scope, &scope[column].ty, limits),
                };
                items.push(Item { expr, name: self.name("x") });
            }
        }
        let time = items.iter().position(|item| item.name.starts_with('t')).expect("kept above");
        self.limits = limits;
        let filter = self.filter(&scope, 50);
        let body = Body::Rows { items, distinct: false };
        let query = Query::Select(Box::new(Select { from: From::Table, filter, body }));
        (self.nested(query), time)
    }

    /// Rows that an inner WHERE lets through, and an outer one that can fail for the others.
    fn guarded_rows(&mut self) -> Query {
        let scope = self.table.clone();
        let Some(guarded) = guard::number(self.random, &scope, self.limits) else {
            panic!("every table has an integer column");
        };
        let Guarded { guard, number, ty } = guarded;
        let mut items: Vec<Item> = (0..scope.len())
            .map(|column| Item { expr: Expr::Column(column), name: self.name("x") })
            .collect();
        // The inner condition can fail as well where values stand at the ends of their types.
        let inner = match &number {
            Expr::Arithmetic(Arithmetic::Divide, _, divisor) if self.random.percent(30) => {
                let two = Box::new(Expr::Literal(Value::Int(2), ty.clone()));
                let twice = Expr::Arithmetic(Arithmetic::Multiply, divisor.clone(), two);
                let zero = Expr::Literal(Value::Int(0), ty.clone());
                Expr::Compare(Comparison::Different, Box::new(twice), Box::new(zero))
            }
            _ => guard,
        };
        let constant = literal(self.random, &ty);
        let outer = if self.random.percent(50) {
            // In the inner SELECT, the number's operand has a name.
            let Expr::Arithmetic(op, a, b) = number else { panic!("a number is computed") };
            items.push(Item { expr: *b, name: self.name("x") });
            let column = Box::new(Expr::Column(scope.len()));
            let a = match *a {
                literal @ Expr::Literal(..) => Box::new(literal),
                _ => column.clone(),
            };
            comparison(self.random, Expr::Arithmetic(op, a, column), constant)
        } else {
            comparison(self.random, number, constant)
        };
        let body = Body::Rows { items, distinct: false };
        let query = Select { from: From::Table, filter: Some(inner), body };
        let input = self.nested(Query::Select(Box::new(query)));
        self.limits = self.limits.safe();
        let query = match self.random.below(3) {
            0 => self.rows(input),
            1 => self.groups(input),
            _ => {
                let window = self.window(input, self.time, true);
                self.groups(From::Window(window))
            }
        };
        let Query::Select(mut select) = query else { panic!("rows and groups are a SELECT") };
        select.filter = Some(outer);
        Query::Select(select)
    }

    /// Windows over the time column `time` of `input`.
    fn window(&mut self, input: From, time: usize, drops_late: bool) -> Window {
        let Type::Timestamp(digits) = input.scope(&self.table)[time].ty else {
            panic!("windows over a column that is not a time");
        };
        let second = 1_000_000;
        let size = match digits >= 3 && self.random.percent(20) {
            true => self.random.between(300, 5_000) * 1_000,
            false => *self.random.pick(&[1, 2, 5, 7, 10, 30, 60, 3600]) * second,
        };
        let unit = if digits >= 3 { 1_000 } else { second };
        if self.random.percent(20) {
            let times = self.random.between(1, 6);
            return self.written(input, time, size * times, Pace::Step(size), drops_late);
        }
        let slide = match self.random.below(8) {
            0..=3 => size,
            4 => size / 2,
            5 | 6 => size * self.random.between(2, 9) / 10,
            _ => size + self.random.between(1, 3) * second,
        };
        let slide = (slide / unit * unit).max(unit).max(size / 8 / unit * unit);
        self.written(input, time, size, Pace::Slide(slide), drops_late)
    }

    fn written(
        &mut self,
        input: From,
        time: usize,
        size: i64,
        pace: Pace,
        drops_late: bool,
    ) -> Window {
        let written = match drops_late {
            true => {
                *self.random.pick(&[WindowStyle::Table, WindowStyle::Bare, WindowStyle::Grouping])
            }
            false => *self.random.pick(&[WindowStyle::Table, WindowStyle::Bare]),
        };
        let partition = Vec::new();
        Window { input: Box::new(input), time, size, pace, partition, written, drops_late }
    }

    /// `SELECT keys, calls FROM from GROUP BY keys`, by window where `from` is one.
    fn groups(&mut self, mut from: From) -> Query {
        let scope = from.scope(&self.table);
        let usable = self.filterable(&from, &scope);
        let filter = match &from {
            From::Window(window) if window.partitions() => {
                self.filter_of_partition(window, &usable)
            }
            _ => self.filter(&usable, 50),
        };
        let window = match &from {
            From::Window(window) if window.written == WindowStyle::Grouping => {
                GroupWindow::StartEndTime
            }
            From::Window(_) => *self.random.pick(&[
                GroupWindow::Start,
                GroupWindow::StartEnd,
                GroupWindow::StartEndTime,
            ]),
            _ => GroupWindow::No,
        };
        if let From::Window(grown @ Window { pace: Pace::Step(_), .. }) = &mut from {
            grown.drops_late &= window != GroupWindow::Start;
        }
        let mut keys: Vec<Item> = Vec::new();
        let (given, more) = match &from {
            From::Window(window) if window.partitions() => (window.partition.clone(), 0),
            _ => (Vec::new(), self.random.below(3)),
        };
        for expr in given {
            keys.push(Item { expr, name: self.name("k") });
        }
        for _ in 0..more {
            let expr = self.key(&usable);
            let again = |key: &Item| match (&key.expr, &expr) {
                (Expr::Column(a), Expr::Column(b)) => a == b,
                (Expr::Column(_), _) | (_, Expr::Column(_)) => false,
                _ => true,
            };
            if !keys.iter().any(again) {
                keys.push(Item { expr, name: self.name("k") });
            }
        }
        if let From::Window(sessions @ Window { pace: Pace::Session, .. }) = &mut from {
            sessions.partition = keys.iter().map(|key| key.expr.clone()).collect();
        }
        let calls: Vec<Call> = (0..1 + self.random.below(3)).map(|_| self.call(&usable)).collect();
        let keys_shown = self.random.percent(85);
        let mut select = Select {
            from,
            filter,
            body: Body::Groups { keys, window, window_as: None, calls, having: None, keys_shown },
        };
        let shown = select.scope(&self.table);
        if let Body::Groups { having, calls, .. } = &mut select.body {
            *having = self.having(&shown, calls.len());
        }
        Query::Select(Box::new(select))
    }

    fn key(&mut self, scope: &[Named]) -> Expr {
        let (leaf, ty) = self.random.pick(&leaves(scope)).clone();
        match ty {
            ty @ (Type::Int | Type::BigInt | Type::Boolean) if self.random.percent(30) => {
                match expression(self.random, scope, &ty, self.limits) {
                    // A number alone would be the position of a column.
                    Expr::Literal(..) => leaf,
                    expr => expr,
                }
            }
            _ => leaf,
        }
    }

    /// A condition on the last `calls` columns of `shown`, those that count.
    fn having(&mut self, shown: &[Named], calls: usize) -> Option<Expr> {
        let first = shown.len() - calls;
        let counts: Vec<usize> =
            (first..shown.len()).filter(|column| shown[*column].ty == Type::BigInt).collect();
        if counts.is_empty() || !self.random.percent(45) {
            return None;
        }
        let column = *self.random.pick(&counts);
        if self.random.percent(40) {
            // A condition on a key would be asked of the rows.
            let counted = only(shown, |other| other == column);
            return guard::having(self.random, &counted);
        }
        let op = *self.random.pick(&[Comparison::Greater, Comparison::Less, Comparison::Different]);
        let constant = Value::Int(self.random.between(0, 4).into());
        let constant = Expr::Literal(constant, Type::BigInt);
        Some(Expr::Compare(op, Box::new(Expr::Column(column)), Box::new(constant)))
    }

    fn call(&mut self, scope: &[Named]) -> Call {
        let (leaf, ty) = self.random.pick(&leaves(scope)).clone();
        let function = self.function(&ty);
        let filtered = self.random.percent(15);
        if filtered
            && self.limits.fallible
            && self.random.percent(50)
            && let Some(call) = self.guarded_call(scope)
        {
            return call;
        }
        let filter = filtered.then(|| condition(self.random, scope, self.limits));
        let limits = self.limits;
        let argument = match function {
            Function::CountRows => None,
            _ if self.random.percent(60) => Some(leaf),
            _ => Some(expression(self.random, scope, &ty, Limits { depth: 1, ..limits })),
        };
        Call { function, argument, filter, name: self.name("a") }
    }

    /// A call whose FILTER guards its argument, or has a guard in itself.
    fn guarded_call(&mut self, scope: &[Named]) -> Option<Call> {
        let Guarded { guard, number, ty } = guard::number(self.random, scope, self.limits)?;
        let (filter, argument) = match self.random.percent(60) {
            true => (guard, Some(number)),
            false => (guard::guarded(self.random, scope, self.limits)?, None),
        };
        let function = match argument {
            Some(_) => self.function(&ty),
            None => Function::CountRows,
        };
        let argument = argument.filter(|_| function != Function::CountRows);
        Some(Call { function, argument, filter: Some(filter), name: self.name("a") })
    }

    fn function(&mut self, ty: &Type) -> Function {
        let mut functions = vec![
            Function::CountRows,
            Function::CountRows,
            Function::Count,
            Function::CountDistinct,
            Function::Min,
            Function::Max,
        ];
        match ty {
            Type::Int | Type::BigInt => {
                functions.extend([Function::Sum, Function::Sum, Function::Sum, Function::Avg]);
                functions.extend([Function::SumDistinct, Function::AvgDistinct]);
            }
            Type::Double => {
                functions.extend([Function::Sum, Function::Sum, Function::Avg]);
                functions.extend([Function::SumDistinct, Function::AvgDistinct]);
            }
            Type::Decimal(precision, _) => {
                functions.extend([Function::Sum, Function::Sum, Function::SumDistinct]);
                if *precision <= 28 {
                    functions.extend([Function::Avg, Function::AvgDistinct]);
                }
            }
            Type::Boolean => functions.extend([Function::BoolAnd, Function::BoolOr]),
            _ => {}
        }
        *self.random.pick(&functions)
    }

    /// UNION ALL of plain rows, as it is or aggregated.
    fn union(&mut self) -> Query {
        self.limits = self.limits.safe();
        let scope = self.table.clone();
        let types: Vec<Type> = (0..1 + self.random.below(3))
            .map(|_| self.random.pick(&leaves(&scope)).1.clone())
            .collect();
        let names: Vec<String> = types.iter().map(|_| self.name("x")).collect();
        let time = self.name("t");
        let mut branches = Vec::new();
        for _ in 0..2 + self.random.below(2) {
            let filter = self.filter(&scope, 60);
            let mut items = vec![Item { expr: Expr::Column(self.time), name: time.clone() }];
            for (ty, name) in types.iter().zip(&names) {
                let expr = expression(self.random, &scope, ty, self.limits);
                items.push(Item { expr, name: name.clone() });
            }
            let body = Body::Rows { items, distinct: false };
            branches.push(Query::Select(Box::new(Select { from: From::Table, filter, body })));
        }
        let union = Query::Union { branches, distinct: false };
        match self.random.below(3) {
            0 => union,
            1 => {
                let input = self.nested(union);
                self.groups(input)
            }
            _ => {
                let input = self.nested(union);
                let window = self.window(input, 0, true);
                self.groups(From::Window(window))
            }
        }
    }

    /// Grouped rows to read from, windowed or not; all their columns are shown.
    fn inner_groups(&mut self, windowed: bool) -> Query {
        self.limits = self.limits.safe();
        let from = match windowed {
            true if self.random.percent(30) => From::Window(self.session(From::Table, self.time)),
            true => From::Window(self.window(From::Table, self.time, true)),
            false => From::Table,
        };
        let Query::Select(mut select) = self.groups(from) else { panic!("groups are a SELECT") };
        if let Body::Groups { keys_shown, window, .. } = &mut select.body {
            *keys_shown = true;
            if windowed {
                *window = GroupWindow::StartEndTime;
                // Now growing windows are told apart, whatever they were grouped by before.
                if let From::Window(window) = &mut select.from {
                    window.drops_late = true;
                }
            }
        }
        // Its positions are those of other columns now.
        if let Body::Groups { having, .. } = &mut select.body {
            *having = None;
        }
        Query::Select(select)
    }

    /// An aggregate of aggregates, or rows of them.
    fn over_groups(&mut self) -> Query {
        let windowed = self.random.percent(60);
        let inner = self.inner_groups(windowed);
        let calls = match &inner {
            Query::Select(select) => match &select.body {
                Body::Groups { calls, .. } => calls.len(),
                _ => panic!("groups were asked for"),
            },
            Query::Union { .. } => panic!("groups are a SELECT"),
        };
        let from = self.nested(inner);
        let scope = from.scope(&self.table);
        let first = scope.len() - calls;
        if self.random.percent(40) {
            let items = (0..scope.len())
                .map(|column| Item { expr: Expr::Column(column), name: self.name("x") })
                .collect();
            let filter = self.having(&scope, calls);
            let body = Body::Rows { items, distinct: false };
            return Query::Select(Box::new(Select { from, filter, body }));
        }
        let mut keys = Vec::new();
        for (column, named) in scope.iter().enumerate().take(first) {
            let groupable = !matches!(named.ty, Type::Row(_));
            if groupable && self.random.percent(40) {
                keys.push(Item { expr: Expr::Column(column), name: self.name("k") });
            }
        }
        let calls = self.calls_of_each(&scope, first);
        let body = all_shown(keys, GroupWindow::No, calls);
        Query::Select(Box::new(Select { from, filter: None, body }))
    }

    /// One call on each column from `first` on.
    fn calls_of_each(&mut self, scope: &[Named], first: usize) -> Vec<Call> {
        (first..scope.len())
            .map(|column| {
                let functions = [Function::Min, Function::Max, Function::CountDistinct];
                let function = match scope[column].ty {
                    Type::BigInt if self.random.percent(50) => Function::Sum,
                    // Sums of doubles may differ in the last bit, and so may what they equal.
                    Type::Double => *self.random.pick(&functions[..2]),
                    _ => *self.random.pick(&functions),
                };
                let argument = Some(Expr::Column(column));
                Call { function, argument, filter: None, name: self.name("a") }
            })
            .collect()
    }
}
