//! Every route tried as nobody and in every role, for one's own patient and for somebody else's:
//! the answers are `rights.txt`, which is read and agreed to by people.
//!
//! A route that is not in it fails, and so does a line whose route is gone or answers otherwise.
//! Forms are sent empty: whoever may come in is told what is missing, and that is their status.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use veglia_people::care::{self, Holder};
use veglia_people::contacts::{Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::mmg::{self, NewMmg};
use veglia_people::patients::{self, NewPerson};
use veglia_people::staff::{self, NewStaff, Role, Staff};
use veglia_people::{Belongs, Hours, Party, Password, PersonId, sessions};
use veglia_store::Actor;
use veglia_wire::Clock;

use crate::doors;
use crate::tests::citizen;
use crate::tests::site::Site;
use crate::{Config, rights};

const TABLE: &str = include_str!("rights.txt");

const SETUP: Actor = Actor::System("test");

/// Whose page is asked for, where a route names a patient.
const WHOSE: [&str; 2] = ["own", "other"];

/// A site with one account of each role. Maria is everybody's patient who may have one; Bruno is
/// on file and nobody's.
pub(crate) struct Town {
    pub(crate) site: Site,
    pub(crate) staff: Vec<Staff>,
    pub(crate) maria: PersonId,
    pub(crate) bruno: PersonId,
}

pub(crate) async fn town() -> Town {
    // With an address, so that there are passkeys.
    let config = Config {
        address: Some("https://centro.example".to_owned()),
        ..Config::default()
    };
    let site = Site::empty(config).await;
    let maria = register(&site, "RSSMRA85M01H501Q").await;
    let bruno = register(&site, "CCCFBA85D03L219P").await;
    let mut town = Town {
        site,
        staff: Vec::new(),
        maria,
        bruno,
    };
    town.give_bruno_up().await;
    for role in Role::ALL {
        let staff = town.employ(role).await;
        town.staff.push(staff);
    }
    town.entrust_maria().await;
    town
}

async fn register(site: &Site, code: &str) -> PersonId {
    let person = NewPerson {
        name: "Prova".to_owned(),
        surname: "Prova".to_owned(),
        codice_fiscale: code.parse().unwrap(),
        phone: "333 1234567".parse().unwrap(),
        address: "Via di Prova 1, 20100 Milano".to_owned(),
    };
    let registered = patients::register(&site.record, &SETUP, &person, site.clock.now()).await;
    registered.unwrap()
}

impl Town {
    async fn give_bruno_up(&self) {
        let (record, now) = (&self.site.record, self.site.clock.now());
        let ended = care::release(record, &SETUP, self.bruno, &Holder::Centre, now).await;
        assert_eq!(ended.unwrap(), 1);
    }

    async fn employ(&self, role: Role) -> Staff {
        let (record, now) = (&self.site.record, self.site.clock.now());
        let username = role.code().parse().unwrap();
        let account = NewStaff {
            username,
            name: format!("Prova {}", role.word()),
            role,
            password: Password::new("tre civette sul comò".to_owned()),
        };
        let username = account.username.clone();
        let id = staff::create(record, &SETUP, account, now).await.unwrap();
        let belongs = match role {
            Role::Mmg => {
                let new = NewMmg {
                    name: "Dott. Prova".to_owned(),
                    hours: Hours::always(),
                    contacts: vec![Address::new(Channel::Email, "m@prova.example").unwrap()],
                };
                let doctor = mmg::add(record, &SETUP, &new, now).await.unwrap();
                let assigned = mmg::assign(record, &SETUP, self.maria, doctor, now);
                assigned.await.unwrap();
                Some(Belongs::Mmg(doctor))
            }
            Role::HospitalDoctor => Some(Belongs::Unit("Pneumologia".parse().unwrap())),
            _ => None,
        };
        if let Some(belongs) = belongs {
            staff::tie(record, &SETUP, id, &belongs).await.unwrap();
        }
        let found = staff::by_username(record, &SETUP, &username).await;
        found.unwrap().unwrap()
    }

    async fn entrust_maria(&self) {
        let (record, now) = (&self.site.record, self.site.clock.now());
        let until = Some(now.plus_ms(43_200_000));
        for (holder, until) in [
            (Holder::Unit("Pneumologia".parse().unwrap()), None),
            (Holder::OutOfHours, until),
        ] {
            let given = care::entrust(record, &SETUP, self.maria, &holder, (now, until), "");
            given.await.unwrap();
        }
        let night = self.of(Role::OutOfHoursDoctor);
        let shift = Shift {
            post: Post::OutOfHours,
            party: Party::Staff(night.id),
            hours: Hours::always(),
            period: Period { from: now, until },
        };
        duty::add_shift(record, &SETUP, &shift).await.unwrap();
    }

    pub(crate) fn of(&self, role: Role) -> &Staff {
        let found = self.staff.iter().find(|staff| staff.role == role);
        found.unwrap()
    }

    async fn ask(&self, method: &Method, path: &str, who: Option<&Staff>) -> StatusCode {
        self.answer(method, path, who).await.status()
    }

    /// One request, in a session of its own.
    pub(crate) async fn answer(
        &self,
        method: &Method,
        path: &str,
        who: Option<&Staff>,
    ) -> Response<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost:8080")
            .header("sec-fetch-site", "same-origin");
        if *method == Method::POST {
            let form = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, form);
        }
        if let Some(who) = who {
            let token = sessions::open(&self.site.record, who, self.site.clock.now()).await;
            let cookie = format!("veglia_session={}", token.unwrap().reveal());
            request = request.header(header::COOKIE, cookie);
        }
        self.site.ask(request.body(Body::empty()).unwrap()).await
    }

    /// Nobody's answer, then each role's.
    async fn answers(&self, method: &Method, path: &str) -> Vec<StatusCode> {
        let mut answers = vec![self.ask(method, path, None).await];
        for staff in &self.staff {
            answers.push(self.ask(method, path, Some(staff)).await);
        }
        answers
    }
}

/// The methods of a route, as it says them itself to whoever may come in and asks for another one.
async fn methods(path: &str, town: &Town) -> Vec<Method> {
    let address = address(path, &town.maria.to_string());
    let whoever = std::iter::once(None).chain(town.staff.iter().map(Some));
    for who in whoever {
        let answer = town.answer(&Method::TRACE, &address, who).await;
        if let Some(methods) = allowed(&answer) {
            return methods;
        }
    }
    panic!("{path} lets nobody in");
}

fn allowed(answer: &Response<Body>) -> Option<Vec<Method>> {
    if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
        return None;
    }
    let allowed = answer.headers()[header::ALLOW].to_str().unwrap();
    let methods = allowed.split(',').map(str::trim);
    let methods = methods.filter(|it| *it != "HEAD");
    Some(methods.map(|it| it.parse().unwrap()).collect())
}

/// The routes behind a citizen's visit: whoever has an account is answered as nobody is.
async fn lines_of_citizens(town: &Town) -> Vec<String> {
    let swab = town.site.clock.now().plus_ms(-86_400_000);
    citizen::positive(&town.site, swab).await;
    let visit = citizen::comes_in(&town.site).await;
    let mut found = Vec::new();
    for (path, _) in doors::citizen() {
        let asked = Request::builder()
            .method(Method::TRACE)
            .uri(path)
            .header(header::COOKIE, &visit);
        let answer = town.site.ask(asked.body(Body::empty()).unwrap()).await;
        for method in allowed(&answer).unwrap() {
            let answers = town.answers(&method, path).await;
            assert!(!answers[0].is_success(), "{method} {path}");
            assert!(
                answers.iter().all(|it| *it == answers[0]),
                "{method} {path}"
            );
            found.push(line(&format!("{method} {path}"), &answers));
        }
    }
    found
}

fn names_a_patient(path: &str) -> bool {
    path.split('/').any(|part| {
        let name = part.trim_matches(['{', '}', '*']);
        part.starts_with('{') && rights::names_a_patient(path, name)
    })
}

/// The address of a route: this patient, and of everything else what does not exist.
fn address(path: &str, patient: &str) -> String {
    let parts = path.split('/').map(|part| {
        let name = part.trim_matches(['{', '}', '*']);
        match part.starts_with('{') {
            true if rights::names_a_patient(path, name) => patient,
            true => "0",
            false => part,
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

pub(crate) fn line(name: &str, answers: &[StatusCode]) -> String {
    let mut line = format!("{name:<58}");
    for status in answers {
        write!(line, " {}", status.as_u16()).unwrap();
    }
    line
}

/// Lines by what they begin with.
pub(crate) fn by_name(lines: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    let named = lines.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let name = words.iter().take_while(|word| word.parse::<u16>().is_err());
        let name: Vec<&str> = name.copied().collect();
        (name.join(" "), words.join(" "))
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_each_role_as_the_table_says() {
    let town = town().await;
    let (maria, bruno) = (town.maria.to_string(), town.bruno.to_string());
    let mut found = lines_of_citizens(&town).await;
    let guarded = doors::guarded().into_iter().map(|route| (route, true));
    let open = doors::open().into_iter().chain(doors::health());
    for ((path, _), is_guarded) in guarded.chain(open.map(|route| (route, false))) {
        for method in methods(path, &town).await {
            if !names_a_patient(path) {
                let answers = town.answers(&method, &address(path, "")).await;
                assert!(!is_guarded || !answers[0].is_success(), "{method} {path}");
                found.push(line(&format!("{method} {path}"), &answers));
                continue;
            }
            for (whose, patient) in WHOSE.into_iter().zip([&maria, &bruno]) {
                let answers = town.answers(&method, &address(path, patient)).await;
                judge_patient(&method, path, whose, &answers);
                if whose == "other" {
                    let unknown = address(path, "00000000000000ff");
                    let unknown = town.answers(&method, &unknown).await;
                    assert_eq!(answers, unknown, "{method} {path}: existence leaks");
                }
                found.push(line(&format!("{method} {path} {whose}"), &answers));
            }
        }
    }
    let agreed = TABLE.lines().filter(|line| !line.starts_with('#'));
    let agreed = by_name(agreed.filter(|line| !line.is_empty()).map(str::to_owned));
    let found_by_name = by_name(found.iter().cloned());
    let mut faults = String::new();
    for line in &found {
        let (name, words) = by_name([line.clone()].into_iter()).pop_first().unwrap();
        if agreed.get(&name) != Some(&words) {
            let before = agreed.get(&name).map_or("missing", String::as_str);
            writeln!(faults, "found  {line}\nagreed {before}").unwrap();
        }
    }
    for name in agreed
        .keys()
        .filter(|name| !found_by_name.contains_key(*name))
    {
        writeln!(faults, "stale  {name}").unwrap();
    }
    assert!(faults.is_empty(), "src/tests/rights.txt:\n{faults}");
}

/// What holds for every page of a patient, whatever the table says.
fn judge_patient(method: &Method, path: &str, whose: &str, answers: &[StatusCode]) {
    let roles = std::iter::once(None).chain(Role::ALL.into_iter().map(Some));
    for (role, status) in roles.zip(answers) {
        let said = format!("{method} {path} {whose} {role:?}: {status}");
        match role {
            None => assert!(status.is_redirection() || *status == 401, "{said}"),
            Some(Role::Admin | Role::Auditor) => assert_eq!(*status, 403, "{said}"),
            Some(_) if whose == "other" => {
                assert!(matches!(status.as_u16(), 403 | 404), "{said}");
            }
            Some(_) => {}
        }
    }
}
