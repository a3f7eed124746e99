// Without a network, pages are answered by one that says so. `KEPT` is put above by the server.
const PAGE = "/offline";
const STORE = "matinee " + KEPT.join(" ");

self.addEventListener("install", (event) => {
  event.waitUntil(keep().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forget().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(PAGE)));
  } else if (KEPT.includes(new URL(request.url).pathname)) {
    event.respondWith(caches.match(request).then((kept) => kept ?? fetch(request)));
  }
});

async function keep() {
  const store = await caches.open(STORE);
  await store.addAll(KEPT);
  await store.put(PAGE, await fetch(PAGE, { credentials: "omit" }));
}

async function forget() {
  for (const name of await caches.keys()) if (name !== STORE) await caches.delete(name);
}
