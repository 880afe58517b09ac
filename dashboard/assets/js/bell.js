// How many wait for somebody, in the bar of every page of the centre, and the sound for them. The list
// of patients has its own.
//
// Text is only ever set as text.

import { sound } from "./ward-sound.js";

/** What a stream is to tell; null for whoever does not work at the centre. */
export function bell() {
  const bar = document.getElementById("bar-alarms");
  if (bar === null) return null;
  const link = bar.querySelector("a");
  const count = bar.querySelector(".bar-count");
  const button = document.getElementById("bar-sound");
  const ear = sound(button);
  const title = document.title;
  let red = 0;
  button.hidden = false;

  function alarms(told) {
    red = told.red;
    count.textContent = String(told.red + told.amber);
    link.classList.toggle("is-red", told.red > 0);
    document.title = red > 0 ? `(${red}) ${title}` : title;
    ear.look(red, bar.classList.contains("is-lost"));
  }

  function look(isLost) {
    bar.classList.toggle("is-lost", isLost);
    ear.look(red, isLost);
  }

  return { alarms, tick: () => look(false), look, isWanted: ear.isWanted };
}
