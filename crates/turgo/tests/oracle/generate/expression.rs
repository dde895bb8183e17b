//! Random expressions over the columns in scope.
//!
//! What can fail is generated where it is told for which rows it is computed: in whole projections,
//! arguments, keys, whole filters and branches of CASE, and behind a guard ([`super::guard`]).

use crate::generate::{guard, records};
use crate::model::{Type, Value};
use crate::query::{Arithmetic, Comparison, Expr, Named};
use crate::random::Random;

/// What may be generated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Levels of nested operators.
    pub(super) depth: usize,
    /// Whether arithmetic that can overflow or divide by zero is allowed.
    pub(super) fallible: bool,
    /// Whether values stand at the ends of their types; arithmetic on doubles is then left out,
    /// as it would lose what the comparison looks at.
    pub(super) extremes: bool,
}

impl Limits {
    fn deeper(self) -> Self {
        Self { depth: self.depth.saturating_sub(1), ..self }
    }

    /// The same without anything that can fail.
    pub(super) fn safe(self) -> Self {
        Self { fallible: false, ..self }
    }
}

/// The plain columns and fields in scope with their types; ROW columns only by their fields.
pub(super) fn leaves(scope: &[Named]) -> Vec<(Expr, Type)> {
    let mut leaves = Vec::new();
    for (column, named) in scope.iter().enumerate() {
        match &named.ty {
            Type::Row(fields) => {
                for (field, (_, ty)) in fields.iter().enumerate() {
                    leaves.push((Expr::Field(column, field), ty.clone()));
                }
            }
            ty => leaves.push((Expr::Column(column), ty.clone())),
        }
    }
    leaves
}

/// A column or field of type `ty`, or a literal where there is none.
pub(super) fn leaf(random: &mut Random, scope: &[Named], ty: &Type) -> Expr {
    let fitting: Vec<Expr> =
        leaves(scope).into_iter().filter(|(_, found)| found == ty).map(|(leaf, _)| leaf).collect();
    if fitting.is_empty() || (random.percent(10) && !matches!(ty, Type::Timestamp(_))) {
        return literal(random, ty);
    }
    random.pick(&fitting).clone()
}

/// A constant of type `ty`; NULL for times, which have no literal here.
pub(super) fn literal(random: &mut Random, ty: &Type) -> Expr {
    let value = match ty {
        Type::Timestamp(_) => Value::Null,
        ty => records::ordinary(random, ty),
    };
    Expr::Literal(value, ty.clone())
}

/// An expression of type `ty`.
pub(super) fn expression(random: &mut Random, scope: &[Named], ty: &Type, limits: Limits) -> Expr {
    if limits.depth == 0 || random.percent(40) {
        return leaf(random, scope, ty);
    }
    let deeper = limits.deeper();
    if random.percent(25) {
        return case(random, scope, ty, limits);
    }
    if random.percent(15) {
        let a = expression(random, scope, ty, deeper);
        return Expr::Coalesce(Box::new(a), Box::new(literal(random, ty)));
    }
    match ty {
        Type::Boolean => {
            let guarded = limits.fallible && random.percent(50);
            let guarded = if guarded { guard::guarded(random, scope, limits) } else { None };
            guarded.unwrap_or_else(|| condition(random, scope, limits))
        }
        Type::Int | Type::BigInt => integer(random, scope, ty, deeper),
        Type::Double if !limits.extremes => {
            let op = *random.pick(&[Arithmetic::Add, Arithmetic::Subtract, Arithmetic::Multiply]);
            let a = expression(random, scope, ty, deeper);
            Expr::Arithmetic(op, Box::new(a), Box::new(literal(random, ty)))
        }
        Type::Varchar if random.percent(50) => {
            Expr::Upper(Box::new(expression(random, scope, ty, deeper)))
        }
        Type::Varchar => {
            let a = expression(random, scope, ty, deeper);
            Expr::Concat(Box::new(a), Box::new(leaf(random, scope, ty)))
        }
        ty => leaf(random, scope, ty),
    }
}

fn integer(random: &mut Random, scope: &[Named], ty: &Type, limits: Limits) -> Expr {
    if *ty == Type::Int && random.percent(30) {
        let text = expression(random, scope, &Type::Varchar, limits);
        return Expr::Length(Box::new(text));
    }
    let a = expression(random, scope, ty, limits);
    // A constant that overflows is an error of the text, with rows or without.
    if a.is_constant() {
        return a;
    }
    let a = Box::new(a);
    if !limits.fallible {
        // A remainder by a constant above one is right for every value.
        let divisor = Value::Int(i128::from(random.between(2, 7)));
        return Expr::Arithmetic(
            Arithmetic::Remainder,
            a,
            Box::new(Expr::Literal(divisor, ty.clone())),
        );
    }
    let op = *random.pick(&[
        Arithmetic::Add,
        Arithmetic::Subtract,
        Arithmetic::Multiply,
        Arithmetic::Divide,
        Arithmetic::Remainder,
    ]);
    let divides = matches!(op, Arithmetic::Divide | Arithmetic::Remainder);
    let b = if divides && random.percent(70) {
        Expr::Literal(Value::Int(i128::from(random.between(2, 9))), ty.clone())
    } else if divides {
        leaf(random, scope, ty)
    } else {
        expression(random, scope, ty, limits)
    };
    Expr::Arithmetic(op, a, Box::new(b))
}

fn case(random: &mut Random, scope: &[Named], ty: &Type, limits: Limits) -> Expr {
    let deeper = limits.deeper();
    let branches = (0..1 + random.below(2))
        .map(|_| {
            let when = condition(random, scope, deeper.safe());
            (when, expression(random, scope, ty, deeper))
        })
        .collect();
    let otherwise = random.percent(70).then(|| Box::new(expression(random, scope, ty, deeper)));
    Expr::Case(branches, otherwise)
}

/// A predicate that cannot fail.
pub(super) fn condition(random: &mut Random, scope: &[Named], limits: Limits) -> Expr {
    let limits = limits.safe();
    let deeper = limits.deeper();
    if limits.depth > 0 && random.percent(30) {
        let a = Box::new(condition(random, scope, deeper));
        return match random.below(3) {
            0 => Expr::And(a, Box::new(condition(random, scope, deeper))),
            1 => Expr::Or(a, Box::new(condition(random, scope, deeper))),
            _ => Expr::Not(a),
        };
    }
    let (leaf, ty) = random.pick(&leaves(scope)).clone();
    match ty {
        _ if random.percent(10) => Expr::IsNull(Box::new(leaf)),
        Type::Boolean => leaf,
        Type::Timestamp(_) => {
            let other = self::leaf(random, scope, &ty);
            comparison(random, leaf, other)
        }
        ty => {
            let other = match random.percent(75) {
                true => literal(random, &ty),
                false => self::leaf(random, scope, &ty),
            };
            comparison(random, leaf, other)
        }
    }
}

/// `a` compared with `b` in some way.
pub(super) fn comparison(random: &mut Random, a: Expr, b: Expr) -> Expr {
    let op = *random.pick(&[
        Comparison::Equal,
        Comparison::Different,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
    ]);
    Expr::Compare(op, Box::new(a), Box::new(b))
}

/// A filter: a condition, one comparison of something that can fail, or such a one with a guard.
pub(super) fn filter(random: &mut Random, scope: &[Named], limits: Limits) -> Expr {
    let numbers: Vec<Type> =
        leaves(scope).into_iter().map(|(_, ty)| ty).filter(Type::is_integer).collect();
    if limits.fallible
        && random.percent(25)
        && let Some(guarded) = guard::filter(random, scope, limits)
    {
        return guarded;
    }
    if limits.fallible && !numbers.is_empty() && random.percent(25) {
        let ty = random.pick(&numbers).clone();
        let number = expression(random, scope, &ty, limits);
        let constant = literal(random, &ty);
        // Of a filter that never holds, an optimiser knows that the table need not be read.
        if !number.is_constant() {
            return comparison(random, number, constant);
        }
    }
    condition(random, scope, limits)
}
