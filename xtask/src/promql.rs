//! `cargo xtask promql DIR`: runs tests in the language of Prometheus's own PromQL tests.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use yunhai_promql::Semantics;
use yunhai_promql::testlang::{self, Outcome};

/// Runs all `*.test` files of a directory, prints each failure and at the end
/// `N passed, N failed`.
///
/// The files decide whose semantics hold: those written for Prometheus 3 (they use `eval range` or
/// `expect`) are run with its rules, others with those of Prometheus 2.
pub(crate) fn run(dir: &Path) -> Result<()> {
    let scripts = read_scripts(dir)?;
    let is_v3 = scripts
        .iter()
        .any(|(_, text)| testlang::expects_prometheus_3(text));
    let semantics = if is_v3 {
        Semantics::Prometheus3
    } else {
        Semantics::Prometheus2
    };
    println!("{} files, semantics: {semantics:?}", scripts.len());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the async runtime")?;
    let mut total = Outcome::default();
    for (path, text) in scripts {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let outcome = runtime
            .block_on(testlang::run_script(&text, semantics))
            .with_context(|| format!("reading {}", path.display()))?;
        for failure in &outcome.failures {
            println!(
                "{name}:{}: {}: {}",
                failure.line, failure.expr, failure.reason
            );
        }
        println!("{name}: {}", summary(&outcome));
        total.passed += outcome.passed;
        total.skipped += outcome.skipped;
        total.failures.extend(outcome.failures);
    }
    println!("{}", summary(&total));
    Ok(())
}

/// `N passed, N failed`, and how many were skipped where any were.
fn summary(outcome: &Outcome) -> String {
    let (passed, failed) = (outcome.passed, outcome.failures.len());
    let skipped = match outcome.skipped {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    format!("{passed} passed, {failed} failed{skipped}")
}

fn read_scripts(dir: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "test")
        {
            paths.push(path);
        }
    }
    ensure!(
        !paths.is_empty(),
        "{} holds no *.test files; pass the directory promql/promqltest/testdata of Prometheus's repository",
        dir.display()
    );
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("reading {}", path.display()))?;
            Ok((path, text))
        })
        .collect()
}
