"""A pulse oximeter of the Bluetooth SIG's profile, on bumble's host stack.

It does what its options say: a stream of values, single measurements, measurements taken while
nobody was there. Its clock is wrong by an hour until somebody sets it. What it has told goes to
standard output, a line a value: `spoke VITAL VALUE MILLISECONDS`, in the words of
`veglia export`, with the true time of measuring. Pulses count up, so that each is another.
"""

import asyncio
import datetime
import itertools
import struct
import time

from bumble.controller import Controller
from bumble.core import UUID, AdvertisingData
from bumble.device import Device
from bumble.gatt import (
    GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR,
    Characteristic,
    CharacteristicValue,
    Service,
)
from bumble.hci import Address
from bumble.host import Host
from bumble.pairing import PairingConfig, PairingDelegate

NAME = "LabOximeter"
ADDRESS = "F0:F1:F2:F3:F4:F5"
SERIAL = "LAB-0001"
CLOCK_BEHIND_S = 3600.0

READ = Characteristic.Properties.READ
WRITE = Characteristic.Properties.WRITE
NOTIFY = Characteristic.Properties.NOTIFY
INDICATE = Characteristic.Properties.INDICATE
READABLE = Characteristic.Permissions.READABLE
WRITEABLE = Characteristic.Permissions.WRITEABLE
ENCRYPTED = Characteristic.Permissions.READ_REQUIRES_ENCRYPTION

# Record Access Control Point: what is asked, of which records, and what is answered.
REPORT, DELETE, NUMBER, NUMBER_ANSWER, ANSWER = 1, 2, 4, 5, 6
ALL = 1
SUCCESS, NOT_SUPPORTED, NO_RECORDS = 1, 2, 6


def say(*words):
    """A line for whoever reads the log."""
    print(*words, flush=True)


class Reading:
    """One measurement, number by number: 20 saturations, 150 pulses, each as the one before."""

    def __init__(self, number, at):
        self.spo2, self.pulse, self.at = 80 + number % 20, 50 + number % 150, at

    def values(self):
        """SpO2 and pulse as two SFLOATs with exponent 0."""
        return struct.pack("<HH", self.spo2, self.pulse)

    def continuous(self):
        """The bytes of 2A5F."""
        return b"\x00" + self.values()

    def spot(self, clock_behind, stored):
        """The bytes of 2A5E, with the time by the device's clock and the measurement's status."""
        by_its_clock = self.at - clock_behind
        status = 1 << 9 if stored else 1 << 8  # from storage; fully qualified
        return b"\x03" + self.values() + date_time(by_its_clock) + struct.pack("<H", status)

    def spoken(self):
        """Tells the log."""
        for vital, value in (("spo2", self.spo2), ("pulse", self.pulse)):
            say("spoke", vital, f"{value}.0", round(self.at * 1000))


def date_time(seconds):
    """A moment as the profile's Date Time, which knows no time zone."""
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return struct.pack("<HBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second)


class Oximeter:
    """The device: services, a store, a clock, and what it does by itself."""

    @staticmethod
    def add_arguments(parser):
        """What it may be told to do."""
        parser.add_argument("--oximeter", action="store_true", help="switch it on")
        parser.add_argument("--stream", action="store_true", help="a value a second")
        parser.add_argument("--spot", action="store_true", help="a measurement every two seconds")
        parser.add_argument("--stored", type=int, default=0, help="measurements in its memory")
        parser.add_argument("--secure", action="store_true", help="only over an encrypted link")

    def __init__(self, air, arguments):
        self.arguments = arguments
        self.clock_behind = CLOCK_BEHIND_S
        self.numbers = itertools.count()
        now = time.time()
        minutes = range(arguments.stored, 0, -1)
        self.store = [Reading(next(self.numbers), now - 60 * ago) for ago in minutes]

        host = Host()
        host.controller = Controller(NAME, host_sink=host, link=air)
        self.device = Device(name=NAME, address=Address(ADDRESS), host=host)
        self.device.pairing_config_factory = lambda _: PairingConfig(
            mitm=False, delegate=PairingDelegate(PairingDelegate.NO_OUTPUT_NO_INPUT)
        )
        self.device.advertising_data = bytes(
            AdvertisingData(
                [
                    (AdvertisingData.FLAGS, b"\x06"),
                    (AdvertisingData.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS, b"\x22\x18"),
                    (AdvertisingData.COMPLETE_LOCAL_NAME, NAME.encode()),
                ]
            )
        )
        self.device.add_services(self.services())
        if arguments.secure:
            self.lock(self.continuous)
        self.device.on("connection", self.connected)

    def services(self):
        """Oximeter, battery, device information, and a clock that can be set."""
        none = Characteristic.Permissions(0)
        told = READABLE | ENCRYPTED if self.arguments.secure else READABLE
        self.continuous = Characteristic("2A5F", NOTIFY, none, b"")
        self.spot = Characteristic("2A5E", INDICATE, none, b"")
        self.access = Characteristic(
            "2A52", WRITE | INDICATE, WRITEABLE, CharacteristicValue(write=self.asked)
        )
        # Measurement status, and storage and time of single measurements.
        features = Characteristic("2A60", READ, told, bytes([0b1101, 0, 0xFF, 0xFF]))
        clock = CharacteristicValue(read=lambda _: self.told_time(), write=self.set_clock)
        battery = Characteristic("2A19", READ, READABLE, bytes([87]))
        serial = Characteristic("2A25", READ, READABLE, SERIAL.encode())
        maker = Characteristic("2A29", READ, READABLE, b"Veglia lab")
        time_now = Characteristic("2A2B", READ | WRITE, READABLE | WRITEABLE, clock)
        kept = [self.spot, self.access] if self.arguments.stored else [self.spot]
        return [
            Service("1822", [self.continuous, *kept, features]),
            Service("180F", [battery]),
            Service("180A", [serial, maker]),
            Service("1805", [time_now]),
        ]

    def lock(self, characteristic):
        """Lets nobody ask for values over a link that is not encrypted."""
        last = characteristic.end_group_handle
        for attribute in self.device.gatt_server.attributes[characteristic.handle : last]:
            if attribute.type == GATT_CLIENT_CHARACTERISTIC_CONFIGURATION_DESCRIPTOR:
                attribute.permissions |= Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION

    async def live(self):
        """Switches it on."""
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)
        if self.arguments.stream:
            asyncio.create_task(self.every(1.0, self.stream))
        if self.arguments.spot:
            asyncio.create_task(self.every(2.0, self.measure))
        say("switched on")

    def connected(self, connection):
        """Says what becomes of a connection."""
        say("connected")
        connection.on("disconnection", lambda reason: say("disconnected", hex(reason)))
        connection.on("pairing", lambda *_: say("paired"))
        connection.on("pairing_failure", lambda reason: say("pairing failed", reason))
        connection.on(
            "connection_encryption_change", lambda *_: say("encryption", connection.encryption)
        )

    def listeners(self, characteristic, bit):
        """Who has asked for a characteristic's values, and may have them."""
        subscribers = self.device.gatt_server.subscribers.items()
        return [
            connection
            for connection, wanted in subscribers
            if wanted.get(characteristic.handle, b"\x00")[0] & bit
            and (connection.encryption or not self.arguments.secure)
        ]

    async def every(self, seconds, act):
        """Does something again and again; a link that is lost meanwhile does not end it."""
        while True:
            try:
                await act()
            except Exception as error:  # noqa: BLE001: whatever it was, the log says it
                say("not told:", repr(error))
            await asyncio.sleep(seconds)

    async def stream(self):
        """One value of the stream."""
        for connection in self.listeners(self.continuous, 1):
            reading = Reading(next(self.numbers), time.time())
            await self.device.notify_subscriber(connection, self.continuous, reading.continuous())
            reading.spoken()

    async def measure(self):
        """One single measurement, told at once."""
        for connection in self.listeners(self.spot, 2):
            reading = Reading(next(self.numbers), time.time())
            # Before: it may be stored at the centre before the confirmation is back here.
            reading.spoken()
            value = reading.spot(self.clock_behind, stored=False)
            await self.device.indicate_subscriber(connection, self.spot, value)

    def asked(self, connection, request):
        """Answers what is written to the control point, after the write has been answered."""
        say("asked", request.hex())
        asyncio.create_task(self.answer(connection, request))

    async def answer(self, connection, request):
        """The records that were asked for, then the answer itself."""
        code = request[0]
        said = bytes([ANSWER, 0, code])
        if code not in (REPORT, DELETE, NUMBER) or request[1:] != bytes([ALL]):
            said += bytes([NOT_SUPPORTED])
        elif code == NUMBER:
            said = struct.pack("<BBH", NUMBER_ANSWER, 0, len(self.store))
        elif not self.store:
            said += bytes([NO_RECORDS])
        elif code == REPORT:
            for reading in self.store:
                reading.spoken()
                value = reading.spot(CLOCK_BEHIND_S, stored=True)
                await self.device.indicate_subscriber(connection, self.spot, value)
            said += bytes([SUCCESS])
        else:
            say("deleted", len(self.store))
            self.store.clear()
            said += bytes([SUCCESS])
        await self.device.indicate_subscriber(connection, self.access, said)
        say("answered", said.hex())

    def told_time(self):
        """The clock as 2A2B: Date Time, weekday, fractions, and why it was set."""
        seconds = time.time() - self.clock_behind
        weekday = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoweekday()
        return date_time(seconds) + bytes([weekday, 0, 0])

    def set_clock(self, _connection, value):
        """Somebody sets the clock. What is in the store keeps the time that it has."""
        year, month, day, hour, minute, second = struct.unpack("<HBBBBB", value[:7])
        utc = datetime.timezone.utc
        told = datetime.datetime(year, month, day, hour, minute, second, tzinfo=utc).timestamp()
        self.clock_behind = time.time() - told
        say("clock set", round(self.clock_behind))
