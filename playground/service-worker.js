/**
 * The playground without a network: all files of a build are kept when it is first seen, and served from there. They come with
 * the headers that isolate a page, which servers of plain files cannot send: networks then run on several threads.
 *
 * vite.config.ts puts the list of files, and its hash as the version, in front.
 */
/* global files, version */
const prefix = `resnetc-playground ${self.registration.scope} `;
const name = prefix + version;

// A newer build takes over once no page of this one is left: pages fetch parts of their own build later.
self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(name);
    // Past the browser's own cache: index.html is not named by its hash.
    await cache.addAll(files.map((file) => new Request(file, { cache: "reload" })));
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const renew = async () => {
    const old = (await caches.keys()).filter((key) => key.startsWith(prefix) && key !== name);
    await Promise.all(old.map((key) => caches.delete(key)));
    await self.clients.claim();
  };
  event.waitUntil(renew());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(name);
  const kept = await cache.match(request.mode === "navigate" ? "index.html" : request, {
    ignoreSearch: true,
  });
  const { status, statusText, headers, body } = kept ?? (await fetch(request));
  const isolated = new Headers(headers);
  isolated.set("cross-origin-opener-policy", "same-origin");
  isolated.set("cross-origin-embedder-policy", "require-corp");
  isolated.set("cross-origin-resource-policy", "same-origin");
  return new Response(body, { status, statusText, headers: isolated });
}
