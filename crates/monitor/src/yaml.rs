//! YAML as a tree whose every node knows its place in the source, so that a fault can be pointed
//! at with line and column. Leaves out what rule files have no use for: tags and merge keys.

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::rule_file::RuleFault;

/// How deep collections may nest, and how many nodes a document may have: a rule file of a user is
/// far below either, a malicious one is stopped.
const MAX_DEPTH: usize = 32;
const MAX_NODES: usize = 500_000;

/// A place in the source, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A node of the document.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Scalar { text: String, style: ScalarStyle },
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The text of a scalar; `None` for collections and for a plain null.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => None,
            Value::Scalar { text, .. } => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Tells whether nothing stands here, as in `labels:` with an empty rest of the line.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, style: ScalarStyle::Plain }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Names the kind of node in an error.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            Value::Scalar { .. } => "a text",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The place in the source of a byte offset inside a scalar's text.
    pub(crate) fn place_of(&self, source: &str, offset: usize) -> Place {
        let Value::Scalar { text, style } = &self.value else {
            return self.place;
        };
        let before = &text[..floor_char_boundary(text, offset)];
        match style {
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let line = source.lines().nth(self.place.line - 1).unwrap_or_default();
                let quote = usize::from(!matches!(style, ScalarStyle::Plain));
                let column = self.place.column + quote + before.chars().count();
                // A text folded over several lines cannot be followed by counting: its start will do.
                if column > line.chars().count() + 1 {
                    self.place
                } else {
                    Place {
                        column,
                        ..self.place
                    }
                }
            }
            ScalarStyle::Literal | ScalarStyle::Folded => block_place(
                source,
                self.place,
                before,
                matches!(style, ScalarStyle::Folded),
            ),
        }
    }
}

/// The place of the end of `before` in a block scalar whose first line is at or after `start`.
fn block_place(source: &str, start: Place, before: &str, is_folded: bool) -> Place {
    let mut lines = source.lines().enumerate().skip(start.line - 1).peekable();
    // The header (`expr: |`) precedes the content.
    if lines.peek().is_some_and(|(_, line)| {
        matches!(
            line.trim_end().trim_end_matches(['+', '-']).chars().last(),
            Some('|' | '>')
        )
    }) {
        lines.next();
    }
    let mut remaining = before.chars().count();
    let mut last = start;
    let indent = lines
        .peek()
        .map_or(0, |(_, line)| line.len() - line.trim_start().len());
    for (number, line) in lines {
        let length = line.chars().count().saturating_sub(indent);
        last = Place {
            line: number + 1,
            column: indent + 1 + remaining.min(length),
        };
        let taken = if is_folded && length == 0 {
            0
        } else {
            length + 1
        };
        if remaining < taken || (remaining == 0 && taken == 0) {
            return last;
        }
        remaining -= taken;
    }
    last
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Reads the one document of a YAML text; `None` where it is empty.
pub(crate) fn parse(source: &str) -> Result<Option<Node>, RuleFault> {
    let mut reader = Reader {
        events: Parser::new_from_str(source),
        anchors: Vec::new(),
        nodes: 0,
    };
    let mut document = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::StreamEnd => break,
            event => {
                if document.is_some() {
                    return Err(fault(
                        place(&span),
                        "a second YAML document; a rule file has one",
                    ));
                }
                document = Some(reader.node(event, &span, 0)?);
            }
        }
    }
    Ok(document.filter(|node: &Node| !node.is_null()))
}

struct Reader<'input> {
    events: Parser<'input, granit_parser::StrInput<'input>>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
}

impl<'input> Reader<'input> {
    /// The next event that is no comment.
    fn next(&mut self) -> Result<Option<(Event<'input>, Span)>, RuleFault> {
        loop {
            let event = self.events.next_event().transpose().map_err(|error| {
                let marker = error.marker();
                fault(
                    Place {
                        line: marker.line(),
                        column: marker.col() + 1,
                    },
                    &format!("not valid YAML: {error}"),
                )
            })?;
            if !matches!(event, Some((Event::Comment(..), _))) {
                return Ok(event);
            }
        }
    }

    fn require(&mut self, at: Place) -> Result<(Event<'input>, Span), RuleFault> {
        self.next()?
            .ok_or_else(|| fault(at, "the document ends too early"))
    }

    fn node(&mut self, event: Event<'input>, span: &Span, depth: usize) -> Result<Node, RuleFault> {
        let place = place(span);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(fault(place, "the document nests too deep or is too large"));
        }
        let (anchor, value) = match event {
            Event::Scalar(text, style, anchor, _) => (
                anchor,
                Value::Scalar {
                    text: text.into_owned(),
                    style,
                },
            ),
            Event::SequenceStart(_, anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.require(place)?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(event, &span, depth + 1)?);
                }
                (anchor, Value::Sequence(items))
            }
            Event::MappingStart(_, anchor, _) => {
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.require(place)?;
                    if matches!(event, Event::MappingEnd) {
                        break;
                    }
                    let key = self.node(event, &span, depth + 1)?;
                    let (event, span) = self.require(place)?;
                    let value = self.node(event, &span, depth + 1)?;
                    entries.push((key, value));
                }
                (anchor, Value::Mapping(entries))
            }
            Event::Alias(anchor) => {
                let node = self
                    .anchors
                    .iter()
                    .find(|(id, _)| *id == anchor)
                    .map(|(_, node)| node.clone())
                    .ok_or_else(|| {
                        fault(place, "an alias of something that is not finished yet")
                    })?;
                self.nodes += count(&node);
                return Ok(node);
            }
            _ => return Err(fault(place, "an unexpected YAML construct")),
        };
        let node = Node { place, value };
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        Ok(node)
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Scalar { .. } => 0,
        Value::Sequence(items) => items.iter().map(count).sum(),
        Value::Mapping(entries) => entries
            .iter()
            .map(|(key, value)| count(key) + count(value))
            .sum(),
    }
}

fn place(span: &Span) -> Place {
    Place {
        line: span.start.line(),
        column: span.start.col() + 1,
    }
}

fn fault(place: Place, message: &str) -> RuleFault {
    RuleFault::at(place, String::new(), message.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    fn find<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Mapping(entries) = &node.value else {
            panic!("{node:?}")
        };
        &entries
            .iter()
            .find(|(name, _)| name.text() == Some(key))
            .unwrap()
            .1
    }

    #[test]
    fn offsets_inside_scalars_are_found_in_the_source() {
        let source = "a: up > x\nb: 'up > y'\nc: |\n  first\n  second line\nd: >-\n  one\n  two\n";
        let root = parse(source).unwrap().unwrap();
        for (key, word, line, column) in [
            ("a", "x", 1, 9),
            ("b", "y", 2, 10),
            ("c", "line", 5, 10),
            ("d", "two", 8, 3),
        ] {
            let node = find(&root, key);
            let offset = node.text().unwrap().find(word).unwrap();
            assert_eq!(
                node.place_of(source, offset),
                Place { line, column },
                "{key}"
            );
        }
    }

    #[test]
    fn comments_may_stand_anywhere() {
        let source = "# first\n---\n# before\na: # after a key\n  # inside\n  - b # behind\n  # between\n\
                      \x20 - c\n# and\nd: |  # header\n  # text\n# last\n";
        let root = parse(source).unwrap().unwrap();
        let Value::Sequence(items) = &find(&root, "a").value else {
            panic!("{root:?}")
        };
        let texts: Vec<_> = items.iter().filter_map(Node::text).collect();
        assert_eq!(texts, ["b", "c"]);
        assert_eq!(find(&root, "d").text(), Some("# text\n"));
        assert!(parse("# nothing else\n").unwrap().is_none());
    }

    #[test]
    fn broken_yaml_names_its_place() {
        let error = parse("a:\n  - b\n c: d\n").unwrap_err();
        assert!(error.line >= 2, "{error}");
        assert!(error.to_string().contains("not valid YAML"), "{error}");
    }

    #[test]
    fn an_alias_bomb_is_stopped() {
        let mut source = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..9 {
            let item = format!("*a{},", level - 1).repeat(10);
            writeln!(source, "a{level}: &a{level} [{item}]").unwrap();
        }
        assert!(parse(&source).is_err());
    }
}
