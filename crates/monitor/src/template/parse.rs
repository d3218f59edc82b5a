//! From text to tree, with the byte offset of everything that can be wrong.

use super::{TemplateError, functions};

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action {
        declares: Option<String>,
        pipeline: Pipeline,
    },
    If {
        branches: Vec<(Pipeline, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    With {
        pipeline: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        variables: Vec<String>,
        pipeline: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
}

/// Commands whose results feed each other.
#[derive(Clone, Debug)]
pub(super) struct Pipeline(pub(super) Vec<Command>);

/// A function with its arguments, or a single operand.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) offset: usize,
    pub(super) operands: Vec<Operand>,
}

/// One word of a command.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Text(String),
    Number(f64),
    Integer(i64),
    Bool(bool),
    Nil,
    /// `.a.b`; empty for `.`
    Field(Vec<String>),
    /// `$x.a.b`; the name is empty for `$`
    Variable(String, Vec<String>),
    Function(String),
    Nested(Pipeline, Vec<String>),
}

/// Variables that Prometheus declares before the template begins.
const PREDECLARED: [&str; 5] = ["", "labels", "value", "externalLabels", "externalURL"];

const MAX_DEPTH: usize = 64;

pub(super) fn parse(source: &str) -> Result<Vec<Node>, TemplateError> {
    let mut parser = Parser {
        pieces: split(source)?,
        at: 0,
        variables: PREDECLARED.map(str::to_owned).to_vec(),
        depth: 0,
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        None => Ok(nodes),
        Some((word, offset)) => Err(error(
            offset,
            format!("`{word}` without an `if`, `range` or `with` before it"),
        )),
    }
}

fn error(offset: usize, message: impl Into<String>) -> TemplateError {
    TemplateError {
        offset,
        message: message.into(),
    }
}

/// Text, or the inside of `{{ }}` with its offset.
enum Piece {
    Text(String),
    Action(Vec<(usize, Token)>, usize),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
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

fn split(source: &str) -> Result<Vec<Piece>, TemplateError> {
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

struct Parser {
    pieces: Vec<Piece>,
    at: usize,
    variables: Vec<String>,
    depth: usize,
}

/// The keyword that ended a list of nodes, and its offset; `None` at the template's end.
type End = Option<(String, usize)>;

impl Parser {
    fn nodes(&mut self) -> Result<(Vec<Node>, End), TemplateError> {
        let mut nodes = Vec::new();
        while self.at < self.pieces.len() {
            let piece = std::mem::replace(&mut self.pieces[self.at], Piece::Text(String::new()));
            self.at += 1;
            let (tokens, open) = match piece {
                Piece::Text(text) => {
                    if !text.is_empty() {
                        nodes.push(Node::Text(text));
                    }
                    continue;
                }
                Piece::Action(tokens, open) => (tokens, open),
            };
            let keyword = match tokens.first() {
                Some((_, Token::Word(word))) => word.clone(),
                None => return Err(error(open, "nothing stands between `{{` and `}}`")),
                _ => String::new(),
            };
            match keyword.as_str() {
                "end" | "else" => {
                    if keyword == "else" && tokens.len() > 1 {
                        // `else if …`: hand the condition to the `if` that is being read.
                        self.at -= 1;
                        self.pieces[self.at] = Piece::Action(tokens[1..].to_vec(), open);
                        return Ok((nodes, Some(("else if".to_owned(), open))));
                    }
                    return Ok((nodes, Some((keyword, open))));
                }
                "if" => nodes.push(self.condition(&tokens, open)?),
                "with" => {
                    let scope = self.variables.len();
                    let mut words = Words {
                        tokens: &tokens,
                        at: 1,
                        open,
                    };
                    let (declared, pipeline) = self.declaration(&mut words)?;
                    self.variables.extend(declared);
                    let (body, otherwise) = self.block(open)?;
                    self.variables.truncate(scope);
                    nodes.push(Node::With {
                        pipeline,
                        body,
                        otherwise,
                    });
                }
                "range" => {
                    let scope = self.variables.len();
                    let mut words = Words {
                        tokens: &tokens,
                        at: 1,
                        open,
                    };
                    let (variables, pipeline) = self.declaration(&mut words)?;
                    self.variables.extend(variables.clone());
                    let (body, otherwise) = self.block(open)?;
                    self.variables.truncate(scope);
                    nodes.push(Node::Range {
                        variables,
                        pipeline,
                        body,
                        otherwise,
                    });
                }
                "define" | "template" | "block" | "break" | "continue" => {
                    return Err(error(
                        open,
                        format!("`{keyword}` is not supported in rules"),
                    ));
                }
                _ => {
                    let mut words = Words {
                        tokens: &tokens,
                        at: 0,
                        open,
                    };
                    let (mut declared, pipeline) = self.declaration(&mut words)?;
                    self.variables.extend(declared.clone());
                    nodes.push(Node::Action {
                        declares: declared.pop(),
                        pipeline,
                    });
                }
            }
        }
        Ok((nodes, None))
    }

    fn condition(&mut self, tokens: &[(usize, Token)], open: usize) -> Result<Node, TemplateError> {
        let scope = self.variables.len();
        let mut branches = Vec::new();
        let mut tokens = tokens.to_vec();
        loop {
            let mut words = Words {
                tokens: &tokens,
                at: 1,
                open,
            };
            let (_, pipeline) = self.declaration(&mut words)?;
            self.deeper(open)?;
            let (body, end) = self.nodes()?;
            self.depth -= 1;
            branches.push((pipeline, body));
            match end.as_ref().map(|(word, offset)| (word.as_str(), *offset)) {
                Some(("end", _)) => {
                    self.variables.truncate(scope);
                    return Ok(Node::If {
                        branches,
                        otherwise: Vec::new(),
                    });
                }
                Some(("else if", offset)) => {
                    let piece =
                        std::mem::replace(&mut self.pieces[self.at], Piece::Text(String::new()));
                    self.at += 1;
                    let Piece::Action(next, _) = piece else {
                        return Err(error(offset, "`else` is followed by nothing"));
                    };
                    if !matches!(next.first(), Some((_, Token::Word(word))) if word == "if") {
                        return Err(error(offset, "only `if` can follow `else`"));
                    }
                    tokens = next;
                }
                Some(("else", _)) => {
                    let otherwise = self.until_end(open)?;
                    self.variables.truncate(scope);
                    return Ok(Node::If {
                        branches,
                        otherwise,
                    });
                }
                _ => return Err(error(open, "the `if` has no `{{ end }}`")),
            }
        }
    }

    /// The body of a `range` or `with`, and what stands after its `else`.
    fn block(&mut self, open: usize) -> Result<(Vec<Node>, Vec<Node>), TemplateError> {
        self.deeper(open)?;
        let (body, end) = self.nodes()?;
        self.depth -= 1;
        match end.as_ref().map(|(word, _)| word.as_str()) {
            Some("end") => Ok((body, Vec::new())),
            Some("else") => Ok((body, self.until_end(open)?)),
            Some(_) => Err(error(open, "`else if` belongs to an `if`")),
            None => Err(error(open, "the block has no `{{ end }}`")),
        }
    }

    fn until_end(&mut self, open: usize) -> Result<Vec<Node>, TemplateError> {
        self.deeper(open)?;
        let (nodes, end) = self.nodes()?;
        self.depth -= 1;
        match end {
            Some((word, _)) if word == "end" => Ok(nodes),
            _ => Err(error(open, "the block has no `{{ end }}` after its `else`")),
        }
    }

    fn deeper(&mut self, open: usize) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(open, "blocks are nested too deep"));
        }
        Ok(())
    }

    /// `$a := pipeline`, `$a, $b := pipeline` or just a pipeline, up to the end of the action.
    fn declaration(
        &mut self,
        words: &mut Words<'_>,
    ) -> Result<(Vec<String>, Pipeline), TemplateError> {
        let mut declared = Vec::new();
        let mut ahead = words.at;
        while let Some((_, Token::Variable(name))) = words.tokens.get(ahead) {
            declared.push(name.clone());
            match words.tokens.get(ahead + 1) {
                Some((_, Token::Comma)) => ahead += 2,
                Some((_, Token::Declare)) => {
                    words.at = ahead + 2;
                    break;
                }
                Some((offset, Token::Assign)) => {
                    return Err(error(
                        *offset,
                        "assignment with `=` is not supported; declare with `:=`",
                    ));
                }
                _ => {
                    declared.clear();
                    break;
                }
            }
        }
        let pipeline = self.pipeline(words)?;
        match words.peek() {
            None => Ok((declared, pipeline)),
            Some((offset, token)) => Err(error(*offset, format!("unexpected {}", describe(token)))),
        }
    }

    fn pipeline(&mut self, words: &mut Words<'_>) -> Result<Pipeline, TemplateError> {
        let mut commands = Vec::new();
        loop {
            let command = self.command(words)?;
            if !commands.is_empty() && !matches!(command.operands[0], Operand::Function(_)) {
                return Err(error(command.offset, "only a function can follow `|`"));
            }
            commands.push(command);
            match words.peek() {
                Some((_, Token::Pipe)) => words.at += 1,
                _ => return Ok(Pipeline(commands)),
            }
        }
    }

    fn command(&mut self, words: &mut Words<'_>) -> Result<Command, TemplateError> {
        let start = words.offset();
        let mut operands = Vec::new();
        while let Some((offset, token)) = words.peek() {
            let offset = *offset;
            let operand = match token.clone() {
                Token::Pipe | Token::Close => break,
                Token::Text(text) => Operand::Text(text),
                Token::Number(number) => Operand::Number(number),
                Token::Integer(number) => Operand::Integer(number),
                Token::Word(word) => match word.as_str() {
                    "true" => Operand::Bool(true),
                    "false" => Operand::Bool(false),
                    "nil" => Operand::Nil,
                    name if functions::is_known(name) => Operand::Function(word),
                    name => return Err(error(offset, format!("there is no function `{name}`"))),
                },
                Token::Variable(name) => {
                    if !self.variables.contains(&name) {
                        return Err(error(
                            offset,
                            format!(
                                "the variable `${name}` is not declared; known are $labels, $value, $externalLabels and $externalURL"
                            ),
                        ));
                    }
                    words.at += 1;
                    operands.push(Operand::Variable(name, words.path()));
                    continue;
                }
                Token::Field { name, .. } => {
                    words.at += 1;
                    let mut path = vec![name];
                    path.retain(|name| !name.is_empty());
                    path.extend(words.path());
                    operands.push(Operand::Field(path));
                    continue;
                }
                Token::Open => {
                    words.at += 1;
                    self.deeper(offset)?;
                    let pipeline = self.pipeline(words)?;
                    self.depth -= 1;
                    if !matches!(words.peek(), Some((_, Token::Close))) {
                        return Err(error(offset, "`(` is not closed with `)`"));
                    }
                    words.at += 1;
                    operands.push(Operand::Nested(pipeline, words.path()));
                    continue;
                }
                token @ (Token::Declare | Token::Assign | Token::Comma) => {
                    return Err(error(offset, format!("unexpected {}", describe(&token))));
                }
            };
            operands.push(operand);
            words.at += 1;
        }
        match operands.first() {
            None => Err(error(start, "a value is missing")),
            Some(Operand::Function(_)) => Ok(Command {
                offset: start,
                operands,
            }),
            Some(_) if operands.len() > 1 => {
                Err(error(start, "only a function can have arguments"))
            }
            Some(_) => Ok(Command {
                offset: start,
                operands,
            }),
        }
    }
}

fn describe(token: &Token) -> &'static str {
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

struct Words<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    open: usize,
}

impl Words<'_> {
    fn peek(&self) -> Option<&(usize, Token)> {
        self.tokens.get(self.at)
    }

    fn offset(&self) -> usize {
        self.peek().map_or(self.open, |(offset, _)| *offset)
    }

    /// The fields that follow directly: `.a.b`.
    fn path(&mut self) -> Vec<String> {
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
