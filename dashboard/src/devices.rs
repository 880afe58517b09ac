//! The door of devices and their holders: *di chi è?*, a device's sheet, the kit's hand-over and
//! the *tesserino*. All behind the check of the session.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use veglia_fleet::{AnswerForm, CorrectForm, Handed, KitForm, ReturnForm};

use crate::Shell;
use crate::fleet::{framed, now, refused};
use crate::pages::Page;
use crate::session::CurrentUser;

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<(&'static str, MethodRouter<Shell>)> {
    vec![
        ("/di-chi-e", get(waiting).post(answer)),
        ("/di-chi-e/breve", get(waiting_briefly)),
        ("/dispositivi/scheda/{device}", get(sheet)),
        ("/dispositivi/scheda/{device}/ritiro", post(take_back)),
        ("/dispositivi/scheda/{device}/correzione", post(correct)),
        ("/dispositivi/tesserino/{device}", get(card)),
        ("/kit", get(kit).post(hand_over)),
        ("/kit/{device}", get(kit_waits)),
    ]
}

/// `GET /di-chi-e`
async fn waiting(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match shell.fleet.waiting(now(&shell)).await {
        Ok(page) => Page {
            modules: &["js/waiting.js"],
            ..framed("Di chi è?", &user, &page)
        }
        .answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `GET /di-chi-e/breve`: what the ward's script puts above the list.
async fn waiting_briefly(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match shell.fleet.waiting(now(&shell)).await {
        Ok(page) => framed("Di chi è?", &user, &page.brief()).answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /di-chi-e`: back to the patients, or what is in the way.
async fn answer(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Form(form): Form<AnswerForm>,
) -> Response {
    match shell.fleet.answer(&user, &form, now(&shell)).await {
        Ok(None) => Redirect::to("/").into_response(),
        Ok(Some(page)) => framed("Di chi è?", &user, &page).answer(StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/scheda/{device}`
async fn sheet(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(device): Path<String>,
) -> Response {
    match shell.fleet.sheet(&user, &device, now(&shell)).await {
        Ok(page) => framed("Scheda di un dispositivo", &user, &page).answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/scheda/{device}/ritiro`
async fn take_back(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(device): Path<String>,
    Form(form): Form<ReturnForm>,
) -> Response {
    let fleet = &shell.fleet;
    match fleet.take_back(&user, &device, &form, now(&shell)).await {
        Ok(None) => Redirect::to(&format!("/dispositivi/scheda/{device}")).into_response(),
        Ok(Some(page)) => {
            framed("Scheda di un dispositivo", &user, &page).answer(StatusCode::CONFLICT)
        }
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/scheda/{device}/correzione`
async fn correct(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(device): Path<String>,
    Form(form): Form<CorrectForm>,
) -> Response {
    match shell
        .fleet
        .correct(&user, &device, &form, now(&shell))
        .await
    {
        Ok(None) => Redirect::to(&format!("/dispositivi/scheda/{device}")).into_response(),
        Ok(Some(page)) => {
            framed("Scheda di un dispositivo", &user, &page).answer(StatusCode::CONFLICT)
        }
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/tesserino/{device}`
async fn card(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(device): Path<String>,
) -> Response {
    match shell.fleet.card(&user, &device, now(&shell)).await {
        Ok(page) => framed("Tesserino", &user, &page).answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `GET /kit`
async fn kit(State(shell): State<Shell>, CurrentUser(user): CurrentUser) -> Response {
    match shell.fleet.kit(KitForm::default()).await {
        Ok(page) => Page {
            modules: &["js/kit.js"],
            ..framed("Consegna di un kit", &user, &page)
        }
        .answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /kit`: to the page that waits for the first measure.
async fn hand_over(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Form(form): Form<KitForm>,
) -> Response {
    match shell.fleet.hand_over_kit(&user, form, now(&shell)).await {
        Ok(Handed::Over(device)) => Redirect::to(&format!("/kit/{device}")).into_response(),
        Ok(Handed::Again(page)) => Page {
            modules: &["js/kit.js"],
            ..framed("Consegna di un kit", &user, page.as_ref())
        }
        .answer(StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// `GET /kit/{device}`
async fn kit_waits(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Path(device): Path<String>,
) -> Response {
    match shell.fleet.kit_waits(&user, &device, now(&shell)).await {
        Ok(page) => Page {
            modules: &["js/kit.js"],
            ..framed("Prima misura", &user, &page)
        }
        .answer(StatusCode::OK),
        Err(error) => refused(&error),
    }
}
