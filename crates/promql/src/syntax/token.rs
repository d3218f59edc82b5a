//! The words of an expression and where they stand.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Identifier,
    Number,
    Duration,
    Text,
    Symbol,
    End,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    /// Byte offsets.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

pub(crate) struct Fault {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Inside `[…]` a colon separates range and step; elsewhere it belongs to a metric's name.
    in_brackets: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            in_brackets: false,
        }
    }

    pub(crate) fn run(mut self) -> Result<Vec<Token>, Fault> {
        let mut tokens = Vec::new();
        loop {
            let token = self.next()?;
            tokens.push(token);
            if token.kind == Kind::End {
                return Ok(tokens);
            }
        }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.rest().get(ahead).copied().unwrap_or(0)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.rest().first().is_some_and(|byte| wanted(*byte)) {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Result<Token, Fault> {
        loop {
            self.skip_while(|byte| byte.is_ascii_whitespace());
            if self.peek(0) != b'#' {
                break;
            }
            self.skip_while(|byte| byte != b'\n' && byte != b'\r');
        }
        let start = self.at;
        let Some(first) = self.rest().first().copied() else {
            return Ok(Token {
                kind: Kind::End,
                start,
                end: start,
            });
        };
        let kind = match first {
            b'0'..=b'9' => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            b'"' | b'\'' | b'`' => self.text(first)?,
            b':' if self.in_brackets => {
                self.at += 1;
                Kind::Symbol
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => {
                let in_brackets = self.in_brackets;
                self.skip_while(|byte| {
                    byte.is_ascii_alphanumeric() || byte == b'_' || (byte == b':' && !in_brackets)
                });
                match self.text[start..self.at].to_ascii_lowercase().as_str() {
                    "inf" | "nan" => Kind::Number,
                    _ => Kind::Identifier,
                }
            }
            _ => self.symbol(first)?,
        };
        Ok(Token {
            kind,
            start,
            end: self.at,
        })
    }

    fn symbol(&mut self, first: u8) -> Result<Kind, Fault> {
        let width = match (first, self.peek(1)) {
            (b'=' | b'!', b'=' | b'~') | (b'<' | b'>', b'=') => 2,
            (
                b'(' | b')' | b'{' | b'}' | b'[' | b']' | b',' | b'@' | b'+' | b'-' | b'*' | b'/'
                | b'%' | b'^' | b'=' | b'<' | b'>',
                _,
            ) => 1,
            _ => {
                let character = self.text[self.at..].chars().next().unwrap_or_default();
                return Err(Fault {
                    offset: self.at,
                    message: format!("unexpected character {character:?}"),
                });
            }
        };
        match first {
            b'[' => self.in_brackets = true,
            b']' => self.in_brackets = false,
            _ => {}
        }
        self.at += width;
        Ok(Kind::Symbol)
    }

    fn number(&mut self) -> Result<Kind, Fault> {
        let start = self.at;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') {
            self.at += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit());
        } else {
            self.skip_while(|byte| byte.is_ascii_digit());
            if self.peek(0) == b'.' {
                self.at += 1;
                self.skip_while(|byte| byte.is_ascii_digit());
            }
            let signed = matches!(self.peek(1), b'+' | b'-') && self.peek(2).is_ascii_digit();
            if matches!(self.peek(0), b'e' | b'E') && (signed || self.peek(1).is_ascii_digit()) {
                self.at += if signed { 2 } else { 1 };
                self.skip_while(|byte| byte.is_ascii_digit());
            }
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if !is_word(self.peek(0)) {
            let number = &self.text[start..self.at];
            return if promql_parser::util::parse_str_radix(number).is_ok() {
                Ok(Kind::Number)
            } else {
                Err(Fault {
                    offset: start,
                    message: format!("`{number}` is not a number"),
                })
            };
        }
        self.skip_while(is_word);
        let word = &self.text[start..self.at];
        if crate::time::looks_like_duration(word) {
            Ok(Kind::Duration)
        } else {
            Err(Fault {
                offset: start,
                message: format!("`{word}` is neither a number nor a duration such as 5m or 1h30m"),
            })
        }
    }

    fn text(&mut self, quote: u8) -> Result<Kind, Fault> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.rest().first() {
                None | Some(b'\n') if quote != b'`' || self.rest().is_empty() => {
                    return Err(Fault {
                        offset: start,
                        message: format!("the string is not closed by {}", char::from(quote)),
                    });
                }
                // A multi-byte character after the backslash would make promql-parser panic.
                Some(b'\\') if quote != b'`' && !self.peek(1).is_ascii() => break,
                Some(b'\\') if quote != b'`' => self.at = (self.at + 2).min(self.text.len()),
                Some(byte) if *byte == quote => {
                    self.at += 1;
                    break;
                }
                _ => self.at += 1,
            }
        }
        let text = &self.text.as_bytes()[start..self.at];
        let is_closed = text.len() > 1 && text.last() == Some(&quote);
        if !is_closed || promql_parser::util::unquote_string(&self.text[start..self.at]).is_err() {
            return Err(Fault {
                offset: start,
                message: "the string has an escape sequence that is not valid".into(),
            });
        }
        Ok(Kind::Text)
    }
}
