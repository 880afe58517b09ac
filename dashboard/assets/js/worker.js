// Shows a notice that came through the browser's push service, and opens its page when it is touched.
// It keeps nothing: no page and no data are stored on the device.

/** What is shown when a notice cannot be read: it came all the same. */
const UNREAD = { title: "Veglia", body: "Veglia: c’è un avviso.", link: "/", key: "veglia" };

function read(event) {
  try {
    return { ...UNREAD, ...event.data.json() };
  } catch {
    return UNREAD;
  }
}

self.addEventListener("push", (event) => {
  const { title, body, link, key } = read(event);
  // It stays until somebody touches it; the same notice twice is one.
  const shown = { body, tag: key, data: { link }, requireInteraction: true, lang: "it" };
  event.waitUntil(self.registration.showNotification(title, shown));
});

/** Only pages of this site are opened, whatever the message says. */
function address(link) {
  const wanted = new URL(link, self.location.origin);
  return wanted.origin === self.location.origin ? wanted.href : self.location.origin;
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(address(event.notification.data?.link ?? "/")));
});
