//! The page of laboratories as somebody of the centre meets it: through a form with a file.

// req: A15

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};

use crate::Config;
use crate::laboratory::PAGE;
use crate::tests::site::{Site, leads_to, posted, request, text};

const SHEET: &str = "campione;codice_fiscale;telefono;prelievo;referto;esame;esito\r\n\
    A1;RSSMRA85M01H501Q;3331234567;1/9/2020 10:00;1/9/2020 16:30;molecolare;negativo\r\n\
    A2;RSSMRA85M01H501X;3331234567;1/9/2020;;molecolare;negativo\r\n";

/// What a browser sends of the form, with a file.
fn uploaded(cookie: &str, act: &str, file: &str) -> Request<Body> {
    let part = |name: &str, value: &str| {
        format!("--x\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n")
    };
    let body = format!(
        "{}{}{}--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n{file}\r\n--x--\r\n",
        part("\"laboratory\"", "San Prova"),
        part("\"text\"", ""),
        part("\"act\"", act),
    );
    let upload = request(Method::POST, PAGE).header(header::COOKIE, cookie);
    let upload = upload.header(header::CONTENT_TYPE, "multipart/form-data; boundary=x");
    upload.body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn a_sheet_is_checked_kept_and_its_faulty_line_is_set_aside_through_the_page() {
    let site = Site::with_anna(Config::default()).await;
    let cookie = site.signed_in().await;
    let checked = site.ask(uploaded(&cookie, "preview", SHEET)).await;
    assert_eq!(checked.status(), StatusCode::OK);
    let checked = text(checked).await;
    assert!(
        checked.contains("1 riga è giusta") && checked.contains("Riga 3:"),
        "{checked}"
    );
    let kept = text(site.ask(uploaded(&cookie, "keep", SHEET)).await).await;
    assert!(kept.contains("2 esiti registrati"), "{kept}");
    let page = text(site.get_with(PAGE, &cookie).await).await;
    assert!(page.contains("6 h 30 min"), "{page}");
    assert!(!page.contains("RSSMRA85"), "the list names nobody: {page}");
    let (_, rest) = page.split_once("/laboratorio/risultati/").unwrap();
    let number = rest.split('"').next().unwrap();
    let address = format!("/laboratorio/risultati/{number}");
    let form = text(site.get_with(&address, &cookie).await).await;
    assert!(form.contains("RSSMRA85M01H501X"), "{form}");
    let mut aside = posted(&address, "act=set-aside&why=doppio");
    aside
        .headers_mut()
        .insert(header::COOKIE, cookie.parse().unwrap());
    assert_eq!(leads_to(&site.ask(aside).await), PAGE);
    let gone = site.get_with(&address, &cookie).await;
    assert_eq!(gone.status(), StatusCode::NOT_FOUND);
    let unread = site.ask(uploaded(&cookie, "keep", "no sheet")).await;
    assert_eq!(unread.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
