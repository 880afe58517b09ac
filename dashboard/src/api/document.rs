//! The document of the API, OpenAPI 3.1: its head, and what holds for every operation alike.

use axum::http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Schema};

use crate::api::problem::{First, KIND, Problem, advice};

/// Any operation may answer so.
const ALWAYS: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// One that takes a body, too.
const WITH_BODY: [StatusCode; 4] = [
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Veglia",
        version = "1",
        description = "What the pages of the centre show, for programs. Every field of an answer \
            is always there: what is not known is null, what there is none of is an empty list. \
            Moments are RFC 3339 with the offset of Italy; names of fields carry the unit where \
            there is no field beside them that does.",
        license(name = "EUPL-1.2", identifier = "EUPL-1.2"),
    ),
    components(schemas(Problem, First)),
    tags(
        (name = "account", description = "Who asks"),
        (name = "ward", description = "Everybody"),
        (name = "patient", description = "One patient"),
    )
)]
struct Head;

/// Before the handlers have said what they are.
pub(crate) fn head() -> Document {
    let mut head = Head::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("veglia_ and 64 hexadecimal digits")
        .build();
    let components = head.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    head
}

/// With what every operation may answer besides.
pub(crate) fn complete(mut document: Document) -> Document {
    let components = document.components.get_or_insert_default();
    for status in ALWAYS
        .into_iter()
        .chain(WITH_BODY)
        .chain([StatusCode::NOT_FOUND])
    {
        let named = (name(status), RefOr::T(problem(status)));
        components.responses.extend([named]);
    }
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            let body = operation.request_body.is_some();
            let body = WITH_BODY.into_iter().filter(|_| body);
            let named = path.contains('{').then_some(StatusCode::NOT_FOUND);
            for status in ALWAYS.into_iter().chain(body).chain(named) {
                let answer = RefOr::Ref(Ref::from_response_name(name(status)));
                let answers = &mut operation.responses.responses;
                answers.insert(status.as_str().to_owned(), answer);
            }
        }
    }
    document
}

/// Those that there are.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    item.get.iter_mut().chain(item.post.iter_mut())
}

fn name(status: StatusCode) -> String {
    format!("Problem{}", status.as_u16())
}

fn problem(status: StatusCode) -> Response {
    let schema: RefOr<Schema> = Ref::from_schema_name("Problem").into();
    ResponseBuilder::new()
        .description(advice(status))
        .content(KIND, ContentBuilder::new().schema(Some(schema)).build())
        .build()
}
