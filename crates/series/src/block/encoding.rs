//! Which column type holds a metric's values without loss and in the fewest bytes.

use yunhai_model::is_stale;

use super::Resolution;

/// How the values of a metric are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// Integers n with value = n / 10^scale, exactly.
    Decimal(u8),
    /// The eight bytes of the double.
    Double,
}

/// The most decimals that are tried: nanoseconds.
const MAX_SCALE: u8 = 9;

const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Which sample file of a block holds a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileKind {
    /// The type of its values.
    pub(crate) class: Class,
    /// Whether, in a roll-up, each row stands for one sample and has that sample's value alone.
    pub(crate) is_single: bool,
}

impl FileKind {
    /// Returns the file's name.
    pub(crate) fn file_name(self) -> String {
        let rows = if self.is_single { "singles" } else { "samples" };
        match self.class {
            Class::Decimal(scale) => format!("{rows}-d{scale}.parquet"),
            Class::Double => format!("{rows}-double.parquet"),
        }
    }

    /// Reads a file's name back.
    pub(crate) fn of_file(name: &str) -> Option<Self> {
        let (rows, class) = name.strip_suffix(".parquet")?.split_once('-')?;
        let is_single = match rows {
            "singles" => true,
            "samples" => false,
            _ => return None,
        };
        let class = if class == "double" {
            Class::Double
        } else {
            let scale: u8 = class.strip_prefix('d')?.parse().ok()?;
            (scale <= MAX_SCALE).then_some(Class::Decimal(scale))?
        };
        Some(Self { class, is_single })
    }

    /// Returns the file's value columns.
    pub(crate) fn columns(self, resolution: Resolution) -> &'static [&'static str] {
        if self.is_single {
            Resolution::Raw.columns()
        } else {
            resolution.columns()
        }
    }
}

/// Turns a value into the integer that stands for it.
pub(crate) fn to_decimal(value: f64, scale: u8) -> i64 {
    (value * POWERS[usize::from(scale)]).round() as i64
}

/// Rounds values to some decimals.
pub(crate) fn round_to(values: &mut [f64], scale: u8) {
    let power = POWERS[usize::from(scale)];
    for value in values.iter_mut().filter(|value| value.is_finite()) {
        let rounded = (*value * power).round() / power;
        // The product of a huge number overflows, and it has no decimals to round.
        if rounded.is_finite() {
            *value = rounded;
        }
    }
}

/// Turns integers into values, in place of a division for each caller.
pub(crate) fn from_decimals(numbers: &[i64], scale: u8, into: &mut Vec<f64>) {
    let power = POWERS[usize::from(scale)];
    if scale == 0 {
        into.extend(numbers.iter().map(|number| *number as f64));
    } else {
        into.extend(numbers.iter().map(|number| *number as f64 / power));
    }
}

/// Finds the class for values that it is shown one after the other.
///
/// A value that is n / 10^s is also (10 n) / 10^(s + 1), and both quotients round to the same
/// double as long as the integers are exact doubles, so the scale only ever has to grow. The
/// bound of 2^50 leaves the multiplication room to round to the right integer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClassChooser {
    scale: u8,
    is_double: bool,
    largest: f64,
}

impl Default for ClassChooser {
    fn default() -> Self {
        Self {
            scale: 0,
            is_double: false,
            largest: 0.0,
        }
    }
}

impl ClassChooser {
    /// Looks at values; staleness markers fit everywhere, as NULL.
    pub(crate) fn see(&mut self, values: &[f64]) {
        for value in values {
            if self.is_double {
                return;
            }
            if !self.fits(*value) {
                self.widen(*value);
            }
        }
    }

    /// Returns the narrowest class that holds all values seen.
    pub(crate) fn class(&self) -> Class {
        let limit = (1u64 << if self.scale == 0 { 53 } else { 50 }) as f64;
        if self.is_double || self.largest * POWERS[usize::from(self.scale)] > limit {
            Class::Double
        } else {
            Class::Decimal(self.scale)
        }
    }

    fn fits(&mut self, value: f64) -> bool {
        let power = POWERS[usize::from(self.scale)];
        let number = (value * power).round();
        let is_exact = (number as i64 as f64 / power).to_bits() == value.to_bits();
        if is_exact {
            self.largest = self.largest.max(value.abs());
        }
        is_exact || is_stale(value)
    }

    fn widen(&mut self, value: f64) {
        while self.scale < MAX_SCALE {
            self.scale += 1;
            if self.fits(value) {
                return;
            }
        }
        self.is_double = true;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use yunhai_model::stale_nan;

    use super::*;

    fn class(values: &[f64]) -> Class {
        let mut chooser = ClassChooser::default();
        chooser.see(values);
        chooser.class()
    }

    #[test]
    fn decimals_are_recognised_and_oddities_stay_doubles() {
        assert_eq!(class(&[1.0, 2.0, stale_nan()]), Class::Decimal(0));
        assert_eq!(class(&[1.0, 99.25, 0.1]), Class::Decimal(2));
        assert_eq!(class(&[9_007_199_254_740_992.0]), Class::Decimal(0));
        for odd in [
            -0.0,
            f64::NAN,
            f64::INFINITY,
            1e300,
            5e-324,
            std::f64::consts::PI,
        ] {
            assert_eq!(class(&[1.0, odd]), Class::Double, "{odd}");
        }
        assert_eq!(class(&[1e14, 0.001]), Class::Double);
    }

    #[test]
    fn file_names_read_back() {
        for class in [Class::Decimal(0), Class::Decimal(9), Class::Double] {
            for is_single in [false, true] {
                let kind = FileKind { class, is_single };
                assert_eq!(FileKind::of_file(&kind.file_name()), Some(kind));
            }
        }
        for other in ["series.parquet", "samples-d77.parquet", "rows-d1.parquet"] {
            assert_eq!(FileKind::of_file(other), None);
        }
    }

    proptest! {
        #[test]
        fn whatever_class_is_chosen_is_lossless(
            values in proptest::collection::vec(
                prop_oneof![
                    any::<f64>(),
                    (any::<i32>(), 0i32..10).prop_map(|(n, s)| f64::from(n) / 10f64.powi(s)),
                    (any::<i64>(), 0i32..4).prop_map(|(n, s)| n as f64 / 10f64.powi(s)),
                ],
                1..4,
            )
        ) {
            if let Class::Decimal(scale) = class(&values) {
                let numbers: Vec<i64> = values.iter().map(|v| to_decimal(*v, scale)).collect();
                let mut back = Vec::new();
                from_decimals(&numbers, scale, &mut back);
                for (value, back) in values.iter().zip(&back) {
                    prop_assert!(value.to_bits() == back.to_bits() || is_stale(*value));
                }
            }
        }
    }
}
