//! Scripts in the language of Prometheus's own tests.

use yunhai_promql::Semantics;
use yunhai_promql::testlang::{self, Outcome};

async fn run(text: &str) -> Outcome {
    testlang::run_script(text, Semantics::Prometheus2)
        .await
        .expect("the script is in the language")
}

#[tokio::test]
async fn evaluations_as_expected_pass() {
    let outcome = run(r#"
# A counter of two servers.
load 1m
    requests_total{server="a"} 0+10x10
    requests_total{server="b"} 0+20x10 # twice as busy
    up 1 stale _ 1

eval instant at 10m sum(increase(requests_total[10m]))
    {} 300

eval_ordered instant at 10m sort_desc(requests_total)
    requests_total{server="b"} 200
    requests_total{server="a"} 100

eval range from 0 to 3m step 1m up
    up 1 _ _ 1

eval instant at 0 1 + 1
    2

eval instant at 0 "text"
    expect string "text"

eval instant at 10m quantile(2, requests_total)
    expect warn msg: PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)
    expect no_info
    {} Inf

eval_fail instant at 10m requests_total + on() requests_total

eval instant at 10m requests_total + on() requests_total
    expect fail regex: found duplicate series

eval instant at 2m up[2m]
    expect range vector from 0 to 2m step 1m
    up 1

clear

eval instant at 10m requests_total
"#)
    .await;
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    assert_eq!((outcome.passed, outcome.skipped), (10, 0));
}

#[tokio::test]
async fn each_failure_says_what_was_expected() {
    let outcome = run(r#"
load 1m
    up{server="a"} 1

eval instant at 0 up
    up{server="a"} 2

eval instant at 0 up
    up{server="b"} 1

eval instant at 0 up
    expect warn
    up{server="a"} 1
"#)
    .await;
    let reasons: Vec<(usize, &str)> = outcome
        .failures
        .iter()
        .map(|failure| (failure.line, failure.reason.as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (5, "up{server=\"a\"}: expected 2, got 1"),
            (8, "unexpected up{server=\"a\"}"),
            (11, "expected a warning, got none"),
        ]
    );
}

#[tokio::test]
async fn native_histograms_are_skipped_and_counted() {
    let outcome = run(r"
load 1m
    native {{schema:0 sum:5 count:4 buckets:[1 2 1]}}
    plain 1

eval instant at 0 histogram_count(native)
    {} 4

eval instant at 0 native + 1

eval instant at 0 plain
    plain 1
")
    .await;
    assert_eq!((outcome.passed, outcome.skipped), (1, 2));
}

#[tokio::test]
async fn lines_outside_the_language_are_refused_with_their_number() {
    let error = testlang::run_script("clear\n\nexplode\n", Semantics::Prometheus2)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "line 3: unknown command `explode`");
}

#[tokio::test]
async fn ranges_of_prometheus_3_exclude_their_beginning() {
    let script = |count: u32| {
        format!("load 1m\n  x 1x5\n\neval instant at 5m count_over_time(x[2m])\n  {{}} {count}\n")
    };
    for (semantics, count) in [(Semantics::Prometheus2, 3), (Semantics::Prometheus3, 2)] {
        let outcome = testlang::run_script(&script(count), semantics)
            .await
            .unwrap();
        assert_eq!(outcome.passed, 1, "{:?}", outcome.failures);
    }
}
