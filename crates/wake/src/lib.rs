//! Tasks that are not woken by what they do themselves.
//!
//! A future that hands something to another part of the same task wakes that part, and with it the task, in the middle of being polled. The
//! runtime then runs the task once more, and wakes another thread first that could help: two switches of threads for nothing, which take as
//! long as many an answer. Who polls such futures with the waker of a [`Relay`] looks at what is new at once instead.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// How often a future goes on at once before other tasks have a turn: nearly always once is enough.
const TURNS: usize = 4;

/// Wakes the task that waits, and only then.
#[derive(Debug, Default)]
pub struct Relay(Mutex<Stand>);

#[derive(Debug, Default)]
struct Stand {
    /// The task, while it waits.
    waiting: Option<Waker>,
    /// Whether there is news that it has not looked at.
    news: bool,
}

impl Relay {
    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes turns until one is done or there is nothing new to look at. Each says with [`Relay::listen`] when it looks.
    pub fn take_turns<T>(&self, context: &Context<'_>, mut turn: impl FnMut() -> Poll<T>) -> Poll<T> {
        self.begin();
        for _ in 0..TURNS {
            if let Poll::Ready(done) = turn() {
                return Poll::Ready(done);
            }
            if self.wait(context) {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// What is polled with this waker is looked at now.
    pub fn listen(&self) {
        self.stand().news = false;
    }

    /// The task is at work.
    fn begin(&self) {
        self.stand().waiting = None;
    }

    /// Whether the task may wait: there is nothing new since it looked.
    fn wait(&self, context: &Context<'_>) -> bool {
        let mut stand = self.stand();
        if !stand.news {
            stand.waiting = Some(context.waker().clone());
        }
        !stand.news
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = {
            let mut stand = self.stand();
            stand.news = true;
            stand.waiting.take()
        };
        if let Some(task) = waiting {
            task.wake();
        }
    }
}

/// The same future, which goes on at once where it would wake its own task.
pub async fn settled<T>(future: impl Future<Output = T>) -> T {
    let relay = Arc::<Relay>::default();
    let waker = Waker::from(Arc::clone(&relay));
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        relay.take_turns(context, || {
            relay.listen();
            future.as_mut().poll(&mut Context::from_waker(&waker))
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Wakes its own task so often, and is done then.
    fn restless(mut turns: usize) -> impl Future<Output = &'static str> {
        poll_fn(move |context| {
            if turns == 0 {
                return Poll::Ready("done");
            }
            turns -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        })
    }

    #[test]
    fn a_task_that_wakes_itself_goes_on_at_once_and_lets_others_have_a_turn() {
        let counted = Arc::<Counted>::default();
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        let mut quick = pin!(settled(restless(TURNS - 1)));
        assert_eq!(quick.as_mut().poll(&mut context), Poll::Ready("done"));
        assert_eq!(counted.0.load(Ordering::SeqCst), 0);
        let mut long = pin!(settled(restless(TURNS)));
        assert!(long.as_mut().poll(&mut context).is_pending());
        assert_eq!(counted.0.load(Ordering::SeqCst), 1, "it has to be run again");
        assert_eq!(long.as_mut().poll(&mut context), Poll::Ready("done"));
    }

    #[test]
    fn a_task_that_waits_is_woken_once_for_all_that_is_new() {
        let counted = Arc::<Counted>::default();
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        let known: Mutex<Option<Waker>> = Mutex::default();
        let mut polled = 0;
        let mut waiting = pin!(settled(poll_fn(|context| {
            *known.lock().unwrap() = Some(context.waker().clone());
            polled += 1;
            if polled < 3 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })));
        for turn in 1..3 {
            assert!(waiting.as_mut().poll(&mut context).is_pending());
            let news = known.lock().unwrap().clone().unwrap();
            news.wake_by_ref();
            news.wake_by_ref();
            assert_eq!(counted.0.load(Ordering::SeqCst), turn);
        }
        assert!(waiting.as_mut().poll(&mut context).is_ready());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn news_from_another_thread_is_never_missed() {
        let (questions, mut asked) = tokio::sync::mpsc::channel::<u64>(1);
        let (answering, mut answers) = tokio::sync::mpsc::channel::<u64>(1);
        tokio::spawn(settled(async move {
            while let Some(question) = asked.recv().await {
                let _ = answering.send(question * 10).await;
            }
        }));
        // A task of its own, too: the thread of the test is none of the two.
        let asking = tokio::spawn(settled(async move {
            let mut sum = 0;
            for question in 0..20_000 {
                questions.send(question).await.unwrap();
                sum += answers.recv().await.unwrap();
            }
            sum
        }));
        let patience = std::time::Duration::from_secs(60);
        let sum = tokio::time::timeout(patience, asking)
            .await
            .expect("answers in time");
        assert_eq!(sum.unwrap(), 10 * (0..20_000).sum::<u64>());
    }
}
