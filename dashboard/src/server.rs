//! Connections from the accept to the close, and what each has time for.
//!
//! A connection that says nothing loses its place after [`HEAD_WITHIN`], between two requests too;
//! a body that is not here after [`BODY_WITHIN`] is answered as broken. An answer has all the time
//! it needs: the streams of the ward live for as long as somebody looks.
//!
//! Deliberately absent: HTTP/2 and upgrades, which no page of ours asks for, and a limit for
//! readers that stand still, who are few because an address has few places.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ConnectInfo;
use axum::serve::Listener;
use futures_util::{StreamExt, stream};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::fleet::Peer;

/// For the head of a request, and for the silence before it: a mobile network that wakes up needs
/// a few seconds, and whoever waits longer may as well connect again.
const HEAD_WITHIN: Duration = Duration::from_secs(20);

/// For a whole body. The longest is 64 KiB, which the slowest line of a home carries in ten.
const BODY_WITHIN: Duration = Duration::from_secs(20);

/// Longest head: sixteen times what a browser sends.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Answers until `closing`, then lets the requests under way finish. Dropped, it cuts them off.
pub(crate) async fn run<L>(mut listener: L, app: Router, closing: CancellationToken)
where
    L: Listener<Addr = SocketAddr>,
{
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            (stream, peer) = listener.accept() => {
                conversations.spawn(converse(stream, peer.ip(), app.clone(), closing.clone()));
            }
            Some(_) = conversations.join_next() => {}
            () = closing.cancelled() => break,
        }
    }
    drop(listener);
    while conversations.join_next().await.is_some() {}
}

async fn converse<S>(stream: S, peer: IpAddr, app: Router, closing: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(|body| hurried(Body::new(body)));
        request.extensions_mut().insert(ConnectInfo(Peer(peer)));
        app.clone().oneshot(request)
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut conversation = pin!(conversation);
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = closing.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the pages broke off");
    }
}

/// The body, which fails when it is not complete in time.
fn hurried(body: Body) -> Body {
    let end = Instant::now() + BODY_WITHIN;
    let chunks = body.into_data_stream();
    Body::from_stream(stream::unfold(chunks, move |mut chunks| async move {
        let chunk: Result<Bytes, axum::Error> = match timeout_at(end, chunks.next()).await {
            Ok(chunk) => chunk?,
            Err(late) => Err(axum::Error::new(late)),
        };
        Some((chunk, chunks))
    }))
}

#[cfg(test)]
mod tests;
