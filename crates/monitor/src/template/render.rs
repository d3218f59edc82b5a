//! From tree and data to text.

use yunhai_model::Labels;

use super::parse::{Command, Node, Operand, Pipeline};
use super::{RenderError, TemplateData, TemplateError, format_value, functions};

/// A value while rendering.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Number(f64),
    Integer(i64),
    Text(String),
    Labels(Labels),
    Sample(Labels, f64),
    List(Vec<Value>),
    /// The template's data as a whole: `.` outside of `range` and `with`.
    Data,
}

impl Value {
    /// What Go's `if` takes for true.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(value) => *value,
            Self::Number(value) => *value != 0.0,
            Self::Integer(value) => *value != 0,
            Self::Text(text) => !text.is_empty(),
            Self::Labels(labels) => !labels.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Sample(..) | Self::Data => true,
        }
    }

    /// What Go's `fmt.Print` writes.
    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Number(value) => format_value(*value),
            Self::Integer(value) => value.to_string(),
            Self::Text(text) => text.clone(),
            Self::Labels(labels) => {
                let pairs: Vec<_> = labels
                    .iter()
                    .map(|(name, value)| format!("{name}:{value}"))
                    .collect();
                format!("map[{}]", pairs.join(" "))
            }
            Self::Sample(labels, value) => format!("{labels} {}", format_value(*value)),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_text).collect();
                format!("[{}]", items.join(" "))
            }
            Self::Data => "<data>".to_owned(),
        }
    }
}

/// Longest text that a template may make: an alert is read by people.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

pub(super) fn render(nodes: &[Node], data: &TemplateData) -> Result<String, RenderError> {
    let mut renderer = Renderer {
        data,
        variables: vec![
            (String::new(), Value::Data),
            ("labels".to_owned(), Value::Labels(data.labels.clone())),
            ("value".to_owned(), Value::Number(data.value)),
            (
                "externalLabels".to_owned(),
                Value::Labels(data.external_labels.clone()),
            ),
            (
                "externalURL".to_owned(),
                Value::Text(data.external_url.clone()),
            ),
        ],
        output: String::new(),
    };
    renderer.nodes(nodes, &Value::Data)?;
    Ok(renderer.output)
}

struct Renderer<'a> {
    data: &'a TemplateData,
    variables: Vec<(String, Value)>,
    output: String,
}

impl Renderer<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<(), RenderError> {
        for node in nodes {
            match node {
                Node::Text(text) => self.output.push_str(text),
                Node::Action { declares, pipeline } => {
                    let value = self.pipeline(pipeline, dot)?;
                    match declares {
                        Some(name) => self.variables.push((name.clone(), value)),
                        None => self.output.push_str(&value.to_text()),
                    }
                }
                Node::If {
                    branches,
                    otherwise,
                } => {
                    let mut chosen = otherwise;
                    for (condition, body) in branches {
                        if self.pipeline(condition, dot)?.is_true() {
                            chosen = body;
                            break;
                        }
                    }
                    self.scoped(chosen, dot)?;
                }
                Node::With {
                    pipeline,
                    body,
                    otherwise,
                } => {
                    let value = self.pipeline(pipeline, dot)?;
                    if value.is_true() {
                        self.scoped(body, &value)?;
                    } else {
                        self.scoped(otherwise, dot)?;
                    }
                }
                Node::Range {
                    variables,
                    pipeline,
                    body,
                    otherwise,
                } => {
                    let items = items_of(self.pipeline(pipeline, dot)?);
                    if items.is_empty() {
                        self.scoped(otherwise, dot)?;
                    }
                    for (key, item) in items {
                        let scope = self.variables.len();
                        match variables.as_slice() {
                            [value] => self.variables.push((value.clone(), item.clone())),
                            [index, value, ..] => {
                                self.variables.push((index.clone(), key));
                                self.variables.push((value.clone(), item.clone()));
                            }
                            [] => {}
                        }
                        self.nodes(body, &item)?;
                        self.variables.truncate(scope);
                    }
                }
            }
            if self.output.len() > MAX_OUTPUT_BYTES {
                let message = format!("the text is longer than {MAX_OUTPUT_BYTES} bytes");
                return Err(TemplateError { offset: 0, message }.into());
            }
        }
        Ok(())
    }

    fn scoped(&mut self, nodes: &[Node], dot: &Value) -> Result<(), RenderError> {
        let scope = self.variables.len();
        let result = self.nodes(nodes, dot);
        self.variables.truncate(scope);
        result
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, RenderError> {
        let mut fed = None;
        for command in &pipeline.0 {
            fed = Some(self.command(command, fed, dot)?);
        }
        Ok(fed.unwrap_or(Value::Nil))
    }

    fn command(
        &mut self,
        command: &Command,
        fed: Option<Value>,
        dot: &Value,
    ) -> Result<Value, RenderError> {
        let [first, arguments @ ..] = command.operands.as_slice() else {
            return Ok(Value::Nil);
        };
        let Operand::Function(name) = first else {
            return self.operand(first, dot, command.offset);
        };
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.operand(argument, dot, command.offset)?);
        }
        values.extend(fed);
        functions::call(name, &values, self.data, command.offset)
    }

    fn operand(
        &mut self,
        operand: &Operand,
        dot: &Value,
        offset: usize,
    ) -> Result<Value, RenderError> {
        let (mut value, path) = match operand {
            Operand::Text(text) => return Ok(Value::Text(text.clone())),
            Operand::Number(number) => return Ok(Value::Number(*number)),
            Operand::Integer(number) => return Ok(Value::Integer(*number)),
            Operand::Bool(value) => return Ok(Value::Bool(*value)),
            Operand::Nil => return Ok(Value::Nil),
            Operand::Field(path) => (dot.clone(), path),
            Operand::Variable(name, path) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                (found.map_or(Value::Nil, |(_, value)| value.clone()), path)
            }
            Operand::Function(name) => {
                return functions::call(name, &[], self.data, offset);
            }
            Operand::Nested(pipeline, path) => (self.pipeline(pipeline, dot)?, path),
        };
        for name in path {
            value = self.field(value, name).ok_or_else(|| TemplateError {
                offset,
                message: format!("there is no field `{name}` here"),
            })?;
        }
        Ok(value)
    }

    fn field(&self, value: Value, name: &str) -> Option<Value> {
        Some(match (value, name) {
            (Value::Data, "Labels") => Value::Labels(self.data.labels.clone()),
            (Value::Data, "Value") => Value::Number(self.data.value),
            (Value::Data, "ExternalLabels") => Value::Labels(self.data.external_labels.clone()),
            (Value::Data, "ExternalURL") => Value::Text(self.data.external_url.clone()),
            (Value::Sample(labels, _), "Labels") => Value::Labels(labels),
            (Value::Sample(_, value), "Value") => Value::Number(value),
            // A missing label is the empty text, as Prometheus sets `missingkey=zero`.
            (Value::Labels(labels), name) => {
                Value::Text(labels.get(name).unwrap_or_default().to_owned())
            }
            _ => return None,
        })
    }
}

fn items_of(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::List(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| (Value::Integer(index as i64), item))
            .collect(),
        Value::Labels(labels) => labels
            .iter()
            .map(|(name, value)| (Value::Text(name.to_owned()), Value::Text(value.to_owned())))
            .collect(),
        _ => Vec::new(),
    }
}
