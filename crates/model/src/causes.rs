//! An error told with its causes.

use std::error::Error;

/// Writes an error and its causes, each once: why it happened stands at the bottom of the chain.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl std::fmt::Display for Layer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|layer| layer as _)
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let bottom = Layer("no such bucket", None);
        let middle = Layer("answer 404: no such bucket", Some(Box::new(bottom)));
        let top = Layer("cannot list `blocks`", Some(Box::new(middle)));
        assert_eq!(
            with_causes(&top),
            "cannot list `blocks`: answer 404: no such bucket"
        );
    }
}
