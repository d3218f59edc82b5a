//! What a machine that joins is called.

use crate::Machine;

/// Chooses the name of a machine: the one that its cloud's server has already, so that both are one
/// server; or the one that it had before, so that its charts go on; or the one that it asks for, with
/// the beginning of its machine id where that is another machine's.
pub(crate) fn choose(
    machine: &Machine,
    in_cloud: Option<&str>,
    before: Option<&str>,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let wanted = machine.name.trim();
    let short: String = machine.machine_id.chars().take(8).collect();
    let numbered = (2..).map(|number| format!("{wanted} ({short} {number})"));
    in_cloud
        .into_iter()
        .chain(before)
        .map(str::to_owned)
        .chain([wanted.to_owned(), format!("{wanted} ({short})")])
        .chain(numbered)
        .find(|name| !is_taken(name))
        .expect("numbers go on forever, and names that are taken do not")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_names_first_then_the_past_then_the_machine_itself() {
        let machine = Machine {
            name: "web".to_owned(),
            host_name: "web".to_owned(),
            machine_id: "0123456789abcdef".to_owned(),
            version: "1".to_owned(),
            cloud: None,
        };
        let chosen = |in_cloud, before, taken: &[&str]| {
            choose(&machine, in_cloud, before, |name| taken.contains(&name))
        };
        assert_eq!(chosen(Some("shop"), Some("old"), &[]), "shop");
        assert_eq!(chosen(Some("shop"), Some("old"), &["shop"]), "old");
        assert_eq!(chosen(None, None, &[]), "web");
        assert_eq!(chosen(None, None, &["web"]), "web (01234567)");
        let taken = ["web", "web (01234567)"];
        assert_eq!(chosen(None, None, &taken), "web (01234567 2)");
    }
}
