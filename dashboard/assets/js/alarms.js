// The bar of a page of the centre that has no stream of its own: a page about one patient and the list
// of all have one.

import { bell } from "./bell.js";
import { live } from "./live.js";

const bar = document.getElementById("bar-alarms");
const rings = bell();
if (rings !== null) {
  live(bar, document.getElementById("bar-lost"), {
    alarms: rings.alarms,
    tick: rings.tick,
    listensHidden: rings.isWanted,
    look: (now, isLost) => rings.look(isLost),
  });
}
