//! Random histories of a store against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::support::{Bench, Content, DAY_MS, MONDAY_MS, content, labels, series};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, i64, f64)>),
    Flush,
    Compact,
    Reopen,
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<i32>().prop_map(f64::from),
        (any::<i16>()).prop_map(|number| f64::from(number) / 100.0),
        any::<f64>(),
        Just(yunhai_model::stale_nan()),
        Just(-0.0),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let sample = (0u8..4, 0i64..40, value());
    prop_oneof![
        4 => proptest::collection::vec(sample, 1..60).prop_map(Step::Append),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

async fn check(steps: Vec<Step>) {
    let bench = Bench::new();
    let open = || bench.open_with(|config| config.out_of_order_window = "7d".parse().unwrap());
    let mut store = Some(open().await);
    let mut model = Content::new();
    bench.clock.set(MONDAY_MS + 5 * DAY_MS);
    for step in steps {
        let current = store.as_ref().unwrap();
        match step {
            Step::Append(samples) => {
                let mut batch: BTreeMap<u8, Vec<(i64, f64)>> = BTreeMap::new();
                for (one, at, value) in samples {
                    // Spread over two days, so that blocks of several days arise.
                    let time = MONDAY_MS + at * 4_321_000;
                    batch.entry(one).or_default().push((time, value));
                    let known = model.entry(labels("m", &one.to_string())).or_default();
                    if !known.iter().any(|(other, _)| *other == time) {
                        known.push((time, value.to_bits()));
                        known.sort_unstable();
                    }
                }
                let batch = batch
                    .into_iter()
                    .map(|(one, samples)| series("m", &one.to_string(), &samples))
                    .collect();
                current.append(batch).await.unwrap();
            }
            Step::Flush => current.flush().await.unwrap(),
            Step::Compact => current.compact().await.unwrap(),
            Step::Reopen => {
                drop(store.take());
                store = Some(open().await);
            }
        }
        assert_eq!(content(store.as_ref().unwrap()).await, model);
    }
    assert!(store.unwrap().stats().damaged.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_store_holds_what_a_map_would(steps in proptest::collection::vec(step(), 1..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(steps));
    }
}
