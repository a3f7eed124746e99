// Watchlist, seen, not for me: answered at once; what is put aside can be brought back.
import { attempt, button, common, tell } from "./notes.js";

/** Make all marks below `root` without leaving the page. */
export function watchMarks(root) {
  root.addEventListener("click", (event) => {
    const pressed = event.target.closest("button[data-mark]");
    if (!pressed) return;
    event.preventDefault();
    mark(pressed);
  });
}

async function mark(pressed) {
  const making = pressed.name === "mark";
  const film = pressed.closest(".film");
  show(pressed, making);
  const reply = await attempt("/mark", { ...common(), [making ? "mark" : "unmark"]: pressed.value });
  if (reply.failed) {
    show(pressed, !making);
    tell(reply.failed, { words: "Try again", go: () => mark(pressed) });
  } else if (making && film && pressed.dataset.mark !== "watchlist") {
    putAside(film, pressed, reply.text);
  } else {
    tell(reply.text, { words: "Undo", go: () => mark(pressed) });
  }
}

function show(pressed, on) {
  pressed.name = on ? "unmark" : "mark";
  pressed.classList.toggle("on", on);
  pressed.setAttribute("aria-pressed", String(on));
}

function putAside(film, pressed, text) {
  const instead = document.createElement("div");
  instead.className = "instead";
  const words = document.createElement("p");
  words.textContent = text;
  const back = button("Undo", async () => {
    instead.remove();
    film.classList.remove("gone");
    await mark(pressed);
    pressed.focus({ preventScroll: true });
  });
  instead.append(words, back);
  film.classList.add("gone");
  film.append(instead);
  back.focus({ preventScroll: true });
  tell(text);
}
