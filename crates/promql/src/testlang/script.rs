//! From the text of a test script to its commands.

use yunhai_model::{Labels, METRIC_NAME, TimestampMs};

use crate::series_notation::{self, NotationError};
use crate::time::parse_duration_or_zero;

/// A line that is not in the language.
#[derive(Clone, Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// A series and its values, one for each interval; nothing stands for "no sample".
pub(super) type Row = (Labels, Vec<Option<f64>>);

/// A command of the language.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Adds samples.
    Load {
        /// The time between samples.
        interval_ms: i64,
        /// The series.
        series: Vec<Row>,
        /// Names of metrics that were given as native histograms, which are left out.
        histograms: Vec<String>,
    },
    /// Removes all samples.
    Clear,
    /// Evaluates and compares.
    Eval(Eval),
}

/// When to evaluate.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// At a moment.
    Instant(TimestampMs),
    /// At each step of a range.
    Range {
        /// The first moment.
        start_ms: TimestampMs,
        /// The last moment.
        end_ms: TimestampMs,
        /// The time between moments.
        step_ms: i64,
    },
}

/// An evaluation and what it should yield.
#[derive(Clone, Debug)]
pub(super) struct Eval {
    /// The line in the script, from 1.
    pub line: usize,
    /// The expression.
    pub expr: String,
    /// When to evaluate it.
    pub when: When,
    /// Whether it should fail.
    pub fails: bool,
    /// Whether the order of the result matters.
    pub ordered: bool,
    /// Messages that should, or should not, come.
    pub expectations: Vec<Expectation>,
    /// The number that a scalar should be.
    pub scalar: Option<f64>,
    /// The text that a string should be.
    pub text: Option<String>,
    /// The series that should come.
    pub rows: Vec<Row>,
    /// The first moment and the step of an expected range vector.
    pub range_vector: Option<(TimestampMs, i64)>,
    /// Whether native histograms should come.
    pub expects_histograms: bool,
}

/// A message that should, or should not, come.
#[derive(Clone, Debug)]
pub(super) enum Expectation {
    /// A warning, of this pattern where there is one.
    Warn(Option<regex::Regex>),
    /// An info, of this pattern where there is one.
    Info(Option<regex::Regex>),
    /// No warning.
    NoWarn,
    /// No info.
    NoInfo,
    /// The failure is of this pattern.
    Failure(regex::Regex),
}

/// Parses a script.
pub(super) fn parse_script(text: &str) -> Result<Vec<Command>, ScriptError> {
    let mut lines = Lines {
        lines: text
            .lines()
            .map(|line| {
                let line = line.trim();
                if line.starts_with('#') { "" } else { line }
            })
            .collect(),
        at: 0,
    };
    let mut commands = Vec::new();
    while let Some((line, text)) = lines.next_command() {
        let fault = |message: String| ScriptError { line, message };
        let word = text.split_whitespace().next().unwrap_or_default();
        commands.push(match word {
            "clear" => Command::Clear,
            "load" | "load_with_nhcb" => load(text, &mut lines).map_err(fault)?,
            _ if word.starts_with("eval") => {
                Command::Eval(eval(line, text, &mut lines).map_err(fault)?)
            }
            _ => return Err(fault(format!("unknown command `{text}`"))),
        });
    }
    Ok(commands)
}

struct Lines<'a> {
    lines: Vec<&'a str>,
    at: usize,
}

impl<'a> Lines<'a> {
    /// The next line that is not empty, with its number from 1.
    fn next_command(&mut self) -> Option<(usize, &'a str)> {
        while self.at < self.lines.len() {
            self.at += 1;
            let line = self.lines[self.at - 1];
            if !line.is_empty() {
                return Some((self.at, line));
            }
        }
        None
    }

    /// The next line of a block, which an empty line ends.
    fn next_in_block(&mut self) -> Option<&'a str> {
        let line = self
            .lines
            .get(self.at)
            .copied()
            .filter(|line| !line.is_empty())?;
        self.at += 1;
        Some(line)
    }
}

fn load(text: &str, lines: &mut Lines<'_>) -> Result<Command, String> {
    let (command, interval) = text
        .split_once(char::is_whitespace)
        .ok_or("load needs an interval")?;
    let interval_ms = duration(interval)?;
    let mut series = Vec::new();
    let mut histograms = Vec::new();
    while let Some(line) = lines.next_in_block() {
        if line
            .split_whitespace()
            .next()
            .is_some_and(|name| name.ends_with("@st"))
        {
            // Start timestamps of samples: nothing that we store.
            continue;
        }
        match series_notation::parse_series(without_comment(line)) {
            Ok((labels, values)) => {
                if command == "load_with_nhcb"
                    && let Some(name) = labels.metric_name()
                {
                    let name = ["_bucket", "_count", "_sum"]
                        .iter()
                        .find_map(|ending| name.strip_suffix(ending))
                        .unwrap_or(name);
                    histograms.push(name.to_owned());
                }
                series.push((labels, values));
            }
            Err(NotationError::Histogram(_)) => {
                let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
                histograms.push(line[..end].to_owned());
            }
            Err(error) => return Err(format!("{line}: {error}")),
        }
    }
    Ok(Command::Load {
        interval_ms,
        series,
        histograms,
    })
}

fn eval(line: usize, text: &str, lines: &mut Lines<'_>) -> Result<Eval, String> {
    let (command, rest) = text
        .split_once(char::is_whitespace)
        .ok_or("eval needs `instant` or `range`")?;
    let rest = rest.trim_start();
    let (when, expr) = if let Some(rest) = rest.strip_prefix("instant") {
        instant(rest.trim_start())?
    } else if let Some(rest) = rest.strip_prefix("range") {
        range(rest.trim_start())?
    } else {
        return Err("eval needs `instant` or `range`".into());
    };
    let mut eval = Eval {
        line,
        expr: expr.to_owned(),
        when,
        fails: command == "eval_fail",
        ordered: command == "eval_ordered",
        expectations: match command {
            "eval_warn" => vec![Expectation::Warn(None)],
            "eval_info" => vec![Expectation::Info(None)],
            _ => Vec::new(),
        },
        scalar: None,
        text: None,
        rows: Vec::new(),
        range_vector: None,
        expects_histograms: false,
    };
    while let Some(line) = lines.next_in_block() {
        expected(line, &mut eval)?;
    }
    Ok(eval)
}

fn instant(rest: &str) -> Result<(When, &str), String> {
    let Some(rest) = rest.strip_prefix("at ") else {
        return Ok((When::Instant(0), rest));
    };
    let (time, expr) = next_word(rest).ok_or("eval instant needs a time and an expression")?;
    Ok((When::Instant(duration(time)?), expr))
}

fn range(rest: &str) -> Result<(When, &str), String> {
    let mut rest = rest;
    let mut times = [0; 3];
    for (time, keyword) in times.iter_mut().zip(["from", "to", "step"]) {
        let (word, after) = next_word(rest).ok_or("eval range needs from, to and step")?;
        if word != keyword {
            return Err(format!("expected `{keyword}`, got `{word}`"));
        }
        let (word, after) = next_word(after).ok_or("eval range needs from, to and step")?;
        *time = duration(word)?;
        rest = after;
    }
    let [start_ms, end_ms, step_ms] = times;
    Ok((
        When::Range {
            start_ms,
            end_ms,
            step_ms,
        },
        rest,
    ))
}

fn next_word(text: &str) -> Option<(&str, &str)> {
    let (word, rest) = text.trim_start().split_once(char::is_whitespace)?;
    Some((word, rest.trim_start()))
}

fn duration(text: &str) -> Result<i64, String> {
    parse_duration_or_zero(text.trim()).map_err(|error| error.to_string())
}

fn expected(line: &str, eval: &mut Eval) -> Result<(), String> {
    if let Some(rest) = line.strip_prefix("expect ") {
        return expectation(rest.trim(), eval);
    }
    if let Some(message) = line.strip_prefix("expected_fail_message") {
        eval.expectations
            .push(Expectation::Failure(exactly(message.trim())?));
        return Ok(());
    }
    if let Some(pattern) = line.strip_prefix("expected_fail_regexp") {
        eval.expectations
            .push(Expectation::Failure(regex(pattern.trim())?));
        return Ok(());
    }
    let line = without_comment(line);
    if line.contains("{{") {
        eval.expects_histograms = true;
        return Ok(());
    }
    if let Some(number) = crate::number::parse_go_float(line) {
        eval.scalar = Some(number);
        return Ok(());
    }
    eval.rows
        .push(series_notation::parse_series(line).map_err(|error| error.to_string())?);
    Ok(())
}

fn expectation(text: &str, eval: &mut Eval) -> Result<(), String> {
    let (kind, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let pattern = || -> Result<Option<regex::Regex>, String> {
        if let Some(message) = rest.strip_prefix("msg:") {
            exactly(message.trim()).map(Some)
        } else if let Some(pattern) = rest.strip_prefix("regex:") {
            regex(&any_position(pattern.trim())).map(Some)
        } else {
            Ok(None)
        }
    };
    match kind {
        "ordered" => eval.ordered = true,
        "fail" => {
            eval.fails = true;
            if let Some(pattern) = pattern()? {
                eval.expectations.push(Expectation::Failure(pattern));
            }
        }
        "warn" => eval.expectations.push(Expectation::Warn(pattern()?)),
        "info" => eval.expectations.push(Expectation::Info(pattern()?)),
        "no_warn" => eval.expectations.push(Expectation::NoWarn),
        "no_info" => eval.expectations.push(Expectation::NoInfo),
        "string" => {
            eval.text = Some(promql_parser::util::unquote_string(rest)?);
        }
        "range" => {
            let rest = rest.strip_prefix("vector ").unwrap_or(rest);
            if let (
                When::Range {
                    start_ms, step_ms, ..
                },
                _,
            ) = range(&format!("{rest} ."))?
            {
                eval.range_vector = Some((start_ms, step_ms));
            }
        }
        _ => return Err(format!("unknown expectation `{text}`")),
    }
    Ok(())
}

fn exactly(message: &str) -> Result<regex::Regex, String> {
    regex(&format!("^{}$", regex::escape(without_position(message))))
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::Regex::new(pattern).map_err(|error| error.to_string())
}

/// Replaces the position `\\(1:5\\)` in a pattern by any.
fn any_position(pattern: &str) -> String {
    regex::Regex::new(r"\\\(\d+:\d+\\\)")
        .expect("the pattern is a constant")
        .replace_all(pattern, r"\([0-9]+:[0-9]+\)")
        .into_owned()
}

/// Cuts the position `(1:5)` from the end of an annotation.
fn without_position(message: &str) -> &str {
    match message.rsplit_once(" (") {
        Some((text, position))
            if position.ends_with(')')
                && position
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b')')) =>
        {
            text
        }
        _ => message,
    }
}

/// Cuts a comment that is not inside quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return line[..at].trim_end(),
            (None, '"' | '\'' | '`') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    line
}

/// The name that a series shows in messages.
pub(super) fn describe(labels: &Labels) -> String {
    if labels.get(METRIC_NAME).is_some() || !labels.is_empty() {
        labels.to_string()
    } else {
        "{}".into()
    }
}
