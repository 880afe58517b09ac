//! What programs do, in the name of their account.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use veglia_api::{Act, ActAsk, Refused, perform};
use veglia_diary::ActRefused;
use veglia_people::staff::Staff;
use veglia_view::WallMs;
use veglia_ward::measure_again;

use crate::Shell;
use crate::api::ask::Sent;
use crate::api::problem::{First, Problem};
use crate::api::read::signatures;
use crate::pages;
use crate::rights::Cared;
use crate::session::CurrentUser;

/// Does something about a flag or a patient: it is an entry of the diary. Of two who act at once
/// one gets 409, with who was first.
#[utoipa::path(
    post, path = "/api/v1/patients/{patient}/acts", tag = "patient", operation_id = "act",
    params(("patient" = String, Path, pattern = "^[0-9a-f]{16}$")),
    request_body = Act,
    responses((status = 204, description = "It is written")),
    security(("token" = ["diary:write"])),
)]
pub(crate) async fn act(
    State(shell): State<Shell>,
    CurrentUser(user): CurrentUser,
    Cared { patient, .. }: Cared,
    Sent(act): Sent<Act>,
) -> Response {
    let at = shell.care.now();
    let ask = ActAsk {
        record: &shell.record,
        actor: &user.actor(),
        patient,
        at,
    };
    match perform(ask, &act).await {
        Ok(()) => {
            if let Some(vital) = act.measures_again() {
                let shell = shell.clone();
                // A box may take ten seconds to answer, and the diary says what it said.
                tokio::spawn(async move {
                    measure_again(&shell.record, shell.view.as_ref(), patient, vital, at).await;
                });
            }
            StatusCode::NO_CONTENT.into_response()
        }
        Err(Refused::Diary(ActRefused::Read(error))) => {
            pages::unavailable("an act was not written", &error)
        }
        Err(Refused::Staff(error)) => pages::unavailable("an act was not written", &error),
        Err(Refused::Diary(refused)) => conflict(&shell, &user, &refused).await,
        Err(refused) => unfit(refused.to_string()),
    }
}

/// An act that the diary does not take as things stand.
async fn conflict(shell: &Shell, user: &Staff, refused: &ActRefused) -> Response {
    let said = refused.to_string();
    let (kind, by, at) = match refused {
        ActRefused::Taken { by, at } => ("urn:veglia:taken", by, *at),
        ActRefused::Closed { by, at } => ("urn:veglia:closed", by, *at),
        ActRefused::Over { .. } => {
            return Problem::conflict("urn:veglia:over", said, None).into_response();
        }
        ActRefused::News => {
            return Problem::conflict("urn:veglia:changed", said, None).into_response();
        }
        _ => return unfit(said),
    };
    let first = match first(shell, user, by, at).await {
        Ok(first) => first,
        Err(answer) => return answer,
    };
    Problem::conflict(kind, said, Some(first)).into_response()
}

async fn first(shell: &Shell, user: &Staff, by: &str, at: WallMs) -> Result<First, Response> {
    let signed = signatures(shell, user).await?;
    Ok(First {
        who: signed.of(by),
        at: at.into(),
    })
}

/// An act that says something which cannot be done.
fn unfit(why: String) -> Response {
    Problem::saying(StatusCode::UNPROCESSABLE_ENTITY, why).into_response()
}
