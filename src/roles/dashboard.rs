//! The pages of the centre, as a process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use veglia_dashboard::Deps;
use veglia_view::HttpView;

use super::ingest::view_socket;
use crate::config::Config;
use crate::datadir::RoleDir;
use crate::health::alarm_path::AlarmPath;
use crate::health::{Desk, Kind, dashboard::Pages};
use crate::phone::{self, Phone};
use crate::probe::voice::Voice;
use crate::supervisor::Supervisor;
use crate::{clock, record};

/// Serves until told to stop.
pub(crate) async fn run(config: Result<Config>, stop: CancellationToken) -> Result<()> {
    serve(config, Supervisor::of(1), stop).await
}

/// The same, beside other roles in the process.
pub(crate) async fn serve(
    config: Result<Config>,
    supervisor: Supervisor,
    stop: CancellationToken,
) -> Result<()> {
    let config = config?;
    let dir = RoleDir::take(&config.data, Path::new("dashboard"))?;
    let desk = Desk::open(&config.health, Kind::Dashboard, dir.path(), &stop)?;
    let record = record::open(&config).await?;
    let view = Arc::new(HttpView::new(&view_socket(&config)));
    let listener = listen(&config.dashboard).await?;
    let care = config.clock.care();
    let alarm_path = config.probe.watched(&care, &config.notify)?;
    let pace = alarm_path.as_ref().map(|path| path.pace);
    let path = AlarmPath::new(record.clone(), care.clone(), pace);
    desk.speak_for(Pages::new(record.clone(), view.clone(), path));
    supervisor.attend(&desk, &stop);
    let voice = Voice::of(&config, record.clone(), care.clone())?;
    let line = phone::line(dir.path(), &record, &care);
    let phone = line.clone().map(|line| Phone {
        line,
        config: config.intake.clone(),
        identities: config.identities(),
        usual: config.ingest.broker.clone(),
        care: care.clone(),
    });
    let deps = Deps {
        record,
        view,
        clock: clock::wall(),
        care,
        identities: config.identities(),
        enrolments: config.enrolments(),
        notify: config.notify,
        alarm_path,
        line,
        laboratory: config.laboratory,
    };
    let speaking = CancellationToken::new();
    let phone = phone.map(|phone| tokio::spawn(phone.speak(speaking.clone())));
    let voice = voice.map(|voice| tokio::spawn(voice.speak(speaking.clone())));
    let served = pages(config.dashboard, deps, listener, stop).await;
    speaking.cancel();
    if let Some(voice) = voice {
        voice.await.context("the alarm path's probe died")?;
    }
    if let Some(phone) = phone {
        phone.await.context("the gateway of the telephone died")?;
    }
    served
}

async fn listen(config: &veglia_dashboard::Config) -> Result<TcpListener> {
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!(
            "cannot serve pages on {}; if another program listens there, choose another address",
            config.listen
        )
    })?;
    let scheme = if config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let port = config.listen.port();
    tracing::info!(page = %format!("{scheme}://localhost:{port}"), "pages served");
    Ok(listener)
}

/// Serves the pages on a listener until told to stop.
pub(crate) async fn pages(
    config: veglia_dashboard::Config,
    deps: Deps,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<()> {
    let closed = async move { stop.cancelled().await };
    Ok(veglia_dashboard::serve(config, deps, listener, closed).await?)
}
