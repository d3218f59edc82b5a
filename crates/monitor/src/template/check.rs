//! Finds fields that are not there before a template is ever rendered, as far as it can be told
//! what stands before the dot. What cannot be told, such as what a `define` is given, is left to
//! the rendering.

use std::collections::HashSet;

use super::TemplateError;
use super::lex::error;
use super::tree::{Binding, Command, Node, Operand, Pipeline};

/// What a value is, as far as it can be told from the text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// The template's data as a whole.
    Data,
    /// A notification.
    Message,
    Alerts,
    Alert,
    Labels,
    /// What `query` yields.
    Samples,
    Sample,
    /// A text, a number: what has no fields.
    Plain,
    Unknown,
}

/// What a template speaks of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Subject {
    /// One alert, as the templates of rules do.
    Alert,
    /// A notification, as the templates of channels do.
    Notification,
}

pub(super) const NO_QUERY: &str = "`query` cannot be used here: a message tells what a rule has \
    found; put the value into an annotation of the rule";

/// Checks the fields that the nodes of a template name.
pub(super) fn check(nodes: &[Node], subject: Subject) -> Result<(), TemplateError> {
    let root = match subject {
        Subject::Alert => Kind::Data,
        Subject::Notification => Kind::Message,
    };
    let mut assigned = HashSet::new();
    find_assigned(nodes, &mut assigned);
    let mut checker = Checker {
        variables: vec![
            (String::new(), root),
            ("labels".to_owned(), Kind::Labels),
            ("value".to_owned(), Kind::Plain),
            ("externalLabels".to_owned(), Kind::Labels),
            ("externalURL".to_owned(), Kind::Plain),
        ],
        assigned,
        subject,
    };
    checker.nodes(nodes, root)
}

/// Finds the variables that are given another value somewhere: of those nothing can be told.
fn find_assigned(nodes: &[Node], found: &mut HashSet<String>) {
    let mut add = |binding: &Binding| {
        if binding.is_assignment {
            found.extend(binding.variables.iter().cloned());
        }
    };
    let mut inner: Vec<&[Node]> = Vec::new();
    for node in nodes {
        match node {
            Node::Action { binding, .. } => add(binding),
            Node::If {
                branches,
                otherwise,
            } => {
                for (binding, _, body) in branches {
                    add(binding);
                    inner.push(body);
                }
                inner.push(otherwise);
            }
            Node::With {
                binding,
                body,
                otherwise,
                ..
            }
            | Node::Range {
                binding,
                body,
                otherwise,
                ..
            } => {
                add(binding);
                inner.extend([&**body, &**otherwise]);
            }
            Node::Text(_) | Node::Template { .. } | Node::Break | Node::Continue => {}
        }
    }
    for nodes in inner {
        find_assigned(nodes, found);
    }
}

struct Checker {
    variables: Vec<(String, Kind)>,
    assigned: HashSet<String>,
    subject: Subject,
}

impl Checker {
    fn nodes(&mut self, nodes: &[Node], dot: Kind) -> Result<(), TemplateError> {
        let scope = self.variables.len();
        for node in nodes {
            self.node(node, dot)?;
        }
        self.variables.truncate(scope);
        Ok(())
    }

    fn node(&mut self, node: &Node, dot: Kind) -> Result<(), TemplateError> {
        let scope = self.variables.len();
        match node {
            Node::Text(_) | Node::Break | Node::Continue => return Ok(()),
            Node::Action { binding, pipeline } => {
                let kind = self.pipeline(pipeline, dot)?;
                self.bind(binding, &[kind]);
                // What is declared here is known up to the end of the block.
                return Ok(());
            }
            Node::If {
                branches,
                otherwise,
            } => {
                for (binding, condition, body) in branches {
                    let kind = self.pipeline(condition, dot)?;
                    self.bind(binding, &[kind]);
                    self.nodes(body, dot)?;
                }
                self.nodes(otherwise, dot)?;
            }
            Node::With {
                binding,
                pipeline,
                body,
                otherwise,
            } => {
                let kind = self.pipeline(pipeline, dot)?;
                self.bind(binding, &[kind]);
                self.nodes(body, kind)?;
                self.nodes(otherwise, dot)?;
            }
            Node::Range {
                binding,
                pipeline,
                body,
                otherwise,
            } => {
                let item = match self.pipeline(pipeline, dot)? {
                    Kind::Samples => Kind::Sample,
                    Kind::Labels => Kind::Plain,
                    Kind::Alerts => Kind::Alert,
                    _ => Kind::Unknown,
                };
                if binding.variables.len() == 1 {
                    self.bind(binding, &[item]);
                } else {
                    self.bind(binding, &[Kind::Plain, item]);
                }
                self.nodes(body, item)?;
                self.nodes(otherwise, dot)?;
            }
            Node::Template { data, .. } => {
                if let Some(pipeline) = data {
                    self.pipeline(pipeline, dot)?;
                }
            }
        }
        self.variables.truncate(scope);
        Ok(())
    }

    fn bind(&mut self, binding: &Binding, kinds: &[Kind]) {
        if binding.is_assignment {
            return;
        }
        for (name, kind) in binding.variables.iter().zip(kinds) {
            self.variables.push((name.clone(), *kind));
        }
    }

    fn pipeline(&self, pipeline: &Pipeline, dot: Kind) -> Result<Kind, TemplateError> {
        let mut kind = Kind::Unknown;
        for command in &pipeline.0 {
            kind = self.command(command, dot)?;
        }
        Ok(kind)
    }

    fn command(&self, command: &Command, dot: Kind) -> Result<Kind, TemplateError> {
        let mut kinds = Vec::with_capacity(command.operands.len());
        for operand in &command.operands {
            kinds.push(self.operand(operand, dot, command.offset)?);
        }
        Ok(kinds.first().copied().unwrap_or(Kind::Unknown))
    }

    fn operand(&self, operand: &Operand, dot: Kind, offset: usize) -> Result<Kind, TemplateError> {
        let (mut kind, path) = match operand {
            Operand::Text(_) | Operand::Number(_) | Operand::Integer(_) | Operand::Bool(_) => {
                return Ok(Kind::Plain);
            }
            Operand::Nil => return Ok(Kind::Unknown),
            Operand::Function(name) if name == "query" && self.subject == Subject::Notification => {
                return Err(error(offset, NO_QUERY.to_owned()));
            }
            Operand::Function(name) => return Ok(kind_of_result(name)),
            Operand::Field(path) => (dot, path),
            Operand::Variable(name, path) => (self.variable(name), path),
            Operand::Nested(pipeline, path) => (self.pipeline(pipeline, dot)?, path),
        };
        for name in path {
            kind = field(kind, name).map_err(|message| error(offset, message))?;
        }
        Ok(kind)
    }

    fn variable(&self, name: &str) -> Kind {
        if self.assigned.contains(name) {
            return Kind::Unknown;
        }
        let mut known = self.variables.iter().rev();
        known
            .find(|(known, _)| known == name)
            .map_or(Kind::Unknown, |(_, kind)| *kind)
    }
}

fn kind_of_result(function: &str) -> Kind {
    match function {
        "query" | "sortByLabel" => Kind::Samples,
        "first" => Kind::Sample,
        _ => Kind::Unknown,
    }
}

/// What a field is; the error says which ones there are.
fn field(kind: Kind, name: &str) -> Result<Kind, String> {
    let known = match (kind, name) {
        // Times have fields and methods, and what has not ended has none.
        (Kind::Unknown, _) | (Kind::Alert, "StartsAt" | "EndsAt") => return Ok(Kind::Unknown),
        (Kind::Data | Kind::Sample | Kind::Alert, "Labels")
        | (Kind::Data, "ExternalLabels")
        | (Kind::Message, "GroupLabels" | "CommonLabels" | "CommonAnnotations")
        | (Kind::Alert, "Annotations") => return Ok(Kind::Labels),
        (Kind::Data | Kind::Sample, "Value")
        | (Kind::Data, "ExternalURL")
        | (Kind::Labels, _)
        | (Kind::Message, "Status" | "Receiver" | "ExternalURL" | "TruncatedAlerts")
        | (Kind::Alert, "Status" | "Value" | "GeneratorURL" | "Fingerprint") => {
            return Ok(Kind::Plain);
        }
        (Kind::Message, "Alerts") | (Kind::Alerts, "Firing" | "Resolved") => {
            return Ok(Kind::Alerts);
        }
        (Kind::Message, _) => {
            "known are `.Status`, `.Alerts`, `.CommonLabels`, `.CommonAnnotations`, `.GroupLabels`, \
             `.Receiver`, `.ExternalURL` and `.TruncatedAlerts`; the labels of an alert are \
             `.Labels` within `range .Alerts`"
        }
        (Kind::Alerts, _) => "go over the alerts with `range`; known are `.Firing` and `.Resolved`",
        (Kind::Alert, _) => {
            "an alert has `.Status`, `.Labels`, `.Annotations`, `.Value`, `.StartsAt`, `.EndsAt`, \
             `.GeneratorURL` and `.Fingerprint`"
        }
        (Kind::Data, _) => {
            "known are `.Labels`, `.Value`, `.ExternalLabels` and `.ExternalURL`; a label is \
             `.Labels.name` or `$labels.name`"
        }
        (Kind::Sample, _) => "the result of a query has `.Labels` and `.Value`",
        (Kind::Samples, _) => {
            "the result of `query` is a list: go over it with `range`, or take the `first`"
        }
        (Kind::Plain, _) => "a text or a number has no fields",
    };
    Err(format!("there is no field `{name}` here; {known}"))
}

#[cfg(test)]
mod tests {
    use crate::template::Template;

    #[test]
    fn a_field_that_is_not_there_is_found_without_rendering() {
        for (source, name) in [
            ("a {{ .Foo }}", "Foo"),
            ("{{ if false }}{{ $.server }}{{ end }}", "server"),
            ("{{ $value.Foo }}", "Foo"),
            ("{{ $labels.server.name }}", "name"),
            ("{{ range query \"up\" }}{{ .Foo }}{{ end }}", "Foo"),
            ("{{ (query \"up\" | first).Foo }}", "Foo"),
            ("{{ with query \"up\" }}{{ .Value }}{{ end }}", "Value"),
            (
                "{{ range $i, $s := query \"up\" }}{{ $s.Foo }}{{ end }}",
                "Foo",
            ),
            ("{{ printf \"%v\" (.Foo | toUpper) }}", "Foo"),
            ("{{ with $labels.a }}x{{ else }}{{ .Foo }}{{ end }}", "Foo"),
        ] {
            let error = Template::parse(source).unwrap_err();
            let expected = format!("there is no field `{name}` here");
            assert!(error.message.starts_with(&expected), "{source}: {error}");
        }
        assert_eq!(Template::parse("a {{ .Foo }}").unwrap_err().offset, 5);
    }

    #[test]
    fn what_may_be_there_is_left_alone() {
        for source in [
            "{{ .Labels.server }} {{ .Value }} {{ .ExternalURL }} {{ .ExternalLabels.site }}",
            "{{ range query \"up\" }}{{ .Labels.job }}={{ .Value }} {{ $.Value }}{{ end }}",
            "{{ range .Labels }}{{ . }}{{ end }}",
            "{{ with query \"up\" | first }}{{ .Value }}{{ end }}",
            "{{ define \"t\" }}{{ .anything.at_all }}{{ end }}{{ template \"t\" args 1 }}",
            "{{ $x := $value }}{{ range query \"up\" }}{{ $x = . }}{{ end }}{{ $x.Value }}",
            "{{ with args 1 2 }}{{ .arg0 }}{{ end }}",
            "{{ (toTime 0).Year }}",
            "{{ range query \"up\" | sortByLabel \"job\" }}{{ .Labels.job }}{{ end }}",
        ] {
            assert!(Template::parse(source).is_ok(), "{source}");
        }
    }
}
