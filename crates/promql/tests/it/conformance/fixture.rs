//! Two hours of samples every 15 s with what makes PromQL hard: counters with resets, gaps,
//! staleness markers, series that come and go, histograms, NaN and infinities, odd labels.

use yunhai_model::{Labels, Sample, TimeSeries, stale_nan};

/// The first sample; a full minute.
pub(super) const START_MS: i64 = 1_700_000_040_000;
pub(super) const INTERVAL_MS: i64 = 15_000;
pub(super) const COUNT: i64 = 480;

/// A small generator of numbers that look random and are always the same.
struct Noise(u64);

impl Noise {
    /// From 0 to 1, with three decimals as measurements have them.
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % 1000) as f64 / 1000.0
    }
}

#[derive(Default)]
struct Fixture(Vec<TimeSeries>);

impl Fixture {
    /// Adds a series; `value` gets the number of the sample and may leave it out.
    fn add(
        &mut self,
        name: &str,
        labels: &[(&str, &str)],
        mut value: impl FnMut(i64) -> Option<f64>,
    ) {
        let samples = (0..COUNT)
            .filter_map(|at| {
                Some(Sample {
                    timestamp_ms: START_MS + at * INTERVAL_MS,
                    value: value(at)?,
                })
            })
            .collect();
        self.0.push(TimeSeries {
            labels: Labels::of_metric(name, labels.iter().copied()),
            samples,
        });
    }
}

pub(super) fn series() -> Vec<TimeSeries> {
    let mut fixture = Fixture::default();
    add_servers(&mut fixture);
    add_requests(&mut fixture);
    add_histograms(&mut fixture);
    add_irregular(&mut fixture);
    fixture.0
}

fn add_servers(fixture: &mut Fixture) {
    for number in 0..6_u32 {
        let server = format!("s{number}");
        let region = ["eu", "us", "cn"][number as usize % 3];
        let provider = ["aws", "azure"][number as usize % 2];
        let labels = [
            ("server", server.as_str()),
            ("region", region),
            ("provider", provider),
        ];
        let mut noise = Noise(u64::from(number) + 1);
        fixture.add("cpu_ratio", &labels, |at| {
            let wave = (at as f64 / 40.0 + f64::from(number)).sin() * 0.3;
            Some(((0.5 + wave + noise.next() * 0.1) * 1000.0).round() / 1000.0)
        });
        fixture.add("memory_bytes", &labels, |at| {
            Some(4e9 + f64::from(number) * 1e8 + (at * at) as f64 * 1024.0)
        });
        fixture.add("memory_limit_bytes", &[("server", &server)], |_| {
            Some(8_589_934_592.0 + f64::from(number))
        });
        let version = format!("1.{}", number % 4);
        fixture.add(
            "build_info",
            &[("server", &server), ("version", &version), ("edition", "a")],
            |_| Some(1.0),
        );
        // s3 goes away properly for half an hour, s4 disappears without a word.
        fixture.add(
            "up",
            &[("server", &server), ("job", "agent")],
            |at| match (number, at) {
                (3, 200) => Some(stale_nan()),
                (3, 201..320) | (4, 300..) => None,
                _ => Some(f64::from(u32::from((at + i64::from(number) * 7) % 50 != 0))),
            },
        );
        for device in ["sda", "sdb"] {
            fixture.add(
                "disk_free_bytes",
                &[("server", &server), ("device", device)],
                |at| Some(1e11 - at as f64 * 1e7 * f64::from(number + 1) + noise.next() * 1e6),
            );
        }
    }
}

fn add_requests(fixture: &mut Fixture) {
    for (number, server) in ["s0", "s1", "s2"].iter().enumerate() {
        for (place, method) in ["get", "post"].iter().enumerate() {
            for code in ["200", "404", "500"] {
                let speed = (number + 1) * (place + 2);
                let mut noise = Noise((number * 100 + place * 10 + code.len()) as u64);
                let mut total = 0.0;
                fixture.add(
                    "requests_total",
                    &[("server", server), ("method", method), ("code", code)],
                    |at| {
                        // Restarts at different times.
                        if at > 0 && at % (97 + speed as i64 * 13) == 0 {
                            total = 0.0;
                        }
                        total += (noise.next() * speed as f64 * 10.0).round();
                        // A scrape fails now and then.
                        (at % 41 != 7).then_some(total)
                    },
                );
            }
        }
    }
}

fn add_histograms(fixture: &mut Fixture) {
    const BOUNDS: [&str; 7] = ["0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"];
    for (number, path) in ["/", "/login"].iter().enumerate() {
        for (place, bound) in BOUNDS.iter().enumerate() {
            let share = 1.0 - 1.0 / (place + number + 1) as f64 / 1.5;
            let share = if *bound == "+Inf" { 1.0 } else { share };
            fixture.add(
                "latency_seconds_bucket",
                &[("path", path), ("le", bound)],
                |at| {
                    let since_restart = if at >= 250 { at - 250 } else { at };
                    Some((since_restart as f64 * 11.0 * share).floor())
                },
            );
        }
        fixture.add("latency_seconds_count", &[("path", path)], |at| {
            Some((if at >= 250 { at - 250 } else { at }) as f64 * 11.0)
        });
        fixture.add("latency_seconds_sum", &[("path", path)], |at| {
            Some((if at >= 250 { at - 250 } else { at }) as f64 * 3.3)
        });
    }
    for (bound, count) in [("1", 5.0), ("2", 9.0), ("4", 12.0)] {
        fixture.add("no_top_bucket", &[("le", bound)], |_| Some(count));
    }
    for (bound, count) in [("1", 5.0), ("2", 3.0), ("4", 12.0), ("+Inf", 12.0)] {
        fixture.add("not_monotonic_bucket", &[("le", bound)], |_| Some(count));
    }
    for (bound, count) in [("-2", 5.0), ("-1", 9.0), ("+Inf", 12.0)] {
        fixture.add("negative_bucket", &[("le", bound)], |_| Some(count));
    }
    fixture.add("odd_bucket", &[("le", "many")], |_| Some(1.0));
    fixture.add("empty_bucket", &[("le", "+Inf")], |_| Some(0.0));
    fixture.add("empty_bucket", &[("le", "1")], |_| Some(0.0));
}

fn add_irregular(fixture: &mut Fixture) {
    let mut noise = Noise(99);
    for (sensor, from, to) in [("a", 0, 480), ("b", 100, 300), ("c", 240, 480)] {
        fixture.add("temperature", &[("sensor", sensor)], |at| {
            let is_gap = (150..190).contains(&at) && sensor == "a";
            ((from..to).contains(&at) && !is_gap)
                .then(|| ((at as f64 / 25.0).cos() * 30.0 + noise.next()).round() / 2.0)
        });
    }
    fixture.add("sparse", &[("every", "4m")], |at| {
        (at % 16 == 3).then_some(at as f64)
    });
    fixture.add("sparse", &[("every", "7m")], |at| {
        (at % 28 == 5).then_some(at as f64 * 2.0)
    });
    fixture.add("once", &[], |at| (at == 220).then_some(7.0));
    fixture.add("flapping", &[("kind", "stale")], |at| {
        Some(if at % 10 == 9 { stale_nan() } else { at as f64 })
    });
    fixture.add("flapping", &[("kind", "lost")], |at| {
        (at % 30 < 4).then_some(-(at as f64))
    });
    fixture.add("constant", &[], |_| Some(5.0));
    fixture.add("zero", &[], |_| Some(0.0));
    fixture.add("special", &[("kind", "nan")], |_| Some(f64::NAN));
    fixture.add("special", &[("kind", "inf")], |_| Some(f64::INFINITY));
    fixture.add("special", &[("kind", "minus_inf")], |_| {
        Some(f64::NEG_INFINITY)
    });
    fixture.add("special", &[("kind", "tiny")], |at| {
        Some(1e-300 * (at + 1) as f64)
    });
    fixture.add("special", &[("kind", "huge")], |at| {
        Some(1e300 * (at + 1) as f64)
    });
    fixture.add("special", &[("kind", "mixed")], |at| {
        Some(match at % 7 {
            0 => f64::NAN,
            3 => -2.5,
            _ => at as f64 / 8.0,
        })
    });
    fixture.add("angle", &[("unit", "turn")], |at| {
        Some((at - 240) as f64 / 240.0)
    });
    fixture.add("angle", &[("unit", "large")], |at| {
        Some(1.0 + at as f64 / 10.0)
    });
    fixture.add("moment", &[("of", "year")], |at| {
        Some(1_582_934_400.0 + at as f64 * 90_061.5)
    });
    fixture.add("moment", &[("of", "past")], |at| {
        Some(-1e9 + at as f64 * 123_456.75)
    });
    fixture.add(
        "odd_labels",
        &[
            ("text", "a \"b\" \\c"),
            ("han", "云海"),
            ("path", "/var/log/x.log"),
            ("a1", "2"),
            ("a10", "x"),
        ],
        |at| Some(at as f64),
    );
    // The same labels under two names, one series following the other.
    fixture.add("before_rename", &[("id", "1")], |at| {
        (at < 200).then_some(1.0)
    });
    fixture.add("after_rename", &[("id", "1")], |at| {
        (at >= 260).then_some(2.0)
    });
    for id in 0..12 {
        let id = id.to_string();
        let group = if id.len() > 1 { "long" } else { "short" };
        fixture.add("level", &[("id", &id), ("group", group)], |at| {
            Some(((at / 30) % 4) as f64)
        });
    }
}
