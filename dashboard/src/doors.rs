//! Every route there is, by what stands before it. Nothing else mounts a route, so that whoever
//! asks "who may come in where" reads these lists and [`crate::rights`].

use axum::Router;
use axum::routing::{MethodRouter, get, post};

use crate::{
    Shell, account, alarm_path, assets, avvisi, bedside, caring, cases, centre, citizen, confirm,
    devices, doctor, documents, enrol, federated, fleet, glass, handover, health, identity, intake,
    laboratory, language, login, own, passkey, privacy, reach, register, second, tokens, users,
    wall,
};

/// Address and methods.
pub(crate) type Route = (&'static str, MethodRouter<Shell>);

/// Behind the check of the session and of the rights.
pub(crate) fn guarded() -> Vec<Route> {
    [
        centre::routes(),
        bedside::routes(),
        caring::routes(),
        cases::routes(),
        fleet::routes(),
        devices::routes(),
        intake::routes(),
        laboratory::routes(),
        handover::routes(),
        enrol::routes(),
        privacy::routes(),
        reach::routes(),
        alarm_path::routes(),
        own::routes(),
        doctor::routes(),
        documents::routes(),
        glass::routes(),
        account::routes(),
        passkey::routes(),
        tokens::routes(),
        confirm::routes(),
        identity::routes(),
        users::routes(),
        register::routes(),
        wall::routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Behind the check of a citizen's visit, which no member of staff has.
pub(crate) fn citizen() -> Vec<Route> {
    citizen::routes()
}

/// Open to whoever knows the address: each says by itself whom it answers.
pub(crate) fn open() -> Vec<Route> {
    let own = vec![
        ("/login", get(login::form).post(login::submit)),
        ("/login/codice", get(second::form).post(second::submit)),
        ("/login/passkey/inizio", post(passkey::begun)),
        ("/login/passkey", post(passkey::entered)),
        (federated::DOOR, get(federated::leave)),
        (federated::RETURN, get(federated::come_back)),
        ("/logout", post(login::leave)),
        ("/licenze", get(assets::licences)),
        ("/avvisi.js", get(assets::worker)),
        ("/assets/{bundle}/{*name}", get(assets::file)),
    ];
    [
        own,
        language::open_routes(),
        fleet::open_routes(),
        avvisi::open_routes(),
        citizen::open_routes(),
        wall::open_routes(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Read by programs, which want a word and a status, not a page.
pub(crate) fn health() -> Vec<Route> {
    vec![
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
    ]
}

/// A router of these routes alone.
pub(crate) fn mounted(routes: Vec<Route>) -> Router<Shell> {
    routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(path, methods)
        })
}
