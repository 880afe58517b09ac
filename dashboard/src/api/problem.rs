//! Answers that are no success, as RFC 9457 has them.
//!
//! A handler that knows more says it; of a bare status, and of what the framework answers by
//! itself, the plain problem of that status is made ([`explained`]).

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use veglia_api::{Moment, Signed};
use veglia_people::tokens::Scope;

use crate::pages;

/// What it is served as.
pub(crate) const KIND: &str = "application/problem+json";

/// Why a question got no answer, or an act was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// `about:blank`, which says no more than the status; or of an act `urn:veglia:taken`,
    /// `urn:veglia:closed`, `urn:veglia:over`, `urn:veglia:changed`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What to do about it.
    detail: String,
    /// Of an act that came too late: who was first. `null` when nobody was.
    #[schema(required)]
    first: Option<First>,
}

/// Who was first, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct First {
    /// Who.
    pub(crate) who: Signed,
    /// When.
    pub(crate) at: Moment,
}

impl Problem {
    /// What a status says by itself, and what to do about it.
    pub(crate) fn saying(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: detail.into(),
            first: None,
        }
    }

    /// An act that came too late, or was about something else.
    pub(crate) fn conflict(
        kind: &'static str,
        detail: impl Into<String>,
        first: Option<First>,
    ) -> Self {
        Self {
            kind,
            first,
            ..Self::saying(StatusCode::CONFLICT, detail)
        }
    }

    /// The token is not for this.
    pub(crate) fn scope(missing: Scope) -> Self {
        let detail = format!("this token is not for {}: make one that is", missing.code());
        Self::saying(StatusCode::FORBIDDEN, detail)
    }

    fn plain(status: StatusCode) -> Self {
        Self::saying(status, advice(status))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match serde_json::to_vec(&self) {
            Ok(said) => (status, [(header::CONTENT_TYPE, KIND)], said).into_response(),
            Err(error) => {
                tracing::error!(error = %pages::chain(&error), "a problem was not said");
                status.into_response()
            }
        }
    }
}

/// No valid token was shown.
pub(crate) fn unknown() -> Response {
    let problem = Problem::plain(StatusCode::UNAUTHORIZED);
    let scheme = [(header::WWW_AUTHENTICATE, "Bearer realm=\"veglia\"")];
    (scheme, problem).into_response()
}

/// The token asks too often.
pub(crate) fn slowed(wait: Duration) -> Response {
    // A client that waits whole seconds must not come too early.
    let seconds = wait.as_secs().saturating_add(1);
    let problem = Problem::plain(StatusCode::TOO_MANY_REQUESTS);
    let wait = [(header::RETRY_AFTER, seconds.to_string())];
    (wait, problem).into_response()
}

/// Turns every other refusal into a problem, whatever it was: an empty answer, a line of text, a
/// page.
pub(crate) async fn explained(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let status = answer.status();
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let is_said = kind.is_some_and(|kind| kind.as_bytes() == KIND.as_bytes());
    if is_said || !(status.is_client_error() || status.is_server_error()) {
        return answer;
    }
    let (said, body) = Problem::plain(status).into_response().into_parts();
    *answer.body_mut() = Body::new(body);
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    let kind = said.headers.get(header::CONTENT_TYPE).cloned();
    let kind = kind.unwrap_or_else(|| HeaderValue::from_static(KIND));
    headers.insert(header::CONTENT_TYPE, kind);
    answer
}

/// What to do about a status.
pub(crate) fn advice(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "the question was not understood: compare it with the document",
        StatusCode::UNAUTHORIZED => {
            "show a valid token as `Authorization: Bearer veglia_…`; it may have expired, been \
             ended, or its account been closed"
        }
        StatusCode::FORBIDDEN => "the account of this token may not do this",
        StatusCode::NOT_FOUND => "there is nothing here for whoever asks",
        StatusCode::METHOD_NOT_ALLOWED => "this address has other methods: see `Allow`",
        StatusCode::CONFLICT => "somebody else was first: read again, then decide",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than any act is",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "send JSON, as `Content-Type: application/json`",
        StatusCode::UNPROCESSABLE_ENTITY => "the body says something that cannot be done",
        StatusCode::TOO_MANY_REQUESTS => "this token asks too often: wait as `Retry-After` says",
        StatusCode::SERVICE_UNAVAILABLE => "the record or ingest does not answer: ask again later",
        _ => "nothing was done; the reason is in the log of the centre",
    }
}
