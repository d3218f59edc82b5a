//! The HTML of an e-mail: styles stand in the elements, since mail programs drop style sheets.

use super::dialect::Dialect;
use super::{Message, Space};
use crate::AlertStatus;

/// HTML, with line breaks as elements.
struct Html;

impl Dialect for Html {
    fn escape(&self, text: &str) -> String {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;")
    }

    fn bold(&self, escaped: &str) -> String {
        format!("<b>{escaped}</b>")
    }

    fn link(&self, label: &str, url: &str) -> String {
        let url = self.escape(url);
        format!(
            "<a href=\"{url}\" style=\"color:#1677ff\">{}</a>",
            self.escape(label)
        )
    }

    fn line_break(&self) -> &'static str {
        "<br>\n"
    }

    fn link_separator(&self) -> &'static str {
        " · "
    }
}

const CARD: &str = "border-left:4px solid #d9d9d9;padding:8px 12px;margin:0 0 12px;\
    background:#fafafa;overflow-wrap:anywhere";

impl Message<'_> {
    /// Returns the whole document.
    pub(crate) fn html(&self, space: Space) -> String {
        let title = Html.escape(&self.title());
        let colour = match self.notification.status {
            AlertStatus::Firing => "#cf1322",
            AlertStatus::Resolved => "#389e0d",
        };
        let language = match self.language {
            super::Language::English => "en",
            super::Language::SimplifiedChinese => "zh-CN",
        };
        let separator = format!("<div style=\"{CARD}\"></div>\n");
        let parts = self.parts(&Html, &separator, space);
        let cards: Vec<String> = parts
            .alerts
            .into_iter()
            .map(|alert| format!("<div style=\"{CARD}\">{alert}</div>\n"))
            .collect();
        let cards = cards.concat();
        let footer = parts.footer.map(|footer| format!("<p>{footer}</p>\n"));
        let footer = footer.unwrap_or_default();
        format!(
            "<!doctype html>\n\
             <html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body style=\"font-family:sans-serif;font-size:14px;line-height:1.5;color:#1f1f1f\">\n\
             <h2 style=\"font-size:18px;color:{colour}\">{title}</h2>\n\
             {cards}{footer}</body></html>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::dialect::safe_url;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            Html.escape("<script>'\"&"),
            "&lt;script&gt;&#39;&quot;&amp;"
        );
        assert_eq!(safe_url("data:text/html,x"), None);
    }
}
