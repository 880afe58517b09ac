//! Letting a box in: a form, and a label with a one-time code.

use askama::Template;
use serde::Deserialize;
use veglia_identity::{EnrolmentError, Entry, UnixSeconds};
use veglia_people::staff::Staff;
use veglia_wire::GatewayId;
use veglia_words::{Key, Language, Words};

use crate::files::FilesError;
use crate::fleet::{Fleet, FleetError, Now};
use crate::label::LabelPage;
use crate::log::{self, Deed};
use crate::page;
use crate::reception::seconds;
use crate::{WORDS, story, words};

/// How long a code may be good, in hours, as the form offers it. The first is the default: a box
/// is enrolled on the day its label is printed.
const VALIDITIES: [u32; 4] = [24, 72, 168, 720];

/// Longest address of a centre on a label; the square holds it.
const MAX_CENTRE_CHARS: usize = 300;

/// What is asked for a new box.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct InviteForm {
    /// The gateway's id.
    #[serde(default)]
    pub gateway: String,
    /// How long the code is good, in hours.
    #[serde(default)]
    pub hours: u32,
    /// The centre's address, as boxes reach it.
    #[serde(default)]
    pub centre: String,
    /// Ticked when the code shall take the place of a box that is enrolled.
    #[serde(default)]
    pub replace: Option<String>,
}

/// The form, to be framed by a door.
#[derive(Debug, Template)]
#[template(path = "invite.html")]
pub struct InvitePage {
    pub(crate) w: Words,
    form: InviteForm,
    problem: Option<String>,
    /// Whether to ask if a box that is enrolled shall be replaced.
    asks_replace: bool,
    can_enrol: bool,
    /// In hours, each with its words.
    validities: Vec<(u32, String)>,
    address_max: usize,
}

/// What became of the form.
#[derive(Debug)]
pub enum Invited {
    /// The label; it is shown this once.
    Label(Box<LabelPage>),
    /// The form again, with a sentence.
    Again(Box<InvitePage>),
}

impl Fleet {
    /// The empty form. `gateway` and `centre` are written in already, to be corrected.
    ///
    /// # Errors
    /// [`FleetError::NotAllowed`] for everybody but administrators, and what the files say.
    pub async fn invitation(
        &self,
        who: &Staff,
        gateway: String,
        centre: String,
        now: Now,
    ) -> Result<InvitePage, FleetError> {
        if !page::may_manage(who) {
            return Err(FleetError::NotAllowed);
        }
        let known = self.files.known(seconds(now.wall)).await;
        let known = known.map_err(FleetError::Files)?;
        let form = InviteForm {
            gateway,
            centre,
            ..InviteForm::default()
        };
        Ok(InvitePage::new(form, known.can_enrol, self.w))
    }

    /// Makes a code and its label.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn invite(
        &self,
        who: &Staff,
        form: InviteForm,
        now: Now,
    ) -> Result<Invited, FleetError> {
        if !page::may_manage(who) {
            return Err(FleetError::NotAllowed);
        }
        let at = seconds(now.wall);
        let known = self.files.known(at).await.map_err(FleetError::Files)?;
        let page = InvitePage::new(form, known.can_enrol, self.w);
        let Ok(gateway) = GatewayId::new(page.form.gateway.trim()) else {
            return Ok(page.again(Key("invite-name-wrong")));
        };
        if !is_address(&page.form.centre) {
            return Ok(page.again(Key("invite-centre-wrong")));
        }
        if !VALIDITIES.contains(&page.form.hours) {
            return Err(FleetError::Form);
        }
        let is_this = |entry: &&std::sync::Arc<Entry>| entry.identity().name() == gateway.as_str();
        let there = known.gateways.iter().find(is_this);
        let is_in_force = there.is_some_and(|entry| entry.revoked_at().is_none());
        if is_in_force && page.form.replace.is_none() {
            let there = self.w.with("invite-there", "gateway", gateway.as_str());
            return Ok(InvitePage {
                asks_replace: true,
                ..page
            }
            .refusing(there.to_string()));
        }
        let until = UnixSeconds(at.0.saturating_add(i64::from(page.form.hours) * 3_600));
        self.make(who, &gateway, page, until, now).await
    }

    async fn make(
        &self,
        who: &Staff,
        gateway: &GatewayId,
        page: InvitePage,
        until: UnixSeconds,
        now: Now,
    ) -> Result<Invited, FleetError> {
        // The log is Italian, whoever makes the code.
        let until_moment = words::moment(until, WORDS.speaking(Language::It));
        let said = format!("valido fino al {until_moment}");
        let (actor, id) = (who.actor(), gateway.as_str());
        let written = log::write(&self.record, &actor, id, Deed::Invited, &said, now.wall).await;
        written.map_err(FleetError::Record)?;
        match self.files.invite(gateway, until, seconds(now.wall)).await {
            Ok(Some(code)) => {
                let centre = page.form.centre.trim().trim_end_matches('/');
                let label = LabelPage::new(id, code, centre, (until, self.w))
                    .map_err(FleetError::Square)?;
                Ok(Invited::Label(Box::new(label)))
            }
            Ok(None) => {
                self.failed(who, id, now).await?;
                Ok(InvitePage {
                    can_enrol: false,
                    ..page
                }
                .again(Key("invite-none-made")))
            }
            Err(FilesError::Codes(EnrolmentError::TooMany)) => {
                self.failed(who, id, now).await?;
                Ok(page.again(Key("invite-too-many")))
            }
            Err(fault) => {
                self.failed(who, id, now).await?;
                Err(FleetError::Files(fault))
            }
        }
    }

    /// Takes back the code of a gateway; one that is gone already stays gone.
    ///
    /// # Errors
    /// See [`FleetError`].
    pub async fn withdraw(&self, who: &Staff, gateway: &str, now: Now) -> Result<(), FleetError> {
        if !page::may_manage(who) {
            return Err(FleetError::NotAllowed);
        }
        let gateway = GatewayId::new(gateway).map_err(|_| FleetError::Unknown)?;
        let (actor, id) = (who.actor(), gateway.as_str());
        let written = log::write(&self.record, &actor, id, Deed::Withdrawn, "", now.wall).await;
        written.map_err(FleetError::Record)?;
        match self.files.withdraw(id).await {
            Ok(_) => Ok(()),
            Err(fault) => {
                self.failed(who, id, now).await?;
                Err(FleetError::Files(fault))
            }
        }
    }

    /// Writes that what stands last in the log was not done.
    pub(crate) async fn failed(&self, who: &Staff, id: &str, now: Now) -> Result<(), FleetError> {
        let written = log::write(&self.record, &who.actor(), id, Deed::Failed, "", now.wall).await;
        written.map_err(|fault| {
            tracing::error!(error = %story(&fault), "a failure was not written into the log");
            FleetError::Record(fault)
        })
    }
}

impl InvitePage {
    fn new(form: InviteForm, can_enrol: bool, w: Words) -> Self {
        let validities = VALIDITIES.map(|hours| (hours, validity(hours, w)));
        Self {
            w,
            form,
            problem: None,
            asks_replace: false,
            can_enrol,
            validities: validities.into(),
            address_max: MAX_CENTRE_CHARS,
        }
    }

    fn refusing(self, sentence: String) -> Invited {
        Invited::Again(Box::new(Self {
            problem: Some(sentence),
            ..self
        }))
    }

    fn again(self, sentence: Key) -> Invited {
        let sentence = self.w.say(sentence).into_owned();
        self.refusing(sentence)
    }
}

/// `24 ore`, `7 giorni`.
fn validity(hours: u32, w: Words) -> String {
    match hours / 24 {
        1 => w.say("invite-day").into_owned(),
        days => w.with("invite-days", "n", days).to_string(),
    }
}

fn is_address(text: &str) -> bool {
    let text = text.trim();
    let rest = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty())
        && text.len() <= MAX_CENTRE_CHARS
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}
