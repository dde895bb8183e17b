//! What a query answered, as far as it is compared: how many rows, and the sum of each column.

/// A sum or a count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Compared exactly.
    Int(i128),
    /// Compared to nine digits: sums of floats differ in the last bits with their order.
    Float(f64),
}

impl Number {
    fn is_like(self, other: Self) -> bool {
        const TOLERANCE: f64 = 1e-9;
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => {
                a == b || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
            }
            _ => false,
        }
    }

    /// As JSON has it; integers beyond 64 bits as the nearest float.
    pub(super) fn json(self) -> serde_json::Value {
        match self {
            Self::Int(int) => i64::try_from(int).map_or_else(|_| (int as f64).into(), Into::into),
            Self::Float(float) => float.into(),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::Float(float) => write!(f, "{float}"),
        }
    }
}

impl std::ops::Add for Number {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Self::Int(a + b),
            (a, b) => Self::Float(a.float() + b.float()),
        }
    }
}

impl std::ops::Neg for Number {
    type Output = Self;

    fn neg(self) -> Self {
        match self {
            Self::Int(int) => Self::Int(-int),
            Self::Float(float) => Self::Float(-float),
        }
    }
}

impl Number {
    fn float(self) -> f64 {
        match self {
            Self::Int(int) => int as f64,
            Self::Float(float) => float,
        }
    }
}

/// An answer: its rows, and for each column the sum of its values, of texts that of their bytes; of a
/// changelog, the sums of what it leaves in the end.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Answer {
    pub(super) rows: u64,
    pub(super) sums: Vec<Number>,
}

impl Answer {
    /// One row, each of whose columns is its own sum.
    pub(super) fn row(values: Vec<Number>) -> Self {
        Self { rows: 1, sums: values }
    }

    /// Adds the answer to another part of the question.
    pub(super) fn add(&mut self, rows: u64, sums: impl IntoIterator<Item = Number>) {
        self.rows += rows;
        for (column, sum) in sums.into_iter().enumerate() {
            match self.sums.get_mut(column) {
                Some(there) => *there = *there + sum,
                None => self.sums.push(sum),
            }
        }
    }

    /// How `found` differs from this, which is right.
    pub(super) fn difference(&self, found: &Self) -> Option<String> {
        if found.rows != self.rows {
            return Some(format!("{} rows, {} are right", found.rows, self.rows));
        }
        if found.sums.len() != self.sums.len() {
            return Some(format!("{} columns, {} are right", found.sums.len(), self.sums.len()));
        }
        let mut columns = self.sums.iter().zip(&found.sums).enumerate();
        let (column, (right, found)) = columns.find(|(_, (a, b))| !a.is_like(**b))?;
        Some(format!("the sum of column {} is {found}, {right} is right", column + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: u64, sums: &[Number]) -> Answer {
        Answer { rows, sums: sums.to_vec() }
    }

    #[test]
    fn every_wrong_answer_is_found() {
        let right = answer(2, &[Number::Int(10), Number::Float(1e6)]);
        let found = |rows, sums: &[Number]| right.difference(&answer(rows, sums));
        assert_eq!(found(2, &[Number::Int(10), Number::Float(1e6 + 1e-6)]), None);
        for (rows, sums, said) in [
            (3, &[Number::Int(10), Number::Float(1e6)][..], "3 rows, 2 are right"),
            (2, &[Number::Int(10)], "1 columns, 2 are right"),
            (2, &[Number::Int(11), Number::Float(1e6)], "column 1 is 11, 10 is right"),
            (2, &[Number::Int(10), Number::Float(1e6 + 0.01)], "column 2 is 1000000.01"),
            (2, &[Number::Int(10), Number::Float(f64::NAN)], "column 2 is NaN"),
            (2, &[Number::Float(10.0), Number::Float(1e6)], "column 1"),
        ] {
            let difference = found(rows, sums).unwrap_or_default();
            assert!(difference.contains(said), "{difference:?} without {said:?}");
        }
    }

    #[test]
    fn parts_add_up() {
        let mut whole = Answer::default();
        whole.add(1, [Number::Int(i128::from(i64::MAX)), Number::Float(0.5)]);
        whole.add(2, [Number::Int(1), Number::Float(0.25)]);
        assert_eq!(whole, answer(3, &[Number::Int(1 << 63), Number::Float(0.75)]));
    }
}
