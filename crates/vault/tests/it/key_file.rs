use std::path::Path;
use std::sync::Arc;

use yunhai_model::Secret;
use yunhai_vault::{Error, KeyRingStore, MemoryKeyRing, Place, Vault};

use crate::clock;

async fn open(store: &Arc<MemoryKeyRing>, path: &Path) -> Result<Vault, Error> {
    let store: Arc<dyn KeyRingStore> = store.clone();
    Vault::open_with_key_file(store, path, clock()).await
}

/// Spoils the key file of a vault in use; opening it must fail and leave ring and file alone.
async fn check_refused(spoil: impl FnOnce(&Path), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let store = Arc::new(MemoryKeyRing::default());
    open(&store, &path).await.unwrap();
    spoil(&path);
    let (ring, file) = (store.load().await.unwrap(), std::fs::read(&path).ok());
    let error = open(&store, &path).await.unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert_eq!(store.load().await.unwrap(), ring);
    assert_eq!(std::fs::read(&path).ok(), file);
}

#[tokio::test]
async fn the_first_start_creates_the_key_and_the_second_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/master.key");
    let store = Arc::new(MemoryKeyRing::default());
    let place = Place::new("channels", 7, "password");
    let sealed = open(&store, &path)
        .await
        .unwrap()
        .seal_secret(&place, &Secret::new("hunter2"));
    let vault = open(&store, &path).await.unwrap();
    assert_eq!(
        vault.open_secret(&place, &sealed).unwrap().expose(),
        "hunter2"
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_missing_key_file_is_not_replaced_once_secrets_exist() {
    check_refused(
        |path| std::fs::remove_file(path).unwrap(),
        "put the file back",
    )
    .await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let open_up = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o640)).unwrap();
    };
    check_refused(open_up, "(mode 640); run `chmod 600").await;
}

#[tokio::test]
async fn a_key_file_of_another_installation_is_refused() {
    let other = tempfile::tempdir().unwrap();
    let other_key = other.path().join("master.key");
    open(&Arc::default(), &other_key).await.unwrap();
    check_refused(
        |path| assert!(std::fs::copy(&other_key, path).unwrap() > 0),
        "this is the wrong master key: the secrets were sealed with local:",
    )
    .await;
}

#[tokio::test]
async fn a_damaged_key_file_is_refused() {
    let replace = |from: &'static str, to: &'static str| {
        move |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(from));
            std::fs::write(path, text.replacen(from, to, 1)).unwrap();
        }
    };
    check_refused(
        replace("checksum ", "checksum 0"),
        "the checksum does not fit",
    )
    .await;
    check_refused(replace("key v1", "key v2"), "a version that this release").await;
    check_refused(replace("\nkey ", "\nkey !"), "not in base 64").await;
    check_refused(
        |path| std::fs::write(path, "").unwrap(),
        "does not begin with",
    )
    .await;
    check_refused(
        |path| std::fs::write(path, [0xff; 99]).unwrap(),
        "it is not a text",
    )
    .await;
}
