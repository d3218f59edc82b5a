//! What a channel's messages say, and when it is quiet, as it travels and as alerting keeps it.

use serde_json::json;
use yunhai_api_types::{Fault, Problem, ProblemCode, QuietHours};
use yunhai_monitor::{Language, MessageSettings};

use crate::error::{ApiError, ApiResult};

/// Reads what a channel's messages say; an empty template is none.
pub(super) fn message_from(
    language: Option<String>,
    title: Option<String>,
    body: Option<String>,
) -> ApiResult<MessageSettings> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let language = match given(language) {
        None => None,
        Some(name) => match serde_json::from_value::<Language>(json!(name)) {
            Ok(language) => Some(language),
            Err(_) => return Err(unknown_language(&name)),
        },
    };
    Ok(MessageSettings {
        language,
        title: given(title),
        body: given(body),
    })
}

fn unknown_language(name: &str) -> ApiError {
    let fault = Fault {
        pointer: Some("/language".to_owned()),
        detail: format!("there is no language `{name}`; choose `en` or `zh-CN`"),
        ..Fault::default()
    };
    Problem::new(ProblemCode::ValidationFailed, "the language is not known")
        .with_errors(vec![fault])
        .into()
}

pub(super) fn quiet_from(quiet: QuietHours) -> yunhai_monitor::QuietHours {
    yunhai_monitor::QuietHours {
        time_zone: quiet.time_zone,
        weekdays: quiet.weekdays,
        from: quiet.from,
        until: quiet.until,
        let_through: quiet.let_through,
    }
}

pub(super) fn quiet_of(quiet: yunhai_monitor::QuietHours) -> QuietHours {
    QuietHours {
        time_zone: quiet.time_zone,
        weekdays: quiet.weekdays,
        from: quiet.from,
        until: quiet.until,
        let_through: quiet.let_through,
    }
}

/// The word for a language, as it travels.
pub(super) fn language_word(language: Language) -> String {
    match language {
        Language::English => "en",
        Language::SimplifiedChinese => "zh-CN",
    }
    .to_owned()
}
