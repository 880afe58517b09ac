//! The door of devices and their holders: *di chi è?*, a device's sheet, the kit's hand-over and
//! the *tesserino*. All behind the check of the session.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use veglia_fleet::{AnswerForm, CorrectForm, Handed, KitForm, ReturnForm};

use crate::Shell;
use crate::fleet::{answered, now, refused};
use crate::language::Spoken;
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
async fn waiting(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match shell.fleet.speaking(language).waiting(now(&shell)).await {
        Ok(page) => answered(&user, &page, &["js/waiting.js"], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `GET /di-chi-e/breve`: what the ward's script puts above the list.
async fn waiting_briefly(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match shell.fleet.speaking(language).waiting(now(&shell)).await {
        Ok(page) => answered(&user, &page.brief(), &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /di-chi-e`: back to the patients, or what is in the way.
async fn answer(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<AnswerForm>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .answer(&user, &form, now(&shell))
        .await
    {
        Ok(None) => Redirect::to("/").into_response(),
        Ok(Some(page)) => answered(&user, &page, &[], StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/scheda/{device}`
async fn sheet(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .sheet(&user, &device, now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/scheda/{device}/ritiro`
async fn take_back(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
    Form(form): Form<ReturnForm>,
) -> Response {
    let fleet = &shell.fleet.speaking(language);
    match fleet.take_back(&user, &device, &form, now(&shell)).await {
        Ok(None) => Redirect::to(&format!("/dispositivi/scheda/{device}")).into_response(),
        Ok(Some(page)) => answered(&user, &page, &[], StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// `POST /dispositivi/scheda/{device}/correzione`
async fn correct(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
    Form(form): Form<CorrectForm>,
) -> Response {
    let fleet = shell.fleet.speaking(language);
    match fleet.correct(&user, &device, &form, now(&shell)).await {
        Ok(None) => Redirect::to(&format!("/dispositivi/scheda/{device}")).into_response(),
        Ok(Some(page)) => answered(&user, &page, &[], StatusCode::CONFLICT),
        Err(error) => refused(&error),
    }
}

/// `GET /dispositivi/tesserino/{device}`
async fn card(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .card(&user, &device, now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &[], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `GET /kit`
async fn kit(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .kit(KitForm::default(), now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &["js/kit.js"], StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /kit`: to the page that waits for the first measure.
async fn hand_over(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Form(form): Form<KitForm>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .hand_over_kit(&user, form, now(&shell))
        .await
    {
        Ok(Handed::Over(device)) => Redirect::to(&format!("/kit/{device}")).into_response(),
        Ok(Handed::Again(page)) => {
            answered(&user, page.as_ref(), &["js/kit.js"], StatusCode::CONFLICT)
        }
        Err(error) => refused(&error),
    }
}

/// `GET /kit/{device}`
async fn kit_waits(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Spoken(language): Spoken,
    Path(device): Path<String>,
) -> Response {
    match shell
        .fleet
        .speaking(language)
        .kit_waits(&user, &device, now(&shell))
        .await
    {
        Ok(page) => answered(&user, &page, &["js/kit.js"], StatusCode::OK),
        Err(error) => refused(&error),
    }
}
