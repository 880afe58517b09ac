//! The headers that every answer carries, so that a page can do only what pages of ours do.

use axum::http::{HeaderValue, Response, header};
use tower_http::set_header::{SetMultipleResponseHeadersLayer, SetResponseHeaderLayer};
