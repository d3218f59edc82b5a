//! The sealed secrets of alerting, for a change of the keys.

use async_trait::async_trait;
use serde_json::Value;
use yunhai_database::Database;
use yunhai_model::Clock;
use yunhai_vault::{Place, Resealer, StoreError, Vault};

use crate::error::Result;
use crate::store::{self, MIGRATIONS, SEALED_PREFIX, Sealed, Store};

/// The secrets of channels and probes as they lie in the database. Seals them anew without a
/// [`crate::Monitor`], for the command line.
#[derive(Clone, Debug)]
pub struct SealedSecrets(Store);

impl SealedSecrets {
    /// Makes the tables when absent.
    pub async fn open(database: Database, clock: &dyn Clock) -> Result<Self> {
        database.migrate(MIGRATIONS, clock).await?;
        Ok(Self(Store::new(database)))
    }

    async fn reseal_channels(&self, vault: &Vault) -> Result<u64, StoreError> {
        let mut count = 0;
        for (mut channel, stored) in self.0.sealed_channels().await? {
            let id = channel.id;
            let changed = reseal_fields(&mut channel.config, "", &mut |pointer, text| {
                let Some(sealed) = text.strip_prefix(SEALED_PREFIX) else {
                    return Ok(None);
                };
                let fresh = vault.reseal(&place_of(&store::place(id, pointer)), sealed)?;
                Ok(fresh.map(|fresh| format!("{SEALED_PREFIX}{fresh}")))
            })?;
            count += self.replace(&channel, &stored, changed).await?;
        }
        Ok(count)
    }

    async fn reseal_probes(&self, vault: &Vault) -> Result<u64, StoreError> {
        let mut count = 0;
        for (mut probe, stored) in self.0.sealed_probes().await? {
            let id = probe.id;
            let mut changed = 0;
            probe.settings = probe.settings.with_secrets(|field, sealed| {
                let place = place_of(&crate::probes::place(id, field));
                let fresh = vault.reseal(&place, &sealed)?;
                changed += u64::from(fresh.is_some());
                Ok::<_, StoreError>(fresh.unwrap_or(sealed))
            })?;
            count += self.replace(&probe, &stored, changed).await?;
        }
        Ok(count)
    }

    /// Writes what was sealed anew, unless somebody has changed the row: then it was sealed again
    /// anyway.
    async fn replace<T: Sealed>(
        &self,
        value: &T,
        stored: &str,
        changed: u64,
    ) -> Result<u64, StoreError> {
        let is_written = changed > 0 && self.0.replace_sealed(value, stored).await?;
        Ok(if is_written { changed } else { 0 })
    }
}

#[async_trait]
impl Resealer for SealedSecrets {
    fn domain(&self) -> &'static str {
        "monitor"
    }

    async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError> {
        Ok(self.reseal_channels(vault).await? + self.reseal_probes(vault).await?)
    }
}

/// Turns `channel/ID/field` into a place of the vault.
pub fn place_of(place: &str) -> Place {
    let mut parts = place.splitn(3, '/');
    let mut next = || parts.next().unwrap_or_default();
    Place::new(next(), next(), next())
}

/// Goes through the texts of a value, each with its JSON pointer, and replaces those for which
/// there is a new one; returns how many.
fn reseal_fields(
    value: &mut Value,
    pointer: &str,
    reseal: &mut impl FnMut(&str, &str) -> Result<Option<String>, StoreError>,
) -> Result<u64, StoreError> {
    let below = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::String(text) => {
            let Some(fresh) = reseal(pointer, text)? else {
                return Ok(0);
            };
            *text = fresh;
            Ok(1)
        }
        Value::Object(fields) => fields.iter_mut().try_fold(0, |count, (name, value)| {
            Ok(count + reseal_fields(value, &below(name), reseal)?)
        }),
        Value::Array(items) => items
            .iter_mut()
            .enumerate()
            .try_fold(0, |count, (at, value)| {
                Ok(count + reseal_fields(value, &below(&at.to_string()), reseal)?)
            }),
        _ => Ok(0),
    }
}
