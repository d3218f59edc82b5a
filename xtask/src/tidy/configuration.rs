//! Every key of the configuration is explained in `docs/configuration.md`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Fault;

const PAGE: &str = "docs/configuration.md";

/// Where the configuration's structs are: one for each table of the file.
const STRUCTS: [(&str, &str); 6] = [
    ("crates/yunhai/src/config.rs", "Config"),
    ("crates/yunhai/src/config.rs", "CollectConfig"),
    ("crates/server/src/config.rs", "ServerConfig"),
    ("crates/series/src/config.rs", "StoreConfig"),
    ("crates/identity/src/config.rs", "IdentityConfig"),
    ("crates/monitor/src/config.rs", "MonitorConfig"),
];

/// Checks that the page names each field of the configuration's structs.
pub(super) fn check(root: &Path) -> Result<Vec<Fault>> {
    let page = fs::read_to_string(root.join(PAGE)).with_context(|| format!("reading {PAGE}"))?;
    let mut faults = Vec::new();
    for (file, name) in STRUCTS {
        let text =
            fs::read_to_string(root.join(file)).with_context(|| format!("reading {file}"))?;
        let keys = keys(&text, name);
        if keys.is_empty() {
            faults.push(Fault::new(
                file,
                format!("has no struct `{name}` with keys"),
            ));
        }
        for key in keys {
            if !page.contains(&format!("`{key}`")) && !page.contains(&format!("`[{key}]`")) {
                faults.push(Fault::new(
                    PAGE,
                    format!("does not explain `{key}` of `{name}` in {file}"),
                ));
            }
        }
    }
    Ok(faults)
}

/// The public fields of a struct that are read from the file.
fn keys<'a>(source: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!("struct {name} {{");
    let mut skipped = false;
    let mut keys = Vec::new();
    let body = source
        .lines()
        .skip_while(|line| !line.ends_with(&opening))
        .skip(1)
        .take_while(|line| !line.starts_with('}'));
    for line in body.map(str::trim) {
        if line == "#[serde(skip)]" {
            skipped = true;
        }
        let field = line
            .strip_prefix("pub(crate) ")
            .or_else(|| line.strip_prefix("pub "))
            .and_then(|field| field.split_once(':'));
        if let Some((key, _)) = field {
            if !skipped {
                keys.push(key);
            }
            skipped = false;
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_public_fields_that_are_read() {
        let source = "struct Other {\n    pub x: u8,\n}\n\npub struct It {\n    /// Listens.\n    \
                      pub listen: String,\n    #[serde(skip)]\n    pub file: String,\n    \
                      pub(crate) tls: Tls,\n}\n\npub struct More {\n    pub y: u8,\n}\n";
        assert_eq!(keys(source, "It"), ["listen", "tls"]);
        assert_eq!(keys(source, "Gone"), Vec::<&str>::new());
    }
}
