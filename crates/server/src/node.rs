//! Which server this is among those on the same state database.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use yunhai_monitor::Node;

const FILE: &str = "node-id";

/// Returns this server's node. Its id lies in the folder of the series, which one process at a time
/// can open: so it is nobody else's, and the same after a restart.
pub(crate) fn node_in(folder: &Path, name: &str) -> anyhow::Result<Node> {
    let path = folder.join(FILE);
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let id = match known.trim() {
        "" => {
            let id = ulid::Ulid::generate().to_string();
            write(&path, &id).with_context(|| format!("cannot write {}", path.display()))?;
            id
        }
        id => id.to_owned(),
    };
    Ok(Node {
        id,
        name: name.to_owned(),
    })
}

/// Writes the file so that it is whole or not there.
fn write(path: &Path, id: &str) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = std::fs::File::create(&unfinished)?;
    writeln!(file, "{id}")?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_id_and_shares_it_with_nobody() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [first, again, other] = [&folders[0], &folders[0], &folders[1]]
            .map(|folder| node_in(folder.path(), "a").unwrap());
        assert_eq!(first, again);
        assert_ne!(first.id, other.id);
    }
}
