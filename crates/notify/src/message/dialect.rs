//! The dialects of Markdown that providers understand, each with what its text must not contain.

use std::fmt::Write as _;

/// How a provider writes bold text and links, and how text is kept from being taken for markup.
pub(crate) trait Dialect {
    /// Makes text harmless.
    fn escape(&self, text: &str) -> String;
    /// Makes text, already escaped, bold.
    fn bold(&self, escaped: &str) -> String;
    /// Makes a link; `url` has been through [`safe_url`].
    fn link(&self, label: &str, url: &str) -> String {
        format!("[{label}]({url})")
    }
    /// Begins a new line within an alert.
    fn line_break(&self) -> &'static str {
        "\n"
    }
    /// Stands between two links.
    fn link_separator(&self) -> &'static str {
        " | "
    }
}

/// Text without any markup.
pub(crate) struct Plain;

impl Dialect for Plain {
    fn escape(&self, text: &str) -> String {
        text.to_owned()
    }

    fn bold(&self, escaped: &str) -> String {
        escaped.to_owned()
    }

    fn link(&self, label: &str, url: &str) -> String {
        format!("{label}: {url}")
    }

    fn link_separator(&self) -> &'static str {
        "\n"
    }
}

/// DingTalk: Markdown with backslash escapes, in which a single line break is a space.
pub(crate) struct DingTalk;

impl Dialect for DingTalk {
    fn escape(&self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if matches!(
                c,
                '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '<' | '>' | '~' | '|'
            ) {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    }

    fn bold(&self, escaped: &str) -> String {
        format!("**{escaped}**")
    }

    fn line_break(&self) -> &'static str {
        "  \n"
    }
}

/// WeCom: a few signs of Markdown and no way to escape them, so that look-alikes stand in; `<`
/// would begin a mention.
pub(crate) struct WeCom;

impl Dialect for WeCom {
    fn escape(&self, text: &str) -> String {
        text.chars()
            .map(|c| match c {
                '<' => '＜',
                '>' => '＞',
                '[' => '［',
                ']' => '］',
                '*' => '＊',
                '`' => '\'',
                c => c,
            })
            .collect()
    }

    fn bold(&self, escaped: &str) -> String {
        format!("**{escaped}**")
    }
}

/// Feishu's cards: Markdown whose signs are escaped as HTML entities.
pub(crate) struct Feishu;

impl Dialect for Feishu {
    fn escape(&self, text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '&' => escaped.push_str("&amp;"),
                '<' | '>' | '~' | '*' | '[' | ']' | '(' | ')' | '#' | '`' | '_' | '$' | '\\' => {
                    let _ = write!(escaped, "&#{};", u32::from(c));
                }
                c => escaped.push(c),
            }
        }
        escaped
    }

    fn bold(&self, escaped: &str) -> String {
        format!("**{escaped}**")
    }
}

/// Slack's mrkdwn: three signs are escaped, which also keeps mentions and links out.
pub(crate) struct Slack;

impl Dialect for Slack {
    fn escape(&self, text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    }

    fn bold(&self, escaped: &str) -> String {
        // A sign of its own inside would end the bold text early.
        format!("*{}*", escaped.replace('*', "∗"))
    }

    fn link(&self, label: &str, url: &str) -> String {
        format!("<{}|{label}>", self.escape(url))
    }
}

/// Returns an address that can stand in any dialect's link, or `None` if it is not one of the
/// web, or too long to be of use in a message.
pub(crate) fn safe_url(url: &str) -> Option<String> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !is_web || url.len() > 512 {
        return None;
    }
    let mut safe = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            ' ' | '(' | ')' | '<' | '>' | '[' | ']' | '|' | '"' | '\\' | '`' | '*' => {
                let _ = write!(safe, "%{:02X}", u32::from(c));
            }
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    Some(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_text_stays_text() {
        let text = "<@all> **x** [a](http://b) cpu_x & `c`";
        assert_eq!(
            DingTalk.escape(text),
            r"\<@all\> \*\*x\*\* \[a\](http://b) cpu\_x & \`c\`"
        );
        assert_eq!(
            WeCom.escape(text),
            "＜@all＞ ＊＊x＊＊ ［a］(http://b) cpu_x & 'c'"
        );
        assert_eq!(
            Slack.escape(text),
            "&lt;@all&gt; **x** [a](http://b) cpu_x &amp; `c`"
        );
        assert!(!Feishu.escape(text).contains(['<', '*', '[', '_', '`']));
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(safe_url("javascript:alert(1)"), None);
        assert_eq!(
            safe_url("https://h/graph?q=a(b) [5m]").as_deref(),
            Some("https://h/graph?q=a%28b%29%20%5B5m%5D")
        );
    }
}
