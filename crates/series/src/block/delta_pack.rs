//! Parquet's DELTA_BINARY_PACKED, with the choices that it leaves made for sample files.
//!
//! The encoding stores differences in miniblocks of equal bit width, each difference less a frame
//! of reference that a block of miniblocks shares. Two things make sample files smaller than the
//! usual "smallest difference, fewest bits":
//!
//! - Where one series ends and the next begins, and where a counter is reset, the difference is
//!   far from all others. The arithmetic wraps around, so the frame need not be the smallest
//!   difference: such a step then costs 64 bits in its own miniblock and nothing in the others.
//! - Widths can be rounded up to whole bytes with one frame for the page. The same difference is
//!   then the same byte everywhere, and the entropy coder of the compression that follows makes
//!   more of that than tight bits would save, as long as differences fit one byte.

/// Differences of one width; the least that Parquet allows.
const MINIBLOCK: usize = 32;
/// Miniblocks with one frame of reference.
const MINIBLOCKS: usize = 16;
const BLOCK: usize = MINIBLOCK * MINIBLOCKS;

/// How bit widths are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Widths {
    /// As few bits as each miniblock needs.
    Exact,
    /// Whole bytes, so that a compressor finds equal differences again.
    WholeBytes,
}

/// Encodes integers as the content of a page.
pub(crate) fn encode(values: &[i64], widths: Widths) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + values.len() * 3);
    put_varint(&mut out, BLOCK as u64);
    put_varint(&mut out, MINIBLOCKS as u64);
    put_varint(&mut out, values.len() as u64);
    put_varint(&mut out, zigzag(values.first().copied().unwrap_or(0)));
    let deltas: Vec<i64> = values
        .windows(2)
        .map(|pair| pair[1].wrapping_sub(pair[0]))
        .collect();
    let spans: Vec<Span> = deltas.chunks(MINIBLOCK).map(Span::of).collect();
    let frame_of_page =
        (widths == Widths::WholeBytes).then(|| cheapest_frame(&spans, Widths::WholeBytes));
    for (deltas, spans) in deltas.chunks(BLOCK).zip(spans.chunks(MINIBLOCKS)) {
        let frame = frame_of_page.unwrap_or_else(|| cheapest_frame(spans, widths));
        put_varint(&mut out, zigzag(frame));
        for at in 0..MINIBLOCKS {
            out.push(
                spans
                    .get(at)
                    .map_or(0, |span| span.width(frame, widths) as u8),
            );
        }
        for (miniblock, span) in deltas.chunks(MINIBLOCK).zip(spans) {
            pack(miniblock, frame, span.width(frame, widths), &mut out);
        }
    }
    out
}

/// The smallest and the largest difference of a miniblock.
#[derive(Clone, Copy)]
struct Span {
    min: i64,
    max: i64,
}

impl Span {
    fn of(miniblock: &[i64]) -> Self {
        let (min, max) = miniblock
            .iter()
            .fold((i64::MAX, i64::MIN), |(min, max), delta| {
                (min.min(*delta), max.max(*delta))
            });
        Self { min, max }
    }

    /// Returns the bits of each difference less the frame; one below the frame wraps around.
    fn width(self, frame: i64, widths: Widths) -> u32 {
        if self.min < frame {
            return u64::BITS;
        }
        let bits = u64::BITS - (self.max.wrapping_sub(frame) as u64).leading_zeros();
        match widths {
            Widths::Exact => bits,
            Widths::WholeBytes => bits.next_multiple_of(8),
        }
    }
}

/// Finds the frame of reference with which the miniblocks take the fewest bits.
fn cheapest_frame(spans: &[Span], widths: Widths) -> i64 {
    let mut frames: Vec<i64> = spans.iter().map(|span| span.min).collect();
    frames.sort_unstable();
    frames.dedup();
    let cost = |frame: i64| -> u32 { spans.iter().map(|span| span.width(frame, widths)).sum() };
    frames
        .into_iter()
        .min_by_key(|frame| cost(*frame))
        .unwrap_or(0)
}

/// Appends a miniblock, filled up with zeros where it is the last one.
fn pack(miniblock: &[i64], frame: i64, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let end = out.len() + MINIBLOCK / 8 * width as usize;
    let (mut bits, mut filled) = (0_u128, 0);
    for delta in miniblock {
        bits |= u128::from(delta.wrapping_sub(frame) as u64) << filled;
        filled += width;
        if filled >= u64::BITS {
            out.extend_from_slice(&(bits as u64).to_le_bytes());
            bits >>= u64::BITS;
            filled -= u64::BITS;
        }
    }
    out.extend_from_slice(&(bits as u64).to_le_bytes());
    out.resize(end, 0);
}

fn put_varint(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counters and a third that is reset on its way.
    fn counters() -> Vec<i64> {
        let steps = |start: i64| (0..700).map(move |at: i64| start + at * 1000 + at * at % 7);
        steps(1 << 40).chain(steps(5)).chain(steps(0)).collect()
    }

    #[test]
    fn a_step_between_series_widens_its_own_miniblock_only() {
        let values = counters();
        let plain = encode(&values[..700], Widths::Exact).len();
        let three = encode(&values, Widths::Exact).len();
        assert!(three < 3 * plain + 2 * 256 + 200, "{three} of {plain}");
    }

    #[test]
    fn whole_bytes_have_one_frame() {
        let values: Vec<i64> = (0..8192).map(|at| at * at % 50).collect();
        let encoded = encode(&values, Widths::WholeBytes);
        assert!(
            encoded.len() > 8191 && encoded.len() < 8192 + 700,
            "{}",
            encoded.len()
        );
    }
}
