//! From text to words: what stands between `{{` and `}}`, with its offset.

use super::TemplateError;

/// Text, or the inside of `{{ }}` with its offset.
pub(super) enum Piece {
    Text(String),
    Action(Vec<(usize, Token)>, usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Text(String),
    Number(f64),
    Integer(i64),
    Word(String),
    Variable(String),
    /// `.a` with the dot; `spaced` when blank space precedes it, which makes it a new operand.
    Field {
        name: String,
        is_spaced: bool,
    },
    Pipe,
    Declare,
    Assign,
    Comma,
    Open,
    Close,
}

pub(super) fn split(source: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut is_trimming = false;
    loop {
        let open = source[at..].find("{{").map(|found| at + found);
        let mut text = &source[at..open.unwrap_or(source.len())];
        if is_trimming {
            text = text.trim_start();
        }
        let Some(open) = open else {
            pieces.push(Piece::Text(text.to_owned()));
            return Ok(pieces);
        };
        let mut inside = open + 2;
        let rest = &source[inside..];
        if rest.starts_with('-') && rest[1..].starts_with(char::is_whitespace) {
            text = text.trim_end();
            inside += 1;
        }
        pieces.push(Piece::Text(text.to_owned()));
        let trimmed = inside + (source[inside..].len() - source[inside..].trim_start().len());
        let close;
        if source[trimmed..].starts_with("/*") {
            let end = source[trimmed..]
                .find("*/")
                .ok_or_else(|| error(trimmed, "the comment is not closed with `*/}}`"))?;
            let after = trimmed + end + 2;
            close = source[after..]
                .find("}}")
                .map(|found| after + found)
                .ok_or_else(|| error(open, "`{{` is not closed with `}}`"))?;
            is_trimming = source[after..close].trim_start().starts_with('-');
        } else {
            let tokens;
            (tokens, close, is_trimming) = lex(source, inside, open)?;
            pieces.push(Piece::Action(tokens, open));
        }
        at = close + 2;
    }
}

type Lexed = (Vec<(usize, Token)>, usize, bool);

/// Reads the tokens up to `}}`; returns its offset and whether `-` stands before it.
fn lex(source: &str, start: usize, open: usize) -> Result<Lexed, TemplateError> {
    let mut tokens = Vec::new();
    let mut at = start;
    let mut is_spaced = true;
    loop {
        let rest = &source[at..];
        let Some(first) = rest.chars().next() else {
            return Err(error(open, "`{{` is not closed with `}}`"));
        };
        if rest.starts_with("}}") {
            return Ok((tokens, at, false));
        }
        if first.is_whitespace() {
            at += first.len_utf8();
            is_spaced = true;
            if source[at..].starts_with("-}}") {
                return Ok((tokens, at + 1, true));
            }
            continue;
        }
        let word_length = |text: &str| {
            text.find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(text.len())
        };
        let (token, length) = match first {
            '|' => (Token::Pipe, 1),
            ',' => (Token::Comma, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '=' => (Token::Assign, 1),
            ':' if rest.starts_with(":=") => (Token::Declare, 2),
            '$' => {
                let length = word_length(&rest[1..]);
                (Token::Variable(rest[1..=length].to_owned()), length + 1)
            }
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let length = word_length(&rest[1..]);
                if length == 0 && !is_spaced {
                    return Err(error(at, "a name is missing after the dot"));
                }
                (
                    Token::Field {
                        name: rest[1..=length].to_owned(),
                        is_spaced,
                    },
                    length + 1,
                )
            }
            '"' | '`' => quoted(rest, first).map_err(|message| error(at, message))?,
            c if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
                let length = rest[1..]
                    .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_'))
                    .map_or(rest.len(), |found| found + 1);
                let text = &rest[..length];
                let token = text
                    .parse()
                    .map(Token::Integer)
                    .or_else(|_| text.parse().map(Token::Number));
                (
                    token.map_err(|_| error(at, format!("`{text}` is not a number")))?,
                    length,
                )
            }
            c if c.is_alphabetic() || c == '_' => {
                let length = word_length(rest);
                (Token::Word(rest[..length].to_owned()), length)
            }
            other => return Err(error(at, format!("unexpected `{other}`"))),
        };
        tokens.push((at, token));
        is_spaced = false;
        at += length;
    }
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(text), at + 1)),
            '\n' if quote == '"' => break,
            '\\' if quote == '"' => match chars.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, c @ ('"' | '\\' | '\''))) => text.push(c),
                Some((_, other)) => return Err(format!("unknown escape `\\{other}`")),
                None => break,
            },
            c => text.push(c),
        }
    }
    Err("the quoted text is not closed".to_owned())
}

/// What a word is called in a fault.
pub(super) fn describe(token: &Token) -> &'static str {
    match token {
        Token::Text(_) => "text",
        Token::Number(_) | Token::Integer(_) => "number",
        Token::Word(_) => "word",
        Token::Variable(_) => "variable",
        Token::Field { .. } => "field",
        Token::Pipe => "`|`",
        Token::Declare => "`:=`",
        Token::Assign => "`=`",
        Token::Comma => "`,`",
        Token::Open => "`(`",
        Token::Close => "`)`",
    }
}

pub(super) fn error(offset: usize, message: impl Into<String>) -> TemplateError {
    TemplateError {
        offset,
        message: message.into(),
    }
}
