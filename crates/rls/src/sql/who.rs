//! The subject, the context and the claims: of the session in policies and their functions, parameters in the server's statements.

use std::cell::RefCell;
use std::collections::BTreeSet;

use rowgate_binding::Subject;

use super::quote::qualified;
use super::{SCHEMA, key};
use crate::shape::KeyType;

/// Who is asking.
#[derive(Debug)]
pub(crate) enum Who {
    /// The session. Collects the forms of the subject's id that are needed: each is a function.
    Session(RefCell<BTreeSet<Form>>),
    /// The session again, in the body of a function, which has read the claims once, the subject's id into a variable, and has answered where there
    /// is none.
    Body,
    /// `$1` is the subject's id, `$2` the context and `$3` the claims, both jsonb, and `$6` the time in microseconds since 1970.
    Parameters,
}

/// A form of the subject's id: a part of a composite id, as a type of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form {
    pub(crate) ty: KeyType,
    /// From 1.
    pub(crate) part: usize,
    pub(crate) parts: usize,
}

/// The variable of [`Who::Body`].
pub(crate) const VARIABLE: &str = "asking";

impl Form {
    pub(crate) const ID: Self = Self {
        ty: KeyType::Text,
        part: 1,
        parts: 1,
    };

    /// What an id is in this form; null where it has none.
    pub(crate) fn of(self, id: &str) -> String {
        let types = vec![self.ty; self.parts];
        let keys = key::keys(id, &types, &key::Coding::Plain);
        let part = keys.into_iter().nth(self.part - 1);
        part.unwrap_or_else(|| "null".to_owned())
    }

    /// The name of its function.
    pub(crate) fn function(self) -> String {
        let ty = match self.ty {
            KeyType::Text => "",
            KeyType::Integer => "_integer",
            KeyType::Uuid => "_uuid",
        };
        if self.parts == 1 {
            format!("me{ty}")
        } else {
            format!("me_{}_of_{}{ty}", self.part, self.parts)
        }
    }
}

/// The id of the subject of the session; nobody is `*`, which stands for everybody. For bodies of functions with rights of their own: who may ask
/// is asked through one function less than by `me()`.
pub(crate) fn id_of_session(subject: &Subject) -> String {
    let source = qualified(&subject.function);
    format!("nullif(nullif({source}()::text, ''), '*')")
}

impl Who {
    pub(crate) fn session() -> Self {
        Self::Session(RefCell::new(BTreeSet::from([Form::ID])))
    }

    /// The id as text; null when nobody is signed in.
    pub(crate) fn id(&self) -> String {
        self.key(Form::ID)
    }

    /// A form of the id, evaluated once per statement.
    pub(crate) fn key(&self, form: Form) -> String {
        match self {
            Self::Session(forms) => {
                forms.borrow_mut().insert(form);
                format!("(select {SCHEMA}.{}())", form.function())
            }
            Self::Body => form.of(VARIABLE),
            Self::Parameters => format!("(select {})", form.of("nullif($1::text, '*')")),
        }
    }

    /// The id as warrants name it, where `*` asks for what everybody has.
    pub(crate) fn named(&self) -> String {
        match self {
            Self::Session(_) | Self::Body => self.id(),
            Self::Parameters => "$1::text".to_owned(),
        }
    }

    /// A test that is true when somebody is signed in, evaluated once; none where that was seen to before.
    pub(crate) fn is_somebody(&self) -> Option<String> {
        (!matches!(self, Self::Body)).then(|| format!("{} is not null", self.named()))
    }

    pub(crate) fn context(&self) -> String {
        match self {
            Self::Session(_) | Self::Body => format!("(select {SCHEMA}.context())"),
            Self::Parameters => "$2::jsonb".to_owned(),
        }
    }

    /// The time in nanoseconds since 1970, as a numeric: that of the transaction, or of the request.
    pub(crate) fn now(&self) -> String {
        match self {
            Self::Session(_) | Self::Body => {
                "(select extract(epoch from transaction_timestamp()) * 1000000000)".to_owned()
            }
            Self::Parameters => "($6::bigint::numeric * 1000)".to_owned(),
        }
    }

    pub(crate) fn claims(&self) -> String {
        match self {
            Self::Session(_) | Self::Body => format!("(select {SCHEMA}.claims())"),
            Self::Parameters => "$3::jsonb".to_owned(),
        }
    }
}
