//! Emulators of clouds on free ports of this machine, and the faults that clouds have.

use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::python::{MOTO, Program};

const MOTO_TODAY: &str = include_str!("clouds/moto_today.py");
const AWS: &str = include_str!("clouds/aws.py");

/// Which emulator of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AwsKind {
    /// moto: real paging, and permissions if asked for.
    Moto,
    /// ministack.
    Ministack,
}

#[derive(Deserialize)]
struct Started {
    endpoint: String,
    faulty_endpoint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Answer(Value),
    Error(String),
}

/// An emulator of AWS; it ends when this is dropped.
#[derive(Debug)]
pub struct Aws {
    /// The emulator's address.
    pub endpoint: String,
    /// The address of a proxy, microburst, that throws the faults of [`Aws::throw`].
    pub faulty_endpoint: String,
    program: Program,
}

impl Aws {
    /// Starts an emulator with nothing in it.
    pub fn start(kind: AwsKind) -> anyhow::Result<Self> {
        let name = match kind {
            AwsKind::Moto => "moto",
            AwsKind::Ministack => "ministack",
        };
        let script = [MOTO, MOTO_TODAY, AWS].join("\n");
        let (program, started) = Program::start(name, &script, &[name])?;
        let Started {
            endpoint,
            faulty_endpoint,
        } = started;
        Ok(Self {
            endpoint,
            faulty_endpoint,
            program,
        })
    }

    /// Makes a call by Amazon's client for Python, past the faults: `ec2`, `run_instances`.
    pub fn call(
        &mut self,
        service: &str,
        region: &str,
        operation: &str,
        parameters: &Value,
    ) -> anyhow::Result<Value> {
        self.ask(&json!({
            "do": "call",
            "service": service,
            "region": region,
            "operation": operation,
            "parameters": parameters,
        }))
        .with_context(|| format!("{service} {operation} in {region}"))
    }

    /// Returns an image that an instance can be made from.
    pub fn image(&mut self) -> anyhow::Result<String> {
        let images = self.call("ec2", "us-east-1", "describe_images", &json!({}))?;
        let images = images["Images"].as_array().map(Vec::as_slice);
        let found = images
            .unwrap_or_default()
            .iter()
            .find(|image| image["Architecture"] == "x86_64");
        let id = found.and_then(|image| image["ImageId"].as_str());
        Ok(id.context("the emulator has no image")?.to_owned())
    }

    /// Makes running instances with the tags `Name` and `team=web`.
    pub fn run_instances(&mut self, region: &str, name: &str, count: usize) -> anyhow::Result<()> {
        let image = self.image()?;
        let tags = json!([{ "Key": "Name", "Value": name }, { "Key": "team", "Value": "web" }]);
        let mut left = count;
        // As many as an emulator makes within the time that its client waits.
        while left > 0 {
            let now = left.min(100);
            left -= now;
            let parameters = json!({
                "ImageId": image,
                "InstanceType": "t3.micro",
                "MinCount": now,
                "MaxCount": now,
                "TagSpecifications": [{ "ResourceType": "instance", "Tags": tags }],
            });
            self.call("ec2", region, "run_instances", &parameters)?;
        }
        Ok(())
    }

    /// Puts down what CloudWatch measured: moments in milliseconds, and values.
    pub fn put_metric(
        &mut self,
        region: &str,
        (namespace, name): (&str, &str),
        dimensions: &[(&str, &str)],
        points: &[(i64, f64)],
    ) -> anyhow::Result<()> {
        let dimensions: Vec<Value> = dimensions
            .iter()
            .map(|(name, value)| json!({ "Name": name, "Value": value }))
            .collect();
        let data: Vec<Value> = points
            .iter()
            .map(|(at_ms, value)| {
                json!({
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": at_ms / 1000,
                    "Value": value,
                })
            })
            .collect();
        let parameters = json!({ "Namespace": namespace, "MetricData": data });
        self.call("cloudwatch", region, "put_metric_data", &parameters)?;
        Ok(())
    }

    /// Throws faults from now on, in the words of microburst's rules; none, if there are none.
    pub fn throw(&mut self, rules: &Value) -> anyhow::Result<()> {
        self.ask(&json!({ "do": "faults", "rules": rules }))?;
        Ok(())
    }

    /// Returns how many faults were thrown since the start.
    pub fn faults_thrown(&mut self) -> anyhow::Result<u64> {
        let thrown = self.ask(&json!({ "do": "faults_thrown" }))?;
        thrown.as_u64().context("no number of faults")
    }

    /// Returns the `RoleArn` and the `ExternalId` of all roles that were assumed; only moto can.
    pub fn assumed_roles(&mut self) -> anyhow::Result<Value> {
        self.ask(&json!({ "do": "assumed_roles" }))
    }

    /// Checks signatures and rights from now on, as IAM does; only moto can.
    pub fn check_rights(&mut self) -> anyhow::Result<()> {
        self.ask(&json!({ "do": "check_rights" }))?;
        Ok(())
    }

    fn ask(&mut self, question: &Value) -> anyhow::Result<Value> {
        match self.program.ask(question)? {
            Told::Answer(answer) => Ok(answer),
            Told::Error(error) => bail!("{error}"),
        }
    }
}
