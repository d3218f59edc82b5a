//! From words to tree: text, actions and blocks, with the byte offset of everything that can be wrong.

mod expression;
mod words;

use super::TemplateError;
use super::lex::{Piece, Token, error, split};
use super::tree::{Definitions, Node};
use words::Words;

/// Variables that Prometheus declares before the template begins.
const PREDECLARED: [&str; 5] = ["", "labels", "value", "externalLabels", "externalURL"];

const MAX_DEPTH: usize = 64;

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
            let (tokens, open) = match self.take() {
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
                "with" | "range" => nodes.push(self.scope(&keyword, &tokens, open)?),
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

    /// Reads a `with` or a `range` to its end; what it declares is known within it.
    fn scope(
        &mut self,
        keyword: &str,
        tokens: &[(usize, Token)],
        open: usize,
    ) -> Result<Node, TemplateError> {
        let is_range = keyword == "range";
        let outside = self.variables.len();
        let mut words = Words::after_keyword(tokens, open);
        let most_variables = if is_range { 2 } else { 1 };
        let (binding, pipeline) = self.bound_pipeline(&mut words, most_variables)?;
        let (body, otherwise) = self.block(keyword, open)?;
        self.variables.truncate(outside);
        Ok(if is_range {
            Node::Range {
                binding,
                pipeline,
                body,
                otherwise,
            }
        } else {
            Node::With {
                binding,
                pipeline,
                body,
                otherwise,
            }
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
            let otherwise = match end.as_ref().map(|(word, offset)| (word.as_str(), *offset)) {
                Some(("end", _)) => Vec::new(),
                Some(("else", _)) => self.until_end(open)?,
                Some(("else if", offset)) => {
                    tokens = self.after_else(offset)?;
                    continue;
                }
                Some((word, offset)) => {
                    return Err(error(offset, format!("`{word}` cannot follow an `if`")));
                }
                None => return Err(error(open, "the `if` has no `{{ end }}`")),
            };
            self.variables.truncate(scope);
            return Ok(Node::If {
                branches,
                otherwise,
            });
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
                let tokens = self.after_else(offset)?;
                self.deeper(open)?;
                let otherwise = self.scope(keyword, &tokens, offset)?;
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

    fn take(&mut self) -> Piece {
        let nothing = Piece::Text(String::new());
        let piece = std::mem::replace(&mut self.pieces[self.at], nothing);
        self.at += 1;
        piece
    }

    /// What stands after an `else`, that was put back as an action of its own.
    fn after_else(&mut self, offset: usize) -> Result<Vec<(usize, Token)>, TemplateError> {
        match self.take() {
            Piece::Action(tokens, _) => Ok(tokens),
            Piece::Text(_) => Err(error(offset, "`else` is followed by nothing")),
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
}
