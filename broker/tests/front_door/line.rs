//! What is below the packets at the plain port: a socket. `tests/attacks` has another, with TLS.

use std::io;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::Client;
use crate::grounds::Grounds;

pub(crate) struct Line(TcpStream);

impl Line {
    pub(crate) async fn open(at: &Grounds) -> Self {
        let stream = TcpStream::connect(at.address).await;
        let stream = stream.expect("the door listens");
        stream.set_nodelay(true).expect("a socket");
        Self(stream)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Zero is the end. A reset is an end too: bytes were on their way to a closed door.
    pub(crate) async fn read(&mut self, into: &mut BytesMut) -> usize {
        self.0.read_buf(into).await.unwrap_or(0)
    }
}

impl Client {
    /// The answer to a CONNECT, which says everything there is to say here.
    pub(crate) async fn connect(&mut self, connect: &Connect) -> Option<ConnectReturnCode> {
        self.greet(connect).await
    }
}
