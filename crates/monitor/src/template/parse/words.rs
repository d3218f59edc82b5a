//! The words of one action, read one after another.

use crate::template::TemplateError;
use crate::template::lex::{Token, describe, error};

/// The words of an action and how far they are read.
pub(super) struct Words<'a> {
    pub(super) tokens: &'a [(usize, Token)],
    pub(super) at: usize,
    pub(super) open: usize,
}

impl<'a> Words<'a> {
    pub(super) fn after_keyword(tokens: &'a [(usize, Token)], open: usize) -> Self {
        Self {
            tokens,
            at: 1,
            open,
        }
    }

    /// The quoted name after `define`, `template` or `block`.
    pub(super) fn template_name(&mut self, keyword: &str) -> Result<String, TemplateError> {
        match self.peek() {
            Some((_, Token::Text(name))) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(error(
                self.offset(),
                format!("`{keyword}` needs a name in quotes"),
            )),
        }
    }

    pub(super) fn end(&self) -> Result<(), TemplateError> {
        match self.peek() {
            None => Ok(()),
            Some((offset, token)) => Err(error(*offset, format!("unexpected {}", describe(token)))),
        }
    }

    pub(super) fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.at)
    }

    pub(super) fn offset(&self) -> usize {
        self.peek().map_or(self.open, |(offset, _)| *offset)
    }

    /// The fields that follow directly: `.a.b`.
    pub(super) fn path(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some((
            _,
            Token::Field {
                name,
                is_spaced: false,
            },
        )) = self.peek()
        {
            path.push(name.clone());
            self.at += 1;
        }
        path
    }
}
