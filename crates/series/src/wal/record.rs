//! Records of the log: a frame with length and checksum around entries.
//!
//! Frame: payload length (u32), CRC-32 of the payload (u32), payload; little endian. A payload is
//! a sequence of entries, each a tag and its content; integers are LEB128, signed ones zigzag.

use yunhai_model::{Labels, Sample};

use crate::catalogue::SeriesId;

/// Names a series: id, number of labels, then names and values with their lengths.
const SERIES: u8 = 1;
/// Samples: their number, then for each the id and time as differences from the one before, and
/// the value's eight bytes.
const SAMPLES: u8 = 2;
/// The last record of a checkpoint.
pub(super) const END: u8 = 3;

/// One entry of a record.
#[derive(Debug, PartialEq)]
pub(crate) enum Entry {
    Series(SeriesId, Labels),
    Samples(Vec<(SeriesId, Sample)>),
    End,
}

/// Gathers what one call appends.
#[derive(Debug, Default)]
pub(crate) struct RecordBuilder {
    series: Vec<u8>,
    samples: Vec<u8>,
    count: u64,
    last: (SeriesId, i64),
}

impl RecordBuilder {
    pub(crate) fn series(&mut self, id: SeriesId, labels: &Labels) {
        self.series.push(SERIES);
        put_varint(&mut self.series, u64::from(id));
        put_varint(&mut self.series, labels.len() as u64);
        for (name, value) in labels.iter() {
            for text in [name, value] {
                put_varint(&mut self.series, text.len() as u64);
                self.series.extend_from_slice(text.as_bytes());
            }
        }
    }

    #[inline]
    pub(crate) fn sample(&mut self, id: SeriesId, sample: Sample) {
        let (last_id, last_time) = self.last;
        // Two varints and a value, put together on the stack so that the vector grows once.
        let mut bytes = [0u8; 10 + 10 + 8];
        let mut at = write_varint(&mut bytes, 0, zigzag(i64::from(id) - i64::from(last_id)));
        at = write_varint(
            &mut bytes,
            at,
            zigzag(sample.timestamp_ms.wrapping_sub(last_time)),
        );
        bytes[at..at + 8].copy_from_slice(&sample.value.to_bits().to_le_bytes());
        self.samples.extend_from_slice(&bytes[..at + 8]);
        self.count += 1;
        self.last = (id, sample.timestamp_ms);
    }

    pub(crate) fn len_bytes(&self) -> usize {
        self.series.len() + self.samples.len()
    }

    /// Returns the payload; empty where nothing was gathered.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.series.push(SAMPLES);
            put_varint(&mut self.series, self.count);
            self.series.extend_from_slice(&self.samples);
        }
        self.series
    }
}

/// Puts a payload in its frame.
pub(super) fn frame(into: &mut Vec<u8>, payload: &[u8]) {
    into.reserve(payload.len() + 8);
    into.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    into.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    into.extend_from_slice(payload);
}

/// What stands at the start of some bytes.
pub(super) enum Framed<'a> {
    /// A sound payload and what follows it.
    Sound(&'a [u8], &'a [u8]),
    /// A whole frame whose checksum is wrong, and what follows it.
    Wrong(&'a [u8]),
    /// The bytes end within the frame.
    Torn,
}

pub(super) fn unframe(bytes: &[u8]) -> Framed<'_> {
    let Some((header, rest)) = bytes.split_at_checked(8) else {
        return Framed::Torn;
    };
    let word =
        |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes of eight"));
    let Some((payload, rest)) = rest.split_at_checked(word(0) as usize) else {
        return Framed::Torn;
    };
    if crc32fast::hash(payload) == word(4) && !payload.is_empty() {
        Framed::Sound(payload, rest)
    } else {
        Framed::Wrong(rest)
    }
}

/// Reads the entries of a payload; `None` where it is malformed in spite of its checksum.
pub(super) fn entries(mut payload: &[u8]) -> Option<Vec<Entry>> {
    let input = &mut payload;
    let mut entries = Vec::new();
    while let Some((tag, rest)) = input.split_first() {
        *input = rest;
        match *tag {
            SERIES => {
                let id = SeriesId::try_from(take_varint(input)?).ok()?;
                let count = take_varint(input)?;
                let mut pairs = Vec::new();
                for _ in 0..count {
                    let name = take_text(input)?;
                    pairs.push((name, take_text(input)?));
                }
                entries.push(Entry::Series(id, Labels::new(pairs)));
            }
            SAMPLES => {
                let count = take_varint(input)?;
                let mut samples = Vec::with_capacity(count.min(1 << 20) as usize);
                let (mut id, mut time) = (0i64, 0i64);
                for _ in 0..count {
                    id += unzigzag(take_varint(input)?);
                    time = time.wrapping_add(unzigzag(take_varint(input)?));
                    let (value, rest) = input.split_at_checked(8)?;
                    *input = rest;
                    let bits = u64::from_le_bytes(value.try_into().ok()?);
                    let sample = Sample {
                        timestamp_ms: time,
                        value: f64::from_bits(bits),
                    };
                    samples.push((SeriesId::try_from(id).ok()?, sample));
                }
                entries.push(Entry::Samples(samples));
            }
            END => entries.push(Entry::End),
            _ => return None,
        }
    }
    Some(entries)
}

fn put_varint(into: &mut Vec<u8>, value: u64) {
    let mut bytes = [0; 10];
    let length = write_varint(&mut bytes, 0, value);
    into.extend_from_slice(&bytes[..length]);
}

/// Writes at a place of a buffer and returns the place after.
#[inline]
fn write_varint(into: &mut [u8], mut at: usize, mut value: u64) -> usize {
    while value >= 0x80 {
        into[at] = value as u8 | 0x80;
        value >>= 7;
        at += 1;
    }
    into[at] = value as u8;
    at + 1
}

fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = input.split_first()?;
        *input = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take_varint(input)?).ok()?;
    let (text, rest) = input.split_at_checked(length)?;
    *input = rest;
    std::str::from_utf8(text).ok()
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_written() {
        let labels = Labels::of_metric("up", [("job", "节点")]);
        let mut record = RecordBuilder::default();
        record.series(7, &labels);
        let samples = [
            (7, i64::MIN, -0.0),
            (0, i64::MAX, 1.5),
            (7, 3, f64::INFINITY),
        ];
        let samples = samples.map(|(id, timestamp_ms, value)| {
            (
                id,
                Sample {
                    timestamp_ms,
                    value,
                },
            )
        });
        for (id, sample) in samples {
            record.sample(id, sample);
        }
        let mut framed = Vec::new();
        frame(&mut framed, &record.finish());
        let Framed::Sound(payload, rest) = unframe(&framed) else {
            panic!("the frame is sound");
        };
        assert!(rest.is_empty());
        assert_eq!(
            entries(payload).unwrap(),
            [Entry::Series(7, labels), Entry::Samples(samples.to_vec())]
        );
        assert!(matches!(unframe(&framed[..framed.len() - 1]), Framed::Torn));
        let mut flipped = framed.clone();
        flipped[12] ^= 1;
        assert!(matches!(unframe(&flipped), Framed::Wrong(_)));
    }
}
