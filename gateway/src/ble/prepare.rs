//! What is done with a device that has just been connected, before it is listened to: its services,
//! its clock, its subscriptions, its battery and what it says of itself.
//!
//! Only the subscriptions must succeed. The rest is asked for once and missed gladly, because many
//! a device hangs up seconds after it has told its result.

use std::time::Duration;

use btleplug::api::{CharPropFlags, Characteristic, Peripheral as _, WriteType};
use uuid::Uuid;
use veglia_codecs::{DateTime, DeviceTime, sig};
use veglia_wire::WallMs;

use super::device::Device;
use super::radio::{ASK, ATTRIBUTE, CONNECT, Trouble, call};
use super::talk::Talk;

/// How often a subscription is tried that BlueZ says is under way already.
const SUBSCRIBE_TRIES: u32 = 4;

/// Strings of the device information: maker, model, firmware, software, hardware. Not the serial
/// number: a log is read by people who need not know it.
const INFORMATION: [u16; 5] = [0x2A29, 0x2A24, 0x2A26, 0x2A28, 0x2A27];

/// How long a device may take to say all that. Its values wait meanwhile, and are stamped when they
/// are taken.
const ITSELF: Duration = Duration::from_secs(2);

/// Characters of such a string in the log.
const SHOWN_CHARS: usize = 40;

impl Device {
    /// Reads what a device offers that has just been connected.
    pub(super) async fn discover(&mut self) -> Result<Talk, Trouble> {
        let services = self.peripheral.discover_services();
        call("read the services", CONNECT, services).await?;
        // The name comes in a second advertisement, which may have been missed until now.
        let properties = call("tell of a device", ASK, self.peripheral.properties()).await?;
        let name = properties.and_then(|properties| properties.local_name);
        self.heard.name = name.or(self.heard.name.take());
        let stumbled = self.stumbled.take();
        let talk = Talk::of(&self.peripheral, &self.member, &self.heard, stumbled);
        talk.ok_or(Trouble::Unsupported)
    }

    /// Makes it speak.
    pub(super) async fn prepare(&mut self, talk: &mut Talk) -> Result<(), Trouble> {
        // What is stored is dated by the clock as it is; only then may it be set.
        if talk.control.is_none() {
            self.set_clock().await;
        } else {
            self.observe_clock().await;
        }
        let battery = Uuid::from_u128(sig::BATTERY_LEVEL.0);
        for characteristic in talk.subscriptions(&self.peripheral) {
            let subscribed = self.subscribe(&characteristic).await;
            match subscribed {
                Err(error) if characteristic.uuid == battery => {
                    tracing::debug!(%error, "the battery is not told of");
                }
                other => other?,
            }
        }
        for channel in &mut talk.channels {
            channel.greet(&self.peripheral).await?;
        }
        let protocols: Vec<&str> = talk.channels.iter().map(|it| it.protocol.name()).collect();
        tracing::info!(
            device = %self.member.device,
            address = %self.member.address,
            speaks = protocols.join(", "),
            stores = talk.control.is_some(),
            "device connected"
        );
        Ok(())
    }

    async fn subscribe(&self, characteristic: &Characteristic) -> Result<(), Trouble> {
        let mut tries = 1;
        loop {
            let subscribed = self.peripheral.subscribe(characteristic);
            match call("subscribe", ATTRIBUTE, subscribed).await {
                Err(Trouble::Busy) if tries < SUBSCRIBE_TRIES => {
                    tokio::time::sleep(super::Rhythm::BACK_SOON).await;
                    tries += 1;
                }
                other => return other,
            }
        }
    }

    fn characteristic(&self, uuid: veglia_codecs::Uuid) -> Option<Characteristic> {
        let uuid = Uuid::from_u128(uuid.0);
        let all = self.peripheral.characteristics();
        all.into_iter().find(|it| it.uuid == uuid)
    }

    async fn read(&self, uuid: veglia_codecs::Uuid) -> Option<Vec<u8>> {
        let characteristic = self.characteristic(uuid)?;
        if !characteristic.properties.contains(CharPropFlags::READ) {
            return None;
        }
        let value = call("read", ATTRIBUTE, self.peripheral.read(&characteristic)).await;
        value
            .inspect_err(|error| tracing::debug!(%error, %uuid, "an attribute cannot be read"))
            .ok()
    }

    /// Battery and what the device says of itself, once it speaks.
    pub(super) async fn ask_about_itself(&mut self) {
        let mut answers = (None, Vec::new());
        let asked = async {
            answers.0 = self.read(sig::BATTERY_LEVEL).await;
            for number in INFORMATION {
                answers
                    .1
                    .extend(self.read(veglia_codecs::Uuid::sig(number)).await);
            }
        };
        if tokio::time::timeout(ITSELF, asked).await.is_err() {
            tracing::debug!(device = %self.member.device, "it is slow to say what it is");
        }
        let (battery, strings) = answers;
        if let Some(value) = battery {
            self.battery(&value);
        }
        let shown = |value: &Vec<u8>| {
            let text = String::from_utf8_lossy(value);
            let shown = text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS);
            shown.collect::<String>()
        };
        let said: Vec<String> = strings.iter().map(shown).collect();
        if !said.is_empty() {
            tracing::info!(device = %self.member.device, said = said.join(" · "), "device said");
        }
    }

    /// A battery level was told.
    pub(super) fn battery(&mut self, value: &[u8]) {
        if let Some(event) = sig::decode_battery(value) {
            let mut records = Vec::new();
            let now = self.home.clock.stamp(None);
            self.listener.charged(event, now, &mut records);
            if let Some(place) = &self.place {
                place.charged(&self.listener);
            }
            self.writer.push(records);
        }
    }

    /// Reads the device's clock, if it can be read, and takes in how it stands.
    async fn observe_clock(&mut self) -> Option<DeviceTime> {
        let read = self.read(sig::DATE_TIME).await;
        let date = match read.and_then(|value| <[u8; 7]>::try_from(value).ok()) {
            Some(bytes) => sig::decode_date_time(bytes),
            None => sig::decode_current_time(&self.read(sig::CURRENT_TIME).await?)?,
        };
        let said = date.seconds()?;
        let wall = self.home.clock.stamp(None).wall?;
        if self.clock.observe(said, wall) {
            self.keep_offset(wall);
        }
        Some(said)
    }

    /// Sets the device's clock where it lets itself be set and is not right. A box that does not
    /// know the time itself sets nothing.
    pub(super) async fn set_clock(&mut self) {
        let said = self.observe_clock().await;
        let Some(wall) = self.home.clock.stamp(None).wall else {
            return;
        };
        let is_right = said.is_some() && self.clock.ahead_s(wall).is_some_and(|it| it.abs() <= 2);
        let Some(time) = self.clock.setting(wall).filter(|_| !is_right) else {
            return;
        };
        let ways = self.clocks(time);
        if ways.is_empty() {
            return;
        }
        // On disk before it is done: a power cut between the two must not move what is stored.
        let was = self.clock.clone();
        self.clock.was_set(said, wall);
        self.keep_offset(wall);
        if self.write_clock(&ways).await {
            return;
        }
        // Perhaps it was done and not answered: what it said until now stays noted.
        match said {
            Some(said) => drop(self.clock.observe(said, wall)),
            None => self.clock = was,
        }
        self.keep_offset(wall);
    }

    /// Where the device lets its clock be set, and what is written there.
    fn clocks(&self, time: DateTime) -> Vec<(Characteristic, Vec<u8>)> {
        let ways = [
            (sig::DATE_TIME, sig::encode_date_time(time).to_vec()),
            (sig::CURRENT_TIME, sig::encode_current_time(time).to_vec()),
        ];
        let way = |(uuid, bytes)| Some((self.characteristic(uuid)?, bytes));
        let all = ways.into_iter().filter_map(way);
        all.filter(|(clock, _)| clock.properties.contains(CharPropFlags::WRITE))
            .collect()
    }

    async fn write_clock(&self, ways: &[(Characteristic, Vec<u8>)]) -> bool {
        for (clock, bytes) in ways {
            let written = self.peripheral.write(clock, bytes, WriteType::WithResponse);
            match call("write", ATTRIBUTE, written).await {
                Ok(()) => return true,
                Err(error) => tracing::debug!(%error, "the device's clock cannot be set"),
            }
        }
        false
    }

    pub(super) fn keep_offset(&mut self, wall: WallMs) {
        let ahead_s = self.clock.ahead_s(wall);
        tracing::info!(device = %self.member.device, ahead_s, "the device's clock");
        if let Some(ledger) = &mut self.ledger
            && let Err(error) = ledger.set_standing(self.clock.standing())
        {
            tracing::warn!(%error, "how the device's clock stands is not kept");
        }
    }
}
