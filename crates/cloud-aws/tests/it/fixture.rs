//! An account at an emulator, filled by Amazon's own client for Python.

use std::sync::Arc;

use serde_json::json;
use yunhai_cloud::{Account, CloudServer, NewServer};
use yunhai_cloud_aws::{AwsAccount, AwsSettings};
use yunhai_model::{Clock as _, Secret, SystemClock};
use yunhai_test_support::clouds::{Aws, AwsKind};

use crate::suite::Fixture;

pub(crate) const REGIONS: [&str; 2] = ["eu-central-1", "us-west-2"];

/// An emulator and the ways to it.
pub(crate) struct AwsFixture {
    pub(crate) aws: Aws,
    account: Arc<AwsAccount>,
    wrong_account: Arc<AwsAccount>,
    image: String,
    kind: AwsKind,
}

impl AwsFixture {
    pub(crate) async fn start(kind: AwsKind) -> Self {
        let mut aws = Aws::start(kind).unwrap();
        let image = aws.image().unwrap();
        let account = Arc::new(open(&aws.faulty_endpoint, "setup", "setup").await);
        let wrong_account = Arc::new(open(&aws.faulty_endpoint, "AKIAWRONG", "wrong").await);
        Self {
            aws,
            account,
            wrong_account,
            image,
            kind,
        }
    }

    /// Has every call of an operation fail, in one region or in all.
    pub(crate) fn fail(
        &mut self,
        service: &str,
        operation: &str,
        region: Option<&str>,
        code: &str,
        status: u16,
    ) {
        let mut rule = json!({
            "service": service,
            "operation": operation,
            "error": { "code": code, "status": status, "message": format!("{code} for the test") },
        });
        if let Some(region) = region {
            rule["region"] = json!(region);
        }
        self.aws.throw(&json!([rule])).unwrap();
    }
}

/// Opens an account at an emulator by a key.
pub(crate) async fn open(endpoint: &str, key: &str, secret: &str) -> AwsAccount {
    let settings = json!({
        "credentials": { "kind": "keys", "access_key_id": key, "secret_access_key": secret },
        "regions": REGIONS,
        "endpoint": endpoint,
    });
    AwsAccount::open(AwsSettings::parse(&Secret::new(settings.to_string())).unwrap()).await
}

impl Fixture for AwsFixture {
    fn account(&self) -> Arc<dyn Account> {
        Arc::clone(&self.account) as _
    }

    fn wrong_account(&self) -> Arc<dyn Account> {
        Arc::clone(&self.wrong_account) as _
    }

    fn regions(&self) -> [String; 2] {
        REGIONS.map(str::to_owned)
    }

    fn make(&mut self, region: &str, name: &str, count: usize) {
        self.aws.run_instances(region, name, count).unwrap();
    }

    fn break_region(&mut self, region: &str) {
        self.fail(
            "ec2",
            "DescribeInstances",
            Some(region),
            "UnauthorizedOperation",
            403,
        );
    }

    fn measure_cpu(&mut self, server: &CloudServer, points: &[(i64, f64)]) {
        let dimensions = [("InstanceId", server.server.id.as_str())];
        let metric = ("AWS/EC2", "CPUUtilization");
        self.aws
            .put_metric(&server.server.region, metric, &dimensions, points)
            .unwrap();
    }

    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }

    fn knows_orders_again(&self) -> bool {
        self.kind == AwsKind::Moto
    }

    fn order(&self, region: &str, name: &str) -> NewServer {
        let order = json!({
            "name": name,
            "region": region,
            "image": self.image,
            "instance_type": "t3.micro",
            "user_data": "#cloud-config\n",
            "tags": { "team": "web" },
        });
        serde_json::from_value(order).unwrap()
    }
}
