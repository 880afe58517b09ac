//! The door of those who take over from each other: the shift handover of the centre, and the night
//! of the out-of-hours doctors. All behind the check of the session and of the rights.

use askama::Template;
use axum::extract::{Form, FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use veglia_handover::{
    Acknowledged, Desk, Form as Typed, HandedPage, HandoverError, Kind, NightPage, Promise,
    Reminder, Why, WritingPage, Written,
};
use veglia_people::staff::{Role, Staff};
use veglia_words::Language;

use crate::doors::Route;
use crate::language::Spoken;
use crate::pages::{self, Page, Section};
use crate::session::CurrentUser;
use crate::{Deps, Shell};

/// What is read below an address: handovers of these kinds, and where in the menu that is.
type Shelf = (&'static [Kind], Section);

/// Where a shift's handover is written, and where a night's.
const SHIFT_PAGE: &str = "/passaggio-consegne";
const NIGHT_PAGE: &str = "/notte";

const SHIFT: Shelf = (&[Kind::Shift], Section::Handover);
const NIGHT: Shelf = (&[Kind::Night, Kind::Morning], Section::Night);

/// Address and methods of these pages.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        (SHIFT_PAGE, get(shift).post(write_shift)),
        (
            "/passaggio-consegne/{number}",
            get(read_shift).post(ack_shift),
        ),
        (NIGHT_PAGE, get(night).post(write_night)),
        ("/notte/mattina", get(morning).post(write_morning)),
        ("/notte/{number}", get(read_night).post(ack_night)),
    ]
}

/// The task that tells whoever is on duty of a handover that is missing.
pub(crate) fn reminder(deps: &Deps) -> Reminder {
    let page = |path| deps.notify.page(path);
    Reminder::new(
        deps.record.clone(),
        deps.care.clone(),
        page(SHIFT_PAGE),
        page(NIGHT_PAGE),
    )
}

/// Who asks, in which language, and what was promised on the telephone.
struct Asked {
    shell: Shell,
    user: Staff,
    language: Language,
    promised: Option<Vec<Promise>>,
}

impl FromRequestParts<Shell> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shell: &Shell) -> Result<Self, Response> {
        let user = CurrentUser::from_request_parts(parts, shell).await;
        let CurrentUser(user) = user.map_err(IntoResponse::into_response)?;
        let Ok(Spoken(language)) = Spoken::from_request_parts(parts, shell).await;
        Ok(Self {
            promised: promised(shell, &user).await,
            shell: shell.clone(),
            user,
            language,
        })
    }
}

impl Asked {
    fn desk(&self) -> Desk<'_> {
        Desk {
            view: self.shell.view.as_ref(),
            record: &self.shell.record,
            rules: &self.shell.rules,
            promised: self.promised.as_deref(),
            who: &self.user,
            language: self.language,
            now: self.shell.care.now(),
        }
    }

    fn page(
        &self,
        section: Section,
        title: &str,
        body: &impl Template,
        status: StatusCode,
    ) -> Response {
        Page {
            title,
            user: Some(&self.user),
            section,
            modules: &[],
            body,
        }
        .answer_in(self.language, status)
    }

    async fn writing(&self, kind: Kind) -> Response {
        match WritingPage::load(self.desk(), kind).await {
            Ok(Some(page)) => self.page(section(kind), &page.title(), &page, StatusCode::OK),
            Ok(None) => StatusCode::FORBIDDEN.into_response(),
            Err(error) => refused(&error),
        }
    }

    async fn write(&self, kind: Kind, form: &Typed) -> Response {
        match veglia_handover::write(self.desk(), kind, form).await {
            Ok(Written::Done(address)) => Redirect::to(&address).into_response(),
            Ok(Written::Again(page, why)) => {
                let status = match why {
                    Why::Asked => StatusCode::OK,
                    Why::Faulty => StatusCode::UNPROCESSABLE_ENTITY,
                    Why::Overtaken => StatusCode::CONFLICT,
                };
                self.page(section(kind), &page.title(), page.as_ref(), status)
            }
            Ok(Written::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
            Err(error) => refused(&error),
        }
    }

    async fn read(&self, (kinds, section): Shelf, number: &str) -> Response {
        let Ok(number) = number.parse() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match HandedPage::load(self.desk(), kinds, number).await {
            Ok(Some(page)) => self.page(section, page.title(), &page, StatusCode::OK),
            Ok(None) => StatusCode::NOT_FOUND.into_response(),
            Err(error) => refused(&error),
        }
    }

    async fn acknowledge(&self, (kinds, section): Shelf, number: &str, form: &Typed) -> Response {
        let Ok(id) = number.parse() else {
            return StatusCode::NOT_FOUND.into_response();
        };
        match veglia_handover::acknowledge(self.desk(), kinds, id, form).await {
            Ok(Acknowledged::Done(address)) => Redirect::to(&address).into_response(),
            Ok(Acknowledged::Told(page)) => {
                self.page(section, page.title(), page.as_ref(), StatusCode::CONFLICT)
            }
            Ok(Acknowledged::Unknown) => StatusCode::NOT_FOUND.into_response(),
            Ok(Acknowledged::NotAllowed) => StatusCode::FORBIDDEN.into_response(),
            Err(error) => refused(&error),
        }
    }
}

/// Calls that were promised; none when they cannot be read, which the page says.
async fn promised(shell: &Shell, user: &Staff) -> Option<Vec<Promise>> {
    let now = shell.care.now();
    match veglia_intake::promised(&shell.record, &user.actor(), now).await {
        Ok(promised) => {
            let promised = promised.into_iter();
            Some(
                promised
                    .map(|(patient, at)| Promise { patient, at })
                    .collect(),
            )
        }
        Err(error) => {
            tracing::error!(error = pages::chain(&error), "promised calls were not read");
            None
        }
    }
}

fn section(kind: Kind) -> Section {
    match kind {
        Kind::Shift => Section::Handover,
        Kind::Night | Kind::Morning => Section::Night,
    }
}

fn refused(error: &HandoverError) -> Response {
    match error {
        HandoverError::Form => StatusCode::BAD_REQUEST.into_response(),
        error => pages::unavailable("a handover was not read or written", error),
    }
}

/// `GET /passaggio-consegne`
async fn shift(asked: Asked) -> Response {
    asked.writing(Kind::Shift).await
}

/// `POST /passaggio-consegne`: the next version, or the page again with what was typed.
async fn write_shift(asked: Asked, Form(form): Form<Typed>) -> Response {
    asked.write(Kind::Shift, &form).await
}

/// `GET /passaggio-consegne/{number}`
async fn read_shift(asked: Asked, Path(number): Path<String>) -> Response {
    asked.read(SHIFT, &number).await
}

/// `POST /passaggio-consegne/{number}`: read, and taken over.
async fn ack_shift(asked: Asked, Path(number): Path<String>, Form(form): Form<Typed>) -> Response {
    asked.acknowledge(SHIFT, &number, &form).await
}

/// `GET /notte`: of the centre, the list to be written; of whoever watches, who was given to them.
async fn night(asked: Asked) -> Response {
    if asked.user.role != Role::OutOfHoursDoctor {
        return asked.writing(Kind::Night).await;
    }
    match NightPage::load(asked.desk()).await {
        Ok(page) => asked.page(Section::Night, &page.title(), &page, StatusCode::OK),
        Err(error) => refused(&error),
    }
}

/// `POST /notte`: the next version of the list, whose patients are entrusted with it.
async fn write_night(asked: Asked, Form(form): Form<Typed>) -> Response {
    asked.write(Kind::Night, &form).await
}

/// `GET /notte/mattina`: what the night hands back.
async fn morning(asked: Asked) -> Response {
    asked.writing(Kind::Morning).await
}

/// `POST /notte/mattina`
async fn write_morning(asked: Asked, Form(form): Form<Typed>) -> Response {
    asked.write(Kind::Morning, &form).await
}

/// `GET /notte/{number}`
async fn read_night(asked: Asked, Path(number): Path<String>) -> Response {
    asked.read(NIGHT, &number).await
}

/// `POST /notte/{number}`: read, and taken over.
async fn ack_night(asked: Asked, Path(number): Path<String>, Form(form): Form<Typed>) -> Response {
    asked.acknowledge(NIGHT, &number, &form).await
}
