//! The blocks are open: DuckDB reads them and gets the same values.

use std::path::Path;
use std::process::Command;

use yunhai_model::{is_stale, stale_nan};

use crate::support::{Bench, Content, MONDAY_MS, content, files_in, labels, series};

const SCRIPT: &str = r#"
import duckdb, glob, os, sys
for block in glob.glob(sys.argv[1] + "/blocks/*"):
    for path in glob.glob(block + "/samples-*.parquet"):
        rows = duckdb.sql(f"""
            SELECT s.metric, s.labels['server'], epoch_ms(v.timestamp), CAST(v.value AS DOUBLE)
            FROM read_parquet('{path}') v
            JOIN read_parquet('{block}/series.parquet') s USING (series)
            WHERE s.file = '{os.path.basename(path)}'""").fetchall()
        for metric, server, time, value in rows:
            server = server[0] if isinstance(server, list) else server
            print(metric, server, time, "NULL" if value is None else repr(value), sep="\t")
"#;

#[tokio::test]
async fn duckdb_reads_the_same_values() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run `cargo xtask test`, which makes the Python environment of the tests from tests/requirements.txt",
        python.display()
    );
    let bench = Bench::new();
    let store = bench.open().await;
    let column = |value: &dyn Fn(i64) -> f64| -> Vec<(i64, f64)> {
        (0..300)
            .map(|at| (MONDAY_MS - at * 15_000, value(at)))
            .collect()
    };
    store
        .append(vec![
            series("bytes_total", "a", &column(&|at| (at * 987_654_321) as f64)),
            series("bytes_total", "b", &column(&|at| at as f64)),
            // Steps of all sizes in both directions, so that differences wrap around.
            series(
                "bytes_total",
                "c",
                &column(&|at| ((1_i64 << 50) - at * at) as f64),
            ),
            series("bytes_total", "d", &column(&|at| (at % 5) as f64)),
            series(
                "bytes_total",
                "e",
                &column(&|at| if at % 50 == 0 { -9e15 } else { 9e15 }),
            ),
            series(
                "percent",
                "a",
                &column(&|at| (at * 37 % 10_001) as f64 / 100.0),
            ),
            series(
                "percent",
                "b",
                &column(&|at| if at % 7 == 0 { stale_nan() } else { 99.99 }),
            ),
            series("ratio", "a", &column(&|at| 1.0 / (at + 3) as f64)),
            series(
                "ratio",
                "b",
                &column(&|at| if at == 4 { f64::INFINITY } else { -0.0 }),
            ),
        ])
        .await
        .unwrap();
    store.flush().await.unwrap();
    assert!(
        files_in(&bench.path("blocks")).len() >= 2,
        "two days make two blocks"
    );

    let output = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(bench.folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut read = Content::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let value = match fields[3] {
            "NULL" => stale_nan(),
            text => text.parse().unwrap(),
        };
        let sample: (i64, f64) = (fields[2].parse().unwrap(), value);
        read.entry(labels(fields[0], fields[1]))
            .or_default()
            .push((sample.0, sample.1.to_bits()));
    }
    for samples in read.values_mut() {
        samples.sort_unstable();
    }
    let ours = content(&store).await;
    assert!(
        ours.values()
            .flatten()
            .any(|(_, bits)| is_stale(f64::from_bits(*bits)))
    );
    assert_eq!(read, ours);
}
