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
        (StatusCode::UNAUTHORIZED, Some("wrong_credentials"))
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
    assert_eq!(problem["errors"][0]["pointer"], "/password");
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
    assert!(status.is_client_error(), "{problem}");
}
