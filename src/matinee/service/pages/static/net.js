// Talks to the same addresses that the forms use.

export class Refused extends Error {}

/** Send a form's fields; what happened comes back as { text, undo }. */
export async function send(action, fields) {
  const reply = await answer(action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  if (!reply.headers.get("content-type")?.startsWith("application/json")) {
    throw new Refused("That could not be saved. Reload the page and try again.");
  }
  return reply.json();
}

/** The page at an address, as a document. */
export async function page(address, signal) {
  const reply = await answer(address, { headers: { Accept: "text/html" }, signal });
  return new DOMParser().parseFromString(await reply.text(), "text/html");
}

async function answer(address, options) {
  try {
    const reply = await fetch(address, { credentials: "same-origin", ...options });
    if (reply.ok || options.method !== "POST") return reply;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("There is no connection, so that was not saved.");
  }
  throw new Refused("That could not be saved. Reload the page and try again.");
}
