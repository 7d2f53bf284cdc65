// Where a reader's notes on a page are kept: in this browser alone, under the page's path; nowhere else.

import { notesFrom } from "./votes.js";

export const KEY = `equipoise:notes:${location.pathname}`;

// False where the browser keeps nothing, as some do in a private window: then notes last until the page is left.
export let keeps = works();
let unkept = "";

function works() {
  try {
    localStorage.setItem(`${KEY}?`, "");
    localStorage.removeItem(`${KEY}?`);
    return true;
  } catch {
    return false;
  }
}

export const notes = () => notesFrom(keeps ? localStorage.getItem(KEY) : unkept);

// Another tab may have written since, so a change is made to what is kept now.
export function keep(change) {
  unkept = JSON.stringify({ ...notes(), ...change });
  if (!keeps) return;
  try {
    localStorage.setItem(KEY, unkept);
  } catch {
    keeps = false;
  }
}

export function forget() {
  unkept = "";
  if (keeps) localStorage.removeItem(KEY);
}
