//! For applications written with axum: who asks, and permissions that the token answers without a request.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use axum::{Router, extract::Path, routing::get};
//! use rowgate_identity::app::{Caller, Check, IdentityLayer, Refusal, Rowgate};
//! use rowgate_identity::jwks::{Authorities, Fetcher};
//! use rowgate_identity::{Audiences, Issuer, Keys, Verifier};
//!
//! # struct File { organization: String, project: String, text: String }
//! # async fn find(_: &str) -> Option<File> { None }
//! async fn read_file(caller: Caller, Path(id): Path<String>) -> Result<String, Refusal> {
//!     let file = find(&id).await.ok_or(Refusal::Forbidden)?;
//!     caller
//!         .require("project:view")
//!         .in_organization(&file.organization)
//!         .or_check(Check::new("project", &file.project, "viewer"))
//!         .await?;
//!     Ok(file.text)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let verifier = Verifier::new(Fetcher::new(Authorities::default())?);
//! let keys = Keys::Url("https://idp.example.com/.well-known/jwks.json".parse()?);
//! let audiences = Audiences::OneOf(vec!["files".into()]);
//! verifier.add(Issuer::new("idp", "https://idp.example.com/", keys, audiences))?;
//! let rowgate = Rowgate::with_api_key("http://127.0.0.1:7480", "sk_…")?;
//!
//! let app: Router = Router::new()
//!     .route("/files/{id}", get(read_file))
//!     .layer(IdentityLayer::required(Arc::new(verifier), rowgate));
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! * [`IdentityLayer`]: verifies the token of each request; [`Caller`]: who that is.
//! * [`Requirement`]: a permission, answered by the token or by a check.
//! * [`Rowgate`]: checks over HTTP; [`Check`]: what to ask.
//! * [`Refusal`]: answers that are not a success.

mod layer;
mod refusal;
mod require;
mod rowgate;

pub use layer::{Caller, IdentityLayer, IdentityService};
pub use refusal::Refusal;
pub use require::{Requirement, Scoped};
pub use rowgate::{Check, ClientError, Rowgate};
