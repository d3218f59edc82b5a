//! What a template consists of, once it is read.

use std::collections::HashMap;

/// A piece of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action {
        binding: Binding,
        pipeline: Pipeline,
    },
    If {
        branches: Vec<(Binding, Pipeline, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    With {
        binding: Binding,
        pipeline: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        binding: Binding,
        pipeline: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    /// Another template of the same text, which has no data but those that are handed over.
    Template {
        offset: usize,
        name: String,
        data: Option<Pipeline>,
    },
    Break,
    Continue,
}

/// The templates that `define` and `block` have made, by name.
pub(super) type Definitions = HashMap<String, Vec<Node>>;

/// The variables that a pipeline fills: none, new ones (`:=`), or those that are there (`=`).
#[derive(Clone, Debug, Default)]
pub(super) struct Binding {
    pub(super) variables: Vec<String>,
    pub(super) is_assignment: bool,
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
