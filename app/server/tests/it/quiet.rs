//! Writes are held while a snapshot is taken.

use crate::pair::{change, console, first, folder, has};
use model::Fault;
use server::{config::Config, start::start};
use std::{fs, sync::Arc, time::Duration};
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_snapshot_between_quiesce_and_resume_needs_no_log_files() {
    let (data, image) = (folder(), folder());
    let one = Arc::new(first(data.path()).await);
    let before = change(&one).await;
    let own = one.service().identity().server_id.clone();
    for wrong in [0, 121] {
        let refused = one.service().quiesce(&console(), &own, wrong).await;
        assert!(matches!(refused, Err(Fault::Invalid { .. })), "{refused:?}");
    }
    one.service().quiesce(&console(), &own, 60).await.unwrap();
    assert!(matches!(one.service().quiesce(&console(), &own, 60).await, Err(Fault::WrongState(_))));
    assert!(one.service().banners().await.iter().any(|banner| banner.text.contains("snapshot")));
    let writer = tokio::spawn({
        let one = one.clone();
        async move { change(&one).await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!writer.is_finished(), "it waits");
    // A snapshot without the logs.
    for name in ["biostar2.db", "local.db", "server.json", "role.json", "start.json"] {
        fs::copy(data.path().join(name), image.path().join(name)).unwrap();
    }
    fs::create_dir(image.path().join("keys")).unwrap();
    for key in fs::read_dir(data.path().join("keys")).unwrap() {
        let key = key.unwrap().path();
        fs::copy(&key, image.path().join("keys").join(key.file_name().unwrap())).unwrap();
    }
    one.service().resume_writes(&console(), &own).unwrap();
    let after = timeout(Duration::from_secs(10), writer).await.expect("it goes on").unwrap();
    assert!(has(&one, &after).await);
    one.service().resume_writes(&console(), &own).unwrap();

    let restored = start(Config::on_loopback(image.path())).await.unwrap();
    assert!(has(&restored, &before).await && !has(&restored, &after).await);
    restored.stop().await;
}

#[tokio::test]
async fn writes_that_nobody_lets_go_go_on_by_themselves() {
    let data = folder();
    let one = first(data.path()).await;
    let own = one.service().identity().server_id.clone();
    one.service().quiesce(&console(), &own, 1).await.unwrap();
    let late = timeout(Duration::from_secs(10), change(&one)).await.expect("it goes on");
    assert!(has(&one, &late).await);
    assert!(one.service().banners().await.iter().all(|banner| !banner.text.contains("snapshot")));
    one.stop().await;
}
