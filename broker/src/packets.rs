//! MQTT 3.1.1 packets on a stream. The codec is rumqttc's; this is the buffering around it.
//!
//! Generic over the stream, because TLS is a stream too.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::Error;
use rumqttc::mqttbytes::v4::Packet;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::refusal::Refusal;

/// Largest packet of a service, and what is worth one write: four times the largest frame.
pub(crate) const MAX_PACKET_BYTES: usize = 64 * 1024;

/// Largest packet of a gateway after its CONNECT: the largest frame (16 KiB), its topic and its
/// head, and some room beside.
pub(crate) const MAX_GATEWAY_BYTES: usize = 20 * 1024;

/// Largest CONNECT: a name twice, a secret and a will are below 1 KiB. Whoever has not yet proved
/// who they are gets no more memory than this.
pub(crate) const MAX_CONNECT_BYTES: usize = 2 * 1024;

/// Read at once: a page, since most packets are below it and thousands of connections are idle.
const READ_BYTES: usize = 4 * 1024;

/// For a refused client to read its answer: a round trip of a bad line.
const LINGER_PATIENCE: Duration = Duration::from_secs(1);

/// What a refused client may still have had on its way: a CONNECT and a frame.
const LINGER_BYTES: u64 = 32 * 1024;

/// Why no packet was read or written.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The stream ended or failed.
    Lost,
    /// The bytes are not what they should be.
    Refused(Refusal),
}

impl From<io::Error> for Fault {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl From<Error> for Fault {
    fn from(fault: Error) -> Self {
        Self::Refused(match fault {
            Error::PayloadSizeLimitExceeded(_) => Refusal::TooLarge,
            Error::InvalidProtocol | Error::InvalidProtocolLevel(_) => Refusal::Version,
            _ => Refusal::Malformed,
        })
    }
}

/// A stream of packets, both ways.
#[derive(Debug)]
pub(crate) struct Packets<S> {
    stream: S,
    incoming: BytesMut,
    outgoing: BytesMut,
    max_bytes: usize,
    last_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Packets<S> {
    /// At first with the limit of a CONNECT.
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            max_bytes: MAX_CONNECT_BYTES,
            last_bytes: 0,
        }
    }

    /// From here on with the limit of a client that has proved who it is.
    pub(crate) fn trust(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// How large the packet was that came last.
    pub(crate) fn last_bytes(&self) -> usize {
        self.last_bytes
    }

    /// The next packet. Nothing is lost when the future is dropped.
    pub(crate) async fn read(&mut self) -> Result<Packet, Fault> {
        loop {
            if let Some(packet) = self.here()? {
                return Ok(packet);
            }
            self.incoming.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Err(Fault::Lost);
            }
        }
    }

    /// The next packet that has already arrived whole.
    pub(crate) fn here(&mut self) -> Result<Option<Packet>, Fault> {
        let before = self.incoming.len();
        match Packet::read(&mut self.incoming, self.max_bytes) {
            Ok(packet) => {
                self.last_bytes = before - self.incoming.len();
                Ok(Some(packet))
            }
            Err(Error::InsufficientBytes(_)) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds a packet to what the next flush writes.
    pub(crate) fn queue(&mut self, packet: &Packet) -> Result<(), Fault> {
        packet.write(&mut self.outgoing, MAX_PACKET_BYTES)?;
        Ok(())
    }

    /// How much the next flush writes, in bytes.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.outgoing.len()
    }

    /// Writes what was queued. Waits for as long as the other side does not read.
    pub(crate) async fn flush(&mut self) -> Result<(), Fault> {
        self.stream.write_all_buf(&mut self.outgoing).await?;
        Ok(self.stream.flush().await?)
    }

    /// Writes what was queued and parts.
    pub(crate) async fn part(mut self) -> Result<(), Fault> {
        self.flush().await?;
        linger(self.stream).await;
        Ok(())
    }
}

/// Says that nothing more will be written and reads a little more, unlooked at: closing with
/// bytes unread would send a reset, which overtakes the answer that was written.
pub(crate) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let last_bytes = async {
        stream.shutdown().await?;
        let mut rest = stream.take(LINGER_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    match timeout(LINGER_PATIENCE, last_bytes).await {
        Ok(Ok(bytes)) => tracing::trace!(bytes, "the refused client has closed too"),
        Ok(Err(_)) | Err(_) => tracing::trace!("the refused client did not wait for the answer"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_can_finish_its_sentence_and_read_the_answer() {
        let (mut ours, mut theirs) = duplex(8);
        let client = async {
            // More than fits on the way: without somebody who reads on, this would never end.
            theirs.write_all(&[0x5a; 4096]).await.unwrap();
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            drop(theirs);
            answer
        };
        let door = async {
            ours.write_all(b"no").await.unwrap();
            linger(ours).await;
        };
        let (answer, ()) = tokio::join!(client, door);
        assert_eq!(answer, b"no");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_listened_to_for_long_or_for_much() {
        let start = Instant::now();
        let (ours, _silent) = duplex(8);
        linger(ours).await;
        assert_eq!(start.elapsed(), LINGER_PATIENCE);

        let (ours, mut theirs) = duplex(8);
        let talks = async {
            let mut bytes = 0;
            while theirs.write_all(&[0x5a; 8]).await.is_ok() {
                bytes += 8;
                sleep(Duration::from_micros(1)).await;
            }
            bytes
        };
        let (bytes, ()) = tokio::join!(talks, linger(ours));
        assert!(bytes <= LINGER_BYTES + 16, "{bytes}");
    }
}
