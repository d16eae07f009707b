//! Two servers: what happens at the standby is seen at the active one.

use super::*;
use crate::{
    db::{PromotionKind, fixture::copy_database},
    fixture::{Room, admin},
    interfaces::peers::{Exchange, ExchangeReply},
};
use model::SignInInput;
use serde_json::{Value, json};

/// A standby calls, as often as it has to.
async fn exchange(standby: &Room, active: &Room) {
    let peer = &active.service.identity.server_id;
    // The first call learns who is active.
    let mut calls = 2;
    while calls > 0 {
        calls -= 1;
        let told = standby.service.exchange_for(peer, None).await.unwrap();
        let reply = active.service.answer_exchange(told.clone(), None).await.unwrap();
        if standby.service.take_reply(reply, &told).await.unwrap() {
            calls += 1;
        }
    }
}

async fn try_to_sign_in(room: &Room, login: &str, password: &str) -> bool {
    let input = SignInInput { login: login.to_owned(), password: password.to_owned() };
    room.service.authenticate(&input, Some("198.51.100.1")).await.is_ok()
}

async fn act(room: &Room) {
    let entry = room.service.audit(&admin(), "server.drain", "server two".to_owned(), None, None);
    room.service.record_act(&entry).await.unwrap();
}

async fn changes(room: &Room) -> u64 {
    room.service.store.newest_change().await.unwrap()
}

/// Server and login of each attempt.
async fn sign_ins(room: &Room) -> Vec<(String, String)> {
    let page = room.service.list_sign_ins(SignInQuery::default()).await.unwrap();
    assert_eq!(page.total, page.items.len() as u64);
    page.items.into_iter().map(|item| (item.server_id, item.login)).collect()
}

fn rows(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(server, login)| ((*server).to_owned(), (*login).to_owned())).collect()
}

#[tokio::test]
async fn the_active_server_lists_who_tried_to_sign_in_anywhere() {
    let one = Room::active().await;
    let password = one.service.add_operator(&admin(), "eva").await.unwrap();
    let two = one.standby().await;
    assert!(try_to_sign_in(&two, "eva", &password).await);
    assert!(!try_to_sign_in(&two, "otto", &password).await);
    two.advance(time::Duration::seconds(1));
    one.advance(time::Duration::seconds(5));
    assert!(!try_to_sign_in(&one, "eva", "wrong").await);
    for _ in 0..2 {
        exchange(&two, &one).await;
        assert_eq!(sign_ins(&one).await, rows(&[("one", "eva"), ("two", "otto"), ("two", "eva")]));
        assert_eq!(sign_ins(&two).await, rows(&[("two", "otto"), ("two", "eva")]), "its own");
    }
    let page = one.service.list_sign_ins(SignInQuery::default()).await.unwrap();
    let outcomes: Vec<bool> = page.items.iter().map(|item| item.succeeded).collect();
    assert_eq!(outcomes, [false, false, true]);
    assert_eq!(page.items[1].peer.as_deref(), Some("198.51.100.1"));

    let stopped = Some("pulled".to_owned());
    two.service.become_active(&admin(), PromotionKind::Takeover, stopped, None).await.unwrap();
    one.service.roles.override_role(Role::Standby);
    exchange(&one, &two).await;
    assert_eq!(sign_ins(&two).await, rows(&[("one", "eva"), ("two", "otto"), ("two", "eva")]));
    assert_eq!(sign_ins(&one).await.len(), 3, "what it was told stays");
}

#[tokio::test]
async fn attempts_are_listed_in_pages() {
    let one = Room::active().await;
    let two = one.standby().await;
    for room in [&one, &two, &one, &two, &two] {
        try_to_sign_in(room, "eva", "wrong").await;
        one.advance(time::Duration::seconds(1));
        two.advance(time::Duration::seconds(1));
    }
    exchange(&two, &one).await;
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let page = one.service.list_sign_ins(SignInQuery { limit: Some(2), cursor }).await.unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.items.into_iter().map(|item| item.server_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["two", "two", "one", "two", "one"]);
    for (query, field) in [
        (SignInQuery { limit: Some(201), cursor: None }, "limit"),
        (SignInQuery { limit: None, cursor: Some("?".to_owned()) }, "cursor"),
        (SignInQuery { limit: None, cursor: Some("YSBiIGMgZA".to_owned()) }, "cursor"),
    ] {
        let Err(Fault::Invalid { errors }) = one.service.list_sign_ins(query).await else { panic!("{field}") };
        assert_eq!(errors[0].field, field);
    }
}

#[tokio::test]
async fn what_is_done_at_a_standby_is_a_change_at_the_active_server() {
    let one = Room::active().await;
    let two = one.standby().await;
    let before = changes(&one).await;
    act(&two).await;
    assert_eq!(changes(&two).await, before, "its copy is not written");
    for _ in 0..2 {
        exchange(&two, &one).await;
        assert_eq!(changes(&one).await, before + 1);
    }
    act(&one).await;
    assert_eq!(changes(&one).await, before + 2);

    // Its copy brings it back; it is promoted, and finds it there.
    two.service.close_store().await;
    copy_database(one.folder.path(), two.folder.path()).await;
    let two = Room::on(two.folder, Role::Standby, "two").await;
    act(&two).await;
    two.service.become_active(&admin(), PromotionKind::Takeover, None, None).await.unwrap();
    assert_eq!(changes(&two).await, before + 4, "the promotion and what was done since");
    two.service.adopt_own_local_database().await.unwrap();
    assert_eq!(changes(&two).await, before + 4);
}

#[tokio::test]
async fn acts_told_to_a_lost_active_server_are_in_the_next_database() {
    let one = Room::active().await;
    let two = one.standby().await;
    let before = changes(&two).await;
    act(&two).await;
    exchange(&two, &one).await;
    two.service.become_active(&admin(), PromotionKind::Takeover, None, None).await.unwrap();
    assert_eq!(changes(&two).await, before + 2);
}

#[tokio::test]
async fn only_who_is_not_active_tells_and_only_who_is_active_takes_in() {
    let one = Room::active().await;
    let two = one.standby().await;
    act(&two).await;
    assert!(two.service.records_for("one").await.unwrap().is_empty(), "it was not heard yet");
    exchange(&two, &one).await;
    try_to_sign_in(&one, "eva", "wrong").await;
    assert!(one.service.records_for("two").await.unwrap().is_empty());
    let records = two.service.store.list_operator_records("three").await.unwrap();
    assert_eq!(records.audit.len(), 1);
    assert_eq!(two.service.note_records("three", &records).await, None);
    one.service.close_store().await;
    assert_eq!(one.service.note_records("two", &records).await, None, "it cannot be written, and is told again");
}

#[tokio::test]
async fn older_programs_say_nothing_of_it() {
    let one = Room::active().await;
    let two = one.standby().await;
    act(&two).await;
    exchange(&two, &one).await;
    act(&two).await;
    let told = two.service.exchange_for("one", None).await.unwrap();
    assert!(!told.records.is_empty());
    let without = |value: Value, field: &str| {
        let Value::Object(mut fields) = value else { panic!("{value}") };
        assert!(fields.remove(field).is_some(), "{field}");
        Value::Object(fields)
    };
    let old: Exchange = serde_json::from_value(without(json!(told), "records")).unwrap();
    assert!(old.records.is_empty());
    let reply = one.service.answer_exchange(old, None).await.unwrap();
    let old: ExchangeReply = serde_json::from_value(without(json!(reply), "held")).unwrap();
    assert!(!two.service.take_reply(old, &told).await.unwrap());
    assert_eq!(two.service.exchange_for("one", None).await.unwrap().records, told.records, "it is told again");
}
