//! The rules that exist from the first start.

/// The name under which the default rules are stored, and of their one group.
pub const DEFAULT_RULES_NAME: &str = "yunhai-defaults";

/// The default rules as a rule file.
pub const DEFAULT_RULES: &str = include_str!("default_rules.yaml");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule_file::{Rule, RuleFile};

    #[test]
    fn the_default_rules_are_valid_and_survive_rewriting() {
        let file = RuleFile::parse(DEFAULT_RULES).unwrap();
        assert_eq!(file.groups[0].name, DEFAULT_RULES_NAME);
        let names: Vec<_> = file.groups[0].rules.iter().map(Rule::name).collect();
        assert_eq!(
            names,
            [
                "HighCpu",
                "HighMemory",
                "HighDisk",
                "DiskFullWithin24h",
                "ServerDown",
                "ClockSkew",
                "ProbeFailing",
                "CertificateExpiresSoon",
                "ManyFailedSignIns",
                "RepeatedLockouts",
                "AuditLogDamaged"
            ]
        );
        assert_eq!(RuleFile::parse(&file.to_yaml()).unwrap(), file);
    }
}
