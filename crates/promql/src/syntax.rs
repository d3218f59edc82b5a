//! Finds the place of a mistake in an expression.
//!
//! The grammar is promql-parser's, but its errors carry no position and some inputs (absurd
//! durations, very deep nesting) make it panic or overflow. So every text goes through this
//! recogniser first: it walks the grammar without regard to precedence and stops at the first
//! token that cannot continue the expression. It also notes the extent of each sub-expression,
//! so that a later complaint about types can be pinned to the innermost one that fails.

mod token;

use token::{Kind, Lexer, Token};

use crate::parse::{ParseError, Position};

/// Nesting beyond this is refused, to keep the recursion of parser and evaluator shallow.
const MAX_DEPTH: usize = 128;
/// More operators than this in one expression are refused.
const MAX_OPERATORS: usize = 2000;
/// Longer texts are refused.
const MAX_BYTES: usize = 256 * 1024;

const AGGREGATIONS: [&str; 14] = [
    "avg",
    "bottomk",
    "count",
    "count_values",
    "group",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "quantile",
    "stddev",
    "stdvar",
    "sum",
    "topk",
];

/// Words that cannot name a metric.
const RESERVED: [&str; 6] = [
    "atan2",
    "bool",
    "group_left",
    "group_right",
    "ignoring",
    "on",
];

/// Checks the syntax and returns the extents (byte offsets) of all sub-expressions, inner ones
/// before the ones around them.
pub(crate) fn check(text: &str) -> Result<Vec<(usize, usize)>, ParseError> {
    if text.len() > MAX_BYTES {
        return Err(ParseError {
            message: format!("the expression is longer than {MAX_BYTES} bytes"),
            position: Position::default(),
        });
    }
    let tokens = Lexer::new(text)
        .run()
        .map_err(|fault| fault_at(text, fault.offset, fault.message))?;
    let mut walker = Walker {
        text,
        tokens,
        at: 0,
        depth: 0,
        operators: 0,
        powers: 0,
        extents: Vec::new(),
    };
    walker.expression()?;
    if walker.peek().kind != Kind::End {
        return Err(walker.unexpected("an operator or the end of the expression"));
    }
    Ok(walker.extents)
}

pub(crate) fn fault_at(text: &str, offset: usize, message: String) -> ParseError {
    ParseError {
        message,
        position: Position::of(text, offset),
    }
}

struct Walker<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    operators: usize,
    powers: usize,
    extents: Vec<(usize, usize)>,
}

type Walk = Result<(), ParseError>;

impl Walker<'_> {
    fn peek(&self) -> Token {
        self.tokens[self.at]
    }

    fn peek_second(&self) -> Token {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    /// Moves on; the end token stays.
    fn advance(&mut self) -> Token {
        let token = self.peek();
        if token.kind != Kind::End {
            self.at += 1;
        }
        token
    }

    fn text_of(&self, token: Token) -> &str {
        &self.text[token.start..token.end]
    }

    fn word(&self) -> Option<String> {
        (self.peek().kind == Kind::Identifier)
            .then(|| self.text_of(self.peek()).to_ascii_lowercase())
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        self.peek().kind == Kind::Symbol && self.text_of(self.peek()) == symbol
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str, expected: &str) -> Walk {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn unexpected(&self, expected: &str) -> ParseError {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "end of the expression".to_owned(),
            Kind::Text => format!("string {}", self.text_of(token)),
            _ => format!("`{}`", self.text_of(token)),
        };
        self.fault(token, format!("unexpected {found}, expected {expected}"))
    }

    fn fault(&self, token: Token, message: String) -> ParseError {
        fault_at(self.text, token.start, message)
    }

    fn previous_end(&self) -> usize {
        self.tokens[self.at.saturating_sub(1)].end
    }

    fn expression(&mut self) -> Walk {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault(
                self.peek(),
                format!("the expression is nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let start = self.peek().start;
        loop {
            let mut signs = 0;
            while self.is_symbol("+") || self.is_symbol("-") {
                self.at += 1;
                signs += 1;
                if signs > MAX_DEPTH {
                    return Err(self.fault(self.peek(), "too many signs in a row".into()));
                }
            }
            self.operand()?;
            if !self.operator() {
                break;
            }
            self.operators += 1;
            // `^` groups to the right, so each one nests.
            self.powers += usize::from(self.text_of(self.tokens[self.at - 1]) == "^");
            if self.operators > MAX_OPERATORS || self.powers > MAX_DEPTH {
                return Err(self.fault(
                    self.peek(),
                    format!(
                        "the expression has more than {MAX_OPERATORS} operators or {MAX_DEPTH} `^`"
                    ),
                ));
            }
            self.operator_modifiers()?;
        }
        self.extents.push((start, self.previous_end()));
        self.depth -= 1;
        Ok(())
    }

    /// Consumes a binary operator, if there is one.
    fn operator(&mut self) -> bool {
        let token = self.peek();
        let found = match token.kind {
            Kind::Symbol => matches!(
                self.text_of(token),
                "+" | "-" | "*" | "/" | "%" | "^" | "==" | "!=" | "<" | ">" | "<=" | ">="
            ),
            Kind::Identifier => matches!(
                self.text_of(token).to_ascii_lowercase().as_str(),
                "and" | "or" | "unless" | "atan2"
            ),
            _ => false,
        };
        if found {
            self.at += 1;
        }
        found
    }

    fn operator_modifiers(&mut self) -> Walk {
        if self.word().as_deref() == Some("bool") {
            self.at += 1;
        }
        let next_is_list = |walker: &Self| {
            let second = walker.peek_second();
            second.kind == Kind::Symbol && walker.text_of(second) == "("
        };
        if matches!(self.word().as_deref(), Some("on" | "ignoring")) {
            self.at += 1;
            self.label_list()?;
            if matches!(self.word().as_deref(), Some("group_left" | "group_right")) {
                self.at += 1;
                if self.is_symbol("(") {
                    self.label_list()?;
                }
            }
        } else if matches!(self.word().as_deref(), Some("group_left" | "group_right")) {
            return Err(self.unexpected("`on (…)` or `ignoring (…)` before it"));
        }
        while matches!(
            self.word().as_deref(),
            Some("fill" | "fill_left" | "fill_right")
        ) && next_is_list(self)
        {
            self.at += 2;
            if self.is_symbol("-") || self.is_symbol("+") {
                self.at += 1;
            }
            if self.peek().kind != Kind::Number {
                return Err(self.unexpected("a number"));
            }
            self.at += 1;
            self.expect_symbol(")", "`)`")?;
        }
        Ok(())
    }

    fn operand(&mut self) -> Walk {
        let start = self.peek().start;
        self.primary()?;
        self.extents.push((start, self.previous_end()));
        loop {
            if self.is_symbol("[") {
                self.brackets()?;
            } else if self.is_symbol("@") {
                self.at += 1;
                self.at_time()?;
            } else if self.word().as_deref() == Some("offset") {
                self.at += 1;
                if self.is_symbol("-") || self.is_symbol("+") {
                    self.at += 1;
                }
                self.duration()?;
            } else {
                return Ok(());
            }
            self.extents.push((start, self.previous_end()));
        }
    }

    fn primary(&mut self) -> Walk {
        let token = self.peek();
        match token.kind {
            Kind::Number | Kind::Text => {
                self.at += 1;
                Ok(())
            }
            Kind::Duration => self.duration(),
            Kind::Symbol if self.text_of(token) == "(" => {
                self.at += 1;
                self.expression()?;
                self.expect_symbol(")", "`)` or an operator")
            }
            Kind::Symbol if self.text_of(token) == "{" => self.braces(),
            Kind::Identifier => self.named(token),
            _ => Err(self.unexpected("a metric, a number, a function or `(`")),
        }
    }

    fn named(&mut self, token: Token) -> Walk {
        let word = self.text_of(token).to_ascii_lowercase();
        let second = self.peek_second();
        let second_text = self.text_of(second).to_ascii_lowercase();
        let opens = second.kind == Kind::Symbol && second_text == "(";
        let grouped =
            second.kind == Kind::Identifier && matches!(second_text.as_str(), "by" | "without");
        if AGGREGATIONS.contains(&word.as_str()) && (opens || grouped) {
            self.at += 1;
            if grouped {
                self.at += 1;
                self.label_list()?;
            }
            if !self.is_symbol("(") {
                return Err(self.unexpected("`(`"));
            }
            self.arguments()?;
            if !grouped && matches!(self.word().as_deref(), Some("by" | "without")) {
                self.at += 1;
                self.label_list()?;
            }
            return Ok(());
        }
        if opens && !RESERVED.contains(&word.as_str()) {
            let name = self.text_of(token);
            if crate::functions::find(name).is_none() {
                return Err(self.fault(token, unknown_function(name)));
            }
            self.at += 1;
            return self.arguments();
        }
        if RESERVED.contains(&word.as_str()) {
            return Err(self.unexpected("a metric, a number, a function or `(`"));
        }
        self.at += 1;
        if self.is_symbol("{") {
            self.braces()?;
        }
        Ok(())
    }

    fn arguments(&mut self) -> Walk {
        self.expect_symbol("(", "`(`")?;
        if self.take_symbol(")") {
            return Ok(());
        }
        loop {
            self.expression()?;
            if self.take_symbol(")") {
                return Ok(());
            }
            self.expect_symbol(",", "`,`, `)` or an operator")?;
        }
    }

    fn label_list(&mut self) -> Walk {
        self.expect_symbol("(", "`(` and label names")?;
        loop {
            if self.take_symbol(")") {
                return Ok(());
            }
            let token = self.peek();
            let is_name = token.kind == Kind::Identifier && !self.text_of(token).contains(':');
            if !is_name && token.kind != Kind::Text {
                return Err(self.unexpected("a label name or `)`"));
            }
            self.at += 1;
            if !self.is_symbol(")") {
                self.expect_symbol(",", "`,` or `)`")?;
            }
        }
    }

    fn braces(&mut self) -> Walk {
        self.expect_symbol("{", "`{`")?;
        loop {
            if self.take_symbol("}") {
                return Ok(());
            }
            let token = self.peek();
            match token.kind {
                Kind::Identifier if !self.text_of(token).contains(':') => self.at += 1,
                Kind::Text => {
                    self.at += 1;
                    if self.is_symbol(",") || self.is_symbol("}") {
                        self.take_symbol(",");
                        continue;
                    }
                }
                _ => return Err(self.unexpected("a label name or `}`")),
            }
            let token = self.peek();
            if token.kind != Kind::Symbol
                || !matches!(self.text_of(token), "=" | "!=" | "=~" | "!~")
            {
                return Err(self.unexpected("`=`, `!=`, `=~` or `!~`"));
            }
            let is_regex = self.text_of(token).ends_with('~');
            self.at += 1;
            let value = self.peek();
            if value.kind != Kind::Text {
                return Err(self.unexpected("a label value in quotes"));
            }
            if is_regex {
                self.check_regex(value)?;
            }
            self.at += 1;
            if !self.is_symbol("}") {
                self.expect_symbol(",", "`,` or `}`")?;
            }
        }
    }

    /// Complains about a malformed regular expression where it stands.
    fn check_regex(&self, token: Token) -> Walk {
        let Ok(pattern) = promql_parser::util::unquote_string(self.text_of(token)) else {
            return Ok(());
        };
        match crate::Matcher::new("", crate::MatchOp::Regex, pattern) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.fault(
                token,
                format!("malformed regular expression: {}", regex_fault(&error)),
            )),
        }
    }

    fn brackets(&mut self) -> Walk {
        self.expect_symbol("[", "`[`")?;
        self.duration()?;
        if self.take_symbol("]") {
            return Ok(());
        }
        self.expect_symbol(":", "`]` or `:`")?;
        if self.take_symbol("]") {
            return Ok(());
        }
        self.duration()?;
        self.expect_symbol("]", "`]`")
    }

    fn duration(&mut self) -> Walk {
        let token = self.peek();
        let seconds_or_text = self.text_of(token);
        let parsed = match token.kind {
            Kind::Duration => crate::time::parse_duration(seconds_or_text),
            Kind::Number => crate::time::parse_seconds(seconds_or_text),
            _ => return Err(self.unexpected("a duration such as 5m or 1h30m")),
        };
        match parsed {
            Ok(_) => {
                self.at += 1;
                Ok(())
            }
            Err(error) => Err(self.fault(token, error.to_string())),
        }
    }

    fn at_time(&mut self) -> Walk {
        if matches!(self.word().as_deref(), Some("start" | "end")) {
            self.at += 1;
            self.expect_symbol("(", "`(`")?;
            return self.expect_symbol(")", "`)`");
        }
        if self.is_symbol("-") || self.is_symbol("+") {
            self.at += 1;
        }
        if self.peek().kind == Kind::Duration {
            return self.duration();
        }
        if self.peek().kind != Kind::Number {
            return Err(self.unexpected("a timestamp in seconds, `start()` or `end()`"));
        }
        self.advance();
        Ok(())
    }
}

/// The heart of a regex error, which otherwise spans several lines.
pub(crate) fn regex_fault(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .find_map(|line| line.strip_prefix("error: "))
        .unwrap_or(&text)
        .to_owned()
}

fn unknown_function(name: &str) -> String {
    let nearest = crate::functions::function_names()
        .chain(AGGREGATIONS)
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .min();
    match nearest {
        Some((distance, candidate)) if distance <= name.len() / 3 => {
            format!("unknown function `{name}`; did you mean `{candidate}`?")
        }
        _ => format!("unknown function `{name}`"),
    }
}

/// Levenshtein's distance.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
