//! The week as remote write requests: snappy-compressed protobuf, in a file for a client to send.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::week::{METRICS, ROUNDS, SERVERS, STEP_MS, Week, labels};

/// As many connections send at the same time, each for servers of its own.
const CONNECTIONS: usize = 8;
/// Measurements of half an hour go into a request, as after a short break of the network.
const ROUNDS_A_REQUEST: usize = 6;

/// Writes requests as connection, number of samples, length (`u32`, little endian) and body, those
/// of a connection in the order of time.
pub(crate) fn write(file: &Path, now_ms: i64) {
    let week = Week::new();
    let end_ms = now_ms.div_euclid(STEP_MS) * STEP_MS;
    let start_ms = end_ms - (ROUNDS as i64 - 1) * STEP_MS;
    let share = SERVERS.div_ceil(CONNECTIONS);
    let mut out = BufWriter::new(File::create(file).unwrap());
    let mut snappy = snap::raw::Encoder::new();
    for first_round in (0..ROUNDS).step_by(ROUNDS_A_REQUEST) {
        let rounds = first_round..(first_round + ROUNDS_A_REQUEST).min(ROUNDS);
        for connection in 0..CONNECTIONS {
            let servers = connection * share..((connection + 1) * share).min(SERVERS);
            let samples = servers.len() * METRICS.len() * rounds.len();
            let message = encode(&week, servers, rounds.clone(), start_ms);
            let body = snappy.compress_vec(&message).unwrap();
            for number in [connection, samples, body.len()] {
                out.write_all(&(number as u32).to_le_bytes()).unwrap();
            }
            out.write_all(&body).unwrap();
        }
    }
    out.flush().unwrap();
    println!("start_ms: {start_ms}");
    println!("end_ms: {end_ms}");
}

/// Encodes a `prometheus.WriteRequest`: series (1) of labels (1: name 1, value 2) and samples (2:
/// value 1, timestamp 2).
fn encode(
    week: &Week,
    servers: std::ops::Range<usize>,
    rounds: std::ops::Range<usize>,
    start_ms: i64,
) -> Vec<u8> {
    let mut message = Vec::new();
    let (mut series, mut part) = (Vec::new(), Vec::new());
    for server in servers {
        for metric in 0..METRICS.len() {
            series.clear();
            for (name, value) in labels(server, metric) {
                part.clear();
                put_bytes(&mut part, 1, name.as_bytes());
                put_bytes(&mut part, 2, value.as_bytes());
                put_bytes(&mut series, 1, &part);
            }
            let values = week.values(server, metric, rounds.clone());
            for (round, value) in rounds.clone().zip(values) {
                part.clear();
                part.push(1 << 3 | 1);
                part.extend_from_slice(&value.to_le_bytes());
                part.push(2 << 3);
                put_varint(&mut part, (start_ms + round as i64 * STEP_MS) as u64);
                put_bytes(&mut series, 2, &part);
            }
            put_bytes(&mut message, 1, &series);
        }
    }
    message
}

fn put_bytes(into: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    into.push(field << 3 | 2);
    put_varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn put_varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}
