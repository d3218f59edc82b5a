//! Completions and the manual pages.

use std::path::PathBuf;

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
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(crate::Cli::command(), folder))
            .with_context(|| format!("cannot write the manual pages into {}", folder.display()))?;
        return Ok(());
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
    crate::output::print_text(String::from_utf8_lossy(&page).trim_end());
    Ok(())
}
