//! A connection that is driven by the very task that waits for its answer, not by one of its own: nobody else has to be woken on the way,
//! which would take as long as to read a row.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rowgate_store::postgres::Driver;
use rowgate_wake::Relay;

/// What moves the bytes of a connection.
pub(crate) struct Driven {
    driver: Driver,
    relay: Arc<Relay>,
    waker: Waker,
}

impl Driven {
    pub(crate) fn new(driver: Driver) -> Self {
        let relay = Arc::<Relay>::default();
        Self {
            driver,
            waker: Waker::from(Arc::clone(&relay)),
            relay,
        }
    }

    /// Waits for work on the connection, and drives the connection meanwhile.
    pub(crate) async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let Self { driver, relay, waker } = self;
        let mut work = pin!(work);
        poll_fn(|context| {
            relay.take_turns(context, || {
                // What the work waits for comes from the driver alone, after which it is asked again in any case.
                let mut quiet = Context::from_waker(Waker::noop());
                if let Poll::Ready(done) = work.as_mut().poll(&mut quiet) {
                    return Poll::Ready(done);
                }
                // What it handed to the driver is seen by the driver now.
                relay.listen();
                let driven: Poll<Infallible> = driver.as_mut().poll(&mut Context::from_waker(waker));
                let Poll::Pending = driven;
                work.as_mut().poll(&mut quiet)
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    /// A connection in memory: work pushes questions and wakes the driver, as a channel does, and the driver answers them.
    #[derive(Default)]
    struct Line {
        questions: VecDeque<u32>,
        answers: VecDeque<u32>,
        driver: Option<Waker>,
        /// Whether the other end has answered what it was sent.
        is_open: bool,
    }

    type Shared = Arc<Mutex<Line>>;

    fn driver(line: &Shared) -> Driver {
        let line = Arc::clone(line);
        Box::pin(poll_fn(move |context| {
            let mut line = line.lock().unwrap();
            line.driver = Some(context.waker().clone());
            if line.is_open {
                let questions = std::mem::take(&mut line.questions);
                line.answers
                    .extend(questions.iter().map(|question| question * 10));
            }
            Poll::Pending
        }))
    }

    async fn ask(line: &Shared, question: u32) -> u32 {
        {
            let mut line = line.lock().unwrap();
            line.questions.push_back(question);
            line.driver.iter().for_each(Waker::wake_by_ref);
        }
        poll_fn(|_| match line.lock().unwrap().answers.pop_front() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_task_is_woken_when_it_waits_and_not_while_it_works() {
        let line = Shared::default();
        let mut driven = Driven::new(driver(&line));
        let counted = Arc::<Counted>::default();
        let waker = Waker::from(Arc::clone(&counted));
        let mut context = Context::from_waker(&waker);
        {
            let mut asking = pin!(driven.drive(ask(&line, 1)));
            assert!(asking.as_mut().poll(&mut context).is_pending());
            assert_eq!(counted.0.load(Ordering::SeqCst), 0);
            let driver = {
                let mut line = line.lock().unwrap();
                line.is_open = true;
                line.driver.clone().unwrap()
            };
            driver.wake_by_ref();
            driver.wake_by_ref();
            assert_eq!(counted.0.load(Ordering::SeqCst), 1, "once for all that is new");
            assert_eq!(asking.as_mut().poll(&mut context), Poll::Ready(10));
        }
        // Questions one after the other: each wakes the driver, which answers without the task being run again.
        let several = async {
            let mut sum = 0;
            for question in 2..5 {
                sum += ask(&line, question).await;
            }
            sum
        };
        let mut asking = pin!(driven.drive(several));
        assert_eq!(asking.as_mut().poll(&mut context), Poll::Ready(90));
        assert_eq!(counted.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_connection_that_wakes_itself_all_the_time_lets_others_have_a_turn() {
        let restless: Driver = Box::pin(poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::Pending
        }));
        let mut driven = Driven::new(restless);
        let counted = Arc::<Counted>::default();
        let waker = Waker::from(Arc::clone(&counted));
        let mut waiting = pin!(driven.drive(std::future::pending::<()>()));
        assert!(
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        assert_eq!(counted.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn news_from_another_thread_is_never_missed() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_time()
            .build()
            .unwrap();
        let line = Shared::default();
        let mut driven = Driven::new(driver(&line));
        let answering = Arc::clone(&line);
        let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (end, begin) = (Arc::clone(&done), std::time::Instant::now());
        let other = std::thread::spawn(move || {
            while !end.load(Ordering::SeqCst) && begin.elapsed().as_secs() < 60 {
                let mut line = answering.lock().unwrap();
                let questions = std::mem::take(&mut line.questions);
                line.answers
                    .extend(questions.iter().map(|question| question * 10));
                let driver = (!questions.is_empty()).then(|| line.driver.clone()).flatten();
                drop(line);
                driver.iter().for_each(Waker::wake_by_ref);
            }
        });
        let answers = runtime.block_on(async {
            let mut sum = 0;
            for question in 0..20_000 {
                let answer = driven.drive(ask(&line, question));
                let answer = tokio::time::timeout(std::time::Duration::from_secs(30), answer);
                sum += u64::from(answer.await.expect("an answer in time"));
            }
            sum
        });
        done.store(true, Ordering::SeqCst);
        other.join().unwrap();
        assert_eq!(answers, 10 * (0..20_000).sum::<u64>());
    }
}
