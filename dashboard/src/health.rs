//! For those who watch over the process: is it alive, can it do its work.

use axum::extract::State;
use axum::http::StatusCode;
use veglia_people::staff;

use crate::{Shell, pages};

/// `GET /healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the process can serve pages, because the record answers.
pub(crate) async fn ready(State(shell): State<Shell>) -> (StatusCode, &'static str) {
    if shell.closing.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match staff::any(&shell.record).await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::error!(error = %pages::chain(&error), "not ready: the record does not answer");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the record does not answer\n",
            )
        }
    }
}
