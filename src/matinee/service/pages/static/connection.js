// Says when the connection is gone, and keeps a page for that.

/** Watch the connection; have the worker answer for pages that cannot be fetched. */
export function watchConnection() {
  const line = document.querySelector("[data-offline]");
  const update = () => {
    line.textContent = navigator.onLine
      ? ""
      : "You are offline. What is on this page stays; ratings have to wait.";
  };
  window.addEventListener("online", update);
  window.addEventListener("offline", update);
  update();
  navigator.serviceWorker?.register("/worker.js").catch(() => {});
}
