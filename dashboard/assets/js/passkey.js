// Passkeys: asks the browser for one and the centre what it makes of it. The pages are complete
// without this file: a form marked `data-passkey` is hidden until the browser can do what it says.

const bytes = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const letters = (buffer) => {
  const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte));
  return btoa(signs.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

/** What the centre says is wrong; the page has a sentence for everything else. */
class Refusal extends Error {}

async function send(address, content) {
  const answer = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(content),
  });
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return said;
  throw said.fault ? new Refusal(said.fault) : new Error(`${address}: ${answer.status}`);
}

async function made({ publicKey }) {
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.user.id = bytes(publicKey.user.id);
  for (const known of publicKey.excludeCredentials ?? []) known.id = bytes(known.id);
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
  return {
    id,
    rawId: letters(rawId),
    type,
    response: {
      attestationObject: letters(response.attestationObject),
      clientDataJSON: letters(response.clientDataJSON),
    },
  };
}

async function shown({ publicKey }) {
  publicKey.challenge = bytes(publicKey.challenge);
  publicKey.allowCredentials = [];
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
  return {
    id,
    rawId: letters(rawId),
    type,
    response: {
      authenticatorData: letters(response.authenticatorData),
      clientDataJSON: letters(response.clientDataJSON),
      signature: letters(response.signature),
      userHandle: response.userHandle && letters(response.userHandle),
    },
  };
}

/** One ceremony, from the button to the next page. */
async function perform(form) {
  const { passkey, begin, end } = form.dataset;
  const asked = await send(begin, {});
  const credential = passkey === "make" ? await made(asked) : await shown(asked);
  const typed = Object.fromEntries(new FormData(form));
  const { to } = await send(end, { ...typed, credential });
  location.assign(to);
}

function offer(form) {
  const said = form.querySelector("[role=alert]");
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    said.textContent = "";
    button.disabled = true;
    try {
      await perform(form);
    } catch (error) {
      // Whoever closed the browser's dialogue is told so too: nothing has happened.
      said.textContent = error instanceof Refusal ? error.message : form.dataset.fault;
      console.info(String(error));
    }
    button.disabled = false;
  });
  form.hidden = false;
}

if ("PublicKeyCredential" in globalThis) {
  const forms = [...document.querySelectorAll("form[data-passkey]")];
  // Passkeys belong to one address: at another the browser would refuse.
  const ours = forms.filter((form) => form.dataset.origin === location.origin);
  ours.forEach(offer);
  if (ours.length > 0) document.querySelector("[data-passkey-without]")?.remove();
}
