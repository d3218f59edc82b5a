use reqwest::{Method, StatusCode};
use serde_json::json;
use yunhai_identity::Role;

use crate::harness::{Browser, PASSWORD, TestServer, answer};

#[tokio::test]
async fn the_setup_code_creates_one_administrator_once() {
    let server = TestServer::start().await;
    let setup = |code: &str| {
        server.request(Method::POST, "/api/v1/setup").json(&json!({
            "code": code, "name": "ada", "password": PASSWORD,
        }))
    };
    let (status, problem) = answer(setup("AAAA-AAAA-AAAA")).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("wrong_setup_code"))
    );
    let code = server.setup_code.clone().unwrap();
    let response = setup(&code).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let browser = Browser::of(&server, response).await;
    assert_eq!(browser.get("/api/v1/me").await["role"], "admin");
    assert_eq!(browser.get("/api/v1/setup").await["needed"], false);
    let (status, problem) = answer(setup(&code)).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::CONFLICT, Some("setup_done"))
    );
}

#[tokio::test]
async fn a_weak_password_is_refused_with_its_field_and_a_reason() {
    let server = TestServer::start().await;
    let code = server.setup_code.clone().unwrap();
    let (status, problem) = answer(
        server
            .request(Method::POST, "/api/v1/setup")
            .json(&json!({"code": code, "name": "ada", "password": "password123"})),
    )
    .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "weak_password");
    assert_eq!(problem["errors"][0]["pointer"], "/password");
    assert_eq!(problem["errors"][0]["code"], "common");
    assert!(!problem["detail"].as_str().unwrap().contains("password123"));
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
    let server = TestServer::start().await;
    server.create_user("ada", Role::Viewer).await;
    let response = server
        .request(Method::POST, "/api/v1/session")
        .json(&json!({"name": "ada", "password": PASSWORD}))
        .send()
        .await
        .unwrap();
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
}

#[tokio::test]
async fn a_change_needs_the_csrf_token() {
    let server = TestServer::start().await;
    let browser = server.sign_in_new("ada", Role::Administrator).await;
    let change = || {
        server
            .request(Method::PATCH, "/api/v1/me")
            .header("cookie", &browser.cookie)
            .json(&json!({"display_name": "Ada"}))
    };
    let (status, problem) = answer(change()).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("csrf_token_missing"))
    );
    let (status, _) = answer(change().header("x-csrf-token", &browser.csrf_token)).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let server = TestServer::start().await;
    let browser = server.sign_in_new("ada", Role::Viewer).await;
    let (status, _) = browser
        .send(Method::DELETE, "/api/v1/session", &json!(null))
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = answer(browser.request(Method::GET, "/api/v1/me")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_look_alike() {
    let server = TestServer::start().await;
    server.create_user("ada", Role::Viewer).await;
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let request = server
            .request(Method::POST, "/api/v1/session")
            .json(&json!({"name": name, "password": "wrong"}));
        answers.push(answer(request).await);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_asked_for() {
    let server = TestServer::start().await;
    let browser = server.sign_in_new("ada", Role::Administrator).await;
    let (status, enrolment) = browser
        .send(Method::POST, "/api/v1/me/totp", &json!(null))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        enrolment["otpauth_url"]
            .as_str()
            .unwrap()
            .starts_with("otpauth://totp/")
    );
    let (status, problem) = browser
        .send(
            Method::POST,
            "/api/v1/me/totp/confirm",
            &json!({"code": "000000x"}),
        )
        .await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("wrong_code"))
    );
}

#[tokio::test]
async fn each_thing_that_can_be_wrong_has_its_code() {
    let server = TestServer::start().await;
    let browser = server.sign_in_new("ada", Role::Administrator).await;
    let wrong = "violet-tractor-mends-glass";
    for (path, body, code) in [
        (
            "/api/v1/session",
            json!({"name": "ada", "password": wrong}),
            "wrong_credentials",
        ),
        (
            "/api/v1/session/reauthenticate",
            json!({"password": wrong}),
            "wrong_password",
        ),
        (
            "/api/v1/me/password",
            json!({"current": wrong, "new": wrong}),
            "wrong_password",
        ),
        (
            "/api/v1/registration",
            json!({"name": "bob", "password": wrong, "invitation": "none"}),
            "wrong_invitation",
        ),
    ] {
        if code == "wrong_invitation" {
            let open = json!({"registration": "invitation"});
            let (status, _) = browser.send(Method::PATCH, "/api/v1/settings", &open).await;
            assert_eq!(status, StatusCode::OK);
        }
        let (status, problem) = browser.send(Method::POST, path, &body).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (StatusCode::UNAUTHORIZED, Some(code)),
            "{path}: {problem}"
        );
    }
}

#[tokio::test]
async fn what_makes_a_password_weak_has_codes_that_both_languages_know() {
    let server = TestServer::start().await;
    let rate = async |password: &str| {
        let body = json!({"password": password, "user_inputs": ["wanglei"]});
        let request = server.request(Method::POST, "/api/v1/password-strength");
        answer(request.json(&body)).await.1
    };
    let weak = rate("short").await;
    assert_eq!(weak["acceptable"], false);
    assert_eq!(weak["reasons"][0]["code"], "too_short");
    assert_eq!(weak["reasons"][0]["limit"], 10);
    assert_eq!(weak["reasons"][1]["code"], "several_words");
    let weak = rate("aaaaaaaaaaaa").await;
    assert_eq!(weak["reasons"][0]["code"], "repeated_character");
    assert!(weak["reasons"][1]["code"].is_string(), "{weak}");
    let strong = rate("violet-tractor-mends-glass").await;
    assert_eq!(
        (&strong["acceptable"], &strong["reasons"]),
        (&json!(true), &json!([]))
    );

    for texts in [
        include_str!("../../../../web/src/locales/en.json"),
        include_str!("../../../../web/src/locales/zh-CN.json"),
    ] {
        let texts: serde_json::Value = serde_json::from_str(texts).unwrap();
        for code in yunhai_identity::password_advice_codes() {
            assert!(texts["password"]["weak"][code].is_string(), "{code}");
        }
    }
}
