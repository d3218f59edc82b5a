//! The table in the code and the table in the document say the same.

use std::fmt::Write as _;

use yunhai_collector::metrics::METRICS;

#[test]
fn the_document_has_the_table_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/metrics.md");
    let document = std::fs::read_to_string(path).unwrap();
    let written: Vec<String> = document
        .lines()
        .filter(|line| line.starts_with("| `server_") || line.starts_with("| `probe_"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            assert!(!cells[6].is_empty(), "no source in `{line}`");
            format!("{}\n", cells[1..6].join(" | "))
        })
        .collect();
    let written = written.concat();
    let mut expected = String::new();
    for metric in METRICS {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        writeln!(
            expected,
            "`{}` | {} | {} | {} | {}",
            metric.name,
            metric.kind.as_str(),
            metric.unit.as_str(),
            labels.join(", "),
            metric.help
        )
        .unwrap();
    }
    assert_eq!(written, expected);
}
