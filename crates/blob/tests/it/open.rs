use std::collections::BTreeMap;

use object_store::{ObjectStoreExt, PutPayload, path::Path};
use yunhai_blob::{Blobs, Error, OpenOptions, open};

async fn check_round_trip(blobs: Blobs) {
    let path = blobs.prefix.clone().join("a").join("b.txt");
    blobs
        .store
        .put(&path, PutPayload::from_static(b"sea of clouds"))
        .await
        .unwrap();
    let read = blobs.store.get(&path).await.unwrap().bytes().await.unwrap();
    assert_eq!(&read[..], b"sea of clouds");
}

#[tokio::test]
async fn a_path_and_a_file_url_open_the_same_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder");
    let by_path = open(path.to_str().unwrap(), &OpenOptions::default()).unwrap();
    check_round_trip(by_path).await;
    let url = format!("file://{}", path.display());
    let by_url = open(&url, &OpenOptions::default()).unwrap();
    assert!(by_url.local_root.is_some());
    assert!(by_url.store.head(&Path::from("a/b.txt")).await.is_ok());
}

#[tokio::test]
async fn memory_keeps_its_prefix() {
    let blobs = open("memory:///metrics", &OpenOptions::default()).unwrap();
    assert_eq!(blobs.prefix.as_ref(), "metrics");
    check_round_trip(blobs).await;
}

#[test]
fn buckets_open_with_settings_and_without_contact() {
    let settings = BTreeMap::from([
        ("aws_endpoint".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("aws_allow_http".to_owned(), "true".to_owned()),
        ("aws_region".to_owned(), "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "id".to_owned()),
        ("aws_secret_access_key".to_owned(), "key".to_owned()),
    ]);
    let options = OpenOptions {
        settings,
        ..OpenOptions::default()
    };
    let blobs = open("s3://bucket/series/eu", &options).unwrap();
    assert_eq!(blobs.prefix.as_ref(), "series/eu");
    assert!(blobs.local_root.is_none());
}

#[test]
fn faults_name_the_url_and_hide_passwords() {
    let error = open("ftp://user:hunter2@host/x", &OpenOptions::default()).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::UnknownScheme { .. }));
    assert!(
        text.contains("ftp://host/x") && !text.contains("hunter2"),
        "{text}"
    );

    let options = OpenOptions {
        settings: BTreeMap::from([("colour".to_owned(), "red".to_owned())]),
        ..OpenOptions::default()
    };
    let text = open("s3://bucket", &options).unwrap_err().to_string();
    assert!(
        text.contains("`colour`") && text.contains("s3://bucket"),
        "{text}"
    );

    let text = open("s3:///x", &OpenOptions::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("names no bucket"), "{text}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let error = open(file.path().to_str().unwrap(), &OpenOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Folder { .. } | Error::Store { .. }));
}
