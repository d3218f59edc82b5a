//! Malformed expressions are refused with the place and what was expected.

use proptest::prelude::*;
use yunhai_promql::parse;

fn check(text: &str, place: &str, message: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.position.to_string(), place, "{text}: {error}");
    assert!(error.message.contains(message), "{text}: {error}");
}

#[test]
fn syntax_errors_name_what_was_found_and_what_was_expected() {
    check(
        "",
        "1:1",
        "unexpected end of the expression, expected a metric",
    );
    check("sum(", "1:5", "unexpected end of the expression");
    check("1 +", "1:4", "unexpected end of the expression");
    check("up up", "1:4", "unexpected `up`, expected an operator");
    check("up{job=a}", "1:8", "expected a label value in quotes");
    check("up{job}", "1:7", "expected `=`, `!=`, `=~` or `!~`");
    check("up{job=\"a\"", "1:11", "expected `,` or `}`");
    check("up[5]m", "1:6", "unexpected `m`");
    check("up[five]", "1:4", "expected a duration such as 5m");
    check("up[5z]", "1:4", "neither a number nor a duration");
    check("up[0s]", "1:4", "greater than 0");
    check("up offset", "1:10", "expected a duration");
    check("up @ x", "1:6", "expected a timestamp");
    check("sum by job (up)", "1:8", "expected `(` and label names");
    check("a + group_left b", "1:5", "on (…)");
    check("up{job=\"a}", "1:8", "not closed");
    check("rate(up[5m]", "1:12", "expected `,`, `)`");
    check("a\n  + $b", "2:5", "unexpected character '$'");
    check("云", "1:1", "unexpected character '云'");
}

#[test]
fn unknown_functions_are_named_with_the_nearest_known_one() {
    check("1 + raet(up[5m])", "1:5", "unknown function `raet`");
    check(
        "histogram_quantil(0.5, x)",
        "1:1",
        "did you mean `histogram_quantile`?",
    );
}

#[test]
fn type_errors_stand_at_the_part_that_has_them() {
    check(
        "1 + rate(up)",
        "1:5",
        "expected type range vector in call to function",
    );
    check("sum(1 + abs(2))", "1:9", "call to function");
    check(
        "up and (1 == 2)",
        "1:9",
        "comparisons between scalars must use BOOL",
    );
    check("topk(up)", "1:1", "wrong number of arguments");
    check("1 + (up[5m])[5m:]", "1:5", "subquery is only allowed");
    check("{job=~\".*\"}", "1:1", "at least one non-empty matcher");
    check("up{job=~\"(\"}", "1:9", "malformed regular expression");
}

#[test]
fn absurd_input_is_refused_and_not_a_crash() {
    check(&"(".repeat(100_000), "1:129", "nested deeper");
    check(&"-".repeat(100_000), "1:130", "too many signs");
    check(&format!("up[{}y]", "9".repeat(30)), "1:4", "out of range");
    check("up[1e300]", "1:4", "out of range");
    check("\"\\é\"", "1:1", "escape");
    check(&vec!["1"; 2002].join("^"), "1:259", "operators");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,40}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_sequence_of_words_makes_the_parser_panic(
        words in proptest::collection::vec(
            prop::sample::select(vec![
                "up", "sum", "rate", "(", ")", "{", "}", "[", "]", "5m", "1", ",", "by", "on",
                "group_left", "+", "-", "==", "bool", "\"a\"", "=", "=~", "@", "start", "offset",
                ":", "and", "NaN", "0x", "1e", "#", "\n", "job", "fill", "unless",
            ]),
            0..14,
        )
    ) {
        let _ = parse(&words.join(" "));
    }
}
