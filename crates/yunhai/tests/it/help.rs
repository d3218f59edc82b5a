//! The help: what people read first.

use std::fmt::Write;

use crate::program::Home;

/// All commands, by walking along what `--help` lists.
fn commands(home: &Home) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    let mut at = 0;
    while at < all.len() {
        let prefix: Vec<String> = all[at].clone();
        let mut words: Vec<&str> = prefix.iter().map(String::as_str).collect();
        words.push("--help");
        let help = home.run(&words).done();
        let listed = help
            .lines()
            .skip_while(|line| *line != "Commands:")
            .skip(1)
            .take_while(|line| !line.trim().is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|name| *name != "help");
        for name in listed {
            let mut path = prefix.clone();
            path.push(name.to_owned());
            all.push(path);
        }
        at += 1;
    }
    all.remove(0);
    all
}

#[test]
fn the_help_names_every_command_and_the_exit_codes() {
    insta::assert_snapshot!(Home::new().run(&["--help"]).done());
}

#[test]
fn every_command_says_what_it_does() {
    let home = Home::new();
    let all = commands(&home);
    assert!(all.len() > 60, "only {} commands were found", all.len());
    let mut summary = String::new();
    for command in &all {
        let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
        words.push("-h");
        let help = home.run(&words).done();
        let first = help.lines().next().unwrap_or_default();
        assert!(
            !first.is_empty() && !first.starts_with("Usage"),
            "{command:?}: {help}"
        );
        let _ = writeln!(summary, "{}: {first}", command.join(" "));
    }
    insta::assert_snapshot!(summary);
}

/// A line that the terminal breaks cannot be copied into a shell.
#[test]
fn examples_fit_into_a_terminal() {
    let home = Home::new();
    let mut count = 0;
    for command in commands(&home) {
        let mut words: Vec<&str> = command.iter().map(String::as_str).collect();
        words.push("--help");
        let help = home.run(&words).done();
        let examples = help.lines().skip_while(|line| !line.starts_with("Example"));
        for line in examples.skip(1).filter(|line| line.starts_with("  ")) {
            assert!(line.len() <= 80, "{command:?}: {line}");
            assert_ne!(line.trim(), "\\", "{command:?}");
            count += 1;
        }
    }
    assert!(count > 40, "only {count} lines were found");
}

#[test]
fn options_of_a_command_stand_apart_from_those_of_all() {
    insta::assert_snapshot!(Home::new().run(&["user", "create", "-h"]).done());
}

#[test]
fn wrong_usage_ends_with_2_and_a_suggestion() {
    let home = Home::new();
    for (words, part) in [
        (&["alrt"][..], "alert"),
        (&["alert", "list", "--stat", "x"], "--state"),
        (&["alert", "list", "--state", "loud"], "firing"),
        (&["user", "role", "ann", "king"], "operator"),
        (
            &["alert", "silence", "add", "nonsense", "--comment", "x"],
            "server=web-1",
        ),
        (&["token", "create", "--name", "x"], "--scope"),
    ] {
        let ended = home.run(words);
        assert_eq!(ended.code, 2, "{words:?}");
        assert!(ended.errors.contains(part), "{words:?}: {}", ended.errors);
    }
}
