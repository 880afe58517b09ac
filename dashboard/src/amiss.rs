//! Tells of channels that do not work: on the ward at once, and to whoever is on duty by another
//! way. What is said on the telephone and does not reach the rules is told on the ward.
//!
//! The outages are notify's, in its record; here they get words, and the clock of care that the
//! ward goes by. One that is over stands for [`TRACE_MS`] more, as the trace.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use veglia_intake::{Line, Lookout, Trouble};
use veglia_notify::{Config, Message, NewDelivery, Outage};
use veglia_people::contacts::Channel;
use veglia_people::duty::{self, Post};
use veglia_people::{Party, staff};
use veglia_store::{Actor, Database, TxError};
use veglia_view::CareClock;
use veglia_ward::{Concern, Hub, Notice};
use veglia_wire::{Clock, WallMs};
use veglia_words::{Each, Key, Language, Words};

use crate::Deps;
use crate::language::{self, since};
use crate::pages::chain;
use crate::paging::written;

/// Between two looks: a nurse who opens the ward sees what is true now.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long an outage that is over stands on the ward, in milliseconds: a shift.
pub(crate) const TRACE_MS: i64 = 8 * 3_600_000;

const ACTOR: Actor = Actor::System("amiss");

const SUBJECT: &str = "Veglia";
const WORDS: &str = "Veglia: un canale di avviso non funziona. Vedere la pagina Reperibilità.";

/// The task; one at a record.
pub(crate) struct Amiss {
    record: Database,
    care: CareClock,
    clock: Arc<dyn Clock>,
    notify: Config,
    /// The way of what is said on the telephone.
    line: Option<Line>,
    lookout: Lookout,
    /// Outages of which the duty was told in this life.
    told: HashSet<i64>,
}

/// What the ward says, about what, and whether it is over.
type Sentence = (String, Concern, bool);

/// An outage in words.
pub(crate) struct Said {
    pub(crate) outage: Outage,
    pub(crate) words: String,
}

impl Amiss {
    pub(crate) fn new(deps: &Deps) -> Self {
        Self {
            record: deps.record.clone(),
            care: deps.care.clone(),
            clock: Arc::clone(&deps.clock),
            notify: deps.notify.clone(),
            line: deps.line.clone(),
            lookout: Lookout::default(),
            told: HashSet::new(),
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self, hub: Hub) {
        let mut was_well = true;
        loop {
            let round = self.round(&hub).await;
            if let Err(error) = &round
                && was_well
            {
                tracing::error!(error = %chain(error), "channels that are down are not told of");
            }
            was_well = round.is_ok();
            sleep(LOOK_EVERY).await;
        }
    }

    /// Shows what there is, and calls whoever is on duty for what is new.
    pub(crate) async fn round(&mut self, hub: &Hub) -> Result<(), TxError> {
        let trouble = self.lookout.look(self.line.as_ref(), self.clock.now());
        let (it, outages) = self.sentences(trouble.as_ref(), Language::It).await?;
        let (en, _) = self.sentences(trouble.as_ref(), Language::En).await?;
        // What begins between the two is told a second later.
        let both = it.into_iter().zip(en);
        let notice = |((it, concern, is_over), (en, ..)): (Sentence, Sentence)| Notice {
            text: Each::new(it, en),
            concern,
            is_over,
        };
        hub.post(both.map(notice).collect());
        for outage in outages.iter().filter(|it| it.ended.is_none()) {
            if !self.told.contains(&outage.id) && self.call(outage).await? {
                self.told.insert(outage.id);
            }
        }
        Ok(())
    }

    /// What the ward says of it in a language, and the outages among it.
    async fn sentences(
        &self,
        trouble: Option<&Trouble>,
        language: Language,
    ) -> Result<(Vec<Sentence>, Vec<Outage>), TxError> {
        let w = language::WORDS.speaking(language);
        let said = said(&self.record, &ACTOR, &self.care, self.clock.as_ref(), w).await?;
        let (record, now) = (&self.record, self.care.now());
        let handovers = veglia_handover::waiting(record, &ACTOR, now, language).await?;
        let calling = Concern::Calling;
        let outage = |it: &Said| (it.words.clone(), calling, it.outage.ended.is_some());
        let telephone = trouble.map(|it| (self.telephone(it, w), calling, false));
        let handovers = handovers.into_iter();
        let handovers = handovers.map(|text| (text, Concern::Handover, false));
        let sentences = said.iter().map(outage).chain(telephone).chain(handovers);
        Ok((
            sentences.collect(),
            said.into_iter().map(|it| it.outage).collect(),
        ))
    }

    /// What keeps the telephone from the rules.
    fn telephone(&self, trouble: &Trouble, w: Words) -> String {
        match trouble {
            Trouble::Closed => w.say("amiss-phone-closed").into_owned(),
            Trouble::Waiting { answers, since: at } => {
                let since = since(self.care.at(*at), self.care.now(), w);
                let waiting = w.with("amiss-phone-waiting", "answers", *answers);
                waiting.and("since", since).to_string()
            }
        }
    }

    /// Whether there was somebody to be told.
    async fn call(&self, outage: &Outage) -> Result<bool, TxError> {
        let now = self.care.now();
        let on_duty = duty::on_duty(&self.record, &ACTOR, Post::Operator, now).await?;
        let wall = self.clock.now();
        for person in &on_duty {
            let mut addresses = person.addresses.clone();
            addresses.retain(|it| it.channel() != outage.channel);
            let key = format!("outage-{}.{}", outage.id, written(person.party));
            let about = format!("outage-{}", outage.id);
            let message = Message::new(SUBJECT, WORDS, &self.notify.page("/reperibilita"));
            let (Ok(key), Ok(about), Ok(message)) = (key.parse(), about.parse(), message) else {
                continue;
            };
            // Who has no other way reads it on the ward.
            if addresses.is_empty() {
                continue;
            }
            let delivery = NewDelivery {
                key,
                about,
                recipient: person.party.to_string(),
                addresses,
                message,
                urgent: false,
                not_before: wall,
            };
            let sent = veglia_notify::enqueue(&self.record, &ACTOR, &delivery, wall).await;
            if let Err(error) = sent {
                tracing::error!(error = %chain(&error), "the duty is not told of an outage");
                return Ok(false);
            }
        }
        Ok(!on_duty.is_empty())
    }
}

/// What does not work now, and what has worked again of late, in words.
pub(crate) async fn said(
    record: &Database,
    actor: &Actor,
    care: &CareClock,
    clock: &dyn Clock,
    w: Words,
) -> Result<Vec<Said>, TxError> {
    let (now, wall) = (care.now(), clock.now());
    let outages = veglia_notify::outages(record, actor, wall.plus_ms(-TRACE_MS)).await?;
    if outages.is_empty() {
        return Ok(Vec::new());
    }
    let names = staff::signatures(record, actor).await?;
    let name = |recipient: &str| {
        let doctor = || match recipient.parse() {
            Ok(Party::Mmg(id)) => w.with("amiss-mmg", "id", id.to_string()).to_string(),
            _ => w.say("amiss-patient").into_owned(),
        };
        names.get(recipient).cloned().unwrap_or_else(doctor)
    };
    // Channels fail by the wall clock; the ward goes by the clock of care.
    let when = |at: WallMs| since(care.at(at), now, w);
    let say = |outage: Outage| Said {
        words: words(&outage, name, when, w),
        outage,
    };
    Ok(outages.into_iter().map(say).collect())
}

fn words(
    outage: &Outage,
    name: impl Fn(&str) -> String,
    when: impl Fn(WallMs) -> String,
    w: Words,
) -> String {
    let channel = w.say(channel_name(outage.channel));
    let what = match &outage.recipient {
        None => w.with("amiss-channel", "channel", channel),
        Some(person) => w
            .with("amiss-person", "channel", channel)
            .and("who", name(person)),
    };
    let began = when(outage.began);
    let said = match outage.ended {
        None => w.with("amiss-still", "what", what),
        Some(ended) => w.with("amiss-over", "what", what).and("ended", when(ended)),
    };
    said.and("began", began).to_string()
}

/// What a channel is called.
pub(crate) fn channel_name(channel: Channel) -> Key {
    match channel {
        Channel::Sms => Key("channel-sms"),
        Channel::Email => Key("channel-email"),
        Channel::Push => Key("channel-push"),
        Channel::Webhook => Key("channel-webhook"),
    }
}
