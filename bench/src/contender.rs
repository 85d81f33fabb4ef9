//! Engines that are asked the same questions.

#[cfg(feature = "pemba")]
mod pemba;
mod rowgate;
mod simple_zanzibar;

use anyhow::Result;

use crate::measure::{Round, Times};
use crate::question::{ListQuestion, Question};
use crate::world::World;

pub use rowgate::check_of;

/// An engine that holds the data.
pub trait Contender {
    /// Its name in results.
    fn name(&self) -> &'static str;

    /// Asks all questions. Requests are made ready before the clock starts.
    fn checks(&self, questions: &[Question]) -> Result<Round>;

    /// Lists the documents that the user can view, whole, as ids: how long each of `times` lists took, and the last one.
    fn list(&self, question: &ListQuestion, times: usize) -> Result<(Times, Vec<String>)>;
}

/// Names of all contenders that this build has.
pub const ALL: &[&str] = &[
    "rowgate",
    "simple-zanzibar",
    #[cfg(feature = "pemba")]
    "pemba",
];

/// The contender of that name, with the data loaded.
pub fn load(name: &str, world: &World) -> Result<Box<dyn Contender>> {
    match name {
        "rowgate" => Ok(Box::new(rowgate::Rowgate::load(world)?)),
        "simple-zanzibar" => Ok(Box::new(simple_zanzibar::SimpleZanzibar::load(world)?)),
        #[cfg(feature = "pemba")]
        "pemba" => Ok(Box::new(pemba::Pemba::load(world)?)),
        other => anyhow::bail!("`{other}` is not one of {ALL:?}"),
    }
}
