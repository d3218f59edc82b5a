//! What tells this machine from all others, also after the agent was installed anew.

use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Where systems keep the id that they were given when they were installed.
const PLACES: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/// Where the agent keeps one that it has made up, where the system has none.
const OWN: &str = "machine-id";

/// Returns the machine's id. The system's own is not to leave the machine (`man 5 machine-id`), so it is
/// hashed for this purpose.
pub fn machine_id(folder: &Path) -> io::Result<String> {
    for place in PLACES {
        if let Ok(id) = fs::read_to_string(place)
            && !id.trim().is_empty()
            && id.trim() != "uninitialized"
        {
            return Ok(hashed(id.trim()));
        }
    }
    let own = folder.join(OWN);
    match fs::read_to_string(&own) {
        Ok(id) if !id.trim().is_empty() => return Ok(hashed(id.trim())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let id = hex::encode(random);
    fs::create_dir_all(folder)?;
    fs::write(own, &id)?;
    Ok(hashed(&id))
}

fn hashed(id: &str) -> String {
    let hash = Sha256::digest(format!("yunhai agent\n{id}"));
    hex::encode(&hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_stays_and_does_not_show_the_systems_own() {
        let folder = tempfile::tempdir().unwrap();
        let id = machine_id(folder.path()).unwrap();
        assert_eq!(machine_id(folder.path()).unwrap(), id);
        assert_eq!(id.len(), 32);
        for place in PLACES {
            let systems = fs::read_to_string(place).unwrap_or_default();
            assert_ne!(systems.trim(), id);
        }
        assert_ne!(hashed("a"), hashed("b"));
    }
}
