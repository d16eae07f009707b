//! A server process: started on core 0, asked over its pipes, measured through /proc, and killed.

use crate::{Failure, Kind};
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// No answer takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct ServerProcess {
    child: Child,
    pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Starts a server and waits until it listens.
    pub(crate) async fn start(
        kind: Kind,
        keys: &Path,
        address: SocketAddr,
        patience: Duration,
    ) -> Result<Self, Failure> {
        let pinned = std::process::Command::new("taskset").arg("--version").output().is_ok();
        let program = std::env::current_exe()?;
        let mut command = if pinned {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let kind = match kind {
            Kind::Bare => "bare",
            Kind::Ours => "ours",
        };
        command.args(["serve", kind]).arg(keys).arg(address.to_string()).arg(patience.as_millis().to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output), Some(pid)) = (input, output, child.id()) else {
            return Err("a server without pipes".into());
        };
        let mut server = Self { child, pid, input, output: BufReader::new(output).lines() };
        server.answer().await?;
        Ok(server)
    }

    /// How many sessions it holds.
    pub(crate) async fn sessions(&mut self) -> Result<usize, Failure> {
        Ok(self.ask("sessions").await?.parse()?)
    }

    /// Pushes the nth list to all; milliseconds until the last answer, and how many answered.
    pub(crate) async fn push(&mut self, nth: u64) -> Result<(f64, usize), Failure> {
        let answer = self.ask(&format!("push {nth}")).await?;
        let (ms, count) = answer.split_once(' ').ok_or("a push without an outcome")?;
        Ok((ms.parse()?, count.parse()?))
    }

    /// Ends it as a power cut would.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Resident bytes.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kilobytes * 1024)
    }

    /// Time spent on a processor, all threads.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let mut nanoseconds = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += text.split_whitespace().next().ok_or("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    async fn ask(&mut self, command: &str) -> Result<String, Failure> {
        self.input.write_all(format!("{command}\n").as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<String, Failure> {
        let line = timeout(ANSWER_LIMIT, self.output.next_line()).await.map_err(|_| "the server does not answer")??;
        line.ok_or_else(|| "the server has ended".into())
    }
}
