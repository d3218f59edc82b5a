//! The least rights that Yunhai needs, as an IAM policy.

use serde_json::json;
use yunhai_cloud::{Policy, PolicyScope};

/// To see servers and what is measured of them. `sts:GetCallerIdentity` needs no right.
const WATCH: &[&str] = &[
    "cloudwatch:GetMetricData",
    "cloudwatch:ListMetrics",
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
];

/// To make, start, stop and delete servers besides.
const MANAGE: &[&str] = &[
    "ec2:CreateTags",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:RebootInstances",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
];

/// Returns the policy to paste.
pub fn policy(scope: PolicyScope) -> Policy {
    let mut statements = vec![statement("YunhaiWatch", WATCH)];
    if scope == PolicyScope::Manage {
        statements.push(statement("YunhaiManage", MANAGE));
    }
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    Policy {
        kind: "IAM policy".to_owned(),
        document: format!("{document:#}"),
        command: "aws iam put-user-policy --user-name USER --policy-name yunhai \
                  --policy-document file://POLICY.json"
            .to_owned(),
    }
}

fn statement(sid: &str, actions: &[&str]) -> serde_json::Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*" })
}
