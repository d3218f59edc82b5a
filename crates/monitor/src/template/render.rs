//! From tree and data to text.

use std::collections::BTreeMap;

use yunhai_model::Labels;
use yunhai_notify::Notification;

use super::time::{Time, duration_field};
use super::tree::{Binding, Command, Definitions, Node, Operand, Pipeline};
use super::value::Value;
use super::{RenderError, TemplateData, TemplateError, functions};

/// Longest text that a template may make: an alert is read by people.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;

/// How many pieces are rendered at most: templates that call each other could go on for ever.
const MAX_STEPS: usize = 100_000;

/// How deep blocks and calls of templates may lie in each other.
const MAX_DEPTH: usize = 100;

/// How the rendering of a list of nodes ended.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Through,
    Break,
    Continue,
}

pub(super) fn render(
    nodes: &[Node],
    definitions: &Definitions,
    data: &TemplateData,
) -> Result<String, RenderError> {
    render_about(nodes, definitions, data, &Value::Data)
}

/// Renders what a channel says of a notification.
pub(super) fn render_message(
    nodes: &[Node],
    definitions: &Definitions,
    notification: &Notification,
) -> Result<String, RenderError> {
    let data = TemplateData {
        labels: notification.common_labels.clone(),
        value: notification
            .alerts
            .first()
            .and_then(|alert| alert.value)
            .unwrap_or(f64::NAN),
        external_url: notification.external_url.clone(),
        ..TemplateData::default()
    };
    render_about(nodes, definitions, &data, &message(notification))
}

fn render_about(
    nodes: &[Node],
    definitions: &Definitions,
    data: &TemplateData,
    subject: &Value,
) -> Result<String, RenderError> {
    let mut renderer = Renderer {
        data,
        definitions,
        variables: vec![
            (String::new(), subject.clone()),
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
        steps: 0,
        depth: 0,
    };
    renderer.nodes(nodes, subject)?;
    Ok(renderer.output)
}

/// A notification as templates see it, in Alertmanager's words.
fn message(notification: &Notification) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let texts = |pairs: &BTreeMap<String, String>| Value::Labels(Labels::new(pairs.clone()));
    let time = |at_ms: i64| Time::from_secs(at_ms as f64 / 1000.0).map_or(Value::Nil, Value::Time);
    let alerts = notification.alerts.iter().map(|alert| {
        map([
            ("Status", text(alert.status.as_str())),
            ("Labels", Value::Labels(alert.labels.clone())),
            ("Annotations", texts(&alert.annotations)),
            ("StartsAt", time(alert.starts_at_ms)),
            ("EndsAt", alert.ends_at_ms.map_or(Value::Nil, time)),
            ("GeneratorURL", text(&alert.generator_url)),
            ("Fingerprint", text(&alert.fingerprint)),
            ("Value", alert.value.map_or(Value::Nil, Value::Number)),
        ])
    });
    map([
        ("Alerts", Value::List(alerts.collect())),
        ("Status", text(notification.status.as_str())),
        ("Receiver", text(&notification.receiver)),
        ("ExternalURL", text(&notification.external_url)),
        (
            "GroupLabels",
            Value::Labels(notification.group_labels.clone()),
        ),
        (
            "CommonLabels",
            Value::Labels(notification.common_labels.clone()),
        ),
        ("CommonAnnotations", texts(&notification.common_annotations)),
        (
            "TruncatedAlerts",
            Value::Integer(notification.truncated as i64),
        ),
    ])
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Map(fields.into())
}

/// The alerts of a list that are in a state.
fn in_state(alerts: Vec<Value>, state: &str) -> Value {
    let is_so = |alert: &Value| {
        matches!(alert, Value::Map(fields)
            if matches!(fields.get("Status"), Some(Value::Text(text)) if text == state))
    };
    Value::List(alerts.into_iter().filter(is_so).collect())
}

struct Renderer<'a> {
    data: &'a TemplateData,
    definitions: &'a Definitions,
    variables: Vec<(String, Value)>,
    output: String,
    steps: usize,
    depth: usize,
}

fn failed(offset: usize, message: impl Into<String>) -> RenderError {
    TemplateError {
        offset,
        message: message.into(),
    }
    .into()
}

impl Renderer<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, RenderError> {
        for node in nodes {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(failed(0, "the template does not come to an end"));
            }
            let flow = self.node(node, dot)?;
            if self.output.len() > MAX_OUTPUT_BYTES {
                let message = format!("the text is longer than {MAX_OUTPUT_BYTES} bytes");
                return Err(failed(0, message));
            }
            if flow != Flow::Through {
                return Ok(flow);
            }
        }
        Ok(Flow::Through)
    }

    fn node(&mut self, node: &Node, dot: &Value) -> Result<Flow, RenderError> {
        match node {
            Node::Text(text) => self.output.push_str(text),
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::Action { binding, pipeline } => {
                let value = self.pipeline(pipeline, dot)?;
                if binding.variables.is_empty() {
                    self.output.push_str(&value.to_text());
                } else {
                    self.bind(binding, &[&value]);
                }
            }
            Node::If {
                branches,
                otherwise,
            } => {
                let scope = self.variables.len();
                let mut chosen = otherwise;
                for (binding, condition, body) in branches {
                    let value = self.pipeline(condition, dot)?;
                    self.bind(binding, &[&value]);
                    if value.is_true() {
                        chosen = body;
                        break;
                    }
                }
                return self.scoped(scope, chosen, dot);
            }
            Node::With {
                binding,
                pipeline,
                body,
                otherwise,
            } => {
                let scope = self.variables.len();
                let value = self.pipeline(pipeline, dot)?;
                self.bind(binding, &[&value]);
                return if value.is_true() {
                    self.scoped(scope, body, &value)
                } else {
                    self.scoped(scope, otherwise, dot)
                };
            }
            Node::Range {
                binding,
                pipeline,
                body,
                otherwise,
            } => {
                let offset = pipeline.0.first().map_or(0, |command| command.offset);
                let items = items_of(self.pipeline(pipeline, dot)?)
                    .map_err(|message| failed(offset, message))?;
                let scope = self.variables.len();
                if items.is_empty() {
                    return self.scoped(scope, otherwise, dot);
                }
                for (key, item) in items {
                    if binding.variables.len() == 1 {
                        self.bind(binding, &[&item]);
                    } else {
                        self.bind(binding, &[&key, &item]);
                    }
                    if self.scoped(scope, body, &item)? == Flow::Break {
                        break;
                    }
                }
            }
            Node::Template { offset, name, data } => {
                self.call(*offset, name, data.as_ref(), dot)?;
            }
        }
        Ok(Flow::Through)
    }

    /// Renders another template, which sees nothing but what is handed over.
    fn call(
        &mut self,
        offset: usize,
        name: &str,
        data: Option<&Pipeline>,
        dot: &Value,
    ) -> Result<(), RenderError> {
        let dot = data.map_or(Ok(Value::Nil), |pipeline| self.pipeline(pipeline, dot))?;
        let definitions = self.definitions;
        let body = definitions
            .get(name)
            .ok_or_else(|| failed(offset, format!("there is no template `{name}`")))?;
        let variables = vec![(String::new(), dot.clone())];
        let outside = std::mem::replace(&mut self.variables, variables);
        self.scoped(1, body, &dot)?;
        self.variables = outside;
        Ok(())
    }

    fn bind(&mut self, binding: &Binding, values: &[&Value]) {
        for (name, value) in binding.variables.iter().zip(values) {
            let known = self
                .variables
                .iter_mut()
                .rev()
                .find(|(known, _)| known == name);
            match known {
                Some((_, variable)) if binding.is_assignment => *variable = (*value).clone(),
                _ => self.variables.push((name.clone(), (*value).clone())),
            }
        }
    }

    /// Renders a block, after which the variables beyond `scope` are gone.
    fn scoped(&mut self, scope: usize, nodes: &[Node], dot: &Value) -> Result<Flow, RenderError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(failed(0, "blocks and templates lie too deep in each other"));
        }
        let flow = self.nodes(nodes, dot)?;
        self.depth -= 1;
        self.variables.truncate(scope);
        Ok(flow)
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
        let mut values = Vec::with_capacity(arguments.len() + 1);
        for argument in arguments {
            values.push(self.operand(argument, &[], dot, command.offset)?);
        }
        values.extend(fed);
        match first {
            Operand::Function(name) => functions::call(name, &values, self.data, command.offset),
            first => self.operand(first, &values, dot, command.offset),
        }
    }

    /// The value of an operand; `arguments` are those of the method at its end.
    fn operand(
        &mut self,
        operand: &Operand,
        arguments: &[Value],
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
        for (at, name) in path.iter().enumerate() {
            let arguments = if at + 1 == path.len() { arguments } else { &[] };
            value = self
                .field(value, name, arguments)
                .map_err(|message| failed(offset, message))?;
        }
        Ok(value)
    }

    fn field(&self, value: Value, name: &str, arguments: &[Value]) -> Result<Value, String> {
        if let (Value::Time(time), "Format") = (&value, name) {
            return match arguments {
                [Value::Text(layout)] => Ok(Value::Text(time.format(layout))),
                _ => Err("Format: it needs one text, the layout".to_owned()),
            };
        }
        if !arguments.is_empty() {
            return Err(format!("`{name}` takes no arguments here"));
        }
        let found = match (value, name) {
            (Value::Data, "Labels") => Some(Value::Labels(self.data.labels.clone())),
            (Value::Data, "Value") => Some(Value::Number(self.data.value)),
            (Value::Data, "ExternalLabels") => {
                Some(Value::Labels(self.data.external_labels.clone()))
            }
            (Value::Data, "ExternalURL") => Some(Value::Text(self.data.external_url.clone())),
            (Value::Sample(labels, _), "Labels") => Some(Value::Labels(labels)),
            (Value::Sample(_, value), "Value") => Some(Value::Number(value)),
            // A missing label is the empty text, as Prometheus sets `missingkey=zero`.
            (Value::Labels(labels), name) => {
                Some(Value::Text(labels.get(name).unwrap_or_default().to_owned()))
            }
            (Value::List(alerts), "Firing") => Some(in_state(alerts, "firing")),
            (Value::List(alerts), "Resolved") => Some(in_state(alerts, "resolved")),
            (Value::Map(items), name) => Some(items.get(name).cloned().unwrap_or(Value::Nil)),
            (Value::Time(time), name) => time.field(name),
            (Value::Duration(nanos), name) => duration_field(nanos, name),
            _ => None,
        };
        found.ok_or_else(|| format!("there is no field `{name}` here"))
    }
}

fn items_of(value: Value) -> Result<Vec<(Value, Value)>, String> {
    Ok(match value {
        Value::List(items) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| (Value::Integer(index as i64), item))
            .collect(),
        Value::Labels(labels) => labels
            .iter()
            .map(|(name, value)| (Value::Text(name.to_owned()), Value::Text(value.to_owned())))
            .collect(),
        Value::Map(items) => items
            .into_iter()
            .map(|(name, value)| (Value::Text(name), value))
            .collect(),
        Value::Integer(count) if count <= MAX_STEPS as i64 => (0..count)
            .map(|number| (Value::Integer(number), Value::Integer(number)))
            .collect(),
        Value::Nil => Vec::new(),
        other => return Err(format!("`range` cannot go over `{}`", other.to_text())),
    })
}
