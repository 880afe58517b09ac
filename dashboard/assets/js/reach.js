// Whether this browser receives notices, and having it receive them. The page is complete without
// this file; only the subscription itself needs it.

const push = document.getElementById("reach-push");

/** The worker's address: it must be that of the whole site, not of the bundle. */
const WORKER = "/avvisi.js";

/** Browsers want a script's address to be vouched for: only ours is. */
const policy = globalThis.trustedTypes?.createPolicy("veglia-worker", {
  createScriptURL: (address) => {
    if (address !== WORKER) throw new TypeError("no such worker");
    return address;
  },
});

/** The server's key, as bytes. */
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

/** The words are the page's: it knows in which language. */
function say(word) {
  document.getElementById("reach-push-state").textContent = push.dataset[word];
}

/** The line of the list that is this browser. */
function mark(endpoint) {
  const own = [...document.querySelectorAll("[data-endpoint]")].find((it) => it.dataset.endpoint === endpoint);
  if (own) own.querySelector(".reach-this").hidden = false;
  return own !== undefined;
}

async function subscribe(worker) {
  if ((await Notification.requestPermission()) !== "granted") {
    say("forbidden");
    return;
  }
  say("subscribing");
  try {
    // A subscription made with another key would not be ours to use.
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    const key = bytes(push.dataset.key);
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const form = document.getElementById("reach-push-form");
    form.elements.iscrizione.value = JSON.stringify(made);
    form.submit();
  } catch (error) {
    say("failed");
    console.info(String(error));
  }
}

async function begin() {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) {
    say("unable");
    return;
  }
  const worker = await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER, { scope: "/" });
  const known = await worker.pushManager.getSubscription();
  if (known && mark(known.endpoint) && Notification.permission === "granted") {
    say("on");
    return;
  }
  say("off");
  const button = document.getElementById("reach-push-on");
  button.hidden = false;
  button.addEventListener("click", () => subscribe(worker));
}

if (push) begin().catch(() => say("refused"));
