# How many wait for somebody, in the bar of the centre's pages.
bell-waiting = Nobody in charge
bell-lost = Connection lost
bell-sound-off = Sound off
bell-sound-on = Sound on
bell-sound-mute = Sound stopped: press here
