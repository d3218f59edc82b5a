//! The table of roles in the document says what the code grants.

use std::fmt::Write as _;

use yunhai_identity::{Permission, Role};

#[test]
fn the_document_has_the_permissions_of_each_role() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/security.md");
    let document = std::fs::read_to_string(path).unwrap();
    let table = document
        .lines()
        .skip_while(|line| !line.starts_with("| permission |"))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("| ---"))
        .fold(String::new(), |mut table, line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            assert!(!cells[5].is_empty(), "nothing is said of `{line}`");
            writeln!(table, "{}", cells[1..5].join(" | ")).unwrap();
            table
        });
    let mut expected = String::from("permission");
    for role in Role::ALL {
        write!(expected, " | `{role}`").unwrap();
    }
    expected.push('\n');
    for permission in Permission::ALL {
        write!(expected, "`{permission}`").unwrap();
        for role in Role::ALL {
            let granted = role.permissions().contains(permission);
            write!(expected, " | {}", if granted { "yes" } else { "" }).unwrap();
        }
        expected.push('\n');
    }
    assert_eq!(table, expected);
}
