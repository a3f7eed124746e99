// Fetches pages and puts parts of them in place.
import { page } from "./net.js";
import { watchRatings } from "./rating.js";
import { watchRows } from "./rows.js";
import { tell } from "./notes.js";

let asking;

/** Renew parts of this page that are there. */
export async function refresh(...parts) {
  const here = parts.filter((part) => document.querySelector(part));
  if (here.length) await swap(location.href, here);
}

/** Follow the forms and links below `root` that only change a part of the page. */
export function watchForms(root) {
  root.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    event.preventDefault();
    go(form);
  });
  let timer = 0;
  root.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-live]");
    if (!form) return;
    clearTimeout(timer);
    timer = setTimeout(() => form.checkValidity() && go(form), 350);
  });
  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-skip], a[data-others], a[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    follow(link);
  });
}

async function go(form) {
  const query = new URLSearchParams(new FormData(form));
  for (const [name, value] of [...query]) if (!value || (name === "variety" && value === "0")) query.delete(name);
  if (form.matches(".wishes") && ![...query].length) query.set("k", "24");
  const address = `${form.getAttribute("action")}?${query}`;
  const focused = document.activeElement?.id;
  if (!(await swap(address, [form.dataset.live]))) return location.assign(address);
  history.replaceState(null, "", address);
  restore(focused);
}

async function follow(link) {
  const part = link.matches("[data-more]") ? "#results" : "#found";
  const place = [...document.querySelectorAll(".pick, .films:not(.across) > .film")].indexOf(link.closest("li"));
  const count = document.querySelectorAll(`${part} .film`).length;
  if (!(await swap(link.href, [part]))) return location.assign(link.href);
  history.replaceState(null, "", link.href.split("#")[0]);
  const films = [...document.querySelectorAll(`${part} :is(.pick, .film)`)];
  const next = films[place < 0 ? count : place] ?? films[0];
  next?.querySelector("a, input")?.focus({ preventScroll: place >= 0 });
}

async function swap(address, parts) {
  asking?.abort();
  asking = new AbortController();
  const old = parts.map((part) => document.querySelector(part));
  for (const element of old) element?.classList.add("waiting");
  try {
    const found = await page(address, asking.signal);
    for (const [place, part] of parts.entries()) put(old[place], found.querySelector(part));
    return parts.every((part) => found.querySelector(part));
  } catch (error) {
    if (error.name === "AbortError") return true;
    tell("There is no connection, so the page could not be renewed.");
    return true;
  } finally {
    for (const element of old) element?.classList.remove("waiting");
  }
}

function put(old, made) {
  if (!old || !made || old.isEqualNode(made)) return;
  const edited = old.contains(document.activeElement) ? document.activeElement : null;
  const typed = edited?.matches("input") ? edited.value : null;
  old.replaceWith(made);
  if (typed !== null && edited.id && made.querySelector(`#${edited.id}`)) made.querySelector(`#${edited.id}`).value = typed;
  watchRatings(made);
  watchRows(made);
  const news = made.matches("[data-announce]") ? made : made.querySelector("[data-announce]");
  if (news) announce(news.textContent);
}

function announce(text) {
  let place = document.querySelector("#announcer");
  if (!place) {
    place = document.createElement("p");
    place.id = "announcer";
    place.className = "unseen";
    place.setAttribute("role", "status");
    document.body.append(place);
  }
  place.textContent = text.replace(/\s+/g, " ").trim();
}

function restore(id) {
  const element = id && document.getElementById(id);
  if (!element || element === document.activeElement) return;
  element.focus({ preventScroll: true });
  if (element.matches("[type=search], :not([type])") && element.setSelectionRange) {
    element.setSelectionRange(element.value.length, element.value.length);
  }
}
