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

function say(text) {
  document.getElementById("reach-push-state").textContent = text;
}

/** The line of the list that is this browser. */
function mark(endpoint) {
  const own = [...document.querySelectorAll("[data-endpoint]")].find((it) => it.dataset.endpoint === endpoint);
  if (own) own.querySelector(".reach-this").hidden = false;
  return own !== undefined;
}

async function subscribe(worker) {
  if ((await Notification.requestPermission()) !== "granted") {
    say("Il browser non permette le notifiche: consentirle nelle impostazioni del sito, poi riprovare.");
    return;
  }
  say("Iscrizione in corso…");
  try {
    // A subscription made with another key would not be ours to use.
    await (await worker.pushManager.getSubscription())?.unsubscribe();
    const key = bytes(push.dataset.key);
    const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
    const form = document.getElementById("reach-push-form");
    form.elements.iscrizione.value = JSON.stringify(made);
    form.submit();
  } catch (error) {
    say("L’iscrizione non è riuscita: il servizio di notifiche del browser non risponde. Riprovare più tardi.");
    console.info(String(error));
  }
}

async function begin() {
  if (!("serviceWorker" in navigator) || !("PushManager" in globalThis)) {
    say("Questo browser non riceve notifiche: usare un altro recapito.");
    return;
  }
  const worker = await navigator.serviceWorker.register(policy?.createScriptURL(WORKER) ?? WORKER, { scope: "/" });
  const known = await worker.pushManager.getSubscription();
  if (known && mark(known.endpoint) && Notification.permission === "granted") {
    say("Questo dispositivo riceve gli avvisi.");
    return;
  }
  say("Questo dispositivo non riceve gli avvisi.");
  const button = document.getElementById("reach-push-on");
  button.hidden = false;
  button.addEventListener("click", () => subscribe(worker));
}

if (push) begin().catch(() => say("Questo browser non permette le notifiche in questa pagina."));
