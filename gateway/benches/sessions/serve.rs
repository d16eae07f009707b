//! The process that is measured: serves, and does what the other process writes to its standard input.

use crate::bare::Bare;
use crate::ours::Ours;
use crate::{Failure, Kind, Service, keys, lists, ms};
use std::io::{BufRead as _, Write as _};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// How long a push to all devices is watched.
const PUSH_LIMIT: Duration = Duration::from_secs(30);

/// Either kind of server, running.
enum Server {
    Bare(Bare),
    Ours(Ours),
}

impl Server {
    fn sessions(&self) -> usize {
        match self {
            Self::Bare(server) => server.sessions(),
            Self::Ours(server) => server.sessions(),
        }
    }

    /// How often a device said that it holds a list, and how often that it will not try it.
    fn answered(&self) -> [usize; 2] {
        match self {
            Self::Bare(server) => server.answered(),
            Self::Ours(server) => server.answered(),
        }
    }

    fn push(&self, nth: u64) -> Result<(), Failure> {
        let list = lists::pushed(nth)?;
        match self {
            Self::Bare(server) => server.push(list),
            Self::Ours(server) => {
                server.push(list);
                Ok(())
            }
        }
    }
}

/// Serves until standard input ends.
pub(crate) async fn run(service: Service) -> Result<(), Failure> {
    let patience = Duration::from_millis(service.patience_ms);
    let tls = keys::load(&service.keys)?;
    let server = match service.kind {
        Kind::Bare => Server::Bare(Bare::start(service.address, tls)?),
        Kind::Ours => Server::Ours(Ours::start(service.address, tls, patience)?),
    };
    say("ready")?;
    let mut commands = commands();
    while let Some(command) = commands.recv().await {
        let answer = match command.split_once(' ') {
            None if command == "sessions" => server.sessions().to_string(),
            Some(("push", nth)) => push(&server, nth.parse()?).await?,
            Some(_) | None => return Err(format!("{command:?} is no command").into()),
        };
        say(&answer)?;
    }
    Ok(())
}

/// Pushes to every device; milliseconds until the last one held the list, and how many did. Ends when all have also
/// refused to try it, so that the next push finds them at rest.
async fn push(server: &Server, nth: u64) -> Result<String, Failure> {
    let (begun, before, all) = (Instant::now(), server.answered(), server.sessions());
    server.push(nth)?;
    let mut took = [Duration::ZERO; 2];
    for (which, took) in took.iter_mut().enumerate() {
        while server.answered()[which] - before[which] < all && begun.elapsed() < PUSH_LIMIT {
            sleep(Duration::from_millis(1)).await;
        }
        *took = begun.elapsed();
    }
    Ok(format!("{} {}", ms(took[0]), server.answered()[0] - before[0]))
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    Ok(())
}

/// The lines of standard input.
fn commands() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
