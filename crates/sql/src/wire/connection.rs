//! Messages to and from Postgres.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BufMut, BytesMut};
use postgres_protocol::Oid;
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
    #[error("the defaults of the login change as fast as they are taken back")]
    Changing,
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

    /// Whether so many answers have arrived, each to the message that says that Postgres is ready. Does not wait.
    pub(crate) fn has_answers(&mut self, count: usize) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.poll_answers(count, &mut context).is_ready()
    }

    /// Waits until so many answers have arrived. No message is read.
    pub(crate) async fn answers(&mut self, count: usize) {
        poll_fn(|context| self.poll_answers(count, context)).await;
    }

    fn poll_answers(&mut self, count: usize, context: &mut Context<'_>) -> Poll<()> {
        while self.held_answers() < count {
            // What fails is said to whoever reads the answer, which then does not wait either.
            if std::task::ready!(self.exchange(context)).is_err() {
                break;
            }
        }
        Poll::Ready(())
    }

    fn held_answers(&self) -> usize {
        let (mut rest, mut count): (&[u8], _) = (&self.input, 0);
        while let Ok(Some(header)) = Header::parse(rest) {
            let length = usize::try_from(header.len())
                .unwrap_or(usize::MAX)
                .saturating_add(1);
            let Some(next) = rest.get(length..) else { break };
            count += usize::from(header.tag() == READY_FOR_QUERY_TAG);
            rest = next;
        }
        count
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

    /// What came of a function that was called with [`function_call`].
    pub(crate) async fn function_result(&mut self) -> Result<(Option<String>, Transaction), WireError> {
        let (mut value, mut failed) = (None, None);
        loop {
            if self.input.first() == Some(&FUNCTION_RESULT) {
                match function_value(&mut self.input)? {
                    Some(result) => value = result,
                    None => poll_fn(|context| self.exchange(context)).await?,
                }
                continue;
            }
            match self.parse()? {
                None => poll_fn(|context| self.exchange(context)).await?,
                Some(Message::ErrorResponse(body)) => failed = Some(DatabaseError::read(&body)),
                Some(Message::ReadyForQuery(body)) => {
                    return match failed {
                        Some(error) => Err(WireError::Database(Box::new(error))),
                        None => Ok((value, Transaction::read(body.status()))),
                    };
                }
                Some(
                    Message::NoticeResponse(_)
                    | Message::ParameterStatus(_)
                    | Message::NotificationResponse(_),
                ) => {}
                Some(_) => return Err(WireError::Unexpected),
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

/// A function's value, which `postgres-protocol` does not read.
const FUNCTION_RESULT: u8 = b'V';

/// Calls a function with one argument, without a statement. The argument and the result are texts.
pub(crate) fn function_call(function: Oid, argument: &str, out: &mut BytesMut) -> Result<(), WireError> {
    const FIXED: usize = 4 + 4 + 2 + 2 + 4 + 2;
    let length = |length: usize| i32::try_from(length).map_err(|_| WireError::Unexpected);
    out.put_u8(b'F');
    out.put_i32(length(FIXED + argument.len())?);
    out.put_u32(function);
    // No formats: all arguments are texts.
    out.put_i16(0);
    out.put_i16(1);
    out.put_i32(length(argument.len())?);
    out.put_slice(argument.as_bytes());
    out.put_i16(0);
    Ok(())
}

/// Takes a function's value off the input, if it is there as a whole.
fn function_value(input: &mut BytesMut) -> Result<Option<Option<String>>, WireError> {
    let Some(header) = Header::parse(input)? else {
        return Ok(None);
    };
    let length = usize::try_from(header.len()).map_err(|_| WireError::Unexpected)? + 1;
    if input.len() < length {
        return Ok(None);
    }
    let mut body = input.split_to(length);
    body.advance(5);
    if body.len() < 4 {
        return Err(WireError::Unexpected);
    }
    match usize::try_from(body.get_i32()) {
        // The length of null is -1.
        Err(_) => Ok(Some(None)),
        Ok(length) if length == body.len() => Ok(Some(Some(String::from_utf8_lossy(&body).into_owned()))),
        Ok(_) => Err(WireError::Unexpected),
    }
}
