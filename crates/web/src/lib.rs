//! The browser interface, embedded into the binary.
//!
//! The files come from `web/dist`, which `npm run build` in `web/` makes. Without that folder the
//! crate compiles all the same and simply holds nothing, so that work on the server needs no Node.
//! How the files are sent (headers, compression) is the server's affair.

use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Files;

/// One file of the interface.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its content.
    pub bytes: Cow<'static, [u8]>,
    /// Its media type, with the character set where it is text.
    pub mime: String,
    /// A strong entity tag, with its quotes.
    pub etag: String,
    /// Whether the content behind this path can never change, since its name holds its hash.
    pub immutable: bool,
}

/// Returns the file for the path of a request, such as `/assets/index-1a2b3c.js`.
///
/// Addresses of pages (`/servers/web-1`) get the start page, which shows them. A file that does
/// not exist is `None` and not the start page, so that a stale script fails visibly; and so is
/// everything while the interface has not been built.
pub fn asset(path: &str) -> Option<Asset> {
    let path = path.trim_start_matches('/');
    if let Some(file) = Files::get(path) {
        return Some(describe(path, file));
    }
    is_page(path)
        .then(|| Files::get(START_PAGE).map(|file| describe(START_PAGE, file)))
        .flatten()
}

const START_PAGE: &str = "index.html";
const HASHED: &str = "assets/";

/// The paths that the interface's own router knows: one of these words and what follows it.
const PAGES: [&str; 18] = [
    "", "account", "agents", "alerts", "audit", "channels", "clouds", "explore", "login",
    "overview", "probes", "register", "rules", "servers", "settings", "setup", "silences", "users",
];

fn is_page(path: &str) -> bool {
    // Names of servers have dots in them, so the end of a path says nothing.
    let first = path.split('/').next().unwrap_or_default();
    PAGES.contains(&first)
}

fn describe(path: &str, file: EmbeddedFile) -> Asset {
    let guessed = file.metadata.mimetype();
    let is_text = guessed.starts_with("text/") || guessed.ends_with("javascript");
    Asset {
        mime: if is_text {
            format!("{guessed}; charset=utf-8")
        } else {
            guessed.to_owned()
        },
        etag: entity_tag(&file.metadata.sha256_hash()),
        immutable: path.starts_with(HASHED),
        bytes: file.data,
    }
}

fn entity_tag(hash: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in hash.iter().take(16) {
        write!(tag, "{byte:02x}").expect("writing to a String cannot fail");
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_from_files() {
        assert!(is_page(""));
        assert!(is_page("servers/web-1.example.com"));
        assert!(!is_page("assets/index-0.js"));
        assert!(!is_page("favicon.ico"));
        assert!(!is_page("serversx"));
    }

    #[test]
    fn the_pages_are_those_that_the_interface_knows() {
        let router = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web/src/app/router.tsx");
        let router = std::fs::read_to_string(router).unwrap();
        let paths = router.split("page('/").skip(1);
        let mut known: Vec<&str> = paths
            .filter_map(|rest| rest.split(['/', '\'']).next())
            .collect();
        known.push("");
        known.sort_unstable();
        known.dedup();
        assert_eq!(known, PAGES);
    }

    #[test]
    fn a_missing_file_is_not_answered_with_the_start_page() {
        assert!(asset("/assets/no-such-file.js").is_none());
    }

    #[test]
    fn the_start_page_may_change_and_hashed_files_may_not() {
        // Nothing to look at where the interface has not been built.
        let Some(start) = asset("/overview") else {
            return;
        };
        assert_eq!(start.mime, "text/html; charset=utf-8");
        assert!(!start.immutable);
        assert_eq!(start.etag.len(), 34);
        let script = Files::iter()
            .find(|path| path.starts_with(HASHED) && path.ends_with(".js"))
            .and_then(|path| asset(&path))
            .expect("a built interface has scripts");
        assert!(script.immutable);
        assert_eq!(script.mime, "text/javascript; charset=utf-8");
    }
}
