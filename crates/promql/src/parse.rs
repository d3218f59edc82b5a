//! From text to expression: promql-parser's grammar, errors with their place, our own tree.

use std::fmt;
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use promql_parser::label;
use promql_parser::parser::token;
use promql_parser::parser::value::ValueType as ParserType;
use promql_parser::parser::{
    self, AtModifier, BinModifier, Expr as Ast, Function, LabelModifier, Offset,
    VectorMatchCardinality,
};

use crate::ast::{
    Aggregate, AggregateOp, At, Binary, BinaryOp, Call, GroupSide, Grouping, Node, Selector,
    Subquery, ValueType,
};
use crate::queryable::{MatchOp, Matcher};
use crate::syntax;

/// A parsed expression; cheap to clone.
#[derive(Clone, Debug)]
pub struct Expr {
    text: Arc<str>,
    root: Arc<Node>,
    selectors: usize,
}

/// Why and where a text is not PromQL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: parse error: {message}")]
pub struct ParseError {
    /// What was found and what was expected.
    pub message: String,
    /// Where it was found.
    pub position: Position,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The byte in the text, from 0.
    pub offset: usize,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            line: 1,
            column: 1,
            offset: 0,
        }
    }
}

impl Position {
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text[..text.floor_char_boundary(offset)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            offset: before.len(),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Expr {
    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The type of the expression's value.
    pub fn value_type(&self) -> ValueType {
        self.root.value_type()
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    pub(crate) fn selector_count(&self) -> usize {
        self.selectors
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Parses an expression.
///
/// # Errors
///
/// Names what was found, what was expected and where.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    register_functions();
    let extents = syntax::check(text)?;
    let ast = parser::parse(text).map_err(|message| locate(text, &extents, &message))?;
    let mut lowering = Lowering { selectors: 0 };
    let mut root = lowering
        .lower(ast)
        .map_err(|message| locate(text, &extents, &message))?;
    mark_invariant(&mut root);
    Ok(Expr {
        text: text.into(),
        root: Arc::new(root),
        selectors: lowering.selectors,
    })
}

/// The function of Prometheus 2.42 that promql-parser no longer knows.
fn register_functions() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = parser::register_extra_functions(vec![Function::new(
            "holt_winters",
            vec![ParserType::Matrix, ParserType::Scalar, ParserType::Scalar],
            0,
            ParserType::Vector,
            false,
        )]);
        debug_assert_eq!(registered, Ok(()));
    });
}

/// Pins a complaint about the whole to the innermost sub-expression that earns one by itself.
fn locate(text: &str, extents: &[(usize, usize)], message: &str) -> ParseError {
    for (start, end) in extents {
        let part = &text[*start..*end];
        let fault = match parser::parse(part) {
            Ok(ast) => Lowering { selectors: 0 }.lower(ast).err(),
            Err(message) => Some(message),
        };
        if let Some(message) = fault {
            return syntax::fault_at(text, *start, plain(&message));
        }
    }
    syntax::fault_at(text, 0, plain(message))
}

/// promql-parser's last resort says nothing; this at least says what it means.
fn plain(message: &str) -> String {
    if message == "invalid promql query" || message == "ParseError" {
        "this is not a valid expression".into()
    } else {
        // Its names of types are not those that Prometheus shows to people.
        message
            .replace("type matrix", "type range vector")
            .replace("type vector", "type instant vector")
            .replace("got matrix", "got range vector")
            .replace("got vector", "got instant vector")
    }
}

struct Lowering {
    selectors: usize,
}

impl Lowering {
    fn lower(&mut self, ast: Ast) -> Result<Node, String> {
        Ok(match ast {
            Ast::NumberLiteral(number) => Node::Number(number.val),
            Ast::StringLiteral(text) => Node::Text(text.val),
            Ast::Paren(paren) => self.lower(*paren.expr)?,
            Ast::Unary(unary) => Node::Negate(Box::new(self.lower(*unary.expr)?)),
            Ast::VectorSelector(selector) => Node::Selector(self.selector(selector)?),
            Ast::MatrixSelector(matrix) => Node::Range {
                range_ms: duration_ms(matrix.range)?,
                selector: self.selector(matrix.vs)?,
            },
            Ast::Subquery(subquery) => Node::Subquery(Subquery {
                expr: Box::new(self.lower(*subquery.expr)?),
                range_ms: duration_ms(subquery.range)?,
                step_ms: subquery.step.map(duration_ms).transpose()?,
                offset_ms: offset_ms(subquery.offset.as_ref())?,
                at: subquery.at.as_ref().map(at_time).transpose()?,
            }),
            Ast::Call(call) => {
                let args = call
                    .args
                    .args
                    .into_iter()
                    .map(|arg| self.lower(*arg))
                    .collect::<Result<Vec<_>, _>>()?;
                checked_call(call.func.name, args)?
            }
            Ast::Aggregate(aggregate) => {
                let op = aggregate_op(aggregate.op.id())?;
                let param = aggregate
                    .param
                    .map(|param| self.lower(*param).map(Box::new))
                    .transpose()?;
                let wanted = match op {
                    AggregateOp::CountValues => Some(ValueType::String),
                    AggregateOp::Topk
                    | AggregateOp::Bottomk
                    | AggregateOp::Quantile
                    | AggregateOp::Limitk
                    | AggregateOp::LimitRatio => Some(ValueType::Scalar),
                    _ => None,
                };
                let given = param.as_ref().map(|param| param.value_type());
                if wanted != given {
                    return Err(type_fault(
                        wanted.unwrap_or(ValueType::Scalar),
                        given.unwrap_or(ValueType::Vector),
                        "the aggregation's parameter",
                    ));
                }
                Node::Aggregate(Aggregate {
                    op,
                    grouping: grouping(aggregate.modifier, false),
                    param,
                    expr: Box::new(self.lower(*aggregate.expr)?),
                })
            }
            Ast::Binary(binary) => self.binary(binary)?,
            Ast::Extension(_) => return Err("extensions are not PromQL".into()),
        })
    }

    /// Lowers a chain of operators in a loop, as chains may be long.
    fn binary(&mut self, binary: parser::BinaryExpr) -> Result<Node, String> {
        let mut pending = Vec::new();
        let mut current = Ast::Binary(binary);
        let innermost = loop {
            match current {
                Ast::Binary(binary) => {
                    pending.push((binary.op.id(), binary.modifier, binary.rhs));
                    current = *binary.lhs;
                }
                other => break other,
            }
        };
        let mut node = self.lower(innermost)?;
        while let Some((op, modifier, rhs)) = pending.pop() {
            let rhs = self.lower(*rhs)?;
            node = joined(binary_op(op)?, modifier.unwrap_or_default(), node, rhs);
        }
        Ok(node)
    }

    fn selector(&mut self, selector: parser::VectorSelector) -> Result<Selector, String> {
        if !selector.matchers.or_matchers.is_empty() {
            return Err("`or` between label matchers is not PromQL".into());
        }
        let id = self.selectors;
        self.selectors += 1;
        let mut matchers = Vec::new();
        if let Some(name) = selector.name {
            matchers.push(matcher(yunhai_model::METRIC_NAME, MatchOp::Equal, &name)?);
        }
        for given in selector.matchers.matchers {
            let op = match given.op {
                label::MatchOp::Equal => MatchOp::Equal,
                label::MatchOp::NotEqual => MatchOp::NotEqual,
                label::MatchOp::Re(_) => MatchOp::Regex,
                label::MatchOp::NotRe(_) => MatchOp::NotRegex,
            };
            matchers.push(matcher(&given.name, op, &given.value)?);
        }
        Ok(Selector {
            id,
            matchers,
            offset_ms: offset_ms(selector.offset.as_ref())?,
            at: selector.at.as_ref().map(at_time).transpose()?,
        })
    }
}

fn matcher(name: &str, op: MatchOp, value: &str) -> Result<Matcher, String> {
    Matcher::new(name, op, value).map_err(|error| {
        format!(
            "malformed regular expression `{value}`: {}",
            syntax::regex_fault(&error)
        )
    })
}

fn joined(op: BinaryOp, modifier: BinModifier, lhs: Node, rhs: Node) -> Node {
    let (group, include) = match modifier.card {
        VectorMatchCardinality::ManyToOne(labels) => (GroupSide::Left, labels.labels),
        VectorMatchCardinality::OneToMany(labels) => (GroupSide::Right, labels.labels),
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => {
            (GroupSide::None, Vec::new())
        }
    };
    Node::Binary(Binary {
        op,
        lhs: Box::new(lhs),
        rhs: Box::new(rhs),
        return_bool: modifier.return_bool,
        matching: grouping(modifier.matching, true),
        group,
        include,
        fill_left: modifier.fill_values.lhs,
        fill_right: modifier.fill_values.rhs,
    })
}

fn grouping(modifier: Option<LabelModifier>, without_by_default: bool) -> Grouping {
    match modifier {
        Some(LabelModifier::Include(labels)) => Grouping {
            without: false,
            labels: labels.labels,
        },
        Some(LabelModifier::Exclude(labels)) => Grouping {
            without: true,
            labels: labels.labels,
        },
        None => Grouping {
            without: without_by_default,
            labels: Vec::new(),
        },
    }
}

/// Checks a call against our own table: promql-parser lets some wrong arguments pass.
fn checked_call(name: &str, args: Vec<Node>) -> Result<Node, String> {
    let signature = crate::functions::find(name)
        .ok_or_else(|| format!("the function `{name}` is not supported"))?;
    let (most, least) = (
        signature.args.len(),
        signature.args.len() - signature.optional,
    );
    if args.len() < least || (args.len() > most && !signature.repeated) {
        let wanted = if signature.repeated {
            format!("at least {least}")
        } else if least == most {
            format!("{most}")
        } else {
            format!("{least} to {most}")
        };
        return Err(format!(
            "expected {wanted} argument(s) in call to `{name}`, got {}",
            args.len()
        ));
    }
    for (at, arg) in args.iter().enumerate() {
        let wanted = signature.args[at.min(most - 1)];
        if arg.value_type() != wanted {
            return Err(type_fault(
                wanted,
                arg.value_type(),
                &format!("call to function `{name}`"),
            ));
        }
    }
    Ok(Node::Call(Call {
        function: signature.name,
        args,
    }))
}

fn type_fault(wanted: ValueType, given: ValueType, place: &str) -> String {
    format!("expected type {wanted} in {place}, got {given}")
}

fn duration_ms(duration: Duration) -> Result<i64, String> {
    i64::try_from(duration.as_millis()).map_err(|_| "the duration is out of range".into())
}

fn offset_ms(offset: Option<&Offset>) -> Result<i64, String> {
    match offset {
        None => Ok(0),
        Some(Offset::Pos(duration)) => duration_ms(*duration),
        Some(Offset::Neg(duration)) => duration_ms(*duration).map(|offset| -offset),
    }
}

fn at_time(at: &AtModifier) -> Result<At, String> {
    match at {
        AtModifier::Start => Ok(At::Start),
        AtModifier::End => Ok(At::End),
        AtModifier::At(time) => match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => duration_ms(after).map(At::Time),
            Err(before) => duration_ms(before.duration()).map(|before| At::Time(-before)),
        },
    }
}

fn aggregate_op(id: token::TokenId) -> Result<AggregateOp, String> {
    Ok(match id {
        token::T_SUM => AggregateOp::Sum,
        token::T_AVG => AggregateOp::Avg,
        token::T_MIN => AggregateOp::Min,
        token::T_MAX => AggregateOp::Max,
        token::T_COUNT => AggregateOp::Count,
        token::T_GROUP => AggregateOp::Group,
        token::T_STDDEV => AggregateOp::Stddev,
        token::T_STDVAR => AggregateOp::Stdvar,
        token::T_TOPK => AggregateOp::Topk,
        token::T_BOTTOMK => AggregateOp::Bottomk,
        token::T_QUANTILE => AggregateOp::Quantile,
        token::T_COUNT_VALUES => AggregateOp::CountValues,
        token::T_LIMITK => AggregateOp::Limitk,
        token::T_LIMIT_RATIO => AggregateOp::LimitRatio,
        _ => return Err("this aggregation is not supported".into()),
    })
}

fn binary_op(id: token::TokenId) -> Result<BinaryOp, String> {
    Ok(match id {
        token::T_ADD => BinaryOp::Add,
        token::T_SUB => BinaryOp::Sub,
        token::T_MUL => BinaryOp::Mul,
        token::T_DIV => BinaryOp::Div,
        token::T_MOD => BinaryOp::Mod,
        token::T_POW => BinaryOp::Pow,
        token::T_ATAN2 => BinaryOp::Atan2,
        token::T_EQLC => BinaryOp::Equal,
        token::T_NEQ => BinaryOp::NotEqual,
        token::T_GTR => BinaryOp::Greater,
        token::T_LSS => BinaryOp::Less,
        token::T_GTE => BinaryOp::GreaterEqual,
        token::T_LTE => BinaryOp::LessEqual,
        token::T_LAND => BinaryOp::And,
        token::T_LOR => BinaryOp::Or,
        token::T_LUNLESS => BinaryOp::Unless,
        _ => return Err("this operator is not supported".into()),
    })
}

/// Wraps the largest parts whose value is the same at every step, so that they are evaluated once.
fn mark_invariant(node: &mut Node) {
    let is_plain = matches!(
        node,
        Node::Number(_) | Node::Text(_) | Node::Range { .. } | Node::Subquery(_)
    );
    if !is_plain && node.is_invariant() {
        let inner = std::mem::replace(node, Node::Number(0.0));
        *node = Node::Invariant(Box::new(inner));
        return;
    }
    match node {
        Node::Number(_)
        | Node::Text(_)
        | Node::Selector(_)
        | Node::Range { .. }
        | Node::Invariant(_) => {}
        Node::Subquery(subquery) => mark_invariant(&mut subquery.expr),
        Node::Call(call) => call.args.iter_mut().for_each(mark_invariant),
        Node::Aggregate(aggregate) => {
            if let Some(param) = &mut aggregate.param {
                mark_invariant(param);
            }
            mark_invariant(&mut aggregate.expr);
        }
        Node::Binary(binary) => {
            mark_invariant(&mut binary.lhs);
            mark_invariant(&mut binary.rhs);
        }
        Node::Negate(inner) => mark_invariant(inner),
    }
}
