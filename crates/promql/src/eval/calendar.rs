//! Dates in UTC from Unix time, for any `i64` of seconds (library calendars stop at year 9999,
//! values of a metric do not).

/// A day in the proleptic Gregorian calendar.
struct Date {
    year: i64,
    month: i64,
    day: i64,
    days_since_epoch: i64,
}

/// Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn date(seconds: i64) -> Date {
    let days_since_epoch = seconds.div_euclid(86_400);
    let shifted = days_since_epoch + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    Date {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted_month + 2) / 5 + 1,
        days_since_epoch,
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Finds the calendar function of a name; it takes Unix time in seconds.
pub(crate) fn find(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |time| ((time as i64).rem_euclid(3600) / 60) as f64,
        "hour" => |time| ((time as i64).rem_euclid(86_400) / 3600) as f64,
        "day_of_week" => |time| (date(time as i64).days_since_epoch + 4).rem_euclid(7) as f64,
        "day_of_month" => |time| date(time as i64).day as f64,
        "day_of_year" => |time| {
            let date = date(time as i64);
            let before: i64 = (1..date.month)
                .map(|month| days_in_month(date.year, month))
                .sum();
            (before + date.day) as f64
        },
        "days_in_month" => |time| {
            let date = date(time as i64);
            days_in_month(date.year, date.month) as f64
        },
        "month" => |time| date(time as i64).month as f64,
        "year" => |time| date(time as i64).year as f64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(time: f64, expected: [(&str, f64); 8]) {
        for (name, value) in expected {
            assert_eq!(find(name).unwrap()(time), value, "{name}");
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        // 2024-02-29T23:59:30Z, a Thursday
        check(
            1_709_251_170.0,
            [
                ("minute", 59.0),
                ("hour", 23.0),
                ("day_of_week", 4.0),
                ("day_of_month", 29.0),
                ("day_of_year", 60.0),
                ("days_in_month", 29.0),
                ("month", 2.0),
                ("year", 2024.0),
            ],
        );
        // 1969-12-31T23:59:59Z, a Wednesday
        check(
            -1.0,
            [
                ("minute", 59.0),
                ("hour", 23.0),
                ("day_of_week", 3.0),
                ("day_of_month", 31.0),
                ("day_of_year", 365.0),
                ("days_in_month", 31.0),
                ("month", 12.0),
                ("year", 1969.0),
            ],
        );
    }
}
