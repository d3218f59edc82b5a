//! Numbers as Go's `fmt` writes them.

/// `%v` of a float64: the shortest form that reads back, with an exponent from a million up.
pub(crate) fn format_value(value: f64) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = split_exponent(&text);
    // strconv's `g` in its shortest form decides as if the precision were 6.
    if (-4..6).contains(&exponent) {
        format!("{value}")
    } else {
        with_exponent(mantissa, exponent)
    }
}

/// `%.{precision}g`.
pub(super) fn format_general(value: f64, precision: usize) -> String {
    if let Some(text) = special(value) {
        return text;
    }
    let precision = precision.max(1);
    let text = format!("{value:.*e}", precision - 1);
    let (mantissa, exponent) = split_exponent(&text);
    let trim = |text: &str| {
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text.to_owned()
        }
    };
    if exponent < -4 || exponent >= precision as i32 {
        with_exponent(&trim(mantissa), exponent)
    } else {
        let decimals = (precision as i32 - 1 - exponent).max(0) as usize;
        trim(&format!("{value:.decimals$}"))
    }
}

/// `%.{precision}e`.
pub(super) fn format_scientific(value: f64, precision: usize) -> String {
    special(value).unwrap_or_else(|| {
        let text = format!("{value:.precision$e}");
        let (mantissa, exponent) = split_exponent(&text);
        with_exponent(mantissa, exponent)
    })
}

/// `%.{precision}f`.
pub(super) fn format_fixed(value: f64, precision: usize) -> String {
    special(value).unwrap_or_else(|| format!("{value:.precision$}"))
}

fn special(value: f64) -> Option<String> {
    if value.is_nan() {
        Some("NaN".to_owned())
    } else if value.is_infinite() {
        Some(if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
    } else {
        None
    }
}

fn split_exponent(text: &str) -> (&str, i32) {
    let (mantissa, exponent) = text.split_once('e').expect("`{:e}` writes an exponent");
    (
        mantissa,
        exponent.parse().expect("`{:e}` writes a whole exponent"),
    )
}

fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
