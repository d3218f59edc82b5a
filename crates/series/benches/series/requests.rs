//! The week as remote write requests: snappy-compressed protobuf, in a file for a client to send.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use yunhai_test_support::remote_write::{Series, WriteRequest};

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

/// Encodes the measurements of some servers.
fn encode(
    week: &Week,
    servers: std::ops::Range<usize>,
    rounds: std::ops::Range<usize>,
    start_ms: i64,
) -> Vec<u8> {
    let series = servers.flat_map(|server| (0..METRICS.len()).map(move |metric| (server, metric)));
    let series = series.map(|(server, metric)| {
        let times = rounds
            .clone()
            .map(|round| start_ms + round as i64 * STEP_MS);
        let values = week.values(server, metric, rounds.clone());
        Series::new(labels(server, metric), times.zip(values.iter().copied()))
    });
    let request = WriteRequest {
        series: series.collect(),
        metadata: Vec::new(),
    };
    request.bytes()
}
