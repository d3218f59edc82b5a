//! Arithmetic and comparison between two vectors: which series meet which.

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, is_stale};

use super::{arithmetic, holds};
use crate::ast::{Binary, GroupSide, Grouping};
use crate::engine::Error;
use crate::eval::{ABSENT, Evaluator, Grid, METADATA_LABELS, Series, without_name};

/// The labels by which series of both sides meet.
pub(super) fn signature(labels: &Labels, matching: &Grouping) -> Labels {
    let names: Vec<&str> = matching.labels.iter().map(String::as_str).collect();
    if matching.without {
        let names: Vec<&str> = names.into_iter().chain(METADATA_LABELS).collect();
        labels.without(&names)
    } else {
        labels.only(&names)
    }
}

/// Series of both sides that share a signature. "One" is the side that may have but a single
/// series at each step, the other one is "many".
struct Meeting {
    signature: Labels,
    many: Vec<usize>,
    one: Vec<usize>,
}

impl Evaluator<'_> {
    pub(super) fn matched(
        &self,
        binary: &Binary,
        lhs: Vec<Series>,
        rhs: Vec<Series>,
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        let is_swapped = binary.group == GroupSide::Right;
        let (many, one) = if is_swapped { (rhs, lhs) } else { (lhs, rhs) };
        // As in Prometheus, `fill_left` stands for the many side even under `group_right`.
        let (fill_many, fill_one) = (binary.fill_left, binary.fill_right);
        let is_filling = fill_many.is_some() || fill_one.is_some();
        // Where one side is empty, nothing meets and so nothing can be ambiguous.
        let is_live: Vec<bool> = any_present(&many, grid)
            .into_iter()
            .zip(any_present(&one, grid))
            .map(|(many, one)| is_filling || (many && one))
            .collect();

        let mut output = Output {
            evaluator: self,
            binary,
            places: FxHashMap::default(),
            pairs: FxHashMap::default(),
            series: Vec::new(),
            steps: grid.steps,
        };
        for meeting in meetings(binary, &many, &one) {
            self.limits.check_time()?;
            if (meeting.many.is_empty() && fill_many.is_none())
                || (meeting.one.is_empty() && fill_one.is_none())
            {
                check_unique(binary, &meeting, &one, &is_live)?;
                continue;
            }
            let partners = check_unique(binary, &meeting, &one, &is_live)?;
            let mut is_taken = vec![false; grid.steps];
            let mut is_met = vec![false; grid.steps];
            for member in &meeting.many {
                for step in 0..grid.steps {
                    let value = many[*member].values[step];
                    if is_stale(value) || !is_live[step] {
                        continue;
                    }
                    is_met[step] = true;
                    let partner = partners[step];
                    let partner_value = match (partner, fill_one) {
                        (Some(partner), _) => one[partner].values[step],
                        (None, Some(fill)) => fill,
                        (None, None) => continue,
                    };
                    let result = combined(binary, is_swapped, value, partner_value);
                    // Prometheus 2 lets pass what a filter drops.
                    if result.is_none() && !self.is_v3() {
                        continue;
                    }
                    if binary.group == GroupSide::None
                        && std::mem::replace(&mut is_taken[step], true)
                    {
                        return Err(Error::Evaluation(
                            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".into(),
                        ));
                    }
                    let Some(result) = result else {
                        continue;
                    };
                    let many_labels = &many[*member].labels;
                    let one_labels = partner.map_or(&meeting.signature, |at| &one[at].labels);
                    output.put(
                        (Some(*member), partner),
                        many_labels,
                        one_labels,
                        step,
                        result,
                    )?;
                }
            }
            if let Some(fill) = fill_many {
                for step in 0..grid.steps {
                    let Some(partner) = partners[step].filter(|_| !is_met[step]) else {
                        continue;
                    };
                    let value = one[partner].values[step];
                    if let Some(result) = combined(binary, is_swapped, fill, value) {
                        let one_labels = &one[partner].labels;
                        output.put(
                            (None, Some(partner)),
                            &meeting.signature,
                            one_labels,
                            step,
                            result,
                        )?;
                    }
                }
            }
        }
        Ok(output.series)
    }
}

/// For each step the series of the one side, which must be alone there.
fn check_unique(
    binary: &Binary,
    meeting: &Meeting,
    one: &[Series],
    is_live: &[bool],
) -> Result<Vec<Option<usize>>, Error> {
    let mut partners: Vec<Option<usize>> = vec![None; is_live.len()];
    for member in &meeting.one {
        for (step, value) in one[*member].values.iter().enumerate() {
            if is_stale(*value) || !is_live[step] {
                continue;
            }
            if let Some(other) = partners[step].replace(*member) {
                let (first, second) = (&one[*member].labels, &one[other].labels);
                let (first, second) = (first.min(second), first.max(second));
                let side = if binary.group == GroupSide::Right {
                    "left"
                } else {
                    "right"
                };
                return Err(Error::Evaluation(format!(
                    "found duplicate series for the match group {} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
                    in_braces(&meeting.signature),
                    in_braces(first),
                    in_braces(second),
                )));
            }
        }
    }
    Ok(partners)
}

/// `{__name__="up", job="a"}`, the form in which Prometheus's messages show labels.
fn in_braces(labels: &Labels) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

fn any_present(series: &[Series], grid: Grid) -> Vec<bool> {
    let mut any = vec![false; grid.steps];
    for series in series {
        for (any, value) in any.iter_mut().zip(&series.values) {
            *any |= !is_stale(*value);
        }
    }
    any
}

fn meetings(binary: &Binary, many: &[Series], one: &[Series]) -> Vec<Meeting> {
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut meetings: Vec<Meeting> = Vec::new();
    let mut place_of = |meetings: &mut Vec<Meeting>, labels: &Labels| {
        let signature = signature(labels, &binary.matching);
        *places.entry(signature.clone()).or_insert_with(|| {
            meetings.push(Meeting {
                signature,
                many: Vec::new(),
                one: Vec::new(),
            });
            meetings.len() - 1
        })
    };
    for (at, series) in many.iter().enumerate() {
        let place = place_of(&mut meetings, &series.labels);
        meetings[place].many.push(at);
    }
    for (at, series) in one.iter().enumerate() {
        let place = place_of(&mut meetings, &series.labels);
        meetings[place].one.push(at);
    }
    meetings
}

/// The result of one meeting; nothing where a filter does not let it pass.
fn combined(binary: &Binary, is_swapped: bool, many: f64, one: f64) -> Option<f64> {
    let (left, right) = if is_swapped { (one, many) } else { (many, one) };
    if !binary.op.is_comparison() {
        return Some(arithmetic(binary.op, left, right));
    }
    let holds = holds(binary.op, left, right);
    if binary.return_bool {
        Some(f64::from(u8::from(holds)))
    } else {
        holds.then_some(left)
    }
}

/// A many-side and a one-side series; nothing where a fill value stands in.
type Pair = (Option<usize>, Option<usize>);

struct Output<'a> {
    evaluator: &'a Evaluator<'a>,
    binary: &'a Binary,
    places: FxHashMap<Labels, usize>,
    /// Places of pairs, to make each pair's labels once only.
    pairs: FxHashMap<Pair, usize>,
    series: Vec<Series>,
    steps: usize,
}

impl Output<'_> {
    fn put(
        &mut self,
        pair: Pair,
        many: &Labels,
        one: &Labels,
        step: usize,
        value: f64,
    ) -> Result<(), Error> {
        let place = if let Some(place) = self.pairs.get(&pair) {
            *place
        } else {
            let labels = self.result_labels(many, one);
            let series = &mut self.series;
            let steps = self.steps;
            let place = *self.places.entry(labels.clone()).or_insert_with(|| {
                series.push(Series {
                    labels,
                    values: vec![ABSENT; steps],
                });
                series.len() - 1
            });
            self.evaluator
                .limits
                .check_samples(self.series.len().saturating_mul(steps))?;
            self.pairs.insert(pair, place);
            place
        };
        let into = &mut self.series[place].values[step];
        if !is_stale(*into) {
            return Err(if self.binary.group == GroupSide::None {
                crate::eval::same_labels()
            } else {
                Error::Evaluation(
                    "multiple matches for labels: grouping labels must ensure unique matches"
                        .into(),
                )
            });
        }
        *into = value;
        Ok(())
    }

    fn result_labels(&self, many: &Labels, one: &Labels) -> Labels {
        let mut labels = if self.evaluator.drops_name(self.binary) {
            without_name(many)
        } else {
            many.clone()
        };
        let matching = &self.binary.matching;
        if self.binary.group == GroupSide::None {
            let names: Vec<&str> = matching.labels.iter().map(String::as_str).collect();
            labels = if matching.without {
                labels.without(&names)
            } else {
                labels.only(&names)
            };
        }
        for name in &self.binary.include {
            labels = labels.with(name, one.get(name).unwrap_or_default());
        }
        labels
    }
}
