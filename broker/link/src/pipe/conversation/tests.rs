//! The conversation with a broker that is a pair of buffers: what a real one does rarely.

use rumqttc::mqttbytes::v4::{ConnAck, SubAck};
use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;

/// With the clock stopped, far longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(3600);

type Arrivals = mpsc::Receiver<Result<Message, PipeError>>;

/// The other end: it says and hears what the test wants.
struct Broker {
    stream: DuplexStream,
    input: BytesMut,
}

impl Broker {
    /// With buffers of so many bytes in between.
    fn new(bytes: usize) -> (Self, Conversation) {
        let (ours, theirs) = duplex(bytes);
        let broker = Self {
            stream: theirs,
            input: BytesMut::new(),
        };
        (broker, Conversation::new(Box::new(ours)))
    }

    async fn says(&mut self, packet: Packet) {
        let mut output = BytesMut::new();
        packet.write(&mut output, MAX_PACKET_BYTES).unwrap();
        self.stream.write_all(&output).await.unwrap();
    }

    async fn hears(&mut self) -> Packet {
        let heard = async {
            loop {
                match Packet::read(&mut self.input, MAX_PACKET_BYTES) {
                    Ok(packet) => return packet,
                    Err(Error::InsufficientBytes(_)) => {}
                    Err(error) => panic!("{error}"),
                }
                assert_ne!(self.stream.read_buf(&mut self.input).await.unwrap(), 0);
            }
        };
        timeout(PATIENCE, heard).await.expect("a packet")
    }

    async fn sends(&mut self, number: u8, qos: QoS) {
        let mut publish = Publish::new("v1/x", qos, vec![number]);
        publish.pkid = u16::from(number);
        self.says(Packet::Publish(publish)).await;
    }
}

/// Starts serving: a way to publish, what arrives, and the task.
fn serve(conversation: Conversation) -> (mpsc::Sender<Message>, Arrivals, JoinHandle<()>) {
    let (publish, asked) = mpsc::channel(1);
    let (deliver, arrivals) = mpsc::channel(2);
    (
        publish,
        arrivals,
        tokio::spawn(conversation.serve(asked, deliver)),
    )
}

fn message(bytes: Vec<u8>) -> Message {
    let topic = "v1/y".to_owned();
    Message { topic, bytes }
}

async fn arrives(arrivals: &mut Arrivals) -> Result<Message, PipeError> {
    let next = timeout(PATIENCE, arrivals.recv()).await;
    next.expect("an arrival").expect("an end is told")
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_subscription_is_confirmed_is_delivered() {
    let (mut broker, mut conversation) = Broker::new(4096);
    let opening = async {
        let code = conversation.greet(Connect::new("home-1")).await.unwrap();
        assert_eq!(code, ConnectReturnCode::Success);
        conversation.subscribe(&["v1/x".to_owned()]).await.unwrap();
        conversation
    };
    let answering = async {
        assert!(matches!(broker.hears().await, Packet::Connect(_)));
        let welcome = ConnAck::new(ConnectReturnCode::Success, false);
        broker.says(Packet::ConnAck(welcome)).await;
        let Packet::Subscribe(subscribe) = broker.hears().await else {
            panic!("no subscription");
        };
        broker.sends(1, QoS::AtMostOnce).await;
        let granted = vec![SubscribeReasonCode::Success(QoS::AtMostOnce)];
        broker
            .says(Packet::SubAck(SubAck::new(subscribe.pkid, granted)))
            .await;
    };
    let (conversation, ()) = tokio::join!(opening, answering);
    let (_publish, mut arrivals, _task) = serve(conversation);
    assert_eq!(arrives(&mut arrivals).await.unwrap().bytes, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_subscription_is_told() {
    let (mut broker, mut conversation) = Broker::new(4096);
    let answering = async {
        broker.hears().await;
        let refused = vec![SubscribeReasonCode::Failure];
        broker.says(Packet::SubAck(SubAck::new(1, refused))).await;
    };
    let filters = ["v1/x".to_owned()];
    let (told, ()) = tokio::join!(conversation.subscribe(&filters), answering);
    assert!(matches!(told, Err(PipeError::NotGranted)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_broker_is_noticed_and_one_that_answers_is_kept() {
    let (mut broker, conversation) = Broker::new(4096);
    let (_publish, mut arrivals, _task) = serve(conversation);
    for _ in 0..10 {
        assert_eq!(broker.hears().await, Packet::PingReq);
        broker.says(Packet::PingResp).await;
    }
    assert_eq!(broker.hears().await, Packet::PingReq);
    let end = arrives(&mut arrivals).await.unwrap_err();
    assert!(matches!(end, PipeError::Silent { .. }), "{end}");
}

#[tokio::test(start_paused = true)]
async fn a_busy_listener_is_no_silent_broker_and_keeps_nothing_from_being_sent() {
    let (mut broker, conversation) = Broker::new(64);
    let (publish, mut arrivals, _task) = serve(conversation);
    let sending = tokio::spawn(async move {
        for number in 1..=50 {
            broker.sends(number, QoS::AtMostOnce).await;
        }
        broker
    });
    // Nobody takes what arrives, for many keep-alives.
    tokio::time::sleep(20 * KEEP_ALIVE).await;
    publish.send(message(vec![7])).await.unwrap();
    assert!(!sending.is_finished(), "the broker feels it");
    for number in 1..=50 {
        assert_eq!(arrives(&mut arrivals).await.unwrap().bytes, [number]);
    }
    let mut broker = sending.await.unwrap();
    loop {
        match broker.hears().await {
            Packet::PingReq => {}
            Packet::Publish(publish) => break assert_eq!(publish.payload[..], [7]),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_takes_nothing_is_heard_and_makes_publishing_wait() {
    let (mut broker, conversation) = Broker::new(64);
    let (publish, mut arrivals, _task) = serve(conversation);
    let mut taken = 0;
    while let Ok(sent) = timeout(KEEP_ALIVE / 2, publish.send(message(vec![0; 1024]))).await {
        sent.unwrap();
        taken += 1;
    }
    assert!((1..100).contains(&taken), "{taken} kilobytes were taken");
    broker.sends(1, QoS::AtMostOnce).await;
    assert_eq!(arrives(&mut arrivals).await.unwrap().bytes, [1]);
    for _ in 0..taken {
        while broker.hears().await == Packet::PingReq {}
    }
}

#[tokio::test(start_paused = true)]
async fn unconfirmed_publishes_have_a_limit_and_different_ids() {
    let (mut broker, conversation) = Broker::new(1024 * 1024);
    let (publish, _arrivals, _task) = serve(conversation);
    let publishing = tokio::spawn(async move {
        for number in 0..=255 {
            publish.send(message(vec![number])).await.unwrap();
        }
        publish
    });
    let mut ids = Vec::new();
    while ids.len() < UNCONFIRMED {
        if let Packet::Publish(publish) = broker.hears().await {
            ids.push(publish.pkid);
        }
    }
    let more = timeout(KEEP_ALIVE / 2, broker.hears()).await;
    assert!(more.is_err(), "{more:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), UNCONFIRMED);
    assert!(!ids.contains(&0));
    broker.says(Packet::PubAck(PubAck::new(ids[0]))).await;
    assert!(matches!(broker.hears().await, Packet::Publish(_)));
    publishing.abort();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_wants_to_be_confirmed_is() {
    let (mut broker, conversation) = Broker::new(4096);
    let (_publish, mut arrivals, _task) = serve(conversation);
    broker.sends(9, QoS::AtLeastOnce).await;
    assert_eq!(broker.hears().await, Packet::PubAck(PubAck::new(9)));
    assert_eq!(arrives(&mut arrivals).await.unwrap().bytes, [9]);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_mqtt_and_what_only_a_client_says_end_the_connection() {
    for bytes in [&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..], &[0xc0, 0x00]] {
        let (mut broker, conversation) = Broker::new(4096);
        let (_publish, mut arrivals, _task) = serve(conversation);
        broker.stream.write_all(bytes).await.unwrap();
        let end = arrives(&mut arrivals).await.unwrap_err();
        assert!(matches!(end, PipeError::Protocol), "{end}");
    }
    let (broker, conversation) = Broker::new(4096);
    let (_publish, mut arrivals, _task) = serve(conversation);
    drop(broker);
    let end = arrives(&mut arrivals).await.unwrap_err();
    assert!(matches!(end, PipeError::Ended(None)), "{end}");
}
