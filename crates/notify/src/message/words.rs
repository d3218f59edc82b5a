//! The words of a message in both languages.

use super::Language;

/// The fixed words of one language.
pub(crate) struct Words {
    pub(crate) firing: &'static str,
    pub(crate) resolved: &'static str,
    pub(crate) no_alerts: &'static str,
    pub(crate) no_name: &'static str,
    pub(crate) labels: &'static str,
    pub(crate) value: &'static str,
    pub(crate) since: &'static str,
    pub(crate) until: &'static str,
    pub(crate) details: &'static str,
    pub(crate) runbook: &'static str,
    pub(crate) open_yunhai: &'static str,
    pub(crate) comma: &'static str,
    language: Language,
}

const ENGLISH: Words = Words {
    firing: "is firing",
    resolved: "is resolved",
    no_alerts: "no alerts",
    no_name: "Alert without a name",
    labels: "Labels",
    value: "Value",
    since: "Since",
    until: "until",
    details: "Details",
    runbook: "Runbook",
    open_yunhai: "Open Yunhai",
    comma: ", ",
    language: Language::English,
};

const CHINESE: Words = Words {
    firing: "告警中",
    resolved: "已恢复",
    no_alerts: "没有告警",
    no_name: "未命名的告警",
    labels: "标签",
    value: "当前值",
    since: "开始于",
    until: "恢复于",
    details: "查看详情",
    runbook: "处理手册",
    open_yunhai: "打开云海",
    comma: "，",
    language: Language::SimplifiedChinese,
};

/// Returns the words of a language.
pub(crate) fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::SimplifiedChinese => &CHINESE,
    }
}

impl Words {
    /// Returns how many fire and how many are over, in brackets.
    pub(crate) fn counts(&self, firing: usize, resolved: usize) -> String {
        match (self.language, firing, resolved) {
            (Language::English, 0, _) => format!("[Resolved {resolved}]"),
            (Language::English, _, 0) => format!("[Firing {firing}]"),
            (Language::English, _, _) => format!("[Firing {firing}, resolved {resolved}]"),
            (Language::SimplifiedChinese, 0, _) => format!("【恢复 {resolved}】"),
            (Language::SimplifiedChinese, _, 0) => format!("【告警 {firing}】"),
            (Language::SimplifiedChinese, _, _) => {
                format!("【告警 {firing}，恢复 {resolved}】")
            }
        }
    }

    /// Names several rules, of which `first` is one.
    pub(crate) fn many_rules(&self, first: &str, count: usize) -> String {
        match self.language {
            Language::English => format!("{first} and {} more rules", count - 1),
            Language::SimplifiedChinese => format!("{first} 等 {count} 条规则"),
        }
    }

    /// Says how many alerts a message leaves out.
    pub(crate) fn left_out(&self, count: u64) -> String {
        match (self.language, count) {
            (Language::English, 1) => "1 more alert is not shown.".to_owned(),
            (Language::English, _) => format!("{count} more alerts are not shown."),
            (Language::SimplifiedChinese, _) => format!("另有 {count} 条告警未列出。"),
        }
    }

    /// Writes `name: value`.
    pub(crate) fn entry(&self, name: &str, value: &str) -> String {
        match self.language {
            Language::English => format!("{name}: {value}"),
            Language::SimplifiedChinese => format!("{name}：{value}"),
        }
    }

    /// Writes a remark in brackets.
    pub(crate) fn aside(&self, remark: &str) -> String {
        match self.language {
            Language::English => format!(" ({remark})"),
            Language::SimplifiedChinese => format!("（{remark}）"),
        }
    }

    /// Translates the usual severities; others stay as they are.
    pub(crate) fn severity<'s>(&self, severity: &'s str) -> &'s str {
        match (self.language, severity) {
            (Language::SimplifiedChinese, "critical") => "严重",
            (Language::SimplifiedChinese, "warning") => "警告",
            (Language::SimplifiedChinese, "info") => "提示",
            _ => severity,
        }
    }
}
