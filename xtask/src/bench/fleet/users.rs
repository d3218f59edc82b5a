//! People who look: each has the overview and the list of servers open and asks for what these
//! pages ask for when the server tells that something changed, at the same pace as they do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::api::{Session, session_cookie};
use crate::http::{Connection, Request};

/// After news the pages wait this long for more of them, and by chance up to as long again. Here
/// the users are spread evenly, so that runs are alike.
const PAUSE: Duration = Duration::from_secs(1);
/// Without news the pages ask again after this time.
const AT_THE_LATEST: Duration = Duration::from_secs(15);
/// The overview shows the load of the last hours in steps of this length.
const CHART_RANGE_SECS: u64 = 6 * 3600;
const CHART_STEP_SECS: u64 = 120;

/// What a page asks for, and under which name it is measured.
struct Question {
    name: &'static str,
    path: &'static str,
}

/// The overview page.
const OVERVIEW: [Question; 2] = [
    Question {
        name: OVERVIEW_NAME,
        path: "/api/v1/overview",
    },
    Question {
        name: "active alerts",
        path: "/api/v1/alerts?state=active&sort=-started_at_ms&page_size=8",
    },
];

/// The name under which the overview is measured.
pub(crate) const OVERVIEW_NAME: &str = "overview";

/// The page of servers in the hands of people who page, sort, filter and search; one at a time.
const SERVERS: [Question; 6] = [
    Question {
        name: "servers, first page",
        path: "/api/v1/servers?page=1&page_size=50&sort=name",
    },
    Question {
        name: "servers, sorted by CPU",
        path: "/api/v1/servers?page=1&page_size=50&sort=-cpu_ratio",
    },
    Question {
        name: "servers, far page",
        path: "/api/v1/servers?page=80&page_size=50&sort=name",
    },
    Question {
        name: "servers, filtered",
        path: "/api/v1/servers?page_size=50&sort=-memory_ratio&state=up&provider=aws\
               &tag=environment%3Dproduction",
    },
    Question {
        name: "servers, searched",
        path: "/api/v1/servers?page_size=50&sort=name&q=srv-001",
    },
    Question {
        name: "servers, sorted by alerts",
        path: "/api/v1/servers?page_size=50&sort=-alerts",
    },
];

/// The two lines of the overview's chart.
const CHART: [&str; 2] = [
    "avg(server_cpu_utilization_ratio)",
    "avg(server_memory_utilization_ratio)",
];

/// How long each answer took, and what went wrong.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    pub(crate) answers: Vec<(&'static str, Duration)>,
    pub(crate) failures: Vec<String>,
}

/// The users, each on threads of their own.
pub(crate) struct Users {
    watching: Arc<AtomicBool>,
    pages: Vec<JoinHandle<Experience>>,
}

impl Users {
    /// Opens the pages.
    pub(crate) fn arrive(address: SocketAddr, sessions: Vec<Session>) -> Self {
        let watching = Arc::new(AtomicBool::new(true));
        let mut pages = Vec::new();
        let users = u32::try_from(sessions.len()).unwrap_or(u32::MAX);
        for (number, session) in sessions.into_iter().enumerate() {
            let (wake_page, page_woken) = channel();
            let (wake_chart, chart_woken) = channel();
            listen(
                address,
                &session,
                Arc::clone(&watching),
                vec![wake_page, wake_chart],
            );
            let cookie = Arc::new(Mutex::new(session.cookie));
            let place = u32::try_from(number).unwrap_or_default();
            let pause = PAUSE + PAUSE * place / users;
            let mut page = Page::new(address, &cookie, &watching);
            let mut turn = number;
            pages.push(std::thread::spawn(move || {
                page.show(&page_woken, pause, |page| {
                    for question in OVERVIEW.iter().chain([&SERVERS[turn % SERVERS.len()]]) {
                        page.ask(question.name, question.path);
                    }
                    turn += 1;
                })
            }));
            // A browser asks over several connections at once, so that the page does not wait for
            // the chart.
            let mut chart = Page::new(address, &cookie, &watching);
            pages.push(std::thread::spawn(move || {
                chart.show(&chart_woken, pause, |page| {
                    for expression in CHART {
                        page.ask("overview's chart", &range_query(expression));
                    }
                })
            }));
        }
        Self { watching, pages }
    }

    /// Closes the pages and tells what the users have seen.
    pub(crate) fn leave(self) -> Experience {
        self.watching.store(false, Ordering::Relaxed);
        let mut experience = Experience::default();
        for page in self.pages {
            let of_page = page.join().expect("pages do not panic");
            experience.answers.extend(of_page.answers);
            experience.failures.extend(of_page.failures);
        }
        experience
    }
}

/// One page and its connection.
struct Page {
    address: SocketAddr,
    connection: Option<Connection>,
    cookie: Arc<Mutex<String>>,
    watching: Arc<AtomicBool>,
    experience: Experience,
}

impl Page {
    fn new(address: SocketAddr, cookie: &Arc<Mutex<String>>, watching: &Arc<AtomicBool>) -> Self {
        Self {
            address,
            connection: None,
            cookie: Arc::clone(cookie),
            watching: Arc::clone(watching),
            experience: Experience::default(),
        }
    }

    /// Reads the page again and again until the users leave.
    fn show(
        &mut self,
        woken: &Receiver<()>,
        pause: Duration,
        mut read: impl FnMut(&mut Self),
    ) -> Experience {
        while self.watching.load(Ordering::Relaxed) {
            read(self);
            match woken.recv_timeout(AT_THE_LATEST) {
                Ok(()) => std::thread::sleep(pause),
                Err(RecvTimeoutError::Timeout) => {}
                // The listener ends when the users leave.
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while woken.try_recv().is_ok() {}
        }
        std::mem::take(&mut self.experience)
    }

    /// Asks one question and notes how long the whole answer took.
    fn ask(&mut self, name: &'static str, path: &str) {
        let cookie = self.cookie().clone();
        let headers = [
            ("Cookie", cookie.as_str()),
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip"),
        ];
        let request = Request {
            method: "GET",
            path,
            headers: &headers,
            ..Request::default()
        };
        let begun = Instant::now();
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(self.address),
        };
        let answer = connection.and_then(|mut connection| {
            let response = connection.send(&request)?;
            Ok((connection, response))
        });
        let took = begun.elapsed();
        let failures = &mut self.experience.failures;
        match answer {
            Ok((connection, response)) => {
                if response.status == 200 {
                    self.experience.answers.push((name, took));
                } else {
                    failures.push(format!("{path} answered {}", response.status));
                }
                if let Some(renewed) = session_cookie(&response) {
                    *self.cookie() = renewed;
                }
                self.connection = Some(connection);
            }
            Err(error) => failures.push(format!("{path}: {error}")),
        }
    }

    fn cookie(&self) -> std::sync::MutexGuard<'_, String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the server's events on a thread of its own and wakes the pages, which the event of a
/// refreshed list of servers, or of an alert, makes stale.
fn listen(
    address: SocketAddr,
    session: &Session,
    watching: Arc<AtomicBool>,
    pages: Vec<Sender<()>>,
) {
    let cookie = session.cookie.clone();
    std::thread::spawn(move || {
        while watching.load(Ordering::Relaxed) {
            let headers = [("Cookie", cookie.as_str()), ("Accept", "text/event-stream")];
            let request = Request {
                method: "GET",
                path: "/api/v1/events",
                headers: &headers,
                ..Request::default()
            };
            let Ok(lines) =
                Connection::open(address).and_then(|connection| connection.stream(&request))
            else {
                // A browser comes back after some seconds too.
                std::thread::sleep(Duration::from_secs(3));
                continue;
            };
            for line in lines.map_while(Result::ok) {
                if !watching.load(Ordering::Relaxed) {
                    return;
                }
                if line.starts_with("data:") {
                    for page in &pages {
                        let _ = page.send(());
                    }
                }
            }
        }
    });
}

/// The address of a chart's line: the last hours, aligned to the step as the page does it.
fn range_query(expression: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let end = now / CHART_STEP_SECS * CHART_STEP_SECS + CHART_STEP_SECS;
    let start = end - CHART_STEP_SECS - CHART_RANGE_SECS;
    format!(
        "/prometheus/api/v1/query_range?query={expression}&start={start}&end={end}\
         &step={CHART_STEP_SECS}"
    )
}
