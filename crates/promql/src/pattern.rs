//! Regular expressions as PromQL means them: anchored at both ends, in the dialect of Go.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Compiles a pattern that must match a whole text.
pub(crate) fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    let compile = |pattern: &str| Regex::new(&format!("^(?s:{pattern})$"));
    compile(pattern).or_else(|error| compile(&escape_literal_braces(pattern)).map_err(|_| error))
}

/// Escapes braces that repeat nothing, which Go takes as they stand: `a{b}`.
fn escape_literal_braces(pattern: &str) -> String {
    static PARTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\\[pPx]\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|[{}]")
            .expect("the pattern is a constant")
    });
    PARTS
        .replace_all(pattern, |part: &Captures<'_>| match &part[0] {
            "{" => r"\{".to_owned(),
            "}" => r"\}".to_owned(),
            kept => kept.to_owned(),
        })
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, text: &str, matches: bool) {
        assert_eq!(
            anchored(pattern).unwrap().is_match(text),
            matches,
            "{pattern} {text}"
        );
    }

    #[test]
    fn patterns_match_whole_texts() {
        check("a|b", "a", true);
        check("a|b", "ab", false);
        check("a.b", "a\nb", true);
    }

    #[test]
    fn braces_that_repeat_nothing_are_literal() {
        check("a{b}", "a{b}", true);
        check(r"/users/{id}/x{2}", "/users/{id}/xx", true);
        check(r"\p{Greek}{", "α{", true);
        assert!(anchored("(").is_err());
    }
}
