// A choice of stars is saved at once, and can be undone.
import { attempt, button, tell } from "./notes.js";
import { refresh } from "./live.js";

/** Save every choice of stars below `root`. */
export function watchRatings(root) {
  for (const form of root.querySelectorAll("[data-rating]")) watch(form);
}

function watch(form) {
  const state = { saved: chosen(form), timer: 0, turn: 0 };
  form.classList.add("live");
  form.addEventListener("change", () => {
    clearTimeout(state.timer); // arrow keys pass over what is not meant
    said(form, "Saving");
    state.timer = setTimeout(() => save(form, state, chosen(form)), 250);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(state.timer);
    save(form, state, event.submitter?.hasAttribute("data-remove") ? "" : chosen(form));
  });
}

async function save(form, state, value) {
  const before = state.saved;
  const turn = ++state.turn;
  choose(form, value);
  const fields = new FormData(form);
  fields.set("rating", value);
  const reply = await attempt(form.action, fields);
  if (turn !== state.turn) return; // a later choice is on its way
  if (reply.failed) {
    choose(form, before);
    said(form, "");
    tell(reply.failed, { words: "Try again", go: () => save(form, state, value) });
    return;
  }
  state.saved = value;
  form.querySelector("[data-remove]")?.toggleAttribute("hidden", value === "");
  said(form, value === "" ? "Removed" : "Saved", () => save(form, state, before));
  refresh("#progress", "#so-far", "#worth");
}

function said(form, words, undo) {
  const place = form.querySelector("[data-saved]");
  place.setAttribute("role", "status");
  place.replaceChildren(words);
  if (undo) place.append(" ", button("Undo", undo));
}

function chosen(form) {
  return form.querySelector("input:checked")?.value ?? "";
}

function choose(form, value) {
  for (const input of form.querySelectorAll("input[type=radio]")) input.checked = input.value === value;
}
