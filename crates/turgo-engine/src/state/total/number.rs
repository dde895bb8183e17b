//! The numbers that totals are made of, and the types they come from and go to.

use std::fmt::Debug;

use arrow::datatypes::{
    ArrowNativeType, ArrowPrimitiveType, DataType, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type, i256,
};

/// A number wide enough to add up a column.
pub(in crate::state) trait Total: ArrowNativeType {
    /// The column type that carries totals in states.
    type Carrier: ArrowPrimitiveType<Native = Self>;
    /// Nothing added yet.
    const ZERO: Self;
    /// The sum; `None` where it does not fit.
    fn plus(self, other: Self) -> Option<Self>;
    /// The type of the state column, for arguments of this scale.
    fn carrier(scale: i8) -> DataType;
    /// The number as people write it.
    fn display(self, scale: i8) -> String;
}

impl Total for i128 {
    type Carrier = Decimal128Type;
    const ZERO: Self = 0;

    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn carrier(scale: i8) -> DataType {
        DataType::Decimal128(38, scale)
    }

    fn display(self, scale: i8) -> String {
        Decimal128Type::format_decimal(self, 38, scale)
    }
}

impl Total for i256 {
    type Carrier = Decimal256Type;
    const ZERO: Self = i256::ZERO;

    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn carrier(scale: i8) -> DataType {
        DataType::Decimal256(76, scale)
    }

    fn display(self, scale: i8) -> String {
        Decimal256Type::format_decimal(self, 76, scale)
    }
}

impl Total for f64 {
    type Carrier = Float64Type;
    const ZERO: Self = 0.0;

    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }

    fn carrier(_scale: i8) -> DataType {
        DataType::Float64
    }

    fn display(self, _scale: i8) -> String {
        self.to_string()
    }
}

/// A column type that can be added up.
pub(in crate::state) trait Addend: ArrowPrimitiveType + Debug + Send {
    /// What its values are added into.
    type Total: Total;
    /// The value, unchanged.
    fn widen(value: Self::Native) -> Self::Total;
}

macro_rules! addends {
    ($($addend:ty => $total:ty),* $(,)?) => {
        $(impl Addend for $addend {
            type Total = $total;

            #[inline]
            fn widen(value: Self::Native) -> $total {
                <$total>::from(value)
            }
        })*
    };
}

addends! {
    Int8Type => i128, Int16Type => i128, Int32Type => i128, Int64Type => i128,
    UInt8Type => i128, UInt16Type => i128, UInt32Type => i128, UInt64Type => i128,
    Decimal32Type => i128, Decimal64Type => i128, Decimal128Type => i256, Decimal256Type => i256,
    Float16Type => f64, Float32Type => f64, Float64Type => f64,
}

/// A result type that a total may fit into.
pub(in crate::state) trait Fit<T>: ArrowPrimitiveType + Debug + Send {
    /// The total as this type, `None` where it does not fit; `precision` bounds decimals.
    fn fit(total: T, precision: u8) -> Option<Self::Native>;
}

impl Fit<i128> for Int64Type {
    fn fit(total: i128, _precision: u8) -> Option<i64> {
        total.try_into().ok()
    }
}

impl Fit<i128> for UInt64Type {
    fn fit(total: i128, _precision: u8) -> Option<u64> {
        total.try_into().ok()
    }
}

impl Fit<f64> for Float64Type {
    fn fit(total: f64, _precision: u8) -> Option<f64> {
        Some(total)
    }
}

macro_rules! fit_decimals {
    ($($decimal:ty),*) => {
        $(impl Fit<i256> for $decimal {
            fn fit(total: i256, precision: u8) -> Option<Self::Native> {
                <Self as Fit<i128>>::fit(total.to_i128()?, precision)
            }
        }

        impl Fit<i128> for $decimal {
            fn fit(total: i128, precision: u8) -> Option<Self::Native> {
                let value = total.try_into().ok()?;
                Self::is_valid_decimal_precision(value, precision).then_some(value)
            }
        })*
    };
}

fit_decimals!(Decimal32Type, Decimal64Type, Decimal128Type);

impl Fit<i256> for Decimal256Type {
    fn fit(total: i256, precision: u8) -> Option<i256> {
        Self::is_valid_decimal_precision(total, precision).then_some(total)
    }
}
