//! Compensated summation (Kahan's, with Neumaier's improvement), as Prometheus uses it.

/// A sum and the low-order bits that it has lost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let sum = self.high + value;
        if sum.is_infinite() {
            self.low = 0.0;
        } else if self.high.abs() >= value.abs() {
            self.low += (self.high - sum) + value;
        } else {
            self.low += (value - sum) + self.high;
        }
        self.high = sum;
    }

    pub(crate) fn value(self) -> f64 {
        if self.high.is_infinite() {
            self.high
        } else {
            self.high + self.low
        }
    }
}

/// A mean that sums up as long as the sum does not overflow, and goes on incrementally after that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mean {
    sum: Sum,
    count: f64,
    is_incremental: bool,
}

impl Mean {
    pub(crate) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.is_incremental {
            let mut sum = self.sum;
            sum.add(value);
            if self.count < 2.0 || !sum.high.is_infinite() {
                self.sum = sum;
                return;
            }
            self.is_incremental = true;
            self.sum.high /= self.count - 1.0;
            self.sum.low /= self.count - 1.0;
        }
        if self.sum.high.is_infinite() {
            if value.is_infinite() && (self.sum.high > 0.0) == (value > 0.0) {
                return;
            }
            // An infinite mean stays, except that it cannot be told where both infinities meet.
            if !value.is_infinite() && !value.is_nan() {
                return;
            }
        }
        let weight = (self.count - 1.0) / self.count;
        self.sum.high *= weight;
        self.sum.low *= weight;
        self.sum.add(value / self.count);
    }

    pub(crate) fn value(self) -> f64 {
        if self.is_incremental {
            self.sum.value()
        } else {
            self.sum.high / self.count + self.sum.low / self.count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> f64 {
        let mut mean = Mean::default();
        for value in values {
            mean.add(*value);
        }
        mean.value()
    }

    #[test]
    fn small_terms_survive_large_ones() {
        let mut sum = Sum::default();
        for value in [1.0, 1e100, 1.0, -1e100] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 2.0);
    }

    #[test]
    fn means_of_huge_numbers_do_not_overflow() {
        assert_eq!(mean(&[f64::MAX, f64::MAX]), f64::MAX);
        assert_eq!(mean(&[f64::INFINITY, 5.0]), f64::INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert_eq!(mean(&[1.0, 2.0, 6.0]), 3.0);
    }
}
