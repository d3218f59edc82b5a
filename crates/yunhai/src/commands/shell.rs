//! Completions and the manual pages.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::CommandFactory;

/// Which shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai completions bash > /etc/bash_completion.d/yunhai
  yunhai completions zsh > \"${fpath[1]}/_yunhai\"
  yunhai completions fish > ~/.config/fish/completions/yunhai.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Which manual page.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  yunhai man | man -l -
  yunhai man alert rule | man -l -
  yunhai man --all /usr/local/share/man/man1")]
pub(crate) struct ManArgs {
    /// The command, such as `alert rule`
    command: Vec<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    all: Option<PathBuf>,
}

/// Prints completions.
pub(crate) fn completions(args: &CompletionsArgs) {
    let mut command = crate::Cli::command();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "yunhai", &mut script);
    crate::output::print_text(String::from_utf8_lossy(&script).trim_end());
}

/// Prints a manual page, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> anyhow::Result<()> {
    let mut root = crate::Cli::command();
    root.build();
    if let Some(folder) = &args.all {
        return write_pages(folder)
            .with_context(|| format!("cannot write the manual pages into {}", folder.display()));
    }
    let mut command = &root;
    let mut name = "yunhai".to_owned();
    for word in &args.command {
        command = command.find_subcommand(word).with_context(|| {
            format!("`{name}` has no command `{word}`\nhint: `{name} --help` lists them")
        })?;
        name = format!("{name} {word}");
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.replace(' ', "-"))
        .render(&mut page)?;
    crate::output::print_text(finished(&String::from_utf8_lossy(&page)).trim_end());
    Ok(())
}

/// Writes the pages of all commands.
fn write_pages(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(crate::Cli::command(), folder)?;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // The pages of other programs may lie beside them.
        let is_ours = name.ends_with(".1") && (name == "yunhai.1" || name.starts_with("yunhai-"));
        if is_ours {
            let page = std::fs::read_to_string(&path)?;
            std::fs::write(&path, finished(&page))?;
        }
    }
    Ok(())
}

/// Gives what stands at the foot of the help its title, and keeps the lines of examples as they
/// are, so that they can be copied.
fn finished(page: &str) -> String {
    let Some((page, foot)) = page.split_once("\n.SH EXTRA\n") else {
        return page.to_owned();
    };
    let is_examples = foot.starts_with("Example");
    let title = if is_examples { "EXAMPLES" } else { "NOTES" };
    let mut text = format!("{page}\n.SH {title}\n");
    let mut is_kept = false;
    for line in foot.lines().filter(|line| *line != "Examples:") {
        if is_kept != line.starts_with("  ") {
            is_kept = !is_kept;
            text.push_str(if is_kept { ".nf\n" } else { ".fi\n" });
        }
        text.push_str(line.strip_prefix("Example: ").unwrap_or(line));
        text.push('\n');
    }
    if is_kept {
        text.push_str(".fi\n");
    }
    text
}
