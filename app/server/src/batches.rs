//! One writer for many who want something written: what waits is one transaction, and is answered when it is durable.

use std::sync::OnceLock;
use tokio::sync::{mpsc, oneshot};

/// Jobs that wait in the queue; whoever comes later waits before it, so that a slow disk slows the devices.
const QUEUE: usize = 256;

/// Writes jobs of one kind.
pub(crate) trait Writes: Send + 'static {
    /// What is to be written.
    type Job: Send + 'static;
    /// What is answered once it is.
    type Answer: Send + 'static;
    /// Jobs in one transaction.
    const AT_ONCE: usize;

    /// All of them in one transaction, an answer for each; `None` if they cannot be written now.
    fn write(&self, jobs: &[Self::Job]) -> impl Future<Output = Option<Vec<Self::Answer>>> + Send;
}

/// A job and who waits for the answer.
type Waiting<W> = (<W as Writes>::Job, oneshot::Sender<Option<<W as Writes>::Answer>>);

/// The way to a writer, which starts with the first job.
#[derive(Debug)]
pub(crate) struct Batches<W: Writes>(OnceLock<mpsc::Sender<Waiting<W>>>);

impl<W: Writes> Default for Batches<W> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<W: Writes> Batches<W> {
    /// The answer once the job is durable; `None` if it cannot be written now. `writes` begins the writer.
    pub(crate) async fn write(&self, job: W::Job, writes: impl FnOnce() -> W) -> Option<W::Answer> {
        let queue = self.0.get_or_init(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            tokio::spawn(write_all(writes(), jobs));
            queue
        });
        let (done, answer) = oneshot::channel();
        queue.send((job, done)).await.ok()?;
        answer.await.ok()?
    }
}

/// Writes until nobody is left who could ask.
async fn write_all<W: Writes>(writes: W, mut queue: mpsc::Receiver<Waiting<W>>) {
    let mut jobs = Vec::with_capacity(W::AT_ONCE);
    while queue.recv_many(&mut jobs, W::AT_ONCE).await > 0 {
        // Whoever has hung up asks again in its next session.
        jobs.retain(|(_, done)| !done.is_closed());
        if jobs.is_empty() {
            continue;
        }
        let (batch, waiting): (Vec<_>, Vec<_>) = jobs.drain(..).unzip();
        let mut answers = writes.write(&batch).await.map(Vec::into_iter);
        for done in waiting {
            // They may have hung up just now.
            let _ = done.send(answers.as_mut().and_then(Iterator::next));
        }
    }
}
