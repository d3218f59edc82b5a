//! An account at the simulator.

use std::sync::Arc;

use serde_json::{Value, json};
use yunhai_cloud::{Account, CloudServer, NewServer};
use yunhai_cloud_azure::{AzureAccount, AzureSettings};
use yunhai_model::Secret;
use yunhai_test_support::azure::{
    AzureSimulator, IMAGE, LOCATIONS, MachineToMake, SUBNET, SUBSCRIPTIONS,
};

use crate::suite::Fixture;

/// The simulator, and the ways to it.
pub(crate) struct AzureFixture {
    pub(crate) azure: AzureSimulator,
    account: Arc<AzureAccount>,
    wrong_account: Arc<AzureAccount>,
}

impl AzureFixture {
    /// Starts with an account that looks at two locations.
    pub(crate) async fn start() -> Self {
        let azure = AzureSimulator::start().await.unwrap();
        let account = with(&azure, |settings| {
            settings["regions"] = json!(LOCATIONS[..2]);
        });
        let wrong_account = with(&azure, |settings| {
            settings["regions"] = json!(LOCATIONS[..2]);
            settings["credentials"]["client_secret"] = json!("wrong");
        });
        Self {
            azure,
            account: Arc::new(account),
            wrong_account: Arc::new(wrong_account),
        }
    }

    /// Makes a running server in a subscription.
    pub(crate) fn make_in(&self, subscription: &str, location: &str, name: &str) -> String {
        self.azure.make(&MachineToMake {
            subscription,
            location,
            name,
            is_public: true,
        })
    }
}

/// Opens an account with other settings than the usual ones.
pub(crate) fn with(azure: &AzureSimulator, change: impl FnOnce(&mut Value)) -> AzureAccount {
    let mut settings = azure.settings();
    change(&mut settings);
    let settings = AzureSettings::parse(&Secret::new(settings.to_string())).unwrap();
    AzureAccount::open(settings).unwrap()
}

impl Fixture for AzureFixture {
    fn account(&self) -> Arc<dyn Account> {
        Arc::clone(&self.account) as _
    }

    fn wrong_account(&self) -> Arc<dyn Account> {
        Arc::clone(&self.wrong_account) as _
    }

    fn regions(&self) -> [String; 2] {
        [LOCATIONS[0].to_owned(), LOCATIONS[1].to_owned()]
    }

    fn make(&mut self, region: &str, name: &str, count: usize) {
        for number in 0..count {
            // In both subscriptions, so that both are looked at.
            let subscription = SUBSCRIPTIONS[number % 2];
            self.make_in(subscription, region, &format!("{name}-{region}-{number}"));
        }
    }

    fn break_region(&mut self, region: &str) {
        self.azure.break_location(region);
    }

    fn measure_cpu(&mut self, server: &CloudServer, points: &[(i64, f64)]) {
        self.azure
            .measure(&server.server.id, "Percentage CPU", points);
    }

    fn now_ms(&self) -> i64 {
        self.azure.now_ms()
    }

    fn order(&self, region: &str, name: &str) -> NewServer {
        let order = json!({
            "name": name,
            "region": region,
            "image": IMAGE,
            "instance_type": "Standard_B2s",
            "ssh_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ somebody",
            "subnet": SUBNET,
            "user_data": "#cloud-config\n",
            "tags": { "team": "web" },
        });
        serde_json::from_value(order).unwrap()
    }
}
