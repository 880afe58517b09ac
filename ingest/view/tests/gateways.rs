//! What gateways said last, and orders to them, inside the process and over a socket.

#![cfg(test)]
// req: G5

use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use veglia_series::Series;
use veglia_store::{Database, Purpose};
use veglia_view::{
    Board, CareClock, Clock, Edition, GATEWAYS_PER_ANSWER, GatewayBoard, GatewaysAsk, HttpView,
    LocalView, OrderAsk, Ordered, View, WallMs, serve,
};
use veglia_wire::{
    Boot, ClockState, CommandKind, Epoch, GatewayId, Hello, Outcome, Session, State,
};

const NOW: WallMs = WallMs(1_604_000_000_000);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        NOW
    }
}

fn gateway(number: usize) -> GatewayId {
    GatewayId::new(&format!("casa-{number:05}")).unwrap()
}

fn hello(session: Option<Session>) -> Hello {
    Hello {
        epoch: Epoch(1),
        oldest: None,
        newest: None,
        software: "0.1.0".to_owned(),
        clock: ClockState::Holdover,
        boot: Boot(3),
        session,
    }
}

fn state() -> State {
    State {
        session: Session(u64::MAX),
        software: "0.2.0".to_owned(),
        boot: Boot(3),
        clock: ClockState::Synchronised,
        waiting: 12,
        oldest_ms: Some(60_000),
        refused: 0,
        last_command: None,
        ports: Vec::new(),
        answers: Vec::new(),
    }
}

async fn local(folder: &std::path::Path, board: GatewayBoard) -> LocalView {
    let path = folder.join("series.db");
    let database = Database::open(&path, Purpose::Series, &[veglia_series::SCHEMA]);
    let (series, _) = Series::open(database.await.unwrap()).await.unwrap();
    let clock = CareClock::real(Arc::new(Noon));
    let nobody = Arc::new(|_| Vec::new());
    LocalView::new(Board::new(Edition(1)), series, nobody, clock).with_gateways(
        board,
        Arc::new(|ask: OrderAsk| {
            Box::pin(async move {
                if ask.gateway == gateway(1) {
                    // Longer than any other question may take.
                    tokio::time::sleep(Duration::from_millis(2_500)).await;
                    Ordered::Answered(Outcome::NotSupported)
                } else {
                    Ordered::NotConnected
                }
            })
        }),
    )
}

#[tokio::test]
async fn both_ways_of_asking_list_the_gateways_and_carry_orders() {
    let folder = tempfile::tempdir().unwrap();
    let board = GatewayBoard::default();
    board.greeted(&gateway(1), &hello(Some(Session(1))), NOW);
    board.heard(&gateway(1), state(), NOW.plus_ms(5));
    board.greeted(&gateway(2), &hello(None), NOW.plus_ms(7));
    let local = local(folder.path(), board).await;

    let socket = folder.path().join("view.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let served = tokio::spawn(serve(listener, Arc::new(local.clone()), async move {
        stopped.cancelled().await;
    }));
    let remote = HttpView::new(&socket);

    let listed = local.gateways(GatewaysAsk::default()).await.unwrap();
    assert_eq!(
        remote.gateways(GatewaysAsk::default()).await,
        Ok(listed.clone())
    );
    assert_eq!((listed.known, listed.more, listed.unlisted), (2, false, 0));
    let [first, second] = &listed.rows[..] else {
        panic!("{listed:?}")
    };
    assert_eq!(first.state, Some(state()));
    assert_eq!(
        (first.software.as_str(), first.takes_orders),
        ("0.2.0", true)
    );
    assert_eq!(
        (first.connected_at, first.heard_at),
        (Some(NOW), NOW.plus_ms(5))
    );
    assert_eq!((second.state.as_ref(), second.takes_orders), (None, false));

    let order = |number| OrderAsk {
        gateway: gateway(number),
        kind: CommandKind::Ping,
    };
    let answered = Ordered::Answered(Outcome::NotSupported);
    assert_eq!(remote.order(order(1)).await, Ok(answered));
    assert_eq!(remote.order(order(2)).await, Ok(Ordered::NotConnected));
    assert_eq!(local.order(order(2)).await, Ok(Ordered::NotConnected));
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[test]
fn many_gateways_come_page_by_page_each_once() {
    let board = GatewayBoard::default();
    let many = 2 * GATEWAYS_PER_ANSWER + 7;
    for number in (0..many).rev() {
        board.greeted(&gateway(number), &hello(None), NOW);
    }
    let mut ask = GatewaysAsk::default();
    let mut seen = Vec::new();
    loop {
        let page = board.page(&ask);
        seen.extend(page.rows.iter().map(|row| row.gateway.clone()));
        ask.after = seen.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, (0..many).map(gateway).collect::<Vec<_>>());
}

#[test]
fn a_gateway_that_finds_no_place_is_counted_and_drives_nobody_out() {
    let board = GatewayBoard::default();
    for number in 0..veglia_view::GATEWAYS_MAX {
        board.greeted(&gateway(number), &hello(None), NOW);
    }
    board.greeted(&GatewayId::new("one-more").unwrap(), &hello(None), NOW);
    board.heard(&gateway(0), state(), NOW);
    let page = board.page(&GatewaysAsk::default());
    assert_eq!((page.known, page.unlisted), (veglia_view::GATEWAYS_MAX, 1));
    assert_eq!(page.rows[0].state, Some(state()));
}
