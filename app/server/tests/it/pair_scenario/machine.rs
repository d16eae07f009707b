//! One server with its disk, which may be killed, started again, and given an old image of itself.

use super::line::Line;
use crate::{
    failover::{Mortal, quick},
    pair::{console, folder},
    promotion::copy_folder,
};
use server::{
    Service,
    config::Config,
    db::{DATABASE_FILE, LOCAL_FILE},
    start::Running,
};
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;

pub(super) struct Machine {
    pub(super) id: String,
    /// What the other server dials.
    pub(super) line: Line,
    /// With the addresses of its first start.
    config: Config,
    folder: TempDir,
    image: Option<Image>,
    running: Option<Mortal>,
    /// Its disk is an old image, and it has not followed the other server since.
    pub(super) stale: Option<Stale>,
}

/// Between which steps a disk has nothing: when the image was taken, and when it was put back.
#[derive(Clone, Copy)]
pub(super) struct Stale {
    pub(super) since: usize,
    pub(super) until: usize,
}

struct Image {
    folder: TempDir,
    step: usize,
}

impl Machine {
    /// A new server; the second of an installation if there is a join string.
    pub(super) async fn new(number: u8, seed: u64, rare_copies: bool, join: Option<String>) -> Self {
        // Addresses of its own: nobody else takes a port while the server is down.
        let [.., high, low] = seed.to_be_bytes();
        let host = Ipv4Addr::new(127, 64 + number, high, low);
        let (line, peers) = Line::lay(host, Ipv4Addr::new(127, 96 + number, high, low)).await;
        let folder = folder();
        let mut config = Config { gateway: SocketAddr::from((host, 0)), peers, ..quick(&data_in(&folder)) };
        if rare_copies {
            config.copy_schedule = "7d".parse().unwrap();
        }
        let mortal = Mortal::start(Config { join, ..config.clone() }).await;
        config.gateway = mortal.running.gateway_addr;
        let id = mortal.running.service().identity().server_id.clone();
        Self { id, line, config, folder, image: None, running: Some(mortal), stale: None }
    }

    pub(super) fn gateway(&self) -> SocketAddr {
        self.config.gateway
    }

    /// Where it answers other servers, beside the line.
    pub(super) fn peers_addr(&self) -> SocketAddr {
        self.config.peers
    }

    pub(super) fn data(&self) -> PathBuf {
        data_in(&self.folder)
    }

    pub(super) fn running(&self) -> Option<&Running> {
        self.running.as_ref().map(|mortal| &mortal.running)
    }

    pub(super) fn service(&self) -> Option<&Arc<Service>> {
        self.running().map(Running::service)
    }

    pub(super) fn is_up(&self) -> bool {
        self.running.is_some()
    }

    pub(super) async fn start(&mut self) {
        self.running = Some(Mortal::again(self.config.clone()).await);
    }

    pub(super) async fn kill(&mut self) {
        let Some(mortal) = self.running.take() else { return };
        mortal.kill();
        // Its databases are closed by threads of their own.
        let logs = [DATABASE_FILE, LOCAL_FILE].map(|file| self.data().join(format!("{file}-wal")));
        for _ in 0..100 {
            if logs.iter().all(|log| !log.exists()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn has_image(&self) -> bool {
        self.image.is_some()
    }

    /// Keeps the disk as it is; of a server that runs, as a hypervisor does.
    pub(super) async fn take_image(&mut self, step: usize) {
        let folder = folder();
        if let Some(service) = self.service() {
            service.quiesce(&console(), &self.id, 60).await.unwrap();
            copy_folder(&self.data(), folder.path());
            service.resume_writes(&console(), &self.id).unwrap();
        } else {
            copy_folder(&self.data(), folder.path());
        }
        self.image = Some(Image { folder, step });
    }

    /// Puts it in the place of the disk at this step; the answer is the step at which it was taken.
    pub(super) fn put_image_back(&mut self, until: usize) -> usize {
        let Image { folder, step } = self.image.take().unwrap();
        fs::remove_dir_all(self.data()).unwrap();
        fs::create_dir(self.data()).unwrap();
        copy_folder(folder.path(), &self.data());
        self.stale = Some(Stale { since: step, until });
        step
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // A runtime may not be dropped where tasks run.
        if let Some(mortal) = self.running.take() {
            mortal.kill();
        }
    }
}

fn data_in(folder: &TempDir) -> PathBuf {
    let path: &Path = folder.path();
    path.join("data")
}
