//! Pipelines, their commands and operands, and the variables that they are bound to.

use super::Parser;
use super::words::Words;
use crate::template::lex::{Token, describe, error};
use crate::template::tree::{Binding, Command, Operand, Pipeline};
use crate::template::{TemplateError, functions};

/// Methods that take arguments; all other fields and methods stand alone.
const METHODS: [&str; 1] = ["Format"];

impl Parser {
    /// `$a := pipeline`, `$a = pipeline`, `$a, $b := pipeline` or just a pipeline, up to the end of
    /// the action. What is declared is known from here on.
    pub(super) fn bound_pipeline(
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

    pub(super) fn pipeline(&mut self, words: &mut Words<'_>) -> Result<Pipeline, TemplateError> {
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
