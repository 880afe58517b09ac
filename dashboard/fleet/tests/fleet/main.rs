//! The fleet as staff and boxes meet it.

#![cfg(test)]
// req: G3, G5, G8

mod corrections;
mod hang_up;
mod holders;
mod house;
mod looks;

use askama::Template;
use veglia_fleet::{
    AssignForm, Deed, FleetError, InviteForm, Invited, LINES_MAX, LOOSE_MAX, OrderForm, RevokeForm,
    Wish,
};
use veglia_identity::{
    Admission, EnrolmentFile, EnrolmentLink, Key, RefusalKind, RenewRequest, UnixSeconds,
};
use veglia_people::PersonId;
use veglia_people::care::{self, Holder};
use veglia_view::{PatientId, Plan};
use veglia_wire::DeviceId;

use crate::house::{CARE, DEVICE, House, NOW, TEST, WALL, invite, maria, refused};

#[tokio::test]
async fn a_box_comes_in_with_the_code_of_its_label_and_is_shut_out_by_one_act() {
    let house = House::new().await;
    let (page, code) = house.label("casa-1").await;
    assert!(page.contains("<svg") && !page.contains("<?xml"), "{page}");
    assert!(house.page(&house.nurse).await.contains("Codici aperti"));

    let key = Key::generate().unwrap();
    let answer = house.enrol(&code, &key).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let admission: Admission = serde_json::from_str(&answer.json).unwrap();
    assert_eq!(admission.gateway, "casa-1");
    // As no place is configured: the host by which the box found the pages.
    assert_eq!(admission.broker, "centrale.example:8883");
    // An answer that was lost is given again, and is no second enrolment.
    assert_eq!(house.enrol(&code, &key).await.status, 200);
    let other = house.enrol(&code, &Key::generate().unwrap()).await;
    assert_eq!((other.status, refused(&other)), (410, RefusalKind::Used));

    let renew = RenewRequest {
        request: key.request("box").unwrap(),
    };
    let renew = serde_json::to_string(&renew).unwrap();
    assert_eq!(house.ask(Wish::Renew, &renew).await.status, 200);
    let page = house.page(&house.nurse).await;
    assert!(page.contains("con certificato, fino al"), "{page}");
    assert!(!page.contains("Codici aperti"), "{page}");

    let form = RevokeForm {
        why: "persa".to_owned(),
    };
    let revoked = house.fleet.revoke(&house.admin, "casa-1", &form, NOW);
    revoked.await.unwrap();
    let list = house.list().load().unwrap();
    assert!(list.entry("casa-1").unwrap().revoked_at().is_some());
    let renewed = house.ask(Wish::Renew, &renew).await;
    assert_eq!(refused(&renewed), RefusalKind::Revoked);
    let page = house.page(&house.nurse).await;
    assert!(page.contains("revocato il") && page.contains("«persa»"));

    let carla = house.admin.actor().to_string();
    let itself = "system:enrol".to_owned();
    let casa = || "casa-1".to_owned();
    let expected = [
        (Deed::Invited, casa(), carla.clone()),
        (Deed::Enrolled, casa(), itself),
        (Deed::Revoked, casa(), carla),
    ];
    assert_eq!(house.deeds().await, expected);
}

#[tokio::test]
async fn the_square_of_a_label_holds_the_centre_and_the_code() {
    let house = House::new().await;
    let (page, code) = house.label("casa-1").await;
    let start = page.find("<svg").unwrap();
    let svg = &page[start..page.find("</svg>").unwrap()];
    let read = read_square(svg);
    let link: EnrolmentLink = read.parse().unwrap();
    assert_eq!(link.code.to_string(), code);
    assert_eq!(link.centre.as_deref(), Some("https://centrale.example"));
}

/// Reads the picture back, as a box's camera would: each module is drawn as `M x y h w v h H x V y`
/// in one path.
fn read_square(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let side = svg.split("width=\"").nth(1).unwrap();
    let side = number(side.split('"').next().unwrap());
    let mut dark = vec![false; side * side];
    let path = svg.rsplit(" d=\"").next().unwrap();
    for part in path.split('M').skip(1) {
        let (at, rest) = part.split_once('h').unwrap();
        let (x, y) = at.split_once([' ', ',']).unwrap();
        let (wide, rest) = rest.split_once('v').unwrap();
        let high: String = rest.chars().take_while(char::is_ascii_digit).collect();
        let (x, y) = (number(x.trim()), number(y.trim()));
        for row in y..y + number(&high) {
            for column in x..x + number(wide.trim()) {
                dark[row * side + column] = true;
            }
        }
    }
    let shade = |x: usize, y: usize| if dark[y * side + x] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, shade);
    let grids = image.detect_grids();
    grids.first().expect("a square is seen").decode().unwrap().1
}

#[tokio::test]
async fn only_an_administrator_lets_boxes_in_and_shuts_them_out() {
    let house = House::new().await;
    house.label("casa-1").await;
    let (fleet, anna) = (&house.fleet, &house.nurse);
    let no = |error: FleetError| assert!(matches!(error, FleetError::NotAllowed), "{error}");
    no(fleet.invite(anna, invite("casa-2"), NOW).await.unwrap_err());
    let form = fleet.invitation(anna, String::new(), String::new(), NOW);
    no(form.await.unwrap_err());
    no(fleet.withdraw(anna, "casa-1", NOW).await.unwrap_err());
    let why = RevokeForm::default();
    no(fleet.revoke(anna, "casa-1", &why, NOW).await.unwrap_err());
    let codes = EnrolmentFile::new(house.path("enrolments.toml"));
    let open = codes.open_codes(UnixSeconds(WALL.0 / 1_000)).unwrap();
    assert_eq!(open.len(), 1);
    let page = house.page(anna).await;
    assert!(!page.contains("Ritira il codice") && !page.contains("/nuovo"));
    assert!(house.page(&house.admin).await.contains("Ritira il codice"));
    fleet.withdraw(&house.admin, "casa-1", NOW).await.unwrap();
    let said = house.deeds().await;
    assert_eq!(said.last().unwrap().0, Deed::Withdrawn);
    assert_eq!(said.len(), 2, "what was refused did nothing: {said:?}");
}

#[tokio::test]
async fn a_box_that_is_enrolled_is_replaced_only_after_a_question() {
    let house = House::new().await;
    let (_, code) = house.label("casa-1").await;
    house.enrol(&code, &Key::generate().unwrap()).await;
    let again = house.fleet.invite(&house.admin, invite("casa-1"), NOW);
    let Invited::Again(page) = again.await.unwrap() else {
        panic!("nobody was asked");
    };
    let page = page.render().unwrap();
    assert!(page.contains("è già registrato") && page.contains("name=\"replace\""));
    for (gateway, centre) in [("casa 1", "https://x"), ("casa-2", "ftp://x"), ("", "")] {
        let form = InviteForm {
            centre: centre.to_owned(),
            ..invite(gateway)
        };
        let refused = house.fleet.invite(&house.admin, form, NOW).await.unwrap();
        assert!(matches!(refused, Invited::Again(_)), "{gateway} {centre}");
    }
    let form = InviteForm {
        replace: Some("si".to_owned()),
        ..invite("casa-1")
    };
    let label = house.fleet.invite(&house.admin, form, NOW).await.unwrap();
    assert!(matches!(label, Invited::Label(_)));
}

#[tokio::test]
async fn nobody_who_asks_makes_a_new_list_while_the_list_is_moved_aside() {
    let house = House::new().await;
    let (_, code) = house.label("casa-1").await;
    let (list, aside) = (house.path("identities.toml"), house.path("aside"));
    std::fs::rename(&list, &aside).unwrap();
    let key = Key::generate().unwrap();
    let answer = house.enrol(&code, &key).await;
    assert_eq!((answer.status, refused(&answer)), (503, RefusalKind::Busy));
    assert!(!list.exists(), "an empty list would shut everybody out");

    std::fs::rename(&aside, &list).unwrap();
    assert_eq!(house.enrol(&code, &key).await.status, 200);
}

#[tokio::test]
async fn without_an_authority_page_and_counter_say_how_to_make_one() {
    let house = House::without_authority().await;
    assert!(house.page(&house.admin).await.contains("veglia ca init"));
    let key = Key::generate().unwrap();
    let code = "0000-0000-0000-0000-0000-0000-0000-0000";
    let answer = house.enrol(code, &key).await;
    assert_eq!((answer.status, refused(&answer)), (503, RefusalKind::Busy));
    assert!(answer.json.contains("veglia ca init"), "{}", answer.json);
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_json_and_floods_are_slowed() {
    let house = House::new().await;
    for body in ["", "{}", "[1]", "nonsense", "{\"code\":1,\"request\":2}"] {
        let answer = house.ask(Wish::Enrol, body).await;
        let found = (answer.status, refused(&answer));
        assert_eq!(found, (400, RefusalKind::BadRequest), "{body}");
    }
    let mut last = house.ask(Wish::Renew, "{}").await;
    for _ in 0..40 {
        last = house.ask(Wish::Renew, "{}").await;
    }
    assert_eq!((last.status, refused(&last)), (429, RefusalKind::Busy));
}

#[tokio::test]
async fn the_page_says_what_waits_and_who_wears_what() {
    let house = House::new().await;
    house.list().create_if_missing().unwrap();
    house.list().add_gateway("casa-1", 3).unwrap();
    house.list().add_gateway("casa-2", 3).unwrap();
    house.speaks("casa-1", CARE.plus_ms(-10_000));
    let page = house.page(&house.nurse).await;
    for words in [
        "con password, solo su questa macchina",
        "32 letture in attesa da 4 min",
        "non ancora visto",
        "Dispositivi non assegnati che misurano",
        "2 gateway: 1 non ancora visto, 1 collegato.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }

    let maria = maria(&house.record).await;
    let device = DeviceId::new(DEVICE).unwrap();
    let assigned = veglia_diary::assign_device(
        &house.record,
        &TEST,
        &device,
        maria,
        CARE.plus_ms(-5_000),
        CARE,
    );
    assigned.await.unwrap();
    let page = house.page(&house.nurse).await;
    assert!(
        page.contains(&format!("/pazienti/{maria}\">Rossi Maria")),
        "{page}"
    );
    assert!(!page.contains("non assegnati"), "{page}");
    // Who manages boxes reads nobody's data, nor who somebody is.
    let page = house.page(&house.admin).await;
    assert!(page.contains("Assegnato a un paziente"), "{page}");
    let number = maria.to_string();
    for theirs in [
        "Rossi",
        &number,
        "/pazienti/",
        "/dispositivi/scheda/",
        "/kit",
    ] {
        assert!(!page.contains(theirs), "{theirs}: {page}");
    }

    *house.view.is_dead.lock().unwrap() = true;
    let page = house.page(&house.nurse).await;
    assert!(page.contains("Collegamento interrotto"), "{page}");
    assert!(!page.contains("chip-calm"), "nothing is green: {page}");
}

#[tokio::test]
async fn of_two_who_assign_a_device_one_is_told_who_has_it() {
    let house = House::new().await;
    house.speaks("casa-1", CARE);
    let maria = maria(&house.record).await;
    let empty = house.fleet.assignment(DEVICE, NOW).await.unwrap();
    assert!(
        empty
            .render()
            .unwrap()
            .contains("Nessun paziente ha un piano")
    );
    let plan = Plan::template("home-covid", maria, CARE.plus_ms(-1)).unwrap();
    veglia_diary::create_plan(&house.record, &TEST, &plan, CARE)
        .await
        .unwrap();
    let form = AssignForm {
        patient: maria.to_string(),
        ..AssignForm::default()
    };
    let nobody = house
        .fleet
        .assign(&house.nurse, DEVICE, &AssignForm::default(), NOW)
        .await;
    assert!(nobody.unwrap().is_some(), "nobody was chosen");
    let first = house.fleet.assign(&house.nurse, DEVICE, &form, NOW).await;
    assert!(first.unwrap().is_none());
    let second = house.fleet.assign(&house.nurse, DEVICE, &form, NOW).await;
    let page = second.unwrap().expect("the form again").render().unwrap();
    assert!(page.contains("è già assegnato a Rossi Maria"), "{page}");
    let all = veglia_diary::assignments(&house.record, &TEST).await;
    let device = DeviceId::new(DEVICE).unwrap();
    assert_eq!(all.unwrap().of_device(&device).count(), 1);
}

#[tokio::test]
async fn a_device_is_given_to_nobody_whom_the_giver_may_not_read() {
    let house = House::new().await;
    house.speaks("casa-1", CARE);
    let maria = maria(&house.record).await;
    let plan = Plan::template("home-covid", maria, CARE.plus_ms(-1)).unwrap();
    let planned = veglia_diary::create_plan(&house.record, &TEST, &plan, CARE).await;
    planned.unwrap();
    let form = AssignForm {
        patient: maria.to_string(),
        ..AssignForm::default()
    };
    let person = PersonId::new(i64::try_from(maria.get()).unwrap()).unwrap();
    let ended = care::release(&house.record, &TEST, person, &Holder::Centre, CARE).await;
    assert_eq!(ended.unwrap(), 1);
    // Neither offered, nor taken from whoever knows the number.
    let page = house.fleet.assignment(DEVICE, NOW).await.unwrap();
    assert!(!page.render().unwrap().contains("Rossi"));
    for who in [&house.nurse, &house.admin] {
        let refused = house.fleet.assign(who, DEVICE, &form, NOW).await;
        let page = refused.unwrap().expect("the form again").render().unwrap();
        assert!(page.contains("Scegliere un paziente"), "{page}");
    }
    let all = veglia_diary::assignments(&house.record, &TEST).await;
    let device = DeviceId::new(DEVICE).unwrap();
    assert_eq!(all.unwrap().of_device(&device).count(), 0);
    // Whom nobody registered is the centre's.
    let unknown = PatientId::new(0x77);
    let plan = Plan::template("home-covid", unknown, CARE.plus_ms(-1)).unwrap();
    let planned = veglia_diary::create_plan(&house.record, &TEST, &plan, CARE).await;
    planned.unwrap();
    let form = AssignForm {
        patient: unknown.to_string(),
        ..AssignForm::default()
    };
    let given = house.fleet.assign(&house.nurse, DEVICE, &form, NOW).await;
    assert!(given.unwrap().is_none());
}

#[tokio::test]
async fn a_box_is_asked_and_its_answer_is_said_and_signed() {
    let house = House::new().await;
    house.speaks("casa-1", CARE);
    let order = |ask: &str, device: &str| OrderForm {
        ask: ask.to_owned(),
        device: device.to_owned(),
    };
    let (fleet, anna) = (&house.fleet, &house.nurse);
    let said = fleet.order(anna, "casa-1", &order("ping", ""), NOW).await;
    assert!(said.unwrap().contains("casa-1 ha risposto"));
    let measure = order("measure", DEVICE);
    let said = fleet.order(anna, "casa-1", &measure, NOW).await.unwrap();
    assert!(said.contains("Misura chiesta"), "{said}");
    let asked = house.view.ordered.lock().unwrap().len();
    assert_eq!(asked, 3, "what the device does not measure is passed over");
    let reboot = order("reboot", "");
    let wrong = fleet.order(anna, "casa-1", &reboot, NOW);
    assert!(matches!(wrong.await, Err(FleetError::Form)));
    let by = anna.actor().to_string();
    let casa = || "casa-1".to_owned();
    let signed = [
        (Deed::Pinged, casa(), by.clone()),
        (Deed::Measured, casa(), by),
    ];
    assert_eq!(house.deeds().await, signed);
}

#[tokio::test]
async fn of_two_thousand_boxes_those_that_need_somebody_are_on_the_page() {
    let house = House::new().await;
    house.list().create_if_missing().unwrap();
    let ids: Vec<String> = (0..2_000)
        .map(|number| format!("casa-{number:04}"))
        .collect();
    let admitted: Vec<(&str, u8)> = ids.iter().map(|id| (id.as_str(), 3)).collect();
    house.list().add_gateways(&admitted).unwrap();
    for id in &ids {
        house.speaks(id, CARE);
    }
    // Two that come last by name: one is silent for an hour, one is shut out.
    house.speaks("casa-1998", CARE.plus_ms(-3_600_000));
    let at = UnixSeconds(NOW.wall.0 / 1_000);
    house.list().revoke("casa-1999", at).unwrap();
    let page = house.page(&house.nurse).await;
    let first = page.find("<article").unwrap();
    assert!(page[first..].contains("id=\"gw-casa-1998\""));
    let boxes = page.matches("<article").count();
    assert_eq!(boxes, LINES_MAX);
    assert!(
        page[first..first + 300].contains("gw-casa-1998"),
        "it stands first"
    );
    let hidden = format!("Altri {} gateway non mostrati", 2_000 - LINES_MAX);
    assert!(page.contains(&hidden));
    assert_eq!(page.matches("class=\"loose-it\"").count(), LOOSE_MAX);
    assert!(page.contains("2000 gateway: 1 muto, 1998 collegati, 1 revocato."));

    // Whoever is well is found by looking for it.
    let found = house.fleet.page(&house.nurse, " CASA-077 ", NOW);
    let found = found.await.unwrap().render().unwrap();
    assert_eq!(found.matches("<article").count(), 10);
    assert!(found.contains("id=\"gw-casa-0775\"") && !found.contains("gw-casa-1998"));
    assert!(
        found.contains("data-page=\"/dispositivi?cerca=CASA-077\""),
        "{found}"
    );
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
