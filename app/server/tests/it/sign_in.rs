//! Signing in, staying signed in, and what a generated password allows.

use crate::harness::{PASSWORD, Portal};
use http::StatusCode;
use serde_json::{Value, json};

fn login(password: &str) -> Value {
    json!({ "login": "admin", "password": password })
}

#[tokio::test]
async fn the_right_password_opens_and_a_wrong_one_does_not() {
    let portal = Portal::start().await;
    for (login, password) in [("admin", "wrong"), ("nobody", PASSWORD), ("", ""), ("admin", "")] {
        let answer = portal.post("/login", "", json!({ "login": login, "password": password })).await;
        assert_eq!((answer.status, &*answer.problem()), (StatusCode::UNAUTHORIZED, "wrong-password"), "{login}");
    }
    let answer = portal.post("/login", "", login(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let tokens = answer.json();
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(portal.get("/devices", token).await.status, StatusCode::OK);

    for bad in ["", "nonsense", &token[..token.len() - 1]] {
        let answer = portal.get("/devices", bad).await;
        assert_eq!((answer.status, &*answer.problem()), (StatusCode::UNAUTHORIZED, "not-signed-in"), "{bad}");
    }
    assert_eq!(portal.post("/login", "", login(PASSWORD)).await.status, StatusCode::OK, "a success forgives");
}

#[tokio::test]
async fn five_wrong_passwords_and_the_sixth_try_has_to_wait() {
    let portal = Portal::start().await;
    for _ in 0..5 {
        assert_eq!(portal.post("/login", "", login("wrong")).await.status, StatusCode::UNAUTHORIZED);
    }
    let answer = portal.post("/login", "", login(PASSWORD)).await;
    assert_eq!((answer.status, &*answer.problem()), (StatusCode::TOO_MANY_REQUESTS, "too-many-attempts"));
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((240..=300).contains(&seconds), "{seconds}");
    let other = portal.post("/login", "", json!({ "login": "eva", "password": "wrong" })).await;
    assert_eq!(other.status, StatusCode::UNAUTHORIZED, "somebody else is not in the way");
}

#[tokio::test]
async fn a_generated_password_is_good_for_choosing_ones_own() {
    let portal = Portal::start_with(|_| {}).await;
    let generated = portal.running.generated_password.clone().unwrap();
    let answer = portal.post("/login", "", login(&generated)).await;
    assert_eq!((answer.status, &*answer.problem()), (StatusCode::FORBIDDEN, "password-change-required"));
    assert!(answer.json()["detail"].as_str().unwrap().contains("PUT /api/v1/operators/me/password"));

    let change = |new: &str| json!({ "login": "admin", "current_password": generated, "new_password": new });
    for bad in ["short", &generated] {
        let answer = portal.put("/operators/me/password", "", change(bad)).await;
        assert_eq!((answer.status, answer.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["new_password".into()]));
    }
    let wrong = json!({ "login": "admin", "current_password": "wrong", "new_password": PASSWORD });
    assert_eq!(portal.put("/operators/me/password", "", wrong).await.status, StatusCode::UNAUTHORIZED);

    let answer = portal.put("/operators/me/password", "", change(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(portal.get("/devices", &token).await.status, StatusCode::OK);
    portal.sign_in().await;
    assert_eq!(portal.post("/login", "", login(&generated)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_password_ends_what_was_signed_in_with_the_old_one() {
    let portal = Portal::start().await;
    let before = portal.post("/login", "", login(PASSWORD)).await.json();
    let (access, refresh) = (before["access_token"].as_str().unwrap(), before["refresh_token"].as_str().unwrap());
    let change = |current: &str| json!({ "current": current, "new": "another horse 3" });
    let answer = portal.put("/operators/me/password", access, change("wrong")).await;
    assert_eq!((answer.status, answer.fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["current_password".into()]));
    let answer = portal.put("/operators/me/password", access, change(PASSWORD)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let after = answer.json()["access_token"].as_str().unwrap().to_owned();

    assert_eq!(portal.get("/devices", &after).await.status, StatusCode::OK);
    assert_eq!(portal.get("/devices", access).await.status, StatusCode::UNAUTHORIZED);
    let refreshed = portal.post("/token/refresh", "", json!({ "refresh_token": refresh })).await;
    assert_eq!(refreshed.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_sign_in() {
    let portal = Portal::start().await;
    let refresh = async |token: &str| portal.post("/token/refresh", "", json!({ "refresh_token": token })).await;
    let token_of = |tokens: &Value| tokens["refresh_token"].as_str().unwrap().to_owned();
    let first = token_of(&portal.post("/login", "", login(PASSWORD)).await.json());
    let answer = refresh(&first).await;
    assert_eq!(answer.status, StatusCode::OK);
    let second = token_of(&answer.json());
    let access = answer.json()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(portal.get("/devices", &access).await.status, StatusCode::OK);
    assert_ne!(first, second);

    assert_eq!(refresh(&first).await.problem(), "not-signed-in", "used before");
    assert_eq!(refresh(&second).await.problem(), "not-signed-in", "ended with its family");

    let third = token_of(&portal.post("/login", "", login(PASSWORD)).await.json());
    let ended = portal.post("/logout", "", json!({ "refresh_token": third })).await;
    assert_eq!(ended.status, StatusCode::NO_CONTENT);
    assert_eq!(refresh(&third).await.problem(), "not-signed-in", "signed out");
}
