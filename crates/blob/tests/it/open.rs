use std::collections::BTreeMap;

use object_store::{ObjectStoreExt, PutPayload, path::Path};
use yunhai_blob::{Blobs, Error, OpenOptions, StoreSettings, open};
use yunhai_model::with_causes;

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
        settings: StoreSettings(settings),
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
        settings: StoreSettings(BTreeMap::from([("colour".to_owned(), "red".to_owned())])),
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

/// What a message or a log line could show of a store that is opened and then asked.
async fn shown_of(url: &str, settings: &[(&str, &str)]) -> String {
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = OpenOptions {
        settings: StoreSettings(settings.collect()),
        max_retries: 0,
        ..OpenOptions::default()
    };
    match open(url, &options) {
        Ok(blobs) => {
            let path = blobs.prefix.clone().join("a.txt");
            let error = blobs.store.get(&path).await.unwrap_err();
            format!(
                "{options:?}\n{blobs:?}\n{}\n{}",
                blobs.url,
                with_causes(&error)
            )
        }
        Err(error) => format!("{options:?}\n{error:?}\n{}", with_causes(&error)),
    }
}

#[tokio::test]
async fn no_secret_is_in_what_can_be_shown() {
    // Nobody listens at the port of discarded packets, so that each request fails.
    let endpoint = "http://127.0.0.1:9";
    let secret = "aHVudGVyMg";
    let sas = format!("sv=2023-11-03&ss=b&srt=sco&sp=rwdl&sig={secret}%3D%3D");
    let key = format!("{secret}==");
    let s3 = [
        ("aws_endpoint", endpoint),
        ("aws_allow_http", "true"),
        ("aws_access_key_id", "id"),
        ("aws_secret_access_key", secret),
        ("aws_session_token", secret),
    ];
    let azure = [
        ("azure_storage_account_name", "account"),
        ("azure_endpoint", endpoint),
        ("azure_allow_http", "true"),
    ];
    let by_key = [azure.as_slice(), &[("azure_storage_account_key", &key)]].concat();
    let by_sas = [azure.as_slice(), &[("azure_storage_sas_key", &sas)]].concat();
    let by_token = [azure.as_slice(), &[("azure_storage_token", secret)]].concat();
    for (url, settings) in [
        ("s3://bucket/a".to_owned(), s3.as_slice()),
        (format!("s3://id:{secret}@bucket/a"), &s3),
        (format!("s3://{secret}@bucket/a"), &s3),
        ("az://container/a".to_owned(), &by_key),
        ("az://container/a".to_owned(), &by_sas),
        ("az://container/a".to_owned(), &by_token),
        (format!("az://container/a?{sas}"), &by_key),
        (format!("abfss://container:{secret}@odd.host/a"), &by_key),
        (format!("https://account.host/container?{sas}"), &by_sas),
        (
            format!("gs://{secret}@bucket/a#{secret}"),
            &[
                ("google_skip_signature", "true"),
                ("google_base_url", endpoint),
                ("allow_http", "true"),
            ],
        ),
        (
            "gs://bucket/a".to_owned(),
            &[("google_service_account_key", secret)],
        ),
        ("s3:///a".to_owned(), &s3),
    ] {
        let shown = shown_of(&url, settings).await;
        assert!(!shown.contains(secret), "{url}: {shown}");
    }
}
