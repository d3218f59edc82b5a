//! HTTPS with the certificate that the server makes, and with one from files.

use crate::program::{Home, PASSWORD};

fn login(home: &Home, url: &str, arguments: &[&str]) -> crate::program::Ended {
    let words = [
        "login",
        "--user",
        "ann",
        "--password-stdin",
        "--server",
        url,
    ];
    home.run_with(&[&words[..], arguments].concat(), PASSWORD)
}

#[test]
fn the_command_line_trusts_the_servers_own_certificate_when_it_is_named() {
    let home = Home::new();
    home.write(
        "yunhai.toml",
        "[server]\ntls = { mode = \"self-signed\" }\n",
    );
    home.create_administrator();
    let server = home.serve(&["--config", "yunhai.toml"]);
    let error = login(&home, &server.url, &[]).failed();
    assert!(error.contains("--ca-file"), "{error}");
    login(
        &home,
        &server.url,
        &["--ca-file", "data/tls-certificate.pem"],
    )
    .done();
    // The login remembers the certificate.
    home.run(&["status"]).done();
    let plain = format!("http://127.0.0.1:{}", server.port());
    let error = login(&home, &plain, &[]).failed();
    assert!(error.contains("hint: "), "{error}");
}

#[test]
fn certificates_from_files_are_used_and_a_wrong_key_is_told() {
    let home = Home::new();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = home.write("cert.pem", made.cert.pem());
    let key = home.write("key.pem", made.signing_key.serialize_pem());
    let wrong = home.write("wrong.pem", other.signing_key.serialize_pem());
    let config = |key: &str| {
        format!(
            "[server.tls]\nmode = \"files\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"
        )
    };
    home.create_administrator();
    home.write("yunhai.toml", config(&key));
    let server = home.serve(&["--config", "yunhai.toml"]);
    login(&home, &server.url, &["--ca-file", &certificate]).done();
    assert_eq!(server.stop(), 0);
    home.write("yunhai.toml", config(&wrong));
    let arguments = "serve --data data --listen 127.0.0.1:0 --config yunhai.toml";
    let words: Vec<&str> = arguments.split(' ').collect();
    let error = home.run(&words).failed();
    assert!(error.contains("wrong.pem"), "{error}");
}
