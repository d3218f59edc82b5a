//! Decodes Prometheus remote write 1.0: snappy-compressed protobuf, labels borrowed from the buffer.
//!
//! The schema is `prompb/remote.proto` and `types.proto` of Prometheus. Exemplars and native
//! histograms are passed over. Written by hand, as a general decoder copies every label of every
//! sample, which is most of the work of ingesting.

use std::ops::Range;

use yunhai_model::Sample;
use yunhai_series::IncomingSeries;

/// Why a body is not a remote write request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DecodeError {
    #[error("the body is not compressed with snappy (block format): {0}")]
    Snappy(String),
    #[error("the body would be {size} bytes when decompressed; at most {limit} are accepted")]
    TooLarge { size: usize, limit: usize },
    #[error("the protobuf message breaks off or is malformed at byte {0}")]
    Malformed(usize),
    #[error("a label at byte {0} is not valid UTF-8")]
    Utf8(usize),
}

/// Decompresses a body, refusing one that would grow beyond `limit` bytes.
pub(crate) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, DecodeError> {
    let snappy = |error: snap::Error| DecodeError::Snappy(error.to_string());
    let size = snap::raw::decompress_len(body).map_err(snappy)?;
    if size > limit {
        return Err(DecodeError::TooLarge { size, limit });
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(snappy)
}

/// A decoded request, in flat columns.
#[derive(Debug, Default)]
pub(crate) struct WriteRequest<'a> {
    labels: Vec<(&'a str, &'a str)>,
    samples: Vec<Sample>,
    series: Vec<(Range<usize>, Range<usize>)>,
    /// What the sender tells of its metrics.
    pub(crate) metadata: Vec<Metadata<'a>>,
}

/// What a sender tells of a metric.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata<'a> {
    /// `MetricMetadata.MetricType`: 1 counter, 2 gauge, 3 histogram, 4 gauge histogram,
    /// 5 summary, 6 info, 7 state set.
    pub(crate) kind: u64,
    pub(crate) metric: &'a str,
    pub(crate) help: &'a str,
    pub(crate) unit: &'a str,
}

impl<'a> WriteRequest<'a> {
    /// Decodes a decompressed body.
    pub(crate) fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut request = Self::default();
        let mut message = Message::new(bytes, 0);
        while let Some((field, value)) = message.next()? {
            match (field, value) {
                (1, Value::Bytes(inner)) => request.add_series(inner)?,
                (3, Value::Bytes(inner)) => request.metadata.push(metadata(inner)?),
                _ => {}
            }
        }
        Ok(request)
    }

    fn add_series(&mut self, mut message: Message<'a>) -> Result<(), DecodeError> {
        let (first_label, first_sample) = (self.labels.len(), self.samples.len());
        while let Some((field, value)) = message.next()? {
            match (field, value) {
                (1, Value::Bytes(mut label)) => {
                    let (mut name, mut text) = ("", "");
                    while let Some((field, value)) = label.next()? {
                        match (field, value) {
                            (1, Value::Bytes(inner)) => name = inner.text()?,
                            (2, Value::Bytes(inner)) => text = inner.text()?,
                            _ => {}
                        }
                    }
                    self.labels.push((name, text));
                }
                (2, Value::Bytes(inner)) => self.samples.push(sample(inner)?),
                _ => {}
            }
        }
        self.series.push((
            first_label..self.labels.len(),
            first_sample..self.samples.len(),
        ));
        Ok(())
    }

    /// Returns the series as the store takes them.
    pub(crate) fn series(&self) -> Vec<IncomingSeries<'_>> {
        self.series
            .iter()
            .map(|(labels, samples)| IncomingSeries {
                labels: &self.labels[labels.clone()],
                samples: &self.samples[samples.clone()],
            })
            .collect()
    }
}

fn sample(mut message: Message<'_>) -> Result<Sample, DecodeError> {
    let mut sample = Sample {
        timestamp_ms: 0,
        value: 0.0,
    };
    // Nearly all have both fields, in this order: the key 0x09 and eight bytes, then 0x10.
    if let Some((&[0x09, ref value @ .., 0x10], _)) = message.bytes.split_first_chunk::<10>() {
        message.at = 10;
        sample.value = f64::from_le_bytes(*value);
        sample.timestamp_ms = message.varint()?.cast_signed();
    }
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Fixed64(bits)) => sample.value = f64::from_bits(bits),
            (2, Value::Varint(number)) => sample.timestamp_ms = number.cast_signed(),
            _ => {}
        }
    }
    Ok(sample)
}

fn metadata(mut message: Message<'_>) -> Result<Metadata<'_>, DecodeError> {
    let mut metadata = Metadata::default();
    while let Some((field, value)) = message.next()? {
        match (field, value) {
            (1, Value::Varint(kind)) => metadata.kind = kind,
            (2, Value::Bytes(inner)) => metadata.metric = inner.text()?,
            (4, Value::Bytes(inner)) => metadata.help = inner.text()?,
            (5, Value::Bytes(inner)) => metadata.unit = inner.text()?,
            _ => {}
        }
    }
    Ok(metadata)
}

/// A protobuf message that is read field by field.
#[derive(Clone, Copy)]
struct Message<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where the message starts in the whole body, for errors.
    offset: usize,
}

enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(Message<'a>),
    Fixed32,
}

impl<'a> Message<'a> {
    fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            bytes,
            at: 0,
            offset,
        }
    }

    fn malformed(&self) -> DecodeError {
        DecodeError::Malformed(self.offset + self.at)
    }

    #[inline]
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, DecodeError> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?;
                Value::Fixed64(u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            }
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| self.malformed())?;
                let start = self.at;
                let bytes = self.take(length)?;
                Value::Bytes(Message::new(bytes, self.offset + start))
            }
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            _ => return Err(self.malformed()),
        };
        Ok(Some((key >> 3, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.malformed())?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.malformed())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let end = self
            .at
            .checked_add(length)
            .filter(|end| *end <= self.bytes.len())
            .ok_or_else(|| self.malformed())?;
        let bytes = &self.bytes[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn text(&self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.bytes)
            .map_err(|error| DecodeError::Utf8(self.offset + error.valid_up_to()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use yunhai_test_support::remote_write;

    // What another encoder writes.
    fn request(value: &[u8]) -> Vec<u8> {
        let labels = [("__name__", value)];
        let samples = [(-7, 1.5), (1_700_000_000_000, 0.0)];
        let metadata = remote_write::Metadata {
            kind: 1,
            metric: "up".into(),
            help: "Whether.".into(),
        };
        remote_write::WriteRequest {
            series: vec![remote_write::Series::new(labels, samples)],
            metadata: vec![metadata],
        }
        .bytes()
    }

    #[test]
    fn a_request_of_another_encoder_is_understood() {
        let bytes = request("温度".as_bytes());
        let decoded = WriteRequest::decode(&bytes).unwrap();
        let series = decoded.series();
        assert_eq!(series[0].labels, [("__name__", "温度")]);
        assert_eq!(series[0].samples[0].value.to_bits(), 1.5_f64.to_bits());
        assert_eq!(series[0].samples[0].timestamp_ms, -7);
        assert_eq!(series[0].samples[1].timestamp_ms, 1_700_000_000_000);
        assert_eq!(decoded.metadata[0].help, "Whether.");
    }

    #[test]
    fn every_cut_is_refused_or_shorter_and_none_panics() {
        let bytes = request(b"up");
        for end in 0..bytes.len() {
            let _ = WriteRequest::decode(&bytes[..end]);
        }
        assert!(matches!(
            WriteRequest::decode(&bytes[..5]),
            Err(DecodeError::Malformed(_))
        ));
    }

    #[test]
    fn invalid_utf8_is_named_with_its_place() {
        assert!(matches!(
            WriteRequest::decode(&request(b"\xff\xfe")),
            Err(DecodeError::Utf8(_))
        ));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let packed = snap::raw::Encoder::new()
            .compress_vec(&vec![0; 1 << 20])
            .unwrap();
        assert_eq!(
            decompress(&packed, 1000),
            Err(DecodeError::TooLarge {
                size: 1 << 20,
                limit: 1000
            })
        );
        assert!(matches!(
            decompress(b"\xff\xff\xff\xff\xff\xff\xff", 1000),
            Err(DecodeError::Snappy(_))
        ));
    }
}
