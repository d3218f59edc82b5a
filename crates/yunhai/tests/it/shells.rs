//! Completions and manual pages, read by the programs that they are for.

use std::process::Command;

use crate::program::Home;

/// Runs a program on this machine; none where it is not installed.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn bash_completes_commands_and_values() {
    let home = Home::new();
    let script = home.run(&["completions", "bash"]).done();
    let file = home.write("yunhai.bash", script);
    output("bash", &["-n", &file]).unwrap();
    let complete = |words: &str| {
        let count = words.split(' ').count() - 1;
        let asked = format!(
            "source {file}; COMP_WORDS=({words}); [[ '{words}' == *' ' ]] && COMP_WORDS+=(''); \
             COMP_CWORD={count}; _yunhai yunhai \"${{COMP_WORDS[COMP_CWORD]}}\" \
             \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        output("bash", &["-c", &asked]).unwrap()
    };
    assert_eq!(complete("yunhai al").trim(), "alert");
    assert!(complete("yunhai alert rule ").contains("backtest"));
    assert!(complete("yunhai user role ann op").contains("operator"));
    assert!(complete("yunhai alert list --state ").contains("acknowledged"));
}

#[test]
fn zsh_and_fish_can_read_their_completions() {
    let home = Home::new();
    for shell in ["zsh", "fish"] {
        let script = home.run(&["completions", shell]).done();
        assert!(script.contains("backtest"), "{shell}");
        let file = home.write(shell, script);
        // Neither is on every machine.
        output(shell, &["-n", &file]);
    }
}

#[test]
fn man_formats_every_page_without_a_warning() {
    let home = Home::new();
    home.run(&["man", "--all", "pages"]).done();
    let pages: Vec<_> = std::fs::read_dir(home.path("pages")).unwrap().collect();
    assert!(pages.len() > 60, "{}", pages.len());
    let page = home.run(&["man", "alert", "rule"]).done();
    assert!(page.contains(".TH") && page.contains("backtest"));
    let page = std::fs::read_to_string(home.path("pages/yunhai-alert-rule-backtest.1")).unwrap();
    let (_, examples) = page.split_once(".SH EXAMPLES\n.nf\n  yunhai").unwrap();
    assert!(examples.ends_with(".fi\n"), "{examples}");
    assert_eq!(page, home.run(&["man", "alert", "rule", "backtest"]).done());
    let error = home.run(&["man", "alert", "nosuch"]).failed();
    assert!(error.contains("has no command `nosuch`"), "{error}");
    let root = home.write("yunhai.1", home.run(&["man"]).done());
    let formatted = Command::new("man")
        .args(["--warnings", "-l", &root])
        .env("MANWIDTH", "80")
        .output();
    // Not every machine has the reader.
    if let Ok(formatted) = formatted {
        let warnings = String::from_utf8_lossy(&formatted.stderr);
        assert!(warnings.is_empty(), "{warnings}");
        let text = String::from_utf8_lossy(&formatted.stdout);
        assert!(text.contains("Exit codes"), "{text}");
    }
}
