"""The air between the machine under emulation and the devices: bumble's virtual radio.

Each `--controller PATH` is an emulated Bluetooth controller whose host speaks HCI (H4) over the
Unix socket PATH: Linux under emulation, or the peripheral that is a program of its own. With
`--oximeter` bumble's own host stack is a peripheral on the same air. SIGUSR1 loses every link, as
when somebody walks out of reach: both ends are told "supervision time-out".
"""

import argparse
import asyncio
import signal

from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.hci import HCI_CONNECTION_TIMEOUT_ERROR, LeFeatureMask
from bumble.link import LocalLink
from bumble.transport import open_transport

from oximeter import Oximeter


# Whoever says that it can do one of these must tell of a connection with the event "enhanced
# connection complete", which bumble's controller does not know. Linux would wait for it, take the
# connection for one that never came about, and could not end it later.
BEYOND = LeFeatureMask.LL_PRIVACY | LeFeatureMask.LE_EXTENDED_ADVERTISING


class Air(LocalLink):
    """Bumble's link, with the sender of data named as its peer knows it.

    The original names the sender by its current random address. Linux scans with a throw-away
    address and connects with its public one: the link would come about, and stay mute.
    """

    def send_acl_data(self, sender_controller, destination_address, transport, data):
        connection = sender_controller.le_connections.get(destination_address)
        if transport != PhysicalTransport.LE or connection is None:
            super().send_acl_data(sender_controller, destination_address, transport, data)
            return
        receiver = self.find_le_controller(destination_address)
        if receiver is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(receiver.on_link_acl_data, connection.self_address, transport, data)

    def lose_every_link(self):
        """Ends all connections at both ends, as if nothing had been heard for too long."""
        print("losing every link", flush=True)
        for controller in self.controllers:
            for connection in list(controller.le_connections.values()):
                controller.on_le_disconnected(connection, HCI_CONNECTION_TIMEOUT_ERROR)


async def main():
    """Opens the controllers, switches the oximeter on, and stays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--controller", action="append", default=[], metavar="PATH")
    Oximeter.add_arguments(parser)
    arguments = parser.parse_args()

    air = Air()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, air.lose_every_link)
    controllers = []
    for number, path in enumerate(arguments.controller):
        transport = await open_transport(f"unix-server:{path}")
        address = f"00:AA:BB:00:00:{number:02X}"
        controller = Controller(
            path, transport.source, transport.sink, link=air, public_address=address
        )
        controller.le_features &= ~BEYOND
        controllers.append(controller)
    if arguments.oximeter:
        await Oximeter(air, arguments).live()
    await asyncio.Event().wait()


asyncio.run(main())
