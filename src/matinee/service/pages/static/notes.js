// The line at the top that says what happened, with a way back.
import { Refused, send } from "./net.js";

const box = document.querySelector("[data-notes]");

/** Say a sentence; `again` is { words, go } for a button beside it. */
export function tell(text, again) {
  const note = document.createElement("div");
  note.className = "note";
  const words = document.createElement("span");
  words.textContent = text;
  note.append(words);
  if (again) note.append(button(again.words, again.go));
  box.replaceChildren(note);
}

/** A quiet button. */
export function button(words, go) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = words;
  made.addEventListener("click", go);
  return made;
}

/** Send, and say what went wrong with a way to try again. */
export async function attempt(action, fields) {
  try {
    return await send(action, fields);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { failed: error.message };
  }
}

/** The token and the way back that every form carries. */
export function common() {
  const form = document.querySelector("#mark");
  return { token: form.elements.token.value, back: form.elements.back.value };
}
