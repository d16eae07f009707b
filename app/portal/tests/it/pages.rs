//! What browsers are told about pages, and how they sign in.

use crate::harness::{PASSWORD, Portal};
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;

fn get(path: &str) -> Request<Full<hyper::body::Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

#[tokio::test]
async fn a_page_allows_its_own_scripts_alone() {
    let portal = Portal::start().await;
    let page = portal.send(get("/login")).await;
    assert_eq!(page.status, StatusCode::OK);
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    for script in page.text.split("<script").skip(1) {
        let tag = script.split('>').next().unwrap();
        assert!(tag.contains(nonce) || tag.contains("application/json"), "a script that the policy stops: {tag}");
    }
    assert!(!page.text.contains(" style="), "the policy stops inline styles");
    let again = portal.send(get("/login")).await;
    assert!(!again.header("content-security-policy").contains(nonce), "a nonce serves one answer");
    assert_eq!(page.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_page_that_is_not_there_is_404() {
    let portal = Portal::start().await;
    let form = "login=admin&password=correct+horse+51213";
    let sign_in = Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let cookies = portal.send(sign_in.body(Full::from(form)).unwrap()).await.cookies().join("; ");
    for (path, status, shown) in [("/nothing/here", 404, "Page not found"), ("/events", 200, "<h1>Events</h1>")] {
        let request = Request::get(path).header(header::COOKIE, &cookies);
        let page = portal.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(page.status.as_u16(), status, "{path}");
        assert!(page.text.contains(shown), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn a_refused_form_comes_back_with_what_was_typed() {
    let portal = Portal::start().await;
    let form = Request::post("/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let page = portal.send(form.body(Full::from("login=eva+lu&password=wrong+horse+1")).unwrap()).await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.text.contains("eva lu") && page.text.contains("Wrong login or password."), "{}", page.text);
    assert!(!page.text.contains("wrong horse 1"));
}

#[tokio::test]
async fn a_browser_signs_in_by_cookies_that_other_sites_cannot_use() {
    let portal = Portal::start().await;
    let origin = format!("http://{}", portal.running.http_addr);
    let form = |origin: &str| {
        Request::post("/login")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, origin)
            .body(Full::from(format!("login=admin&password={}", PASSWORD.replace(' ', "+"))))
            .unwrap()
    };
    let foreign = portal.send(form("http://evil.example")).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert!(foreign.text.contains("foreign-origin"), "{}", foreign.text);
    assert!(foreign.cookies().is_empty());

    let answer = portal.send(form(&origin)).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/devices"), "{}", answer.text);
    let cookies = answer.cookies();
    assert_eq!(cookies.len(), 2);
    for set in answer.headers.get_all(header::SET_COOKIE) {
        let set = set.to_str().unwrap();
        assert!(set.contains("; HttpOnly") && set.contains("; SameSite=Strict"), "{set}");
    }

    let with = |method: Method, path: &str, cookie: &str, origin: Option<&str>| {
        let request = Request::builder().method(method).uri(path).header(header::COOKIE, cookie);
        let request = origin.into_iter().fold(request, |request, origin| request.header(header::ORIGIN, origin));
        request.body(Full::default()).unwrap()
    };
    let page = portal.send(with(Method::GET, "/devices", &cookies.join("; "), None)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("All Devices"));
    let silent = portal.send(with(Method::POST, "/api/v1/logout", &cookies.join("; "), None)).await;
    assert_eq!(silent.status, StatusCode::UNAUTHORIZED, "cookies alone change nothing");

    let refresh = cookies.iter().find(|cookie| cookie.contains("_refresh=")).unwrap();
    let renewed = portal.send(with(Method::GET, "/devices", refresh, None)).await;
    assert_eq!((renewed.status, renewed.cookies().len()), (StatusCode::OK, 2), "renewed without a word");
    let at_once = portal.send(with(Method::GET, "/devices", refresh, None)).await;
    assert_eq!(at_once.status, StatusCode::OK, "two tabs may ask at one moment");

    let cookies = renewed.cookies().join("; ");
    let out = portal.send(with(Method::POST, "/logout", &cookies, Some(&origin))).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(out.cookies().iter().all(|cookie| cookie.ends_with('=')), "{:?}", out.cookies());
    let refresh = renewed.cookies().into_iter().find(|cookie| cookie.contains("_refresh=")).unwrap();
    let page = portal.send(with(Method::GET, "/devices?q=a", &refresh, None)).await;
    assert_eq!((page.status, page.header("location")), (StatusCode::SEE_OTHER, "/login?next=/devices%3Fq%3Da"));
}
