//! From words to tree, with the byte offset of everything that can be wrong.

use super::lex::{Piece, Token, describe, error, split};
use super::tree::{Binding, Command, Definitions, Node, Operand, Pipeline};
use super::{TemplateError, functions};

/// Variables that Prometheus declares before the template begins.
const PREDECLARED: [&str; 5] = ["", "labels", "value", "externalLabels", "externalURL"];

const MAX_DEPTH: usize = 64;

/// Methods that take arguments; all other fields and methods stand alone.
const METHODS: [&str; 1] = ["Format"];

/// Reads a template, and the templates that are defined in it.
pub(super) fn parse(source: &str) -> Result<(Vec<Node>, Definitions), TemplateError> {
    let mut parser = Parser {
        pieces: split(source)?,
        at: 0,
        variables: PREDECLARED.map(str::to_owned).to_vec(),
        depth: 0,
        loops: 0,
        is_defining: false,
        definitions: Definitions::new(),
        calls: Vec::new(),
    };
    let (nodes, end) = parser.nodes()?;
    if let Some((word, offset)) = end {
        return Err(error(
            offset,
            format!("`{word}` without an `if`, `range`, `with`, `define` or `block` before it"),
        ));
    }
    for (name, offset) in &parser.calls {
        if !parser.definitions.contains_key(name) {
            return Err(error(
                *offset,
                format!("there is no template `{name}`; write it down with `define` in this text"),
            ));
        }
    }
    Ok((nodes, parser.definitions))
}

struct Parser {
    pieces: Vec<Piece>,
    at: usize,
    variables: Vec<String>,
    depth: usize,
    /// How many `range` the parser is in.
    loops: usize,
    /// Whether it is in a `define` or `block`.
    is_defining: bool,
    definitions: Definitions,
    /// The templates that are called, with the offset of the call.
    calls: Vec<(String, usize)>,
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
                        // `else if …`: hand the condition to the block that is being read.
                        self.at -= 1;
                        self.pieces[self.at] = Piece::Action(tokens[1..].to_vec(), open);
                        let next = match &tokens[1].1 {
                            Token::Word(word) if word == "if" || word == "with" => word,
                            _ => return Err(error(open, "only `if` or `with` can follow `else`")),
                        };
                        return Ok((nodes, Some((format!("else {next}"), open))));
                    }
                    return Ok((nodes, Some((keyword, open))));
                }
                "if" => nodes.push(self.condition(&tokens, open)?),
                "with" => nodes.push(self.with(&tokens, open)?),
                "range" => nodes.push(self.range(&tokens, open)?),
                "break" | "continue" => {
                    if tokens.len() > 1 {
                        return Err(error(
                            tokens[1].0,
                            format!("nothing can follow `{keyword}`"),
                        ));
                    }
                    if self.loops == 0 {
                        return Err(error(open, format!("`{keyword}` outside of a `range`")));
                    }
                    nodes.push(match keyword.as_str() {
                        "break" => Node::Break,
                        _ => Node::Continue,
                    });
                }
                "define" => {
                    if self.depth > 0 || self.is_defining {
                        return Err(error(open, "`define` cannot stand inside of another block"));
                    }
                    let mut words = Words::after_keyword(&tokens, open);
                    let name = words.template_name(&keyword)?;
                    words.end()?;
                    self.define(name, open)?;
                }
                "template" | "block" => {
                    let mut words = Words::after_keyword(&tokens, open);
                    let name = words.template_name(&keyword)?;
                    let data = match words.peek() {
                        None if keyword == "template" => None,
                        _ => Some(self.pipeline(&mut words)?),
                    };
                    words.end()?;
                    if keyword == "block" {
                        self.define(name.clone(), open)?;
                    }
                    self.calls.push((name.clone(), open));
                    nodes.push(Node::Template {
                        offset: open,
                        name,
                        data,
                    });
                }
                _ => {
                    let mut words = Words {
                        tokens: &tokens,
                        at: 0,
                        open,
                    };
                    let (binding, pipeline) = self.bound_pipeline(&mut words, 1)?;
                    nodes.push(Node::Action { binding, pipeline });
                }
            }
        }
        Ok((nodes, None))
    }

    fn with(&mut self, tokens: &[(usize, Token)], open: usize) -> Result<Node, TemplateError> {
        let scope = self.variables.len();
        let mut words = Words::after_keyword(tokens, open);
        let (binding, pipeline) = self.bound_pipeline(&mut words, 1)?;
        let (body, otherwise) = self.block("with", open)?;
        self.variables.truncate(scope);
        Ok(Node::With {
            binding,
            pipeline,
            body,
            otherwise,
        })
    }

    fn range(&mut self, tokens: &[(usize, Token)], open: usize) -> Result<Node, TemplateError> {
        let scope = self.variables.len();
        let mut words = Words::after_keyword(tokens, open);
        let (binding, pipeline) = self.bound_pipeline(&mut words, 2)?;
        let (body, otherwise) = self.block("range", open)?;
        self.variables.truncate(scope);
        Ok(Node::Range {
            binding,
            pipeline,
            body,
            otherwise,
        })
    }

    /// Reads the body of a template of its own. It sees no variables from outside, and no loop.
    fn define(&mut self, name: String, open: usize) -> Result<(), TemplateError> {
        let variables = std::mem::replace(&mut self.variables, vec![String::new()]);
        let loops = std::mem::take(&mut self.loops);
        let was_defining = std::mem::replace(&mut self.is_defining, true);
        let body = self.until_end(open)?;
        self.variables = variables;
        self.loops = loops;
        self.is_defining = was_defining;
        let is_empty = |nodes: &[Node]| {
            nodes
                .iter()
                .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        // As in Go, one that only has blank space gives way to one that has more.
        match self.definitions.get(&name) {
            Some(before) if is_empty(&body) && !is_empty(before) => {}
            Some(before) if !is_empty(before) => {
                return Err(error(
                    open,
                    format!("the template `{name}` is defined twice"),
                ));
            }
            _ => drop(self.definitions.insert(name, body)),
        }
        Ok(())
    }

    fn condition(&mut self, tokens: &[(usize, Token)], open: usize) -> Result<Node, TemplateError> {
        let scope = self.variables.len();
        let mut branches = Vec::new();
        let mut tokens = tokens.to_vec();
        loop {
            let mut words = Words::after_keyword(&tokens, open);
            let (binding, pipeline) = self.bound_pipeline(&mut words, 1)?;
            self.deeper(open)?;
            let (body, end) = self.nodes()?;
            self.depth -= 1;
            branches.push((binding, pipeline, body));
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
                Some((word, offset)) => {
                    return Err(error(offset, format!("`{word}` cannot follow an `if`")));
                }
                None => return Err(error(open, "the `if` has no `{{ end }}`")),
            }
        }
    }

    /// The body of a `range` or `with`, and what stands after its `else`.
    fn block(
        &mut self,
        keyword: &str,
        open: usize,
    ) -> Result<(Vec<Node>, Vec<Node>), TemplateError> {
        let is_loop = usize::from(keyword == "range");
        self.deeper(open)?;
        self.loops += is_loop;
        let (body, end) = self.nodes()?;
        self.loops -= is_loop;
        self.depth -= 1;
        match end.as_ref().map(|(word, offset)| (word.as_str(), *offset)) {
            Some(("end", _)) => Ok((body, Vec::new())),
            Some(("else", _)) => Ok((body, self.until_end(open)?)),
            Some(("else with", offset)) if keyword == "with" => {
                let piece =
                    std::mem::replace(&mut self.pieces[self.at], Piece::Text(String::new()));
                self.at += 1;
                let Piece::Action(tokens, _) = piece else {
                    return Err(error(offset, "`else` is followed by nothing"));
                };
                self.deeper(open)?;
                let otherwise = self.with(&tokens, offset)?;
                self.depth -= 1;
                Ok((body, vec![otherwise]))
            }
            Some((word, offset)) => Err(error(
                offset,
                format!("`{word}` cannot follow a `{keyword}`"),
            )),
            None => Err(error(
                open,
                format!("the `{keyword}` has no `{{{{ end }}}}`"),
            )),
        }
    }

    fn until_end(&mut self, open: usize) -> Result<Vec<Node>, TemplateError> {
        self.deeper(open)?;
        let (nodes, end) = self.nodes()?;
        self.depth -= 1;
        match end {
            Some((word, _)) if word == "end" => Ok(nodes),
            _ => Err(error(open, "the block has no `{{ end }}`")),
        }
    }

    fn deeper(&mut self, open: usize) -> Result<(), TemplateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(open, "blocks are nested too deep"));
        }
        Ok(())
    }

    /// `$a := pipeline`, `$a = pipeline`, `$a, $b := pipeline` or just a pipeline, up to the end of
    /// the action. What is declared is known from here on.
    fn bound_pipeline(
        &mut self,
        words: &mut Words<'_>,
        most: usize,
    ) -> Result<(Binding, Pipeline), TemplateError> {
        let start = words.offset();
        let mut binding = Binding::default();
        let mut ahead = words.at;
        while let Some((offset, Token::Variable(name))) = words.tokens.get(ahead) {
            binding.variables.push(name.clone());
            let next = words.tokens.get(ahead + 1).map(|(_, token)| token);
            match next {
                Some(Token::Comma) => ahead += 2,
                Some(Token::Declare | Token::Assign) => {
                    if name.is_empty() {
                        return Err(error(*offset, "`$` cannot be set"));
                    }
                    binding.is_assignment = next == Some(&Token::Assign);
                    words.at = ahead + 2;
                    break;
                }
                _ => {
                    binding.variables.clear();
                    break;
                }
            }
        }
        if binding.variables.len() > most {
            return Err(error(start, "too many variables are set at once"));
        }
        if binding.is_assignment {
            for name in &binding.variables {
                self.check_variable(name, start)?;
            }
        }
        let pipeline = self.pipeline(words)?;
        words.end()?;
        if !binding.is_assignment {
            self.variables.extend(binding.variables.clone());
        }
        Ok((binding, pipeline))
    }

    fn check_variable(&self, name: &String, offset: usize) -> Result<(), TemplateError> {
        if self.variables.contains(name) {
            return Ok(());
        }
        let known = if self.is_defining {
            "in a `define` or `block` only `$` is known, the data that is handed over"
        } else {
            "known are $labels, $value, $externalLabels and $externalURL"
        };
        Err(error(
            offset,
            format!("the variable `${name}` is not declared; {known}"),
        ))
    }

    fn pipeline(&mut self, words: &mut Words<'_>) -> Result<Pipeline, TemplateError> {
        let mut commands = Vec::new();
        loop {
            let command = self.command(words)?;
            if !commands.is_empty() && !takes_arguments(&command.operands[0]) {
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
                    "call" => {
                        return Err(error(
                            offset,
                            "`call` is of no use in rules: nothing that they know is a function",
                        ));
                    }
                    name => return Err(error(offset, format!("there is no function `{name}`"))),
                },
                Token::Variable(name) => {
                    self.check_variable(&name, offset)?;
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
            Some(first) if operands.len() > 1 && !takes_arguments(first) => {
                Err(error(start, "only a function can have arguments"))
            }
            Some(_) => Ok(Command {
                offset: start,
                operands,
            }),
        }
    }
}

fn takes_arguments(operand: &Operand) -> bool {
    match operand {
        Operand::Function(_) => true,
        Operand::Field(path) | Operand::Variable(_, path) | Operand::Nested(_, path) => path
            .last()
            .is_some_and(|last| METHODS.contains(&last.as_str())),
        _ => false,
    }
}

struct Words<'a> {
    tokens: &'a [(usize, Token)],
    at: usize,
    open: usize,
}

impl<'a> Words<'a> {
    fn after_keyword(tokens: &'a [(usize, Token)], open: usize) -> Self {
        Self {
            tokens,
            at: 1,
            open,
        }
    }

    /// The quoted name after `define`, `template` or `block`.
    fn template_name(&mut self, keyword: &str) -> Result<String, TemplateError> {
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

    fn end(&self) -> Result<(), TemplateError> {
        match self.peek() {
            None => Ok(()),
            Some((offset, token)) => Err(error(*offset, format!("unexpected {}", describe(token)))),
        }
    }

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
