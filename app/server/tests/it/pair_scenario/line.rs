//! The line to a server, which can be cut: what other servers dial.

use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(super) struct Line {
    open: watch::Sender<bool>,
    _stop: DropGuard,
}

impl Line {
    /// A line from a port at `outside` to the same port at `inside`, which is the answer's second half.
    pub(super) async fn lay(outside: Ipv4Addr, inside: Ipv4Addr) -> (Self, SocketAddr) {
        let device = TcpListener::bind((outside, 0)).await.unwrap();
        let behind = SocketAddr::from((inside, device.local_addr().unwrap().port()));
        let (open, is_open) = watch::channel(true);
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(pass_on(device, behind, is_open)));
        (Self { open, _stop: stop.drop_guard() }, behind)
    }

    /// Breaks all connections; others are hung up on.
    pub(super) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(super) fn mend(&self) {
        self.open.send_replace(true);
    }

    pub(super) fn is_open(&self) -> bool {
        *self.open.borrow()
    }
}

async fn pass_on(device: TcpListener, behind: SocketAddr, is_open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = device.accept().await {
        while connections.try_join_next().is_some() {}
        let mut is_open = is_open.clone();
        connections.spawn(async move {
            let carry = async {
                let mut far = TcpStream::connect(behind).await?;
                copy_bidirectional(&mut near, &mut far).await
            };
            tokio::select! {
                _ = carry => {}
                _ = is_open.wait_for(|open| !open) => {}
            }
        });
    }
}
