//! OVER: over the table or a query of plain rows, by itself or read by another query.

use super::Asker;
use crate::generate::expression::leaves;
use crate::model::Type;
use crate::query::{
    Body, Call, Expr, From, Function, GroupWindow, Item, Named, OverCall, Query, Select,
};

impl Asker<'_> {
    pub(super) fn over(&mut self) -> Query {
        self.limits = self.limits.safe();
        let (from, time) = match self.random.percent(25) {
            true => self.plain_rows(),
            false => (From::Table, self.time),
        };
        let scope = from.scope(&self.table);
        let filter = match from {
            From::Table => self.filter(&scope, 40),
            _ => None,
        };
        let mut items = vec![Item { expr: Expr::Column(time), name: self.name("t") }];
        for _ in 0..1 + self.random.below(3) {
            let (leaf, _) = self.random.pick(&leaves(&scope)).clone();
            items.push(Item { expr: leaf, name: self.name("x") });
        }
        let mut partition = Vec::new();
        for _ in 0..*self.random.pick(&[0, 1, 1, 1, 2]) {
            let (leaf, _) = self.random.pick(&leaves(&scope)).clone();
            partition.push(leaf);
        }
        let calls = (0..1 + self.random.below(3)).map(|_| self.over_call(&scope)).collect();
        let body = Body::Over { items, time, partition, calls };
        let query = Query::Select(Box::new(Select { from, filter, body }));
        if self.random.percent(70) { query } else { self.beyond_over(query) }
    }

    fn over_call(&mut self, scope: &[Named]) -> OverCall {
        let frame = match self.random.percent(80) {
            true => Some(*self.random.pick(&[1, 2, 3, 7, 100])),
            false => None,
        };
        let fixed: Vec<usize> = (0..scope.len())
            .filter(|column| {
                matches!(
                    scope[*column].ty,
                    Type::Int | Type::BigInt | Type::Double | Type::Timestamp(_)
                )
            })
            .collect();
        let column = *self.random.pick(&fixed);
        match self.random.below(10) {
            0 => OverCall::First(column, frame, self.name("o")),
            1 | 2 => {
                let back = *self.random.pick(&[1, 1, 2, 5]);
                OverCall::Lag(column, back, self.name("o"))
            }
            _ => OverCall::Aggregate(self.over_aggregate(scope, column), frame),
        }
    }

    /// An aggregate call; its values are of fixed width, and of sums those that cannot overflow.
    fn over_aggregate(&mut self, scope: &[Named], column: usize) -> Call {
        let mut functions =
            vec![Function::CountRows, Function::Count, Function::Min, Function::Max];
        match scope[column].ty {
            Type::Int => functions.extend([Function::Sum, Function::Sum, Function::Avg]),
            Type::BigInt | Type::Double if !self.limits.extremes => {
                functions.extend([Function::Sum, Function::Sum, Function::Avg]);
            }
            _ => {}
        }
        let function = *self.random.pick(&functions);
        let argument = match function {
            Function::CountRows => None,
            _ => Some(Expr::Column(column)),
        };
        let filter = self.filter(scope, 15);
        Call { function, argument, filter, name: self.name("o") }
    }

    /// Counts over windows of what OVER computed, or over all of it.
    fn beyond_over(&mut self, query: Query) -> Query {
        let from = self.nested(query);
        let scope = from.scope(&self.table);
        let mut call = |column: usize, function| Call {
            function,
            argument: Some(Expr::Column(column)),
            filter: None,
            name: self.name("a"),
        };
        let calls = (1..scope.len()).map(|column| call(column, Function::Count)).collect();
        let window = match self.random.percent(50) {
            true => Some(self.window(from.clone(), 0, true)),
            false => None,
        };
        let (from, by) = match window {
            Some(window) => (From::Window(window), GroupWindow::StartEndTime),
            None => (from, GroupWindow::No),
        };
        let body = super::all_shown(Vec::new(), by, calls);
        Query::Select(Box::new(Select { from, filter: None, body }))
    }
}
