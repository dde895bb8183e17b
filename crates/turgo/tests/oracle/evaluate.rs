//! Scalar expressions, one row at a time, exactly.

use std::cmp::Ordering;

use crate::model::{Type, Value};
use crate::query::{Arithmetic, Comparison, Expr, Named};

/// Why a row cannot be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble(pub(crate) String);

/// The value of `expr` for a row whose columns are `scope`.
pub(crate) fn evaluate(expr: &Expr, scope: &[Named], row: &[Value]) -> Result<Value, Trouble> {
    let value = |expr: &Expr| evaluate(expr, scope, row);
    Ok(match expr {
        Expr::Column(column) => row[*column].clone(),
        Expr::Field(column, field) => match &row[*column] {
            Value::Row(fields) => fields[*field].clone(),
            _ => Value::Null,
        },
        Expr::Literal(literal, _) => literal.clone(),
        Expr::Arithmetic(op, a, b) => {
            let ty = expr.ty(scope);
            arithmetic(*op, &value(a)?, &value(b)?, &ty)?
        }
        Expr::Compare(op, a, b) => compare(*op, &value(a)?, &value(b)?),
        Expr::And(a, b) => decided(false, a, b, value)?,
        Expr::Or(a, b) => decided(true, a, b, value)?,
        Expr::Not(a) => truth(&value(a)?).map_or(Value::Null, |truth| Value::Bool(!truth)),
        Expr::IsNull(a) => Value::Bool(value(a)?.is_null()),
        Expr::Case(branches, otherwise) => {
            for (condition, result) in branches {
                if truth(&value(condition)?) == Some(true) {
                    return value(result);
                }
            }
            otherwise.as_ref().map_or(Ok(Value::Null), |otherwise| value(otherwise))?
        }
        Expr::Coalesce(a, b) => match value(a)? {
            Value::Null => value(b)?,
            other => other,
        },
        Expr::Upper(a) => match value(a)? {
            Value::Text(text) => Value::Text(text.to_uppercase()),
            _ => Value::Null,
        },
        Expr::Length(a) => match value(a)? {
            Value::Text(text) => Value::Int(text.chars().count() as i128),
            _ => Value::Null,
        },
        Expr::Concat(a, b) => match (value(a)?, value(b)?) {
            (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
            _ => Value::Null,
        },
    })
}

/// Whether a predicate keeps the row: NULL does not.
pub(crate) fn holds(expr: &Expr, scope: &[Named], row: &[Value]) -> Result<bool, Trouble> {
    Ok(truth(&evaluate(expr, scope, row)?) == Some(true))
}

/// AND, which one false side decides, or OR, which one true side does: the right side is computed
/// only where the left one leaves it open.
fn decided(
    by: bool,
    a: &Expr,
    b: &Expr,
    value: impl Fn(&Expr) -> Result<Value, Trouble>,
) -> Result<Value, Trouble> {
    let a = truth(&value(a)?);
    if a == Some(by) {
        return Ok(Value::Bool(by));
    }
    let b = truth(&value(b)?);
    Ok(match (a, b) {
        (_, Some(b)) if b == by => Value::Bool(by),
        (Some(_), Some(_)) => Value::Bool(!by),
        _ => Value::Null,
    })
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Null => None,
        other => panic!("{other:?} is not a truth value"),
    }
}

fn compare(op: Comparison, a: &Value, b: &Value) -> Value {
    if a.is_null() || b.is_null() {
        return Value::Null;
    }
    let order = a.cmp(b);
    Value::Bool(match op {
        Comparison::Equal => order == Ordering::Equal,
        Comparison::Different => order != Ordering::Equal,
        Comparison::Less => order == Ordering::Less,
        Comparison::LessOrEqual => order != Ordering::Greater,
        Comparison::Greater => order == Ordering::Greater,
    })
}

fn arithmetic(op: Arithmetic, a: &Value, b: &Value, ty: &Type) -> Result<Value, Trouble> {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => Ok(Value::Null),
        (Value::Int(a), Value::Int(b)) => integer(op, *a, *b, ty),
        (Value::Double(a), Value::Double(b)) => Ok(Value::Double(match op {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide | Arithmetic::Remainder => panic!("not generated for doubles"),
        })),
        (Value::Decimal(a, s), Value::Decimal(b, t)) => {
            let aligned = |digits: i128, from: u8, to: u8| digits * ten_to(to - from);
            let scale = *s.max(t);
            Ok(match op {
                Arithmetic::Add => {
                    Value::Decimal(aligned(*a, *s, scale) + aligned(*b, *t, scale), scale)
                }
                Arithmetic::Subtract => {
                    Value::Decimal(aligned(*a, *s, scale) - aligned(*b, *t, scale), scale)
                }
                Arithmetic::Multiply => Value::Decimal(a * b, s + t),
                Arithmetic::Divide | Arithmetic::Remainder => {
                    panic!("not generated for decimals")
                }
            })
        }
        (a, b) => panic!("{a:?} {} {b:?}", op.symbol()),
    }
}

/// Operands fit into 64 bits, so nothing here can leave 128.
fn integer(op: Arithmetic, a: i128, b: i128, ty: &Type) -> Result<Value, Trouble> {
    let by_zero = || Trouble(format!("{a} {} 0", op.symbol()));
    let result = match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a.checked_div(b).ok_or_else(by_zero)?,
        Arithmetic::Remainder => a.checked_rem(b).ok_or_else(by_zero)?,
    };
    let (low, high) = ty.integer_range();
    if result < low || result > high {
        return Err(Trouble(format!("{a} {} {b} does not fit into {ty:?}", op.symbol())));
    }
    Ok(Value::Int(result))
}

/// A power of ten that a decimal's digits can be multiplied by.
pub(crate) fn ten_to(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent))
}
