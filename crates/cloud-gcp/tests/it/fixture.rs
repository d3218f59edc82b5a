//! An account at the simulator.

use std::sync::Arc;

use serde_json::{Value, json};
use yunhai_cloud::{Account, CloudServer, NewServer};
use yunhai_cloud_gcp::{GcpAccount, GcpSettings};
use yunhai_model::Secret;
use yunhai_test_support::gcp::{Fault, Google};

use crate::suite::Fixture;

pub(crate) const REGIONS: [&str; 2] = ["europe-west3", "us-west1"];
pub(crate) const PROJECT: &str = "of-tests";
pub(crate) const OTHER_PROJECT: &str = "others-tests";
pub(crate) const CPU: &str = "compute.googleapis.com/instance/cpu/utilization";

/// The simulator and the ways to it.
pub(crate) struct GcpFixture {
    pub(crate) google: Google,
    account: Arc<GcpAccount>,
}

impl GcpFixture {
    pub(crate) async fn start() -> Self {
        let google = Google::start(&[PROJECT, OTHER_PROJECT]).await;
        let google = google.expect("the simulator starts");
        let endpoint = google.base_url();
        let account = open(&endpoint, &google.key(PROJECT), &[]);
        Self {
            google,
            account: Arc::new(account),
        }
    }

    /// An account of two projects.
    pub(crate) fn of_both(&self) -> GcpAccount {
        let key = self.google.key(PROJECT);
        open(&self.google.base_url(), &key, &[PROJECT, OTHER_PROJECT])
    }
}

/// Opens an account at an address by a key; the projects are that of the key unless others are named.
pub(crate) fn open(endpoint: &str, key: &Value, projects: &[&str]) -> GcpAccount {
    open_with(&json!({
        "credentials": { "kind": "service_account_key", "key": key.to_string() },
        "projects": projects,
        "regions": REGIONS,
        "endpoint": endpoint,
    }))
}

/// Opens an account by settings.
pub(crate) fn open_with(settings: &Value) -> GcpAccount {
    let settings = GcpSettings::parse(&Secret::new(settings.to_string()));
    GcpAccount::open(settings.expect("the settings are right")).expect("a client can be made")
}

/// What names a server to Cloud Monitoring: project, zone, number.
pub(crate) fn place(server: &CloudServer) -> (&str, &str, &str) {
    let parts: Vec<&str> = server.server.id.split('/').collect();
    (parts[1], parts[3], parts[5])
}

impl Fixture for GcpFixture {
    fn account(&self) -> Arc<dyn Account> {
        Arc::clone(&self.account) as _
    }

    fn wrong_account(&self) -> Arc<dyn Account> {
        let key = self.google.wrong_key(PROJECT);
        Arc::new(open(&self.google.base_url(), &key, &[]))
    }

    fn regions(&self) -> [String; 2] {
        REGIONS.map(str::to_owned)
    }

    fn make(&mut self, region: &str, name: &str, count: usize) {
        for number in 0..count {
            let zone = format!("{region}-{}", ["a", "b"][number % 2]);
            let name = format!("{name}-{region}-{number}");
            self.google
                .make(PROJECT, &zone, &name, &json!({ "team": "web" }));
        }
    }

    fn break_region(&mut self, region: &str) {
        for letter in ["a", "b", "c"] {
            let zone = format!("{region}-{letter}");
            self.google.fail(Fault::ZoneDown(zone));
        }
    }

    fn measure_cpu(&mut self, server: &CloudServer, points: &[(i64, f64)]) {
        let points: Vec<(i64, f64)> = points
            .iter()
            .map(|(at_ms, percent)| (*at_ms, percent / 100.0))
            .collect();
        let labels = [("instance_name", server.name.as_str())];
        self.google.measure(CPU, place(server), &labels, &points);
    }

    fn now_ms(&self) -> i64 {
        self.google.now_ms()
    }

    fn order(&self, region: &str, name: &str) -> NewServer {
        let order = json!({
            "name": name,
            "region": region,
            "image": "projects/debian-cloud/global/images/family/debian-12",
            "instance_type": "e2-medium",
            "user_data": "#cloud-config\n",
            "tags": { "team": "web" },
        });
        serde_json::from_value(order).expect("it is an order")
    }
}
