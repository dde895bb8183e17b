//! Computations that fail for some rows, behind conditions that keep those rows away.

use crate::generate::expression::{Limits, comparison, condition, leaves, literal};
use crate::model::{Type, Value};
use crate::query::{Arithmetic, Comparison, Expr, Named};
use crate::random::Random;

/// A number that cannot be computed for every row.
pub(super) struct Guarded {
    /// Mostly says for which rows it can be; it cannot fail itself.
    pub(super) guard: Expr,
    pub(super) number: Expr,
    pub(super) ty: Type,
}

/// A number over an integer column of `scope`, where there is one.
pub(super) fn number(random: &mut Random, scope: &[Named], limits: Limits) -> Option<Guarded> {
    let sufficient = sufficient(random, scope)?;
    Some(match random.percent(10) {
        true => Guarded { guard: condition(random, scope, limits), ..sufficient },
        false => sufficient,
    })
}

/// The same with a guard that keeps away all it should.
fn sufficient(random: &mut Random, scope: &[Named]) -> Option<Guarded> {
    let integers: Vec<_> = leaves(scope).into_iter().filter(|(_, ty)| ty.is_integer()).collect();
    if integers.is_empty() {
        return None;
    }
    let (leaf, ty) = random.pick(&integers).clone();
    let constant = |value: i64| Box::new(Expr::Literal(Value::Int(value.into()), ty.clone()));
    let column = Box::new(leaf);
    let compare = |op, value| Expr::Compare(op, column.clone(), constant(value));
    let division = *random.pick(&[Arithmetic::Divide, Arithmetic::Remainder]);
    let (guard, number) = match random.below(4) {
        0 => {
            let squares = Expr::Arithmetic(Arithmetic::Multiply, column.clone(), column.clone());
            let above = compare(Comparison::Greater, -1_000);
            let below = compare(Comparison::Less, 1_000);
            (Expr::And(Box::new(above), Box::new(below)), squares)
        }
        1 => {
            let zero = random.between(-3, 4);
            let less = Expr::Arithmetic(Arithmetic::Subtract, column.clone(), constant(zero));
            let number = Expr::Arithmetic(division, constant(10), Box::new(less));
            (compare(Comparison::Different, zero), number)
        }
        _ => {
            let number = Expr::Arithmetic(division, constant(10), column.clone());
            let guard = match random.below(3) {
                0 => compare(Comparison::Greater, 0),
                1 => Expr::Not(Box::new(compare(Comparison::Equal, 0))),
                _ => compare(Comparison::Different, 0),
            };
            (guard, number)
        }
    };
    Some(Guarded { guard, number, ty })
}

/// A condition whose first part decides for which rows the second is computed.
pub(super) fn guarded(random: &mut Random, scope: &[Named], limits: Limits) -> Option<Expr> {
    let Guarded { guard, number, ty } = number(random, scope, limits)?;
    let constant = literal(random, &ty);
    let risky = comparison(random, number, constant);
    Some(match random.below(4) {
        0 => Expr::Or(Box::new(Expr::Not(Box::new(guard))), Box::new(risky)),
        1 => {
            let otherwise = random.percent(60).then(|| Box::new(condition(random, scope, limits)));
            Expr::Case(vec![(guard, risky)], otherwise)
        }
        _ => Expr::And(Box::new(guard), Box::new(risky)),
    })
}

/// The same for a WHERE, where the parts of an AND may stand in any order.
pub(super) fn filter(random: &mut Random, scope: &[Named], limits: Limits) -> Option<Expr> {
    Some(match guarded(random, scope, limits)? {
        Expr::And(guard, risky) if random.percent(50) => Expr::And(risky, guard),
        Expr::And(guard, risky) if random.percent(50) => {
            let more = Expr::And(Box::new(condition(random, scope, limits)), guard);
            Expr::And(risky, Box::new(more))
        }
        other => other,
    })
}

/// The same for a HAVING. It never contradicts itself, or an optimiser would not read the table.
pub(super) fn having(random: &mut Random, scope: &[Named]) -> Option<Expr> {
    let Guarded { guard, number, ty } = sufficient(random, scope)?;
    let constant = literal(random, &ty);
    let (guard, risky) = (Box::new(guard), Box::new(comparison(random, number, constant)));
    Some(match random.below(3) {
        0 => Expr::Or(Box::new(Expr::Not(guard)), risky),
        1 => Expr::And(risky, guard),
        _ => Expr::And(guard, risky),
    })
}
