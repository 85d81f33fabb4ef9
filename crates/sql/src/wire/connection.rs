//! Messages to and from Postgres.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use postgres_protocol::message::backend::{Header, Message, READY_FOR_QUERY_TAG};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWrite};

use super::stream::Stream;
use crate::error::{DatabaseError, Error};

/// How much is read at a time.
const CHUNK: usize = 16 << 10;

/// Buffers larger than this are given back after use.
const KEEP: usize = 256 << 10;

/// What went wrong between us and Postgres.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("a message of {0} bytes")]
    TooLong(usize),
    #[error("an unexpected message")]
    Unexpected,
    #[error("{}", .0.message)]
    Database(Box<DatabaseError>),
    #[error("Postgres did not ask for the password")]
    Unasked,
    #[error("no answer in time")]
    Slow,
}

impl WireError {
    /// As the answer to a client. What only an operator should know goes to the log.
    pub(crate) fn answer(self) -> Error {
        match self {
            Self::Database(error) => Error::Database(error),
            Self::TooLong(length) => Error::ResponseTooLarge(length, "bytes"),
            other => {
                tracing::warn!(error = %other, "the connection to Postgres failed");
                Error::Unreachable("the connection to the database was lost")
            }
        }
    }
}

/// Rows of texts.
pub(crate) type Texts = Vec<Vec<Option<String>>>;

/// Where Postgres says that a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    None,
    Open,
    Failed,
}

impl Transaction {
    pub(crate) fn read(status: u8) -> Self {
        match status {
            b'I' => Self::None,
            b'T' => Self::Open,
            _ => Self::Failed,
        }
    }
}

/// One connection. Whatever future of it is dropped, no message is lost or cut.
pub(crate) struct Connection {
    stream: Stream,
    input: BytesMut,
    output: BytesMut,
    longest: usize,
    pub(crate) process: i32,
    pub(crate) secret: i32,
}

impl Connection {
    /// Messages from Postgres longer than `longest` are an error.
    pub(crate) fn new(stream: Stream, longest: usize) -> Self {
        Self {
            stream,
            input: BytesMut::new(),
            output: BytesMut::new(),
            longest,
            process: 0,
            secret: 0,
        }
    }

    /// What is sent next. It goes out while [`Connection::next`] waits.
    pub(crate) fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// The next message that means something to us.
    pub(crate) async fn next(&mut self) -> Result<Message, WireError> {
        loop {
            while let Some(message) = self.parse()? {
                match message {
                    Message::NoticeResponse(_)
                    | Message::ParameterStatus(_)
                    | Message::NotificationResponse(_) => {}
                    message => return Ok(message),
                }
            }
            poll_fn(|context| self.exchange(context)).await?;
        }
    }

    fn parse(&mut self) -> Result<Option<Message>, WireError> {
        // Known before it is complete, so that a huge row is never in memory.
        if let Some(header) = Header::parse(&self.input)? {
            let length = usize::try_from(header.len()).unwrap_or(usize::MAX);
            if length > self.longest {
                return Err(WireError::TooLong(self.longest));
            }
        }
        Ok(Message::parse(&mut self.input)?)
    }

    /// Sends what there is to send, and reads. Both at once: Postgres may stop reading until we read what it has written.
    fn exchange(&mut self, context: &mut Context<'_>) -> Poll<Result<(), WireError>> {
        while !self.output.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.output) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                Poll::Ready(Ok(written)) => drop(self.output.split_to(written)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(error)) = Pin::new(&mut self.stream).poll_flush(context) {
            return Poll::Ready(Err(error.into()));
        }
        if self.input.capacity() - self.input.len() < CHUNK / 4 {
            self.input.reserve(CHUNK);
        }
        match pin!(self.stream.read_buf(&mut self.input)).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
            Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
        }
    }

    /// Whether all of an answer has arrived, to the message that says that Postgres is ready. Does not wait.
    pub(crate) fn has_answer(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.poll_answer(&mut context).is_ready()
    }

    /// Waits until all of an answer has arrived. No message is read.
    pub(crate) async fn answer(&mut self) {
        poll_fn(|context| self.poll_answer(context)).await;
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.holds_answer() {
            // What fails is said to whoever reads the answer, which then does not wait either.
            if std::task::ready!(self.exchange(context)).is_err() {
                break;
            }
        }
        Poll::Ready(())
    }

    fn holds_answer(&self) -> bool {
        let mut rest: &[u8] = &self.input;
        while let Ok(Some(header)) = Header::parse(rest) {
            if header.tag() == READY_FOR_QUERY_TAG {
                return true;
            }
            let length = usize::try_from(header.len())
                .unwrap_or(usize::MAX)
                .saturating_add(1);
            rest = rest.get(length..).unwrap_or_default();
        }
        false
    }

    /// Whether an idle connection is as it was left: Postgres neither closed it nor said anything.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        let outcome = poll_fn(|context| Poll::Ready(self.exchange(context))).await;
        match outcome {
            Poll::Pending => true,
            Poll::Ready(Err(_)) => false,
            // A notice or a changed setting is no harm; an error is a farewell.
            Poll::Ready(Ok(())) => {
                let mut quiet = true;
                while let Ok(Some(message)) = self.parse() {
                    quiet &= matches!(
                        message,
                        Message::NoticeResponse(_)
                            | Message::ParameterStatus(_)
                            | Message::NotificationResponse(_)
                    );
                }
                quiet && self.input.is_empty()
            }
        }
    }

    /// Gives large buffers back.
    pub(crate) fn trim(&mut self) {
        if self.input.is_empty() && self.input.capacity() > KEEP {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() && self.output.capacity() > KEEP {
            self.output = BytesMut::new();
        }
    }

    /// Statements without parameters, by the simple protocol. The values of the rows, and where the session stands afterwards.
    pub(crate) async fn simple(&mut self, sql: &str) -> Result<(Texts, Transaction), WireError> {
        frontend::query(sql, &mut self.output)?;
        self.simple_result().await
    }

    /// What came of statements that were sent by the simple protocol.
    pub(crate) async fn simple_result(&mut self) -> Result<(Texts, Transaction), WireError> {
        let (mut rows, mut failed) = (Vec::new(), None);
        loop {
            match self.next().await? {
                Message::DataRow(row) => rows.push(texts(&row)?),
                Message::ErrorResponse(body) => failed = Some(DatabaseError::read(&body)),
                Message::ReadyForQuery(body) => {
                    return match failed {
                        Some(error) => Err(WireError::Database(Box::new(error))),
                        None => Ok((rows, Transaction::read(body.status()))),
                    };
                }
                Message::RowDescription(_) | Message::CommandComplete(_) | Message::EmptyQueryResponse => {}
                _ => return Err(WireError::Unexpected),
            }
        }
    }

    /// Says goodbye, without waiting.
    pub(crate) async fn close(mut self) {
        frontend::terminate(&mut self.output);
        // Whether it arrives does not matter: Postgres notices the closed socket, too.
        let _ = poll_fn(|context| Poll::Ready(self.exchange(context))).await;
    }
}

fn texts(row: &postgres_protocol::message::backend::DataRowBody) -> Result<Vec<Option<String>>, WireError> {
    use fallible_iterator::FallibleIterator;
    let text = |range: Option<std::ops::Range<usize>>| {
        let bytes = range.and_then(|range| row.buffer().get(range));
        Ok(bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))
    };
    Ok(row.ranges().map(text).collect()?)
}
